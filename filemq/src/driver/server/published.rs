//! How much each owner of names publishes, and leaves out.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::time::{Duration, Instant};

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
    /// What is left out, and not told yet.
    pub(super) omitted: BTreeMap<Omission, OmittedFiles>,
    /// Reasons that may pass for which something is left out.
    passing: BTreeSet<Omission>,
    /// Files that are published as soon as they are stable.
    unstable: BTreeSet<VirtualPath>,
    /// When what is not there begins to be gone; `None` while it is not known what is there.
    settled: Option<Instant>,
    /// Whether nothing is missing that may be published later, as far as the catalogue knows.
    pub(super) is_complete: bool,
}

impl Published {
    pub(super) const fn new(name: VirtualPath, path: PathBuf) -> Self {
        Self {
            name,
            path,
            files: 0,
            bytes: 0,
            told: None,
            waiting: 0,
            omitted: BTreeMap::new(),
            passing: BTreeSet::new(),
            unstable: BTreeSet::new(),
            settled: None,
            is_complete: false,
        }
    }

    /// Notes that it is known what is there. What is not is gone after `settle`.
    pub(super) fn found(&mut self, now: Instant, settle: Duration) {
        self.settled = Some(now + settle);
    }

    /// Notes that a file is not stable yet. Returns `false` if that was known.
    pub(super) fn wait_for(&mut self, name: VirtualPath) -> bool {
        self.unstable.insert(name)
    }

    /// Notes that a file has become stable, or is gone. Returns `false` if it was not waited for.
    pub(super) fn wait_no_more(&mut self, name: &VirtualPath) -> bool {
        self.unstable.remove(name)
    }

    /// Returns where something may be published in a moment.
    pub(super) fn expected(&self) -> impl Iterator<Item = &VirtualPath> {
        self.unstable.iter().chain((!self.is_complete).then_some(&self.name))
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

    /// Returns whether nothing is missing that may be published later, other than single files that
    /// are [waited for](Self::wait_for).
    pub(super) fn has_settled(&self, now: Instant) -> bool {
        self.passing.is_empty() && self.settled.is_some_and(|settled| now >= settled)
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
