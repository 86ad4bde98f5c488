//! What the application is told of a connection.

use std::net::SocketAddr;

use zre_proto::PeerId;

/// A connection of a node that is up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct ConnectionInfo {
    /// The node at the other end, as far as it says who it is. It need not be present.
    pub peer: Option<PeerId>,
    /// The address at the other end.
    pub remote: SocketAddr,
    /// Whether this node has connected to the other one; otherwise the other has connected to this one.
    pub dialled: bool,
}
