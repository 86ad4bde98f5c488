//! The greeting: the first 64 octets of each side (RFC 37, "Version Negotiation").
//!
//! ```text
//! FF  padding (8)  7F | 03 01 | mechanism (20) | as-server | filler (31)
//! 0                 9   10 11   12               32          33
//! ```

use crate::{Error, error::printable, mechanism::Mechanism};

/// Octets of a greeting.
pub(crate) const LEN: usize = 64;

/// The greeting that we send. The padding carries the length of the identity plus one: what
/// libzmq does, so that a ZMTP 1 peer takes it for a frame; nobody else may look at it.
pub(crate) fn encode(mechanism: Mechanism, identity: usize) -> [u8; LEN] {
    let mut octets = [0; LEN];
    octets[0] = 0xff;
    octets[1..9].copy_from_slice(&(identity as u64).saturating_add(1).to_be_bytes());
    octets[9] = 0x7f;
    octets[10] = 3;
    octets[11] = 1;
    octets[12..32].copy_from_slice(&mechanism.padded());
    octets
}

/// Reads the start of a greeting: the version when all of it is there, `None` while octets are
/// missing, an error as soon as one is wrong. Padding, as-server (NULL has no server) and filler
/// are not looked at.
pub(crate) fn decode(octets: &[u8], mechanism: Mechanism) -> Result<Option<(u8, u8)>, Error> {
    if octets.first().is_some_and(|o| *o != 0xff) || octets.get(9).is_some_and(|o| *o != 0x7f) {
        return Err(Error::Version { major: 1 });
    }
    let Some(&major) = octets.get(10) else { return Ok(None) };
    if major < 3 {
        return Err(Error::Version { major });
    }
    let Some(announced) = octets.get(12..32) else { return Ok(None) };
    if announced != mechanism.padded() {
        let end = announced.iter().rposition(|o| *o != 0).map_or(0, |last| last + 1);
        return Err(Error::Mechanism(printable(&announced[..end])));
    }
    Ok((octets.len() >= LEN).then(|| (major, octets[11])))
}
