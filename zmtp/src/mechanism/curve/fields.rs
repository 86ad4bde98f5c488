//! Parts of commands, which all have their place.

use super::keys::PublicKey;
use crate::{CurveError, Error};

/// Copies a field of a known size.
///
/// # Panics
/// The part has another size.
pub(super) fn field<const N: usize>(part: &[u8]) -> [u8; N] {
    let mut field = [0; N];
    field.copy_from_slice(part);
    field
}

/// Reads a public key, of 32 bytes.
pub(super) fn key(part: &[u8]) -> Result<PublicKey, Error> {
    PublicKey::from_bytes(field(part)).map_err(|_| CurveError::LowOrder.into())
}
