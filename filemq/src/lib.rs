//! FILEMQ: publish files and folders, and receive them on other machines.
//!
//! A [`Server`] publishes files and folders under virtual paths; a [`Client`] connects to any number
//! of servers, subscribes to paths, and keeps what comes in its inbox. A file appears there under
//! its name when it is complete and checked, and not before. Later states follow, and a file that
//! goes at the server goes from the inbox. A connection that was lost is made again: what is there
//! is not sent again, and what was there in part goes on where it ended.
//!
//! ```
//! use filemq::disk::MountConfig;
//! use filemq::{Audience, Client, ClientOptions, Received, Server, ServerOptions, VirtualPath};
//!
//! # #[tokio::main]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! # let (send, recv) = (tempfile::tempdir()?, tempfile::tempdir()?);
//! # std::fs::write(send.path().join("a.txt"), "hello")?;
//! let (server, _) = Server::new(ServerOptions::default());
//! let mut everything = MountConfig::new(VirtualPath::root());
//! everything.stable = std::time::Duration::ZERO; // do not wait until a file rests for a second
//! server.mount(send.path(), everything, Audience::Everyone).await?;
//! let address = server.listen("127.0.0.1:0".parse()?).await?;
//!
//! let (client, mut events) = Client::open(recv.path(), ClientOptions::default()).await?;
//! client.subscribe(VirtualPath::root());
//! client.connect("a server", address)?;
//! loop {
//!     if let Some(Received::Delivered { path, .. }) = events.recv().await {
//!         assert_eq!(std::fs::read(path)?, b"hello");
//!         break;
//!     }
//! }
//! client.stop().await;
//! # Ok(())
//! # }
//! ```
//!
//! It speaks what C FileMQ has spoken since 2015 ([`message`]), in both directions. Between two of
//! this implementation more is agreed, which others do not notice: digests ahead, resumption, deletes
//! that were missed, times and permissions ([`session`]).
//!
//! | part | what |
//! |---|---|
//! | [`VirtualPath`], [`Digest`], [`Catalogue`] | what is published, and how it is told apart |
//! | [`message`] | messages, exact to the octet |
//! | [`session`] | who says what and when; without I/O |
//! | [`disk`] | what is published, and the inbox |
//! | [`Server`], [`Client`] | all of it on tokio |

mod catalogue;
pub mod digest;
pub mod disk;
mod driver;
mod job;
pub mod message;
pub mod session;
mod virtual_path;
mod write;

pub use catalogue::{Audience, Catalogue, Change, Entry, Version};
pub use digest::Digest;
pub use driver::{
    Client, ClientEvents, ClientInfo, ClientOptions, Progress, Received, Served, Server,
    ServerEvents, ServerOptions,
};
pub use job::{Done, Job, Opened, Resume, Unreadable};
pub use virtual_path::{PathError, VirtualPath};
pub use write::{Promise, Refusal, Write, Written};

/// The most octets of content in one message, as in C FileMQ: a million.
pub const CHUNK: usize = 1_000_000;

/// The port of FILEMQ, assigned by IANA.
pub const PORT: u16 = 5670;
