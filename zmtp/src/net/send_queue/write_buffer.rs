//! Messages that wait to be written, as frames that are not sealed.

use std::collections::VecDeque;

use bytes::Bytes;

use super::unsent::Unsent;
use crate::FrameHeader;

/// Bodies of at most this many bytes are copied next to their header; longer ones go out by
/// reference.
/// A copy of that size costs about as much as one more slice in a system call.
const MAX_COPIED_BODY: usize = 8 << 10;

/// The size at which a run of copied bytes is closed and another one begun.
const MAX_RUN: usize = 64 << 10;

/// The least that is reserved for a run, in bytes.
const MIN_RUN: usize = 256;

/// Bytes of memory that an empty buffer keeps, since most messages are small and come alone.
const MAX_IDLE_RUN: usize = 2 * MIN_RUN;

/// A sequence of bytes: runs of copied bytes, and between them bodies that are only referred to. The
/// header of a frame is in one piece.
#[derive(Debug, Default)]
pub(super) struct WriteBuffer {
    closed: VecDeque<Bytes>,
    run: Vec<u8>,
}

impl WriteBuffer {
    /// Appends one message.
    pub(super) fn push(&mut self, head: &[u8], content: &[Bytes]) {
        let copied = |body: &Bytes| if body.len() <= MAX_COPIED_BODY { body.len() } else { 0 };
        // 9 bytes for each header, and the bodies: one reservation for all that is copied.
        self.reserve(
            head.len() + content.iter().map(copied).sum::<usize>() + content.len() * 9 + 9,
        );
        self.run.extend_from_slice(&FrameHeader::message(head.len(), !content.is_empty()));
        self.run.extend_from_slice(head);
        for (i, body) in content.iter().enumerate() {
            self.run.extend_from_slice(&FrameHeader::message(body.len(), i + 1 < content.len()));
            if body.len() <= MAX_COPIED_BODY {
                self.run.extend_from_slice(body);
            } else {
                self.close();
                self.closed.push_back(body.clone());
            }
        }
    }

    /// Appends a message of one frame, which consists of `head` and `content`.
    pub(super) fn push_frame(&mut self, head: &[u8], content: Bytes) {
        let copied = content.len() <= MAX_COPIED_BODY;
        self.reserve(9 + head.len() + if copied { content.len() } else { 0 });
        self.run.extend_from_slice(&FrameHeader::message(head.len() + content.len(), false));
        self.run.extend_from_slice(head);
        if copied {
            self.run.extend_from_slice(&content);
        } else {
            self.close();
            self.closed.push_back(content);
        }
    }

    /// Appends bytes as they are.
    pub(super) fn push_raw(&mut self, bytes: &[u8]) {
        self.reserve(bytes.len());
        self.run.extend_from_slice(bytes);
    }

    /// Moves everything to the end of `to`.
    pub(super) fn take(&mut self, to: &mut Unsent) {
        if self.closed.is_empty() && to.is_empty() {
            // Two runs take turns: one is filled while the other is written.
            to.take_run(&mut self.run);
        } else {
            self.close();
            to.append(&mut self.closed);
        }
    }

    /// Gives the memory back, but what the next small messages need; `sent` had some of it. Only
    /// for an empty buffer whose bytes are all sent.
    pub(super) fn release(&mut self, sent: &mut Unsent) {
        let other = sent.release();
        if !(1..=MAX_IDLE_RUN).contains(&self.run.capacity()) {
            self.run = other;
        }
        if self.run.capacity() > MAX_IDLE_RUN {
            self.run = Vec::new();
        }
        if self.closed.capacity() > 0 {
            self.closed = VecDeque::new();
        }
    }

    /// Returns how much memory is reserved.
    #[cfg(test)]
    pub(super) fn capacity(&self) -> usize {
        self.run.capacity() + self.closed.capacity() * size_of::<Bytes>()
    }

    fn reserve(&mut self, additional: usize) {
        if self.run.len() + additional > MAX_RUN && !self.run.is_empty() {
            self.close();
            // What has come fast goes on so.
            self.run.reserve(MAX_RUN);
        }
        if self.run.capacity() - self.run.len() < additional {
            self.run.reserve(additional.max(MIN_RUN));
        }
    }

    /// Ends the run, so that something else can come after it.
    fn close(&mut self) {
        if self.run.is_empty() {
            return;
        }
        // What is mostly empty is copied, and its memory used again: between large bodies there are
        // only headers.
        let closed = if self.run.len() < self.run.capacity() / 2 {
            let copy = Bytes::copy_from_slice(&self.run);
            self.run.clear();
            copy
        } else {
            std::mem::take(&mut self.run).into()
        };
        self.closed.push_back(closed);
    }
}
