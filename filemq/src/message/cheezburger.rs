//! A piece of a file.

use bytes::{BufMut, Bytes, BytesMut};

use super::dictionary::Dictionary;
use super::wire::{put_length, put_longstr, start};

/// A piece of a file, its end, or the news that it is gone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cheezburger {
    /// Counts the CHEEZBURGER messages to this client, from 0.
    pub sequence: u64,
    /// What happened to the file.
    pub operation: Operation,
    /// Its name.
    pub filename: Bytes,
    /// Where in the file `chunk` belongs, in bytes.
    pub offset: u64,
    /// Whether this is the last piece. C FileMQ sets it only where there is no content.
    pub eof: bool,
    /// More about the file; an implementation ignores the headers it does not know.
    pub headers: Dictionary,
    /// The content.
    pub chunk: Bytes,
}

/// What happened to a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Operation {
    /// It is new, or has changed.
    Create,
    /// It is gone.
    Delete,
    /// Something the protocol does not define. C FileMQ sends 0 when it has lost the thread.
    Other(u8),
}

impl From<u8> for Operation {
    fn from(byte: u8) -> Self {
        match byte {
            1 => Self::Create,
            2 => Self::Delete,
            other => Self::Other(other),
        }
    }
}

impl From<Operation> for u8 {
    fn from(operation: Operation) -> Self {
        match operation {
            Operation::Create => 1,
            Operation::Delete => 2,
            Operation::Other(byte) => byte,
        }
    }
}

/// All of a [`Cheezburger`] except its content, which follows from wherever it is in memory: one
/// copy of it may be on its way to many clients.
#[derive(Clone, Copy, Debug)]
pub struct Head<'a> {
    /// As [`Cheezburger::sequence`].
    pub sequence: u64,
    /// As [`Cheezburger::operation`].
    pub operation: Operation,
    /// As [`Cheezburger::filename`].
    pub filename: &'a [u8],
    /// As [`Cheezburger::offset`].
    pub offset: u64,
    /// As [`Cheezburger::eof`].
    pub eof: bool,
    /// As [`Cheezburger::headers`].
    pub headers: &'a Dictionary,
}

impl Head<'_> {
    /// Encodes the frame up to its content, of which `len` bytes have to follow.
    #[must_use]
    pub fn encode(&self, len: usize) -> Bytes {
        self.with_room(len, 0).freeze()
    }

    fn with_room(&self, len: usize, room: usize) -> BytesMut {
        let own = 3 + 8 + 1 + 4 + self.filename.len() + 8 + 1 + 4;
        let mut out = BytesMut::with_capacity(own + self.headers.encoded_len() + room);
        start(&mut out, 8);
        out.put_u64(self.sequence);
        out.put_u8(self.operation.into());
        put_longstr(&mut out, self.filename);
        out.put_u64(self.offset);
        out.put_u8(self.eof.into());
        self.headers.encode(&mut out);
        put_length(&mut out, len);
        out
    }
}

impl Cheezburger {
    pub(super) fn encode(&self) -> Bytes {
        let head = Head {
            sequence: self.sequence,
            operation: self.operation,
            filename: &self.filename,
            offset: self.offset,
            eof: self.eof,
            headers: &self.headers,
        };
        let mut out = head.with_room(self.chunk.len(), self.chunk.len());
        out.put_slice(&self.chunk);
        out.freeze()
    }
}
