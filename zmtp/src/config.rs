//! What a connection is told about itself.

use bytes::Bytes;

use crate::{Limits, SocketType, mechanism::Mechanism};

/// What a [`Connection`](crate::Connection) says about itself and puts up with.
#[derive(Clone, Debug)]
pub struct Config {
    /// What we are.
    pub socket_type: SocketType,
    /// Our name for the remote's ROUTER, at most 255 octets, empty for none. Sent by REQ, DEALER
    /// and ROUTER, also when empty, as libzmq does. A longer one makes the connection fail at once
    /// with [`Error::IdentityTooLong`](crate::Error::IdentityTooLong).
    pub identity: Bytes,
    /// The identity that the remote must have, if it tells one; empty for any. For a remote whose
    /// address may belong to somebody else by now.
    pub remote: Bytes,
    /// What a SUB or XSUB subscribes to as soon as it is ready: the prefixes of the messages that it
    /// wants, an empty one for all. Others ignore it.
    pub subscriptions: Vec<Bytes>,
    /// How the connection is secured.
    pub mechanism: Mechanism,
    /// What the remote may cost us.
    pub limits: Limits,
}

impl Config {
    /// A socket of that type: no identity, NULL, the default limits.
    #[must_use]
    pub fn new(socket_type: SocketType) -> Self {
        Self {
            socket_type,
            identity: Bytes::new(),
            remote: Bytes::new(),
            subscriptions: Vec::new(),
            mechanism: Mechanism::default(),
            limits: Limits::default(),
        }
    }

    /// The same with this identity.
    #[must_use]
    pub fn with_identity(self, identity: impl Into<Bytes>) -> Self {
        Self { identity: identity.into(), ..self }
    }

    /// The same for a remote with this identity, or with none.
    #[must_use]
    pub fn with_remote(self, remote: impl Into<Bytes>) -> Self {
        Self { remote: remote.into(), ..self }
    }

    /// The same with these subscriptions.
    #[must_use]
    pub fn with_subscriptions(self, prefixes: &[&[u8]]) -> Self {
        let copy = |prefix: &&[u8]| Bytes::copy_from_slice(prefix);
        Self { subscriptions: prefixes.iter().map(copy).collect(), ..self }
    }

    /// The same with these limits.
    #[must_use]
    pub fn with_limits(self, limits: Limits) -> Self {
        Self { limits, ..self }
    }
}
