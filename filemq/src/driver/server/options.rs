//! The options of a server.

use bytes::Bytes;
use zmtp::Mechanism;

use crate::session::ServerConfig;

/// The options of a server. Construct it with `..ServerOptions::default()`: fields may be added.
#[derive(Clone, Debug)]
pub struct ServerOptions {
    /// How sessions behave.
    pub session: ServerConfig,
    /// The most clients at a time; further ones wait until another one leaves. Default: 1,024.
    pub clients: usize,
    /// The most clients at a time that [`Server::set_guests`](crate::Server::set_guests) has no name for.
    /// One more, and the oldest of the address that has the most of them is disconnected; so those that
    /// are known find a place whatever others do. Until a client is known its messages have 6 MiB at
    /// most. Of one name there are four connections at most, of which the oldest makes room. Default:
    /// none but that of all clients, for all are strangers where nobody tells them apart.
    pub strangers: Option<usize>,
    /// Our identity, for clients that tell servers apart; at most 255 bytes. Default: none.
    pub identity: Bytes,
    /// How the connections of clients are secured. Default: not at all.
    pub mechanism: Mechanism,
}

impl Default for ServerOptions {
    fn default() -> Self {
        Self {
            session: ServerConfig::default(),
            clients: 1024,
            strangers: None,
            identity: Bytes::new(),
            mechanism: Mechanism::Null,
        }
    }
}
