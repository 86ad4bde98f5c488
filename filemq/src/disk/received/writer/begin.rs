//! How a file begins: anew, or where it was interrupted.

use std::time::Instant;

use super::ReceivedWriter;
use crate::disk::received::names;
use crate::disk::received::partial::{Continuation, PartialFile};
use crate::disk::received::resumable::Resumable;
use crate::disk::received::usage::Reservation;
use crate::disk::received::write_error::{Denied, WriteError};
use crate::session::FileInfo;
use crate::{Refusal, VirtualPath};

/// From this size on is looked whether there is space on the disk before a file is begun. Smaller
/// ones come faster than that is found out.
const MIN_MEASURED: u64 = 1 << 20;

impl ReceivedWriter {
    pub(super) fn begin(
        &mut self,
        name: &VirtualPath,
        sequence: u64,
        offset: u64,
        info: Option<&FileInfo>,
    ) -> Result<(), Denied> {
        self.interrupt();
        if Instant::now() >= self.next_look {
            self.look();
            if self.is_replaced {
                return Ok(());
            }
        }
        if let Some(reason) = names::refused(name) {
            let denied = Denied::finally(Refusal::Name(reason.into()));
            self.refuse(name.clone(), Some(sequence), denied);
            return Ok(());
        }
        // Either would be written to the same partial file.
        if self.waiting.iter().any(|waiting| waiting.partial.name == *name) {
            self.commit();
        }
        self.take_promise(name);
        self.drop_parked(name);
        self.backlog.deletes.remove(name);
        let mut begun = self.begin_at(name, sequence, offset, info);
        if matches!(&begun, Err(WriteError::Denied(denied)) if denied.fate.is_passing())
            && !self.waiting.is_empty()
        {
            // Complete files are open until they are in their places.
            self.commit();
            begun = self.begin_at(name, sequence, offset, info);
        }
        match begun {
            Ok(partial) => self.current = Some(self.pending(partial)),
            Err(error) => self.fail(name.clone(), sequence, error)?,
        }
        Ok(())
    }

    /// Notes what a file that begins will need on the disk: until it is written, what is free there is
    /// not free for others.
    fn pending(&self, mut begun: PartialFile) -> PartialFile {
        let size = begun.info.as_ref().map_or(0, |info| info.size);
        begun.pending = size.saturating_sub(begun.length);
        self.index().lock().promise(begun.pending);
        begun
    }

    fn begin_at(
        &mut self,
        name: &VirtualPath,
        sequence: u64,
        offset: u64,
        info: Option<&FileInfo>,
    ) -> Result<PartialFile, WriteError> {
        match offset {
            0 => self.begin_anew(name, sequence, info.cloned()),
            _ => self.resume(name, sequence, offset, info.cloned()),
        }
    }

    fn begin_anew(
        &mut self,
        name: &VirtualPath,
        sequence: u64,
        info: Option<FileInfo>,
    ) -> Result<PartialFile, WriteError> {
        if self.paused.as_ref().is_some_and(|paused| paused.file.name == *name) {
            self.drop_paused();
        }
        let size = info.as_ref().map_or(0, |info| info.size);
        let room = self.reserve(name, size)?;
        if size >= MIN_MEASURED {
            self.measure(size).inspect_err(|_| self.index().lock().release(&self.origin, room))?;
        }
        let directory = &self.shared.partial;
        let created = PartialFile::create(directory, &self.origin, name.clone(), sequence, info);
        match created {
            Ok(mut partial) => {
                self.shared.reuse_partial(&partial.file_name);
                partial.room = room;
                Ok(partial)
            }
            Err(error) => {
                self.index().lock().release(&self.origin, room);
                Err(error.into())
            }
        }
    }

    /// Reserves space for a file of this many bytes.
    pub(super) fn reserve(&self, name: &VirtualPath, size: u64) -> Result<Reservation, Denied> {
        let mut index = self.index().lock();
        let replaced = index.file(name).map(|file| file.size);
        let bytes = size.saturating_sub(replaced.unwrap_or(0));
        let room = Reservation { bytes, files: usize::from(replaced.is_none()) };
        index.reserve(&self.origin, room, &self.shared.root, &self.shared.partial)?;
        Ok(room)
    }

    /// Looks whether there is space on the disk for a file of which so much is still to come.
    fn measure(&self, needed: u64) -> Result<(), Denied> {
        match self.shared.partial.free_space() {
            Some(free) if free < needed => Err(Denied::passing(Refusal::NoRoom { needed, free })),
            _ => Ok(()),
        }
    }

    fn resume(
        &mut self,
        name: &VirtualPath,
        sequence: u64,
        offset: u64,
        info: Option<FileInfo>,
    ) -> Result<PartialFile, WriteError> {
        let info = info.filter(|info| offset <= info.size).ok_or(WriteError::Mismatch)?;
        let fits =
            |paused: &mut Resumable| paused.file.name == *name && paused.file.whole == info.digest;
        let mut paused = self.paused.take_if(fits).ok_or(WriteError::Mismatch)?;
        let before = paused.room;
        self.index().lock().release(&self.origin, before);
        let room = self.reserve(name, info.size).and_then(|room| {
            self.measure(info.size - offset)
                .inspect_err(|_| self.index().lock().release(&self.origin, room))?;
            Ok(room)
        });
        let room = match room {
            Ok(room) => room,
            Err(denied) if denied.fate.is_passing() => {
                self.index().lock().set_aside(&self.origin, before);
                self.paused = Some(paused);
                return Err(denied.into());
            }
            Err(denied) => {
                self.shared.remove_recorded(&self.origin, &paused.file.partial);
                return Err(denied.into());
            }
        };
        let (name, file_name) = (name.clone(), paused.file.partial.clone());
        let prefix = paused.prefix.take();
        let file = file_name.clone();
        let from = Continuation { name, sequence, file_name: file, info, room, prefix };
        PartialFile::resume(&self.shared.partial, from, offset).map_err(|error| {
            tracing::debug!(%error, "a partial file cannot be resumed: it has to come from the start");
            self.index().lock().release(&self.origin, room);
            self.shared.remove_recorded(&self.origin, &file_name);
            WriteError::Mismatch
        })
    }
}
