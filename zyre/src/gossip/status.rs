//! How the gossip of a node is.

use std::fmt;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;

use thiserror::Error;
use zre_proto::HostEndpoint;

/// How the gossip of a node is: see [`Node::gossip`](crate::Node::gossip).
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct GossipStatus {
    /// Where this node listens as a hub.
    pub listening: Vec<SocketAddr>,
    /// The clients that are connected to it.
    pub clients: usize,
    /// The hubs that this node connects to, in the order in which they were given.
    pub hubs: Vec<Hub>,
    /// Nodes that are known: peers, rumours, and those that have gone lately.
    pub tuples: usize,
    /// What was counted since gossip began.
    pub stats: zre_proto::gossip::Stats,
}

/// A hub that a node connects to.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Hub {
    /// Its endpoint, as [`gossip_connect`](crate::Builder::gossip_connect) was given it.
    pub endpoint: HostEndpoint,
    /// Whether it is connected.
    pub state: HubState,
}

/// Whether a hub is connected.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum HubState {
    /// Not yet, or not any more. With the reason why the last attempt has failed, if one has. It is
    /// tried again and again.
    Connecting(Option<Arc<str>>),
    /// It is, at this address, and has answered.
    Connected(SocketAddr),
}

impl fmt::Display for HubState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Connecting(None) => f.write_str("connecting"),
            Self::Connecting(Some(why)) => write!(f, "connecting: {why}"),
            Self::Connected(address) => write!(f, "connected to {address}"),
        }
    }
}

/// Why a node does not listen or connect for gossip; nothing has changed.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum GossipError {
    /// The node cannot listen there, for instance because another program does.
    #[error(
        "gossip cannot listen at {address}: {source}; choose an address of this host and a free port"
    )]
    Listen {
        /// The address.
        address: SocketAddr,
        /// Why it cannot.
        source: io::Error,
    },
    /// The node connects to as many hubs, or listens at as many addresses, as it may.
    #[error("a node gossips with at most {limit} hubs, and listens at as many addresses")]
    TooMany {
        /// How many that are.
        limit: usize,
    },
    /// A secure node has to know the key of the hub that it connects to.
    #[error(
        "a secure node has to know whose gossip hub that is: write {0}|KEY, with the key of the node \
         that listens there"
    )]
    NoKey(HostEndpoint),
    /// A node that is not secure can prove no key, nor ask for one.
    #[error("{0} is the gossip hub of a secure node, and this node is not one")]
    UselessKey(HostEndpoint),
    /// The key of the hub is not one.
    #[error("nobody can have the key of the gossip hub {0} honestly: look it up once more")]
    WeakKey(HostEndpoint),
    /// The node has stopped.
    #[error("the node has stopped")]
    Stopped,
}
