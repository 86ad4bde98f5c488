//! The contesters of a group, and its leader: computed, not voted.

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use crate::PeerId;

/// How long the leader has to be the same before the application hears of it: nodes that come
/// together are met one after the other.
const QUIET: Duration = Duration::from_millis(100);

/// The contesters of a group that this node is in. The lowest id leads.
#[derive(Debug, Default)]
pub(crate) struct Contest {
    /// Whether this node contests.
    mine: bool,
    /// The peers that do, present or not.
    peers: BTreeSet<PeerId>,
    /// The leader at this moment, and the one that the application was told last.
    leader: Option<PeerId>,
    told: Option<PeerId>,
    /// When the application is told.
    tell_at: Option<Instant>,
}

impl Contest {
    /// This node contests from now on.
    pub(crate) const fn enter(&mut self) {
        self.mine = true;
    }

    /// A member says that it contests. Returns `false` if that was known.
    pub(crate) fn add(&mut self, peer: PeerId) -> bool {
        self.peers.insert(peer)
    }

    /// A member is gone. Returns whether it was the leader that the application knows: it has to
    /// hear at once that there is none.
    pub(crate) fn remove(&mut self, peer: PeerId) -> bool {
        self.peers.remove(&peer);
        self.told.take_if(|told| *told == peer).is_some()
    }

    /// Whether this node contests.
    pub(crate) const fn is_contested_by_me(&self) -> bool {
        self.mine
    }

    /// Whether this node contests, and none that does is lower, as far as is known.
    pub(crate) fn is_for_me(&self, me: PeerId) -> bool {
        self.mine && self.peers.first().is_none_or(|lowest| me < *lowest)
    }

    /// The leader at this moment.
    pub(crate) const fn leader(&self) -> Option<PeerId> {
        self.leader
    }

    /// The leader that the application knows.
    pub(crate) const fn told(&self) -> Option<PeerId> {
        self.told
    }

    /// Computes the leader. Returns what the application has to be told now, if anything.
    pub(crate) fn settle(
        &mut self,
        now: Instant,
        me: PeerId,
        is_present: impl Fn(PeerId) -> bool,
    ) -> Option<Option<PeerId>> {
        let lowest = self.peers.iter().copied().find(|peer| is_present(*peer));
        let leader = lowest.into_iter().chain(self.mine.then_some(me)).min();
        let changed = std::mem::replace(&mut self.leader, leader) != leader;
        if leader == self.told {
            self.tell_at = None;
        } else if changed || self.tell_at.is_none() {
            self.tell_at = Some(now + QUIET);
        }
        self.tell_at.take_if(|at| *at <= now)?;
        self.told = leader;
        Some(leader)
    }

    /// When the application is told.
    pub(crate) const fn deadline(&self) -> Option<Instant> {
        self.tell_at
    }
}
