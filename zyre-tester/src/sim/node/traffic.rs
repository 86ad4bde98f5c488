//! What passes on connections, in both directions.

use testkit::ledger::Rule;
use zre_proto::{ConnId, Content, Header, Input, PeerId, UnreachableReason};

use super::conn::Stage;
use super::{Held, Node, World};
use crate::sim::net::Reach;
use crate::sim::segment::{Body, NodeRef, Segment};
use crate::sim::time::{MILLI, Micros};

/// How often a part of a message that takes long arrives.
const PARTS: Micros = 400 * MILLI;
/// What takes longer than this on its way does not fit into the kernel.
const IN_KERNEL: Micros = 2_000 * MILLI;

impl Node {
    /// Something arrives at this host.
    pub(super) fn arrive(&mut self, segment: Segment, world: &mut World<'_>) {
        let Segment { from, to, body } = segment;
        let place = world.net.place(self.me.slot);
        if place.vanished || to.generation != place.generation {
            return;
        }
        self.counts.segments += 1;
        let runs = self.engine.is_some();
        if let Body::Open { from: there, port, peer, two_way, keys } = body {
            let why = if !runs || port != place.port {
                UnreachableReason::Refused
            } else if !self.admits(from, peer, keys, world) {
                UnreachableReason::AnotherNode
            } else {
                return self.accept(from, there, (peer, keys.own), two_way, world);
            };
            self.control(to.generation, from, 0, Body::Refuse { to: there, why }, world);
            return;
        }
        if !runs || to.life != self.me.life {
            // The kernel answers for a process that is no more.
            if let Body::Message { from: there, .. } | Body::Accept { from: there, .. } = body {
                self.control(to.generation, from, 0, Body::Ended { to: there }, world);
            }
            return;
        }
        match body {
            Body::Accept { to, from: there, id, two_way } => {
                self.answered(to, from, there, (id, two_way), world);
            }
            Body::Refuse { to, why } => self.fail(to, why, world),
            Body::Part { to } => {
                let read = !self.asleep;
                self.conns.get_mut(to).into_iter().for_each(|conn| conn.received |= read);
            }
            Body::Message { to, header, content, .. } => {
                if self.asleep {
                    if self.held.is_empty() {
                        self.tell(Input::Paused(true), world);
                    }
                    self.held.push_back(Held::Message { conn: to, header, content });
                } else {
                    self.message(to, &header, content, world);
                }
            }
            Body::Ended { to } => self.ended(to, world),
            Body::Open { .. } => {}
        }
    }

    /// A message is read.
    pub(super) fn message(
        &mut self,
        id: ConnId,
        header: &Header,
        content: Content,
        world: &mut World<'_>,
    ) {
        if let ConnId::Accepted(_) = id {
            // Nobody speaks before the handshake is over.
            self.through(id, world);
        }
        let Some(conn) = self.conns.get(id).filter(|conn| conn.stage != Stage::Opening) else {
            return;
        };
        let (Some(peer), other, key) = (conn.peer, conn.other, conn.key) else { return };
        if world.net.is_liar(self.me.slot)
            && !world.net.is_liar(other.slot)
            && !content.frames().is_empty()
        {
            self.object(Rule::Keys, Some(peer), "a liar is told what is not for it".into());
        }
        let source = world.net.told_on(other, self.me.slot).address();
        if world.rules.loses(self.now, self.me.slot, header, &mut self.app.sabotaged) {
            return;
        }
        self.speaks = Some((peer, key));
        self.tell(Input::Message { peer, conn: id, source, header, content }, world);
        self.speaks = None;
    }

    /// The engine sends a message. Returns the connection if its queue is full.
    pub(super) fn send(
        &mut self,
        id: ConnId,
        header: Header,
        content: Content,
        world: &mut World<'_>,
    ) -> Option<(Option<PeerId>, ConnId)> {
        let me = self.me.slot;
        let conn = self.conns.get_mut(id).filter(|conn| conn.is_up())?;
        if world.net.is_mute(me) {
            return None;
        }
        let (to, key) = (conn.peer, conn.key);
        if !content.frames().is_empty() && self.is_wrong(to, key, world) {
            let what = format!("it is sent what goes to the key {key:?}");
            self.object(Rule::Keys, to, what);
        }
        let conn = self.conns.get_mut(id)?;
        conn.spoke = true;
        if conn.waiting.is_empty() {
            return self.transmit(id, header, content, world);
        }
        conn.queue(header, content).then_some((conn.peer, id))
    }

    /// Puts a message on the way. Returns the connection if it cannot, and its queue is full.
    fn transmit(
        &mut self,
        id: ConnId,
        header: Header,
        content: Content,
        world: &mut World<'_>,
    ) -> Option<(Option<PeerId>, ConnId)> {
        let (me, now, net) = (self.me, self.now, world.net);
        let conn = self.conns.get_mut(id)?;
        let there = conn.there?;
        let from = NodeRef { generation: conn.generation, ..me };
        let (to, peer) = (conn.other, conn.peer);
        if net.reach(from, to) != Reach::Open {
            return conn.queue(header, content).then_some((peer, id));
        }
        let begins = conn.last.max(now + net.segment_delay(&mut self.chance));
        let arrival = begins + net.wire_time(from.slot, to.slot, &mut self.chance);
        conn.last = arrival;
        self.counts.message(&header, &content);
        if !net.is_liar(from.slot) && !net.is_liar(to.slot) {
            // A node that is refused is met again and again, as long as it says that it is there.
            let amid_lies = self.key.is_some();
            self.app.greets(now, to, peer.unwrap_or(self.id), &header, amid_lies);
        }
        let parts = (1..).map(|part| begins + part * PARTS).take_while(|at| *at < arrival);
        for at in parts {
            let tie = self.tie();
            world.post.segment(at, tie, Segment { from, to, body: Body::Part { to: there } });
        }
        let tie = self.tie();
        let body = Body::Message { to: there, from: id, header, content };
        world.post.segment(arrival, tie, Segment { from, to, body });
        None
    }

    /// Sends what waits, as far as it can pass.
    pub(super) fn flush(&mut self, id: ConnId, world: &mut World<'_>) {
        let Some(conn) = self.conns.get_mut(id) else { return };
        for (header, content) in std::mem::take(&mut conn.waiting) {
            // What does not pass waits again, and was in the queue before.
            let _ = self.transmit(id, header, content, world);
        }
    }

    /// Sends something that is not content: if it cannot pass now, then when it can. Returns when
    /// it arrives.
    pub(super) fn control(
        &mut self,
        generation: u8,
        to: NodeRef,
        not_before: Micros,
        body: Body,
        world: &mut World<'_>,
    ) -> Micros {
        let segment = Segment { from: NodeRef { generation, ..self.me }, to, body };
        match world.net.reach(segment.from, to) {
            Reach::Open => {
                let arrival = self.now + world.net.segment_delay(&mut self.chance);
                let arrival = arrival.max(not_before);
                let tie = self.tie();
                world.post.segment(arrival, tie, segment);
                arrival
            }
            Reach::Blocked => {
                self.delayed.push((not_before, segment));
                not_before
            }
            Reach::Never => not_before,
        }
    }

    /// Before the engine decides about peers: tells it on which of their connections bytes have
    /// moved.
    pub(super) fn tell_progress(&mut self, world: &mut World<'_>) {
        let now = world.net.instant(self.now);
        let due = self.engine.as_ref().map(|engine| engine.due(now)).unwrap_or_default();
        for (peer, id) in due {
            let Some(conn) = self.conns.get_mut(id) else { continue };
            let received = std::mem::take(&mut conn.received);
            // On a slow way the kernel takes one after the other.
            let sent = conn.waiting.is_empty() && conn.last > self.now + IN_KERNEL;
            if received || sent {
                self.counts.progress += 1;
                self.tell(Input::Progress { peer, conn: id, received, sent }, world);
            }
        }
    }
}
