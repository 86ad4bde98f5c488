//! What the journal records, and what the records amount to.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;
use std::time::SystemTime;

use crate::VirtualPath;
use crate::digest::Digest;
use crate::version::Version;

/// One record of the journal.
#[derive(Debug)]
pub(super) enum JournalRecord<'a> {
    Delivered(&'a VirtualPath, &'a FileRecord),
    Forgotten(&'a VirtualPath),
    Made(&'a str),
    Unmade(&'a str),
    Paused(&'a str, &'a PausedFile),
    Unpaused(&'a str),
    Named(&'a str, &'a str),
    Unnamed(&'a str),
}

/// A file in the state in which it was delivered.
#[derive(Clone, Debug)]
pub(super) struct FileRecord {
    pub(super) origin: Arc<str>,
    pub(super) size: u64,
    pub(super) modified: SystemTime,
    pub(super) inode: u64,
    pub(super) digest: Digest,
}

impl FileRecord {
    /// Returns whether a file of this version is the one that was delivered.
    pub(super) fn is(&self, version: &Version) -> bool {
        (self.size, self.modified, self.inode) == (version.size, version.modified, version.inode)
    }
}

/// The beginning of a file, which can be resumed.
#[derive(Clone, Debug)]
pub(super) struct PausedFile {
    pub(super) name: VirtualPath,
    pub(super) whole: Digest,
    /// Size of the whole.
    pub(super) size: u64,
    /// The name of the partial file.
    pub(super) partial: String,
}

/// What all records of a journal amount to.
#[derive(Debug, Default)]
pub(super) struct JournalState {
    /// Looked up several times for each file that comes, so not in order.
    pub(super) files: HashMap<VirtualPath, FileRecord>,
    /// What those files were before that were announced in place of others. Only the last ones may not
    /// have got to their places, if the process was killed before.
    pub(super) replaced: BTreeMap<VirtualPath, FileRecord>,
    /// Directories that were created here, and so are removed when they are empty.
    pub(super) made: BTreeSet<String>,
    pub(super) paused: BTreeMap<Arc<str>, PausedFile>,
    /// The names of the folders of origins that have one of their own.
    pub(super) folders: BTreeMap<Arc<str>, String>,
    origins: BTreeSet<Arc<str>>,
}

impl JournalState {
    /// Returns the one shared text for this origin.
    pub(super) fn origin(&mut self, origin: &str) -> Arc<str> {
        if let Some(known) = self.origins.get(origin) {
            return known.clone();
        }
        let origin: Arc<str> = origin.into();
        self.origins.insert(origin.clone());
        origin
    }

    pub(super) fn len(&self) -> usize {
        self.files.len() + self.made.len() + self.paused.len() + self.folders.len()
    }

    pub(super) fn records(&self) -> impl Iterator<Item = JournalRecord<'_>> {
        let files = self.replaced.iter().chain(&self.files);
        let files = files.map(|(name, file)| JournalRecord::Delivered(name, file));
        let made = self.made.iter().map(|directory| JournalRecord::Made(directory));
        let paused = self.paused.iter().map(|(origin, file)| JournalRecord::Paused(origin, file));
        let folders = self.folders.iter().map(|(origin, name)| JournalRecord::Named(origin, name));
        files.chain(made).chain(paused).chain(folders)
    }
}
