//! Messages of a short head and a body, as most protocols have them.

use std::ops::Deref;

use bytes::Bytes;

use crate::Message;

/// Bytes of the longest [`Head`].
const MAX_HEAD: usize = 63;

/// A small message of two frames, of which the first costs no allocation.
#[derive(Clone, Debug)]
pub struct Pair {
    /// The first frame.
    pub head: Head,
    /// The second frame.
    pub body: Bytes,
}

/// A frame of at most 63 bytes, in place.
#[derive(Clone, Copy, Debug)]
pub struct Head {
    bytes: [u8; MAX_HEAD],
    len: u8,
}

impl Head {
    /// Copies a frame, unless it is too long.
    #[inline]
    pub(crate) fn copy(frame: &[u8]) -> Option<Self> {
        let mut bytes = [0; MAX_HEAD];
        bytes.get_mut(..frame.len())?.copy_from_slice(frame);
        Some(Self { bytes, len: u8::try_from(frame.len()).ok()? })
    }
}

impl Deref for Head {
    type Target = [u8];
    #[inline]
    fn deref(&self) -> &[u8] {
        &self.bytes[..usize::from(self.len)]
    }
}

impl From<Pair> for Message {
    fn from(pair: Pair) -> Self {
        [Bytes::copy_from_slice(&pair.head), pair.body].into()
    }
}
