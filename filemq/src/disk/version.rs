//! The state of a file, from what the operating system tells.

use std::fs::{File, Metadata};
use std::io;

use crate::Version;

impl Version {
    /// Of an open file.
    ///
    /// # Errors
    /// It is no regular file, or the operating system does not tell.
    pub fn of_file(file: &File) -> io::Result<Self> {
        Self::of_std(&file.metadata()?)
    }

    pub(super) fn of_std(metadata: &Metadata) -> io::Result<Self> {
        if !metadata.is_file() {
            return Err(no_file());
        }
        #[cfg(unix)]
        let (mode, inode) = {
            use std::os::unix::fs::MetadataExt;
            (metadata.mode() & 0o777, metadata.ino())
        };
        #[cfg(not(unix))]
        let (mode, inode) = (0o644, 0);
        Ok(Self { size: metadata.len(), modified: metadata.modified()?, mode, inode })
    }

    pub(super) fn of_cap(metadata: &cap_std::fs::Metadata) -> io::Result<Self> {
        if !metadata.is_file() {
            return Err(no_file());
        }
        #[cfg(unix)]
        let (mode, inode) = {
            use cap_std::fs::MetadataExt;
            (metadata.mode() & 0o777, metadata.ino())
        };
        #[cfg(not(unix))]
        let (mode, inode) = (0o644, 0);
        let modified = metadata.modified()?.into_std();
        Ok(Self { size: metadata.len(), modified, mode, inode })
    }

    /// Whether the content is the same: its size, the time of its last change and the file itself.
    /// Permissions may differ.
    #[must_use]
    pub fn same_content(&self, other: &Self) -> bool {
        (self.size, self.modified, self.inode) == (other.size, other.modified, other.inode)
    }
}

fn no_file() -> io::Error {
    io::Error::new(io::ErrorKind::InvalidInput, "it is no regular file")
}
