//! The greeting: the first 64 octets of each side (RFC 37, "Version Negotiation").
//!
//! ```text
//! FF  padding (8)  7F | 03 01 | mechanism (20) | as-server | filler (31)
//! 0                 9   10 11   12               32          33
//! ```

use crate::mechanism::Mechanism;
use crate::{Error, Printable};

/// Size of a greeting, in bytes.
pub(crate) const SIZE: usize = 64;

/// Returns our greeting. The padding carries the length of the identity plus one, as with libzmq,
/// so that a ZMTP 1 peer takes it for a frame; no other may look at it.
pub(crate) fn encode(mechanism: &Mechanism, identity: usize) -> [u8; SIZE] {
    let mut bytes = [0; SIZE];
    bytes[0] = 0xff;
    bytes[1..9].copy_from_slice(&(identity as u64).saturating_add(1).to_be_bytes());
    bytes[9] = 0x7f;
    bytes[10] = 3;
    bytes[11] = 1;
    bytes[12..32].copy_from_slice(&mechanism.padded());
    bytes
}

/// Returns the version in the greeting at the start of `bytes`, `None` while it is incomplete, and
/// an error as soon as one octet is wrong. Padding, as-server (NULL has no server, and of CURVE libzmq always says 0), and filler are
/// ignored.
pub(crate) fn decode(bytes: &[u8], mechanism: &Mechanism) -> Result<Option<(u8, u8)>, Error> {
    if bytes.first().is_some_and(|o| *o != 0xff) || bytes.get(9).is_some_and(|o| *o != 0x7f) {
        return Err(Error::Version { major: 1 });
    }
    let Some(&major) = bytes.get(10) else { return Ok(None) };
    if major < 3 {
        return Err(Error::Version { major });
    }
    let Some(announced) = bytes.get(12..32) else { return Ok(None) };
    if announced != mechanism.padded() {
        let end = announced.iter().rposition(|o| *o != 0).map_or(0, |last| last + 1);
        return Err(Error::Mechanism(Printable::from_bytes(&announced[..end]).to_string()));
    }
    Ok((bytes.len() >= SIZE).then(|| (major, bytes[11])))
}
