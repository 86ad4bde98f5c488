//! A file that was interrupted.

use super::partial::{PartialFile, Prefix};
use super::record::PausedFile;
use super::usage::Reservation;
use crate::digest::Digest;

/// A file that can be resumed.
#[derive(Debug)]
pub(super) struct Resumable {
    pub(super) file: PausedFile,
    pub(super) room: Reservation,
    /// What its bytes amount to, if that is known.
    pub(super) prefix: Option<Prefix>,
}

impl Resumable {
    pub(super) fn length(&self) -> u64 {
        // What is reserved for a partial file that was not read yet is its length.
        self.prefix.as_ref().map_or(self.room.bytes, |prefix| prefix.length)
    }
}

/// Returns how a file could be resumed: only if it was announced what it will be.
pub(super) fn paused(current: &PartialFile) -> Option<PausedFile> {
    let info = current.info.as_ref()?;
    let Digest::Blake3(_) = info.digest else { return None };
    Some(PausedFile {
        name: current.name.clone(),
        whole: info.digest,
        size: info.size,
        partial: current.file_name.clone(),
    })
}
