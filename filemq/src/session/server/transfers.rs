//! What is being done for a client: jobs and their results.
//!
//! Jobs are given out ahead of their results, also for files that come later. The results of a file
//! that was broken off are dropped.

use std::collections::VecDeque;
use std::sync::Arc;

use bytes::Bytes;

use super::event::{ServerOutput, ServerOutputs, ServerSessionEvent};
use super::piece_writer::{Piece, PieceWriter};
use super::transfer::{Step, Transfer};
use super::unconfirmed::UnconfirmedFiles;
use crate::VirtualPath;
use crate::catalogue::Entry;
use crate::digest::{Algorithm, Digest};
use crate::message::{CHUNK, Dictionary, Receipt};
use crate::session::{Job, JobResult, ResumePoint, Unreadable};

/// The most jobs without a result, and deletes that wait for them.
const MAX_WAITING: usize = 256;

/// Something that is being done, in the order in which it was begun.
#[derive(Debug)]
enum Work {
    /// Jobs whose results are dropped.
    Dropped(usize),
    /// A delete, which is said when everything before it has been said.
    Delete(VirtualPath),
    /// A job that finds out whether the client has the file already.
    Check { entry: Arc<Entry>, claim: Digest },
    /// A file, and the jobs for it.
    Transfer(Transfer),
}

/// What the result of a job means for a file.
pub(super) enum Finished {
    /// It is known whether the client has the file.
    Checked { entry: Arc<Entry>, claim: Digest, digest: Digest },
    /// All of the file is on its way.
    Sent,
    /// The file could not be read.
    Failed { entry: Arc<Entry>, unreadable: Unreadable },
}

/// What is being done for a client. Only the last transfer can still need jobs.
#[derive(Debug)]
pub(super) struct Transfers {
    writer: PieceWriter,
    queue: VecDeque<Work>,
    /// How many jobs and deletes are in the queue.
    waiting: usize,
    /// Bytes that the client can take.
    credit: u64,
    /// The most credit that was given at a time. A client of this implementation gives all that it
    /// has before it takes something.
    window: u64,
    /// Whether a file was opened that no job has closed.
    unclosed: bool,
    /// `None` if the client does not say what becomes of files.
    unconfirmed: Option<UnconfirmedFiles>,
}

impl Transfers {
    pub(super) const fn new(sizes: usize) -> Self {
        let writer = PieceWriter::new(sizes);
        Self {
            writer,
            queue: VecDeque::new(),
            waiting: 0,
            credit: 0,
            window: 0,
            unclosed: false,
            unconfirmed: None,
        }
    }

    /// Whether the client is of this implementation.
    pub(super) const fn is_ours(&self) -> bool {
        self.writer.ours
    }

    pub(super) const fn set_ours(&mut self, ours: bool) {
        self.writer.ours = ours;
    }

    /// Sets whether the client says what becomes of files.
    pub(super) fn set_receipts(&mut self, receipts: bool) {
        self.unconfirmed = receipts.then(UnconfirmedFiles::default);
    }

    /// Returns whether the client has still to say what has become of a file.
    pub(super) fn awaits(&self, name: &VirtualPath) -> bool {
        self.unconfirmed.as_ref().is_some_and(|unconfirmed| unconfirmed.awaits(name))
    }

    pub(super) const fn has_receipts(&self) -> bool {
        self.unconfirmed.is_some()
    }

    /// Handles that a file has changed or is gone: what the client says of the state that it was sent
    /// is of no account any more.
    pub(super) fn forget_unconfirmed(&mut self, name: &VirtualPath) {
        self.unconfirmed.iter_mut().for_each(|unconfirmed| unconfirmed.forget(name));
    }

    /// Handles what the client says of a file. Returns the news, if there are any.
    pub(super) fn handle_receipt(&mut self, receipt: &Receipt) -> Option<ServerSessionEvent> {
        self.unconfirmed.as_mut()?.handle_receipt(receipt)
    }

    pub(super) const fn has_credit(&self) -> bool {
        self.credit > 0
    }

    /// Handles that the client can take more.
    pub(super) fn grant(&mut self, credit: u64) {
        self.window = self.window.max(credit);
        self.credit = self.credit.saturating_add(credit);
    }

    /// Whether nothing more should be begun before there are results.
    pub(super) const fn is_full(&self) -> bool {
        self.waiting >= MAX_WAITING
    }

    /// Returns how many jobs have no result, and whether a file is open that no job closes.
    pub(super) fn unfinished(&self) -> (usize, bool) {
        let jobs = |work: &Work| match work {
            Work::Dropped(jobs) => *jobs,
            Work::Delete(_) => 0,
            Work::Check { .. } => 1,
            Work::Transfer(transfer) => transfer.unfinished().0,
        };
        (self.queue.iter().map(jobs).sum(), self.unclosed)
    }

    /// The files that are on their way.
    pub(super) fn entries(&self) -> impl Iterator<Item = &Arc<Entry>> {
        self.queue.iter().filter_map(|work| match work {
            Work::Transfer(transfer) => Some(transfer.entry()),
            _ => None,
        })
    }

    /// Adds a delete, which is said at once if nothing comes before it.
    pub(super) fn delete(&mut self, name: VirtualPath) {
        self.waiting += 1;
        self.queue.push_back(Work::Delete(name));
    }

    /// Adds a check whether the client has the file already.
    pub(super) fn check(&mut self, entry: Arc<Entry>, claim: Digest) -> Job {
        self.waiting += 1;
        self.queue.push_back(Work::Check { entry: entry.clone(), claim });
        Job::Digest(entry, claim.algorithm())
    }

    /// Begins a transfer, of a file that was fetched for this time.
    pub(super) fn open(
        &mut self,
        entry: Arc<Entry>,
        resume: Option<ResumePoint>,
        fetch: u64,
    ) -> Job {
        let known = entry.digest(Algorithm::Blake3).filter(|_| self.is_ours());
        let digest = self.is_ours() && known.is_none();
        let resume = resume.filter(|_| self.is_ours());
        let transfer = Transfer::new(entry.clone(), known, resume.is_some(), fetch);
        self.waiting += 1;
        self.queue.push_back(Work::Transfer(transfer));
        self.unclosed = true;
        Job::Open { entry, digest, resume }
    }

    /// Returns the job that closes a file which was broken off, if there is one.
    pub(super) fn close_unused(&mut self) -> Option<Job> {
        if !std::mem::take(&mut self.unclosed) {
            return None;
        }
        self.waiting += 1;
        self.queue.push_back(Work::Dropped(1));
        Some(Job::Close)
    }

    /// Whether the last transfer still needs jobs.
    pub(super) fn is_transferring(&self) -> bool {
        matches!(self.queue.back(), Some(Work::Transfer(transfer)) if !transfer.is_closing())
    }

    /// Returns the next job of the last transfer: it reads a piece, or closes the file.
    pub(super) fn next_step(&mut self) -> Option<Job> {
        let Some(Work::Transfer(transfer)) = self.queue.back() else { return None };
        let (offset, size) = (transfer.next()?, transfer.size());
        let rest = size.saturating_sub(offset);
        let len = if rest > 0 { self.piece_len(offset, rest)? } else { 0 };
        let Some(Work::Transfer(transfer)) = self.queue.back_mut() else { return None };
        self.waiting += 1;
        if len == 0 {
            transfer.give_close();
            self.unclosed = false;
            return Some(Job::Close);
        }
        transfer.give_read(len);
        self.credit -= len;
        // It is no more than a chunk.
        Some(Job::Read { offset, len: usize::try_from(len).unwrap_or(CHUNK) })
    }

    /// Returns how much of `rest` bytes from `offset` the next piece has; `None` if there has to be
    /// more credit first.
    ///
    /// Another implementation gets what there is credit for. One of ours gives credit again for
    /// what it has taken, except for the last quarter: a piece that fits into the rest is worth
    /// waiting for, so that pieces begin and end at the same places for all clients, and are
    /// shared.
    fn piece_len(&self, offset: u64, rest: u64) -> Option<u64> {
        let chunk = CHUNK as u64;
        if !self.is_ours() {
            return Some(rest.min(chunk).min(self.credit)).filter(|len| *len > 0);
        }
        let whole = rest.min(chunk - offset % chunk);
        let comes = whole <= self.window - self.window / 4;
        let len = if comes { whole } else { whole.min(self.credit) };
        (len > 0 && len <= self.credit).then_some(len)
    }

    /// Handles the result of the oldest job.
    pub(super) fn handle_result(
        &mut self,
        result: JobResult,
        out: &mut ServerOutputs,
    ) -> Option<Finished> {
        self.say_deletes(out);
        match self.queue.front_mut()? {
            // All deletes at the front were just said.
            Work::Delete(_) => return None,
            Work::Dropped(jobs) => {
                *jobs = jobs.saturating_sub(1);
                if *jobs == 0 {
                    self.queue.pop_front();
                }
            }
            Work::Check { entry, claim } => {
                let checked = match result {
                    JobResult::Digest(digest) => Some((entry.clone(), *claim, digest)),
                    _ => None,
                };
                self.queue.pop_front();
                self.waiting = self.waiting.saturating_sub(1);
                return checked.map(|(entry, claim, digest)| match digest {
                    Ok(digest) => Finished::Checked { entry, claim, digest },
                    Err(unreadable) => Finished::Failed { entry, unreadable },
                });
            }
            Work::Transfer(transfer) => {
                let step = transfer.pop_step()?;
                let finished = self.step(step, result, out);
                self.waiting = self.waiting.saturating_sub(1);
                return finished;
            }
        }
        self.waiting = self.waiting.saturating_sub(1);
        None
    }

    /// Says all deletes that have nothing before them.
    pub(super) fn say_deletes(&mut self, out: &mut ServerOutputs) {
        while matches!(self.queue.front(), Some(Work::Delete(_))) {
            let Some(Work::Delete(name)) = self.queue.pop_front() else { break };
            self.waiting = self.waiting.saturating_sub(1);
            self.writer.delete(&name, out);
            self.forget_unconfirmed(&name);
            out.push_back(ServerOutput::Event(ServerSessionEvent::Deleted { name }));
        }
    }

    fn front(&mut self) -> Option<&mut Transfer> {
        match self.queue.front_mut() {
            Some(Work::Transfer(transfer)) => Some(transfer),
            _ => None,
        }
    }

    /// Handles the result of a job of the first transfer.
    fn step(&mut self, step: Step, result: JobResult, out: &mut ServerOutputs) -> Option<Finished> {
        let transfer = self.front()?;
        let unreadable = match (step, result) {
            (Step::Open, JobResult::Opened(Ok(opened))) => {
                transfer.opened(&opened);
                return None;
            }
            (Step::Read { len }, JobResult::Read(Ok(chunk))) if chunk.len() as u64 == len => {
                if let Some(chunk) = transfer.read(chunk) {
                    self.piece(chunk, out);
                }
                return None;
            }
            (Step::Close, JobResult::Closed(Ok(()))) => {
                self.complete(out);
                return Some(Finished::Sent);
            }
            (
                _,
                JobResult::Opened(Err(unreadable))
                | JobResult::Read(Err(unreadable))
                | JobResult::Closed(Err(unreadable)),
            ) => unreadable,
            // The result of another kind of job: nothing is known about the file.
            _ => Unreadable::Changed,
        };
        let (entry, closing) = (transfer.entry().clone(), transfer.is_closing());
        match step {
            // There is nothing to close.
            Step::Open if !closing => self.unclosed = false,
            Step::Read { len } => self.credit = self.credit.saturating_add(len),
            _ => {}
        }
        self.abort(entry.name(), out);
        Some(Finished::Failed { entry, unreadable })
    }

    /// Sends the piece that was read last.
    fn piece(&mut self, chunk: Bytes, out: &mut ServerOutputs) {
        let headers = self.begin(out);
        let Some(transfer) = self.front() else { return };
        let (entry, sent, size) = (transfer.entry().clone(), transfer.sent(), transfer.size());
        let (name, offset) = (entry.name(), sent - chunk.len() as u64);
        let piece = Piece { name, offset, last: sent == size, headers: &headers };
        self.writer.piece(&piece, chunk, out);
        let event = ServerSessionEvent::Progress { name: name.clone(), sent, size };
        out.push_back(ServerOutput::Event(event));
    }

    /// Returns the headers for the next piece of the first transfer, which only its first piece
    /// has.
    fn begin(&mut self, out: &mut ServerOutputs) -> Dictionary {
        let Some(transfer) = self.front() else { return Dictionary::default() };
        if !transfer.begin() {
            return Dictionary::default();
        }
        let (headers, entry) = (transfer.headers(), transfer.entry().clone());
        let (name, size) = (entry.name(), entry.version().size);
        self.writer.begin(name, size, out);
        if let Some(unconfirmed) = &mut self.unconfirmed {
            unconfirmed.begin(name, size, self.writer.sequence());
        }
        headers
    }

    /// Completes the first transfer: the file did not change while it was read.
    fn complete(&mut self, out: &mut ServerOutputs) {
        let Some(transfer) = self.front() else { return };
        let (entry, last) = (transfer.entry().clone(), transfer.take_last());
        let (name, size) = (entry.name(), entry.version().size);
        let mut headers = Dictionary::default();
        let empty = last.is_none();
        match last {
            Some(last) => self.piece(last, out),
            None => headers = self.begin(out),
        }
        if empty || !self.is_ours() {
            let piece = Piece { name, offset: size, last: true, headers: &headers };
            self.writer.end(&piece, out);
        }
        self.queue.pop_front();
        let (receipt_follows, name) = (self.awaits(name), name.clone());
        let event = ServerSessionEvent::Sent { name, size, receipt_follows };
        out.push_back(ServerOutput::Event(event));
    }

    /// Breaks off everything that is being done for a file. Returns whether the client was told
    /// that the file is gone.
    pub(super) fn abort(&mut self, name: &VirtualPath, out: &mut ServerOutputs) -> bool {
        self.drop_checks(name);
        let found = self.queue.iter().position(
            |work| matches!(work, Work::Transfer(transfer) if transfer.entry().name() == name),
        );
        let Some(at) = found else { return false };
        let Some(Work::Transfer(mut transfer)) = self.queue.remove(at) else { return false };
        let (jobs, bytes) = transfer.unfinished();
        if jobs > 0 {
            self.queue.insert(at, Work::Dropped(jobs));
        }
        // What is not sent costs no credit.
        let held_back = transfer.take_last().map_or(0, |last| last.len() as u64);
        self.credit = self.credit.saturating_add(bytes).saturating_add(held_back);
        if !transfer.has_begun() {
            return false;
        }
        let deleted = self.writer.abort(name, transfer.sent() - held_back, out);
        self.forget_unconfirmed(name);
        out.push_back(ServerOutput::Event(ServerSessionEvent::Aborted { name: name.clone() }));
        deleted
    }

    /// Drops checks whether the client has an earlier state of the file.
    fn drop_checks(&mut self, name: &VirtualPath) {
        for work in &mut self.queue {
            if matches!(work, Work::Check { entry, .. } if entry.name() == name) {
                *work = Work::Dropped(1);
            }
        }
    }
}
