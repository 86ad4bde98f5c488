//! What tells one state of a file from another without reading it.

use std::io;
use std::time::SystemTime;

use crate::disk::{FileKind, FileStatus};

/// The state of a file, as the file system reports it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Version {
    /// Bytes.
    pub size: u64,
    /// When the content was last changed, as precisely as the file system records it.
    pub modified: SystemTime,
    /// The lowest nine bits of the Unix permissions; 0o644 on systems without them.
    pub mode: u32,
    /// The file system's number for the file, or 0 where there is none. A file that replaces
    /// another has another number.
    pub inode: u64,
}

impl Version {
    /// Returns the version of a file with this status.
    ///
    /// # Errors
    /// [`InvalidInput`](io::ErrorKind::InvalidInput) if it is not a regular file.
    pub fn of(status: &FileStatus) -> io::Result<Self> {
        if status.kind != FileKind::File {
            return Err(io::Error::new(io::ErrorKind::InvalidInput, "not a regular file"));
        }
        let FileStatus { size, modified, mode, inode, .. } = *status;
        Ok(Self { size, modified, mode, inode })
    }

    /// Returns whether the content is the same, judged by size, time of the last change, and inode.
    /// Permissions may differ.
    #[must_use]
    pub fn same_content(&self, other: &Self) -> bool {
        (self.size, self.modified, self.inode) == (other.size, other.modified, other.inode)
    }
}
