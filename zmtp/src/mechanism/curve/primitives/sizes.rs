//! Sizes that all primitives share.

/// Bytes of the tag before what is sealed.
pub(in super::super) const TAG: usize = 16;

/// A number that is used once with a key.
pub(in super::super) type Nonce = [u8; 24];
