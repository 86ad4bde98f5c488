//! ZRE, the ZeroMQ Realtime Exchange protocol ([RFC 36]), without I/O.
//!
//! Nodes on a local network find each other by UDP beacons, connect each to each, say HELLO, and
//! send messages to one peer (WHISPER) or to a group (SHOUT). This crate holds the codecs,
//! [`Beacon`] and [`message`], and the [`Engine`]: the state machine of one node. It has no
//! clock, no sockets and no randomness of its own, so that the same engine runs on real sockets
//! (the `zyre` crate) and, by the thousand, in simulation.
//!
//! # Two nodes meet
//!
//! Every node has one *mailbox*, a ROUTER socket, and one *link* to each peer, a DEALER socket
//! that is connected to the peer's mailbox. It reads from the mailbox only and writes to links
//! only (the Harmony pattern). HELLO is the first message on a link, as soon as it is up; what is
//! true by then is in it. Two nodes of this implementation need only one connection for both
//! directions; with all others, this is how they meet:
//!
//! ```text
//!   A                                                                B
//!   | -- beacon (broadcast): "A is at port 49152" -----------------> |
//!   |                                     B opens a link to A, it is up
//!   | <------------------- HELLO 1: endpoint, groups, name, headers  |
//!   A opens a link to B, it is up
//!   | -- HELLO 1 --------------------------------------------------> |
//!   A tells its application: ENTER B                     B: ENTER A
//!   | -- WHISPER 2 ------------------------------------------------> |
//!   | -- JOIN 3 "chat", status 1 ----------------------------------> |
//!   | <----------------------------------------- SHOUT 2 "chat" ---- |
//!   |        (nothing for 4 s, or no answer to SHOUT 2)              |
//!   | <----------------------------------------------- PING 3 ------ |
//!   | -- PING-OK 4 ------------------------------------------------> |
//!   | -- GOODBYE 5 ------------------------------------------------> |
//!   |                                      B its application: EXIT A
//!   | -- beacon: "A is leaving" (port 0) --------------------------> |
//! ```
//!
//! The number after each command is its sequence on the link. A gap means that a message was
//! lost; then the peer is given up, and its next beacon starts afresh. A peer that does not answer
//! the PING within a second is evasive, a second later silent, and after 30 seconds it is given up.
//!
//! # The loop
//!
//! A driver tells the engine what happens ([`Input`]) and what the application wants ([`Action`]),
//! does what it says ([`Output`]), and wakes it when a deadline comes. This is the whole of it,
//! with the sockets left out:
//!
//! ```
//! use std::net::SocketAddr;
//! use std::time::Instant;
//! use zre_proto::{
//!     Action, Beacon, Config, Endpoint, Engine, Event, Input, InterfaceId, Output, PeerId,
//! };
//!
//! let endpoint = Endpoint::new(SocketAddr::from(([10, 0, 0, 1], 49152)));
//! let mut engine = Engine::new(Config::new(PeerId::new([1; 16]), endpoint))?;
//! let now = Instant::now();
//!
//! // A beacon was received: node 2 is at port 49153 of the sender's address.
//! let beacon = Beacon { peer: PeerId::new([2; 16]), port: 49153, public_key: None };
//! let source = SocketAddr::from(([10, 0, 0, 2], 5670));
//! engine.handle(now, Input::Beacon { beacon, source, interface: InterfaceId(1) });
//! // The application wants something.
//! engine.act(now, Action::Join("chat"))?;
//!
//! let mut dialled = Vec::new();
//! let mut wire = Vec::new();
//! loop {
//!     while let Some(output) = engine.poll_output() {
//!         match output {
//!             Output::Connect { peer, conn, endpoint, .. } => dialled.push((peer, conn, endpoint)),
//!             Output::Scout { .. } | Output::Identified { .. } | Output::Resolve { .. } => {
//!                 println!("the application has required an endpoint: {output:?}");
//!             }
//!             Output::Send { header, content, .. } => wire.push((header, content)),
//!             Output::Close { conn } => println!("close {conn:?}"),
//!             Output::Event(Event::Enter { name, .. }) => println!("hello, {name}"),
//!             Output::Event(event) => println!("{event:?}"),
//!         }
//!     }
//!     // Here a driver waits until something happens. It does: what was dialled is connected.
//!     let Some((peer, conn, _)) = dialled.pop() else { break };
//!     let connected = Input::Connected { peer, conn, two_way: false, own_endpoint: endpoint };
//!     engine.handle(now, connected);
//! }
//! assert_eq!(wire.len(), 1, "HELLO, which says that the node is in the group");
//!
//! // The peer has not said HELLO: it is looked at again in ten seconds.
//! let deadline = engine.next_deadline().ok_or("a deadline")?;
//! for (peer, conn) in engine.due(deadline) {
//!     // A driver that has seen bytes move there says so: `Input::Progress`.
//!     println!("something will be decided about {peer}, by {conn:?}");
//! }
//! engine.handle_timeout(deadline);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # What anybody can say
//!
//! Beacons are not signed, and an endpoint is an address to try, not an identity: what is told by
//! a beacon, or by another node, starts an attempt to connect, and never ends a peer. What a beacon
//! says about a peer whose link works is no more than a *suspicion*, and is tested by a PING, the
//! *probe*: a goodbye, another endpoint, another node on its endpoint. Only the peer's own answer,
//! or its silence, decides; and while bytes arrive on its connection it is not silent.
//!
//! A second connection in a peer's name *challenges* the peer. What it says is held until the peer
//! has answered a PING, and the connection is closed, or has not.
//!
//! The first remote that connects in the name of a node that was not met yet is taken for it.
//!
//! # Without discovery
//!
//! The application may *require* nodes ([`Action::Require`]) and endpoints
//! ([`Action::RequireEndpoint`]). To find out who is at an endpoint the engine sends a *scout*, a
//! connection that is dialled to nobody in particular:
//!
//! ```text
//!   engine                                                      driver
//!   | -- Resolve, if there is a host name ---------------------> |
//!   | <--------------------------------------------- Resolved -- |
//!   | -- Scout: conn, endpoint --------------------------------> |
//!   | <---- Connected: peer, conn -- | the mailbox tells its id: | a dial to that peer
//!   | <---- ScoutUp: conn ---------- | it does not               |
//!   | -- Send HELLO -------------------------------------------> |
//!   | <------------- Message HELLO: peer, of another connection  |
//!   | -- Identified: conn, peer -------------------------------> | a link to that peer
//! ```
//!
//! The HELLO that answers is one from a node to which there is no link, and that says that it is at
//! the endpoint; else one that comes from its address. Such a node is sent PING first, for another
//! one may live behind the same address.
//!
//! # Where this leaves the RFC
//!
//! - A beacon with port zero does not disconnect a peer whose link is up: it is asked first ("Node
//!   Discovery and Presence": SHALL disconnect).
//! - A message other than HELLO from an unknown node does not make it a peer ("Interconnection
//!   Model"); it is dropped.
//! - Content without a frame is received but not sent (`msg = *frame`): deployed nodes break on it.
//! - Text may be any bytes, not only VCHAR, since deployed nodes send them.
//! - Beside the RFC's commands there are ELECT, LEADER and GOODBYE, as in the C library. By the first
//!   two it is settled who leads a group: see [`leader`]. GOODBYE is the last word to every peer.
//!
//! [RFC 36]: https://rfc.zeromq.org/spec/36/

#![cfg_attr(docsrs, feature(doc_cfg))]

mod ballot;
mod beacon;
mod candidates;
mod challenges;
mod config;
mod content;
mod contest;
pub mod driver_times;
mod elections;
mod endpoint;
mod engine;
mod error;
mod event;
pub mod gossip;
mod groups;
mod host_endpoint;
mod id;
mod io;
mod keys;
pub mod leader;
mod local_node;
pub mod log;
pub mod message;
mod peer;
mod peers;
mod public_key;
mod requirements;
mod sequence;
#[cfg(feature = "serde")]
mod serialized;
mod spares;
mod stats;
pub mod ticket;
mod tickets;
mod timers;
pub mod two_way;
mod wave;

pub use beacon::{Beacon, BeaconError};
pub use config::{Config, Headers, Times};
pub use content::Content;
pub use endpoint::{Endpoint, ParseEndpointError};
pub use engine::Engine;
pub use error::ActionError;
pub use event::{Event, ExitReason, UnreachableReason};
pub use host_endpoint::{HostEndpoint, ParseHostEndpointError};
pub use id::{ParseIdError, PeerId, ROUTING_ID_LEN};
pub use io::{Action, ConnId, Input, InterfaceId, Loss, Output};
pub use message::{Header, MessageLimits};
pub use peer::{LinkKind, Liveness, PeerInfo};
pub use public_key::{PUBLIC_KEY_HEADER, ParseKeyError, PublicKey};
pub use requirements::RequirementInfo;
pub use stats::Stats;
pub use ticket::Ticket;
