//! A piece of a file.

use bytes::{BufMut, Bytes, BytesMut};

use super::{Dictionary, put_length, put_longstr, start};

/// A piece of a file, or its end, or that it is gone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cheezburger {
    /// One more for each CHEEZBURGER to this client, from 0.
    pub sequence: u64,
    /// What has happened to the file.
    pub operation: Operation,
    /// Its name.
    pub filename: Bytes,
    /// Where in the file `chunk` belongs, in octets.
    pub offset: u64,
    /// Whether nothing of the file comes after it. C FileMQ says so with no content only.
    pub eof: bool,
    /// More about the file; who does not know one ignores it.
    pub headers: Dictionary,
    /// Content.
    pub chunk: Bytes,
}

/// What has happened to a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Operation {
    /// It is there, or is another.
    Create,
    /// It is gone.
    Delete,
    /// Something that the protocol does not know. C FileMQ sends 0 when it has lost the thread.
    Other(u8),
}

impl From<u8> for Operation {
    fn from(octet: u8) -> Self {
        match octet {
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
            Operation::Other(octet) => octet,
        }
    }
}

/// All of a [`Cheezburger`] but its content, which goes after it from wherever it is: one copy of it
/// may be on its way to many.
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
    /// The frame up to its content, of which `len` octets have to follow.
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
