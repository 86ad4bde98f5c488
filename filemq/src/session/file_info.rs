//! What two sides of this implementation tell each other about a file.

use std::time::SystemTime;

use crate::digest::Digest;

/// What a server announces about a file before it sends it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FileInfo {
    /// Bytes.
    pub size: u64,
    /// BLAKE3 digest of the whole.
    pub digest: Digest,
    /// When the content was last changed.
    pub modified: SystemTime,
    /// The nine bits of its permissions.
    pub mode: u32,
}

/// How much of a file a client has: its first `offset` bytes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ResumePoint {
    /// How many bytes.
    pub offset: u64,
    /// BLAKE3 digest of these bytes.
    pub prefix: Digest,
    /// BLAKE3 digest of the whole file that they are the beginning of.
    pub whole: Digest,
}
