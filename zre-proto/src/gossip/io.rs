//! What goes into the gossip of a node and what comes out.

use std::time::Duration;

use thiserror::Error;

use super::DecodeError;
use crate::{Endpoint, PeerId};

/// One gossip connection, from its handshake to its end. The driver numbers them, and never uses a
/// number twice.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ConnId(pub u64);

/// The remote of a gossip connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Remote {
    /// A hub, which this node has connected to.
    Hub,
    /// A client, which has connected to this node.
    Client,
}

/// What the driver of a [`Gossip`](super::Gossip) has to do.
///
/// Exhaustive on purpose: a driver has to do all of it, in this order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Output {
    /// Send a message of one frame. When all that was sent on the connection is written, say
    /// [`handle_flushed`](super::Gossip::handle_flushed).
    Send {
        /// The connection.
        conn: ConnId,
        /// The frame.
        frame: Vec<u8>,
    },
    /// Close a connection; nothing is heard from it any more.
    Close {
        /// The connection.
        conn: ConnId,
        /// Why.
        why: CloseReason,
    },
    /// Tell the engine: [`Input::Rumour`](crate::Input::Rumour).
    Rumour {
        /// The node.
        peer: PeerId,
        /// Where it is said to be.
        endpoint: Endpoint,
    },
}

/// Why a gossip connection is closed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum CloseReason {
    /// What came on it is not a message of the protocol.
    #[error(transparent)]
    Malformed(#[from] DecodeError),
    /// The hub does not answer.
    #[error("the hub has not answered for {} s", .0.as_secs())]
    Silent(Duration),
    /// The client has said nothing since it connected.
    #[error("the client has said nothing for {} s", .0.as_secs())]
    Idle(Duration),
    /// The remote does not read what it is sent.
    #[error("the other end has not read for {} s", .0.as_secs())]
    Stalled(Duration),
    /// Another client has taken its place: it was heard least recently of too many.
    #[error("there are more clients than {0}")]
    Crowded(usize),
}

/// The node's id, its times, and its limits. Plain data: construct it with
/// `..Config::new(id)`, since fields may be added.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Config {
    /// The node's id.
    pub id: PeerId,
    /// Nodes that are known, present ones, rumours and those that have gone together; of rumours
    /// from one connection there may be half as many. Further ones are ignored. Default 2,048.
    pub max_tuples: usize,
    /// Clients at a time. One more, and the one that was heard least recently is closed: it will
    /// come back. Default 256.
    pub max_clients: usize,
    /// A hub is sent PING when it was sent nothing for this long: the C library forgets a client
    /// after one second. Default 400 ms.
    pub ping_interval: Duration,
    /// A hub that has said nothing for this long is left. Default 10 s.
    pub hub_timeout: Duration,
    /// A client that has said nothing for this long since it connected is closed. Later it may be
    /// silent. Default 20 s.
    pub client_timeout: Duration,
    /// An end that has not read for this long what it was sent is closed. Default 30 s.
    pub stall_timeout: Duration,
    /// For this long a rumour is passed on. After that only if its node is present. Default 60 s.
    pub fresh_time: Duration,
    /// For this long it is remembered that a rumour was passed on, or that a node has gone, so that
    /// neither is news again. Default 10 min.
    pub memory_time: Duration,
}

impl Config {
    /// The node with this id, and defaults for all else.
    pub const fn new(id: PeerId) -> Self {
        Self {
            id,
            max_tuples: 2048,
            max_clients: 256,
            ping_interval: Duration::from_millis(400),
            hub_timeout: Duration::from_secs(10),
            client_timeout: Duration::from_secs(20),
            stall_timeout: Duration::from_secs(30),
            fresh_time: Duration::from_secs(60),
            memory_time: Duration::from_secs(10 * 60),
        }
    }
}

/// What was counted about gossip.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Stats {
    /// Messages received, of any kind.
    pub received: u64,
    /// Messages sent, of any kind.
    pub sent: u64,
    /// Tuples received that name a node which can be connected to.
    pub tuples: u64,
    /// Tuples ignored because they do not.
    pub useless: u64,
    /// Tuples ignored because they are about this node.
    pub own: u64,
    /// Tuples ignored because there are too many, or too many in a short time.
    pub refused: u64,
    /// Messages ignored because the other side of a connection does not say them.
    pub unused: u64,
    /// Connections closed because of what came on them.
    pub malformed: u64,
}
