//! What a client says of a file that it was sent.

use bytes::{BufMut, Bytes, BytesMut};

use super::wire::put_string;

/// What became of a file at the client.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Receipt {
    /// The number of the CHEEZBURGER with the first piece of the file.
    pub sequence: u64,
    /// What became of it.
    pub outcome: Outcome,
    /// Why it was not accepted, for people.
    pub reason: Bytes,
}

/// What became of a file at the client.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// It is whole, verified, and in its place.
    Delivered,
    /// It cannot be accepted for now, and is tried again.
    Waiting,
    /// It is not accepted.
    Refused,
    /// Something that is not defined.
    Other(u8),
}

impl From<u8> for Outcome {
    fn from(byte: u8) -> Self {
        match byte {
            1 => Self::Delivered,
            2 => Self::Waiting,
            3 => Self::Refused,
            other => Self::Other(other),
        }
    }
}

impl From<Outcome> for u8 {
    fn from(outcome: Outcome) -> Self {
        match outcome {
            Outcome::Delivered => 1,
            Outcome::Waiting => 2,
            Outcome::Refused => 3,
            Outcome::Other(byte) => byte,
        }
    }
}

impl Receipt {
    pub(super) fn encode(&self, out: &mut BytesMut) {
        out.put_u64(self.sequence);
        out.put_u8(self.outcome.into());
        put_string(out, &self.reason);
    }
}
