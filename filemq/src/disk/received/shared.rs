//! What all writers of a received folder share.

use std::path::PathBuf;

use zmtp::sync::Mutex;

use super::index::FolderIndex;
use super::partial::PartialFile;
use crate::VirtualPath;
use crate::disk::{Directory, DiskFile};

/// What all writers of a received folder share.
#[derive(Debug)]
pub(super) struct FolderShared {
    pub(super) path: PathBuf,
    pub(super) root: Directory,
    /// The directory of partial files.
    pub(super) partial: Directory,
    pub(super) durable: bool,
    pub(super) index: Mutex<FolderIndex>,
    /// Locked as long as it is open.
    pub(super) _lock: DiskFile,
}

impl FolderShared {
    /// Returns where a file is on this machine.
    pub(super) fn path_of(&self, name: &VirtualPath) -> PathBuf {
        let mut path = self.path.clone();
        path.extend(name.components());
        path
    }

    /// Drops a file that is not complete.
    pub(super) fn discard(&self, origin: &str, file: PartialFile) {
        let PartialFile { file_name, room, recorded, .. } = file;
        self.index.lock().release(room);
        if recorded {
            self.remove_recorded(origin, &file_name);
        } else {
            self.remove_partial(&file_name);
        }
    }

    /// Removes a partial file that is in the journal.
    pub(super) fn remove_recorded(&self, origin: &str, file_name: &str) {
        self.remove_partial(file_name);
        self.index.lock().unpause(origin);
    }

    pub(super) fn remove_partial(&self, file_name: &str) {
        if let Err(error) = self.partial.remove_file(file_name) {
            tracing::warn!(%error, "a partial file cannot be removed");
        }
    }
}
