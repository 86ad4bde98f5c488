//! Bytes as hexadecimal digits.

#![allow(clippy::panic, reason = "a test with wrong digits has failed")]

use data_encoding::{HEXLOWER, HEXLOWER_PERMISSIVE};

/// Returns the bytes in lower-case digits.
pub fn encode(bytes: &[u8]) -> String {
    HEXLOWER.encode(bytes)
}

/// Returns the bytes that the digits stand for.
///
/// # Panics
/// There is something else than pairs of digits.
pub fn decode(digits: &str) -> Vec<u8> {
    HEXLOWER_PERMISSIVE
        .decode(digits.as_bytes())
        .unwrap_or_else(|error| panic!("{digits:?} are not bytes: {error}"))
}
