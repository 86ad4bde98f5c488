//! Writes what comes from one server.

use std::collections::VecDeque;
use std::io;
use std::path::PathBuf;
use std::sync::Arc;

use bytes::Bytes;
use cap_std::fs::Dir;

use super::index::{Delivered, Index, Pause, Room};
use super::partial::{self, Broken, Partial};
use super::tree::{Tree, refusal, split};
use super::{Shared, names, sync};
use crate::digest::Hasher;
use crate::{Digest, Promise, Refusal, Resume, VirtualPath, Write, Written};

/// What is left of a file when it breaks off is kept if it has so many octets.
const WORTH: u64 = 64 << 10;

/// A file that comes is entered in the journal from so many octets on, so that it can be resumed
/// even when the process is killed.
const WORTH_RECORD: u64 = 1 << 20;

/// So many complete files wait for each other, or files with so many octets.
const GROUP: usize = 64;
const GROUP_OCTETS: u64 = 8 << 20;

/// Writes what comes from one server, in order. When it is dropped, what came of an unfinished file
/// is kept, to be resumed; complete files that were not [flushed](Self::flush) are dropped.
#[derive(Debug)]
pub struct Receiver {
    shared: Arc<Shared>,
    origin: Arc<str>,
    tree: Tree,
    current: Option<Partial>,
    paused: Option<Paused>,
    waiting: Vec<Waiting>,
    answers: VecDeque<Written>,
}

/// Complete files of an origin, and one that can go on.
pub type Known = (Vec<(VirtualPath, Digest)>, Option<(VirtualPath, Resume)>);

/// A file that can be resumed.
#[derive(Debug)]
struct Paused {
    pause: Pause,
    room: Room,
    /// What its octets come to, if that is known.
    prefix: Option<(u64, Hasher)>,
}

/// A complete and checked file that is not in its place yet.
#[derive(Debug)]
struct Waiting {
    partial: Partial,
    delivered: Delivered,
}

impl Receiver {
    pub(super) fn new(shared: Arc<Shared>, origin: Arc<str>) -> Self {
        let tree = Tree::new(shared.root.clone());
        let paused = shared.index().take_paused(&origin);
        let paused = paused.map(|(pause, room)| Paused { pause, room, prefix: None });
        let (waiting, answers) = (Vec::new(), VecDeque::new());
        Self { shared, origin, tree, current: None, paused, waiting, answers }
    }

    /// Files that this server has delivered and that are still as they were then, and one of which
    /// the beginning is there, which can go on at its end. What was being received until now counts
    /// as broken off. Reads the partial file, for its digest.
    pub fn known(&mut self) -> Known {
        self.break_off();
        self.commit();
        let delivered = self.shared.index().files(&self.origin);
        self.tree.forget();
        let mut complete = Vec::with_capacity(delivered.len());
        for (name, file) in delivered {
            if self.tree.version(&name).is_ok_and(|version| file.is(&version)) {
                complete.push((name, file.digest));
            }
        }
        (complete, self.resumable())
    }

    fn resumable(&mut self) -> Option<(VirtualPath, Resume)> {
        let paused = self.paused.as_mut()?;
        if paused.prefix.is_none() {
            match partial::read(&self.shared.partial, &paused.pause.partial) {
                Ok(prefix) => paused.prefix = Some(prefix),
                Err(error) => {
                    tracing::warn!(name = %paused.pause.name, %error, "cannot read a partial file");
                    self.drop_paused();
                    return None;
                }
            }
        }
        let Paused { pause, prefix, .. } = self.paused.as_ref()?;
        let (offset, hasher) = prefix.as_ref()?;
        let resume = Resume { offset: *offset, prefix: hasher.digest(), whole: pause.whole };
        Some((pause.name.clone(), resume))
    }

    /// Does it, and says what came of the oldest that is done and was not told yet: a complete file
    /// may wait for others, so that the disk takes them together, until [`flush`](Self::flush).
    ///
    /// A `Delete` of what this server has not delivered, or of what was changed here since, does
    /// nothing and is not answered.
    pub fn execute(&mut self, write: Write) -> Option<Written> {
        match write {
            Write::Begin { name, offset, promise } => self.begin(name, offset, promise),
            Write::Data { offset, octets } => self.data(offset, &octets),
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

    /// Delivers what waits, and says what came of all that was not told yet. To be called when
    /// nothing more is at hand, otherwise complete files wait for more.
    pub fn flush(&mut self) -> Vec<Written> {
        self.commit();
        self.answers.drain(..).collect()
    }

    /// After what was asked before has got its answer.
    fn answer(&mut self, written: Written) {
        self.commit();
        self.answers.push_back(written);
    }

    fn refuse(&mut self, name: VirtualPath, reason: Refusal) {
        self.answer(Written::Refused { name, reason });
    }

    fn begin(&mut self, name: VirtualPath, offset: u64, promise: Option<Promise>) {
        self.break_off();
        if let Some(reason) = names::refused(&name) {
            return self.refuse(name, Refusal::Name(reason.into()));
        }
        // It would write to the same partial file.
        if self.waiting.iter().any(|waiting| waiting.partial.name == name) {
            self.commit();
        }
        let begun = match offset {
            0 => self.begin_anew(&name, promise),
            _ => self.begin_at(&name, offset, promise),
        };
        match begun {
            Ok(Ok(partial)) => self.current = Some(partial),
            Ok(Err(Broken)) => self.answer(Written::Mismatch { name }),
            Err(reason) => self.refuse(name, reason),
        }
    }

    fn begin_anew(
        &mut self,
        name: &VirtualPath,
        promise: Option<Promise>,
    ) -> Result<Result<Partial, Broken>, Refusal> {
        if self.paused.as_ref().is_some_and(|paused| paused.pause.name == *name) {
            self.drop_paused();
        }
        let room = self.reserve(name, promise.as_ref().map_or(0, |promise| promise.size))?;
        let directory = &self.shared.partial;
        match Partial::create(directory, &self.origin, name.clone(), promise) {
            Ok(mut partial) => {
                partial.room = room;
                Ok(Ok(partial))
            }
            Err(error) => {
                self.shared.index().release(room);
                Err(refusal(&error))
            }
        }
    }

    /// For a file of so many octets.
    fn reserve(&self, name: &VirtualPath, size: u64) -> Result<Room, Refusal> {
        let mut index = self.shared.index();
        let replaced = index.file(name).map(|file| file.size);
        let octets = size.saturating_sub(replaced.unwrap_or(0));
        let room = Room { octets, files: usize::from(replaced.is_none()) };
        index.reserve(room, &self.shared.root, &self.shared.partial)?;
        Ok(room)
    }

    fn begin_at(
        &mut self,
        name: &VirtualPath,
        offset: u64,
        promise: Option<Promise>,
    ) -> Result<Result<Partial, Broken>, Refusal> {
        let fits = |paused: &mut Paused| {
            let whole = promise.as_ref().map(|promise| promise.digest);
            paused.pause.name == *name && Some(paused.pause.whole) == whole
        };
        let Some(promise) = promise.as_ref().filter(|promise| offset <= promise.size) else {
            return Ok(Err(Broken));
        };
        let Some(paused) = self.paused.take_if(fits) else { return Ok(Err(Broken)) };
        self.shared.index().release(paused.room);
        let room = match self.reserve(name, promise.size) {
            Ok(room) => room,
            Err(reason) => {
                self.remove(&paused.pause.partial, true);
                return Err(reason);
            }
        };
        let directory = &self.shared.partial;
        let file_name = paused.pause.partial.clone();
        let (name, promise) = (name.clone(), promise.clone());
        let from = (offset, room);
        match Partial::go_on(directory, name, file_name, promise, from, paused.prefix) {
            Ok(partial) => Ok(Ok(partial)),
            Err(error) => {
                self.shared.index().release(room);
                self.remove(&paused.pause.partial, true);
                match error.kind() {
                    // There is less than there was: it has to come from the start.
                    io::ErrorKind::UnexpectedEof | io::ErrorKind::NotFound => Ok(Err(Broken)),
                    _ => Err(refusal(&error)),
                }
            }
        }
    }

    fn data(&mut self, offset: u64, octets: &Bytes) {
        let Some(mut current) = self.current.take() else { return };
        if offset != current.length || current.is_beyond(octets.len()) {
            return self.mismatch(current);
        }
        if current.promise.is_none()
            && let Err(reason) = self.reserve_more(&mut current, octets.len())
        {
            return self.give_up(current, reason);
        }
        match current.append(octets) {
            Ok(()) => self.current = Some(self.recorded(current)),
            Err(error) => self.give_up(current, refusal(&error)),
        }
    }

    /// For a file of which nobody has told how large it will be.
    fn reserve_more(&self, current: &mut Partial, more: usize) -> Result<(), Refusal> {
        let mut index = self.shared.index();
        let replaced = index.file(&current.name).map_or(0, |file| file.size);
        let length = current.length.saturating_add(more as u64);
        let needed = length.saturating_sub(replaced).saturating_sub(current.room.octets);
        let room = Room { octets: needed, files: 0 };
        index.reserve(room, &self.shared.root, &self.shared.partial)?;
        current.room.octets += needed;
        Ok(())
    }

    /// Enters it in the journal when it has become worth that. One file of an origin can be there.
    fn recorded(&mut self, mut current: Partial) -> Partial {
        let other = self.paused.as_ref().map_or(0, Paused::length);
        if !current.recorded
            && current.length >= WORTH_RECORD.max(other)
            && let Some(pause) = pause(&current)
        {
            self.drop_paused();
            self.shared.index().pause(&self.origin, pause);
            current.recorded = true;
        }
        current
    }

    fn end(&mut self, size: u64) {
        let Some(mut current) = self.current.take() else { return };
        match current.complete(size) {
            Ok(Ok((version, digest))) => {
                let origin = self.origin.clone();
                let (modified, inode) = (version.modified, version.inode);
                let delivered = Delivered { origin, size, modified, inode, digest };
                self.waiting.push(Waiting { partial: current, delivered });
                let octets: u64 = self.waiting.iter().map(|waiting| waiting.delivered.size).sum();
                if !self.shared.durable || self.waiting.len() >= GROUP || octets >= GROUP_OCTETS {
                    self.commit();
                }
            }
            Ok(Err(Broken)) => self.mismatch(current),
            Err(error) => self.give_up(current, refusal(&error)),
        }
    }

    fn mismatch(&mut self, current: Partial) {
        let name = current.name.clone();
        self.discard(current);
        self.answer(Written::Mismatch { name });
    }

    fn give_up(&mut self, current: Partial, reason: Refusal) {
        let name = current.name.clone();
        self.discard(current);
        self.refuse(name, reason);
    }

    fn discard(&self, current: Partial) {
        let Partial { file_name, room, recorded, .. } = current;
        self.shared.index().release(room);
        self.remove(&file_name, recorded);
    }

    fn remove(&self, partial: &str, recorded: bool) {
        if let Err(error) = self.shared.partial.remove_file(partial) {
            tracing::warn!(%error, "cannot remove a partial file");
        }
        if recorded {
            self.shared.index().resume(&self.origin);
        }
    }

    /// The file that is coming will go on later, if that is worth while, or not at all.
    fn break_off(&mut self) {
        let Some(current) = self.current.take() else { return };
        let other = self.paused.as_ref().map_or(0, Paused::length);
        match pause(&current) {
            Some(pause) if current.length >= WORTH.max(other) => {
                self.drop_paused();
                if !current.recorded {
                    self.shared.index().pause(&self.origin, pause.clone());
                }
                let room = current.room;
                self.paused = Some(Paused { pause, room, prefix: Some(current.pause()) });
            }
            _ => self.discard(current),
        }
    }

    fn drop_paused(&mut self) {
        if let Some(paused) = self.paused.take() {
            self.shared.index().release(paused.room);
            self.remove(&paused.pause.partial, true);
        }
    }

    /// Puts all that waits in its place.
    fn commit(&mut self) {
        let waiting = std::mem::take(&mut self.waiting);
        if waiting.is_empty() {
            return;
        }
        let mut done = Vec::with_capacity(waiting.len());
        let mut made = Vec::new();
        let mut sound = Vec::with_capacity(waiting.len());
        let synced = match self.shared.durable {
            true => sync::files(&waiting.iter().map(|one| one.partial.file()).collect::<Vec<_>>()),
            false => waiting.iter().map(|_| Ok(())).collect(),
        };
        for (waiting, synced) in waiting.into_iter().zip(synced) {
            match synced {
                Ok(()) => sound.push(waiting),
                Err(error) => {
                    let name = waiting.partial.name.clone();
                    self.discard(waiting.partial);
                    done.push(Written::Refused { name, reason: refusal(&error) });
                }
            }
        }
        let shared = self.shared.clone();
        let mut index = shared.index();
        index.announce(sound.iter().map(|waiting| (&waiting.partial.name, &waiting.delivered)));
        self.tree.forget();
        let mut parents: Vec<Arc<Dir>> = Vec::new();
        for waiting in sound {
            done.push(self.place(waiting, &mut index, &mut made, &mut parents));
        }
        if !made.is_empty() {
            index.made(made.iter().map(|(directory, _)| directory.clone()));
        }
        index.compact();
        drop(index);
        if self.shared.durable {
            parents.extend(made.into_iter().map(|(_, parent)| parent));
            parents.iter().for_each(|parent| sync::directory(parent));
        }
        self.answers.extend(done);
    }

    fn place(
        &mut self,
        waiting: Waiting,
        index: &mut Index,
        made: &mut Vec<(String, Arc<Dir>)>,
        parents: &mut Vec<Arc<Dir>>,
    ) -> Written {
        let Waiting { partial, delivered } = waiting;
        let Partial { name, file_name, room, recorded, .. } = partial;
        let size = delivered.size;
        let renamed = self.tree.parent_made(&name, made).and_then(|parent| {
            let renamed = self.shared.partial.rename(&file_name, &parent, split(&name).1);
            renamed.map_err(|error| refusal(&error)).map(|()| parent)
        });
        if recorded {
            index.resume(&self.origin);
        }
        match renamed {
            Ok(parent) => {
                if !parents.last().is_some_and(|last| Arc::ptr_eq(last, &parent)) {
                    parents.push(parent);
                }
                let path = self.path(&name);
                index.deliver(name.clone(), delivered, room);
                Written::Delivered { name, path, size }
            }
            Err(reason) => {
                index.withdraw(&name, room);
                if let Err(error) = self.shared.partial.remove_file(&file_name) {
                    tracing::warn!(%error, "cannot remove a partial file");
                }
                Written::Refused { name, reason }
            }
        }
    }

    fn path(&self, name: &VirtualPath) -> PathBuf {
        let mut path = self.shared.path.clone();
        path.extend(name.components());
        path
    }

    fn delete(&mut self, name: VirtualPath) {
        self.break_off();
        self.commit();
        if self.paused.as_ref().is_some_and(|paused| paused.pause.name == name) {
            self.drop_paused();
        }
        let shared = self.shared.clone();
        let mut index = shared.index();
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
                let path = self.path(&name);
                self.answers.push_back(Written::Deleted { name, path });
            }
            Err(error) => {
                drop(index);
                self.refuse(name, refusal(&error));
            }
        }
    }
}

impl Paused {
    fn length(&self) -> u64 {
        // A partial file that was not read yet is worth what is set aside for it: its length.
        self.prefix.as_ref().map_or(self.room.octets, |(length, _)| *length)
    }
}

/// How it could go on: only if it was said what it will be.
fn pause(current: &Partial) -> Option<Pause> {
    let promise = current.promise.as_ref()?;
    let Digest::Blake3(_) = promise.digest else { return None };
    Some(Pause {
        name: current.name.clone(),
        whole: promise.digest,
        size: promise.size,
        partial: current.file_name.clone(),
    })
}

impl Drop for Receiver {
    fn drop(&mut self) {
        self.break_off();
        for waiting in std::mem::take(&mut self.waiting) {
            self.discard(waiting.partial);
        }
        let paused = self.paused.take().map(|paused| (paused.room, paused.length()));
        self.shared.index().leave(&self.origin, paused);
    }
}
