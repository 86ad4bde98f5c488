//! Octets that wait to be written.

use std::collections::VecDeque;

use bytes::{BufMut, Bytes, BytesMut};

use crate::Encoder;

/// Bodies up to this many octets are copied next to their header; longer ones go out by reference.
/// A copy of that size costs about as much as one more slice in a system call.
const COPY: usize = 8 << 10;

/// The size at which a run of copied octets is closed and another begun.
const RUN: usize = 64 << 10;

/// The least that is reserved for a run.
const FIRST: usize = 512;

/// A sequence of octets: runs of what was copied, and between them what is only referred to.
#[derive(Debug, Default)]
pub(super) struct Segments {
    closed: VecDeque<Bytes>,
    run: BytesMut,
}

impl Segments {
    /// Appends one message.
    pub(super) fn push(&mut self, encoder: &mut Encoder, head: &[u8], content: &[Bytes]) {
        let copied = |body: &Bytes| if body.len() <= COPY { body.len() } else { 0 };
        // 9 octets for each header, and the bodies: one reservation for all that is copied.
        self.reserve(
            head.len() + content.iter().map(copied).sum::<usize>() + content.len() * 9 + 9,
        );
        self.run.put_slice(&encoder.header(head.len(), !content.is_empty()));
        self.run.put_slice(head);
        for (i, body) in content.iter().enumerate() {
            self.run.put_slice(&encoder.header(body.len(), i + 1 < content.len()));
            if body.len() <= COPY {
                self.run.put_slice(body);
            } else {
                self.close();
                self.closed.push_back(body.clone());
            }
        }
    }

    /// Appends a message of one frame, which is `head` and then `content`.
    pub(super) fn push_frame(&mut self, encoder: &mut Encoder, head: &[u8], content: Bytes) {
        let copied = content.len() <= COPY;
        self.reserve(9 + head.len() + if copied { content.len() } else { 0 });
        self.run.put_slice(&encoder.header(head.len() + content.len(), false));
        self.run.put_slice(head);
        if copied {
            self.run.put_slice(&content);
        } else {
            self.close();
            self.closed.push_back(content);
        }
    }

    /// Appends octets as they are.
    pub(super) fn push_raw(&mut self, octets: &[u8]) {
        self.reserve(octets.len());
        self.run.put_slice(octets);
    }

    /// Appends everything to `to`, and is empty.
    pub(super) fn take(&mut self, to: &mut VecDeque<Bytes>) {
        self.close();
        if to.is_empty() {
            std::mem::swap(to, &mut self.closed);
        } else {
            to.append(&mut self.closed);
        }
    }

    /// Gives the memory back. Only for an empty one.
    pub(super) fn release(&mut self) {
        *self = Self::default();
    }

    /// Octets of memory that this holds for itself.
    #[cfg(test)]
    pub(super) fn capacity(&self) -> usize {
        self.run.capacity() + self.closed.capacity()
    }

    fn reserve(&mut self, additional: usize) {
        if self.run.len() + additional > RUN && !self.run.is_empty() {
            self.close();
        }
        // Once what was split off is written and dropped, this takes its room again.
        if self.run.capacity() - self.run.len() < additional {
            self.run.reserve(additional.max(FIRST));
        }
    }

    fn close(&mut self) {
        if !self.run.is_empty() {
            self.closed.push_back(self.run.split().freeze());
        }
    }
}
