//! What a server has to give.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Bound;
use std::sync::{Arc, OnceLock};
use std::time::SystemTime;

use crate::digest::Algorithm;
use crate::disk::{Pieces, Source};
use crate::{Digest, VirtualPath};

/// What tells one state of a file from another without reading it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Version {
    /// Octets.
    pub size: u64,
    /// When the content was last changed, as exact as the file system tells.
    pub modified: SystemTime,
    /// Permissions, the lowest nine bits of Unix; 0o644 where there are none.
    pub mode: u32,
    /// The file system's number for the file, 0 where there is none: a file that is put in place of
    /// another has another one.
    pub inode: u64,
}

/// Who gets a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Audience {
    /// Every client.
    Everyone,
    /// Clients that carry this tag.
    Tagged(Arc<str>),
}

/// One file in one state. Another state is another entry.
#[derive(Debug)]
pub struct Entry {
    /// Its name on the network.
    pub name: VirtualPath,
    /// Where its content is.
    pub source: Source,
    /// The state that is meant.
    pub version: Version,
    /// Who gets it.
    pub audience: Audience,
    /// The digests, once somebody has needed them: one reads the file, others wait.
    pub sha1: OnceLock<Digest>,
    /// As `sha1`.
    pub blake3: OnceLock<Digest>,
    /// What was read of it and is on its way to somebody.
    pub pieces: Pieces,
}

/// What has happened to one name of a catalogue.
#[derive(Clone, Debug)]
pub enum Change {
    /// It is there, or is another.
    Updated(Arc<Entry>),
    /// It is gone.
    Removed(Arc<Entry>),
}

/// All files that a server has to give, by name. A name is there once, whoever gets it.
#[derive(Debug, Default)]
pub struct Catalogue {
    entries: BTreeMap<VirtualPath, Arc<Entry>>,
}

impl Audience {
    /// Whether a client that carries these tags belongs to it.
    #[must_use]
    pub fn includes(&self, tags: &BTreeSet<Arc<str>>) -> bool {
        match self {
            Self::Everyone => true,
            Self::Tagged(tag) => tags.contains(tag),
        }
    }
}

impl Entry {
    /// A file in this state, of which no digest is known yet.
    #[must_use]
    pub const fn new(
        name: VirtualPath,
        source: Source,
        version: Version,
        audience: Audience,
    ) -> Self {
        Self {
            name,
            source,
            version,
            audience,
            sha1: OnceLock::new(),
            blake3: OnceLock::new(),
            pieces: Pieces::new(),
        }
    }

    /// Its digest by this algorithm, if somebody has needed it already.
    #[must_use]
    pub fn digest(&self, algorithm: Algorithm) -> Option<Digest> {
        match algorithm {
            Algorithm::Sha1 => self.sha1.get().copied(),
            Algorithm::Blake3 => self.blake3.get().copied(),
        }
    }
}

impl Change {
    /// What it is about: the new state, or the last one.
    #[must_use]
    pub const fn entry(&self) -> &Arc<Entry> {
        match self {
            Self::Updated(entry) | Self::Removed(entry) => entry,
        }
    }
}

impl Catalogue {
    /// Nothing.
    #[must_use]
    pub const fn new() -> Self {
        Self { entries: BTreeMap::new() }
    }

    /// This is there now, under its name; what was there under that name before is not any more.
    ///
    /// `None` if that is no change: the same content from the same place for the same audience.
    /// Then the old entry stays, with the digests that it may have.
    pub fn insert(&mut self, entry: Entry) -> Option<Change> {
        if self.entries.get(&entry.name).is_some_and(|old| old.is_like(&entry)) {
            return None;
        }
        let entry = Arc::new(entry);
        self.entries.insert(entry.name.clone(), entry.clone());
        Some(Change::Updated(entry))
    }

    /// The file of this name is gone; `None` if there was none.
    pub fn remove(&mut self, name: &VirtualPath) -> Option<Change> {
        self.entries.remove(name).map(Change::Removed)
    }

    /// The file of this name.
    #[must_use]
    pub fn get(&self, name: &VirtualPath) -> Option<&Arc<Entry>> {
        self.entries.get(name)
    }

    /// How many files there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// All files, in the order of their names.
    pub fn iter(&self) -> impl Iterator<Item = &Arc<Entry>> {
        self.entries.values()
    }

    /// What lies at or below `path`, in the order of names.
    pub fn within(&self, path: &VirtualPath) -> impl Iterator<Item = &Arc<Entry>> {
        // Between `/a` and `/a/b` there may be `/a!b`: what shares the text is skipped to the end.
        let range = (Bound::Included(path), Bound::Unbounded);
        self.entries
            .range::<VirtualPath, _>(range)
            .take_while(|(name, _)| name.as_str().starts_with(path.as_str()))
            .filter(|(name, _)| path.covers(name))
            .map(|(_, entry)| entry)
    }
}

impl Entry {
    /// Whether it is the same file in the same state, for the same clients.
    fn is_like(&self, other: &Self) -> bool {
        self.version == other.version
            && self.audience == other.audience
            && self.source.path == other.source.path
            && match (&self.source.beneath, &other.source.beneath) {
                (None, None) => true,
                (Some(a), Some(b)) => Arc::ptr_eq(a, b),
                _ => false,
            }
    }
}
