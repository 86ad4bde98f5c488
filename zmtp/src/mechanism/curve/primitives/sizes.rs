//! Sizes that all primitives share.

/// Bytes of the tag before what is sealed.
pub(in super::super) const TAG: usize = 16;
