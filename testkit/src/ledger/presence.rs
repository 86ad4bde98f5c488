//! Which peers an application knows by its events alone, and which events are lawful.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use thiserror::Error;
use zre_proto::{Liveness, PeerId, UnreachableReason};

use super::heard::Heard;

/// The peers between ENTER and EXIT, the groups that each is in, and how alive each is said to be.
#[derive(Clone, Debug, Default)]
pub struct Presence {
    peers: BTreeMap<PeerId, Present>,
    /// What was said of nodes that cannot be met, since their last ENTER.
    unreachable: BTreeSet<(PeerId, UnreachableReason)>,
    /// Who leads each group, as was told last; a leader that was lost since is still here.
    leaders: BTreeMap<Arc<str>, Leader>,
    stopped: bool,
}

/// The leader of a group, as was told last.
#[derive(Clone, Copy, Debug)]
struct Leader {
    id: PeerId,
    mine: bool,
}

/// What is known of a peer between ENTER and EXIT.
#[derive(Clone, Debug)]
struct Present {
    groups: BTreeSet<Arc<str>>,
    liveness: Liveness,
}

/// An event that must not come now.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum Breach {
    /// The node has stopped.
    #[error("after STOP")]
    AfterStop,
    /// The peer is present already.
    #[error("a second ENTER")]
    SecondEnter,
    /// The peer is not present.
    #[error("outside ENTER…EXIT")]
    Outside,
    /// The peer is in the group already.
    #[error("a second JOIN of {0}")]
    SecondJoin(Arc<str>),
    /// The peer is not in the group.
    #[error("LEAVE of {0} without JOIN")]
    LeaveWithoutJoin(Arc<str>),
    /// The peer is evasive or silent already.
    #[error("a second EVASIVE without RETURNED")]
    SecondEvasive,
    /// The peer is not evasive: it was not asked, or has not been called so.
    #[error("SILENT that does not follow EVASIVE")]
    SilentWithoutEvasive,
    /// The peer is neither evasive nor silent.
    #[error("RETURNED of a peer that was not away")]
    ReturnedUnasked,
    /// The peer is present.
    #[error("UNREACHABLE between ENTER and EXIT")]
    UnreachableInside,
    /// The same was told before, or nobody was.
    #[error("the leader of {0} that was told before")]
    SameLeader(Arc<str>),
    /// The leader is neither the node itself nor a member of the group.
    #[error("a leader of {0} that is not in the group")]
    LeaderOutside(Arc<str>),
    /// The last leader is gone, and it was not told that there is none.
    #[error("another leader of {0} instead of none")]
    LossNotTold(Arc<str>),
    /// It was said before, and there was no ENTER since.
    #[error("a second UNREACHABLE for the same reason")]
    SecondUnreachable,
}

impl Presence {
    /// Takes the next event.
    ///
    /// # Errors
    /// Returns [`Breach`] if the event is not lawful. ENTER and EXIT take effect all the same.
    pub fn hear(&mut self, event: &Heard<'_>) -> Result<(), Breach> {
        if self.stopped {
            return Err(Breach::AfterStop);
        }
        self.stopped = *event == Heard::Stop;
        if let Heard::Leader { group, leader, mine } = *event {
            return self.leads(group, leader.map(|id| Leader { id, mine }));
        }
        let Some(peer) = event.peer() else { return Ok(()) };
        match event {
            Heard::Enter { .. } => {
                self.unreachable.retain(|(of, _)| *of != peer);
                let present = Present { groups: BTreeSet::new(), liveness: Liveness::Present };
                let before = self.peers.insert(peer, present);
                return check(before.is_none(), Breach::SecondEnter);
            }
            Heard::Exit { .. } => {
                return self.peers.remove(&peer).map(drop).ok_or(Breach::Outside);
            }
            Heard::Unreachable { why, .. } => {
                check(!self.is_present(peer), Breach::UnreachableInside)?;
                return check(self.unreachable.insert((peer, *why)), Breach::SecondUnreachable);
            }
            _ => {}
        }
        self.peers.get_mut(&peer).ok_or(Breach::Outside)?.hear(event)
    }

    fn leads(&mut self, group: &str, leader: Option<Leader>) -> Result<(), Breach> {
        let group: Arc<str> = group.into();
        let before = self.leaders.remove(&group);
        let was_lost = before.is_some_and(|before| !self.is_member(before, &group));
        if let Some(leader) = leader {
            self.leaders.insert(group.clone(), leader);
            check(self.is_member(leader, &group), Breach::LeaderOutside(group.clone()))?;
            check(!was_lost, Breach::LossNotTold(group.clone()))?;
        }
        let same = leader.map(|it| it.id) == before.map(|it| it.id);
        check(!same, Breach::SameLeader(group))
    }

    fn is_member(&self, leader: Leader, group: &str) -> bool {
        leader.mine || self.is_in(leader.id, group)
    }

    /// Returns whether a peer is present, and in this group.
    pub fn is_in(&self, peer: PeerId, group: &str) -> bool {
        self.peers.get(&peer).is_some_and(|peer| peer.groups.contains(group))
    }

    /// Returns who leads a group, as was told last.
    pub fn leader(&self, group: &str) -> Option<PeerId> {
        self.leaders.get(group).map(|leader| leader.id)
    }

    /// Returns how alive a peer is, as the events tell; `None` if it is not present.
    pub fn liveness(&self, peer: PeerId) -> Option<Liveness> {
        self.peers.get(&peer).map(|present| present.liveness)
    }

    /// Returns the peers that are present, in the order of their ids, with the groups of each.
    pub fn peers(&self) -> impl Iterator<Item = (PeerId, &BTreeSet<Arc<str>>)> {
        self.peers.iter().map(|(id, present)| (*id, &present.groups))
    }

    /// Returns whether a peer is between ENTER and EXIT.
    pub fn is_present(&self, peer: PeerId) -> bool {
        self.peers.contains_key(&peer)
    }

    /// Returns whether the last event of all has come.
    pub const fn is_stopped(&self) -> bool {
        self.stopped
    }
}

impl Present {
    /// Takes an event between ENTER and EXIT.
    fn hear(&mut self, event: &Heard<'_>) -> Result<(), Breach> {
        let before = self.liveness;
        let here = before == Liveness::Present;
        match event {
            Heard::Evasive { .. } => {
                self.liveness = Liveness::Evasive;
                check(here, Breach::SecondEvasive)
            }
            Heard::Silent { .. } => {
                self.liveness = Liveness::Silent;
                check(before == Liveness::Evasive, Breach::SilentWithoutEvasive)
            }
            Heard::Returned { .. } => {
                self.liveness = Liveness::Present;
                check(!here, Breach::ReturnedUnasked)
            }
            Heard::Join { group, .. } => {
                let is_new = self.groups.insert((*group).into());
                check(is_new, Breach::SecondJoin((*group).into()))
            }
            Heard::Leave { group, .. } => {
                let was_there = self.groups.remove(*group);
                check(was_there, Breach::LeaveWithoutJoin((*group).into()))
            }
            // A node that does not answer what is sent to it may well be heard.
            _ => Ok(()),
        }
    }
}

fn check(is_lawful: bool, breach: Breach) -> Result<(), Breach> {
    if is_lawful { Ok(()) } else { Err(breach) }
}
