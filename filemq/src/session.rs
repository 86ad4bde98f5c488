//! Sessions without I/O: what one side says to the other, and when.
//!
//! A session is told what happens and what time it is, and has outputs: messages to send, orders
//! for the disk, events. It never waits, and never looks at a clock or a disk. Both sides are
//! driven alike: `handle_…` takes what has happened, `poll_output` returns what to do until
//! it returns `None`, and `next_deadline` says when `handle_timeout` is due.
//!
//! ```text
//!            server                                       client
//!   Catalogue, Change                                   Inventory, subscriptions
//!          |                                                   |
//!          v                       network                     v
//!   +---------------+  Send   ------------------->  handle +---------------+
//!   | ServerSession |                                      | ClientSession |
//!   +---------------+  handle <-------------------  Send   +---------------+
//!     | Job    ^ JobResult                                   | Write   ^ Written
//!     v        |                                             v         |
//!   the shared folders                                 the received folder
//! ```
//!
//! The messages are in [`message`](crate::message). What two sides of this implementation say
//! beyond the protocol is in the dictionaries of ICANHAZ (`RESYNC`, `DIGEST`, `RESUME`, `RECEIPT`,
//! `OFFER`, `HIDDEN`, `TICKET`), its answer (`CREDIT`, `RECEIPT`, `OFFER`) and CHEEZBURGER (`SIZE`,
//! `DIGEST`, `MTIME`, `MODE`, `ABORT`), which other
//! implementations ignore. When both have said `RECEIPT`, the client says what becomes of each file; when
//! both have said `OFFER`, the server sends what the client wants, and nothing else.

mod client;
mod extensions;
mod file_info;
mod job;
mod offered_file;
mod server;
mod write;

pub use client::{
    Accept, ClientClose, ClientConfig, ClientOutput, ClientSession, ClientSessionEvent, Inventory,
};
pub use file_info::{FileInfo, ResumePoint};
pub use job::{Job, JobResult, OpenedFile, Unreadable};
pub use offered_file::OfferedFile;
pub use server::{ServerConfig, ServerOutput, ServerSession, ServerSessionEvent};
pub use write::{Write, Written};

pub use crate::catalogue::{Catalogue, Change, Entry};
