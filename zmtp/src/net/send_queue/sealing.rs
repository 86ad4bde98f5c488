//! Frames that are sealed as they are written.

use super::unsent::Unsent;
use crate::frame::IncomingHeader;
use crate::mechanism::curve::{OVERHEAD, Sealer};

/// Bytes that are sealed for a system call, or a whole frame: its tag comes first, so it has to be
/// sealed to its end before its first byte can be written.
const MAX_SEALED: usize = 64 << 10;

/// Bytes of memory that are kept while nothing is sent, since most messages are small.
const MAX_IDLE: usize = 256;

/// What seals the frames of a connection, and those that are sealed and not yet written.
#[derive(Debug)]
pub(super) struct Sealing {
    sealer: Box<Sealer>,
    sealed: Vec<u8>,
    /// Bytes of it that the kernel has taken. It is empty when all are.
    begun: usize,
}

impl Sealing {
    pub(super) const fn new(sealer: Box<Sealer>) -> Self {
        Self { sealer, sealed: Vec::new(), begun: 0 }
    }

    /// Returns whether there is something to write, if there is something `more` to seal or not.
    /// Gives back the memory that a quiet connection does not need.
    pub(super) fn is_left(&mut self, more: bool) -> bool {
        let left = more || !self.sealed.is_empty();
        if !left && self.sealed.capacity() > MAX_IDLE {
            self.sealed = Vec::new();
        }
        left
    }

    /// Returns what is written next. Seals frames of `plain` if there is nothing.
    pub(super) fn next(&mut self, plain: &mut Unsent) -> &[u8] {
        if self.sealed.is_empty() {
            // Whatever comes now is a header in one piece.
            while self.sealed.len() < MAX_SEALED
                && let Ok(Some(frame)) = IncomingHeader::parse(plain.first())
            {
                self.seal(&frame, plain);
            }
        }
        &self.sealed[self.begun..]
    }

    fn seal(&mut self, frame: &IncomingHeader, plain: &mut Unsent) {
        plain.advance(frame.header);
        // It is one of ours, and in memory.
        let size = usize::try_from(frame.body).unwrap_or(usize::MAX);
        self.sealed.reserve(OVERHEAD + 9 + size);
        let put = |out: &mut Vec<u8>| plain.move_to(size, out);
        self.sealer.seal(frame.sealed_flags(), size, &mut self.sealed, put);
    }

    /// Takes note of `taken` bytes that the kernel has taken.
    pub(super) fn advance(&mut self, taken: usize) {
        self.begun += taken;
        if self.begun == self.sealed.len() {
            self.begun = 0;
            self.sealed.clear();
        }
    }
}
