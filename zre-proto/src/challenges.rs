//! Connections that speak in the name of a peer that is heard on another one, or say that they are
//! where another peer is.
//!
//! A peer that has restarted or reconnected does so, and so can anybody else. So the peer itself is
//! asked, by PING on our link to it. If it answers, the challenge is rejected, and the connection
//! is closed. If its own connection ends, or it does not answer in time, the challenge is accepted,
//! and what the connection has said meanwhile counts. Until then nothing of it is heard.

use std::collections::VecDeque;
use std::net::SocketAddr;
use std::time::Instant;

use crate::message::Header;
use crate::spares::Spare;
use crate::{ConnId, Content, PeerId};

/// Challenges that may be open against one peer: each costs it a PING.
const MAX_PER_PEER: usize = 4;
/// Challenges that may be open against all peers.
const MAX_OPEN: usize = 64;

/// Where a message comes from.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Origin {
    /// The peer in whose name the connection speaks.
    pub(crate) peer: PeerId,
    pub(crate) conn: ConnId,
    /// The address at the other end; `None` while the connection has said nothing.
    pub(crate) source: Option<SocketAddr>,
    /// The peer that the connection has challenged, and that has not answered.
    pub(crate) prevails_over: Option<PeerId>,
}

/// A connection whose word stands against that of a peer.
#[derive(Debug)]
pub(crate) struct Challenge {
    pub(crate) origin: Origin,
    /// On a two-way connection, which challenges by being there: what becomes of it later.
    pub(crate) spare: Option<Spare>,
    /// The peer that is asked.
    pub(crate) against: PeerId,
    /// Rejected when that peer has answered this many PINGs on its link.
    rejected_by: u32,
    /// When it is accepted; `None` once the peer is gone: at once.
    deadline: Option<Instant>,
    /// What was said on the connection meanwhile.
    pub(crate) held: Vec<(Header, Content)>,
}

/// All open challenges, oldest first.
#[derive(Debug, Default)]
pub(crate) struct Challenges {
    open: VecDeque<Challenge>,
    /// Messages held for all of them, and their bytes.
    messages: usize,
    bytes: usize,
}

impl Challenge {
    fn postpone(&mut self, until: Instant) {
        if let Some(deadline) = &mut self.deadline {
            *deadline = until.max(*deadline);
        }
    }
}

/// How much may be held for all challenges together.
#[derive(Clone, Copy, Debug)]
pub(crate) struct HeldLimits {
    pub(crate) messages: usize,
    pub(crate) bytes: usize,
}

impl Challenges {
    /// Whether none is open.
    pub(crate) fn is_empty(&self) -> bool {
        self.open.is_empty()
    }

    /// When the first is accepted.
    pub(crate) fn next_deadline(&self) -> Option<Instant> {
        self.open.iter().filter_map(|challenge| challenge.deadline).min()
    }

    /// The peer that this connection is challenging.
    pub(crate) fn challenged_peer(&self, conn: ConnId) -> Option<PeerId> {
        self.open.iter().find(|it| it.origin.conn == conn).map(|challenge| challenge.against)
    }

    /// Whether one more challenge may be opened against a peer.
    pub(crate) fn may_open(&self, against: PeerId) -> bool {
        let open = self.open.iter().filter(|challenge| challenge.against == against).count();
        open < MAX_PER_PEER && self.open.len() < MAX_OPEN
    }

    /// Whether a message can be held.
    pub(crate) fn may_hold(&self, header: &[u8], content: &Content, limits: HeldLimits) -> bool {
        self.messages < limits.messages && self.bytes + held_bytes(header, content) <= limits.bytes
    }

    /// Opens a challenge. `rejected_by` is the number of PINGs that the peer has to answer.
    pub(crate) fn open(
        &mut self,
        against: PeerId,
        origin: Origin,
        spare: Option<Spare>,
        rejected_by: u32,
        deadline: Instant,
    ) {
        self.open.push_back(Challenge {
            origin: Origin { prevails_over: Some(against), ..origin },
            spare,
            against,
            rejected_by,
            deadline: Some(deadline),
            held: Vec::new(),
        });
    }

    /// Holds a message until it is known whether the challenge is accepted.
    pub(crate) fn hold(&mut self, from: Origin, header: &[u8], content: Content) {
        let Some(challenge) = self.open.iter_mut().find(|it| it.origin.conn == from.conn) else {
            return;
        };
        challenge.origin.source = from.source;
        self.messages += 1;
        self.bytes += held_bytes(header, &content);
        challenge.held.push((header.into(), content));
    }

    /// The peer is gone: every challenge against it is accepted.
    pub(crate) fn accept(&mut self, against: PeerId) {
        for challenge in self.open.iter_mut().filter(|it| it.against == against) {
            challenge.deadline = None;
        }
    }

    /// A connection has ended, and its challenge with it.
    pub(crate) fn forget(&mut self, conn: ConnId) {
        self.take(|challenge| challenge.origin.conn == conn);
    }

    /// Gives the nodes that were asked the time to be heard.
    pub(crate) fn postpone(&mut self, until: Instant) {
        self.open.iter_mut().for_each(|challenge| challenge.postpone(until));
    }

    /// Gives a peer that was asked the time to be heard.
    pub(crate) fn postpone_against(&mut self, against: PeerId, until: Instant) {
        let those = self.open.iter_mut().filter(|challenge| challenge.against == against);
        those.for_each(|challenge| challenge.postpone(until));
    }

    /// The peers that have let the time pass.
    pub(crate) fn due(&self, now: Instant) -> impl Iterator<Item = PeerId> {
        let due = move |it: &&Challenge| it.deadline.is_some_and(|at| at <= now);
        self.open.iter().filter(due).map(|challenge| challenge.against)
    }

    /// Takes out the next challenge that a peer has refuted by answering this many PINGs.
    pub(crate) fn take_rejected(&mut self, against: PeerId, answered: u32) -> Option<Challenge> {
        self.take(|challenge| challenge.against == against && challenge.rejected_by <= answered)
    }

    /// Takes out the next challenge against a peer that is gone.
    pub(crate) fn take_accepted(&mut self) -> Option<Challenge> {
        self.take(|challenge| challenge.deadline.is_none())
    }

    /// Takes out the next challenge that was not answered in time.
    pub(crate) fn take_unanswered(&mut self, now: Instant) -> Option<Challenge> {
        self.take(|challenge| challenge.deadline.is_some_and(|at| at <= now))
    }

    fn take(&mut self, which: impl Fn(&Challenge) -> bool) -> Option<Challenge> {
        if self.open.is_empty() {
            return None;
        }
        let challenge = self.open.remove(self.open.iter().position(which)?)?;
        self.messages -= challenge.held.len();
        for (header, content) in &challenge.held {
            self.bytes -= held_bytes(header, content);
        }
        Some(challenge)
    }
}

/// What a held message takes in memory.
fn held_bytes(header: &[u8], content: &Content) -> usize {
    header.len() + content.byte_len() + size_of_val(content.frames())
}
