//! How nodes are found, and how a new peer gets its place.

use std::net::SocketAddr;
use std::time::Instant;

use super::Engine;
use crate::candidates::Source;
use crate::peer::{Peer, PeerState, Probe, Suspicion};
use crate::{
    Beacon, ConnId, Endpoint, Event, ExitReason, InterfaceId, Output, PeerId, UnreachableReason,
};

/// Of this many nodes and reasons it is remembered that the application was told.
const MAX_TOLD: usize = 4096;

/// If there are too many peers, this part of them is forgotten at a time at most.
const MAX_FORGOTTEN_SHARE: usize = 16;

/// How well it is known that a node is there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Evidence {
    /// A third party says so, which any can.
    Claim,
    /// It has connected, or said HELLO.
    Connection,
}

/// Why an endpoint cannot be dialled for a node just now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Occupied {
    /// A peer was reached there.
    ByPeer,
    /// Another node is dialled there, or was greeted a moment ago: it will be seen who is there.
    Undecided,
}

impl Engine {
    /// A beacon was heard. Its port is the mailbox's; 0 says goodbye.
    pub(super) fn beacon(
        &mut self,
        now: Instant,
        beacon: &Beacon,
        mut source: SocketAddr,
        interface: InterfaceId,
    ) {
        source.set_port(beacon.port);
        let endpoint = Endpoint::new(source).with_key(beacon.public_key);
        if beacon.is_goodbye() {
            if self.may_be_at(now, beacon.peer, endpoint) {
                self.goodbye_beacon(now, beacon.peer);
            }
        } else {
            self.claim(now, beacon.peer, endpoint, Source::Beacon, Some(interface));
        }
    }

    /// A node is said to be at an endpoint. That is an address to try, and nothing more: behind
    /// NAT different nodes tell the same one, and one may tell ours.
    pub(super) fn claim(
        &mut self,
        now: Instant,
        id: PeerId,
        endpoint: Endpoint,
        source: Source,
        interface: Option<InterfaceId>,
    ) {
        if id == self.config.id {
            self.stats.own += 1;
            return;
        }
        if !self.may_be_at(now, id, endpoint) {
            return;
        }
        if !self.peers.contains(id) {
            if !self.make_room(now, Evidence::Claim) {
                return;
            }
            self.peers.insert(id, Peer::new(now));
        }
        let Some(peer) = self.peers.get_mut(id) else { return };
        // A link of our own goes to one endpoint, and what contradicts it is forged, or a move.
        let is_met = peer.outgoing.two_way && peer.can_be_asked();
        let is_new = peer.candidates.claim(now, endpoint, source, interface, is_met);
        // That others have heard of it is no sign that it lives.
        if !matches!(source, Source::Required | Source::Rumour) {
            self.heard_of(now, id, endpoint, is_new);
        }
        self.dial(now, id);
        self.reschedule_if_absent(now, id);
    }

    /// A claim is a sign of life, and may be one of a move. It must not cut a link that works.
    fn heard_of(&mut self, now: Instant, id: PeerId, endpoint: Endpoint, is_new: bool) {
        let Some(peer) = self.peers.get_mut(id) else { return };
        // A link of our own goes to its endpoint. A two-way peer may have several, of which it has
        // told one.
        let left = peer.endpoint.filter(|known| *known != endpoint && peer.can_be_asked());
        let elsewhere = peer.endpoint.is_some_and(|known| known != endpoint);
        let silence = self.config.times.ask_after();
        let moved = left.is_some_and(|left| {
            !peer.outgoing.two_way || is_new || peer.candidates.misses(now, left, silence)
        });
        let probe = peer.ready_mut().map(|presence| &mut presence.probe);
        match (elsewhere, probe) {
            (true, Some(Some(probe))) if probe.suspicion == Suspicion::Gone => {
                // It has said goodbye to the address where it was.
                probe.suspicion = Suspicion::Left;
            }
            (false, Some(probe)) => {
                // It is where it was. Of a goodbye that is no refutation: this may be a beacon from
                // before it.
                let is_disproved = |probe: &mut Probe| {
                    matches!(probe.suspicion, Suspicion::Left | Suspicion::Moved)
                };
                probe.take_if(is_disproved);
            }
            _ => {}
        }
        self.hear(now, id);
        if moved {
            self.suspect(now, id, Suspicion::Moved);
        }
    }

    /// Dials where a peer may be, as long as it is not connected.
    pub(super) fn dial(&mut self, now: Instant, id: PeerId) {
        loop {
            let Some(peer) = self.peers.get(id) else { return };
            // One that has had its time to answer may be somewhere else. A two-way connection
            // leads to nobody else.
            let late = peer.outgoing.answer_is_late && !peer.outgoing.two_way;
            let dials = match peer.state {
                PeerState::Greeting => late || !peer.is_connected(),
                // Where it has said itself that it is comes first.
                PeerState::Ready(_) => peer.is_out_of_reach(),
                PeerState::Leaving { .. } => false,
            };
            let next = if dials { peer.candidates.next(now, peer.endpoint) } else { None };
            let Some(endpoint) = next else { return };
            if peer.outgoing.is_up() {
                self.end(now, id, ExitReason::LinkLost);
                continue;
            }
            let occupied = self.occupied(now, id, endpoint);
            let times = self.config.times;
            let Some(peer) = self.peers.get_mut(id) else { return };
            match occupied {
                None => self.dial_endpoint(now, id, endpoint),
                Some(Occupied::Undecided) => peer.candidates.put_off(now, endpoint, &times),
                Some(Occupied::ByPeer) => {
                    peer.candidates.disprove(endpoint);
                    peer.candidates.distrust(now, endpoint, &times);
                }
            }
        }
    }

    pub(super) fn dial_endpoint(&mut self, now: Instant, id: PeerId, endpoint: Endpoint) {
        self.last_dial += 1;
        let conn = ConnId::Dialled(self.last_dial);
        self.replace_scout(now, id, endpoint);
        endpoint.key().into_iter().for_each(|key| self.keys.keep(conn, key));
        let Some(peer) = self.peers.get_mut(id) else { return };
        let failed_before = peer.candidates.is_brief(endpoint);
        peer.candidates.dial(now, endpoint, conn, &self.config.times);
        let interface = peer.candidates.interface_to(endpoint);
        self.peers.place(id, endpoint);
        self.stats.dials += 1;
        self.outputs.push_back(Output::Connect {
            peer: id,
            conn,
            endpoint,
            interface,
            failed_before,
        });
    }

    /// Whether another node is dialled or linked to at an endpoint. A peer there is asked whether
    /// it still is; a node that has not greeted for long goes.
    fn occupied(&mut self, now: Instant, id: PeerId, endpoint: Endpoint) -> Option<Occupied> {
        if self.requirements.is_scouted(endpoint) {
            return Some(Occupied::Undecided);
        }
        let (old, peer) = self.peers.at(endpoint).filter(|(old, _)| *old != id)?;
        match &peer.state {
            PeerState::Ready(_) if peer.outgoing.is_up() => {
                self.suspect(now, old, Suspicion::Replaced);
                Some(Occupied::ByPeer)
            }
            PeerState::Greeting if peer.outgoing.answer_is_late => {
                self.end(now, old, ExitReason::Replaced);
                None
            }
            _ => Some(Occupied::Undecided),
        }
    }

    /// A node has said HELLO, and that it is at this endpoint: another one that we have reached
    /// there, and that did not object, goes; so does the dial of one that was only said to be
    /// there.
    pub(super) fn evict(&mut self, now: Instant, id: PeerId, endpoint: Endpoint) {
        let there = self.peers.at(endpoint).filter(|(old, _)| *old != id);
        let Some((old, peer)) = there else { return };
        let dial = peer.candidates.dials().find(|(_, at)| *at == endpoint).map(|(conn, _)| conn);
        let greeted = matches!(peer.state, PeerState::Ready(_));
        match dial {
            Some(conn) if !greeted => {
                self.abandon_dial(old, conn);
                if let Some(old) = self.peers.get_mut(old) {
                    // Nothing shows that it is not there: behind NAT others may say the same.
                    old.candidates.put_off(now, endpoint, &self.config.times);
                }
                self.end_if_hopeless(now, old, ExitReason::Replaced);
                self.release(now, old, None);
                self.reschedule(now, old);
            }
            _ => self.end(now, old, ExitReason::Replaced),
        }
    }

    /// A dial has led to nothing.
    pub(super) fn dial_failed(
        &mut self,
        now: Instant,
        id: PeerId,
        conn: ConnId,
        why: UnreachableReason,
    ) {
        let times = self.config.times;
        let Some(peer) = self.peers.get_mut(id) else { return };
        let Some(failed) = peer.candidates.fail(now, conn, why, &times) else { return };
        self.stats.dials_failed += 1;
        let dials_again = failed.outdated && peer.awaits_hello();
        self.peers.leave(id, failed.endpoint);
        // Of a node that is not heard of any more it is no news.
        if failed.heard {
            self.tell_unreachable(id, failed.endpoint, why);
        }
        if dials_again {
            self.dial_endpoint(now, id, failed.endpoint);
        }
        self.dial(now, id);
        self.end_if_hopeless(now, id, ExitReason::LinkLost);
        self.release(now, id, Some(why));
        self.reschedule(now, id);
    }

    /// A node that can reach us, and that we are not even trying to reach, goes.
    pub(super) fn end_if_hopeless(&mut self, now: Instant, id: PeerId, reason: ExitReason) {
        if self.peers.get(id).is_some_and(Peer::is_out_of_reach) {
            self.end(now, id, reason);
        }
    }

    pub(super) fn tell_unreachable(
        &mut self,
        id: PeerId,
        endpoint: Endpoint,
        why: UnreachableReason,
    ) {
        if self.peers.get(id).is_some_and(Peer::is_present) {
            return;
        }
        if self.unreachable.len() >= MAX_TOLD {
            self.unreachable.clear();
        }
        if self.unreachable.insert((id, why)) {
            self.event(Event::Unreachable { peer: id, endpoint, why });
        }
    }

    /// The peer is met, or has to be reached in another way.
    pub(super) fn abandon_dials(&mut self, id: PeerId) {
        self.abandon_dials_where(id, |_| true);
    }

    pub(super) fn abandon_dials_except(&mut self, id: PeerId, endpoint: Endpoint) {
        self.abandon_dials_where(id, |dialled| dialled != endpoint);
    }

    pub(super) fn abandon_dials_where(&mut self, id: PeerId, which: impl Fn(Endpoint) -> bool) {
        let Some(peer) = self.peers.get(id) else { return };
        let dials = peer.candidates.dials().filter(|(_, endpoint)| which(*endpoint));
        let dials: Vec<ConnId> = dials.map(|(conn, _)| conn).collect();
        for conn in dials {
            self.abandon_dial(id, conn);
        }
    }

    pub(super) fn abandon_dial(&mut self, id: PeerId, conn: ConnId) {
        if self.end_dial(id, conn).is_some() {
            self.spares.remove(id, conn);
            self.close(conn);
        }
    }

    /// A dial is over. Returns where it went.
    pub(super) fn end_dial(&mut self, id: PeerId, conn: ConnId) -> Option<Endpoint> {
        let peer = self.peers.get_mut(id)?;
        let endpoint = peer.candidates.dialled_by(conn)?;
        peer.candidates.end_dial(conn);
        self.peers.leave(id, endpoint);
        Some(endpoint)
    }

    /// Whether there is room for a new peer.
    pub(super) fn make_room(&mut self, now: Instant, evidence: Evidence) -> bool {
        while !self.has_room() {
            let dispensable = self.dispensable(evidence);
            if dispensable.is_empty() {
                self.stats.candidates_refused += 1;
                return false;
            }
            for id in dispensable {
                self.abandon_dials(id);
                if let Some(peer) = self.peers.get_mut(id) {
                    peer.candidates.forget_claims();
                }
                self.end(now, id, ExitReason::Replaced);
            }
        }
        true
    }

    /// Whether one more peer may have its two connections.
    fn has_room(&self) -> bool {
        // A scout is reckoned as the peer that it will find.
        let scouts = self.requirements.scouts();
        let (peers, most) = (self.peers.len() + scouts, self.config.max_connections);
        let connections = || {
            let peers = self.peers.iter().map(|(_, peer)| peer.connections());
            2 * scouts + peers.sum::<usize>()
        };
        peers < self.config.max_peers && (2 * peers + 2 <= most || connections() + 2 <= most)
    }

    /// The peers that go first if there are too many: those that are only remembered. Claims are
    /// cheap to forge, so for a node that is really there any that has not said HELLO goes; of these,
    /// those that are not even connected go first, then the oldest.
    ///
    /// Of those that are only remembered some go at a time, so that not each of many forged claims
    /// has to be compared with all before it.
    fn dispensable(&self, evidence: Evidence) -> Vec<PeerId> {
        const REMEMBERED: (bool, bool) = (false, false);
        let unmet = self.peers.iter().filter(|(_, peer)| {
            matches!(peer.state, PeerState::Greeting) && !peer.candidates.is_required()
        });
        let mut ranked: Vec<_> = unmet
            .map(|(id, peer)| {
                let rank = (peer.is_connected(), peer.candidates.dials().next().is_some());
                let greeted_at = peer.outgoing.greeted_at;
                let since = peer.candidates.last_claim().unwrap_or(greeted_at);
                (rank, if peer.is_connected() { greeted_at } else { since }, id)
            })
            .collect();
        let some = (self.config.max_peers / MAX_FORGOTTEN_SHARE).max(1);
        if some < ranked.len() {
            ranked.select_nth_unstable(some);
            ranked.truncate(some);
        }
        ranked.sort_unstable();
        let remembered = ranked.iter().filter(|(rank, ..)| *rank == REMEMBERED).count();
        ranked.truncate(remembered.max(usize::from(evidence == Evidence::Connection)));
        ranked.into_iter().map(|(.., id)| id).collect()
    }
}
