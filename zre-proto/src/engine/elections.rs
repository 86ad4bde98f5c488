//! Elections: tells of contesters, computes the leader, and helps nodes of the C library to elect the
//! same one.

use std::sync::Arc;
use std::time::Instant;

use super::Engine;
use crate::elections::Part;
use crate::message::Command;
use crate::peer::Peer;
use crate::wave::Vote;
use crate::{ActionError, Content, Event, PeerId};

impl Engine {
    pub(super) fn contest(&mut self, now: Instant, group: &str) -> Result<(), ActionError> {
        self.join(now, group)?;
        let Some(election) = self.elections.touch(group) else { return Ok(()) };
        election.contest.enter();
        self.enrol_members(now, group);
        Ok(())
    }

    /// This node has joined a group.
    pub(super) fn open_election(&mut self, now: Instant, group: &str) {
        if let Some(group) = self.local.group(group) {
            self.elections.open(group.clone());
        }
        self.enrol_members(now, group);
    }

    /// This node has left a group, and does not contest in it any more.
    pub(super) fn close_election(&mut self, group: &str) {
        for peer in self.peers.iter_mut() {
            peer.outgoing.told_contests.remove(group);
        }
        if let Some((group, _)) = self.elections.close(group) {
            self.leader_event(group, None);
        }
    }

    fn enrol_members(&mut self, now: Instant, group: &str) {
        let members: Vec<PeerId> = self.groups.members(group).collect();
        for id in members {
            self.enrol(now, id, group);
        }
    }

    /// A link to a peer is up, or it is known now that it votes.
    pub(super) fn enrol_everywhere(&mut self, now: Instant, id: PeerId) {
        let Some(presence) = self.peers.get(id).and_then(Peer::presence) else { return };
        let groups: Vec<Arc<str>> = presence.groups.iter().cloned().collect();
        for group in groups {
            self.enrol(now, id, &group);
        }
    }

    /// A peer is in a group. If this node is in it as well, the peer votes, or is told that this
    /// node contests, as soon as anything can be said to it.
    pub(super) fn enrol(&mut self, now: Instant, id: PeerId, group: &str) {
        let Some(peer) = self.peers.get_mut(id).filter(|peer| peer.outgoing.is_up()) else {
            return;
        };
        let Some((group, election)) = self.local.group(group).zip(self.elections.touch(group))
        else {
            return;
        };
        let Some(part) = peer.ready_mut().map(|presence| presence.part) else { return };
        let votes = part == Part::Votes || part == Part::Unknown && self.config.elect_with_everyone;
        let is_told = part == Part::Computes && election.contest.is_contested_by_me();
        if votes {
            election.ballot.add(id);
        } else if part == Part::Unknown {
            election.ballot.await_vote();
        } else if is_told && peer.outgoing.told_contests.insert(group.clone()) {
            let group = group.clone();
            self.cast(now, &group, [Vote::Elect { to: id, wave: self.config.id }]);
        }
    }

    /// A peer is going to be greeted anew: it will have forgotten what was said to it.
    pub(super) fn strike(&mut self, id: PeerId) {
        let Some(presence) = self.peers.get(id).and_then(Peer::presence) else { return };
        for group in &presence.groups {
            if let Some(election) = self.elections.touch(group) {
                election.ballot.remove(id);
            }
        }
    }

    /// A peer has left a group, or is gone, and the application has heard of that.
    pub(super) fn leave_election(&mut self, id: PeerId, group: &Arc<str>) {
        let Some(election) = self.elections.touch(group) else { return };
        election.ballot.remove(id);
        if election.contest.remove(id) {
            self.leader_event(group.clone(), None);
        }
    }

    pub(super) fn receive_elect(&mut self, now: Instant, id: PeerId, group: &[u8], wave: &[u8]) {
        let Some((group, wave)) = self.election_of(now, id, group, wave) else {
            self.stats.unused += 1;
            return;
        };
        let Some(part) = self.peers.get(id).and_then(Peer::presence).map(|it| it.part) else {
            return;
        };
        let Some(election) = self.elections.touch(&group) else { return };
        // A node that passes on the id of another one says nothing of itself.
        let contests = wave == id && election.contest.add(id);
        let mut votes = Vec::new();
        let voted = part == Part::Votes && {
            let (me, contest) = (self.config.id, &election.contest);
            election.ballot.elect(now, me, contest, (id, wave), &mut votes)
        };
        self.stats.unused += u64::from(!contests && !voted);
        self.cast(now, &group, votes);
    }

    pub(super) fn receive_leader(&mut self, now: Instant, id: PeerId, group: &[u8], leader: &[u8]) {
        let mut votes = Vec::new();
        let Some((group, leader)) = self.election_of(now, id, group, leader) else {
            self.stats.unused += 1;
            return;
        };
        let election = self.elections.touch(&group);
        let voted = election.is_some_and(|it| it.ballot.leader(id, leader, &mut votes));
        self.stats.unused += u64::from(!voted);
        self.cast(now, &group, votes);
    }

    /// The group and the id that ELECT or LEADER of a peer is about. `None` if the id is none, or if
    /// it is about a group that this node or the peer is not in. Their sender knows both.
    fn election_of(
        &mut self,
        now: Instant,
        id: PeerId,
        group: &[u8],
        of: &[u8],
    ) -> Option<(Arc<str>, PeerId)> {
        let of = PeerId::from_upper_hex(of)?;
        let presence = self.peers.get_mut(id)?.presence_mut()?;
        let group = self.local.group(std::str::from_utf8(group).ok()?)?.clone();
        if !presence.groups.contains(&group) {
            return None;
        }
        if presence.part == Part::Unknown {
            presence.part = Part::Votes;
            self.enrol_everywhere(now, id);
        }
        Some((group, of))
    }

    /// Looks at the groups in which something has changed. Called for every input; usually nothing
    /// has.
    #[inline]
    pub(super) fn settle_elections(&mut self, now: Instant) {
        if self.elections.are_touched() {
            self.settle_touched(now);
        }
    }

    #[cold]
    fn settle_touched(&mut self, now: Instant) {
        let me = self.config.id;
        while let Some((group, election)) = self.elections.next_touched() {
            let is_present = |id| self.peers.get(id).is_some_and(Peer::is_present);
            let news = election.contest.settle(now, me, is_present);
            let mut votes = Vec::new();
            let disputed = election.ballot.settle(now, me, &election.contest, &mut votes);
            self.stats.leaders_disputed += u64::from(disputed);
            self.elections.reschedule(&group);
            self.cast(now, &group, votes);
            if let Some(leader) = news {
                self.leader_event(group, leader);
            }
        }
    }

    fn cast(&mut self, now: Instant, group: &str, votes: impl IntoIterator<Item = Vote>) {
        let group = group.as_bytes();
        for vote in votes {
            match vote {
                Vote::Elect { to, wave } => {
                    let challenger = &wave.to_upper_hex();
                    self.send(now, to, Command::Elect { group, challenger }, Content::none());
                }
                Vote::Leader { to, leader } => {
                    let leader = &leader.to_upper_hex();
                    self.send(now, to, Command::Leader { group, leader }, Content::none());
                }
            }
        }
    }

    fn leader_event(&mut self, group: Arc<str>, leader: Option<PeerId>) {
        let mine = leader == Some(self.config.id);
        self.event(Event::Leader { group, leader, mine });
    }
}
