//! The ports of a pair of nodes.

use std::net::{Ipv4Addr, SocketAddr};

use testkit::wait::free_port;

use super::role::Role;

/// Ports that nobody else uses, for one run after the other.
#[derive(Clone, Copy, Debug)]
pub(super) struct Ports {
    /// The UDP port of the beacon.
    pub(super) beacon: u16,
    mailboxes: [u16; 2],
}

impl Ports {
    pub(super) fn reserve() -> Self {
        Self { beacon: free_port(), mailboxes: [free_port(), free_port()] }
    }

    /// Returns where the mailbox of a node is.
    pub(super) fn mailbox(&self, role: Role) -> SocketAddr {
        (Ipv4Addr::LOCALHOST, *role.of(&self.mailboxes)).into()
    }
}
