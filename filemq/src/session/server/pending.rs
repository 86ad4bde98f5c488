//! What a client has still to be told.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Bound;
use std::sync::Arc;

use crate::VirtualPath;
use crate::catalogue::Entry;

/// Files that wait to be sent, and names that wait to be deleted. A name waits for one of the two
/// at most: the last request counts. Names are served in turn, so that a file that changes all the
/// time does not keep the others waiting.
#[derive(Debug, Default)]
pub(super) struct PendingNames {
    sends: BTreeMap<VirtualPath, Arc<Entry>>,
    deletes: BTreeSet<VirtualPath>,
    /// The name that was served last.
    last: Option<VirtualPath>,
}

impl PendingNames {
    /// Notes a file to send.
    pub(super) fn send(&mut self, entry: Arc<Entry>) {
        self.deletes.remove(entry.name());
        self.sends.insert(entry.name().clone(), entry);
    }

    /// Notes a file of which the client must hear that it is gone.
    pub(super) fn delete(&mut self, name: VirtualPath) {
        self.sends.remove(&name);
        self.deletes.insert(name);
    }

    /// Forgets that a file was to be sent.
    pub(super) fn keep(&mut self, name: &VirtualPath) {
        self.sends.remove(name);
    }

    /// Returns the number of names to delete.
    pub(super) fn deletes(&self) -> usize {
        self.deletes.len()
    }

    /// Takes the next name to delete.
    pub(super) fn pop_delete(&mut self) -> Option<VirtualPath> {
        self.deletes.pop_first()
    }

    /// Returns the pending file of this name.
    pub(super) fn get(&self, name: &VirtualPath) -> Option<&Arc<Entry>> {
        self.sends.get(name)
    }

    /// Returns the next file to send. It keeps waiting until it is [taken](Self::take).
    pub(super) fn next(&self) -> Option<&Arc<Entry>> {
        let after = self.last.as_ref().map_or(Bound::Unbounded, Bound::Excluded);
        let mut later = self.sends.range::<VirtualPath, _>((after, Bound::Unbounded));
        later.next().or_else(|| self.sends.first_key_value()).map(|(_, entry)| entry)
    }

    /// Removes a file whose turn it was.
    pub(super) fn take(&mut self, name: &VirtualPath) {
        self.sends.remove(name);
        self.last = Some(name.clone());
    }
}
