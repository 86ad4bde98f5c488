//! A link: the connection that a node has opened to the mailbox of another.

use zre_proto::{Content, Endpoint, Header, Input, LinkId, PeerId};

use super::net::Reach;
use super::node::{Node, World};
use super::queue::{Happening, Micros, SECOND};
use super::segment::{Body, Party, Segment};

/// What the kernel takes of a connection that does not move.
const KERNEL: usize = 256 * 1024;
/// As the outbox of the `zmtp` crate: messages that wait for one peer.
const OUTBOX: usize = 1000;
/// As the driver: how long connecting may take.
const DIAL: Micros = 5 * SECOND;

/// A link, from the side that opened it.
#[derive(Debug)]
pub(super) struct Wire {
    pub(super) peer: PeerId,
    /// Where it goes.
    pub(super) to: Party,
    pub(super) port: u16,
    /// Our address when it was opened.
    pub(super) generation: u8,
    pub(super) up: bool,
    /// Closed or lost, as the engine knows.
    pub(super) ended: bool,
    /// Its number at the other side, once it is up.
    pub(super) conn: u32,
    /// When it was opened; later, when the last thing on it arrives: nothing overtakes.
    pub(super) last: Micros,
    /// What could not be sent yet.
    pub(super) waiting: Vec<(Header, Content)>,
}

impl Node {
    /// The engine wants a link.
    pub(super) fn open(
        &mut self,
        peer: PeerId,
        link: LinkId,
        endpoint: Endpoint,
        world: &mut World<'_>,
    ) {
        self.counts.connects += 1;
        let nowhere = Party { slot: self.party.slot, life: u32::MAX, generation: u8::MAX };
        let (to, port) = world.net.host(endpoint).unwrap_or((nowhere, 0));
        let wire = Wire {
            peer,
            to,
            port,
            generation: self.party.generation,
            up: false,
            ended: false,
            conn: 0,
            last: self.now,
            waiting: Vec::new(),
        };
        let number = self.wires.len() as u32;
        debug_assert_eq!(link, Self::link_id(number), "links are numbered without gaps");
        self.wires.push(wire);
        self.dial(number, world);
    }

    /// The engine counts its links from 1.
    const fn link_id(number: u32) -> LinkId {
        LinkId(number as u64 + 1)
    }

    fn wire(&mut self, link: LinkId) -> Option<(u32, &mut Wire)> {
        let number = u32::try_from(link.0.checked_sub(1)?).ok()?;
        let wire = self.wires.get_mut(number as usize).filter(|wire| !wire.ended)?;
        Some((number, wire))
    }

    /// Tries to reach the host of a link: again after a second, and after two more.
    pub(super) fn dial(&mut self, number: u32, world: &mut World<'_>) {
        let Some(wire) = self.wires.get(number as usize).filter(|wire| !wire.ended) else { return };
        let tried = self.now - wire.last;
        let from = Party { generation: wire.generation, ..self.party };
        if tried >= DIAL {
            return self.lose_wire(number, world);
        }
        if world.net.reach(from, wire.to) == Reach::Open {
            let body = Body::Open { link: number, port: wire.port, peer: self.id };
            let (generation, to) = (wire.generation, wire.to);
            self.control(generation, to, 0, body, world);
        } else {
            let wait = if tried == 0 { SECOND } else { (2 * tried).min(DIAL - tried) };
            self.later(wait, Happening::Redial { link: number, life: self.party.life });
        }
    }

    /// A link is connected, with its handshakes.
    pub(super) fn accepted(&mut self, number: u32, conn: u32, from: Party, world: &mut World<'_>) {
        let now = self.now;
        let wire = self.wires.get_mut(number as usize);
        let Some(wire) = wire.filter(|wire| !wire.ended && !wire.up) else {
            let generation = self.party.generation;
            self.control(generation, from, 0, Body::Hangup { conn }, world);
            return;
        };
        wire.up = true;
        wire.conn = conn;
        wire.last = now;
        wire.to = from;
        let peer = wire.peer;
        self.flush(number, world);
        self.tell(Input::LinkUp { peer, link: Self::link_id(number) }, world);
    }

    /// The engine sends a message. Returns the link if its queue is full.
    pub(super) fn send(
        &mut self,
        link: LinkId,
        header: Header,
        content: Content,
        world: &mut World<'_>,
    ) -> Option<(PeerId, LinkId)> {
        let (number, wire) = self.wire(link)?;
        if wire.up && wire.waiting.is_empty() {
            return self.transmit(number, header, content, world);
        }
        wire.queue(header, content).then_some((wire.peer, link))
    }

    /// Puts a message on the way. Returns the link if it cannot, and its queue is full.
    fn transmit(
        &mut self,
        number: u32,
        header: Header,
        content: Content,
        world: &mut World<'_>,
    ) -> Option<(PeerId, LinkId)> {
        let wire = &mut self.wires[number as usize];
        let from = Party { generation: wire.generation, ..self.party };
        if world.net.reach(from, wire.to) != Reach::Open {
            return wire.queue(header, content).then_some((wire.peer, Self::link_id(number)));
        }
        let arrival = self.now + world.net.segment_delay(&mut self.chance);
        wire.last = wire.last.max(arrival);
        let (to, conn, last) = (wire.to, wire.conn, wire.last);
        self.counts.message(&header, &content);
        self.app.greets(self.now, to, wire.peer, &header);
        let tie = self.tie();
        let body = Body::Message { conn, link: number, header, content };
        world.post.segment(last, tie, Segment { from, to, body });
        None
    }

    /// Sends what waits, as far as it can pass.
    pub(super) fn flush(&mut self, number: u32, world: &mut World<'_>) {
        let waiting = std::mem::take(&mut self.wires[number as usize].waiting);
        for (header, content) in waiting {
            // What does not pass waits again, and was in the queue before.
            let _ = self.transmit(number, header, content, world);
        }
    }

    /// The engine closes a link.
    pub(super) fn close_link(&mut self, link: LinkId, world: &mut World<'_>) {
        if let Some((number, _)) = self.wire(link) {
            self.hang_up(number, world);
        }
    }

    /// Ends a link at this side; the other side will see it.
    pub(super) fn hang_up(&mut self, number: u32, world: &mut World<'_>) {
        let wire = &mut self.wires[number as usize];
        wire.ended = true;
        wire.waiting = Vec::new();
        if wire.up {
            let (generation, to, conn, last) = (wire.generation, wire.to, wire.conn, wire.last);
            self.control(generation, to, last, Body::Hangup { conn }, world);
        }
    }

    /// A link is lost, and the engine is told.
    pub(super) fn lose_wire(&mut self, number: u32, world: &mut World<'_>) {
        let Some(wire) = self.wires.get(number as usize).filter(|wire| !wire.ended) else { return };
        let peer = wire.peer;
        self.hang_up(number, world);
        let link = Self::link_id(number);
        self.tell(Input::LinkLost { peer, link, overflow: false }, world);
    }

    /// The other side has closed a link, refused it, or does not know it.
    pub(super) fn closed(&mut self, number: u32, world: &mut World<'_>) {
        if let Some(wire) = self.wires.get_mut(number as usize) {
            // Nobody is there to be told.
            wire.up = false;
        }
        self.lose_wire(number, world);
    }

    /// The links for which this is true.
    pub(super) fn wires_where(&self, which: impl Fn(&Wire) -> bool) -> Vec<u32> {
        let found = (0..).zip(&self.wires).filter(|(_, wire)| !wire.ended && which(wire));
        found.map(|(number, _)| number).collect()
    }

    /// Links that could not be connected in time.
    pub(super) fn lose_dials(&mut self, world: &mut World<'_>) {
        let now = self.now;
        for number in self.wires_where(|wire| !wire.up && now - wire.last >= DIAL) {
            self.lose_wire(number, world);
        }
    }
}

impl Wire {
    /// Lets a message wait. True: there is no room, and it was dropped.
    fn queue(&mut self, header: Header, content: Content) -> bool {
        if self.waiting.len() >= OUTBOX {
            let size = |(header, content): &(Header, Content)| header.len() + content.octets() + 4;
            let mut room = if self.up { KERNEL } else { 0 };
            let taken = self.waiting.iter().map(size).take_while(|size| {
                let fits = *size <= room;
                room = room.saturating_sub(*size);
                fits
            });
            if self.waiting.len() - taken.count() >= OUTBOX {
                return true;
            }
        }
        self.waiting.push((header, content));
        false
    }
}
