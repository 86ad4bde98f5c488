//! What the task of gossip is told to do.

use std::net::{SocketAddr, TcpListener};
use std::sync::Arc;

use zmtp::Mechanism;
use zre_proto::HostEndpoint;

use super::status::GossipError;
use crate::mechanism;
use crate::secure::Gate;

/// What the task of gossip is told to do.
pub(super) enum Command {
    /// Take in clients here.
    Listen(TcpListener),
    /// Connect to this hub.
    Connect(HostEndpoint, Mechanism),
}

impl Command {
    /// Opens a socket to listen on.
    pub(super) fn listen(address: SocketAddr) -> Result<(Self, SocketAddr), GossipError> {
        let failed = |source| GossipError::Listen { address, source };
        let socket = TcpListener::bind(address).map_err(failed)?;
        let bound = socket.local_addr().map_err(failed)?;
        Ok((Self::Listen(socket), bound))
    }

    /// Finds out how a hub is connected to: by its key, and only by a secure node.
    pub(super) fn connect(
        hub: HostEndpoint,
        gate: Option<&Arc<Gate>>,
    ) -> Result<Self, GossipError> {
        let key = hub.key();
        match mechanism::to(gate, key) {
            Some(mechanism) => Ok(Self::Connect(hub, mechanism)),
            None if key.is_none() => Err(GossipError::NoKey(hub)),
            None if gate.is_none() => Err(GossipError::UselessKey(hub)),
            None => Err(GossipError::WeakKey(hub)),
        }
    }
}
