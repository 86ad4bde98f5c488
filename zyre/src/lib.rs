//! Proximity peer-to-peer applications: start a node on a local network and, with no
//! configuration and no server, it finds all others, hears who comes and goes, and sends to one
//! peer or to a group.
//!
//! ```no_run
#![doc = include_str!("../examples/minimal.rs")]
//! ```
//!
//! # A node
//!
//! [`Node::builder`] sets a node up, [`Builder::start`] gives a [`Node`], the handle to act with,
//! and [`Events`], the one stream of what happens. The handle can be cloned into any task or
//! thread: everything that it does returns at once, sending too. When the last handle is dropped
//! the node stops; [`Node::stop`] does it with care.
//!
//! Any number of nodes may live in one process; nothing is global. A node lives on the tokio
//! runtime that it was started in. An application without async code keeps a runtime beside it and
//! receives with [`Events::recv_blocking`] or [`Events::recv_timeout`].
//!
//! # Peers and groups
//!
//! A peer is known by its [`PeerId`], which is new for every start of a node; its name is for
//! people and need not be unique. [`Event::Enter`] says that a peer is there and can be sent to,
//! [`Event::Exit`] that it is gone, and why ([`ExitReason`]). Between the two, every message that
//! the peer sends arrives once and in order; if one is lost on the way, the peer exits.
//!
//! The [`Node`] is always ahead of the events: when the application handles an `Enter`, the peer may
//! have gone again, and its `Exit` be queued. So sending to a peer can be refused
//! ([`Refused::UnknownPeer`]) at any time; that is no reason to stop. What is to be known of a peer
//! after its `Exit` has to be remembered.
//!
//! Names, groups, headers and content are whatever the peer has sent. Before they are printed on a
//! terminal, control characters should be taken out, as `{:?}` does.
//!
//! A group is a name that applications agree on. A node is told of every peer's
//! [`Join`](Event::Join) and [`Leave`](Event::Leave), whatever groups it is in itself; a
//! [`shout`](Node::shout) goes to each peer in the group.
//!
//! What is sent is [`Content`]: text or octets, as one frame or as a list of frames.
//!
//! # How nodes find each other
//!
//! Once a second each node broadcasts a beacon, a UDP datagram of 22 octets on port
//! [5670](BEACON_PORT), with its id and the TCP port of its *mailbox*. A node that hears a new one opens a
//! *link*, a TCP connection to that mailbox, and says HELLO on it: endpoint, name, groups, headers.
//! The other does the same in return. Each pair has two connections, one for each direction, so
//! that a node can say HELLO from the moment it hears of a peer. This is the ZeroMQ Realtime Exchange
//! protocol, [RFC 36](https://rfc.zeromq.org/spec/36/), over ZeroMQ's transport, so C Zyre, pyre
//! and zyre.js nodes are peers like any other. The crate [`zre_proto`] describes the protocol.
//!
//! Without a beacon, for instance across networks, [`Node::require_peer`] connects to a node whose
//! id and endpoint are known.
//!
//! # When things go wrong
//!
//! | what | how the application sees it |
//! |---|---|
//! | a peer stops | `Exit`, [`Goodbye`](ExitReason::Goodbye), within 50 ms on an idle local network |
//! | a peer's process dies | `Exit`, [`LinkLost`](ExitReason::LinkLost), within a second |
//! | a peer's host vanishes | [`Evasive`](Event::Evasive) after 5 s, [`Silent`](Event::Silent) after 6 s, `Exit`, [`Expired`](ExitReason::Expired), after 30 s |
//! | a peer does not read what it is sent | `Exit`, [`Overflow`](ExitReason::Overflow), when 1,000 messages or 16 MiB wait for it; others notice nothing |
//! | this application does not take its events | peers are made to wait once 10,000 events or 64 MiB are queued; nothing that has arrived is lost, but a peer whose own queue fills gives this node up |
//! | the network is cut and comes back | `Exit` when TCP or silence tells; `Enter` with the first beacon |
//! | somebody sends garbage | nothing; counted in [`Stats`] |
//!
//! The limits, and the times after which a quiet peer is asked and given up, can be set:
//! [`Builder`], [`Limits`]. There is no encryption and no
//! authentication yet: whoever is on the network can listen, and speak in anybody's name.
//!
//! # Watching a network
//!
//! Most failures of a network can only be understood by what happened on two nodes side by side. So
//! a node can keep a log and send it to whoever collects, with hardly any cost and never waiting:
//!
//! ```no_run
//! # async fn f() -> Result<(), Box<dyn std::error::Error>> {
//! use zyre::{Level, Node};
//!
//! let (node, events) = Node::builder().logging(Level::Info).start().await?;
//! node.log(Level::Warning, "the disk is nearly full");
//! node.set_logging(None); // And on again at any time.
//! # Ok(())
//! # }
//! ```
//!
//! A collector is a peer that announces in its header `X-ZRELOG` where it collects; `zyre-logger` is
//! one, with a database and a live screen. A node that meets it connects there by itself, and goes on
//! without it when it is gone. Lines say who has come and gone, who has joined and left a group, what
//! has gone wrong, and, if [asked for](Builder::log_messages), which messages were sent and received,
//! without their content. With the feature `tracing-layer` the application's own `tracing` events
//! travel the same way. What could not be sent is counted in [`LogStats`].
//!
//! Whoever is on the network can collect.
//!
//! # Files
//!
//! With [`Builder::share`] a node publishes files: what lies in its outbox and what
//! [`Node::publish`] adds goes to all peers that share files, what [`Node::publish_to`] adds to the
//! members of a group, also to those who come later. What others publish comes to the inbox, complete
//! and verified, and [`Event::Deliver`] tells of it; [`Event::Receiving`] and [`Event::Sending`] tell
//! how far transfers have come. Files travel on connections of their own (FILEMQ, the crate
//! [`filemq`]), so a large one delays no message.
//!
//! # Features
//!
//! - `files` (on by default): file sharing.
//! - `zeromq`: [`Content`] converts from and to `zeromq::ZmqMessage`.
//! - `tracing-layer`: `Node::tracing_layer`.

mod beacon;
mod builder;
mod driver;
mod error;
mod events;
#[cfg(feature = "files")]
mod files;
mod interface;
mod limits;
mod link;
mod log;
mod mailbox;
mod network;
mod node;

/// The program in the README.
#[cfg(doctest)]
#[doc = include_str!("../../README.md")]
struct Readme;

pub use builder::{BEACON_PORT, Builder};
#[cfg(feature = "files")]
pub use error::ShareError;
pub use error::StartError;
pub use events::{Events, TryRecvError};
#[cfg(feature = "files")]
pub use filemq::disk::InboxLimits;
pub use interface::{Interface, InterfaceChoice};
pub use limits::Limits;
pub use log::LogStats;
pub use network::NetworkStats;
pub use node::{Node, Stats};
pub use zre_proto::log::Level;
pub use zre_proto::{
    Content, Endpoint, Event, ExitReason, Headers, Liveness, ParseEndpointError, ParseIdError,
    PeerId, PeerInfo, Refused, Stats as ProtocolStats,
};
