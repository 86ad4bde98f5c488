//! Writes the files that come from one server.

mod begin;
mod content;
mod interrupted;
mod room;
mod waiting;

use std::collections::{HashMap, VecDeque};
use std::io;
use std::sync::Arc;
use std::time::{Duration, Instant};

use zmtp::sync::Mutex;

use super::backlog::Backlog;
use super::commit::{Committed, CompleteFile, commit};
use super::index::FolderIndex;
use super::partial::PartialFile;
use super::promise::Promise;
use super::resumable::Resumable;
use super::shared::FolderShared;
use super::tree::{FolderTree, split};
use super::write_error::{Denied, WriteError};
use crate::session::{Inventory, Write, Written};
use crate::{FileEvent, VirtualPath};

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
    /// Room that is set aside for files that have not begun.
    promised: HashMap<VirtualPath, Promise>,
    /// Bytes that were set aside since it was looked whether the disk has them.
    unmeasured: u64,
    backlog: Backlog,
    /// When is looked next whether the folder is still in its place.
    next_look: Instant,
    /// Whether the folder is another one by now: nothing is written any more.
    is_replaced: bool,
    answers: VecDeque<Written>,
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
            promised: HashMap::new(),
            unmeasured: 0,
            backlog,
            next_look: Instant::now() + LOOK_INTERVAL,
            is_replaced: false,
            answers,
        }
    }

    fn index(&self) -> &Mutex<FolderIndex> {
        &self.shared.index
    }

    /// Returns the folder of this server, if it has one of its own.
    #[must_use]
    pub fn folder(&self) -> Option<VirtualPath> {
        let name = self.index().lock().folder(&self.origin)?;
        VirtualPath::root().join(&name).ok()
    }

    /// Gives this server a folder of its own, unless it has one, and returns it.
    ///
    /// Its name is as close to `wish` as can be: characters that mean something in a path or cannot
    /// be seen become `_`, at most 64 bytes stay, and where the name is taken, by another server or
    /// by something else in the received folder, a number is appended. The server keeps it, whatever
    /// is wished for later.
    ///
    /// # Errors
    /// It cannot be found out which names are free. That can pass.
    pub fn make_folder(&mut self, wish: &str) -> io::Result<VirtualPath> {
        let name = self.index().lock().make_folder(&self.origin, wish, &self.shared.root)?;
        VirtualPath::root().join(&name).map_err(io::Error::other)
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
            Write::Reserve { offer, name, size } => self.promise(offer, name, size),
            Write::Release { offer, name } => self.release(offer, &name),
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
            Write::Begin { name, sequence, offset, info } => {
                self.begin(name, *sequence, *offset, info.as_ref())?;
            }
            Write::Data { offset, bytes } => self.data(*offset, bytes)?,
            Write::End { size } => self.end(*size)?,
            Write::Abort => {
                if let Some(current) = self.current.take() {
                    self.discard(current);
                }
            }
            Write::Interrupt => self.interrupt(),
            Write::Delete { name } => {
                self.interrupt();
                self.delete(name);
            }
            // They were carried out before.
            Write::Reserve { .. }
            | Write::Release { .. }
            | Write::Retry
            | Write::RetryIfChanged => {}
        }
        Ok(())
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

    fn refuse(&mut self, name: VirtualPath, sequence: Option<u64>, denied: Denied) {
        let Denied { reason, fate } = denied;
        let event = FileEvent::Refused { name, reason, fate };
        self.answer(Written::File { sequence, event });
    }

    /// Handles that a file was not written. The error is returned if it may pass.
    fn fail(&mut self, name: VirtualPath, sequence: u64, error: WriteError) -> Result<(), Denied> {
        match error {
            WriteError::Mismatch => self.answer(Written::Mismatch { name }),
            WriteError::Denied(denied) if denied.fate.is_passing() => return Err(denied),
            WriteError::Denied(denied) => self.refuse(name, Some(sequence), denied),
        }
        Ok(())
    }

    fn discard(&self, mut current: PartialFile) {
        self.settle(&mut current, u64::MAX);
        let PartialFile { file_name, room, recorded, .. } = current;
        self.shared.discard(&self.origin, &file_name, room, recorded);
    }

    /// Drops a complete file that has no place yet.
    fn drop_parked(&mut self, name: &VirtualPath) {
        if let Some(parked) = self.backlog.take_parked(name) {
            parked.discard(&self.shared, &self.origin);
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
                let event = FileEvent::Deleted { name, path };
                self.answers.push_back(Written::File { sequence: None, event });
            }
            Err(error) => {
                drop(index);
                let denied = Denied::from(error);
                let is_passing = denied.fate.is_passing();
                if is_passing {
                    self.backlog.deletes.insert(name.clone());
                }
                if !is_told || !is_passing {
                    self.refuse(name.clone(), None, denied);
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

impl Drop for ReceivedWriter {
    fn drop(&mut self) {
        self.drop_promises();
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
