//! One file on its way to a client.

use std::collections::VecDeque;
use std::sync::Arc;

use bytes::Bytes;

use crate::catalogue::Entry;
use crate::digest::Digest;
use crate::message::Dictionary;
use crate::session::{FileInfo, OpenedFile, extensions};

/// A job of a transfer that has no result yet.
#[derive(Clone, Copy, Debug)]
pub(super) enum Step {
    Open,
    Read { len: u64 },
    Close,
}

/// Which jobs of a transfer have been given out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phase {
    /// Only the first: the client may have the beginning of the file, so where to read from is not
    /// known before it is open.
    Opening,
    /// Some; the next one reads from here.
    Reading { next: u64 },
    /// All of them.
    Closing,
}

/// A file on its way to a client, with the jobs that are being done for it.
///
/// The last piece is held back until it is known that the file did not change while it was read.
#[derive(Debug)]
pub(super) struct Transfer {
    entry: Arc<Entry>,
    /// For a client that understands it, as soon as it is known.
    digest: Option<Digest>,
    phase: Phase,
    /// Jobs without a result, in their order.
    steps: VecDeque<Step>,
    /// What the client will have, counted from the start of the file.
    sent: u64,
    /// Whether the client has heard of the file.
    begun: bool,
    last: Option<Bytes>,
    /// Which fetch of the client this answers.
    fetch: u64,
}

impl Transfer {
    /// Starts a transfer, whose first job opens the file.
    pub(super) fn new(
        entry: Arc<Entry>,
        digest: Option<Digest>,
        resumes: bool,
        fetch: u64,
    ) -> Self {
        let phase = if resumes { Phase::Opening } else { Phase::Reading { next: 0 } };
        let steps = VecDeque::from([Step::Open]);
        Self { entry, digest, phase, steps, sent: 0, begun: false, last: None, fetch }
    }

    pub(super) const fn entry(&self) -> &Arc<Entry> {
        &self.entry
    }

    pub(super) fn size(&self) -> u64 {
        self.entry.version().size
    }

    /// Whether all jobs have been given out.
    pub(super) fn is_closing(&self) -> bool {
        self.phase == Phase::Closing
    }

    /// Returns where the next job reads from; `None` while the file has to be opened first.
    pub(super) const fn next(&self) -> Option<u64> {
        match self.phase {
            Phase::Reading { next } => Some(next),
            Phase::Opening | Phase::Closing => None,
        }
    }

    /// Notes that a job was given out that reads the next `len` bytes.
    pub(super) fn give_read(&mut self, len: u64) {
        if let Phase::Reading { next } = &mut self.phase {
            *next += len;
        }
        self.steps.push_back(Step::Read { len });
    }

    /// Notes that the last job was given out.
    pub(super) fn give_close(&mut self) {
        self.phase = Phase::Closing;
        self.steps.push_back(Step::Close);
    }

    /// Takes the oldest job without a result.
    pub(super) fn pop_step(&mut self) -> Option<Step> {
        self.steps.pop_front()
    }

    /// How many jobs have no result, and how many bytes they read.
    pub(super) fn unfinished(&self) -> (usize, u64) {
        let bytes = |step: &Step| if let Step::Read { len } = step { *len } else { 0 };
        (self.steps.len(), self.steps.iter().map(bytes).sum())
    }

    /// Handles that the file is open.
    pub(super) fn opened(&mut self, opened: &OpenedFile) {
        self.digest = self.digest.or(opened.digest);
        if self.phase == Phase::Opening {
            // Without an announcement the client would not know what the rest belongs to.
            let fits = self.digest.is_some() && opened.offset <= self.size();
            let next = if fits { opened.offset } else { 0 };
            self.phase = Phase::Reading { next };
            self.sent = next;
        }
    }

    /// Handles what was read, and returns it unless it is the last piece.
    pub(super) fn read(&mut self, chunk: Bytes) -> Option<Bytes> {
        self.sent += chunk.len() as u64;
        if self.sent < self.size() {
            return Some(chunk);
        }
        self.last = Some(chunk);
        None
    }

    /// Takes the last piece.
    pub(super) const fn take_last(&mut self) -> Option<Bytes> {
        self.last.take()
    }

    /// Bytes that the client will have with the piece that was read last.
    pub(super) const fn sent(&self) -> u64 {
        self.sent
    }

    /// Returns whether the client had not heard of the file, which it does now.
    pub(super) const fn begin(&mut self) -> bool {
        !std::mem::replace(&mut self.begun, true)
    }

    pub(super) const fn has_begun(&self) -> bool {
        self.begun
    }

    /// What is announced of the file, if its digest is known, and which fetch it answers.
    pub(super) fn headers(&self) -> Dictionary {
        let version = self.entry.version();
        let (size, modified, mode) = (version.size, version.modified, version.mode);
        let info = self.digest.map(|digest| FileInfo { size, digest, modified, mode });
        let mut headers = info.map_or_else(Dictionary::default, |info| extensions::headers(&info));
        if self.fetch > 1 {
            headers.push(extensions::FETCH, self.fetch.to_string());
        }
        headers
    }
}
