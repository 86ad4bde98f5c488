//! ZMTP 3.1, the wire protocol of ZeroMQ ([RFC 37](https://rfc.zeromq.org/spec/37/)), for peers
//! that face a network: **no input can make it panic, abort, or allocate by an announced length.**
//!
//! # The protocol on one page
//!
//! ```text
//!        DEALER "alice"                                        ROUTER
//!  greeting  FF 8 octets 7F | 3 1 | NULL | 0 ...   64 octets  --->
//!  command   READY  Socket-Type: DEALER, Identity: alice      --->
//!      <---  64 octets, the same with nothing about alice    greeting
//!      <---  READY  Socket-Type: ROUTER, Identity: (empty)   command
//!  message   MORE "Hi"   MORE ""   "Bob"                      --->
//!  command   PING ttl, context                                --->
//!      <---  PONG context                                    command
//! ```
//!
//! Each side may send greeting and READY at once. Messages wait for the other's READY. A message
//! is one or more *frames*; a frame is one octet of flags (MORE, LONG, COMMAND), its size in one
//! or eight octets, and its body. That is all: no acknowledgement, no heartbeat unless asked for,
//! and the end of the connection is the end of TCP.
//!
//! # Without I/O
//!
//! A [`Connection`] is one end. It owns no socket, reads no clock and can be driven by anything
//! that moves octets; here two of them talk in memory:
//!
//! ```
//! use bytes::{Bytes, BytesMut};
//! use std::time::Instant;
//! use zmtp::{Config, Connection, Event, SocketType};
//!
//! let now = Instant::now();
//! let mut alice = Connection::new(&Config::new(SocketType::Dealer).with_identity("alice"), now);
//! let mut bob = Connection::new(&Config::new(SocketType::Router), now);
//!
//! // What one wants to send is appended to what the other has received.
//! while let Some(octets) = alice.poll_transmit() {
//!     bob.buffer().extend_from_slice(&octets);
//! }
//! while let Some(octets) = bob.poll_transmit() {
//!     alice.buffer().extend_from_slice(&octets);
//! }
//! let Some(Event::Ready(peer, _)) = bob.poll_event()? else { panic!("bob should be ready") };
//! assert_eq!(peer.identity, "alice");
//! let Some(Event::Ready(_, mut encoder)) = alice.poll_event()? else { panic!("alice too") };
//!
//! let mut wire = BytesMut::new();
//! encoder.encode(b"Hi", &[Bytes::new(), Bytes::from("Bob")], &mut wire);
//! bob.buffer().unsplit(wire);
//! let Some(Event::Message(message)) = bob.poll_event()? else { panic!("no message") };
//! assert_eq!(message.frames(), ["Hi", "", "Bob"]);
//! assert!(bob.poll_event()?.is_none());
//! # Ok::<(), zmtp::Error>(())
//! ```
//!
//! # Limits
//!
//! [`Limits`] are checked when a size is announced, before its octets come. The receive buffer
//! grows by octets received; small messages are copied out of it, so that a message that is kept
//! keeps nothing else; large frames are split off without a copy. Errors end the connection,
//! and only that one.
//!
//! # With tokio
//!
//! [`net`] (feature `net`, on by default) has a listener that finishes handshakes concurrently, a
//! connect, a reader, and a bounded outgoing queue that never waits; and, made of these, a
//! [`Publisher`](net::Publisher) to one remote and a [`Subscriber`](net::Subscriber) to many.
//!
//! # Subscriptions
//!
//! A SUB tells a PUB which messages it wants: those whose first frame starts with a prefix. Who
//! connects and who listens does not matter. ZMTP 3.1 has the commands SUBSCRIBE and CANCEL for
//! it, 3.0 messages whose first octet is 1 or 0; both are understood, and a remote is sent what it
//! understands.
//!
//! ```text
//!        SUB                                                   PUB
//!  command   READY  Socket-Type: SUB                          --->
//!      <---  READY  Socket-Type: PUB                         command
//!  command   SUBSCRIBE "weather."                             --->
//!      <---  "weather.rain"                                  message
//!  command   CANCEL "weather."                                --->
//! ```
//!
//! [`Config::subscriptions`] is what a SUB wants from the start, [`Event::Subscribe`] and
//! [`Event::Cancel`] are what a PUB hears, and [`Subscriptions`] remembers it.
//!
//! Not here: CURVE (its place is [`Mechanism`]), ZMTP 1 and 2.

#[cfg(feature = "net")]
pub mod net;

mod assembly;
mod command;
mod config;
mod connection;
mod encoder;
mod error;
mod frame;
mod greeting;
mod limits;
mod mechanism;
mod message;
mod socket_type;
mod subscriptions;

pub use config::Config;
pub use connection::{Connection, Event, PeerInfo};
pub use encoder::Encoder;
pub use error::Error;
pub use frame::FrameHeader;
pub use limits::Limits;
pub use mechanism::Mechanism;
pub use message::{IntoFrames, Message};
pub use socket_type::SocketType;
pub use subscriptions::Subscriptions;
