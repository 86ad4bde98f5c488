//! The keys of one connection.

use super::keys::PublicKey;

/// An end of a CURVE connection. Which one a node is has nothing to do with who sends what.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Side {
    /// The one that knows the other's public key from the start, and dials as a rule.
    Client,
    /// The one that is known, and listens as a rule.
    Server,
}

/// The four public keys of one connection: what a proof can be bound to, since no other connection
/// has the same. Both ends have proved that they hold their secret keys.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct SessionKeys {
    /// The end that we are.
    pub side: Side,
    /// The client's long-term key: C.
    pub client: PublicKey,
    /// The server's long-term key: S.
    pub server: PublicKey,
    /// The client's key for this connection alone: C'.
    pub client_session: PublicKey,
    /// The server's key for this connection alone: S'.
    pub server_session: PublicKey,
}

impl SessionKeys {
    /// Those of a connection of which we are one side.
    pub const fn new(
        side: Side,
        [client, server]: [PublicKey; 2],
        [client_session, server_session]: [PublicKey; 2],
    ) -> Self {
        Self { side, client, server, client_session, server_session }
    }

    /// Returns the long-term key of the remote: its identity.
    pub const fn remote(&self) -> PublicKey {
        match self.side {
            Side::Client => self.server,
            Side::Server => self.client,
        }
    }
}
