//! What happens in a network of nodes, and what keeps its order on the way.

use std::collections::BTreeMap;

use zre_proto::{Content, Endpoint, HostEndpoint, PeerId, UnreachableReason};

use super::wire::{ACCEPTOR, DIALLER, Wire};

/// The node to which happens what happens to all of them.
const ALL_NODES: u8 = 0;

pub(crate) enum Happening {
    Tick { node: u8, life: u64 },
    Candidate { to: u8, peer: PeerId, endpoint: Endpoint },
    Goodbye { to: u8, peer: PeerId },
    Dial { wire: u64, endpoint: Endpoint },
    Resolved { to: u8, endpoint: HostEndpoint },
    Failed { wire: u64, why: UnreachableReason },
    Up { wire: u64, end: usize },
    Arrive { wire: u64, end: usize, header: Vec<u8>, content: Content },
    Broken { wire: u64, end: usize },
    End { wire: u64, end: usize },
    Patience { wire: u64 },
    Cut { from: u8, to: u8 },
}

/// What keeps its order on the way.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Channel {
    Clock,
    Cut,
    Patience(u64),
    Node(u8, PeerId),
    Place(u8, PeerId, Endpoint),
    Dial(u64),
    Name(u8),
    Stream(u64, usize),
    Error(u64, usize),
}

impl Happening {
    /// What it keeps its order with, and the node to which it happens.
    pub(crate) fn channel(&self, wires: &BTreeMap<u64, Wire>) -> Option<(Channel, u8)> {
        let at = |wire: u64, end: usize| wires.get(&wire)?.nodes()[end];
        Some(match *self {
            Self::Tick { node, .. } => (Channel::Clock, node),
            Self::Candidate { to, peer, endpoint } => (Channel::Place(to, peer, endpoint), to),
            Self::Goodbye { to, peer } => (Channel::Node(to, peer), to),
            // Until then the dialler can take it back.
            Self::Dial { wire, .. } => (Channel::Dial(wire), at(wire, DIALLER)?),
            Self::Resolved { to, .. } => (Channel::Name(to), to),
            Self::Failed { wire, .. } => (Channel::Stream(wire, DIALLER), at(wire, DIALLER)?),
            Self::Up { wire, end } | Self::Arrive { wire, end, .. } | Self::End { wire, end } => {
                (Channel::Stream(wire, end), at(wire, end)?)
            }
            Self::Broken { wire, end } => (Channel::Error(wire, end), at(wire, end)?),
            Self::Patience { wire } => (Channel::Patience(wire), at(wire, ACCEPTOR)?),
            Self::Cut { .. } => (Channel::Cut, ALL_NODES),
        })
    }
}
