//! What a server has for a client, and whether the client wants it.

use bytes::{BufMut, Bytes, BytesMut};

use super::wire::{put_longstr, put_string};

/// Says that a server has a file for the client, or has it no longer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Offer {
    /// The client may have this file. It is sent when the client has said [`Verdict::Fetch`].
    File {
        /// The number of the offer, which the session uses for no other.
        number: u64,
        /// Its name.
        filename: Bytes,
        /// Bytes.
        size: u64,
        /// When it was last changed: seconds since 1970.
        seconds: i64,
        /// When it was last changed: the fraction of a second.
        nanoseconds: u32,
        /// The nine bits of its permissions.
        mode: u16,
    },
    /// The offer of this number holds no more: the file has changed, is gone, or is not for this
    /// client any more.
    Withdrawn {
        /// The number of the offer.
        number: u64,
    },
}

/// The first byte after the number of an offer.
pub(super) const FILE: u8 = 1;
pub(super) const WITHDRAWN: u8 = 2;

impl Offer {
    /// Returns the number of bytes on the wire.
    #[must_use]
    pub const fn encoded_len(&self) -> usize {
        match self {
            Self::File { filename, .. } => 8 + 1 + 4 + filename.len() + 8 + 8 + 4 + 2,
            Self::Withdrawn { .. } => 8 + 1,
        }
    }

    pub(super) fn encode(&self, out: &mut BytesMut) {
        match self {
            Self::File { number, filename, size, seconds, nanoseconds, mode } => {
                out.put_u64(*number);
                out.put_u8(FILE);
                put_longstr(out, filename);
                out.put_u64(*size);
                out.put_i64(*seconds);
                out.put_u32(*nanoseconds);
                out.put_u16(*mode);
            }
            Self::Withdrawn { number } => {
                out.put_u64(*number);
                out.put_u8(WITHDRAWN);
            }
        }
    }
}

/// What a client answers to an offer. Any later answer takes its place, also while the file comes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    /// The number of the offer.
    pub number: u64,
    /// What the client wants.
    pub verdict: Verdict,
    /// With [`Verdict::Fetch`] what the client has of the file; otherwise why it does not want it, for
    /// people. May be empty.
    pub text: Bytes,
}

/// What a client wants of a file that it was offered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// Send it.
    Fetch,
    /// Do not send it now, and break it off if it is on its way. The offer holds.
    Later,
    /// Do not send it, and break it off if it is on its way. The offer is forgotten.
    Decline,
    /// Something that is not defined.
    Other(u8),
}

impl From<u8> for Verdict {
    fn from(byte: u8) -> Self {
        match byte {
            1 => Self::Fetch,
            2 => Self::Later,
            3 => Self::Decline,
            other => Self::Other(other),
        }
    }
}

impl From<Verdict> for u8 {
    fn from(verdict: Verdict) -> Self {
        match verdict {
            Verdict::Fetch => 1,
            Verdict::Later => 2,
            Verdict::Decline => 3,
            Verdict::Other(byte) => byte,
        }
    }
}

impl Answer {
    pub(super) fn encode(&self, out: &mut BytesMut) {
        out.put_u64(self.number);
        out.put_u8(self.verdict.into());
        put_string(out, &self.text);
    }
}
