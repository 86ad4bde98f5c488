//! How a second connection in a peer's name is put to the test.

use std::time::Instant;

use super::Engine;
use crate::challenges::{Challenge, HeldLimits, Origin};
use crate::peer::Peer;
use crate::spares::Spare;
use crate::timers::after;
use crate::{ConnId, Content, ExitReason, Output, PeerId};

impl Engine {
    /// Whether a connection has to be tested before it is believed: the peer in whose name it
    /// speaks is present, and heard on another one.
    pub(super) fn is_challenge(&self, id: PeerId, conn: ConnId) -> bool {
        self.peers.get(id).is_some_and(|peer| {
            peer.incoming.conn.is_some_and(|heard| heard != conn) && peer.can_be_asked()
        })
    }

    /// Holds what a connection says until the peer has answered. Closes the connection if there
    /// are too many such, or it says too much.
    pub(super) fn challenge(
        &mut self,
        now: Instant,
        against: PeerId,
        origin: Origin,
        header: &[u8],
        content: Content,
    ) {
        let limits =
            HeldLimits { messages: self.config.max_held_events, bytes: self.config.max_held_bytes };
        let known = self.challenges.challenged_peer(origin.conn).is_some();
        if !self.challenges.may_hold(header, &content, limits)
            || !(known || self.open_challenge(now, against, origin, None))
        {
            self.stats.intruding += 1;
            return self.reject_challenge(now, origin);
        }
        self.challenges.hold(origin, header, content);
    }

    /// A two-way connection in the name of a peer that is present challenges it by being there:
    /// who has to wait for the other's HELLO would be silent.
    pub(super) fn challenge_in_silence(&mut self, now: Instant, id: PeerId, spare: Spare) {
        let origin = Origin { peer: id, conn: spare.conn, source: None, prevails_over: None };
        if !self.open_challenge(now, id, origin, Some(spare)) {
            self.stats.spares_refused += 1;
            self.reject_challenge(now, origin);
        }
    }

    fn open_challenge(
        &mut self,
        now: Instant,
        against: PeerId,
        origin: Origin,
        spare: Option<Spare>,
    ) -> bool {
        let room = self.challenges.may_open(against);
        if room {
            self.ping(now, against);
            let rejected_by = self.peers.get(against).map_or(0, |peer| peer.outgoing.pings_sent);
            let times = &self.config.times;
            let wait = if spare.is_some() { times.reconnect_timeout } else { times.probe_timeout };
            let deadline = after(now, wait);
            self.challenges.open(against, origin, spare, rejected_by, deadline);
        }
        room
    }

    fn reject_challenge(&mut self, now: Instant, origin: Origin) {
        self.close(origin.conn);
        self.mailbox_lost(now, origin.peer, origin.conn);
    }

    /// A peer has answered a PING: challenges from before that PING are rejected.
    pub(super) fn ping_answered(&mut self, now: Instant, id: PeerId) {
        let Some(peer) = self.peers.get_mut(id) else { return };
        let answered = peer.answer(now);
        self.reject_challenges(now, id, answered);
        // What was sent behind that PING wants one of its own, perhaps at once.
        self.reschedule(now, id);
    }

    /// A peer has greeted: it is there, whatever it was asked.
    pub(super) fn pings_answered(&mut self, now: Instant, id: PeerId) {
        let Some(peer) = self.peers.get_mut(id) else { return };
        let answered = peer.answer_all(now);
        self.reject_challenges(now, id, answered);
    }

    fn reject_challenges(&mut self, now: Instant, id: PeerId, answered: u32) {
        while let Some(challenge) = self.challenges.take_rejected(id, answered) {
            // Silent is also a dial of the peer itself that has crossed the one it was met by.
            if challenge.held.is_empty() {
                self.stats.spares_refused += 1;
            } else {
                self.stats.intruding += 1;
            }
            self.reject_challenge(now, challenge.origin);
        }
    }

    /// Hears what was said on connections that have challenged peers that are gone.
    pub(super) fn accept_challenges(&mut self, now: Instant) {
        while let Some(challenge) = self.challenges.take_accepted() {
            self.accept_challenge(now, challenge);
        }
    }

    /// Hears what was said on connections that have challenged peers that do not answer.
    pub(super) fn pass_challenges(&mut self, now: Instant) {
        if self.paused {
            return;
        }
        while let Some(challenge) = self.challenges.take_unanswered(now) {
            let against = challenge.against;
            if challenge.spare.is_some() {
                // It says nothing that could end the old one.
                self.end(now, against, ExitReason::Restarted);
            } else if self.peers.get(against).is_some_and(Peer::awaits_answer) {
                // It has said HELLO, and all others in the same name are silent.
                self.end(now, against, ExitReason::Replaced);
            }
            self.accept_challenge(now, challenge);
        }
    }

    fn accept_challenge(&mut self, now: Instant, challenge: Challenge) {
        let Challenge { origin, spare, held, .. } = challenge;
        if let Some(spare) = spare {
            self.two_way_up(now, origin.peer, spare);
            if self.challenges.challenged_peer(origin.conn).is_some() {
                // The peer may still be heard on another one, and is asked again.
                for (header, content) in held {
                    self.challenges.hold(origin, &header, content);
                }
                return;
            }
        }
        for (header, content) in held {
            self.receive(now, origin, &header, content);
            let Origin { peer: id, conn, .. } = origin;
            let heard = self.peers.get(id).is_some_and(|peer| peer.incoming.conn == Some(conn));
            if !heard && !self.spares.contains(id, conn) {
                // It was of no use, or said what ends it.
                if !self.outputs.contains(&Output::Close { conn }) {
                    self.close(conn);
                }
                break;
            }
        }
    }
}
