//! MESSAGE: what is sealed after the handshake (RFC 26, "MESSAGE Command").
//!
//! ```text
//! +-------+-----------+-------------+----------+-------+--------- - -
//! | frame | 7 MESSAGE | nonce (8)   | tag (16) | flags | data
//! +-------+-----------+-------------+----------+-------+--------- - -
//!                                              |<-- sealed -- - -
//! ```
//!
//! The flags inside say whether it is a command, and whether more frames follow. Those of the frame
//! itself say neither: anybody on the way could set them.

use bytes::BufMut;

use super::fields::field;
use super::nonce::Prefix;
use super::primitives::{MessageKey, SharedKey, TAG};
use crate::frame::FrameHeader;
use crate::{CurveError, Error};

/// The name with its length.
const NAME: &[u8; 8] = b"\x07MESSAGE";

/// Bytes before the tag: name and nonce.
const OPEN: usize = 16;

/// Bytes that a MESSAGE has besides the data.
pub(crate) const OVERHEAD: usize = OPEN + TAG + 1;

/// Seals what goes out. There is one for a connection: the nonces of what it seals have to reach the
/// wire in order.
#[derive(Debug)]
pub(crate) struct Sealer {
    key: MessageKey,
    next: u64,
}

/// Opens what comes in.
#[derive(Debug)]
pub(crate) struct Opener {
    key: MessageKey,
    last: u64,
}

impl Sealer {
    /// Creates a sealer whose first nonce is `next`.
    pub(super) fn new(key: SharedKey, prefix: &'static Prefix, next: u64) -> Self {
        Self { key: MessageKey::new(key, prefix), next }
    }

    /// Appends a frame to `out`: with these flags, and with data of `size` bytes that `put` appends.
    pub(crate) fn seal<B>(&mut self, flags: u8, size: usize, out: &mut B, put: impl FnOnce(&mut B))
    where
        B: BufMut + AsMut<[u8]>,
    {
        let number = self.next;
        // No connection lives to send 2^64 frames.
        self.next = number.wrapping_add(1);
        out.put_slice(&FrameHeader::message(OVERHEAD + size, false));
        out.put_slice(NAME);
        out.put_u64(number);
        let begin = out.as_mut().len();
        out.put_bytes(0, TAG);
        out.put_u8(flags);
        put(out);
        self.key.seal(number, &mut out.as_mut()[begin..]);
    }
}

impl Opener {
    /// Creates an opener that expects the nonce after `last`.
    pub(super) fn new(key: SharedKey, prefix: &'static Prefix, last: u64) -> Self {
        Self { key: MessageKey::new(key, prefix), last }
    }

    /// Opens the body of a frame in place. Returns the flags; the data is what comes after the first
    /// [`OVERHEAD`] bytes.
    pub(crate) fn open(&mut self, body: &mut [u8]) -> Result<u8, Error> {
        let Some((open, sealed)) = body.split_first_chunk_mut::<OPEN>() else {
            return Err(Error::Malformed("MESSAGE"));
        };
        if open[..NAME.len()] != *NAME {
            return Err(Error::Unsealed);
        }
        let number = u64::from_be_bytes(field(&open[NAME.len()..]));
        if !self.key.open(number, sealed) {
            return Err(CurveError::Forged.into());
        }
        // Only what the remote has sealed moves the counter. RFC 26 asks for sequential numbers;
        // libzmq sends them, and takes any greater one. Here nothing can be left out on the way.
        if self.last.checked_add(1) != Some(number) {
            return Err(CurveError::OutOfSequence.into());
        }
        self.last = number;
        sealed.get(TAG).copied().ok_or(Error::Malformed("MESSAGE"))
    }
}

#[cfg(test)]
mod tests {
    use super::super::primitives::{public_of, shared_key};
    use super::{NAME, OPEN, OVERHEAD, Opener};
    use crate::{CurveError, Error};

    /// A connection asks for the size before a frame is there. Nothing rests on that here.
    #[test]
    fn a_body_that_is_too_short_is_not_opened() {
        let key = shared_key(&public_of(&[1; 32]), &[2; 32]).unwrap();
        let mut opener = Opener::new(key, b"CurveZMQMESSAGEC", 2);
        for size in 0..OVERHEAD {
            let mut body = NAME.to_vec();
            body.resize(size, 0);
            let expected = match size {
                0..OPEN => Error::Malformed("MESSAGE"),
                _ => CurveError::Forged.into(),
            };
            assert_eq!(opener.open(&mut body), Err(expected), "{size} bytes");
        }
    }
}
