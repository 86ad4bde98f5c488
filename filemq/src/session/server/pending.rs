//! What a client has still to be told.

use std::collections::BTreeSet;
use std::ops::Bound;

use crate::VirtualPath;

/// Names, of which each waits for one thing at most: what is waited for last counts. They are
/// served in turn, so that one that changes all the time does not keep the others waiting.
#[derive(Debug, Default)]
pub(super) struct Pending {
    sends: BTreeSet<VirtualPath>,
    deletes: BTreeSet<VirtualPath>,
    /// Whose turn was last.
    last: Option<VirtualPath>,
}

impl Pending {
    /// The client is to get it.
    pub(super) fn send(&mut self, name: VirtualPath) {
        self.deletes.remove(&name);
        self.sends.insert(name);
    }

    /// The client is to be told that it is gone.
    pub(super) fn delete(&mut self, name: VirtualPath) {
        self.sends.remove(&name);
        self.deletes.insert(name);
    }

    /// The client is not to be told anything new of it.
    pub(super) fn keep(&mut self, name: &VirtualPath) {
        self.sends.remove(name);
    }

    /// How many are to be deleted.
    pub(super) fn deletes(&self) -> usize {
        self.deletes.len()
    }

    /// Whether it is to be deleted.
    pub(super) fn deletes_it(&self, name: &VirtualPath) -> bool {
        self.deletes.contains(name)
    }

    /// Whether it is to be sent.
    pub(super) fn sends_it(&self, name: &VirtualPath) -> bool {
        self.sends.contains(name)
    }

    /// What is to be deleted next; it waits no longer.
    pub(super) fn pop_delete(&mut self) -> Option<VirtualPath> {
        self.deletes.pop_first()
    }

    /// What is to be sent next; it goes on waiting until it is [taken](Self::take).
    pub(super) fn next(&self) -> Option<&VirtualPath> {
        let after = self.last.as_ref().map_or(Bound::Unbounded, Bound::Excluded);
        let range = self.sends.range::<VirtualPath, _>((after, Bound::Unbounded));
        range.into_iter().next().or_else(|| self.sends.first())
    }

    /// It was its turn.
    pub(super) fn take(&mut self, name: &VirtualPath) {
        self.sends.remove(name);
        self.last = Some(name.clone());
    }
}
