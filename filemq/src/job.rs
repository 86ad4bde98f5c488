//! What a server session wants read, and what came of it.

use std::sync::Arc;

use bytes::Bytes;

use crate::{Digest, Entry, digest::Algorithm};

/// Something to do with a file. Jobs of one session are done one after the other, in their order,
/// and each is answered by one [`Done`] of the same name.
#[derive(Debug)]
pub enum Job {
    /// Its digest, for a client that says it may have it.
    Digest(Arc<Entry>, Algorithm),
    /// Open it, for a transfer. At most one file of a session is open; another `Open` closes it.
    Open {
        /// Which, in which state.
        entry: Arc<Entry>,
        /// Whether its BLAKE3 digest is wanted ahead.
        digest: bool,
        /// A client has its beginning already.
        resume: Option<Resume>,
    },
    /// Read `len` octets from `offset`.
    Read {
        /// Where in the file.
        offset: u64,
        /// How many octets; at most [`CHUNK`](crate::CHUNK).
        len: usize,
    },
    /// Close it, and say whether it is still in the state in which it was opened.
    Close,
}

/// What a client has of a file: so many octets from its start, with this digest.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Resume {
    /// How many.
    pub offset: u64,
    /// BLAKE3 of these octets.
    pub prefix: Digest,
    /// BLAKE3 of the whole file that they belong to.
    pub whole: Digest,
}

/// What came of a [`Job`].
#[derive(Debug)]
pub enum Done {
    /// The digest.
    Digest(Result<Digest, Unreadable>),
    /// It is open.
    Opened(Result<Opened, Unreadable>),
    /// What was read.
    Read(Result<Bytes, Unreadable>),
    /// It is closed, and was in the state that was meant until now.
    Closed(Result<(), Unreadable>),
}

/// An open file.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Opened {
    /// Where to begin: where the client has got to, if what it has is the beginning of this; else 0.
    pub offset: u64,
    /// Its digest, if that was asked for.
    pub digest: Option<Digest>,
}

/// Why a file cannot be given.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Unreadable {
    /// It is not in the state that was meant any more, or gone; whoever watches it will tell.
    #[error("the file has changed or is gone")]
    Changed,
    /// It cannot be read: what the operating system says.
    #[error("the file cannot be read: {0}")]
    Failed(Arc<str>),
}
