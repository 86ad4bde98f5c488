//! Sessions without I/O: what one side says to the other, and when.
//!
//! A session is told what happens and what time it is, and has outputs: messages to send, orders for
//! the disk, events. It never waits, and never looks at a clock or a disk:
//!
//! ```text
//!            server                                       client
//!   Catalogue, Change                                        known, subscriptions
//!          |                                                   |
//!          v                       network                     v
//!   +---------------+  Send   ------------------->  handle +---------------+
//!   | ServerSession |                                      | ClientSession |
//!   +---------------+  handle <-------------------  Send   +---------------+
//!     | Job    ^ Done                                        | Write   ^ Written
//!     v        |                                             v         |
//!   files that are published                               the inbox
//! ```
//!
//! [`message`](crate::message) has the messages; what two of us say beyond the protocol is in the
//! dictionaries of ICANHAZ (`RESYNC`, `DIGEST`, `RESUME`), its answer (`CREDIT`) and CHEEZBURGER (`SIZE`,
//! `DIGEST`, `MTIME`, `MODE`, `ABORT`), which other implementations ignore.

mod client;
mod server;
mod terms;

pub use client::{ClientClose, ClientConfig, ClientEvent, ClientOutput, ClientSession, Known};
pub use server::{ServerConfig, ServerEvent, ServerOutput, ServerSession};
