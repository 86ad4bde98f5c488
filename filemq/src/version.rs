//! What tells one state of a file from another without reading it.

use std::io;
use std::time::SystemTime;

use crate::disk::{FileKind, FileStatus};

/// The state of a file, as the file system reports it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Version {
    /// Bytes.
    pub size: u64,
    /// When the content was last changed, as precisely as the file system records it. Programs can
    /// set it to any time.
    pub modified: SystemTime,
    /// When anything about the file was last changed, its content, permissions or number of links:
    /// no program can set that. `None` where the file system does not tell, as on Windows.
    pub changed: Option<SystemTime>,
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
        let FileStatus { size, modified, changed, mode, inode, .. } = *status;
        Ok(Self { size, modified, changed, mode, inode })
    }

    /// Returns whether nothing can have been written to the file between the two.
    #[must_use]
    pub fn same_content(&self, other: &Self) -> bool {
        let is_unchanged = match (self.changed, other.changed) {
            (Some(one), Some(other)) => one == other,
            _ => true,
        };
        is_unchanged && self.may_have_content_of(other)
    }

    /// Returns whether this version is known as that of the same content, where a file system that
    /// does not tell of all changes is believed only as long as nobody else has told of one.
    pub(crate) fn is_known_as(&self, later: &Self) -> bool {
        self.same_content(later) && (later.changed.is_none() || self.changed == later.changed)
    }

    /// Returns whether the content may be the same though something about the file has changed: size,
    /// time of the last change of the content, and inode are. Only reading it tells.
    #[must_use]
    pub fn may_have_content_of(&self, other: &Self) -> bool {
        (self.size, self.modified, self.inode) == (other.size, other.modified, other.inode)
    }
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, SystemTime};

    use super::Version;

    #[test]
    fn what_no_program_can_set_tells_of_a_change() {
        let at = |seconds| SystemTime::UNIX_EPOCH + Duration::from_secs(seconds);
        let version = |size, modified, changed: Option<u64>| {
            let (modified, changed) = (at(modified), changed.map(at));
            Version { size, modified, changed, mode: 0o644, inode: 1 }
        };
        let before = version(1, 1, Some(1));
        for (after, is_same, may_be) in [
            (version(1, 1, Some(1)), true, true),
            (version(1, 1, None), true, true),
            (version(1, 1, Some(2)), false, true),
            (version(2, 1, Some(1)), false, false),
            (version(1, 2, None), false, false),
            (Version { mode: 0, ..before }, true, true),
            (Version { inode: 2, ..before }, false, false),
        ] {
            let both = (before.same_content(&after), before.may_have_content_of(&after));
            assert_eq!(both, (is_same, may_be), "{after:?}");
        }
    }
}
