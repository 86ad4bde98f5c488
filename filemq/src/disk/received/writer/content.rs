//! The content of a file, to its end.

use bytes::Bytes;

use super::ReceivedWriter;
use crate::Refusal;
use crate::disk::received::commit::CompleteFile;
use crate::disk::received::partial::PartialFile;
use crate::disk::received::record::FileRecord;
use crate::disk::received::resumable::{Resumable, paused};
use crate::disk::received::usage::Reservation;
use crate::disk::received::write_error::{Denied, WriteError};

/// From this many bytes on a file is entered in the journal while it comes, so that it can be
/// resumed even if the process is killed.
const MIN_RECORDED: u64 = 1 << 20;

/// How many complete files, or files with how many bytes, are synced together.
const GROUP_FILES: usize = 64;
const GROUP_BYTES: u64 = 8 << 20;

/// How many complete files may wait for a place.
const MAX_PARKED: usize = 1000;

impl ReceivedWriter {
    pub(super) fn data(&mut self, offset: u64, bytes: &Bytes) -> Result<(), Denied> {
        let Some(mut current) = self.current.take() else { return Ok(()) };
        match self.append(&mut current, offset, bytes) {
            Ok(()) => {
                self.current = Some(self.recorded(current));
                Ok(())
            }
            Err(error) => self.give_up(current, error),
        }
    }

    fn append(
        &self,
        current: &mut PartialFile,
        offset: u64,
        bytes: &Bytes,
    ) -> Result<(), WriteError> {
        if offset != current.length || current.is_beyond(bytes.len()) {
            return Err(WriteError::Mismatch);
        }
        if current.info.is_none() {
            self.reserve_more(current, bytes.len())?;
        }
        current.append(bytes)?;
        self.settle(current, bytes.len() as u64);
        Ok(())
    }

    /// Notes that `bytes` bytes of a file are on the disk by now, or do not come.
    pub(super) fn settle(&self, current: &mut PartialFile, bytes: u64) {
        let settled = current.pending.min(bytes);
        if settled > 0 {
            current.pending -= settled;
            self.index().lock().settle(settled);
        }
    }

    /// Reserves space for a file whose size was not announced.
    fn reserve_more(&self, current: &mut PartialFile, more: usize) -> Result<(), Denied> {
        let mut index = self.index().lock();
        let replaced = index.file(&current.name).map_or(0, |file| file.size);
        let length = current.length.saturating_add(more as u64);
        let needed = length.saturating_sub(replaced).saturating_sub(current.room.bytes);
        let room = Reservation { bytes: needed, files: 0 };
        index.fits(length)?;
        index.reserve(&self.origin, room, &self.shared.root, &self.shared.partial)?;
        current.room.bytes += needed;
        Ok(())
    }

    /// Enters a file in the journal once it is large enough. Each origin has one at most.
    fn recorded(&mut self, mut current: PartialFile) -> PartialFile {
        let other = self.paused.as_ref().map_or(0, Resumable::length);
        if !current.recorded
            && current.length >= MIN_RECORDED.max(other)
            && !self.goes_on()
            && let Some(paused) = paused(&current)
        {
            self.drop_paused();
            self.index().lock().pause(&self.origin, paused);
            current.recorded = true;
        }
        current
    }

    pub(super) fn end(&mut self, size: u64) -> Result<(), Denied> {
        let Some(mut current) = self.current.take() else { return Ok(()) };
        if self.backlog.parked.len() >= MAX_PARKED {
            self.current = Some(current);
            let reason = "too many files wait until they can be put in their places";
            return Err(Denied::passing(Refusal::Failed(reason.into())));
        }
        let (version, digest) = match current.complete(size) {
            Ok(complete) => complete,
            Err(error) => return self.give_up(current, error),
        };
        let (origin, modified, inode) = (self.origin.clone(), version.modified, version.inode);
        let record = FileRecord { origin, size, modified, inode, digest };
        self.waiting.push(CompleteFile { partial: current, record });
        let bytes: u64 = self.waiting.iter().map(|waiting| waiting.record.size).sum();
        if !self.shared.durable || self.waiting.len() >= GROUP_FILES || bytes >= GROUP_BYTES {
            self.commit();
        }
        Ok(())
    }

    /// Drops a file that was not written, or keeps it if the reason may pass.
    fn give_up(&mut self, current: PartialFile, error: WriteError) -> Result<(), Denied> {
        let (name, sequence) = (current.name.clone(), current.sequence);
        match error {
            WriteError::Denied(denied) if denied.fate.is_passing() => {
                self.current = Some(current);
                Err(denied)
            }
            error => {
                self.discard(current);
                self.fail(name, sequence, error)
            }
        }
    }
}
