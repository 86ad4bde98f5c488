//! The configuration of a connection.

use bytes::Bytes;

use crate::mechanism::Mechanism;
use crate::properties::Properties;
use crate::{Limits, SocketType};

/// The configuration of a [`Connection`](crate::Connection): what it says about itself, and what it
/// accepts.
#[derive(Clone, Debug)]
pub struct Config {
    /// Our socket type.
    pub socket_type: SocketType,
    /// Our name for the remote's ROUTER, at most 255 bytes; empty for none. REQ, DEALER, and ROUTER
    /// send it, also when it is empty, as libzmq does. A longer one makes the connection fail at
    /// once with [`Error::IdentityTooLong`](crate::Error::IdentityTooLong).
    pub identity: Bytes,
    /// The identity that the remote must have, if it announces one; empty for any. For a remote
    /// whose address may belong to another one by now.
    pub remote: Bytes,
    pub(crate) properties: Properties,
    /// The prefixes that a SUB or XSUB subscribes to as soon as it is ready; an empty prefix stands
    /// for all messages. Other socket types ignore them.
    pub subscriptions: Vec<Bytes>,
    /// How the connection is secured.
    pub mechanism: Mechanism,
    /// Upper bounds for what the remote may cost us.
    pub limits: Limits,
}

impl Config {
    /// Creates the configuration of a socket of this type without an identity, with the mechanism
    /// NULL and the default limits.
    pub fn new(socket_type: SocketType) -> Self {
        Self {
            socket_type,
            identity: Bytes::new(),
            remote: Bytes::new(),
            properties: Properties::default(),
            subscriptions: Vec::new(),
            mechanism: Mechanism::default(),
            limits: Limits::default(),
        }
    }

    /// Sets the identity.
    #[must_use]
    pub fn with_identity(self, identity: impl Into<Bytes>) -> Self {
        Self { identity: identity.into(), ..self }
    }

    /// Sets the identity that the remote must have, if it has one.
    #[must_use]
    pub fn with_remote(self, remote: impl Into<Bytes>) -> Self {
        Self { remote: remote.into(), ..self }
    }

    /// Announces a property in READY (of a client of CURVE in INITIATE), after the identity; the remote finds it by
    /// [`PeerInfo::property`](crate::PeerInfo::property). A second one with the same name replaces
    /// the first.
    ///
    /// `name` begins with `X-` (all other names are ZMTP's: RFC 37, "Connection Metadata") and has
    /// at most 255 bytes, `value` has at most 1,024, and there are at most 16 properties. Otherwise
    /// the connection fails at once with [`Error::Property`](crate::Error::Property).
    #[must_use]
    pub fn with_property(mut self, name: impl Into<Bytes>, value: impl Into<Bytes>) -> Self {
        self.properties.set(name.into(), value.into());
        self
    }

    /// Sets how the connection is secured.
    #[must_use]
    pub fn with_mechanism(self, mechanism: impl Into<Mechanism>) -> Self {
        Self { mechanism: mechanism.into(), ..self }
    }

    /// Sets the subscriptions.
    #[must_use]
    pub fn with_subscriptions(self, prefixes: &[&[u8]]) -> Self {
        let copy = |prefix: &&[u8]| Bytes::copy_from_slice(prefix);
        Self { subscriptions: prefixes.iter().map(copy).collect(), ..self }
    }

    /// Sets the limits.
    #[must_use]
    pub fn with_limits(self, limits: Limits) -> Self {
        Self { limits, ..self }
    }
}
