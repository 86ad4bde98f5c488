//! The side of the disk: what is published, and the inbox. All of it is synchronous, and waits for
//! the disk: asynchronous programs call it from threads that may wait.

mod inbox;
mod mount;
mod pieces;
mod reader;
mod source;
mod turn;
mod version;

pub use inbox::{Inbox, InboxLimits, Known, Receiver};
pub use mount::{Mount, MountChange, MountConfig};
pub use pieces::Pieces;
pub use reader::Reader;
pub use source::{Root, Source};
