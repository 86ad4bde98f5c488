//! How files get to a client: which jobs, and what becomes of their answers.
//!
//! Jobs are given out ahead of their answers, also for files that come later; of a file that is
//! broken off the answers are dropped. The last piece of a file waits until it is known that the
//! file did not change while it was read.

use std::sync::Arc;

use bytes::Bytes;

use super::talk::{Outputs, Talk, octets};
use super::{ServerEvent, ServerOutput};
use crate::message::{Dictionary, Head, Operation};
use crate::session::terms;
use crate::{
    CHUNK, Catalogue, Digest, Done, Entry, Job, Opened, Promise, Unreadable, VirtualPath,
    digest::Algorithm,
};

/// Jobs without an answer, beyond which none is given out.
const MOST_ASKED: usize = 256;

/// Deletes that are said at a time: each is a message, and the driver's queue has an end.
const DELETES: usize = 64;

/// What a job was given out for.
#[derive(Debug)]
pub(super) enum Asked {
    /// Nobody waits for the answer any more.
    Dropped,
    /// No job: that a file is gone is said when what came before has been said.
    Delete(VirtualPath),
    /// Whether the client has this already.
    Check { entry: Arc<Entry>, claim: Digest },
    /// A step of a transfer.
    Step { transfer: u64, step: Step },
}

#[derive(Clone, Copy, Debug)]
pub(super) enum Step {
    Open,
    Read { len: u64 },
    Close,
}

/// A file on its way.
#[derive(Debug)]
pub(super) struct Transfer {
    id: u64,
    pub(super) entry: Arc<Entry>,
    /// For a client that understands it, once it is known.
    digest: Option<Digest>,
    stage: Stage,
    /// Where the next job begins to read.
    next: u64,
    /// What the client will have, counted from the start of the file.
    sent: u64,
    /// The client has heard of it.
    begun: bool,
    /// The last piece, which waits.
    last: Option<Bytes>,
}

/// Which jobs were given out for a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stage {
    /// It has to be open before it is known where to begin.
    Opening,
    /// Some.
    Open,
    /// All.
    Closing,
}

impl Transfer {
    fn promise(&self) -> Option<Promise> {
        let version = &self.entry.version;
        let (size, modified, mode) = (version.size, version.modified, version.mode);
        self.digest.map(|digest| Promise { size, digest, modified, mode })
    }

    fn headers(&self) -> Dictionary {
        self.promise().map_or_else(Dictionary::default, |promise| terms::headers(&promise))
    }

    fn size(&self) -> u64 {
        self.entry.version.size
    }
}

impl Talk {
    /// The next job, if there is something to do that there is credit for.
    pub(super) fn next_job(&mut self, catalogue: &Catalogue, out: &mut Outputs) -> Option<Job> {
        if self.asked.len() >= MOST_ASKED {
            return None;
        }
        if self.transfers.back().is_some_and(|transfer| transfer.stage != Stage::Closing) {
            return self.go_on();
        }
        self.delete_some(out);
        self.begin(catalogue).or_else(|| {
            // What was broken off need not stay open.
            std::mem::take(&mut self.open).then(|| {
                self.asked.push_back(Asked::Dropped);
                Job::Close
            })
        })
    }

    fn delete_some(&mut self, out: &mut Outputs) {
        for _ in 0..DELETES {
            let Some(name) = self.pending.pop_delete() else { break };
            self.asked.push_back(Asked::Delete(name));
        }
        self.say_deletes(out);
    }

    /// The next file that the client does not have.
    fn begin(&mut self, catalogue: &Catalogue) -> Option<Job> {
        loop {
            let resumed = self.resume.as_ref().map(|(name, _)| name);
            let resumed = resumed.filter(|name| self.pending.sends_it(name));
            let name = resumed.or_else(|| self.pending.next())?.clone();
            let Some(entry) = catalogue.get(&name).filter(|entry| self.wants(entry)) else {
                self.pending.take(&name);
                continue;
            };
            if let Some(&claim) = self.claims.get(&name) {
                let algorithm = terms::algorithm(&claim);
                let known = entry.digest(algorithm);
                if known.is_none() {
                    self.pending.take(&name);
                    self.asked.push_back(Asked::Check { entry: entry.clone(), claim });
                    return Some(Job::Digest(entry.clone(), algorithm));
                }
                if known == Some(claim) {
                    self.pending.take(&name);
                    self.forget_resume(&name);
                    continue;
                }
                self.claims.remove(&name);
            }
            if entry.version.size > 0 && self.credit == 0 {
                return None;
            }
            self.pending.take(&name);
            return Some(self.open(entry.clone()));
        }
    }

    fn forget_resume(&mut self, name: &VirtualPath) {
        self.resume.take_if(|(resumed, _)| resumed == name);
    }

    fn open(&mut self, entry: Arc<Entry>) -> Job {
        let resume = self.resume.take_if(|(name, _)| *name == entry.name).map(|(_, resume)| resume);
        let resume = resume.filter(|_| self.ours);
        let digest = if self.ours { entry.digest(Algorithm::Blake3) } else { None };
        let wanted = self.ours && digest.is_none();
        let stage = if resume.is_some() { Stage::Opening } else { Stage::Open };
        let id = self.next_id;
        self.next_id += 1;
        self.transfers.push_back(Transfer {
            id,
            entry: entry.clone(),
            digest,
            stage,
            next: 0,
            sent: 0,
            begun: false,
            last: None,
        });
        self.asked.push_back(Asked::Step { transfer: id, step: Step::Open });
        self.open = true;
        Job::Open { entry, digest: wanted, resume }
    }

    /// The next piece of the file that is open, or its end.
    fn go_on(&mut self) -> Option<Job> {
        let transfer = self.transfers.back()?;
        if transfer.stage == Stage::Opening {
            return None;
        }
        let (offset, rest) = (transfer.next, transfer.size().saturating_sub(transfer.next));
        let octets = if rest > 0 { self.piece_len(offset, rest)? } else { 0 };
        let transfer = self.transfers.back_mut()?;
        if octets == 0 {
            transfer.stage = Stage::Closing;
            self.asked.push_back(Asked::Step { transfer: transfer.id, step: Step::Close });
            self.open = false;
            return Some(Job::Close);
        }
        transfer.next += octets;
        self.credit -= octets;
        let step = Step::Read { len: octets };
        self.asked.push_back(Asked::Step { transfer: transfer.id, step });
        // It is no more than a chunk.
        Some(Job::Read { offset, len: usize::try_from(octets).unwrap_or(CHUNK) })
    }

    /// The first job without an answer has one.
    pub(super) fn done(&mut self, done: Done, out: &mut Outputs) {
        let Some(asked) = self.asked.pop_front() else { return };
        match (asked, done) {
            (Asked::Check { entry, claim }, Done::Digest(digest)) => {
                self.checked(&entry, claim, digest, out);
            }
            (Asked::Step { transfer, step }, done) => {
                // It is the first, for what was broken off is not waited for.
                debug_assert_eq!(self.transfers.front().map(|first| first.id), Some(transfer));
                self.stepped(step, done, out);
            }
            _ => {}
        }
        self.say_deletes(out);
    }

    fn checked(
        &mut self,
        entry: &Entry,
        claim: Digest,
        digest: Result<Digest, Unreadable>,
        out: &mut Outputs,
    ) {
        let name = &entry.name;
        match digest {
            Ok(digest) if digest == claim => self.forget_resume(name),
            Ok(_) => {
                // Unless what the client says has changed meanwhile, or the file is gone.
                if self.claims.get(name) == Some(&claim) {
                    self.claims.remove(name);
                }
                if !self.pending.deletes_it(name) {
                    self.pending.send(name.clone());
                }
            }
            Err(unreadable) => tell_unreadable(name, unreadable, out),
        }
    }

    fn stepped(&mut self, step: Step, done: Done, out: &mut Outputs) {
        let unreadable = match (step, done) {
            (Step::Open, Done::Opened(Ok(opened))) => return self.opened(&opened),
            (Step::Read { len }, Done::Read(Ok(chunk))) if chunk.len() as u64 == len => {
                return self.read(chunk, out);
            }
            (Step::Close, Done::Closed(Ok(()))) => return self.closed(out),
            (_, Done::Opened(Err(unreadable)))
            | (_, Done::Read(Err(unreadable)))
            | (_, Done::Closed(Err(unreadable))) => unreadable,
            // The answer to something else: nothing is known of the file.
            _ => Unreadable::Changed,
        };
        let Some(first) = self.transfers.front() else { return };
        let name = first.entry.name.clone();
        match step {
            // There is nothing to close.
            Step::Open if first.stage != Stage::Closing => self.open = false,
            Step::Read { len } => self.credit = self.credit.saturating_add(len),
            _ => {}
        }
        self.abort(&name, out);
        tell_unreadable(&name, unreadable, out);
    }

    fn opened(&mut self, opened: &Opened) {
        let Some(transfer) = self.transfers.front_mut() else { return };
        transfer.digest = transfer.digest.or(opened.digest);
        if transfer.stage != Stage::Opening {
            return;
        }
        transfer.stage = Stage::Open;
        // Without a promise the client would not know what the rest belongs to.
        if transfer.digest.is_some() && opened.offset <= transfer.size() {
            transfer.next = opened.offset;
            transfer.sent = opened.offset;
        }
    }

    fn read(&mut self, chunk: Bytes, out: &mut Outputs) {
        let Some(transfer) = self.transfers.front_mut() else { return };
        transfer.sent += chunk.len() as u64;
        if transfer.sent >= transfer.size() {
            transfer.last = Some(chunk);
        } else {
            self.piece(chunk, out);
        }
    }

    /// The file did not change while it was read.
    fn closed(&mut self, out: &mut Outputs) {
        let Some(transfer) = self.transfers.front_mut() else { return };
        let entry = transfer.entry.clone();
        let (name, size) = (&entry.name, entry.version.size);
        if let Some(last) = transfer.last.take() {
            self.piece(last, out);
        } else {
            let headers = self.first(out);
            if self.ours {
                self.say_nothing_more(name, Operation::Create, size, &headers, out);
            }
        }
        if !self.ours {
            self.say_nothing_more(name, Operation::Create, size, &Dictionary::default(), out);
            self.sizes.remember(name, size);
        }
        self.transfers.pop_front();
        out.push_back(ServerOutput::Event(ServerEvent::Sent { name: name.clone(), size }));
    }

    /// The client gets what was read last.
    fn piece(&mut self, chunk: Bytes, out: &mut Outputs) {
        let headers = self.first(out);
        let Some(transfer) = self.transfers.front() else { return };
        let (entry, sent, size) = (transfer.entry.clone(), transfer.sent, transfer.size());
        let head = Head {
            sequence: 0,
            operation: Operation::Create,
            filename: octets(&entry.name),
            offset: sent - chunk.len() as u64,
            eof: self.ours && sent == size,
            headers: &headers,
        };
        self.say(head, chunk, out);
        let event = ServerEvent::Progress { name: entry.name.clone(), sent, size };
        out.push_back(ServerOutput::Event(event));
    }

    /// The client is about to hear of the first file: what is to be said ahead, if it does so for the
    /// first time. Another implementation writes a new state over the old one, whose end would stay
    /// if it was longer.
    fn first(&mut self, out: &mut Outputs) -> Dictionary {
        let Some(transfer) = self.transfers.front_mut() else { return Dictionary::default() };
        if std::mem::replace(&mut transfer.begun, true) {
            return Dictionary::default();
        }
        let (headers, entry) = (transfer.headers(), transfer.entry.clone());
        if !self.ours && self.sizes.may_exceed(&entry.name, entry.version.size) {
            self.say_delete(&entry.name, out);
        }
        headers
    }

    /// Breaks off the transfer of a file. Whether the client was told that the file is gone.
    pub(super) fn abort(&mut self, name: &VirtualPath, out: &mut Outputs) -> bool {
        let found = self.transfers.iter().position(|transfer| transfer.entry.name == *name);
        let Some(transfer) = found.and_then(|at| self.transfers.remove(at)) else { return false };
        self.drop_steps(&transfer);
        if !transfer.begun {
            return false;
        }
        let waiting = transfer.last.as_ref().map_or(0, |last| last.len() as u64);
        self.credit = self.credit.saturating_add(waiting);
        let offset = transfer.sent - waiting;
        if self.ours {
            self.say_nothing_more(name, Operation::Create, offset, &terms::abort(), out);
        } else {
            // C writes the next file into this one unless it hears of its end.
            self.say_nothing_more(name, Operation::Create, offset, &Dictionary::default(), out);
            self.say_delete(name, out);
        }
        out.push_back(ServerOutput::Event(ServerEvent::Aborted { name: name.clone() }));
        !self.ours
    }

    /// Nobody waits for its jobs any more, and what was not sent costs nothing.
    fn drop_steps(&mut self, dropped: &Transfer) {
        for asked in &mut self.asked {
            if let Asked::Step { transfer, step } = asked
                && *transfer == dropped.id
            {
                if let Step::Read { len } = step {
                    self.credit = self.credit.saturating_add(*len);
                }
                *asked = Asked::Dropped;
            }
        }
    }
}

/// A file that has changed is heard of again by itself.
fn tell_unreadable(name: &VirtualPath, unreadable: Unreadable, out: &mut Outputs) {
    if let Unreadable::Failed(reason) = unreadable {
        let event = ServerEvent::Unreadable { name: name.clone(), reason };
        out.push_back(ServerOutput::Event(event));
    }
}
