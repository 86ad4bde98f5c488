//! Primitives of the encoding.

use bytes::{BufMut, BytesMut};

use super::limits::MAX_STRING;

pub(super) const SIGNATURE: [u8; 2] = [0xAA, 0xA3];
pub(super) const PROTOCOL: &[u8] = b"FILEMQ";
pub(super) const VERSION: u16 = 2;

pub(super) fn start(out: &mut BytesMut, id: u8) {
    out.put_slice(&SIGNATURE);
    out.put_u8(id);
}

/// Appends a short text; one that is too long is cut.
pub(super) fn put_string(out: &mut BytesMut, text: &[u8]) {
    let text = &text[..text.len().min(MAX_STRING)];
    // The cast keeps the value: the length was cut to 255.
    out.put_u8(text.len() as u8);
    out.put_slice(text);
}

pub(super) fn put_longstr(out: &mut BytesMut, text: &[u8]) {
    put_length(out, text.len());
    out.put_slice(text);
}

pub(super) fn put_length(out: &mut BytesMut, length: usize) {
    // A message of more than 4 GiB does not exist in memory; a peer would refuse it.
    out.put_u32(u32::try_from(length).unwrap_or(u32::MAX));
}
