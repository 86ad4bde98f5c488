//! What the task of gossip is told to do.

use std::net::{SocketAddr, TcpListener};
use std::sync::Arc;

use super::hub::HubEndpoint;
use super::status::GossipError;

/// What the task of gossip is told to do.
pub(super) enum Command {
    /// Take in clients here.
    Listen(TcpListener),
    /// Connect to this hub, which was given in this way.
    Connect(Arc<str>, HubEndpoint),
}

impl Command {
    /// Opens a socket to listen on.
    pub(super) fn listen(address: SocketAddr) -> Result<(Self, SocketAddr), GossipError> {
        let failed = |source| GossipError::Listen { address, source };
        let socket = TcpListener::bind(address).map_err(failed)?;
        let bound = socket.local_addr().map_err(failed)?;
        Ok((Self::Listen(socket), bound))
    }

    /// Reads where a hub is.
    pub(super) fn connect(text: &str) -> Result<Self, GossipError> {
        let refused = || GossipError::Endpoint(text.chars().take(280).collect());
        let endpoint = text.parse().map_err(|()| refused())?;
        Ok(Self::Connect(text.into(), endpoint))
    }
}
