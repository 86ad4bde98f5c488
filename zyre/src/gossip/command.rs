//! What the task of gossip is told to do.

use std::net::{SocketAddr, TcpListener};

use zre_proto::HostEndpoint;

use super::status::GossipError;

/// What the task of gossip is told to do.
pub(super) enum Command {
    /// Take in clients here.
    Listen(TcpListener),
    /// Connect to this hub.
    Connect(HostEndpoint),
}

impl Command {
    /// Opens a socket to listen on.
    pub(super) fn listen(address: SocketAddr) -> Result<(Self, SocketAddr), GossipError> {
        let failed = |source| GossipError::Listen { address, source };
        let socket = TcpListener::bind(address).map_err(failed)?;
        let bound = socket.local_addr().map_err(failed)?;
        Ok((Self::Listen(socket), bound))
    }
}
