//! Proximity peer-to-peer applications: start a node on a local network and, with no
//! configuration and no server, it finds all others, hears who comes and goes, and sends to one
//! peer or to a group.
//!
//! ```no_run
#![doc = include_str!("../examples/minimal.rs")]
//! ```
//!
//! ```toml
//! [dependencies]
//! # Not on the registry yet; the package `zyre` there is another one.
//! zyre = { package = "zyre-rs", path = "path/to/the/checkout/zyre" }
//! tokio = { version = "1", features = ["macros", "rt-multi-thread", "signal"] }
//! ```
//!
//! # Where to begin
//!
//! - **New here?** The [`guide`] has a first program, step by step, and [how it all
//!   works](guide::how_it_works), in pictures.
//! - **Building something?** Read [what you can rely on, and what not](guide::guarantees), and the
//!   [cookbook](guide::cookbook): threads, user interfaces, services, containers, firewalls, tests.
//! - **[They do not see each other](guide::troubleshooting)?** There is a chapter for that.
//! - **You know C Zyre, pyre or zyre.js?** [Their calls, and ours](guide::migration).
//!
//! # A node
//!
//! [`Node::builder`] sets a node up. [`Builder::start`] returns a [`Node`], the handle to act with,
//! and [`Events`], the one stream of what happens. The handle can be cloned into any task or
//! thread: everything that it does returns at once, sending too. When the last handle is dropped
//! the node stops; [`Node::stop`] does it with care.
//!
//! Any number of nodes may live in one process; nothing is global. A node lives on the tokio
//! runtime in which it was started, and stops when that ends. An application without async code
//! starts it by [`Builder::start_blocking`], on a thread of its own, and receives with
//! [`Events::blocking_recv`] or [`Events::recv_timeout`]: it needs no runtime, and no other crate.
//!
//! # Peers and groups
//!
//! A peer is known by its [`PeerId`], which is new for every start of a node unless that keeps a
//! [`State`]; its name is for people and need not be unique. [`Event::Enter`] says that a peer is
//! there and can be sent to, [`Event::Exit`] that it is gone, and why ([`ExitReason`]). Between the
//! two, every message that the peer sends arrives once and in order; if one is lost on the way, the
//! peer exits.
//!
//! The [`Node`] is always ahead of the events: when the application handles an `Enter`, the peer may
//! have gone again, and its `Exit` be queued. So sending to a peer can be refused
//! ([`ActionError::UnknownPeer`]) at any time; that is no reason to stop. Remember what you need
//! to know of a peer after its `Exit`.
//!
//! Names, groups, headers and content are whatever the peer has sent. Print them with
//! [`Printable`], which takes out what could control a terminal.
//!
//! A group is a name that applications agree on. A node is told of every peer's
//! [`Join`](Event::Join) and [`Leave`](Event::Leave), whatever groups it is in itself; a
//! [`shout`](Node::shout) goes to each peer in the group. One member can lead it, and do what only
//! one should do: [*Who leads*](guide::who_leads).
//!
//! What is sent is [`Content`]: text or bytes, as one frame or as a list of frames.
//!
//! # How nodes find each other
//!
//! Once a second each node sends a beacon on UDP port [5670](BEACON_PORT), on every interface, by
//! IPv4 and IPv6. A node that hears a new one connects by TCP, and both say HELLO. This is the
//! ZeroMQ Realtime Exchange protocol, [RFC 36](https://rfc.zeromq.org/spec/36/), so nodes of C Zyre,
//! pyre and zyre.js are peers like any other. [*How it works*](guide::how_it_works) says more, and
//! the crate [`zre_proto`] describes the protocol.
//!
//! Where beacons do not pass, nodes are told where others are: by an endpoint
//! ([`Builder::require_endpoint`]), or by a gossip hub ([`Builder::gossip_connect`]). See [*Without
//! broadcast*](guide::without_broadcast).
//!
//! Which ports a firewall has to let in is said in [*Ports and
//! firewalls*](guide::cookbook#ports-and-firewalls).
//!
//! # When things go wrong
//!
//! Each failure is an event, with the reason: a peer that goes ([`Event::Exit`]), that is not heard
//! ([`Event::Silent`]) and comes back ([`Event::Returned`]), or that cannot be met
//! ([`Event::Unreachable`]). [*Guarantees and limits*](guide::guarantees) lists every failure and how
//! it looks, and every limit. The limits, and the times after which a peer that is not heard is asked
//! and given up, can be set: [`Builder`], [`Limits`].
//!
//! Unless the node is a secure one everybody on the network can listen, and speak in anybody's name.
//!
//! A node can keep a log and send it to a collector on the network ([`Builder::logging`]): see
//! [*Watching a network*](guide::watching).
//!
#![cfg_attr(
    feature = "curve",
    doc = "
# Security

[`Builder::secure`] makes a node a *secure* one. Only its peers can read what it sends, and only nodes that
it [trusts](Trust) become its peers. Each peer is known by its [`PublicKey`]. Everything else about a
peer, its id, name and headers, is a claim of the owner of that key.

```no_run
# async fn f(words: &str) -> Result<(), Box<dyn std::error::Error>> {
use zyre::{Identity, NetworkKey, Node, Trust};

// Once, on the first machine: the words are for the others.
let network = NetworkKey::generate()?;
network.save(\"home.network\")?;
println!(\"{}\", *network.words());

// On each machine.
let identity = Identity::load_or_create(\"alice.key\")?;
let network: NetworkKey = words.parse()?;
let (node, events) = Node::builder().secure(identity, Trust::network(network)).start().await?;
# Ok(())
# }
```

| [`Trust`] | which nodes can become peers | for |
|---|---|---|
| [`network`](Trust::network) | all nodes with the same twelve words | a room, a home, a team: the normal way |
| [`only`](Trust::only), [`file`](Trust::file) | the keys in a list | machines under one administration; nodes of the C library |
| [`ask`](Trust::ask) | nodes that the user lets in, by key or by six [words](PublicKey::words) read aloud | people who meet |
| [`anyone`](Trust::anyone) | every node | protection from passive listeners, and nothing else |

There is no default, and no mixed mode: secure nodes and others do not hear each other.
[`Node::trust`] and [`Node::distrust`] take effect at once; [`Event::Stranger`] reports nodes that ask to be let in.

What attackers can do: *L* is on the same network, may forge datagrams and addresses, and may stand
between two nodes; *T* is trusted, and malicious.

| attack | does it work? |
|---|---|
| *L* reads content, names, groups or headers | no |
| *L* enters, or gets what is meant for another, by forged beacons | no: only trusted keys are dialled, and a connection is up only when the key is proved |
| *L* speaks as another, changes, repeats, reorders or leaves out messages | no; a connection that is cut is noticed |
| *L* sends peers away by forged goodbyes | no: the peer is asked, on its connection |
| *T* speaks as another peer, takes its id, or cuts its connection | no: an id belongs to the key that greeted in its name |
| *T* lies in its own name, passes on what it hears, sends without end | yes, within the limits; [`Node::distrust`] ends it |
| *L* sees which nodes are there, by key, id and address, and how much they send when | yes. The key is the same every day, so a device can be recognised |
| *L* cuts connections, or keeps nodes from meeting by jamming | yes; the cost of handshakes and beacons is bounded |
| a key file is stolen | the thief can act as that node until it is distrusted; earlier recordings stay unreadable |
| recordings are kept until there are quantum computers | they can be read then |

Nodes of the C library are peers, if each has the key of the other in its list: the library speaks CURVE
as that does, with its certificate files ([`Identity`]), beacons and header `X-PUBLICKEY`. A secure network is
as strong as its weakest node.

The same identity and trust cover every port that a node opens: its mailbox, its file server and its
gossip hub. When the node dials, it expects a certain key. For a file server or a collector it is the
key that this peer has proved, whatever a header says; for a gossip hub the key that was given with its
address (`tcp://host:port|key`). When trust ends, so do all connections with that key, even in the middle
of a file; at most 1 MB that is in buffers may still arrive. A service of the application accepts
connections in the same way by [`Node::service_mechanism`]. Only the collector reads what a secure node
logs, but a trusted peer can write lines in the name of another into that log.

People go by names, and a trusted peer can take any name: [`Event::KeyChanged`] says so when a peer
enters with a name that another key had before.

`SECURITY.md` says which cryptography is used, and how far it was audited.
"
)]
//!
#![cfg_attr(
    feature = "files",
    doc = "
# Files

With [`Builder::share`], [`Builder::receive`] or [`Builder::publishing`] a node shares files. What
[`Node::publish`] names goes to all peers that share files, to the members of a group, or to one peer, and
again when it changes. What others publish is stored in the received folder, complete and verified.
[`Event::Deliver`] reports it, and [`Event::Confirmed`] tells the sender. [*Sharing files*](guide::files) says more.
"
)]
//!
//! # Features
//!
//! - `curve`, on by default: secure nodes, `Builder::secure`. Without it no cryptography is compiled.
//! - `files`: file sharing.
//! - `metrics`: `Node::metrics`, and the module `metrics`.
//! - `options`: the options of the command line for secure nodes, in the module `options`.
//! - `serde`: ids, keys, endpoints and messages can be serialised and read back, events serialised.
//! - `zeromq`: [`Content`] converts from and to `zeromq::ZmqMessage`.
//! - `tracing-layer`: `Node::tracing_layer`.

#![cfg_attr(docsrs, feature(doc_cfg))]

mod beacon;
mod beacon_watch;
mod blocking;
mod builder;
mod connection_info;
mod driver;
mod error;
mod event;
mod events;
#[cfg(feature = "files")]
mod files;
mod flow;
#[cfg(feature = "files")]
mod folder_names;
mod gossip;
pub mod guide;
mod ignored_nodes;
mod interface;
mod limits;
mod location;
mod log;
mod mailbox;
mod mechanism;
#[cfg(feature = "metrics")]
pub mod metrics;
mod network;
mod network_settings;
mod node;
#[cfg(feature = "options")]
pub mod options;
mod ports;
mod private_file;
mod pulse;
#[cfg(feature = "curve")]
mod secure;
#[cfg(not(feature = "curve"))]
#[path = "insecure.rs"]
mod secure;
mod state;
mod stats;
mod times;
mod trust_change;

/// The version of this library, such as `0.1.0`.
pub const VERSION: &str = env!("CARGO_PKG_VERSION");

/// The program in the README.
#[cfg(doctest)]
#[doc = include_str!("../../README.md")]
struct Readme;

pub use beacon_watch::{BeaconWatch, HeardBeacon};
pub use builder::{BEACON_PORT, Builder};
pub use connection_info::ConnectionInfo;
#[cfg(feature = "files")]
pub use error::ShareError;
pub use error::StartError;
pub use event::Event;
pub use events::{Events, TryRecvError};
#[cfg(feature = "files")]
pub use filemq::{
    Accept, Fate, OfferError, OfferId, OfferState, Omission, OmittedFiles, ReceivedLimits, Refusal,
};
#[cfg(feature = "files")]
pub use files::Offer;
#[cfg(feature = "files")]
pub use files::publish::Publish;
#[cfg(feature = "files")]
pub use files::recipient::Recipient;
pub use flow::Room;
pub use gossip::{GossipError, GossipStatus, Hub, HubState};
pub use interface::{Interface, InterfaceChoice, UnusedReason};
pub use limits::Limits;
pub use node::Node;
#[cfg(feature = "curve")]
pub use secure::{
    Identity, KeyFileError, KeyWords, NETWORK_BEACON_PORT, NetworkKey, ParsePublicKeyError,
    PublicKey, Trust, WordsError,
};
pub use state::{State, StateError};
pub use stats::{LogStats, NetworkStats, Stats};
pub use zmtp::Printable;
pub use zre_proto::log::Level;
pub use zre_proto::{
    ActionError, Content, Endpoint, ExitReason, Headers, HostEndpoint, LinkKind, Liveness,
    ParseEndpointError, ParseHostEndpointError, ParseIdError, PeerId, PeerInfo, RequirementInfo,
    Stats as ProtocolStats, UnreachableReason, gossip::Stats as GossipStats,
};
