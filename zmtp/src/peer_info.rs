//! What a connection knows of its remote.

use bytes::Bytes;

use crate::SocketType;
#[cfg(feature = "_curve")]
use crate::mechanism::curve::{PublicKey, SessionKeys};
use crate::properties::Properties;

/// What the remote said of itself in greeting and READY (a client of CURVE: in INITIATE).
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct PeerInfo {
    /// Its socket type; one that [`SocketType::accepts`] allows.
    pub socket_type: SocketType,
    /// Its identity, at most 255 bytes, empty if it has none. Not verified: with CURVE it is what
    /// the holder of the key says.
    pub identity: Bytes,
    /// Its major version of ZMTP, at least 3.
    pub major: u8,
    /// Its minor version of ZMTP.
    pub minor: u8,
    /// The keys of a connection that is secured by CURVE.
    #[cfg(feature = "_curve")]
    pub keys: Option<Box<SessionKeys>>,
    pub(crate) properties: Properties,
}

impl PeerInfo {
    /// What a remote says that speaks ZMTP 3.1: for tests of code that decides by it.
    pub fn new(socket_type: SocketType, identity: impl Into<Bytes>) -> Self {
        Self {
            socket_type,
            identity: identity.into(),
            major: 3,
            minor: 1,
            #[cfg(feature = "_curve")]
            keys: None,
            properties: Properties::default(),
        }
    }

    /// The same with one more property, or another value of it, as if the remote had announced it.
    #[must_use]
    pub fn with_property(mut self, name: &str, value: &[u8]) -> Self {
        self.properties.keep(name.as_bytes(), value);
        self
    }

    /// Returns the value of a property that the remote has announced: `name` begins with `X-` and
    /// matches exactly. Not verified.
    ///
    /// Of what it announces the first 16 such properties are known, if their names have at most 255
    /// and their values at most 1,024 bytes. Of two with the same name the later one holds.
    pub fn property(&self, name: &str) -> Option<&Bytes> {
        self.properties.get(name.as_bytes())
    }

    /// Returns the public key of the remote, which it has proved; `None` without CURVE.
    #[cfg(feature = "_curve")]
    pub fn key(&self) -> Option<PublicKey> {
        self.keys.as_ref().map(|keys| keys.remote())
    }
}

#[cfg(test)]
mod tests {
    use super::PeerInfo;
    use crate::SocketType;

    #[test]
    fn what_a_remote_would_say_can_be_made_up() {
        let peer = PeerInfo::new(SocketType::Dealer, "id");
        assert_eq!((peer.socket_type, &*peer.identity), (SocketType::Dealer, &b"id"[..]));
        assert_eq!((peer.major, peer.minor), (3, 1));
        let peer = peer.with_property("X-A", b"1").with_property("X-A", b"2");
        let peer = peer.with_property("A", b"3");
        assert_eq!(peer.property("X-A").unwrap(), "2");
        assert_eq!(peer.property("A"), None, "it would not be kept");
        #[cfg(feature = "_curve")]
        assert_eq!(peer.key(), None);
    }
}
