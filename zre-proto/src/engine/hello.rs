//! HELLO, the one message that needs no sequence before it.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Instant;

use super::Engine;
use super::discovery::Evidence;
use crate::candidates::Source;
use crate::challenges::Origin;
use crate::elections::Part;
use crate::leader::HEADER;
use crate::message::Hello;
use crate::peer::{HeldEvents, Liveness, Peer, PeerState, Presence, Suspicion};
use crate::sequence::{self, Sequence};
use crate::ticket::{self, Ticket};
use crate::{ConnId, Endpoint, Event, ExitReason, Headers, PeerId};

impl Engine {
    /// The peer that a HELLO speaks against: the sender itself if it has been greeted on a two-way
    /// connection, and has still to answer on that; else the peer that is present where the sender
    /// says that it is. Where a two-way connection comes from is of no account.
    pub(super) fn conflict(&self, origin: Origin, hello: &Hello<'_>) -> Option<PeerId> {
        if self.is_two_way(origin.peer, origin.conn) {
            return None;
        }
        let prevails = origin.prevails_over == Some(origin.peer);
        if !prevails && self.peers.get(origin.peer).is_some_and(Peer::awaits_answer) {
            return Some(origin.peer);
        }
        let endpoint = Endpoint::announced(hello.endpoint, origin.source?)?;
        let endpoint = endpoint.with_key(self.keys.of_conn(origin.conn));
        let (there, peer) = self.peers.at(endpoint)?;
        let other = there != origin.peer && origin.prevails_over != Some(there);
        (other && peer.outgoing.is_up() && !peer.is_leaving()).then_some(there)
    }

    pub(super) fn receive_hello(
        &mut self,
        now: Instant,
        origin: Origin,
        sequence: u16,
        hello: &Hello<'_>,
    ) {
        let Origin { peer: id, conn, source, .. } = origin;
        let endpoint = source.and_then(|source| Endpoint::announced(hello.endpoint, source));
        let endpoint = endpoint.map(|endpoint| endpoint.with_key(self.keys.of_conn(conn)));
        if sequence != sequence::HELLO {
            self.stats.malformed += 1;
            return self.reject(now, id, conn);
        }
        if !self.tells_its_key(conn, hello) {
            self.stats.key_conflicts += 1;
            return self.reject(now, id, conn);
        }
        let two_way = self.is_two_way(id, conn);
        if let Some(peer) = self.peers.get_mut(id).filter(|peer| peer.is_leaving()) {
            if two_way && peer.incoming.conn == Some(conn) {
                // A second one.
                self.stats.malformed += 1;
                return self.reject(now, id, conn);
            }
            // Back before its EXIT. This connection is not the old one, which ends with it.
            peer.incoming.conn.take_if(|old| *old == conn);
            let spare = self.spares.remove(id, conn);
            if spare.is_some() {
                self.end_dial(id, conn);
            }
            self.finish_leaving(now, id);
            if let Some(spare) = spare {
                // There is room: it has just been taken out.
                self.spares.insert(id, spare);
            }
        }
        // After the end of what it was before, with which its id has become free in time.
        self.bind(now, id, conn);
        if two_way {
            return match endpoint {
                Some(endpoint) => self.receive_two_way_hello(now, id, conn, endpoint, hello),
                None => {
                    self.stats.malformed += 1;
                    self.reject(now, id, conn);
                }
            };
        }
        if self.peers.get(id).is_some_and(|peer| peer.outgoing.two_way) {
            // It has answered on the connection that it has.
            self.stats.intruding += 1;
            return self.close(conn);
        }
        self.adopt_scout(now, id, endpoint, source, self.keys.of_conn(conn));
        if let Some(peer) = self.peers.get_mut(id) {
            peer.candidates.outdate_dials();
        }
        let lost = |peer: &Peer| !peer.is_connected() && peer.endpoint.is_none();
        // Without an endpoint of its own, it may be where a beacon says that it is.
        let dialled = |peer: &Peer| endpoint.is_none() && peer.candidates.dials().next().is_some();
        if self.peers.get(id).is_none_or(|peer| lost(peer) && !dialled(peer)) {
            let Some(endpoint) = endpoint else {
                self.stats.malformed += 1;
                return self.reject(now, id, conn);
            };
            if self.is_disputed(id, endpoint) {
                self.stats.intruding += 1;
                return self.close(conn);
            }
            if !self.peers.contains(id) {
                if !self.make_room(now, Evidence::Connection) {
                    return;
                }
                self.peers.insert(id, Peer::new(now));
            }
            self.dial_only(now, id, endpoint);
        }
        self.accept_hello(now, id, conn, endpoint, hello);
    }

    /// Whether another node has said as well that it is at an endpoint, and is being dialled there:
    /// it will be seen which of them is.
    fn is_disputed(&self, id: PeerId, endpoint: Endpoint) -> bool {
        self.peers.at(endpoint).is_some_and(|(there, peer)| {
            there != id
                && matches!(peer.state, PeerState::Ready(_))
                && peer.candidates.is_dialling(endpoint)
        })
    }

    /// Whether a connection is a two-way one, as far as it is of use.
    pub(super) fn is_two_way(&self, id: PeerId, conn: ConnId) -> bool {
        let is_it = |peer: &Peer| peer.outgoing.two_way && peer.incoming.conn == Some(conn);
        self.peers.get(id).is_some_and(is_it) || self.spares.contains(id, conn)
    }

    /// The first HELLO on a two-way connection: of the chooser, which takes it, or the follower's
    /// answer.
    fn receive_two_way_hello(
        &mut self,
        now: Instant,
        id: PeerId,
        conn: ConnId,
        endpoint: Endpoint,
        hello: &Hello<'_>,
    ) {
        if !self.spares.contains(id, conn) {
            if self.peers.get(id).is_none_or(|peer| !peer.awaits_answer()) {
                // A second one.
                self.stats.malformed += 1;
                return self.reject(now, id, conn);
            }
        } else if self.is_chooser(id) {
            // It is for us to speak first.
            self.stats.malformed += 1;
            return self.reject(now, id, conn);
        } else {
            if !self.peers.contains(id) {
                if !self.make_room(now, Evidence::Connection) {
                    self.spares.remove(id, conn);
                    return self.close(conn);
                }
                self.peers.insert(id, Peer::new(now));
            }
            self.exit(id, ExitReason::Restarted);
            if let Some(spare) = self.spares.remove(id, conn) {
                self.take(now, id, spare);
            }
        }
        self.close_spares(id);
        let Some(peer) = self.peers.get_mut(id) else { return };
        let own_dial = peer.endpoint;
        peer.candidates.claim(now, endpoint, Source::Hello, None, false);
        peer.endpoint = own_dial.or(Some(endpoint));
        self.enter(now, id, hello, true);
    }

    /// A peer has said where it is. What others have said may have been forged.
    fn dial_only(&mut self, now: Instant, id: PeerId, endpoint: Endpoint) {
        let dialling = |peer: &Peer| peer.candidates.is_dialling(endpoint);
        let dialling = self.peers.get(id).is_some_and(dialling);
        self.abandon_dials_except(id, endpoint);
        if !dialling {
            self.evict(now, id, endpoint);
            self.redial(now, id, endpoint);
        }
        if let Some(peer) = self.peers.get_mut(id) {
            // Our HELLO will be the answer to this one.
            peer.outgoing.unanswered = false;
        }
    }

    /// A valid HELLO from a peer that we have a link to.
    fn accept_hello(
        &mut self,
        now: Instant,
        id: PeerId,
        conn: ConnId,
        endpoint: Option<Endpoint>,
        hello: &Hello<'_>,
    ) {
        let times = self.config.times;
        let Some(peer) = self.peers.get_mut(id) else { return };
        let known = matches!(peer.state, PeerState::Ready(_));
        let up = peer.outgoing.is_up();
        let moved = endpoint.filter(|endpoint| Some(*endpoint) != peer.endpoint);
        let since = now.saturating_duration_since(peer.outgoing.greeted_at);
        let timeout = peer.probe_timeout(Suspicion::LostUs, &times);
        if since > times.greeting_timeout.saturating_add(timeout) {
            peer.regreeted = 0;
        }
        let answer = std::mem::replace(&mut peer.outgoing.unanswered, false);
        let doubtful = answer || peer.regreeted > 0;
        if let Some(old) = peer.incoming.conn.replace(conn).filter(|old| *old != conn) {
            self.close(old);
        }
        self.pings_answered(now, id);
        if known {
            self.exit(id, ExitReason::Restarted);
        }
        match moved {
            // Our HELLO is still to be said.
            _ if !up => endpoint.into_iter().for_each(|endpoint| self.dial_only(now, id, endpoint)),
            None if !known => {}
            None if doubtful => {
                // It may answer a HELLO of ours that crossed with another of its own. To greet back
                // then could go on forever, so first see whether it knows us.
                self.enter(now, id, hello, false);
                return self.suspect(now, id, Suspicion::LostUs);
            }
            None => self.relink(now, id, None),
            Some(endpoint) if !known => {
                if let Some(peer) = self.peers.get_mut(id) {
                    peer.candidates.claim(now, endpoint, Source::Hello, None, false);
                }
            }
            Some(endpoint) => {
                self.evict(now, id, endpoint);
                self.relink(now, id, moved);
            }
        }
        let guessed = self.peers.get(id).is_some_and(|peer| peer.outgoing.is_guessed);
        self.enter(now, id, hello, !guessed);
        if guessed {
            self.suspect(now, id, Suspicion::Misled);
        }
    }

    /// The headers of a peer, but for its ticket; those of the one before, if they are the same.
    fn headers_of(&mut self, hello: &Hello<'_>) -> Arc<Headers> {
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        let mut headers = Headers::new();
        let others = hello.headers.iter().filter(|(name, _)| *name != ticket::HEADER.as_bytes());
        for (name, value) in others {
            // Of two equal names the first counts, as in the C library.
            headers.entry(text(name)).or_insert_with(|| text(value));
        }
        if headers != *self.last_headers {
            self.last_headers = Arc::new(headers);
        }
        Arc::clone(&self.last_headers)
    }

    /// The application hears of the peer, and of every group it is in: now if the peer `knows_us`
    /// and our link is up, else when that is so.
    fn enter(&mut self, now: Instant, id: PeerId, hello: &Hello<'_>, knows_us: bool) {
        let headers = self.headers_of(hello);
        let Some(peer) = self.peers.get_mut(id) else { return };
        let name: Arc<str> = String::from_utf8_lossy(hello.name).into();
        let mut received = Sequence::START;
        received.next();
        let endpoint = peer.endpoint.or_else(|| Some(peer.candidates.dials().next()?.1));
        let held = !(peer.outgoing.is_up() && knows_us);
        let mut presence = Presence {
            name: name.clone(),
            part: if headers.contains_key(HEADER) { Part::Computes } else { Part::Unknown },
            headers: headers.clone(),
            ticket: ticket_in(hello),
            groups: BTreeSet::new(),
            status: hello.status,
            received,
            liveness: Liveness::Present,
            evasive_since: now,
            probe: None,
            held: held.then(HeldEvents::default),
        };
        if let Some(endpoint) = endpoint {
            presence.tell(Event::Enter { peer: id, name, headers, endpoint }, &mut self.outputs);
        }
        peer.state = PeerState::Ready(presence);
        peer.hear_word(now);
        if !held {
            self.met(id);
        }
        for group in &hello.groups {
            self.add_to_group(now, id, &String::from_utf8_lossy(group));
        }
        let presence = self.peers.get_mut(id).and_then(Peer::ready_mut);
        if let Some(held) = presence.and_then(|presence| presence.held.as_mut()) {
            // HELLO has limits of its own.
            held.of_hello = held.events.len();
        }
        self.reschedule(now, id);
    }
}

/// The ticket that the sender gives this node. Of two the first counts.
fn ticket_in(hello: &Hello<'_>) -> Option<Ticket> {
    let mut headers = hello.headers.iter();
    let (_, digits) = headers.find(|(name, _)| *name == ticket::HEADER.as_bytes())?;
    Ticket::from_hex(digits)
}
