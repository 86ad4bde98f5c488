//! ZMTP 3.1, the wire protocol of ZeroMQ ([RFC 37](https://rfc.zeromq.org/spec/37/)), for peers
//! that face a network: **no input can make it panic, abort, or allocate by an announced size.**
//!
//! * [`Connection`] is the protocol without I/O: bytes in, events and bytes out.
//! * [`net`] (feature `net`, on by default) is the same with tokio: a [`Listener`](net::Listener)
//!   that finishes handshakes concurrently, [`connect`](net::connect), a [`Reader`](net::Reader),
//!   and a bounded [`SendQueue`](net::SendQueue) that never waits; and, made of these, a
//!   [`Publisher`](net::Publisher) and a [`Subscriber`](net::Subscriber).
//!
//! Not included: ZMTP 1 and 2.
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
//! Each side may send greeting and READY at once. Messages wait for the remote's READY. A message
//! is one or more *frames*; a frame is one octet of flags (MORE, LONG, COMMAND), its size in one
//! or eight octets, and its body. That is all: no acknowledgement, no heartbeat unless asked for,
//! and the end of the connection is the end of TCP.
//!
//! # The run loop
//!
//! A [`Connection`] owns no socket and reads no clock. Received bytes and the time go in, and
//! [`poll_output`](Connection::poll_output) says what to do until there is nothing left to do. This
//! is a complete client on a blocking socket:
//!
//! ```no_run
//! use std::io::{ErrorKind, Read, Write};
//! use std::net::TcpStream;
//! use std::time::{Duration, Instant};
//!
//! use bytes::{Bytes, BytesMut};
//! use zmtp::{Config, Connection, Event, Output, SocketType};
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let mut stream = TcpStream::connect("127.0.0.1:5670")?;
//! let config = Config::new(SocketType::Dealer).with_identity("alice");
//! let mut connection = Connection::new(&config, Instant::now());
//! let mut buffer = [0; 4096];
//! let mut encoder = None;
//! loop {
//!     // What to do, until there is nothing left to do. An error ends the connection.
//!     while let Some(output) = connection.poll_output()? {
//!         let mut wire = BytesMut::new();
//!         match output {
//!             Output::Transmit(bytes) => stream.write_all(&bytes)?,
//!             Output::Event(Event::Ready(peer, new)) => {
//!                 println!("connected to {:?}", peer.socket_type);
//!                 let content = [Bytes::new(), Bytes::from("Bob")];
//!                 encoder.insert(new).encode(b"Hi", &content, &mut wire);
//!             }
//!             Output::Event(Event::Message(message)) => println!("{:?}", message.frames()),
//!             // The answer to a PING, say.
//!             Output::Frame(frame) => {
//!                 encoder.as_mut().ok_or("not ready")?.encode_frame(&frame, &mut wire);
//!             }
//!             _ => {}
//!         }
//!         stream.write_all(&wire)?;
//!     }
//!     // Then wait for bytes or for the deadline, whichever comes first.
//!     let now = Instant::now();
//!     let wait = connection.next_deadline().map(|at| at.saturating_duration_since(now));
//!     stream.set_read_timeout(wait.map(|wait| wait.max(Duration::from_millis(1))))?;
//!     match stream.read(&mut buffer) {
//!         Ok(0) => return Ok(()),
//!         Ok(n) => connection.receive_buffer().extend_from_slice(&buffer[..n]),
//!         Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) => {}
//!         Err(error) => return Err(error.into()),
//!     }
//!     connection.handle_timeout(Instant::now());
//! }
//! # }
//! ```
//!
//! Two connections in memory, as in a test:
//!
//! ```
//! use std::time::Instant;
//!
//! use bytes::{Bytes, BytesMut};
//! use zmtp::{Config, Connection, Event, Output, SocketType};
//!
//! let now = Instant::now();
//! let mut alice = Connection::new(&Config::new(SocketType::Dealer).with_identity("alice"), now);
//! let mut bob = Connection::new(&Config::new(SocketType::Router), now);
//!
//! // Greeting and READY, which each side transmits at once.
//! let Some(Output::Transmit(opening)) = alice.poll_output()? else { panic!("nothing to send") };
//! bob.receive_buffer().extend_from_slice(&opening);
//! let Some(Output::Transmit(opening)) = bob.poll_output()? else { panic!("nothing to send") };
//! alice.receive_buffer().extend_from_slice(&opening);
//!
//! let Some(Output::Event(Event::Ready(peer, _))) = bob.poll_output()? else {
//!     panic!("bob should be ready")
//! };
//! assert_eq!(peer.identity, "alice");
//! let Some(Output::Event(Event::Ready(_, mut encoder))) = alice.poll_output()? else {
//!     panic!("alice should be ready")
//! };
//!
//! let mut wire = BytesMut::new();
//! encoder.encode(b"Hi", &[Bytes::new(), Bytes::from("Bob")], &mut wire);
//! bob.receive_buffer().unsplit(wire);
//! let Some(Output::Event(Event::Message(message))) = bob.poll_output()? else {
//!     panic!("bob should have a message")
//! };
//! assert_eq!(message.frames(), ["Hi", "", "Bob"]);
//! assert!(bob.poll_output()?.is_none());
//! # Ok::<(), zmtp::Error>(())
//! ```
//!
//! # Limits
//!
//! [`Limits`] are checked when a size is announced, before its bytes arrive. The receive buffer
//! grows by bytes received; small messages are copied out of it, so that keeping one keeps nothing
//! else; large frames are split off without a copy. An error ends its connection, and no other.
//!
//! # Subscriptions
//!
//! A SUB tells a PUB which messages it wants: those whose first frame starts with a prefix. Either
//! side may connect or listen. ZMTP 3.1 has the commands SUBSCRIBE and CANCEL for it, 3.0 messages
//! whose first octet is 1 or 0; both are understood, and a remote is sent what it understands.
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
//! # Secure connections
//!
//! With the feature `curve`, or `curve-audited`, connections can be secured by CURVE (RFC 25 and
//! 26), as libzmq speaks it: both ends prove who they are by a key, and nobody else reads, changes,
//! repeats or leaves out what they say.
//!
//! ```text
//!        client, knows the server's key                        server
//!  command   HELLO     a key for this connection              --->
//!      <---  WELCOME   another, and a cookie                 command
//!  command   INITIATE  its own key, proved, and metadata      --->
//!                                              Authenticate: is this key let in?
//!      <---  READY     metadata                              command
//!            Authenticate: is this server let in?
//!  message   MESSAGE   flags and data, sealed                <--->
//! ```
//!
//! `Curve` is how a connection is secured, with a `KeyPair` of its own and, for a client, the
//! `PublicKey` of its server; it is set by [`Config::with_mechanism`]. Both roles decide whether to
//! let the remote in at a step of its own, `Event::Authenticate`, after the remote has proved its
//! key and before anything else is said or heard: in [`net`] by a `Guard`, else by
//! `Connection::admit` and `Connection::refuse`. A `Guard` also adds properties that prove
//! something to the remote; they may be bound to the keys of this connection, `SessionKeys`, which
//! no other has.
//!
//! What is sealed is numbered, so it has to be sent in the order in which it was sealed: everything
//! after READY goes through the one [`Encoder`], and a [`SendQueue`](net::SendQueue) seals when it
//! writes, so that content for many is shared until then. Nothing hides which nodes talk to each
//! other, when, and how much.
//!
//! # Text from the network
//!
//! [`Printable`] displays names and contents that anybody may have sent without letting them do
//! anything to a terminal or a log line. The [`Error`]s of this crate have been through it.

#![cfg_attr(docsrs, feature(doc_cfg))]

#[cfg(feature = "net")]
pub mod net;
pub mod sync;

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
mod message_assembler;
#[cfg(feature = "net")]
mod pair;
mod peer_info;
mod printable;
mod properties;
mod socket_type;
mod subscriptions;

pub use config::Config;
pub use connection::{Connection, Event, Output};
pub use encoder::Encoder;
pub use error::{CurveError, Error};
pub use frame::FrameHeader;
pub use limits::Limits;
pub use mechanism::Mechanism;
#[cfg(feature = "_curve")]
pub use mechanism::curve::{
    Curve, Guard, KeyError, KeyPair, PublicKey, SecretKey, SessionKeys, Side, Verdict,
};
pub use message::{IntoFrames, Message};
#[cfg(feature = "net")]
pub use pair::{Head, Pair};
pub use peer_info::PeerInfo;
pub use printable::Printable;
pub use socket_type::SocketType;
pub use subscriptions::Subscriptions;
