//! ZMTP over TCP with tokio.
//!
//! * [`connect`] and [`Listener`] make connections whose handshake is over: [`Established`];
//! * [`Reader`] is the receiving half: [`fill`](Reader::fill) waits and reads once,
//!   [`next`](Reader::next) returns the messages that arrived with it;
//! * [`SendQueue`] is the sending half: a bounded queue that never waits, and the loop that empties
//!   it;
//! * [`Publisher`] and [`Subscriber`] are made of these: a PUB that reconnects to one remote, and a
//!   SUB with any number of remotes;
//! * [`Backoff`] is the pause between two attempts to connect.
//!
//! The halves may be driven by one task or by two. Every future may be dropped at any point without
//! losing a byte.
//!
//! A connection ends in order with [`SendQueue::finish`] and then [`Reader::drain`]: all that was
//! accepted arrives. [`Reader::closed`] tells of the remote's end to one who does not read, and
//! [`SendQueue::traffic`] whether the connection carries anything.
//!
//! # Examples
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
//!     let config = Config::new(SocketType::Dealer).with_identity("alice");
//!     let mut to = net::connect(address, &config, net::SendQueueLimits::default()).await?;
//!     to.queue.push(b"Hi", &[Bytes::from("Bob")])?;
//!     tokio::select! {
//!         error = to.queue.run() => println!("cannot send any more: {error}"),
//!         alive = to.reader.fill() => println!("bob has closed: {}", !alive?),
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

mod backoff;
mod buffer_pool;
mod error;
mod established;
mod handshake;
mod listener;
mod publisher;
mod reader;
mod send_queue;
mod socket_options;
mod start;
mod subscriber;
mod traffic;

pub use backoff::Backoff;
pub use error::{Error, PushError};
pub use established::Established;
pub use handshake::{connect, connect_from};
pub use listener::{Listener, ListenerLimits, ListenerStats};
pub use publisher::{Publisher, PublisherLimits, PublisherStats};
pub use reader::Reader;
pub use send_queue::{SendQueue, SendQueueLimits};
pub use start::Start;
pub use subscriber::{Subscriber, SubscriberLimits};
pub use traffic::Traffic;
