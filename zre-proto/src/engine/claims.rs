//! Connections that speak in the name of a peer that is heard on another one, or say that they are
//! where another peer is.
//!
//! A peer that has restarted or reconnected does so, and so can anybody else. So the peer itself is
//! asked, by PING on our link to it. While it answers, the claim is false, and the connection is
//! closed. If its own connection ends, or it does not answer in time, the claim is good, and what
//! the connection has said meanwhile counts. Nothing of it is heard before.

use std::collections::VecDeque;
use std::time::Instant;

use super::Engine;
use super::messages::Origin;
use crate::message::Header;
use crate::timers::after;
use crate::{ConnId, Content, Output, PeerId};

/// Claims that may be open against one peer: each costs it a PING.
const AGAINST_ONE: usize = 4;
/// And against all.
const AGAINST_ALL: usize = 64;

/// A connection whose word stands against that of a peer.
#[derive(Debug)]
struct Claim {
    origin: Origin,
    /// In whose name it speaks.
    id: PeerId,
    /// Who is asked.
    against: PeerId,
    /// The claim is false when so many PINGs have been answered on the link to that peer.
    refuted_by: u32,
    /// When it is good; now if the peer is gone.
    deadline: Option<Instant>,
    said: Vec<(Header, Content)>,
}

/// All of them, oldest first.
#[derive(Debug, Default)]
pub(super) struct Claims {
    open: VecDeque<Claim>,
    /// What was said on all of them: messages, and octets.
    messages: usize,
    octets: usize,
}

impl Claims {
    pub(super) fn is_empty(&self) -> bool {
        self.open.is_empty()
    }

    /// When the first has to be looked at.
    pub(super) fn next(&self) -> Option<Instant> {
        self.open.iter().filter_map(|claim| claim.deadline).min()
    }

    fn on(&mut self, conn: ConnId) -> Option<&mut Claim> {
        self.open.iter_mut().find(|claim| claim.origin.conn == conn)
    }

    /// Takes out the first for which this holds.
    fn take(&mut self, which: impl Fn(&Claim) -> bool) -> Option<Claim> {
        let claim = self.open.remove(self.open.iter().position(which)?)?;
        self.messages -= claim.said.len();
        for (header, content) in &claim.said {
            self.octets -= octets(header, content);
        }
        Some(claim)
    }

    /// The peer is gone: what was claimed against it is good.
    pub(super) fn concede(&mut self, against: PeerId) {
        for claim in self.open.iter_mut().filter(|claim| claim.against == against) {
            claim.deadline = None;
        }
    }

    /// A connection has ended.
    pub(super) fn forget(&mut self, conn: ConnId) {
        self.take(|claim| claim.origin.conn == conn);
    }

    /// We have not listened for a while: those who were asked get the time to be heard.
    pub(super) fn put_off(&mut self, until: Instant) {
        for deadline in self.open.iter_mut().filter_map(|claim| claim.deadline.as_mut()) {
            *deadline = until;
        }
    }
}

fn octets(header: &[u8], content: &Content) -> usize {
    header.len() + content.octets() + size_of_val(content.frames())
}

impl Engine {
    /// Whether a connection has to be believed first: the peer in whose name it speaks is present,
    /// and heard on another one.
    pub(super) fn is_claim(&self, id: PeerId, conn: ConnId) -> bool {
        self.peers
            .get(id)
            .is_some_and(|peer| peer.conn.is_some_and(|heard| heard != conn) && peer.can_be_asked())
    }

    /// Holds what a connection says until the peer has answered. Closes the connection if there
    /// are too many such, or it says too much.
    pub(super) fn claim(
        &mut self,
        now: Instant,
        against: PeerId,
        id: PeerId,
        origin: Origin,
        (header, content): (&[u8], Content),
    ) {
        let open = self.claims.open.iter().filter(|claim| claim.against == against).count();
        let first = self.claims.on(origin.conn).is_none();
        let octets = octets(header, &content);
        if (first && (open >= AGAINST_ONE || self.claims.open.len() >= AGAINST_ALL))
            || self.claims.messages >= self.config.max_held_events
            || self.claims.octets + octets > self.config.max_held_octets
        {
            return self.refute(now, id, |claim| claim.origin.conn == origin.conn, origin.conn);
        }
        if first {
            self.ping(against);
            let refuted_by = self.peers.get(against).map_or(0, |peer| peer.asked);
            let deadline = Some(after(now, self.config.times.proof));
            let origin = Origin { tested: Some(against), ..origin };
            let said = Vec::new();
            self.claims.open.push_back(Claim { origin, id, against, refuted_by, deadline, said });
        }
        self.claims.messages += 1;
        self.claims.octets += octets;
        if let Some(claim) = self.claims.on(origin.conn) {
            claim.said.push((header.into(), content));
        }
    }

    /// A connection that is being tested has said something more. False: it is none.
    pub(super) fn claims_more(&mut self, conn: ConnId) -> Option<PeerId> {
        self.claims.on(conn).map(|claim| claim.against)
    }

    fn refute(&mut self, now: Instant, id: PeerId, which: impl Fn(&Claim) -> bool, conn: ConnId) {
        self.claims.take(which);
        self.stats.intruding += 1;
        self.close_mailbox(conn);
        self.mailbox_lost(now, id, conn);
    }

    /// A peer has answered a PING: what was claimed against it before that PING is false.
    pub(super) fn answered(&mut self, now: Instant, id: PeerId) {
        let Some(peer) = self.peers.get_mut(id) else { return };
        peer.answered = peer.answered.saturating_add(1).min(peer.asked);
        let answered = peer.answered;
        while let Some(claim) =
            self.claims.take(|claim| claim.against == id && claim.refuted_by <= answered)
        {
            self.stats.intruding += 1;
            self.close_mailbox(claim.origin.conn);
            self.mailbox_lost(now, claim.id, claim.origin.conn);
        }
    }

    /// Hears those whose claim is good.
    pub(super) fn hear_claims(&mut self, now: Instant) {
        let late = |next| now > next + super::life::LATE;
        if !self.paused && self.next_deadline().is_some_and(late) {
            self.give_time(now);
        }
        let paused = self.paused;
        let good = |claim: &Claim| claim.deadline.is_none_or(|at| at <= now && !paused);
        while let Some(Claim { id, origin, said, .. }) = self.claims.take(good) {
            for (header, content) in said {
                self.message(now, id, origin, &header, content);
                if !self.hears(id, origin.conn) {
                    // It was of no use, or said what ends it.
                    let close = Output::CloseMailbox { conn: origin.conn };
                    if !self.outputs.contains(&close) {
                        self.outputs.push_back(close);
                    }
                    break;
                }
            }
        }
    }
}
