//! What an inbox knows: which files were delivered, by whom, and how much room is taken.

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime};

use cap_std::fs::Dir;

use super::InboxLimits;
use super::journal::{Journal, Record};
use super::tree::Tree;
use crate::{Digest, Refusal, Version, VirtualPath};

/// How often it is looked at what somebody has removed, when the inbox is full.
const LOOK: Duration = Duration::from_secs(5);

/// A file in the state in which it was delivered.
#[derive(Clone, Debug)]
pub(super) struct Delivered {
    pub(super) origin: Arc<str>,
    pub(super) size: u64,
    pub(super) modified: SystemTime,
    pub(super) inode: u64,
    pub(super) digest: Digest,
}

impl Delivered {
    /// Whether a file of this state is the one that was delivered.
    pub(super) fn is(&self, version: &Version) -> bool {
        (self.size, self.modified, self.inode) == (version.size, version.modified, version.inode)
    }
}

/// The beginning of a file, which can be resumed.
#[derive(Clone, Debug)]
pub(super) struct Pause {
    pub(super) name: VirtualPath,
    pub(super) whole: Digest,
    /// Of the whole.
    pub(super) size: u64,
    /// The name of the partial file.
    pub(super) partial: String,
}

/// What the journal amounts to.
#[derive(Debug, Default)]
pub(super) struct Live {
    pub(super) files: BTreeMap<VirtualPath, Delivered>,
    /// Directories that were made here, and so go when they are empty.
    pub(super) made: BTreeSet<String>,
    pub(super) paused: BTreeMap<Arc<str>, Pause>,
    origins: BTreeSet<Arc<str>>,
}

impl Live {
    /// The one text for this origin.
    pub(super) fn origin(&mut self, origin: &str) -> Arc<str> {
        if let Some(known) = self.origins.get(origin) {
            return known.clone();
        }
        let origin: Arc<str> = origin.into();
        self.origins.insert(origin.clone());
        origin
    }

    pub(super) fn len(&self) -> usize {
        self.files.len() + self.made.len() + self.paused.len()
    }

    pub(super) fn records(&self) -> impl Iterator<Item = Record<'_>> {
        let files = self.files.iter().map(|(name, file)| Record::Delivered(name, file));
        let made = self.made.iter().map(|directory| Record::Made(directory));
        let paused = self.paused.iter().map(|(origin, pause)| Record::Paused(origin, pause));
        files.chain(made).chain(paused)
    }
}

/// Room that is set aside for what is on its way.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Room {
    pub(super) octets: u64,
    pub(super) files: usize,
}

/// The state of an inbox. What changes is appended to the journal.
#[derive(Debug)]
pub(super) struct Index {
    limits: InboxLimits,
    journal: Journal,
    live: Live,
    /// Of everything delivered.
    octets: u64,
    coming: Room,
    /// Partial files of origins that have no receiver now.
    idle: BTreeMap<Arc<str>, u64>,
    entered: BTreeSet<Arc<str>>,
    looked: Option<Instant>,
}

impl Index {
    pub(super) fn new(limits: InboxLimits, journal: Journal, live: Live) -> Self {
        let octets = live.files.values().fold(0, |sum: u64, file| sum.saturating_add(file.size));
        Self {
            limits,
            journal,
            live,
            octets,
            coming: Room::default(),
            idle: BTreeMap::new(),
            entered: BTreeSet::new(),
            looked: None,
        }
    }

    /// Removes partial files that nobody can resume.
    pub(super) fn tidy(&mut self, partial: &Dir) -> io::Result<()> {
        let mut there = BTreeMap::new();
        for entry in partial.entries()? {
            let entry = entry?;
            if let Ok(name) = entry.file_name().into_string() {
                there.insert(name, entry.metadata().map_or(0, |metadata| metadata.len()));
            }
        }
        let paused: Vec<_> = self.live.paused.iter().map(|(o, p)| (o.clone(), p.clone())).collect();
        for (origin, pause) in paused {
            match there.remove(&pause.partial) {
                Some(octets) => {
                    self.coming.octets = self.coming.octets.saturating_add(octets);
                    self.idle.insert(origin, octets);
                }
                None => self.resume(&origin),
            }
        }
        for name in there.keys() {
            partial.remove_file(name)?;
        }
        Ok(())
    }

    /// Whether there was no receiver for this origin; now there is.
    pub(super) fn enter(&mut self, origin: &Arc<str>) -> bool {
        self.entered.insert(origin.clone())
    }

    /// The partial file of an origin, and the room that it has: the receiver's from now on.
    pub(super) fn take_paused(&mut self, origin: &str) -> Option<(Pause, Room)> {
        let octets = self.idle.remove(origin)?;
        let pause = self.live.paused.get(origin)?;
        Some((pause.clone(), Room { octets, files: 0 }))
    }

    /// The receiver of this origin has gone, and has left a partial file of so many octets, which
    /// take up the room that was set aside.
    pub(super) fn leave(&mut self, origin: &Arc<str>, partial: Option<(Room, u64)>) {
        self.entered.remove(origin);
        if let Some((room, octets)) = partial {
            self.release(room);
            self.coming.octets = self.coming.octets.saturating_add(octets);
            self.idle.insert(origin.clone(), octets);
        }
    }

    /// Files of an origin.
    pub(super) fn files(&self, origin: &str) -> Vec<(VirtualPath, Delivered)> {
        let of_origin = |(_, file): &(&VirtualPath, &Delivered)| *file.origin == *origin;
        let files = self.live.files.iter().filter(of_origin);
        files.map(|(name, file)| (name.clone(), file.clone())).collect()
    }

    pub(super) fn file(&self, name: &VirtualPath) -> Option<&Delivered> {
        self.live.files.get(name)
    }

    /// Sets room aside, on top of what this file has already, if there is so much.
    pub(super) fn reserve(
        &mut self,
        more: Room,
        root: &Arc<Dir>,
        partial: &Dir,
    ) -> Result<(), Refusal> {
        if self.room(more).is_err() {
            self.make_room(root, partial);
        }
        self.room(more)?;
        self.coming.octets = self.coming.octets.saturating_add(more.octets);
        self.coming.files += more.files;
        Ok(())
    }

    /// Gives it back.
    pub(super) fn release(&mut self, room: Room) {
        self.coming.octets = self.coming.octets.saturating_sub(room.octets);
        self.coming.files = self.coming.files.saturating_sub(room.files);
    }

    fn room(&self, more: Room) -> Result<(), Refusal> {
        let octets = self.octets.saturating_add(self.coming.octets).saturating_add(more.octets);
        if octets > self.limits.octets {
            return Err(Refusal::Octets { limit: self.limits.octets });
        }
        // A new version of a file that is there takes no more files.
        if more.files > 0
            && self.live.files.len() + self.coming.files + more.files > self.limits.files
        {
            return Err(Refusal::Files { limit: self.limits.files });
        }
        Ok(())
    }

    /// Files that somebody has removed take no room, and partial files of servers that are not
    /// connected have to give way.
    fn make_room(&mut self, root: &Arc<Dir>, partial: &Dir) {
        if self.looked.is_some_and(|looked| looked.elapsed() < LOOK) {
            return;
        }
        let mut tree = Tree::new(root.clone());
        let mut is_gone = |name: &VirtualPath| {
            tree.version(name).is_err_and(|error| error.kind() == io::ErrorKind::NotFound)
        };
        let names = self.live.files.keys();
        let gone: Vec<_> = names.filter(|name| is_gone(name)).cloned().collect();
        for name in gone {
            self.forget(&name);
        }
        for (origin, octets) in std::mem::take(&mut self.idle) {
            if let Some(pause) = self.live.paused.get(&origin) {
                // What cannot be removed is in nobody's way, but for its room.
                let _ = partial.remove_file(&pause.partial);
            }
            self.release(Room { octets, files: 0 });
            self.resume(&origin);
        }
        self.looked = Some(Instant::now());
    }

    /// Enters files that are about to be renamed to their places.
    pub(super) fn announce<'a>(
        &mut self,
        files: impl Iterator<Item = (&'a VirtualPath, &'a Delivered)>,
    ) {
        self.append(files.map(|(name, file)| Record::Delivered(name, file)));
    }

    /// It is in its place; its room is no more only set aside.
    pub(super) fn deliver(&mut self, name: VirtualPath, file: Delivered, room: Room) {
        self.release(room);
        self.octets = self.octets.saturating_add(file.size);
        let file = Delivered { origin: self.live.origin(&file.origin), ..file };
        if let Some(old) = self.live.files.insert(name, file) {
            self.octets = self.octets.saturating_sub(old.size);
        }
    }

    /// It did not get to its place: what was there before still is.
    pub(super) fn withdraw(&mut self, name: &VirtualPath, room: Room) {
        self.release(room);
        let record = match self.live.files.get(name) {
            Some(old) => Record::Delivered(name, old),
            None => Record::Forgotten(name),
        };
        warn_failed(self.journal.append([record]));
    }

    /// It is gone, or is not what was delivered any more.
    pub(super) fn forget(&mut self, name: &VirtualPath) {
        if let Some(old) = self.live.files.remove(name) {
            self.octets = self.octets.saturating_sub(old.size);
            self.append([Record::Forgotten(name)]);
        }
    }

    /// There is a beginning of a file that can be resumed.
    pub(super) fn pause(&mut self, origin: &Arc<str>, pause: Pause) {
        self.append([Record::Paused(origin, &pause)]);
        self.live.paused.insert(origin.clone(), pause);
    }

    /// There is none any more.
    pub(super) fn resume(&mut self, origin: &str) {
        if self.live.paused.remove(origin).is_some() {
            self.append([Record::Unpaused(origin)]);
        }
    }

    /// Directories were made for files.
    pub(super) fn made(&mut self, directories: impl Iterator<Item = String>) {
        let directories: Vec<_> = directories.collect();
        self.append(directories.iter().map(|directory| Record::Made(directory)));
        self.live.made.extend(directories);
    }

    /// Removes the directories of a file that are empty and were made here, the innermost first.
    pub(super) fn remove_empty(&mut self, name: &VirtualPath, tree: &mut Tree) {
        let mut path = name.as_str();
        while let Some((directory, _)) = path.rsplit_once('/') {
            if !self.live.made.contains(directory) || tree.remove(directory).is_err() {
                return;
            }
            self.live.made.remove(directory);
            self.append([Record::Unmade(directory)]);
            path = directory;
        }
    }

    fn append<'a>(&mut self, records: impl IntoIterator<Item = Record<'a>>) {
        warn_failed(self.journal.append(records));
    }

    /// Writes the journal anew if most of it is out of date. To be called when what was done is in
    /// the index as well as in the journal.
    pub(super) fn compact(&mut self) {
        if self.journal.is_stale(self.live.len()) {
            warn_failed(self.journal.rewrite(&self.live));
        }
    }
}

/// What is not in the journal is received again after a restart; nothing worse.
fn warn_failed(result: io::Result<()>) {
    if let Err(error) = result {
        tracing::warn!(%error, "the inbox cannot write its journal");
    }
}
