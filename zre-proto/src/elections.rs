//! The elections in the groups of this node.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Instant;

use crate::PeerId;
use crate::ballot::Ballot;
use crate::contest::Contest;
use crate::timers::Timers;

/// How a peer takes part in elections.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Part {
    /// It is not known to know them. It is sent nothing about them: deployed nodes break their link
    /// on ELECT.
    Unknown,
    /// It computes who leads, as this node does, and is told once who contests.
    Computes,
    /// It votes, as nodes of the C library do.
    Votes,
}

/// One election for each group that this node is in, and for no other: what peers say of those
/// costs nothing.
#[derive(Debug, Default)]
pub(crate) struct Elections {
    groups: BTreeMap<Arc<str>, Election>,
    /// Groups in which something has changed since they were last looked at.
    touched: BTreeSet<Arc<str>>,
    timers: Timers<Arc<str>>,
}

/// The election in one group.
#[derive(Debug, Default)]
pub(crate) struct Election {
    pub(crate) contest: Contest,
    pub(crate) ballot: Ballot,
}

impl Elections {
    /// This node has joined a group.
    pub(crate) fn open(&mut self, group: Arc<str>) {
        self.groups.entry(group).or_default();
    }

    /// This node has left a group. Returns the name and the leader that the application knows, if
    /// there is one.
    pub(crate) fn close(&mut self, group: &str) -> Option<(Arc<str>, PeerId)> {
        let (group, election) = self.groups.remove_entry(group)?;
        self.touched.remove(&group);
        self.timers.clear(&group);
        Some((group, election.contest.told()?))
    }

    /// The election in a group, if this node is in it.
    pub(crate) fn get(&self, group: &str) -> Option<&Election> {
        self.groups.get(group)
    }

    /// The election in a group, if this node is in it: to be changed, and looked at later.
    pub(crate) fn touch(&mut self, group: &str) -> Option<&mut Election> {
        let (name, _) = self.groups.get_key_value(group)?;
        self.touched.insert(name.clone());
        self.groups.get_mut(group)
    }

    /// Whether there are groups in which something has changed.
    pub(crate) fn are_touched(&self) -> bool {
        !self.touched.is_empty()
    }

    /// Takes out a group in which something has changed.
    pub(crate) fn next_touched(&mut self) -> Option<(Arc<str>, &mut Election)> {
        let group = self.touched.pop_first()?;
        let election = self.groups.get_mut(&group)?;
        Some((group, election))
    }

    /// Touches the groups in which something is due.
    pub(crate) fn touch_due(&mut self, now: Instant) {
        while let Some(group) = self.timers.pop(now) {
            self.touched.insert(group);
        }
    }

    /// A group was looked at.
    pub(crate) fn reschedule(&mut self, group: &Arc<str>) {
        let deadline = |it: &Election| earliest(it.contest.deadline(), it.ballot.deadline());
        match self.groups.get(group).and_then(deadline) {
            Some(deadline) => self.timers.set(group, deadline),
            None => self.timers.clear(group),
        }
    }

    /// When something is due.
    pub(crate) fn next_deadline(&self) -> Option<Instant> {
        self.timers.next()
    }
}

fn earliest(one: Option<Instant>, other: Option<Instant>) -> Option<Instant> {
    [one, other].into_iter().flatten().min()
}
