//! Gossip discovery, wire-compatible with the C library's (ZGP, version 1), without I/O.
//!
//! Where no broadcast reaches, nodes tell each other of others. One node listens, the *hub*, and
//! others connect to it, its *clients*, by TCP: a DEALER without an identity to a ROUTER. Each may be
//! a hub and a client of several hubs at once. What is told is a [`Tuple`]: the id of a node and its
//! endpoint.
//!
//! ```text
//!   client                                                          hub
//!   | -- HELLO ---------------------------------------------------> |
//!   | -- PUBLISH client's own id and endpoint --------------------> |
//!   | <--------------------------- PUBLISH hub's own id, endpoint - |
//!   | <------------- PUBLISH of every node that the hub knows ----- |
//!   |        (another node becomes known to the hub)                |
//!   | <--------------------------------- PUBLISH that node -------- |
//!   | -- PING (nothing was said for 400 ms) ----------------------> |
//!   | <------------------------------------------------ PONG ------ |
//! ```
//!
//! A message is one frame of at most 1 KiB; integers are big-endian.
//!
//! ```text
//! message = %xAA %xA0 id version [fields]
//! version = %x01
//!
//! HELLO   = %d1
//! PUBLISH = %d2 key value ttl
//! PING    = %d3
//! PONG    = %d4
//! INVALID = %d5
//!
//! key     = OCTET *OCTET    ; one octet of length; the id of a node, 32 hexadecimal digits
//! value   = 4OCTET *OCTET   ; four octets of length; tcp://address:port, or that, "|" and the
//!                           ; node's public key in Z85
//! ttl     = 4OCTET          ; 0, and of no meaning
//! ```
//!
//! # Tuples are rumours
//!
//! Anybody may tell anything, and what has been told cannot be taken back by any message. So:
//!
//! - A tuple is an address to try. It becomes an [`Input::Rumour`](crate::Input::Rumour) of the
//!   engine, and only the node's own HELLO makes it a peer.
//! - What a node passes on are its own tuple, those of peers that are *present*, and rumours for one
//!   minute, so that they get round at once; not to the connection that they came on. It remembers
//!   for ten minutes what it has passed on, and who has gone. So the tuple of a node that is dead
//!   disappears, however many hubs there are, and whatever some of them never forget.
//! - If two tell different endpoints of one node, both are tried; only the one from which the node says
//!   HELLO is told to others.
//! - Nobody else tells where this node is.
//! - A hub keeps a client as long as their connection, and a client says HELLO, and all that it
//!   knows, whenever it has connected, or the hub has said INVALID.
//! - A message that is not as above ends the connection that it came on, and nothing else. A tuple
//!   that is of no use ([`TupleError`]) is ignored: the node that passes it on may not have looked
//!   at it.
//!
//! [`Gossip`] is the state machine of one node.

mod connection;
mod io;
mod message;
mod node;
mod table;
mod tuple;

pub use io::{CloseReason, Config, ConnId, Output, Remote, Stats};
pub use message::{DecodeError, MAX_MESSAGE, MAX_TEXT, Message};
pub use node::Gossip;
pub use tuple::{Tuple, TupleError};
