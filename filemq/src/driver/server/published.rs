//! How much each owner of names publishes, and leaves out.

use std::collections::BTreeMap;

use crate::{Omission, OmittedFiles, VirtualPath};

/// How much a mount, or a file that was published by itself, stands for.
#[derive(Debug)]
pub(super) struct Published {
    /// The name of the mount or the file.
    pub(super) name: VirtualPath,
    pub(super) files: usize,
    pub(super) bytes: u64,
    /// The number of files that the application knows of.
    pub(super) told: Option<usize>,
    /// What is left out, and is to be told.
    pub(super) omitted: BTreeMap<Omission, OmittedFiles>,
}

impl Published {
    pub(super) const fn new(name: VirtualPath) -> Self {
        Self { name, files: 0, bytes: 0, told: None, omitted: BTreeMap::new() }
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
