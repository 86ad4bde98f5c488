//! The mailbox: the connections that others have opened to a node; and how connections break.

use zre_proto::{ConnId, Content, Header, Input, PeerId};

use super::net::{Net, Reach};
use super::node::{Held, Node, World};
use super::queue::{Micros, SECOND};
use super::segment::{Body, Party, Segment};

/// As the driver: a connection that brings nothing good for so long is closed.
const USELESS: Micros = 5 * SECOND;

/// A link, from the side of the mailbox.
#[derive(Debug)]
pub(super) struct Conn {
    pub(super) peer: PeerId,
    /// Where it comes from.
    pub(super) from: Party,
    /// Its number there.
    pub(super) link: u32,
    /// Our address when it was opened.
    pub(super) generation: u8,
    pub(super) ended: bool,
}

impl Node {
    /// Something arrives at this host.
    pub(super) fn arrive(&mut self, segment: Segment, world: &mut World<'_>) {
        let Segment { from, to, body } = segment;
        let place = world.net.place(self.party.slot);
        if place.vanished || to.generation != place.generation {
            return;
        }
        self.counts.segments += 1;
        let runs = self.engine.is_some();
        if let Body::Open { link, port, peer } = body {
            if runs && port == place.port {
                self.accept(from, link, peer, world);
            } else {
                self.control(to.generation, from, 0, Body::Refuse { link }, world);
            }
            return;
        }
        if !runs || to.life != self.party.life {
            // The kernel answers for a process that is no more.
            let reset = match body {
                Body::Message { link, .. } => Body::Closed { link },
                Body::Accept { conn, .. } => Body::Hangup { conn },
                _ => return,
            };
            self.control(to.generation, from, 0, reset, world);
            return;
        }
        match body {
            Body::Accept { link, conn } => self.accepted(link, conn, from, world),
            Body::Refuse { link } | Body::Closed { link } => self.closed(link, world),
            Body::Message { conn, header, content, .. } => {
                if self.asleep {
                    if self.held.is_empty() {
                        self.tell(Input::Paused(true), world);
                    }
                    self.held.push_back(Held::Message { conn, header, content });
                } else {
                    self.message(conn, &header, content, world);
                }
            }
            Body::Hangup { conn } if self.held.is_empty() => self.lose_conn(conn, false, world),
            Body::Hangup { conn } => self.held.push_back(Held::Hangup { conn }),
            Body::Open { .. } => {}
        }
    }

    /// A connection is opened to the mailbox. The handshakes of TCP and ZMTP take one more round
    /// trip until the other side may send.
    fn accept(&mut self, from: Party, link: u32, peer: PeerId, world: &mut World<'_>) {
        let conn = self.conns.len() as u32;
        let generation = self.party.generation;
        self.conns.push(Conn { peer, from, link, generation, ended: false });
        self.fresh.push_back((self.now + USELESS, conn));
        let handshake: Micros =
            (0..2).map(|_| world.net.segment_delay(&mut self.chance)).sum::<Micros>();
        let earliest = self.now + handshake + world.net.segment_delay(&mut self.chance);
        self.control(generation, from, earliest, Body::Accept { link, conn }, world);
    }

    /// A message is read from the mailbox.
    fn message(&mut self, conn: u32, header: &Header, content: Content, world: &mut World<'_>) {
        let Some(from) = self.conns.get(conn as usize).filter(|conn| !conn.ended) else { return };
        let (peer, source) = (from.peer, Net::address(from.from.slot, from.from.generation));
        if world.rules.loses(self.now, self.party.slot, header, &mut self.app) {
            return;
        }
        let conn = Self::conn_id(conn);
        self.tell(Input::Message { peer, conn, source, header, content }, world);
    }

    /// The engine closes a mailbox connection.
    pub(super) fn close_mailbox(&mut self, conn: ConnId, world: &mut World<'_>) {
        let Ok(number) = u32::try_from(conn.0.saturating_sub(1)) else { return };
        self.end_conn(number, world);
    }

    /// Ends a connection at this side; the other side will see it. True: it was still there.
    fn end_conn(&mut self, number: u32, world: &mut World<'_>) -> bool {
        let conn = self.conns.get_mut(number as usize).filter(|conn| !conn.ended);
        let Some(conn) = conn else { return false };
        conn.ended = true;
        let (generation, from, link) = (conn.generation, conn.from, conn.link);
        self.control(generation, from, 0, Body::Closed { link }, world);
        true
    }

    /// A connection has ended, after all that it brought.
    pub(super) fn lose_conn(&mut self, number: u32, tell: bool, world: &mut World<'_>) {
        let Some(conn) = self.conns.get_mut(number as usize).filter(|conn| !conn.ended) else {
            return;
        };
        let peer = conn.peer;
        if tell {
            self.end_conn(number, world);
        } else {
            conn.ended = true;
        }
        let conn = Self::conn_id(number);
        self.tell(Input::MailboxLost { peer, conn }, world);
    }

    /// The connections for which this is true.
    pub(super) fn conns_where(&self, which: impl Fn(&Conn) -> bool) -> Vec<u32> {
        let found = (0..).zip(&self.conns).filter(|(_, conn)| !conn.ended && which(conn));
        found.map(|(number, _)| number).collect()
    }

    /// Connections that have brought no HELLO in time are closed, as the driver does.
    pub(super) fn close_useless(&mut self, world: &mut World<'_>) {
        while let Some(&(until, number)) =
            self.fresh.front().filter(|(until, _)| *until <= self.now)
        {
            self.fresh.pop_front();
            let _ = until;
            let Some(conn) = self.conns.get(number as usize) else { continue };
            let id = Self::conn_id(number);
            let useful = self.engine.as_ref().is_some_and(|engine| engine.hears(conn.peer, id));
            if !useful && !self.asleep {
                self.lose_conn(number, true, world);
            }
        }
    }

    /// The process ends, and the kernel all its connections.
    pub(super) fn hang_up_all(&mut self, world: &mut World<'_>) {
        for number in self.wires_where(|_| true) {
            self.hang_up(number, world);
        }
        for number in self.conns_where(|_| true) {
            self.end_conn(number, world);
        }
        // What cannot pass now never will: nobody is left who sends it.
        self.delayed.clear();
    }

    /// Connections that do not move for so long that TCP gives them up.
    pub(super) fn lose_cut_off(&mut self, world: &mut World<'_>) {
        let net = world.net;
        let me = self.party;
        let cut = |generation, other| {
            let here = Party { generation, ..me };
            net.reach(here, other) != Reach::Open || !net.lives(other)
        };
        let wires = self.wires_where(|wire| cut(wire.generation, wire.to));
        let conns = self.conns_where(|conn| cut(conn.generation, conn.from));
        self.lose(&wires, &conns, world);
    }

    /// A blockade has ended: what waits goes on; what has nobody at the other side any more breaks.
    pub(super) fn resume(&mut self, world: &mut World<'_>) {
        let net = world.net;
        let me = self.party;
        let orphan = |generation, other| {
            let here = Party { generation, ..me };
            net.reach(here, other) == Reach::Open && !net.lives(other)
        };
        let wires = self.wires_where(|wire| wire.up && orphan(wire.generation, wire.to));
        let conns = self.conns_where(|conn| orphan(conn.generation, conn.from));
        for number in self.wires_where(|wire| wire.up && !wire.waiting.is_empty()) {
            self.flush(number, world);
        }
        for Segment { from, to, body } in std::mem::take(&mut self.delayed) {
            // It must not overtake what was sent before on the same link.
            let last = match &body {
                Body::Hangup { conn } => self
                    .wires
                    .iter()
                    .filter(|wire| wire.to == to && wire.conn == *conn)
                    .map(|wire| wire.last)
                    .max(),
                _ => None,
            };
            self.control(from.generation, to, last.unwrap_or(0), body, world);
        }
        self.lose(&wires, &conns, world);
    }

    /// The connections with another host break, in both directions.
    pub(super) fn break_with(&mut self, with: u32, world: &mut World<'_>) {
        let wires = self.wires_where(|wire| wire.up && wire.to.slot == with);
        let conns = self.conns_where(|conn| conn.from.slot == with);
        self.lose(&wires, &conns, world);
    }

    /// All connections break.
    pub(super) fn lose_all(&mut self, world: &mut World<'_>) {
        let (wires, conns) = (self.wires_where(|_| true), self.conns_where(|_| true));
        self.lose(&wires, &conns, world);
    }

    fn lose(&mut self, wires: &[u32], conns: &[u32], world: &mut World<'_>) {
        // Nothing says which is seen first.
        let wires_first = self.chance.hit(super::chance::MILLION / 2);
        if wires_first {
            wires.iter().for_each(|number| self.lose_wire(*number, world));
        }
        conns.iter().for_each(|number| self.lose_conn(*number, true, world));
        if !wires_first {
            wires.iter().for_each(|number| self.lose_wire(*number, world));
        }
    }

    /// The application takes events again, and so the mailbox is read again.
    pub(super) fn wake(&mut self, world: &mut World<'_>) {
        self.asleep = false;
        self.run_app(world);
        if self.held.is_empty() {
            return;
        }
        self.tell(Input::Paused(false), world);
        for held in std::mem::take(&mut self.held) {
            match held {
                Held::Message { conn, header, content } => {
                    self.message(conn, &header, content, world);
                }
                Held::Hangup { conn } => self.lose_conn(conn, false, world),
            }
            self.run_app(world);
        }
    }
}
