//! How peers go.

use std::time::Instant;

use super::Engine;
use crate::peer::{Outgoing, PeerState, Suspicion};
use crate::{ConnId, Event, ExitReason, PeerId, UnreachableReason};

impl Engine {
    /// A goodbye beacon is a sign and no proof: anybody can send one.
    pub(super) fn goodbye_beacon(&mut self, now: Instant, id: PeerId) {
        let waits = self.spares.of(id).next().is_some();
        let Some(peer) = self.peers.get_mut(id) else { return };
        match &mut peer.state {
            PeerState::Ready(_) if peer.outgoing.is_up() => self.suspect(now, id, Suspicion::Gone),
            // It may have met us. If it is gone, its connection ends.
            PeerState::Greeting if peer.outgoing.is_up() || waits => {}
            PeerState::Ready(_) | PeerState::Greeting => self.end(now, id, ExitReason::Goodbye),
            // Its end is on the way, and now there is a better word for it.
            PeerState::Leaving { reason, .. } => *reason = ExitReason::Goodbye,
        }
    }

    pub(super) fn mailbox_lost(&mut self, now: Instant, id: PeerId, conn: ConnId) {
        self.challenges.forget(conn);
        let Some(peer) = self.peers.get_mut(id) else { return };
        if peer.incoming.conn != Some(conn) {
            return;
        }
        peer.incoming.conn = None;
        peer.incoming.disconnected_at = now;
        let leaving = peer.is_leaving();
        self.challenges.accept(id);
        if leaving {
            self.finish_leaving(now, id);
        } else {
            self.reschedule(now, id);
        }
    }

    pub(super) fn finish_leaving(&mut self, now: Instant, id: PeerId) {
        if let Some(PeerState::Leaving { reason, .. }) = self.peers.get(id).map(|it| &it.state) {
            self.end(now, id, *reason);
        }
    }

    /// A message that breaks the protocol: ends its sender if it came on the sender's connection,
    /// else only the connection.
    pub(super) fn reject(&mut self, now: Instant, id: PeerId, conn: ConnId) {
        if self.peers.get(id).is_some_and(|peer| peer.incoming.conn == Some(conn)) {
            self.end(now, id, ExitReason::Rejected);
        } else {
            self.close(conn);
            self.lost_unused(now, id, conn, UnreachableReason::AnotherNode);
        }
    }

    /// The peer goes, with its connections: so the other side learns of it at once as well. What is
    /// known of its addresses remains, as long as they are claimed.
    pub(super) fn end(&mut self, now: Instant, id: PeerId, reason: ExitReason) {
        self.exit(id, reason);
        self.keys.release(now, id);
        if matches!(reason, ExitReason::Goodbye | ExitReason::Replaced | ExitReason::Distrusted) {
            self.close_spares(id);
            self.abandon_dials(id);
        }
        let times = self.config.times;
        let Some(peer) = self.peers.get_mut(id) else { return };
        let greeted = peer.presence().is_some();
        let known = peer.is_present();
        let conns = peer.conns();
        peer.outgoing = Outgoing::new(now);
        peer.incoming.conn = None;
        let endpoint = peer.endpoint.take();
        peer.unanswered_pings = 0;
        peer.state = PeerState::Greeting;
        // It was reached there, and has not greeted.
        let in_vain = endpoint.filter(|_| !greeted);
        peer.candidates.lose(now, endpoint, &times);
        let tell = match (reason, endpoint) {
            (ExitReason::Goodbye, _) => {
                peer.candidates.forget_claims();
                None
            }
            (ExitReason::Replaced, Some(endpoint)) => {
                peer.candidates.forget_endpoint(endpoint);
                None
            }
            _ => in_vain.filter(|endpoint| peer.candidates.distrust(now, *endpoint, &times)),
        };
        if let Some(endpoint) = endpoint {
            self.peers.leave(id, endpoint);
        }
        if let Some(endpoint) = tell {
            self.tell_unreachable(id, endpoint, UnreachableReason::NoHello);
        }
        self.challenges.accept(id);
        for conn in conns {
            self.close(conn);
        }
        self.meet_again(now, id, reason);
        self.release(now, id, None);
        let claims = known || !greeted && in_vain.is_none();
        self.forget_if_of_no_use(now, id, claims);
    }

    /// A peer that is gone may have another connection ready, or another address.
    fn meet_again(&mut self, now: Instant, id: PeerId, reason: ExitReason) {
        let moves = matches!(reason, ExitReason::LinkLost | ExitReason::Expired);
        if self.is_chooser(id)
            && let Some(spare) = self.spares.take_newest(id)
        {
            self.choose(now, id, spare);
        } else if moves {
            // The path is dead; there may be another one.
            self.dial(now, id);
        }
        self.reschedule(now, id);
    }

    /// The peer leaves its groups, and the application hears that it is gone, if it knew of it.
    pub(super) fn exit(&mut self, id: PeerId, reason: ExitReason) {
        let Some(peer) = self.peers.get_mut(id) else { return };
        peer.outgoing.told_contests.clear();
        let Some(presence) = peer.presence_mut() else { return };
        let groups = std::mem::take(&mut presence.groups);
        if presence.held.is_none() {
            let name = presence.name.clone();
            self.event(Event::Exit { peer: id, name, reason });
        }
        for group in groups {
            self.groups.leave(&group, id);
            self.leave_election(id, &group);
        }
    }

    /// Forgets a node that is not connected: if nobody has said for long where it is, or if all
    /// that is known of it will be claimed again in time.
    pub(super) fn forget_if_of_no_use(&mut self, now: Instant, id: PeerId, claims: bool) {
        let times = self.config.times;
        let Some(peer) = self.peers.get_mut(id) else { return };
        if peer.presence().is_some() || peer.is_connected() {
            return;
        }
        peer.candidates.forget_stale(now, &times);
        if claims && peer.candidates.dials().next().is_none() {
            peer.candidates.forget_repeated();
        }
        if peer.candidates.is_empty() {
            self.timers.clear(&id);
            self.peers.remove(id);
            self.release(now, id, None);
        }
    }
}
