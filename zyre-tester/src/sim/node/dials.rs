//! How connections come to be: dialled here, accepted there.

use zre_proto::{ConnId, Endpoint, Engine, Input, Loss, PeerId, PublicKey, UnreachableReason};

use super::conn::{Conn, Stage};
use super::{Node, World};
use crate::sim::chance::MILLION;
use crate::sim::driver::{connect_time, handshake_time};
use crate::sim::net::Entry;
use crate::sim::queue::Happening;
use crate::sim::segment::{Body, Keys, NodeRef};
use crate::sim::time::{Micros, SECOND};

impl Node {
    /// The engine wants a connection.
    pub(super) fn open(
        &mut self,
        peer: Option<PeerId>,
        id: ConnId,
        endpoint: Endpoint,
        world: &mut World<'_>,
    ) {
        let nowhere = NodeRef { slot: self.me.slot, life: u32::MAX, generation: u8::MAX };
        let (other, port) = world.net.host(endpoint).unwrap_or((nowhere, 0));
        let conn = Conn {
            peer,
            other,
            there: None,
            port,
            key: endpoint.key(),
            generation: self.me.generation,
            stage: Stage::Opening,
            two_way: false,
            opened: self.now,
            last: self.now,
            waiting: Vec::new(),
            spoke: false,
            received: false,
        };
        self.conns.dial(id, conn);
        if world.net.is_mute(self.me.slot) {
            return;
        }
        self.check_dial(peer, endpoint, world);
        self.dial(id, world);
    }

    /// Tries to reach the host of a connection: again after a second, and after two more.
    pub(super) fn dial(&mut self, id: ConnId, world: &mut World<'_>) {
        let Some(conn) = self.conns.get(id) else { return };
        let tried = self.now - conn.last;
        let (other, generation, port) = (conn.other, conn.generation, conn.port);
        let keys = Keys { own: self.key, wanted: conn.key };
        let life = self.me.life;
        match world.net.entry(NodeRef { generation, ..self.me }, other) {
            _ if tried >= connect_time() => self.fail(id, UnreachableReason::NoAnswer, world),
            Entry::Open => {
                let two_way = !world.net.place(self.me.slot).site.plain;
                let body = Body::Open { from: id, port, peer: self.id, two_way, keys };
                self.control(generation, other, 0, body, world);
                self.later(connect_time() + handshake_time(), Happening::DialOver { id, life });
            }
            Entry::Refused => {
                let there_and_back: Micros =
                    (0..2).map(|_| world.net.segment_delay(&mut self.chance)).sum();
                self.later(there_and_back, Happening::Refused { id, life });
            }
            Entry::Silence => {
                let wait =
                    if tried == 0 { SECOND } else { (2 * tried).min(connect_time() - tried) };
                self.later(wait, Happening::Redial { id, life });
            }
        }
    }

    /// A dial has led to nothing.
    pub(super) fn fail(&mut self, id: ConnId, why: UnreachableReason, world: &mut World<'_>) {
        if self.conns.get(id).is_some_and(|conn| conn.stage == Stage::Opening) {
            self.lose(id, Loss::Failed(why), world);
        }
    }

    /// A connection is opened to the mailbox. The handshakes of TCP and ZMTP take one more round
    /// trip until the other side may send, and nothing says which side is through first.
    pub(super) fn accept(
        &mut self,
        from: NodeRef,
        there: ConnId,
        (peer, key): (PeerId, Option<PublicKey>),
        two_way: bool,
        world: &mut World<'_>,
    ) {
        let site = world.net.place(self.me.slot).site;
        let generation = self.me.generation;
        let id = self.conns.accept(Conn {
            peer: Some(peer),
            other: from,
            there: Some(there),
            port: 0,
            key,
            generation,
            stage: Stage::Opening,
            two_way: two_way && !site.plain,
            opened: self.now,
            last: self.now,
            waiting: Vec::new(),
            spoke: false,
            received: false,
        });
        self.counts.accepted += 1;
        self.fresh.push_back((self.now + handshake_time(), id));
        let first = self.chance.hit(MILLION / 2);
        let mut segments = |number: u32| -> Micros {
            (0..number).map(|_| world.net.segment_delay(&mut self.chance)).sum()
        };
        let handshake = segments(2);
        let earliest = self.now + handshake + segments(1);
        let through = handshake + if first { 0 } else { segments(2) };
        // A node knows itself.
        let told = (!site.mute || from.slot == self.me.slot).then_some(self.id);
        let body = Body::Accept { to: there, from: id, id: told, two_way: !site.plain };
        let arrival = self.control(generation, from, earliest, body, world);
        if let Some(conn) = self.conns.get_mut(id) {
            conn.last = conn.last.max(arrival);
        }
        self.later(through, Happening::Through { id, life: self.me.life });
    }

    /// The handshake of a connection at the mailbox is over.
    pub(super) fn through(&mut self, id: ConnId, world: &mut World<'_>) {
        let me = self.me;
        let Some(conn) = self.conns.get_mut(id).filter(|conn| conn.stage == Stage::Opening) else {
            return;
        };
        conn.stage = Stage::Up;
        let (peer, two_way, generation) = (conn.peer, conn.two_way, conn.generation);
        let (key, other) = (conn.key, conn.other);
        let own_endpoint = world.net.told_on(NodeRef { generation, ..me }, other.slot);
        let Some(peer) = peer else { return };
        if let (Some(_), Some(key)) = (self.key, key) {
            if !self.lets_in(other.slot, None, Some(key), world) {
                // Not any more.
                return self.hang_up(id, world);
            }
            self.tell(Input::Proved { peer, conn: id, key }, world);
            if self.conns.get(id).is_none() {
                return;
            }
        }
        // Of others it need not be told.
        if two_way || self.chance.hit(MILLION / 2) {
            self.tell(Input::Connected { peer, conn: id, two_way, own_endpoint }, world);
        }
    }

    /// A dial is answered, with all handshakes.
    pub(super) fn answered(
        &mut self,
        id: ConnId,
        from: NodeRef,
        there: ConnId,
        (told, two_way): (Option<PeerId>, bool),
        world: &mut World<'_>,
    ) {
        let (now, me) = (self.now, self.me);
        let plain = world.net.place(me.slot).site.plain;
        let Some(conn) = self.conns.get_mut(id).filter(|conn| conn.stage == Stage::Opening) else {
            self.control(me.generation, from, 0, Body::Ended { to: there }, world);
            return;
        };
        conn.there = Some(there);
        conn.other = from;
        conn.last = now;
        conn.peer = conn.peer.or(told);
        let (peer, key) = (conn.peer, conn.key);
        if (told.is_some() && told != peer) || !self.lets_in(from.slot, told, key, world) {
            return self.fail(id, UnreachableReason::AnotherNode, world);
        }
        let Some(conn) = self.conns.get_mut(id) else { return };
        conn.stage = Stage::Up;
        conn.two_way = two_way && !plain && told.is_some();
        let (peer, two_way, generation) = (conn.peer, conn.two_way, conn.generation);
        let own_endpoint = world.net.told_on(NodeRef { generation, ..me }, from.slot);
        let up = match peer {
            Some(peer) => Input::Connected { peer, conn: id, two_way, own_endpoint },
            None => Input::ScoutUp { conn: id, own_endpoint },
        };
        self.tell(up, world);
    }

    /// Connections that have brought no HELLO in time are closed, as the driver does. One on which
    /// this node has spoken first is the engine's business.
    pub(super) fn close_useless(&mut self, world: &mut World<'_>) {
        while let Some(&(until, id)) = self.fresh.front()
            && until <= self.now
            && !self.asleep
        {
            self.fresh.pop_front();
            let Some(conn) = self.conns.get(id) else { continue };
            let hears = |engine: &Engine| conn.peer.is_some_and(|peer| engine.hears(peer, id));
            let heard = self.engine.as_ref().is_some_and(hears);
            if !heard && !conn.spoke {
                self.lose(id, Loss::Ended, world);
            }
        }
    }
}
