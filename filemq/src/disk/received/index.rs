//! The index of a received folder: which files were delivered by which server, and how much space
//! is taken.

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime};

use super::idle::{IdlePartial, IdlePartials};
use super::journal::Journal;
use super::limits::ReceivedLimits;
use super::record::{FileRecord, JournalRecord, JournalState, PausedFile};
use super::tree::FolderTree;
use super::twins::Twins;
use super::usage::{Reservation, Usage};
use super::write_error::Denied;
use crate::disk::Directory;
use crate::{Refusal, VirtualPath};

/// How often a full folder is searched for files that were removed by others.
const SEARCH_INTERVAL: Duration = Duration::from_secs(5);

/// The index of a received folder. Every change is appended to the journal.
#[derive(Debug)]
pub(super) struct FolderIndex {
    limits: ReceivedLimits,
    journal: Journal,
    pub(super) state: JournalState,
    /// What everything delivered takes.
    delivered: Usage,
    reserved: Usage,
    /// What files will still need on the disk that come, or for which room is set aside.
    pub(super) promised: u64,
    idle: IdlePartials,
    /// Origins that have a writer.
    pub(super) entered: BTreeSet<Arc<str>>,
    searched: Option<Instant>,
    /// The names of what was delivered; `None` as long as nothing was in the way of another name.
    twins: Option<Twins>,
    /// Whether the journal has to be rewritten before anything is appended.
    is_behind: bool,
    /// Whether files are announced that are not in `state` yet. What is rewritten would be without them.
    is_placing: bool,
}

impl FolderIndex {
    pub(super) fn new(limits: ReceivedLimits, journal: Journal, state: JournalState) -> Self {
        let mut delivered = Usage::default();
        state.files.values().for_each(|file| delivered.add(&file.origin, taken_by(file)));
        Self {
            limits,
            journal,
            state,
            delivered,
            reserved: Usage::default(),
            promised: 0,
            idle: IdlePartials::default(),
            entered: BTreeSet::new(),
            searched: None,
            twins: None,
            is_behind: false,
            is_placing: false,
        }
    }

    /// Brings index and folder together if the last process was killed between an entry in the journal
    /// and what it announces: a file that was not replaced after all is the one before, and directories
    /// that are empty are removed.
    pub(super) fn settle_announced(&mut self, root: &Directory) {
        let mut tree = FolderTree::new(root.clone());
        for (name, before) in std::mem::take(&mut self.state.replaced) {
            let Ok(there) = tree.version(&name) else { continue };
            if before.is(&there) && !self.file(&name).is_some_and(|file| file.is(&there)) {
                self.append([JournalRecord::Delivered(&name, &before)]);
                self.deliver(name, before, Reservation::default());
            }
        }
        // The innermost are the last.
        let made: Vec<_> = self.state.made.iter().rev().cloned().collect();
        for directory in made {
            let removed = tree.remove(&directory);
            if removed.map_or_else(|error| error.kind() == io::ErrorKind::NotFound, |()| true) {
                self.unmake(&directory);
            }
        }
    }

    /// Removes partial files that cannot be resumed, or will hardly be.
    pub(super) fn tidy(&mut self, partial: &Directory) -> io::Result<()> {
        let mut there = BTreeMap::new();
        for entry in partial.list(Path::new(""))? {
            let entry = entry?;
            if let Ok(name) = entry.name.into_string() {
                there.insert(name, entry.status.ok());
            }
        }
        let paused: Vec<_> =
            self.state.paused.iter().map(|(o, p)| (o.clone(), p.clone())).collect();
        for (origin, pause) in paused {
            match there.remove(&pause.partial) {
                Some(status) => {
                    let bytes = status.map_or(0, |status| status.size);
                    let since = status.map_or_else(SystemTime::now, |status| {
                        // One that is complete has the time of the file already, which may be any.
                        match status.size == pause.size {
                            true => status.changed.unwrap_or_else(SystemTime::now),
                            false => status.modified,
                        }
                    });
                    self.reserved.add(&origin, Reservation { bytes, files: 0 });
                    self.idle.insert(origin, IdlePartial { bytes, since });
                }
                None => self.unpause(&origin),
            }
        }
        for name in there.keys() {
            partial.remove_file(name)?;
        }
        self.drop_old(partial);
        Ok(())
    }

    /// Removes partial files that will hardly be resumed.
    pub(super) fn drop_old(&mut self, partial: &Directory) {
        for (origin, old) in self.idle.take_old(SystemTime::now()) {
            self.drop_idle(&origin, old.bytes, partial);
        }
    }

    /// Removes the partial file of an origin that has no writer.
    fn drop_idle(&mut self, origin: &str, bytes: u64, partial: &Directory) {
        if let Some(pause) = self.state.paused.get(origin) {
            // A partial file that cannot be removed does no harm beyond its size.
            let _ = partial.remove_file(&pause.partial);
        }
        self.release(origin, Reservation { bytes, files: 0 });
        self.unpause(origin);
    }

    /// Notes that this origin has a writer. Returns `false` if it had one already.
    pub(super) fn enter(&mut self, origin: &Arc<str>) -> bool {
        self.entered.insert(origin.clone())
    }

    /// Hands the partial file of an origin, and the space reserved for it, to the writer.
    pub(super) fn take_paused(&mut self, origin: &str) -> Option<(PausedFile, Reservation)> {
        let bytes = self.idle.remove(origin)?.bytes;
        let pause = self.state.paused.get(origin)?;
        Some((pause.clone(), Reservation { bytes, files: 0 }))
    }

    /// Notes that the writer of this origin is gone. If it has left a partial file, its bytes take
    /// the place of its reservation.
    pub(super) fn leave(&mut self, origin: &Arc<str>, partial: Option<(Reservation, u64)>) {
        self.entered.remove(origin);
        if let Some((room, bytes)) = partial {
            self.release(origin, room);
            self.reserved.add(origin, Reservation { bytes, files: 0 });
            self.idle.insert(origin.clone(), IdlePartial { bytes, since: SystemTime::now() });
        }
    }

    /// Returns the files that an origin has delivered, in the order of names: to look at them takes each
    /// directory once.
    pub(super) fn files(&self, origin: &str) -> Vec<(VirtualPath, FileRecord)> {
        let of_origin = |(_, file): &(&VirtualPath, &FileRecord)| *file.origin == *origin;
        let files = self.state.files.iter().filter(of_origin);
        let mut files: Vec<_> = files.map(|(name, file)| (name.clone(), file.clone())).collect();
        files.sort_unstable_by(|(one, _), (other, _)| one.cmp(other));
        files
    }

    pub(super) fn file(&self, name: &VirtualPath) -> Option<&FileRecord> {
        self.state.files.get(name)
    }

    /// Returns the names of files that were delivered and that some file systems do not tell from this
    /// one.
    pub(super) fn twins(&mut self, name: &VirtualPath) -> Vec<VirtualPath> {
        self.twins.get_or_insert_with(|| Twins::of(self.state.files.keys())).get(name)
    }

    /// Sets more space aside, if there is enough.
    pub(super) fn reserve(
        &mut self,
        origin: &str,
        more: Reservation,
        root: &Directory,
        partial: &Directory,
    ) -> Result<(), Denied> {
        if self.check(origin, more).is_err() {
            self.make_room(root, partial);
        }
        self.check(origin, more)?;
        self.set_aside(origin, more);
        Ok(())
    }

    /// Sets space aside that was set aside before.
    pub(super) fn set_aside(&mut self, origin: &str, room: Reservation) {
        self.reserved.add(origin, room);
    }

    /// Notes that `bytes` more bytes will be needed on the disk.
    pub(super) const fn promise(&mut self, bytes: u64) {
        self.promised = self.promised.saturating_add(bytes);
    }

    /// Notes that `bytes` bytes are on the disk by now, or do not come.
    pub(super) const fn settle(&mut self, bytes: u64) {
        self.promised = self.promised.saturating_sub(bytes);
    }

    /// Returns an error if a file of this many bytes would not fit into an empty folder.
    pub(super) fn fits(&self, size: u64) -> Result<(), Denied> {
        let ReceivedLimits { bytes, bytes_per_server, .. } = self.limits;
        if size > bytes {
            Err(Denied::finally(Refusal::Bytes { limit: bytes }))
        } else if size > bytes_per_server {
            Err(Denied::finally(Refusal::ServerBytes { limit: bytes_per_server }))
        } else {
            Ok(())
        }
    }

    /// Gives reserved space back.
    pub(super) fn release(&mut self, origin: &str, room: Reservation) {
        self.reserved.remove(origin, room);
    }

    /// Only what would not fit into an empty folder is refused finally.
    fn check(&self, origin: &str, more: Reservation) -> Result<(), Denied> {
        let ReceivedLimits { bytes, files, bytes_per_server, files_per_server, .. } = self.limits;
        let all = self.delivered.total().plus(self.reserved.total()).plus(more);
        let own = self.delivered.of(origin).plus(self.reserved.of(origin)).plus(more);
        // A new version of a file is not one more file.
        let is_more = more.files > 0;
        let refusal = if all.bytes > bytes {
            Refusal::Bytes { limit: bytes }
        } else if own.bytes > bytes_per_server {
            Refusal::ServerBytes { limit: bytes_per_server }
        } else if is_more && all.files > files {
            Refusal::Files { limit: files }
        } else if is_more && own.files > files_per_server {
            Refusal::ServerFiles { limit: files_per_server }
        } else {
            return Ok(());
        };
        self.fits(more.bytes)?;
        Err(Denied::passing(refusal))
    }

    /// Makes room: files that were removed by others take no space any more, and partial files of
    /// servers that are not connected have to go.
    fn make_room(&mut self, root: &Directory, partial: &Directory) {
        if self.searched.is_some_and(|searched| searched.elapsed() < SEARCH_INTERVAL) {
            return;
        }
        let mut tree = FolderTree::new(root.clone());
        let mut is_gone = |name: &VirtualPath| {
            tree.version(name).is_err_and(|error| error.kind() == io::ErrorKind::NotFound)
        };
        let mut names: Vec<_> = self.state.files.keys().collect();
        names.sort_unstable();
        let gone: Vec<_> = names.into_iter().filter(|name| is_gone(name)).cloned().collect();
        for name in gone {
            self.forget(&name);
        }
        for (origin, idle) in self.idle.take_all() {
            self.drop_idle(&origin, idle.bytes, partial);
        }
        self.searched = Some(Instant::now());
    }

    /// Enters files in the journal that are about to be renamed to their places.
    ///
    /// # Errors
    /// They are not in the journal, so they must not be renamed: after a restart nobody would know
    /// whose they are.
    pub(super) fn announce<'a>(
        &mut self,
        files: impl Iterator<Item = (&'a VirtualPath, &'a FileRecord)>,
    ) -> io::Result<()> {
        self.try_append(files.map(|(name, file)| JournalRecord::Delivered(name, file)))?;
        self.is_placing = true;
        self.sync();
        Ok(())
    }

    /// Rewrites the journal if something could not be appended to it: what comes after that would
    /// not be read.
    fn catch_up(&mut self) -> io::Result<()> {
        if self.is_behind {
            if self.is_placing {
                return Err(io::Error::other("the journal cannot be written now"));
            }
            self.journal.rewrite(&self.state)?;
            self.is_behind = false;
        }
        Ok(())
    }

    /// Notes that a file is in its place; its reservation becomes part of what is delivered.
    pub(super) fn deliver(&mut self, name: VirtualPath, file: FileRecord, room: Reservation) {
        self.release(&file.origin, room);
        self.delivered.add(&file.origin, taken_by(&file));
        let file = FileRecord { origin: self.state.origin(&file.origin), ..file };
        self.twins.iter_mut().for_each(|twins| twins.insert(name.clone()));
        if let Some(old) = self.state.files.insert(name, file) {
            self.delivered.remove(&old.origin, taken_by(&old));
        }
    }

    /// Notes that an announced file did not get to its place: what was there before still is.
    pub(super) fn withdraw(&mut self, name: &VirtualPath) {
        let record = match self.state.files.get(name) {
            Some(old) => JournalRecord::Delivered(name, old),
            None => JournalRecord::Forgotten(name),
        };
        let appended = self.journal.append([record]);
        self.note(&appended);
    }

    /// Forgets a file that is gone, or is no longer what was delivered.
    pub(super) fn forget(&mut self, name: &VirtualPath) {
        if let Some(old) = self.state.files.remove(name) {
            self.twins.iter_mut().for_each(|twins| twins.remove(name));
            self.delivered.remove(&old.origin, taken_by(&old));
            self.append([JournalRecord::Forgotten(name)]);
        }
    }

    /// Notes that the beginning of a file can be resumed.
    pub(super) fn pause(&mut self, origin: &Arc<str>, pause: PausedFile) {
        self.append([JournalRecord::Paused(origin, &pause)]);
        self.state.paused.insert(origin.clone(), pause);
    }

    /// Notes that there is nothing to resume any more.
    pub(super) fn unpause(&mut self, origin: &str) {
        if self.state.paused.remove(origin).is_some() {
            self.append([JournalRecord::Unpaused(origin)]);
        }
    }

    /// Creates a directory for a file, and enters it in the journal before: otherwise nobody would know
    /// after a restart whose it is. Returns `false` if it exists already: then somebody else has made it.
    ///
    /// # Errors
    /// It cannot be created, or not be entered.
    pub(super) fn make_directory(
        &mut self,
        within: &Directory,
        component: &str,
        path: &str,
    ) -> io::Result<bool> {
        self.try_append([JournalRecord::Made(path)])?;
        self.state.made.insert(path.to_owned());
        match within.create_dir(component) {
            Ok(()) => Ok(true),
            Err(error) => {
                self.unmake(path);
                if error.kind() == io::ErrorKind::AlreadyExists { Ok(false) } else { Err(error) }
            }
        }
    }

    fn unmake(&mut self, directory: &str) {
        self.state.made.remove(directory);
        self.append([JournalRecord::Unmade(directory)]);
    }

    /// Removes the directories of a file that are empty and were created here, the innermost first.
    pub(super) fn remove_empty(&mut self, name: &VirtualPath, tree: &mut FolderTree) {
        let mut path = name.as_str();
        while let Some((directory, _)) = path.rsplit_once('/') {
            if !self.state.made.contains(directory) || tree.remove(directory).is_err() {
                return;
            }
            self.unmake(directory);
            path = directory;
        }
    }

    pub(super) fn append<'a>(&mut self, records: impl IntoIterator<Item = JournalRecord<'a>>) {
        let appended = self.try_append(records);
        self.note(&appended);
    }

    /// Appends records, for a caller that goes on only if they are in the journal.
    fn try_append<'a>(
        &mut self,
        records: impl IntoIterator<Item = JournalRecord<'a>>,
    ) -> io::Result<()> {
        self.catch_up()?;
        let appended = self.journal.append(records);
        self.is_behind |= appended.is_err();
        appended
    }

    /// Makes the journal survive a crash of the machine, if that is wanted.
    pub(super) fn sync(&mut self) {
        if self.limits.durable {
            let synced = self.journal.sync();
            self.note(&synced);
        }
    }

    /// Notes whether the journal could be written. If not, it is rewritten before anything is
    /// appended.
    fn note(&mut self, written: &io::Result<()>) {
        if let Err(error) = written {
            tracing::warn!(%error, "the journal of the received folder cannot be written now");
            self.is_behind = true;
        }
    }

    /// Rewrites the journal if most of it is out of date, or if it could not be written before. Call
    /// it when index and journal agree.
    pub(super) fn compact(&mut self) {
        self.is_placing = false;
        self.is_behind |= self.journal.is_stale(self.state.len());
        if let Err(error) = self.catch_up() {
            tracing::warn!(%error, "the journal of the received folder cannot be rewritten now");
        }
    }

    /// Returns how much is taken: bytes, and files.
    pub(super) fn taken(&self) -> (u64, usize) {
        let taken = self.delivered.total().plus(self.reserved.total());
        (taken.bytes, taken.files)
    }
}

/// Returns what a delivered file takes.
const fn taken_by(file: &FileRecord) -> Reservation {
    Reservation { bytes: file.size, files: 1 }
}
