//! How much each owner of names publishes, and leaves out.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::time::Instant;

use crate::{Omission, OmittedFiles, VirtualPath};

/// What has put names into the catalogue: a mount, or a file that was published by itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Owner(pub(super) u64);

/// How much a mount, or a file that was published by itself, stands for.
#[derive(Debug)]
pub(super) struct Published {
    /// The name of the mount or the file.
    pub(super) name: VirtualPath,
    /// Where the directory or the file is.
    pub(super) path: PathBuf,
    pub(super) files: usize,
    pub(super) bytes: u64,
    /// The number of files that the application knows of.
    pub(super) told: Option<usize>,
    /// How many files wait for their names.
    pub(super) waiting: usize,
    /// What is left out, and is to be told.
    pub(super) omitted: BTreeMap<Omission, OmittedFiles>,
    /// Reasons that may pass for which something is left out.
    passing: BTreeSet<Omission>,
    /// When what is not there begins to be gone.
    settled: Instant,
}

impl Published {
    pub(super) const fn new(name: VirtualPath, path: PathBuf, settled: Instant) -> Self {
        Self {
            name,
            path,
            files: 0,
            bytes: 0,
            told: None,
            waiting: 0,
            omitted: BTreeMap::new(),
            passing: BTreeSet::new(),
            settled,
        }
    }

    /// Notes what is left out.
    pub(super) fn omit(&mut self, omitted: OmittedFiles) {
        if omitted.reason.may_pass() {
            match omitted.count {
                0 => self.passing.remove(&omitted.reason),
                _ => self.passing.insert(omitted.reason.clone()),
            };
        }
        self.omitted.insert(omitted.reason.clone(), omitted);
    }

    /// Returns whether nothing is missing that may be published later.
    pub(super) fn is_complete(&self, now: Instant) -> bool {
        self.passing.is_empty() && now >= self.settled
    }

    pub(super) fn add(&mut self, bytes: u64) {
        self.files += 1;
        self.bytes = self.bytes.saturating_add(bytes);
    }

    pub(super) fn remove(&mut self, bytes: u64) {
        self.files = self.files.saturating_sub(1);
        self.bytes = self.bytes.saturating_sub(bytes);
    }
}
