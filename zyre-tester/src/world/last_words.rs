//! What a node had said before it stopped.

use std::collections::BTreeMap;

use super::member::Member;

/// What a node that has stopped had said.
pub(super) struct LastWords {
    /// The place of its host.
    pub(super) host: usize,
    pub(super) id: String,
    pub(super) name: String,
    /// The number of whispers to each peer that was present.
    pub(super) said: BTreeMap<String, u64>,
}

impl LastWords {
    /// Those of a node that has stopped, on this host.
    pub(super) fn of(member: &Member, host: usize) -> Self {
        let (id, name) = (member.id.clone(), member.name.clone());
        Self { host, id, name, said: member.said() }
    }
}
