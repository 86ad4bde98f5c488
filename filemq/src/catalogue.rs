//! What a server publishes.

use std::collections::{BTreeMap, BTreeSet, btree_map};
use std::sync::{Arc, OnceLock};

use zmtp::sync::Mutex;

use crate::VirtualPath;
use crate::digest::{Algorithm, Digest};
use crate::disk::{ChunkCache, FileSource};
use crate::version::Version;

/// The recipients of a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Audience {
    /// Every client.
    Everyone,
    /// Clients that carry this tag.
    Tagged(Arc<str>),
}

impl Audience {
    /// Returns whether a client with these tags belongs to the audience.
    #[must_use]
    pub fn includes(&self, tags: &BTreeSet<Arc<str>>) -> bool {
        match self {
            Self::Everyone => true,
            Self::Tagged(tag) => tags.contains(tag),
        }
    }
}

/// One file with one content. A file that changes gets a new entry.
#[derive(Debug)]
pub struct Entry {
    name: VirtualPath,
    source: FileSource,
    version: Mutex<Version>,
    audience: Audience,
    sha1: DigestCell,
    blake3: DigestCell,
    chunks: ChunkCache,
}

/// A digest that is computed when it is first needed.
#[derive(Debug, Default)]
struct DigestCell {
    known: OnceLock<Digest>,
    /// Held by the thread that computes it; the others wait.
    computing: Mutex<()>,
}

impl Entry {
    /// Creates an entry for a file in this state. No digest is known yet.
    #[must_use]
    pub fn new(
        name: VirtualPath,
        source: FileSource,
        version: Version,
        audience: Audience,
    ) -> Self {
        let (sha1, blake3) = (DigestCell::default(), DigestCell::default());
        let version = Mutex::new(version);
        Self { name, source, version, audience, sha1, blake3, chunks: ChunkCache::default() }
    }

    /// The name on the network.
    #[must_use]
    pub const fn name(&self) -> &VirtualPath {
        &self.name
    }

    /// Where the content is.
    #[must_use]
    pub const fn source(&self) -> &FileSource {
        &self.source
    }

    /// The state of the file that this entry describes.
    #[must_use]
    pub fn version(&self) -> Version {
        *self.version.lock()
    }

    /// Notes that something about the file has changed, but not its content.
    pub(crate) fn touch(&self, version: Version) {
        *self.version.lock() = version;
    }

    /// The recipients of the file.
    #[must_use]
    pub const fn audience(&self) -> &Audience {
        &self.audience
    }

    /// Chunks of the file that clients are being sent.
    pub(crate) const fn chunks(&self) -> &ChunkCache {
        &self.chunks
    }

    /// Returns the digest by this algorithm, if it was computed already.
    #[must_use]
    pub fn digest(&self, algorithm: Algorithm) -> Option<Digest> {
        self.cell(algorithm).known.get().copied()
    }

    /// Returns the digest by this algorithm, computed by `compute` if it is not known. While one
    /// thread computes it, others wait for its result.
    ///
    /// # Errors
    /// Returns the error of `compute`; the next caller then tries again.
    pub fn digest_or<E>(
        &self,
        algorithm: Algorithm,
        compute: impl FnOnce() -> Result<Digest, E>,
    ) -> Result<Digest, E> {
        let cell = self.cell(algorithm);
        if let Some(digest) = cell.known.get() {
            return Ok(*digest);
        }
        let _computing = cell.computing.lock();
        match cell.known.get() {
            Some(digest) => Ok(*digest),
            None => compute().map(|digest| self.keep_digest(digest)),
        }
    }

    /// Remembers the digest and returns it; one that is known already stays.
    pub(crate) fn keep_digest(&self, digest: Digest) -> Digest {
        *self.cell(digest.algorithm()).known.get_or_init(|| digest)
    }

    const fn cell(&self, algorithm: Algorithm) -> &DigestCell {
        match algorithm {
            Algorithm::Sha1 => &self.sha1,
            Algorithm::Blake3 => &self.blake3,
        }
    }

    /// Returns whether it is the same file in the same state for the same clients.
    fn is_like(&self, other: &Self) -> bool {
        self.version() == other.version()
            && self.audience == other.audience
            && self.source.is_same(&other.source)
    }
}

/// What happened to one name of a catalogue.
#[derive(Clone, Debug)]
pub enum Change {
    /// There is a new file, or a new state of one.
    Updated(Arc<Entry>),
    /// The file is gone.
    Removed(Arc<Entry>),
}

impl Change {
    /// The entry that changed: its new state, or the last one.
    #[must_use]
    pub const fn entry(&self) -> &Arc<Entry> {
        match self {
            Self::Updated(entry) | Self::Removed(entry) => entry,
        }
    }
}

/// All files that a server publishes, by name. A name occurs once, whatever its audience.
#[derive(Debug, Default)]
pub struct Catalogue {
    entries: BTreeMap<VirtualPath, Arc<Entry>>,
    known: BTreeSet<VirtualPath>,
    /// Where something may be published in a moment, and how many say so.
    expected: BTreeMap<VirtualPath, usize>,
}

impl Catalogue {
    /// Creates an empty catalogue.
    #[must_use]
    pub const fn new() -> Self {
        Self { entries: BTreeMap::new(), known: BTreeSet::new(), expected: BTreeMap::new() }
    }

    /// Inserts an entry, replacing any previous one of that name.
    ///
    /// Returns `None` if nothing changes: the same content from the same place for the same
    /// audience. The old entry then stays, together with the digests that it has.
    pub fn insert(&mut self, entry: impl Into<Arc<Entry>>) -> Option<Change> {
        let entry = entry.into();
        match self.entries.entry(entry.name.clone()) {
            btree_map::Entry::Occupied(old) if old.get().is_like(&entry) => return None,
            btree_map::Entry::Occupied(mut old) => {
                old.insert(Arc::clone(&entry));
            }
            btree_map::Entry::Vacant(place) => {
                place.insert(Arc::clone(&entry));
            }
        }
        Some(Change::Updated(entry))
    }

    /// Removes the file of this name. Returns `None` if there was none.
    pub fn remove(&mut self, name: &VirtualPath) -> Option<Change> {
        self.entries.remove(name).map(Change::Removed)
    }

    /// Notes that the catalogue holds all that there is at or below this path, now and later.
    ///
    /// Of a path that is not known a file may be published at any time, or may have been published
    /// before this server was started: that it is not in the catalogue does not mean that it is gone.
    /// Returns `false` if that was noted before.
    pub fn know(&mut self, path: &VirtualPath) -> bool {
        self.known.insert(path.clone())
    }

    /// Notes that something may be published at or below this path in a moment. Until the same number
    /// of calls of [`expect_no_more`](Self::expect_no_more) nothing there is gone, whatever is
    /// [known](Self::know) of it.
    pub fn expect_more(&mut self, path: &VirtualPath) {
        *self.expected.entry(path.clone()).or_default() += 1;
    }

    /// Takes back one [`expect_more`](Self::expect_more) of this path.
    pub fn expect_no_more(&mut self, path: &VirtualPath) {
        if let Some(count) = self.expected.get_mut(path) {
            *count -= 1;
            if *count == 0 {
                self.expected.remove(path);
            }
        }
    }

    /// Returns whether a file of this name is gone: it is not in the catalogue, which
    /// [knows](Self::know) all there is, and it is not [expected](Self::expect_more).
    #[must_use]
    pub fn is_gone(&self, name: &VirtualPath) -> bool {
        let mut covering = name.above().chain([name.as_str()]);
        self.get(name).is_none()
            && covering.clone().any(|path| self.known.contains(path))
            && !covering.any(|path| self.expected.contains_key(path))
    }

    /// Returns the file of this name.
    #[must_use]
    pub fn get(&self, name: &VirtualPath) -> Option<&Arc<Entry>> {
        self.entries.get(name)
    }

    /// Returns how many files there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// Returns whether there are no files.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// Iterates over all files in the order of their names.
    pub fn iter(&self) -> impl Iterator<Item = &Arc<Entry>> {
        self.entries.values()
    }

    /// Iterates over what lies at or below `path`, in the order of names.
    pub fn within(&self, path: &VirtualPath) -> impl Iterator<Item = &Arc<Entry>> {
        path.within(&self.entries).map(|(_, entry)| entry)
    }
}
