//! Connections to peers: up, chosen, lost.
//!
//! With a node that does not know two-way connections, each side says HELLO on a link of its own
//! and hears the other at its mailbox. Between two nodes that do, the *chooser*, the one with the
//! smaller id, takes one connection for both directions by saying HELLO on it; the *follower* says
//! nothing before that.

use std::time::Instant;

use super::Engine;
use super::discovery::Evidence;
use crate::candidates::Source;
use crate::message::Command;
use crate::peer::{Liveness, Outgoing, Peer, PeerState, Presence, Suspicion};
use crate::spares::Spare;
use crate::timers::after;
use crate::{
    ConnId, Content, Endpoint, ExitReason, InterfaceId, Loss, Output, PeerId, UnreachableReason,
};

impl Engine {
    /// Whether this node chooses the connection to a peer, if both know two-way connections.
    pub(super) fn is_chooser(&self, id: PeerId) -> bool {
        self.config.id < id
    }

    /// A connection is up.
    pub(super) fn connected(
        &mut self,
        now: Instant,
        id: PeerId,
        conn: ConnId,
        two_way: bool,
        own_endpoint: Endpoint,
    ) {
        if self.requirements.is_scout(conn) {
            return self.identified(now, id, conn, two_way, own_endpoint);
        }
        let dialled = matches!(conn, ConnId::Dialled(_));
        if id == self.config.id && !dialled {
            // It leads back to this node.
            self.stats.own += 1;
            return self.close(conn);
        }
        if dialled && self.peers.get(id).is_none_or(|it| it.candidates.dialled_by(conn).is_none()) {
            // It was given up meanwhile.
            return self.forget_conn(conn);
        }
        if self.is_usurping(now, id, conn) {
            self.close(conn);
            return self.lost_unused(now, id, conn, UnreachableReason::AnotherNode);
        }
        if two_way {
            self.two_way_up(now, id, Spare { conn, up_since: now, own_endpoint });
        } else if dialled {
            self.link_up(now, id, conn, own_endpoint);
        }
    }

    /// A link of our own is up: says HELLO on it.
    fn link_up(&mut self, now: Instant, id: PeerId, conn: ConnId, own_endpoint: Endpoint) {
        let Some(endpoint) = self.end_dial(id, conn) else { return };
        let has_spoken = self.peers.get(id).and_then(Peer::presence).is_some();
        if !has_spoken && self.spares.of(id).next().is_some() {
            // There is a connection in its name that knows more than this one: one of the two leads
            // to another node. It is for the node to speak on the one that is its own.
            self.stats.dials_failed += 1;
            return self.close(conn);
        }
        self.abandon_dials(id);
        let Some(peer) = self.peers.get_mut(id) else { return };
        peer.endpoint = Some(endpoint);
        peer.outgoing.open(now, conn, false);
        self.peers.place(id, endpoint);
        // Its host has answered just now.
        self.hear(now, id);
        self.say_hello(now, id, own_endpoint);
        self.answer_late(now, id);
        self.enrol_everywhere(now, id);
        self.release_if_it_knows_us(now, id);
        self.reschedule(now, id);
    }

    /// A two-way connection is up, and nothing was said on it.
    pub(super) fn two_way_up(&mut self, now: Instant, id: PeerId, spare: Spare) {
        let conn = spare.conn;
        if let Some(peer) = self.peers.get_mut(id) {
            peer.candidates.up(now, conn);
            if peer.can_be_asked() {
                // Either way the peer is there.
                self.end_dial(id, conn);
                return self.challenge_in_silence(now, id, spare);
            }
        }
        if self.is_chooser(id) && matches!(conn, ConnId::Dialled(_)) {
            self.disbelieve(id);
        }
        if !self.is_chooser(id) || self.is_taken(id) {
            if let Some(old) = self.spares.insert(id, spare) {
                self.close_spare(id, old.conn);
            }
            self.rival_up(now, id);
            self.take_better_spare(now, id);
            return self.reschedule_if_absent(now, id);
        }
        if !self.peers.contains(id) {
            if !self.make_room(now, Evidence::Connection) {
                return self.close(conn);
            }
            self.peers.insert(id, Peer::new(now));
        }
        self.choose(now, id, spare);
    }

    /// Whether a peer has a connection that another one may not simply take the place of: one on
    /// which it was greeted both ways, or on which the chooser waits for the answer.
    fn is_taken(&self, id: PeerId) -> bool {
        self.peers.get(id).is_some_and(|peer| match peer.state {
            PeerState::Greeting => peer.outgoing.two_way,
            PeerState::Ready(_) | PeerState::Leaving { .. } => true,
        })
    }

    /// A node was reached that knows two-way connections, where a HELLO on a connection of one
    /// direction says that it is, which such a node would not have said: that was an impostor, which
    /// must not keep it out.
    fn disbelieve(&mut self, id: PeerId) {
        if !self.peers.get(id).is_some_and(Peer::awaits_hello) {
            return;
        }
        self.stats.intruding += 1;
        self.exit(id, ExitReason::Restarted);
        if let Some(peer) = self.peers.get_mut(id) {
            peer.state = PeerState::Greeting;
        }
    }

    /// The chooser has waited long for the answer, and there is another connection: the follower
    /// would not have made it, had it heard our HELLO.
    pub(super) fn take_better_spare(&mut self, now: Instant, id: PeerId) {
        let late = |peer: &Peer| peer.awaits_answer() && peer.outgoing.answer_is_late;
        if self.is_chooser(id)
            && self.peers.get(id).is_some_and(late)
            && let Some(spare) = self.spares.take_newest(id)
        {
            self.choose(now, id, spare);
        }
    }

    /// A connection has come after our HELLO. The peer may have heard it meanwhile, and is about to
    /// close this one: unless what carries the HELLO is dead.
    fn rival_up(&mut self, now: Instant, id: PeerId) {
        if !self.is_chooser(id) {
            return;
        }
        let Some(peer) = self.peers.get_mut(id).filter(|peer| peer.awaits_answer()) else { return };
        if peer.outgoing.rivalled_since.is_none() {
            peer.outgoing.rivalled_since = Some(now);
            self.reschedule(now, id);
        }
    }

    /// Whether a peer has left a connection open that came after our HELLO.
    pub(super) fn is_rivalled(&self, id: PeerId) -> bool {
        let Some(peer) = self.peers.get(id) else { return false };
        self.spares.of(id).any(|spare| spare.up_since >= peer.outgoing.greeted_at)
    }

    /// Takes a connection for both directions, by saying HELLO on it.
    pub(super) fn choose(&mut self, now: Instant, id: PeerId, spare: Spare) {
        self.take(now, id, spare);
        self.reschedule(now, id);
    }

    /// Says HELLO on a two-way connection, which is the one to the peer from now on.
    pub(super) fn take(&mut self, now: Instant, id: PeerId, spare: Spare) {
        let Spare { conn, own_endpoint, .. } = spare;
        let dialled_to = self.end_dial(id, conn);
        self.abandon_dials(id);
        let Some(peer) = self.peers.get_mut(id) else { return };
        let before = peer.conns();
        peer.outgoing = Outgoing::new(now);
        peer.incoming.conn = Some(conn);
        if let Some(old) = std::mem::replace(&mut peer.endpoint, dialled_to) {
            self.peers.leave(id, old);
        }
        for old in before {
            self.close(old);
        }
        if let Some(peer) = self.peers.get_mut(id) {
            peer.outgoing.open(now, conn, true);
        }
        self.say_hello(now, id, own_endpoint);
    }

    /// Nothing was said on them, and nothing will be.
    pub(super) fn close_spares(&mut self, id: PeerId) {
        while let Some(spare) = self.spares.take_newest(id) {
            self.close_spare(id, spare.conn);
        }
    }

    pub(super) fn close_spare(&mut self, id: PeerId, conn: ConnId) {
        self.spares.remove(id, conn);
        self.end_dial(id, conn);
        self.close(conn);
    }

    /// Opens a new link instead of the one there is, to where the peer is now.
    pub(super) fn relink(&mut self, now: Instant, id: PeerId, moved: Option<Endpoint>) {
        self.abandon_dials(id);
        self.strike(id);
        let Some(peer) = self.peers.get_mut(id) else { return };
        let old = std::mem::replace(&mut peer.outgoing, Outgoing::new(now));
        let left = peer.endpoint.take();
        if let Some(endpoint) = left {
            self.peers.leave(id, endpoint);
        }
        if let Some(conn) = old.conn {
            self.close(conn);
        }
        if let Some(endpoint) = moved.or(left) {
            self.redial(now, id, endpoint);
        }
    }

    /// Dials a peer at once where it has said itself that it is.
    pub(super) fn redial(&mut self, now: Instant, id: PeerId, endpoint: Endpoint) {
        let Some(peer) = self.peers.get_mut(id) else { return };
        peer.candidates.claim(now, endpoint, Source::Hello, None, false);
        self.dial_endpoint(now, id, endpoint);
    }

    fn say_hello(&mut self, now: Instant, id: PeerId, own_endpoint: Endpoint) {
        let Some(peer) = self.peers.get_mut(id) else { return };
        self.stats.hellos_sent += 1;
        let endpoint = own_endpoint.wire_form();
        let ticket = peer.outgoing.conn.and_then(|conn| self.tickets.of(conn));
        let own_headers = self.local.own_headers(own_endpoint, ticket);
        let hello = self.local.hello(&endpoint, &self.config.name, &own_headers);
        let hello = Command::Hello(hello);
        self.stats.sent += peer.send(now, hello, Content::none(), &mut self.outputs);
    }

    /// The peer can be heard and spoken to: it enters, unless it is being asked whether it knows us.
    pub(super) fn release_if_it_knows_us(&mut self, now: Instant, id: PeerId) {
        let tested =
            |it: &Presence| matches!(it.suspicion(), Some(Suspicion::LostUs | Suspicion::Misled));
        if !self.peers.get(id).and_then(Peer::presence).is_some_and(tested) {
            self.release_held(now, id);
        }
    }

    /// Nothing stands between the application and the peer any more, if both directions work: whose
    /// connection has ended may be another one by now.
    pub(super) fn release_held(&mut self, now: Instant, id: PeerId) {
        let connected = |peer: &&mut Peer| peer.outgoing.is_up() && peer.incoming.conn.is_some();
        let peer = self.peers.get_mut(id).filter(connected);
        let Some(presence) = peer.and_then(Peer::ready_mut) else { return };
        let Some(held) = presence.held.take() else { return };
        // Of what it was before the application knows nothing.
        presence.liveness = Liveness::Present;
        self.outputs.extend(held.events.into_iter().map(Output::Event));
        self.met(id);
        self.reschedule(now, id);
    }

    /// The application knows the peer now.
    pub(super) fn met(&mut self, id: PeerId) {
        self.unreachable.retain(|(told, _)| *told != id);
        self.requirements.met(id);
        let Some(peer) = self.peers.get_mut(id) else { return };
        let dialled = matches!(peer.outgoing.conn, Some(ConnId::Dialled(_)));
        if let Some(endpoint) = peer.endpoint.filter(|_| dialled) {
            peer.candidates.trust(endpoint);
        }
        for group in peer.presence().iter().flat_map(|presence| &presence.groups) {
            self.elections.touch(group);
        }
        if peer.outgoing.two_way {
            self.stats.two_way += 1;
        } else {
            self.close_spares(id);
        }
    }

    pub(super) fn lost(&mut self, now: Instant, id: PeerId, conn: ConnId, why: Loss) {
        self.forget_conn(conn);
        if why == Loss::Left
            && let Some(peer) = self.peers.get_mut(id)
            && peer.conns().any(|own| own == conn)
            && let Some(endpoint) = peer.endpoint
        {
            peer.candidates.look_for_left(endpoint);
        }
        let outgoing = self.peers.get(id).and_then(|peer| peer.outgoing.conn);
        if outgoing == Some(conn) {
            self.outgoing_lost(now, id, conn, why);
        } else if self.challenges.challenged_peer(conn).is_some() {
            // Perhaps the one on which a peer was heard that says it is where another one is.
            self.mailbox_lost(now, id, conn);
        } else {
            let why = match why {
                Loss::Failed(why) => why,
                Loss::Ended | Loss::Left | Loss::Overflow => UnreachableReason::NoHello,
            };
            self.lost_unused(now, id, conn, why);
            self.mailbox_lost(now, id, conn);
        }
    }

    /// A connection on which nothing was said is no more.
    pub(super) fn lost_unused(
        &mut self,
        now: Instant,
        id: PeerId,
        conn: ConnId,
        why: UnreachableReason,
    ) {
        self.spares.remove(id, conn);
        self.dial_failed(now, id, conn, why);
    }

    fn outgoing_lost(&mut self, now: Instant, id: PeerId, conn: ConnId, why: Loss) {
        let Some(peer) = self.peers.get_mut(id) else { return };
        if why == Loss::Overflow {
            self.stats.overflows += 1;
            return self.end(now, id, ExitReason::Overflow);
        }
        peer.outgoing.conn = None;
        if peer.outgoing.two_way {
            peer.incoming.conn.take_if(|heard| *heard == conn);
            let reason = reason_of_loss(peer);
            return self.end(now, id, reason);
        }
        if let PeerState::Ready(presence) = &mut peer.state
            && presence.probe.take_if(|probe| probe.suspicion == Suspicion::LostUs).is_some()
        {
            // It said HELLO and then its old mailbox went: it has restarted, and waits for ours.
            self.relink(now, id, None);
            return self.reschedule(now, id);
        }
        self.requirements.displace(now, id);
        self.drain(now, id);
    }

    pub(super) fn broken(&mut self, now: Instant, id: PeerId, conn: ConnId) {
        if self.spares.contains(id, conn) || self.challenges.challenged_peer(conn).is_some() {
            // What it may still bring could not be answered.
            self.close(conn);
            return self.lost_unused(now, id, conn, UnreachableReason::NoHello);
        }
        let Some(peer) = self.peers.get_mut(id) else { return };
        if peer.outgoing.conn == Some(conn) && peer.outgoing.two_way {
            peer.outgoing.conn = None;
            self.drain(now, id);
        }
    }

    pub(super) fn stranded(
        &mut self,
        now: Instant,
        id: PeerId,
        conn: ConnId,
        interface: InterfaceId,
    ) {
        let Some(peer) = self.peers.get(id) else { return };
        let ours = peer.conns().any(|own| own == conn);
        let since = self.config.times.ask_after();
        if ours && peer.candidates.is_heard_besides(now, interface, since) {
            self.end(now, id, ExitReason::LinkLost);
        }
    }

    /// Nothing can be sent to the peer any more. What it had sent before still counts.
    fn drain(&mut self, now: Instant, id: PeerId) {
        let deadline = after(now, self.config.times.drain_timeout);
        let Some(peer) = self.peers.get_mut(id) else { return };
        let reason = reason_of_loss(peer);
        let drains = peer.incoming.conn.is_some() && peer.is_present();
        match std::mem::replace(&mut peer.state, PeerState::Greeting) {
            PeerState::Ready(presence) if drains => {
                peer.state = PeerState::Leaving { presence, reason, deadline };
                if let Some(endpoint) = peer.endpoint {
                    self.peers.leave(id, endpoint);
                }
                self.reschedule(now, id);
            }
            PeerState::Leaving { presence, reason, deadline } => {
                peer.state = PeerState::Leaving { presence, reason, deadline };
            }
            state => {
                peer.state = state;
                self.end(now, id, reason);
            }
        }
    }
}

/// Why a peer is gone whose connection has ended.
fn reason_of_loss(peer: &Peer) -> ExitReason {
    match peer.presence().and_then(Presence::suspicion) {
        Some(Suspicion::Gone) => ExitReason::Goodbye,
        Some(Suspicion::Replaced) => ExitReason::Replaced,
        Some(Suspicion::Left | Suspicion::Moved | Suspicion::LostUs | Suspicion::Misled) | None => {
            ExitReason::LinkLost
        }
    }
}
