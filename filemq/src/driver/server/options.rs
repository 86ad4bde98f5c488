//! The options of a server.

use bytes::Bytes;

use crate::session::ServerConfig;

/// The options of a server. Construct it with `..ServerOptions::default()`: fields may be added.
#[derive(Clone, Debug)]
pub struct ServerOptions {
    /// How sessions behave.
    pub session: ServerConfig,
    /// The most clients at a time; further ones wait until another one leaves. Default: 1,024.
    pub clients: usize,
    /// Our identity, for clients that are [called](crate::Server::call); at most 255 bytes. Default:
    /// none.
    pub identity: Bytes,
}

impl Default for ServerOptions {
    fn default() -> Self {
        Self { session: ServerConfig::default(), clients: 1024, identity: Bytes::new() }
    }
}
