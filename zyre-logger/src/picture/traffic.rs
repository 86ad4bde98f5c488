//! Who talks with whom.

use std::collections::{BTreeMap, BTreeSet};

use super::key::Key;
use crate::moment::SECOND;
use crate::rate::Rate;

/// How many ways are remembered, to groups and to nodes; those that are not used make room.
const WAYS: usize = 4_096;

/// A way that messages take.
#[derive(Clone, Debug, Default)]
pub(super) struct Way {
    pub(super) rate: Rate,
    pub(super) total: u64,
    last: i64,
    /// Whose word is taken for what is sent, if the sender tells nothing.
    witness: Option<Key>,
}

/// All ways.
#[derive(Clone, Debug, Default)]
pub(super) struct Traffic {
    /// From a node to a group.
    pub(super) shouts: BTreeMap<(Key, String), Way>,
    /// From a node to a node.
    pub(super) whispers: BTreeMap<(Key, Key), Way>,
}

impl Traffic {
    pub(super) fn shout(&mut self, from: &Key, group: &str, at: i64) {
        if let Some(way) = way(&mut self.shouts, (from.clone(), group.to_owned()), at) {
            way.count(at);
        }
    }

    pub(super) fn whisper(&mut self, from: &Key, to: &Key, at: i64) {
        if let Some(way) = way(&mut self.whispers, (from.clone(), to.clone()), at) {
            way.count(at);
        }
    }

    /// Returns whether this receiver is the one that is counted by.
    pub(super) fn hears(
        &mut self,
        from: &Key,
        group: &str,
        receiver: &Key,
        is_there: impl Fn(&Key) -> bool,
    ) -> bool {
        let Some(way) = way(&mut self.shouts, (from.clone(), group.to_owned()), 0) else {
            return false;
        };
        if !way.witness.as_ref().is_some_and(is_there) {
            way.witness = Some(receiver.clone());
        }
        way.witness.as_ref() == Some(receiver)
    }

    /// Forgets the ways of nodes.
    pub(super) fn forget(&mut self, keys: &BTreeSet<Key>) {
        self.shouts.retain(|(from, _), _| !keys.contains(from));
        self.whispers.retain(|(from, to), _| !keys.contains(from) && !keys.contains(to));
    }
}

impl Way {
    fn count(&mut self, at: i64) {
        self.rate.add(at, at);
        self.total += 1;
        self.last = at;
    }
}

/// Returns a way; `None` if it is new and all others are used.
fn way<K: Ord>(ways: &mut BTreeMap<K, Way>, key: K, at: i64) -> Option<&mut Way> {
    if ways.len() >= WAYS && !ways.contains_key(&key) {
        // All that are idle at once, so that this is rare.
        let bound = at.saturating_sub(60 * SECOND);
        ways.retain(|_, way| way.last >= bound);
        if ways.len() >= WAYS {
            return None;
        }
    }
    Some(ways.entry(key).or_default())
}
