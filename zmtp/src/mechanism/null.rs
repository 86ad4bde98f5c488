//! The NULL handshake: one READY each way, with metadata (RFC 37, "The NULL Security Mechanism"
//! and "Connection Metadata").

use bytes::{BufMut, Bytes, BytesMut};

use crate::{Config, Error, SocketType, command, error::printable};

/// The longest identity (RFC 37, "The Identity Property").
pub(crate) const IDENTITY: usize = 255;

/// Our READY as a whole frame. The order of the properties is libzmq's.
pub(crate) fn ready(config: &Config) -> Bytes {
    let mut metadata = BytesMut::new();
    put_property(&mut metadata, b"Socket-Type", config.socket_type.name().as_bytes());
    if config.socket_type.has_identity() {
        put_property(&mut metadata, b"Identity", &config.identity);
    }
    command::frame(b"READY", &metadata)
}

fn put_property(out: &mut BytesMut, name: &[u8], value: &[u8]) {
    // Both are our own and short: the names above, and an identity that was checked.
    out.put_u8(name.len() as u8);
    out.put_slice(name);
    out.put_u32(value.len() as u32);
    out.put_slice(value);
}

/// What the remote's READY says, as far as we look at it.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Metadata {
    pub(crate) socket_type: SocketType,
    pub(crate) identity: Bytes,
}

impl Metadata {
    /// Reads the properties. The RFC calls names case-insensitive, libzmq compares them exactly,
    /// and peers rely on that (`identity` is how one says "none"): so do we. Unknown properties
    /// are skipped; of two with one name the later holds.
    pub(crate) fn decode(mut octets: &[u8]) -> Result<Self, Error> {
        let mut socket_type: &[u8] = b"";
        let mut identity: &[u8] = b"";
        while !octets.is_empty() {
            let (name, value, rest) = property(octets).ok_or(Error::Malformed("READY"))?;
            match name {
                b"Socket-Type" => socket_type = value,
                b"Identity" => identity = value,
                _ => {}
            }
            octets = rest;
        }
        if identity.len() > IDENTITY {
            return Err(Error::IdentityTooLong(identity.len()));
        }
        let unknown = || Error::SocketType(printable(&socket_type[..socket_type.len().min(32)]));
        let socket_type = SocketType::from_name(socket_type).ok_or_else(unknown)?;
        Ok(Self { socket_type, identity: Bytes::copy_from_slice(identity) })
    }
}

/// Splits off the first property: its name, its value, what follows it.
fn property(octets: &[u8]) -> Option<(&[u8], &[u8], &[u8])> {
    let (&len, octets) = octets.split_first()?;
    let (name, octets) = octets.split_at_checked(usize::from(len))?;
    let (len, octets) = octets.split_first_chunk()?;
    let (value, rest) = octets.split_at_checked(usize::try_from(u32::from_be_bytes(*len)).ok()?)?;
    (!name.is_empty()).then_some((name, value, rest))
}
