//! Writes the files that come from one server.

use std::collections::VecDeque;
use std::io;
use std::sync::Arc;

use bytes::Bytes;
use zmtp::sync::Mutex;

use super::commit::{CompleteFile, commit};
use super::index::{FolderIndex, Reservation};
use super::names;
use super::partial::{self, Continuation, PartialFile, Prefix};
use super::record::{FileRecord, PausedFile};
use super::shared::FolderShared;
use super::tree::{FolderTree, split};
use super::write_error::{WriteError, refusal};
use crate::digest::Digest;
use crate::session::{FileInfo, Inventory, ResumePoint, Write, Written};
use crate::{FileEvent, Refusal, VirtualPath};

/// An interrupted file is kept if it has at least this many bytes.
const MIN_KEPT: u64 = 64 << 10;

/// From this many bytes on a file is entered in the journal while it comes, so that it can be
/// resumed even if the process is killed.
const MIN_RECORDED: u64 = 1 << 20;

/// How many complete files, or files with how many bytes, are synced together.
const GROUP_FILES: usize = 64;
const GROUP_BYTES: u64 = 8 << 20;

/// Writes the files that come from one server, in order. When it is dropped, the file that is not
/// complete is kept, to be resumed; complete files that were not [flushed](Self::flush) are
/// dropped.
#[derive(Debug)]
pub struct ReceivedWriter {
    shared: Arc<FolderShared>,
    origin: Arc<str>,
    tree: FolderTree,
    current: Option<PartialFile>,
    paused: Option<Resumable>,
    waiting: Vec<CompleteFile>,
    answers: VecDeque<Written>,
}

/// A file that can be resumed.
#[derive(Debug)]
struct Resumable {
    file: PausedFile,
    room: Reservation,
    /// What its bytes amount to, if that is known.
    prefix: Option<Prefix>,
}

impl Resumable {
    fn length(&self) -> u64 {
        // What is reserved for a partial file that was not read yet is its length.
        self.prefix.as_ref().map_or(self.room.bytes, |prefix| prefix.length)
    }
}

impl ReceivedWriter {
    pub(super) fn new(shared: Arc<FolderShared>, origin: Arc<str>) -> Self {
        let tree = FolderTree::new(shared.root.clone());
        let paused = shared.index.lock().take_paused(&origin);
        let paused = paused.map(|(file, room)| Resumable { file, room, prefix: None });
        let (waiting, answers) = (Vec::new(), VecDeque::new());
        Self { shared, origin, tree, current: None, paused, waiting, answers }
    }

    fn index(&self) -> &Mutex<FolderIndex> {
        &self.shared.index
    }

    /// Returns the files that this server has delivered and that have not changed since, and the
    /// one that can be resumed. A file that is being received now counts as interrupted. Reads the
    /// partial file, for its digest.
    pub fn inventory(&mut self) -> Inventory {
        self.interrupt();
        self.commit();
        let delivered = self.index().lock().files(&self.origin);
        self.tree.forget();
        let mut complete = Vec::with_capacity(delivered.len());
        for (name, file) in delivered {
            if self.tree.version(&name).is_ok_and(|version| file.is(&version)) {
                complete.push((name, file.digest));
            }
        }
        Inventory { complete, partial: self.resumable() }
    }

    fn resumable(&mut self) -> Option<(VirtualPath, ResumePoint)> {
        let paused = self.paused.as_mut()?;
        if paused.prefix.is_none() {
            match partial::read(&self.shared.partial, &paused.file.partial) {
                Ok(prefix) => paused.prefix = Some(prefix),
                Err(error) => {
                    tracing::warn!(name = %paused.file.name, %error, "cannot read a partial file");
                    self.drop_paused();
                    return None;
                }
            }
        }
        let Resumable { file, prefix, .. } = self.paused.as_ref()?;
        let Prefix { length, hasher } = prefix.as_ref()?;
        let resume = ResumePoint { offset: *length, prefix: hasher.digest(), whole: file.whole };
        Some((file.name.clone(), resume))
    }

    /// Carries out one order, and returns the oldest answer that was not returned yet. A complete
    /// file may wait until [`flush`](Self::flush), so that several are synced together.
    ///
    /// A `Delete` of a file that this server has not delivered, or that was changed here since,
    /// does nothing and is not answered.
    pub fn execute(&mut self, write: Write) -> Option<Written> {
        match write {
            Write::Begin { name, offset, info } => self.begin(name, offset, info),
            Write::Data { offset, bytes } => self.data(offset, &bytes),
            Write::End { size } => self.end(size),
            Write::Abort => {
                if let Some(current) = self.current.take() {
                    self.discard(current);
                }
            }
            Write::Delete { name } => self.delete(name),
        }
        self.answers.pop_front()
    }

    /// Delivers what waits, and returns all answers that were not returned yet. Call it when no
    /// further order is at hand, or complete files keep waiting.
    pub fn flush(&mut self) -> Vec<Written> {
        self.commit();
        self.answers.drain(..).collect()
    }

    /// Answers after all earlier orders have their answers.
    fn answer(&mut self, written: Written) {
        self.commit();
        self.answers.push_back(written);
    }

    fn refuse(&mut self, name: VirtualPath, reason: Refusal) {
        self.answer(Written::File(FileEvent::Refused { name, reason }));
    }

    fn fail(&mut self, name: VirtualPath, error: WriteError) {
        match error {
            WriteError::Mismatch => self.answer(Written::Mismatch { name }),
            WriteError::Refused(reason) => self.refuse(name, reason),
        }
    }

    fn begin(&mut self, name: VirtualPath, offset: u64, info: Option<FileInfo>) {
        self.interrupt();
        if let Some(reason) = names::refused(&name) {
            return self.refuse(name, Refusal::Name(reason.into()));
        }
        // It would be written to the same partial file.
        if self.waiting.iter().any(|waiting| waiting.partial.name == name) {
            self.commit();
        }
        let begun = match offset {
            0 => self.begin_anew(&name, info),
            _ => self.resume(&name, offset, info),
        };
        match begun {
            Ok(partial) => self.current = Some(partial),
            Err(error) => self.fail(name, error),
        }
    }

    fn begin_anew(
        &mut self,
        name: &VirtualPath,
        info: Option<FileInfo>,
    ) -> Result<PartialFile, WriteError> {
        if self.paused.as_ref().is_some_and(|paused| paused.file.name == *name) {
            self.drop_paused();
        }
        let room = self.reserve(name, info.as_ref().map_or(0, |info| info.size))?;
        let directory = &self.shared.partial;
        let created = PartialFile::create(directory, &self.origin, name.clone(), info);
        match created {
            Ok(mut partial) => {
                partial.room = room;
                Ok(partial)
            }
            Err(error) => {
                self.index().lock().release(room);
                Err(error.into())
            }
        }
    }

    /// Reserves space for a file of this many bytes.
    fn reserve(&self, name: &VirtualPath, size: u64) -> Result<Reservation, Refusal> {
        let mut index = self.index().lock();
        let replaced = index.file(name).map(|file| file.size);
        let bytes = size.saturating_sub(replaced.unwrap_or(0));
        let room = Reservation { bytes, files: usize::from(replaced.is_none()) };
        index.reserve(room, &self.shared.root, &self.shared.partial)?;
        Ok(room)
    }

    fn resume(
        &mut self,
        name: &VirtualPath,
        offset: u64,
        info: Option<FileInfo>,
    ) -> Result<PartialFile, WriteError> {
        let info = info.filter(|info| offset <= info.size).ok_or(WriteError::Mismatch)?;
        let fits =
            |paused: &mut Resumable| paused.file.name == *name && paused.file.whole == info.digest;
        let paused = self.paused.take_if(fits).ok_or(WriteError::Mismatch)?;
        self.index().lock().release(paused.room);
        let file_name = paused.file.partial;
        let room = match self.reserve(name, info.size) {
            Ok(room) => room,
            Err(reason) => {
                self.shared.remove_recorded(&self.origin, &file_name);
                return Err(reason.into());
            }
        };
        let (name, prefix) = (name.clone(), paused.prefix);
        let from = Continuation { name, file_name: file_name.clone(), info, room, prefix };
        PartialFile::resume(&self.shared.partial, from, offset).map_err(|error| {
            self.index().lock().release(room);
            self.shared.remove_recorded(&self.origin, &file_name);
            match error.kind() {
                // There is less than there was: it has to come from the start.
                io::ErrorKind::UnexpectedEof | io::ErrorKind::NotFound => WriteError::Mismatch,
                _ => error.into(),
            }
        })
    }

    fn data(&mut self, offset: u64, bytes: &Bytes) {
        let Some(mut current) = self.current.take() else { return };
        match self.append(&mut current, offset, bytes) {
            Ok(()) => self.current = Some(self.recorded(current)),
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
        Ok(current.append(bytes)?)
    }

    /// Reserves space for a file whose size was not announced.
    fn reserve_more(&self, current: &mut PartialFile, more: usize) -> Result<(), Refusal> {
        let mut index = self.index().lock();
        let replaced = index.file(&current.name).map_or(0, |file| file.size);
        let length = current.length.saturating_add(more as u64);
        let needed = length.saturating_sub(replaced).saturating_sub(current.room.bytes);
        let room = Reservation { bytes: needed, files: 0 };
        index.reserve(room, &self.shared.root, &self.shared.partial)?;
        current.room.bytes += needed;
        Ok(())
    }

    /// Enters a file in the journal once it is large enough. Each origin has one at most.
    fn recorded(&mut self, mut current: PartialFile) -> PartialFile {
        let other = self.paused.as_ref().map_or(0, Resumable::length);
        if !current.recorded
            && current.length >= MIN_RECORDED.max(other)
            && let Some(paused) = paused(&current)
        {
            self.drop_paused();
            self.index().lock().pause(&self.origin, paused);
            current.recorded = true;
        }
        current
    }

    fn end(&mut self, size: u64) {
        let Some(mut current) = self.current.take() else { return };
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
    }

    fn give_up(&mut self, current: PartialFile, error: WriteError) {
        let name = current.name.clone();
        self.discard(current);
        self.fail(name, error);
    }

    fn discard(&self, current: PartialFile) {
        self.shared.discard(&self.origin, current);
    }

    /// Interrupts the file that is being received: it is kept to be resumed if that is worthwhile.
    fn interrupt(&mut self) {
        let Some(current) = self.current.take() else { return };
        let other = self.paused.as_ref().map_or(0, Resumable::length);
        match paused(&current) {
            Some(file) if current.length >= MIN_KEPT.max(other) => {
                self.drop_paused();
                if !current.recorded {
                    self.index().lock().pause(&self.origin, file.clone());
                }
                let room = current.room;
                self.paused = Some(Resumable { file, room, prefix: Some(current.pause()) });
            }
            _ => self.discard(current),
        }
    }

    fn drop_paused(&mut self) {
        if let Some(paused) = self.paused.take() {
            self.index().lock().release(paused.room);
            self.shared.remove_recorded(&self.origin, &paused.file.partial);
        }
    }

    /// Puts all complete files in their places.
    fn commit(&mut self) {
        let files = std::mem::take(&mut self.waiting);
        if !files.is_empty() {
            self.answers.extend(commit(&self.shared, &self.origin, &mut self.tree, files));
        }
    }

    fn delete(&mut self, name: VirtualPath) {
        self.interrupt();
        self.commit();
        if self.paused.as_ref().is_some_and(|paused| paused.file.name == name) {
            self.drop_paused();
        }
        let shared = self.shared.clone();
        let mut index = shared.index.lock();
        let Some(file) = index.file(&name).filter(|file| *file.origin == *self.origin) else {
            return;
        };
        self.tree.forget();
        let removed = match self.tree.version(&name) {
            Ok(version) if file.is(&version) => {
                self.tree.parent(&name).and_then(|parent| parent.remove_file(split(&name).1))
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
            // What is there now is not what was delivered.
            _ => return index.forget(&name),
        };
        match removed {
            Ok(()) => {
                index.forget(&name);
                index.remove_empty(&name, &mut self.tree);
                drop(index);
                let path = self.shared.path_of(&name);
                self.answers.push_back(Written::File(FileEvent::Deleted { name, path }));
            }
            Err(error) => {
                drop(index);
                self.refuse(name, refusal(&error));
            }
        }
    }
}

/// Returns how a file could be resumed: only if it was announced what it will be.
fn paused(current: &PartialFile) -> Option<PausedFile> {
    let info = current.info.as_ref()?;
    let Digest::Blake3(_) = info.digest else { return None };
    Some(PausedFile {
        name: current.name.clone(),
        whole: info.digest,
        size: info.size,
        partial: current.file_name.clone(),
    })
}

impl Drop for ReceivedWriter {
    fn drop(&mut self) {
        self.interrupt();
        for waiting in std::mem::take(&mut self.waiting) {
            self.discard(waiting.partial);
        }
        let paused = self.paused.take().map(|paused| (paused.room, paused.length()));
        self.index().lock().leave(&self.origin, paused);
    }
}
