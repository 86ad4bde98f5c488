//! Files whose names are taken.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::published::Owner;
use crate::VirtualPath;
use crate::catalogue::Entry;
use crate::version::Version;

/// Files that wait because something else was published under their names first.
#[derive(Debug, Default)]
pub(super) struct WaitingFiles {
    files: BTreeMap<VirtualPath, BTreeMap<Owner, Arc<Entry>>>,
    counts: BTreeMap<Owner, usize>,
    /// Owners whose number of files has changed.
    changed: BTreeSet<Owner>,
}

impl WaitingFiles {
    pub(super) fn is_empty(&self) -> bool {
        self.files.is_empty()
    }

    /// Adds a file, or its new state.
    pub(super) fn add(&mut self, owner: Owner, entry: Arc<Entry>) {
        let of_name = self.files.entry(entry.name().clone()).or_default();
        if of_name.insert(owner, entry).is_none() {
            *self.counts.entry(owner).or_default() += 1;
            self.changed.insert(owner);
        }
    }

    /// Removes a file of this owner.
    pub(super) fn remove(&mut self, owner: Owner, name: &VirtualPath) -> Option<Arc<Entry>> {
        let of_name = self.files.get_mut(name)?;
        let entry = of_name.remove(&owner)?;
        if of_name.is_empty() {
            self.files.remove(name);
        }
        if let Some(count) = self.counts.get_mut(&owner) {
            *count = count.saturating_sub(1);
        }
        self.changed.insert(owner);
        Some(entry)
    }

    /// Removes everything of an owner.
    pub(super) fn forget(&mut self, owner: Owner) {
        self.files.retain(|_, of_name| {
            of_name.remove(&owner);
            !of_name.is_empty()
        });
        self.counts.remove(&owner);
        self.changed.remove(&owner);
    }

    /// Returns the state of a file of this owner.
    pub(super) fn version(&self, owner: Owner, name: &VirtualPath) -> Option<Version> {
        Some(self.files.get(name)?.get(&owner)?.version())
    }

    /// Returns the files for which a name may have stood in the way: that have it, or one above or
    /// below it.
    pub(super) fn behind(&self, name: &VirtualPath) -> Vec<(Owner, VirtualPath)> {
        let above = name.above().filter_map(|other| Some(self.files.get_key_value(other)?.0));
        let names = above.chain(name.within(&self.files).map(|(other, _)| other));
        let owners = |name: &VirtualPath| self.files.get(name).into_iter().flat_map(BTreeMap::keys);
        names.flat_map(|name| owners(name).map(|owner| (*owner, name.clone()))).collect()
    }

    /// Returns the owners whose number of waiting files has changed since the last call, with that
    /// number and the name of one.
    pub(super) fn news(&mut self) -> Vec<(Owner, usize, Option<VirtualPath>)> {
        let changed = std::mem::take(&mut self.changed);
        let of = |owner| {
            let count = self.counts.get(&owner).copied().unwrap_or_default();
            let mut of_owner = self.files.iter().filter(|(_, files)| files.contains_key(&owner));
            (owner, count, of_owner.next().map(|(name, _)| name.clone()))
        };
        changed.into_iter().map(of).collect()
    }
}
