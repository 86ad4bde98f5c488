//! What a server session wants read, and the results.

use std::sync::Arc;

use bytes::Bytes;

use super::file_info::ResumePoint;
use crate::Fate;
use crate::catalogue::Entry;
use crate::digest::{Algorithm, Digest};

/// Something to do with a published file. The jobs of one session are done one after the other, in
/// order, and each has one [`JobResult`] of the same kind.
#[derive(Debug)]
pub enum Job {
    /// Compute the digest, for a client that says it has the file already.
    Digest(Arc<Entry>, Algorithm),
    /// Open the file, for a transfer. A session has at most one file open; another `Open` closes
    /// it.
    Open {
        /// The file, in the state that is meant.
        entry: Arc<Entry>,
        /// Whether its BLAKE3 digest is wanted as well.
        digest: bool,
        /// What the client has of it already.
        resume: Option<ResumePoint>,
    },
    /// Read `len` bytes from `offset`.
    Read {
        /// Where in the file.
        offset: u64,
        /// How many bytes; at most [`CHUNK`](crate::message::CHUNK).
        len: usize,
    },
    /// Close the file, and report whether it is still in the state in which it was opened.
    Close,
}

/// The result of a [`Job`].
#[derive(Debug)]
pub enum JobResult {
    /// The digest.
    Digest(Result<Digest, Unreadable>),
    /// The file is open.
    Opened(Result<OpenedFile, Unreadable>),
    /// What was read.
    Read(Result<Bytes, Unreadable>),
    /// The file is closed, and did not change while it was open.
    Closed(Result<(), Unreadable>),
}

/// A file that was opened for a transfer.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct OpenedFile {
    /// Where to begin: after what the client has, if that is the beginning of this file, or else 0.
    pub offset: u64,
    /// The digest, if it was wanted.
    pub digest: Option<Digest>,
}

/// Why a published file cannot be sent.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Unreadable {
    /// The file is gone or no longer in the state that is meant; its change will be reported.
    #[error("the file has changed or is gone")]
    Changed,
    /// The operating system does not let it be read.
    #[error("the file cannot be read: {reason}")]
    Failed {
        /// What the operating system says.
        reason: Arc<str>,
        /// Whether it may be readable later.
        fate: Fate,
    },
}
