//! Complete files on their way to their places.

use super::partial::{self, PartialFile};
use super::record::FileRecord;
use super::shared::FolderShared;
use super::usage::Reservation;
use super::write_error::WriteError;
use crate::VirtualPath;

/// A complete, verified file among the partial files, closed. All that it lacks is its place, or
/// that it is safe on the disk.
#[derive(Debug)]
pub(super) struct ReadyFile {
    pub(super) name: VirtualPath,
    /// Its number in the session.
    pub(super) sequence: u64,
    /// In the directory of partial files.
    pub(super) file_name: String,
    pub(super) record: FileRecord,
    pub(super) room: Reservation,
    /// Whether it is in the journal as one that can be resumed.
    pub(super) recorded: bool,
    /// Whether its content is safe on the disk, if that is wanted.
    pub(super) is_synced: bool,
    /// Whether it was told that it is refused for now.
    pub(super) is_told: bool,
}

impl ReadyFile {
    pub(super) fn new(partial: PartialFile, record: FileRecord) -> Self {
        let PartialFile { name, sequence, file_name, room, recorded, .. } = partial;
        Self { name, sequence, file_name, record, room, recorded, is_synced: true, is_told: false }
    }

    /// Makes the content safe on the disk. If that has failed before it is written anew, and read
    /// for that: after a failure the system may report success without having written anything.
    pub(super) fn sync(&mut self, shared: &FolderShared) -> Result<(), WriteError> {
        if self.is_synced {
            return Ok(());
        }
        let fresh = format!("{}.again", self.file_name);
        shared.reuse_partial(&fresh);
        let rewritten = partial::rewrite(&shared.partial, &self.file_name, &fresh, &self.record);
        let version = rewritten.inspect_err(|_| shared.remove_partial(&fresh))?;
        (self.record.modified, self.record.inode) = (version.modified, version.inode);
        self.is_synced = true;
        Ok(())
    }

    /// Drops the file.
    pub(super) fn discard(self, shared: &FolderShared, origin: &str) {
        shared.discard(origin, &self.file_name, self.room, self.recorded);
    }
}
