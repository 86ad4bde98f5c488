//! The key is the peer: on a secure node an id belongs to the key that has greeted in its name, and
//! nothing is said to, or believed of, anybody who comes in that name with another one.

use std::time::Instant;

use super::Engine;
use crate::message::Hello;
use crate::peer::{Outgoing, Peer};
use crate::requirements::State;
use crate::{
    ConnId, Endpoint, ExitReason, PUBLIC_KEY_HEADER, PeerId, PublicKey, UnreachableReason,
};

impl Engine {
    /// Whether a node may be at an endpoint, for all that is known of keys. A secure node has to do
    /// with secure nodes only, and a plain one with plain ones.
    pub(super) fn may_be_at(&mut self, now: Instant, id: PeerId, endpoint: Endpoint) -> bool {
        if endpoint.key().is_some() != self.config.key.is_some() {
            self.stats.other_security += 1;
            return false;
        }
        let conflicts = self.keys.is_another_s(now, id, endpoint.key());
        self.stats.key_conflicts += u64::from(conflicts);
        !conflicts
    }

    /// The remote that has connected in the name of a node has this key.
    pub(super) fn proved(&mut self, now: Instant, id: PeerId, conn: ConnId, key: PublicKey) {
        self.keys.keep(conn, key);
        if self.is_usurping(now, id, conn) {
            self.close(conn);
        }
    }

    /// Whether a connection is in the name of an id that belongs to another key.
    pub(super) fn is_usurping(&mut self, now: Instant, id: PeerId, conn: ConnId) -> bool {
        if self.config.key.is_none() {
            return false;
        }
        let key = self.keys.of_conn(conn);
        // Without a key it has proved nothing.
        let usurps = key.is_none() || self.keys.is_another_s(now, id, key);
        self.stats.key_conflicts += u64::from(usurps);
        usurps
    }

    /// Whether what a HELLO says of its sender's key is true. A sender that does not say it is
    /// known by the key that it has proved.
    pub(super) fn tells_its_key(&self, conn: ConnId, hello: &Hello<'_>) -> bool {
        if self.config.key.is_none() {
            return true;
        }
        let Some(key) = self.keys.of_conn(conn) else { return false };
        let is_it = |(name, _): &&(&[u8], &[u8])| *name == PUBLIC_KEY_HEADER.as_bytes();
        let told = hello.headers.iter().find(is_it);
        told.is_none_or(|(_, value)| PublicKey::from_z85(value) == Some(key))
    }

    /// A node has greeted: its id belongs to its key. What others have said, with other keys, of
    /// where it is, was wrong, and so are the connections that have come of it.
    pub(super) fn bind(&mut self, now: Instant, id: PeerId, conn: ConnId) {
        let Some(key) = self.keys.of_conn(conn) else { return };
        let is_known = self.keys.owner(now, id) == Some(key);
        self.keys.bind(id, key);
        if is_known {
            return;
        }
        let others = self.spares.of(id).map(|spare| spare.conn);
        let others: Vec<ConnId> =
            others.filter(|conn| self.keys.of_conn(*conn) != Some(key)).collect();
        for other in others {
            self.close_spare(id, other);
        }
        self.abandon_dials_where(id, |endpoint| endpoint.key() != Some(key));
        let Some(peer) = self.peers.get_mut(id) else { return };
        let wrong = peer.candidates.required().filter(|at| at.key() != Some(key));
        let wrong: Vec<Endpoint> = wrong.collect();
        peer.candidates.retain_key(key);
        if let Some(link) = peer.outgoing.conn.filter(|it| self.keys.of_conn(*it) != Some(key)) {
            // It leads to the owner of that other key.
            peer.incoming.conn.take_if(|conn| *conn == link);
            peer.outgoing = Outgoing::new(now);
            if let Some(endpoint) = peer.endpoint.take() {
                self.peers.leave(id, endpoint);
            }
            self.close(link);
        }
        for endpoint in wrong {
            self.tell_unreachable(id, endpoint, UnreachableReason::AnotherNode);
        }
    }

    /// Nobody with this key is dealt with any more.
    pub(super) fn distrust(&mut self, now: Instant, key: PublicKey) {
        for requirement in self.requirements.extract(|(at, _)| at.key() == Some(key)) {
            if let State::Scouted(scout, _) = requirement.state {
                self.close(scout.conn);
            }
        }
        for id in self.keys.ids_of(key) {
            self.end(now, id, ExitReason::Distrusted);
            self.keys.free(id);
        }
        let leads = |peer: &Peer| {
            let conns = peer.conns().any(|conn| self.keys.of_conn(conn) == Some(key));
            conns || peer.candidates.have_key(key)
        };
        let led = self.peers.iter().filter(|(_, peer)| leads(peer));
        let led: Vec<PeerId> = led.map(|(id, _)| id).collect();
        for id in led {
            self.abandon_dials_where(id, |endpoint| endpoint.key() == Some(key));
            let Some(peer) = self.peers.get_mut(id) else { continue };
            peer.candidates.forget_key(key);
            if peer.conns().any(|conn| self.keys.of_conn(conn) == Some(key)) {
                // It was greeted, and has not answered.
                self.end(now, id, ExitReason::Distrusted);
            }
            self.forget_if_of_no_use(now, id, false);
            self.reschedule_if_absent(now, id);
        }
        for (id, conn) in self.spares.all() {
            if self.keys.of_conn(conn) == Some(key) {
                self.close_spare(id, conn);
            }
        }
        for conn in self.keys.conns_of(key) {
            // It has said nothing, or something against a peer.
            self.close(conn);
        }
    }
}
