//! FILEMQ: publish files and folders, and receive them on other machines.
//!
//! A [`Server`] publishes files and folders under virtual paths. A [`Client`] connects to any
//! number of servers, subscribes to paths, and stores what they send in its received folder. A file
//! appears there under its name when it is complete and verified, and not before. Later versions
//! replace it, and a file that is deleted at the server is deleted in the folder. A lost connection
//! is made again: files that are there are not sent again, and interrupted ones are resumed.
//!
//! ```
//! use filemq::{
//!     Audience, Client, ClientEvent, ClientOptions, FileEvent, MountOptions, Server, ServerOptions,
//!     VirtualPath,
//! };
//!
//! # #[tokio::main]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! # let (send, recv) = (tempfile::tempdir()?, tempfile::tempdir()?);
//! # std::fs::write(send.path().join("a.txt"), "hello")?;
//! let (server, _) = Server::new(ServerOptions::default());
//! let mut everything = MountOptions::new(VirtualPath::root());
//! everything.stable = std::time::Duration::ZERO; // do not wait until a file has rested for a second
//! server.mount(send.path(), everything, Audience::Everyone).await?;
//! let address = server.listen("127.0.0.1:0".parse()?)?;
//!
//! let (client, mut events) = Client::open(recv.path(), ClientOptions::default()).await?;
//! client.subscribe(VirtualPath::root());
//! client.connect("a server", address);
//! while let Some(event) = events.recv().await {
//!     if let ClientEvent::File { event: FileEvent::Delivered { path, .. }, .. } = event {
//!         assert_eq!(std::fs::read(path)?, b"hello");
//!         break;
//!     }
//! }
//! client.stop().await;
//! # Ok(())
//! # }
//! ```
//!
//! The protocol is that of C FileMQ since 2015 ([`message`]), in both directions. Two sides of this
//! implementation agree on more, which others do not notice: digests in advance, resumption,
//! deletes that were missed, times and permissions ([`session`]). Two sides that have met elsewhere know
//! each other by tickets, and either of them may dial ([`calls`]).
//!
//! Applications need only what is at the root of this crate. Below it are:
//!
//! | module | what |
//! |---|---|
//! | [`message`] | messages, exact to the byte |
//! | [`session`] | what is said and when, without I/O |
//! | [`disk`] | the files that are published, and the received folder |
//! | [`digest`] | file digests |
//! | [`calls`] | tickets, by which a server knows a client, and which side dials |

#![cfg_attr(docsrs, feature(doc_cfg))]

pub mod calls;
mod catalogue;
pub mod digest;
pub mod disk;
mod driver;
mod fate;
mod file_event;
mod hex;
pub mod message;
mod omission;
mod publish_error;
mod retry_clock;
pub mod session;
mod ticket;
mod unix_time;
mod version;
mod virtual_path;

pub use catalogue::Audience;
pub use disk::{MountOptions, ReceivedLimits};
pub use driver::{
    Call, Client, ClientEvent, ClientEvents, ClientInfo, ClientOptions, Guest, OfferError, OfferId,
    OfferInfo, OfferState, Progress, Server, ServerEvent, ServerEvents, ServerOptions, Way,
};
pub use fate::Fate;
pub use file_event::{FileEvent, Refusal};
pub use omission::{Omission, OmittedFiles};
pub use publish_error::PublishError;
pub use session::Accept;
pub use ticket::Ticket;
pub use virtual_path::{PathError, VirtualPath};

/// The port of FILEMQ, assigned by IANA.
pub const PORT: u16 = 5670;
