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
//! only (the Harmony pattern), and so can send from the moment it knows of a peer.
//!
//! ```text
//!   A                                                                B
//!   | -- beacon (broadcast): "A is at port 49152" -----------------> |
//!   |                                              B opens a link to A
//!   | <------------------- HELLO 1: endpoint, groups, name, headers  |
//!   A opens a link to B; when it is up, A tells its application: ENTER B
//!   | -- HELLO 1 --------------------------------------------------> |
//!   |                                     B its application: ENTER A
//!   | -- WHISPER 2 ------------------------------------------------> |
//!   | -- JOIN 3 "chat", status 1 ----------------------------------> |
//!   | <----------------------------------------- SHOUT 2 "chat" ---- |
//!   |        (nothing for 5 s)                                       |
//!   | <----------------------------------------------- PING 3 ------ |
//!   | -- PING-OK 4 ------------------------------------------------> |
//!   | -- beacon: "A is leaving" (port 0) --------------------------> |
//!   |                                      B its application: EXIT A
//! ```
//!
//! The number after each command is its sequence on the link. A gap means that a message was
//! lost; then the peer is given up, and its next beacon starts afresh.
//!
//! # The loop
//!
//! A driver tells the engine what happens ([`Input`]), does what it says ([`Output`]), and wakes
//! it when a deadline comes. This is the whole of it, with the sockets left out:
//!
//! ```
//! use std::net::SocketAddr;
//! use std::time::Instant;
//! use zre_proto::{Action, Config, Endpoint, Engine, Event, Input, Output, PeerId};
//!
//! let endpoint = |port| Endpoint::new(SocketAddr::from(([10, 0, 0, 1], port)));
//! let mut engine = Engine::new(Config::new(PeerId::new([1; 16]), endpoint(49152)))?;
//! let now = Instant::now();
//!
//! // A beacon was received: node 2 is at port 49153.
//! let candidate = Input::Candidate { peer: PeerId::new([2; 16]), endpoint: endpoint(49153) };
//! engine.handle(now, candidate)?;
//! // The application wants something.
//! engine.handle(now, Input::Action(Action::Join("chat")))?;
//!
//! let mut wire = Vec::new();
//! while let Some(output) = engine.poll_output() {
//!     match output {
//!         Output::Connect { link, endpoint, .. } => println!("connect {link:?} to {endpoint}"),
//!         Output::Send { header, content, .. } => wire.push((header, content)),
//!         Output::CloseLink { link } => println!("close {link:?}"),
//!         Output::CloseMailbox { conn } => println!("close {conn:?}"),
//!         Output::Event(Event::Enter { name, .. }) => println!("hello, {name}"),
//!         Output::Event(event) => println!("{event:?}"),
//!     }
//! }
//! assert_eq!(wire.len(), 2, "HELLO and JOIN wait in the queue of the new link");
//!
//! // The peer has not said HELLO: it is looked at again in ten seconds.
//! let deadline = engine.next_deadline().ok_or("a deadline")?;
//! engine.handle(deadline, Input::Time)?;
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # What anybody can claim
//!
//! Beacons are not signed. Whatever a beacon says about a peer whose link works is taken as a
//! claim and put to the test by a PING: a goodbye, another endpoint, another node on its
//! endpoint. Only the peer's own answer, or its silence, decides.
//!
//! # Where this leaves the RFC
//!
//! - A beacon with port zero does not disconnect a peer whose link is up: it is asked first ("Node
//!   Discovery and Presence": SHALL disconnect).
//! - A message other than HELLO from an unknown node does not make it a peer ("Interconnection
//!   Model"); it is dropped.
//! - Content without a frame is received but not sent (`msg = *frame`): deployed nodes break on it.
//! - Text may be any octets, not only VCHAR, since deployed nodes send them.
//! - ELECT, LEADER and GOODBYE, which only the C library sends, are read; elections are not taken
//!   part in.
//!
//! [RFC 36]: https://rfc.zeromq.org/spec/36/

mod beacon;
mod config;
mod content;
mod endpoint;
mod engine;
mod error;
mod event;
mod groups;
mod id;
mod io;
pub mod log;
pub mod message;
mod peer;
mod peers;
mod sequence;
mod timers;

pub use beacon::{Beacon, BeaconError};
pub use config::{Config, Headers, Times};
pub use content::Content;
pub use endpoint::{Endpoint, ParseEndpointError};
pub use engine::{Engine, Stats};
pub use error::Refused;
pub use event::{Event, ExitReason};
pub use id::{ParseIdError, PeerId, ROUTING_ID_LEN};
pub use io::{Action, ConnId, Input, LinkId, Output};
pub use message::{Header, MessageLimits};
pub use peer::{Liveness, PeerInfo};
