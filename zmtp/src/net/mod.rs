//! ZMTP over TCP with tokio.
//!
//! * [`connect`] and [`Listener`] make connections whose handshake is over;
//! * [`Reader`] is the receiving half: [`fill`](Reader::fill) waits and reads once,
//!   [`next`](Reader::next) hands out the messages that came with it;
//! * [`Outbox`] is the sending half: a bounded queue that never waits, and the loop that empties
//!   it;
//! * [`Publisher`] and [`Subscriber`] are made of these: a PUB to one remote, that connects as often
//!   as need be, and a SUB to any number of remotes.
//!
//! The halves may be driven by one task or by two; every `async` method may be dropped at any
//! point without losing an octet.
//!
//! ```
//! use bytes::Bytes;
//! use zmtp::{Config, SocketType, net};
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let router = Config::new(SocketType::Router);
//! let any = "127.0.0.1:0".parse()?;
//! let mut listener = net::Listener::bind(any, router, net::ListenerLimits::default()).await?;
//! let address = listener.local_addr()?;
//!
//! let alice = async move {
//!     // The outbox may be filled before the connection is there.
//!     let outbox = net::Outbox::new(net::OutboxLimits::default());
//!     outbox.push(b"Hi", &[Bytes::from("Bob")])?;
//!     let config = Config::new(SocketType::Dealer).with_identity("alice");
//!     let (mut reader, _bob) = net::connect(address, &config, &outbox).await?;
//!     tokio::select! {
//!         error = outbox.run() => println!("cannot send any more: {error}"),
//!         alive = reader.fill() => println!("bob has closed: {}", !alive?),
//!     }
//!     Ok::<_, Box<dyn std::error::Error>>(())
//! };
//! let bob = async {
//!     let mut from = listener.accept().await;
//!     loop {
//!         if let Some(message) = from.reader.next()? {
//!             assert_eq!(from.peer.identity, "alice");
//!             return Ok::<_, net::Error>(message);
//!         }
//!         assert!(from.reader.fill().await?, "alice has closed");
//!     }
//! };
//! let (alice, message) = tokio::join!(alice, bob);
//! alice?;
//! assert_eq!(message?.frames(), ["Hi", "Bob"]);
//! # Ok(())
//! # }
//! ```

mod error;
mod handshake;
mod listener;
mod outbox;
mod publisher;
mod queue;
mod reader;
mod segments;
mod subscriber;

pub use error::{Error, PushError};
pub use handshake::connect;
pub use listener::{Established, Listener, ListenerLimits, ListenerStats};
pub use outbox::{Outbox, OutboxLimits};
pub use publisher::{Publisher, PublisherLimits, PublisherStats};
pub use reader::Reader;
pub use subscriber::{Subscriber, SubscriberLimits};
