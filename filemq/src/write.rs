//! What a client session wants written, and what came of it.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::SystemTime;

use bytes::Bytes;

use crate::{Digest, VirtualPath};

/// Something to do in the inbox, in order. Between `Begin` and its `End` or `Abort` nothing but
/// `Data` comes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Write {
    /// A file begins.
    Begin {
        /// Its name on the network.
        name: VirtualPath,
        /// Where the first `Data` belongs: 0, or where a partial file of this digest is to go on.
        offset: u64,
        /// What was said of it ahead; nothing by other implementations.
        promise: Option<Promise>,
    },
    /// Content.
    Data {
        /// Where it belongs; directly after what came before.
        offset: u64,
        /// What.
        octets: Bytes,
    },
    /// The file is complete, with so many octets.
    End {
        /// In all, what was there before included.
        size: u64,
    },
    /// The file will not be completed: its source has changed. What there is of it goes.
    Abort,
    /// The file is gone.
    Delete {
        /// Its name on the network.
        name: VirtualPath,
    },
}

/// What one of us says of a file before it sends it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Promise {
    /// Octets.
    pub size: u64,
    /// BLAKE3 of the whole.
    pub digest: Digest,
    /// When it was last changed.
    pub modified: SystemTime,
    /// Permissions, nine bits.
    pub mode: u32,
}

/// What came of it, in the same order; `Begin` and `Data` are answered only when they fail, once
/// for a file, and then the rest of it is to be dropped.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Written {
    /// A file is there, under its name, complete.
    Delivered {
        /// Its name on the network.
        name: VirtualPath,
        /// Where it is now.
        path: PathBuf,
        /// Octets.
        size: u64,
    },
    /// A file that came from here is gone.
    Deleted {
        /// Its name on the network.
        name: VirtualPath,
        /// Where it was.
        path: PathBuf,
    },
    /// A file is not what was promised; what came of it was dropped. It has to be sent again.
    Mismatch {
        /// Its name on the network.
        name: VirtualPath,
    },
    /// A file was not taken, and will not be if it is sent again.
    Refused {
        /// Its name on the network.
        name: VirtualPath,
        /// Why, for people.
        reason: Refusal,
    },
}

/// Why the inbox does not take a file.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Refusal {
    /// It would take more room than the inbox may have.
    #[error("the inbox is full: it may hold {limit} octets")]
    Octets {
        /// What it may hold.
        limit: u64,
    },
    /// There would be more files than there may be.
    #[error("the inbox is full: it may hold {limit} files")]
    Files {
        /// How many.
        limit: usize,
    },
    /// Its name leads out of the inbox, or to something that is no file, or cannot be a name here.
    #[error("no place for such a name in the inbox: {0}")]
    Name(Arc<str>),
    /// The operating system does not write it.
    #[error("cannot be written: {0}")]
    Failed(Arc<str>),
}
