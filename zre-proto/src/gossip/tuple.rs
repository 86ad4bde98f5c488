//! What gossip is about.

use std::net::IpAddr;

use thiserror::Error;

use super::message::{MAX_TEXT, Message};
use crate::{Endpoint, PeerId, PublicKey};

/// A node and where it is, as one node tells it to another.
///
/// ```
/// use zre_proto::gossip::Tuple;
///
/// let tuple = Tuple::read(b"1DC0BB116B284A50812187843FE76D0A", b"tcp://10.88.0.1:6001")?;
/// assert_eq!(tuple.peer.to_string(), "1dc0bb116b284a50812187843fe76d0a");
/// assert_eq!(tuple.value(), "tcp://10.88.0.1:6001");
/// # Ok::<(), zre_proto::gossip::TupleError>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Tuple {
    /// The node.
    pub peer: PeerId,
    /// Where its mailbox is, with the key that the node has told, if it has.
    pub endpoint: Endpoint,
}

/// Why a tuple is of no use, though the message that brings it is right. It may have come from
/// anybody, by others who do not look at what they pass on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum TupleError {
    /// The key is not the id of a node: 32 hexadecimal digits, with or without dashes.
    #[error("the key is not the id of a node")]
    Key,
    /// The value is longer than [`MAX_TEXT`] bytes.
    #[error("the value has more than {MAX_TEXT} bytes")]
    TooLong,
    /// The value is not a numeric TCP endpoint with a port, of an address that means the same
    /// everywhere: link-local addresses are of their link only.
    #[error("the value is not tcp://ADDRESS:PORT with a numeric address")]
    Endpoint,
    /// What follows the endpoint is no public key.
    #[error("what follows the endpoint is not a public key in Z85")]
    PublicKey,
}

impl Tuple {
    /// Reads a key and a value.
    ///
    /// # Errors
    /// If they do not name a node that can be connected to.
    pub fn read(key: &[u8], value: &[u8]) -> Result<Self, TupleError> {
        let key = std::str::from_utf8(key).ok().filter(|key| is_uuid(key));
        let peer = key.and_then(|key| key.parse().ok()).ok_or(TupleError::Key)?;
        if value.len() > MAX_TEXT {
            return Err(TupleError::TooLong);
        }
        let (endpoint, public_key) = match value.iter().position(|byte| *byte == b'|') {
            Some(at) => (&value[..at], Some(&value[at + 1..])),
            None => (value, None),
        };
        let endpoint = std::str::from_utf8(endpoint).ok().and_then(|text| text.parse().ok());
        let endpoint: Endpoint = endpoint.filter(is_usable).ok_or(TupleError::Endpoint)?;
        let key = public_key.map(|text| PublicKey::from_z85(text).ok_or(TupleError::PublicKey));
        Ok(Self { peer, endpoint: endpoint.with_key(key.transpose()?) })
    }

    /// The key by which all implementations know the node: 32 upper-case hexadecimal digits.
    pub fn key(&self) -> String {
        self.peer.to_string().to_ascii_uppercase()
    }

    /// The endpoint, and the public key behind it.
    pub fn value(&self) -> String {
        let address = self.endpoint.wire_form();
        match self.endpoint.key() {
            Some(key) => format!("{address}|{key}"),
            None => address,
        }
    }

    /// The message that tells it.
    pub(super) fn publish(&self) -> Vec<u8> {
        let (key, value) = (self.key(), self.value());
        Message::Publish { key: key.as_bytes(), value: value.as_bytes(), ttl: 0 }.encode()
    }
}

/// Whether text has the form of a UUID: digits alone, or in the groups that everybody writes.
fn is_uuid(text: &str) -> bool {
    let digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_hexdigit());
    match text.len() {
        32 => digits(text),
        36 => text.split('-').map(str::len).eq([8, 4, 4, 4, 12]) && text.split('-').all(digits),
        _ => false,
    }
}

/// Whether an endpoint means the same to all, and can be connected to.
pub(super) fn is_usable(endpoint: &Endpoint) -> bool {
    let address = endpoint.address();
    let (ip, port) = (address.ip(), address.port());
    let is_everywhere = match ip {
        IpAddr::V4(ip) => !ip.is_broadcast(),
        IpAddr::V6(ip) => !ip.is_unicast_link_local(),
    };
    is_everywhere && !ip.is_unspecified() && !ip.is_multicast() && port != 0
}

#[cfg(test)]
mod tests {
    use super::*;

    const KEY: &[u8] = b"1DC0BB116B284A50812187843FE76D0A";
    const Z85: &str = "CpK!m<:]-A>YBc!aSE.lxLVxBv$&a3X.=<ls=rg?";

    #[test]
    fn a_key_is_a_uuid_in_any_spelling() {
        let peer: PeerId = "1dc0bb116b284a50812187843fe76d0a".parse().unwrap();
        for key in [
            "1DC0BB116B284A50812187843FE76D0A",
            "1dc0bb116b284a50812187843fe76d0a",
            "1dc0bb11-6b28-4a50-8121-87843fe76d0a",
            "1DC0BB11-6B28-4A50-8121-87843FE76D0A",
        ] {
            let tuple = Tuple::read(key.as_bytes(), b"tcp://10.0.0.1:1").unwrap();
            assert_eq!((tuple.peer, tuple.key().as_bytes()), (peer, KEY), "{key}");
        }
        for key in [
            "",
            "a",
            "1DC0BB116B284A50812187843FE76D0",
            "1DC0BB116B284A50812187843FE76D0A0",
            "1DC0BB116B284A50812187843FE76D0G",
            "1DC0BB116B284A50812187843FE7-D0A",
            "1dc0bb1-16b28-4a50-8121-87843fe76d0a",
            "{1dc0bb116b284a50812187843fe76d0a}xx",
            "urn:uuid:1dc0bb11-6b28-4a50-8121-878",
            "ééééééééééééééééé-",
        ] {
            let read = Tuple::read(key.as_bytes(), b"tcp://10.0.0.1:1");
            assert_eq!(read, Err(TupleError::Key), "{key}");
        }
        assert_eq!(Tuple::read(&[0xFF; 32], b"tcp://10.0.0.1:1"), Err(TupleError::Key));
    }

    #[test]
    fn a_value_is_an_endpoint_that_means_the_same_everywhere() {
        let read = |value: &str| Tuple::read(KEY, value.as_bytes()).map(|tuple| tuple.value());
        for value in ["tcp://10.0.0.1:49152", "tcp://[2001:db8::1]:1", "tcp://127.0.0.1:65535"] {
            assert_eq!(read(value).as_deref(), Ok(value));
        }
        for value in [
            "",
            "tcp://vm:49152",
            "tcp://*:49152",
            "tcp://0.0.0.0:49152",
            "tcp://[::]:49152",
            "tcp://10.0.0.1:0",
            "tcp://10.0.0.1",
            "tcp://fe80::1:49152",
            "tcp://[fe80::1%3]:49152",
            "tcp://224.0.0.1:49152",
            "tcp://255.255.255.255:49152",
            "ipc:///tmp/x",
            "inproc://x",
            "tcp://10.0.0.1:49152 ",
        ] {
            assert_eq!(read(value), Err(TupleError::Endpoint), "{value}");
        }
        let long = format!("tcp://{}:1", "a".repeat(MAX_TEXT - 7));
        assert_eq!(read(&long), Err(TupleError::TooLong));
        assert_eq!(Tuple::read(KEY, b"tcp://\xFF:1"), Err(TupleError::Endpoint));
    }

    #[test]
    fn a_public_key_is_part_of_the_endpoint_and_passed_on() {
        let value = format!("tcp://10.0.0.1:49152|{Z85}");
        let tuple = Tuple::read(KEY, value.as_bytes()).unwrap();
        assert_eq!(tuple.endpoint.to_string(), value);
        assert_eq!(tuple.value(), value);
        assert_eq!(tuple.endpoint.key(), Z85.parse().ok());
        for suffix in ["", "x", &Z85[1..], &format!("{Z85}x"), &Z85.replace('!', "|")] {
            let value = format!("tcp://10.0.0.1:49152|{suffix}");
            let read = Tuple::read(KEY, value.as_bytes());
            assert_eq!(read, Err(TupleError::PublicKey), "{suffix}");
        }
    }
}
