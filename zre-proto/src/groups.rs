//! Which peers are in which group.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use crate::PeerId;

/// The members of every group that has one. Only peers: this node's own groups are in `LocalNode`.
#[derive(Debug, Default)]
pub(crate) struct Groups(BTreeMap<Arc<str>, BTreeSet<PeerId>>);

impl Groups {
    /// Adds a member. Returns the one shared copy of the group's name, or `None` if the peer was
    /// a member already.
    pub(crate) fn join(&mut self, group: &str, peer: PeerId) -> Option<Arc<str>> {
        let name = self.name(group).unwrap_or_else(|| group.into());
        self.0.entry(name.clone()).or_default().insert(peer).then_some(name)
    }

    /// Takes a member out. Returns the group's name, or `None` if the peer was not a member.
    pub(crate) fn leave(&mut self, group: &str, peer: PeerId) -> Option<Arc<str>> {
        let name = self.name(group)?;
        let members = self.0.get_mut(group)?;
        let left = members.remove(&peer);
        if members.is_empty() {
            self.0.remove(group);
        }
        left.then_some(name)
    }

    /// The one shared copy of a group's name, if the group has a member.
    fn name(&self, group: &str) -> Option<Arc<str>> {
        self.0.get_key_value(group).map(|(name, _)| name.clone())
    }

    /// The members of a group in the order of their ids.
    pub(crate) fn members(&self, group: &str) -> impl Iterator<Item = PeerId> {
        self.0.get(group).into_iter().flatten().copied()
    }

    /// The groups that have a member, in the order of their names.
    pub(crate) fn names(&self) -> impl Iterator<Item = &Arc<str>> {
        self.0.keys()
    }
}
