//! What each side says of itself before the first message (RFC 37, "Connection Metadata").

use bytes::{BufMut, Bytes, BytesMut};

use crate::properties::Properties;
use crate::{Config, Error, Printable, SocketType};

/// Bytes of the longest identity (RFC 37, "The Identity Property").
const MAX_IDENTITY: usize = 255;

/// Says whether our metadata can be sent as it is configured.
pub(crate) fn check(config: &Config) -> Result<(), Error> {
    let identity = config.identity.len();
    if identity > MAX_IDENTITY {
        return Err(Error::IdentityTooLong(identity));
    }
    config.properties.check()
}

/// Returns our metadata. The order of the properties is that of libzmq.
pub(crate) fn ours(config: &Config) -> Bytes {
    let mut metadata = BytesMut::new();
    put_property(&mut metadata, b"Socket-Type", config.socket_type.name().as_bytes());
    if config.socket_type.has_identity() {
        put_property(&mut metadata, b"Identity", &config.identity);
    }
    put_properties(&mut metadata, &config.properties);
    metadata.freeze()
}

/// Appends properties that depend on the connection.
///
/// # Errors
/// [`Error::Property`] for one that cannot be sent.
#[cfg(feature = "_curve")]
pub(crate) fn put_all(out: &mut BytesMut, all: Vec<(Bytes, Bytes)>) -> Result<(), Error> {
    let mut properties = Properties::default();
    all.into_iter().for_each(|(name, value)| properties.set(name, value));
    properties.check()?;
    put_properties(out, &properties);
    Ok(())
}

/// Appends properties that were checked.
fn put_properties(out: &mut BytesMut, properties: &Properties) {
    for (name, value) in properties.iter() {
        put_property(out, name, value);
    }
}

fn put_property(out: &mut BytesMut, name: &[u8], value: &[u8]) {
    // Both are our own and short: they were checked.
    out.put_u8(name.len() as u8);
    out.put_slice(name);
    out.put_u32(value.len() as u32);
    out.put_slice(value);
}

/// The properties of the remote that matter to us.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Metadata {
    pub(crate) socket_type: SocketType,
    pub(crate) identity: Bytes,
    pub(crate) properties: Properties,
}

impl Metadata {
    /// Reads the properties. The RFC calls names case-insensitive, but libzmq compares them
    /// exactly, and peers rely on that (`identity` stands for "none"), so this does too. Of two
    /// with the same name the later one holds; what nobody can ask for is skipped.
    pub(crate) fn decode(mut bytes: &[u8]) -> Result<Self, Error> {
        let mut socket_type: &[u8] = b"";
        let mut identity: &[u8] = b"";
        let mut properties = Properties::default();
        while !bytes.is_empty() {
            let (name, value, rest) = property(bytes).ok_or(Error::Malformed("READY"))?;
            match name {
                b"Socket-Type" => socket_type = value,
                b"Identity" => identity = value,
                _ => properties.keep(name, value),
            }
            bytes = rest;
        }
        if identity.len() > MAX_IDENTITY {
            return Err(Error::IdentityTooLong(identity.len()));
        }
        let unknown = || {
            Error::SocketType(
                Printable::from_bytes(&socket_type[..socket_type.len().min(32)]).to_string(),
            )
        };
        let socket_type = SocketType::from_name(socket_type).ok_or_else(unknown)?;
        Ok(Self { socket_type, identity: Bytes::copy_from_slice(identity), properties })
    }
}

/// Splits off the first property: its name, its value, and what follows it.
fn property(bytes: &[u8]) -> Option<(&[u8], &[u8], &[u8])> {
    let (&len, bytes) = bytes.split_first()?;
    let (name, bytes) = bytes.split_at_checked(usize::from(len))?;
    let (len, bytes) = bytes.split_first_chunk()?;
    let (value, rest) = bytes.split_at_checked(usize::try_from(u32::from_be_bytes(*len)).ok()?)?;
    (!name.is_empty()).then_some((name, value, rest))
}
