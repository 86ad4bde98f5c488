//! Writes the CHEEZBURGER messages of one client.

use bytes::Bytes;

use super::event::{ServerOutput, ServerOutputs};
use super::known_sizes::KnownSizes;
use crate::VirtualPath;
use crate::message::{Dictionary, Head, Operation};
use crate::session::extensions;

/// Writes the CHEEZBURGER messages of one client.
#[derive(Debug)]
pub(super) struct PieceWriter {
    /// Whether the client is of this implementation: it understands headers, takes the last piece
    /// for the end, and knows what ABORT means.
    pub(super) ours: bool,
    sequence: u64,
    sizes: KnownSizes,
}

/// A piece of a file, without its content.
pub(super) struct Piece<'a> {
    pub(super) name: &'a VirtualPath,
    pub(super) offset: u64,
    /// Whether it is the last.
    pub(super) last: bool,
    pub(super) headers: &'a Dictionary,
}

impl PieceWriter {
    pub(super) const fn new(sizes: usize) -> Self {
        Self { ours: false, sequence: 0, sizes: KnownSizes::new(sizes) }
    }

    /// Returns the number of the next message.
    pub(super) const fn sequence(&self) -> u64 {
        self.sequence
    }

    /// Writes that a file is about to be sent, if that has to be said. Another implementation
    /// writes a new state over the old one, whose end would stay if it was longer.
    pub(super) fn begin(&mut self, name: &VirtualPath, size: u64, out: &mut ServerOutputs) {
        if !self.ours && self.sizes.may_exceed(name, size) {
            self.delete(name, out);
        }
    }

    /// Writes a piece with content.
    pub(super) fn piece(&mut self, piece: &Piece<'_>, chunk: Bytes, out: &mut ServerOutputs) {
        let eof = self.ours && piece.last;
        self.write(Operation::Create, piece, eof, chunk, out);
    }

    /// Writes the end of a file whose content was sent. For a client of this implementation the
    /// last piece is the end, so this is for empty files only.
    pub(super) fn end(&mut self, piece: &Piece<'_>, out: &mut ServerOutputs) {
        self.write(Operation::Create, piece, true, Bytes::new(), out);
        if !self.ours {
            self.sizes.remember(piece.name, piece.offset);
        }
    }

    /// Writes that a file breaks off at `offset`. Returns whether the client was told that it is
    /// gone.
    pub(super) fn abort(
        &mut self,
        name: &VirtualPath,
        offset: u64,
        out: &mut ServerOutputs,
    ) -> bool {
        let headers = if self.ours { extensions::abort() } else { Dictionary::default() };
        let piece = Piece { name, offset, last: true, headers: &headers };
        self.write(Operation::Create, &piece, true, Bytes::new(), out);
        if !self.ours {
            // C writes the next file into this one unless it hears of its end.
            self.delete(name, out);
        }
        !self.ours
    }

    /// Writes that a file is gone.
    pub(super) fn delete(&mut self, name: &VirtualPath, out: &mut ServerOutputs) {
        self.sizes.remove(name);
        let headers = Dictionary::default();
        let piece = Piece { name, offset: 0, last: false, headers: &headers };
        self.write(Operation::Delete, &piece, false, Bytes::new(), out);
    }

    fn write(
        &mut self,
        operation: Operation,
        piece: &Piece<'_>,
        eof: bool,
        chunk: Bytes,
        out: &mut ServerOutputs,
    ) {
        let (filename, sequence) = (piece.name.as_str().as_bytes(), self.sequence);
        let Piece { offset, headers, .. } = *piece;
        let head = Head { sequence, operation, filename, offset, eof, headers };
        out.push_back(ServerOutput::Send { head: head.encode(chunk.len()), chunk });
        self.sequence += 1;
    }
}
