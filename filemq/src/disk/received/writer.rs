//! Writes the files that come from one server.

use std::collections::VecDeque;
use std::io;
use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use zmtp::sync::Mutex;

use super::backlog::{Backlog, Passed};
use super::commit::{Committed, CompleteFile, again, commit};
use super::index::{FolderIndex, Reservation};
use super::names;
use super::partial::{self, Continuation, PartialFile, Prefix};
use super::record::{FileRecord, PausedFile};
use super::shared::{FolderShared, FolderSign};
use super::tree::{FolderTree, split};
use super::write_error::{Denied, WriteError};
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

/// How many complete files may wait for a place.
const MAX_PARKED: usize = 1000;

/// From this size on is looked whether there is space on the disk before a file is begun. Smaller
/// ones come faster than that is found out.
const MIN_MEASURED: u64 = 1 << 20;

/// How often is looked whether the folder is still in its place.
const LOOK_INTERVAL: Duration = Duration::from_secs(1);

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
    backlog: Backlog,
    /// When is looked next whether the folder is still in its place.
    next_look: Instant,
    /// Whether the folder is another one by now: nothing is written any more.
    is_replaced: bool,
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
        let (waiting, backlog, answers) = (Vec::new(), Backlog::default(), VecDeque::new());
        Self {
            shared,
            origin,
            tree,
            current: None,
            paused,
            waiting,
            backlog,
            next_look: Instant::now() + LOOK_INTERVAL,
            is_replaced: false,
            answers,
        }
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
            let is_there = match self.tree.version(&name) {
                Ok(version) => file.is(&version),
                // Nothing says that it has changed.
                Err(error) => !is_gone(&error),
            };
            if is_there {
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
    ///
    /// What fails for a passing reason is tried again by `Retry`, as long as the answers say that the
    /// writer is [stuck](Written::Stuck).
    pub fn execute(&mut self, write: Write) -> Option<Written> {
        match write {
            _ if self.is_replaced => {}
            Write::Retry => self.retry(),
            Write::RetryIfChanged => {
                if self.has_hope() {
                    self.retry();
                }
            }
            write if self.backlog.is_holding() => self.pass(write),
            write => {
                if let Err(denied) = self.attempt(&write) {
                    self.hold(write, denied);
                }
            }
        }
        self.answers.pop_front()
    }

    /// Delivers what waits, and returns all answers that were not returned yet. Call it when no
    /// further order is at hand, or complete files keep waiting.
    pub fn flush(&mut self) -> Vec<Written> {
        self.commit();
        self.shared.remove_leftovers();
        let is_stuck = !self.backlog.is_empty();
        if is_stuck != self.backlog.is_reported && !self.is_replaced {
            self.backlog.is_reported = is_stuck;
            self.answers.push_back(if is_stuck { Written::Stuck } else { Written::Unstuck });
            self.backlog.sign = is_stuck.then(|| self.sign());
        }
        self.answers.drain(..).collect()
    }

    /// Returns how many bytes of [`Write::Data`] were not dealt with yet: they wait until what has
    /// failed for a passing reason succeeds.
    #[must_use]
    pub fn held_bytes(&self) -> usize {
        self.backlog.byte_len()
    }

    /// Returns how many orders wait until what has failed for a passing reason succeeds.
    #[must_use]
    pub fn held(&self) -> usize {
        self.backlog.held.len()
    }

    /// Carries out one order. The error is why it cannot be carried out for now; then everything is
    /// as it was before.
    fn attempt(&mut self, write: &Write) -> Result<(), Denied> {
        match write {
            Write::Begin { name, offset, info } => self.begin(name, *offset, info.as_ref())?,
            Write::Data { offset, bytes } => self.data(*offset, bytes)?,
            Write::End { size } => self.end(*size)?,
            Write::Abort => {
                if let Some(current) = self.current.take() {
                    self.discard(current);
                }
            }
            Write::Delete { name } => {
                self.interrupt();
                self.delete(name);
            }
            Write::Retry | Write::RetryIfChanged => {}
        }
        Ok(())
    }

    /// Keeps an order that cannot be carried out for now, and tells once of each file.
    fn hold(&mut self, write: Write, denied: Denied) {
        let name = match &write {
            Write::Begin { name, .. } => Some(name),
            _ => self.current.as_ref().map(|current| &current.name),
        };
        if let Some(name) = name.filter(|name| self.backlog.told.as_ref() != Some(*name)).cloned() {
            self.backlog.told = Some(name.clone());
            self.refuse(name, denied);
        }
        self.backlog.held.push_front(write);
    }

    /// Handles an order that comes while others are held.
    fn pass(&mut self, write: Write) {
        let current = self.current.as_ref().map(|current| &current.name);
        match self.backlog.pass(write, current) {
            Passed::Kept => {}
            Passed::Ahead(name) => self.delete(&name),
            Passed::Dropped => {
                self.backlog.told = None;
                if let Some(current) = self.current.take() {
                    self.discard(current);
                }
            }
        }
    }

    /// Looks whether the folder is still in its place. If not that is the last answer.
    fn look(&mut self) {
        self.next_look = Instant::now() + LOOK_INTERVAL;
        if matches!(self.shared.is_in_place(), Ok(false)) {
            self.is_replaced = true;
            self.backlog.held.clear();
            self.current = None;
            self.answers.push_back(Written::Replaced);
        }
    }

    /// Tries again what could not be done.
    fn retry(&mut self) {
        self.look();
        if self.is_replaced {
            return;
        }
        let before = self.backlog.len();
        let parked = std::mem::take(&mut self.backlog.parked);
        if !parked.is_empty() {
            let committed = again(&self.shared, &self.origin, &mut self.tree, parked);
            self.take(committed);
        }
        for name in self.backlog.deletes.clone() {
            self.delete(&name);
        }
        while let Some(write) = self.backlog.held.pop_front() {
            if let Err(denied) = self.attempt(&write) {
                self.hold(write, denied);
                break;
            }
        }
        if !self.backlog.is_holding()
            && let Some(name) = self.backlog.told.take()
        {
            self.answer(Written::File(FileEvent::Retried { name }));
        }
        if self.backlog.len() < before {
            self.answers.push_back(Written::Unstuck);
        }
        // `flush` says whether something still waits.
        self.backlog.is_reported = false;
    }

    /// Returns whether something has changed since the last attempt that may make it succeed.
    fn has_hope(&self) -> bool {
        let before = self.backlog.sign.as_ref();
        before.is_some_and(|before| self.sign().gives_hope_since(before))
    }

    fn sign(&self) -> FolderSign {
        let parked = self.backlog.parked.iter().map(|file| &file.name);
        self.shared.sign(parked.chain(&self.backlog.deletes))
    }

    /// Takes over what became of complete files.
    fn take(&mut self, committed: Committed) {
        self.answers.extend(committed.answers);
        self.backlog.parked.extend(committed.parked);
    }

    /// Answers after all earlier orders have their answers.
    fn answer(&mut self, written: Written) {
        self.commit();
        self.answers.push_back(written);
    }

    fn refuse(&mut self, name: VirtualPath, denied: Denied) {
        let Denied { reason, fate } = denied;
        self.answer(Written::File(FileEvent::Refused { name, reason, fate }));
    }

    /// Handles that a file was not written. The error is returned if it may pass.
    fn fail(&mut self, name: VirtualPath, error: WriteError) -> Result<(), Denied> {
        match error {
            WriteError::Mismatch => self.answer(Written::Mismatch { name }),
            WriteError::Denied(denied) if denied.fate.is_passing() => return Err(denied),
            WriteError::Denied(denied) => self.refuse(name, denied),
        }
        Ok(())
    }

    fn begin(
        &mut self,
        name: &VirtualPath,
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
            self.refuse(name.clone(), Denied::finally(Refusal::Name(reason.into())));
            return Ok(());
        }
        // Either would be written to the same partial file.
        if self.waiting.iter().any(|waiting| waiting.partial.name == *name) {
            self.commit();
        }
        self.drop_parked(name);
        self.backlog.deletes.remove(name);
        let mut begun = self.begin_at(name, offset, info);
        if matches!(&begun, Err(WriteError::Denied(denied)) if denied.fate.is_passing())
            && !self.waiting.is_empty()
        {
            // Complete files are open until they are in their places.
            self.commit();
            begun = self.begin_at(name, offset, info);
        }
        match begun {
            Ok(partial) => self.current = Some(partial),
            Err(error) => self.fail(name.clone(), error)?,
        }
        Ok(())
    }

    fn begin_at(
        &mut self,
        name: &VirtualPath,
        offset: u64,
        info: Option<&FileInfo>,
    ) -> Result<PartialFile, WriteError> {
        match offset {
            0 => self.begin_anew(name, info.cloned()),
            _ => self.resume(name, offset, info.cloned()),
        }
    }

    /// Looks whether there is space on the disk for a file of which so much is still to come.
    fn measure(&self, needed: u64) -> Result<(), Denied> {
        match self.shared.partial.free_space() {
            Some(free) if free < needed => Err(Denied::passing(Refusal::NoRoom { needed, free })),
            _ => Ok(()),
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
        let size = info.as_ref().map_or(0, |info| info.size);
        let room = self.reserve(name, size)?;
        if size >= MIN_MEASURED {
            self.measure(size).inspect_err(|_| self.index().lock().release(room))?;
        }
        let directory = &self.shared.partial;
        let created = PartialFile::create(directory, &self.origin, name.clone(), info);
        match created {
            Ok(mut partial) => {
                self.shared.reuse_partial(&partial.file_name);
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
    fn reserve(&self, name: &VirtualPath, size: u64) -> Result<Reservation, Denied> {
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
        let mut paused = self.paused.take_if(fits).ok_or(WriteError::Mismatch)?;
        let before = paused.room;
        self.index().lock().release(before);
        let room = self.reserve(name, info.size).and_then(|room| {
            self.measure(info.size - offset).inspect_err(|_| self.index().lock().release(room))?;
            Ok(room)
        });
        let room = match room {
            Ok(room) => room,
            Err(denied) if denied.fate.is_passing() => {
                self.index().lock().set_aside(before);
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
        let from = Continuation { name, file_name: file_name.clone(), info, room, prefix };
        PartialFile::resume(&self.shared.partial, from, offset).map_err(|error| {
            tracing::debug!(%error, "a partial file cannot be resumed: it has to come from the start");
            self.index().lock().release(room);
            self.shared.remove_recorded(&self.origin, &file_name);
            WriteError::Mismatch
        })
    }

    fn data(&mut self, offset: u64, bytes: &Bytes) -> Result<(), Denied> {
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
        Ok(current.append(bytes)?)
    }

    /// Reserves space for a file whose size was not announced.
    fn reserve_more(&self, current: &mut PartialFile, more: usize) -> Result<(), Denied> {
        let mut index = self.index().lock();
        let replaced = index.file(&current.name).map_or(0, |file| file.size);
        let length = current.length.saturating_add(more as u64);
        let needed = length.saturating_sub(replaced).saturating_sub(current.room.bytes);
        let room = Reservation { bytes: needed, files: 0 };
        index.fits(length)?;
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

    fn end(&mut self, size: u64) -> Result<(), Denied> {
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
        let name = current.name.clone();
        match error {
            WriteError::Denied(denied) if denied.fate.is_passing() => {
                self.current = Some(current);
                Err(denied)
            }
            error => {
                self.discard(current);
                self.fail(name, error)
            }
        }
    }

    fn discard(&self, current: PartialFile) {
        let PartialFile { file_name, room, recorded, .. } = current;
        self.shared.discard(&self.origin, &file_name, room, recorded);
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

    /// Drops a complete file that has no place yet.
    fn drop_parked(&mut self, name: &VirtualPath) {
        if let Some(parked) = self.backlog.take_parked(name) {
            parked.discard(&self.shared, &self.origin);
            self.answer(Written::Superseded { name: name.clone() });
        }
    }

    /// Puts all complete files in their places.
    fn commit(&mut self) {
        let files = std::mem::take(&mut self.waiting);
        if !files.is_empty() {
            let committed = commit(&self.shared, &self.origin, &mut self.tree, files);
            self.take(committed);
        }
    }

    /// Deletes a file, now or when that is possible.
    fn delete(&mut self, name: &VirtualPath) {
        self.commit();
        if self.paused.as_ref().is_some_and(|paused| paused.file.name == *name) {
            self.drop_paused();
        }
        self.drop_parked(name);
        let is_told = self.backlog.deletes.remove(name);
        let shared = self.shared.clone();
        let mut index = shared.index.lock();
        let Some(file) = index.file(name).filter(|file| *file.origin == *self.origin) else {
            return;
        };
        self.tree.forget();
        let removed = match self.tree.version(name) {
            Ok(version) if file.is(&version) => {
                self.tree.parent(name).and_then(|parent| parent.remove_file(split(name).1))
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
            Err(error) if !is_something_else(&error) => Err(error),
            // What is there now is not what was delivered.
            _ => return index.forget(name),
        };
        match removed {
            Ok(()) => {
                index.forget(name);
                index.remove_empty(name, &mut self.tree);
                drop(index);
                let (name, path) = (name.clone(), self.shared.path_of(name));
                self.answers.push_back(Written::File(FileEvent::Deleted { name, path }));
            }
            Err(error) => {
                drop(index);
                let denied = Denied::from(error);
                if denied.fate.is_passing() {
                    self.backlog.deletes.insert(name.clone());
                }
                if !is_told {
                    self.refuse(name.clone(), denied);
                }
            }
        }
    }
}

/// Returns whether there is no file, or something else.
fn is_gone(error: &io::Error) -> bool {
    error.kind() == io::ErrorKind::NotFound || is_something_else(error)
}

/// Returns whether there is something that is no file, or a link in the way.
fn is_something_else(error: &io::Error) -> bool {
    // What is said by us, and not by the operating system, is that it is no file.
    let is_no_file = error.raw_os_error().is_none() && error.kind() == io::ErrorKind::InvalidInput;
    is_no_file || error.kind() == io::ErrorKind::NotADirectory
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
        for parked in std::mem::take(&mut self.backlog.parked) {
            parked.discard(&self.shared, &self.origin);
        }
        self.shared.remove_leftovers();
        let paused = self.paused.take().map(|paused| (paused.room, paused.length()));
        self.index().lock().leave(&self.origin, paused);
    }
}
