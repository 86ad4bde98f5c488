//! How connections end.

use zre_proto::{ConnId, Input, Loss, UnreachableReason};

use super::conn::{Conn, Stage, lost};
use super::{Held, Node, World};
use crate::sim::chance::MILLION;
use crate::sim::net::Reach;
use crate::sim::queue::{Cut, Happening};
use crate::sim::segment::{Body, NodeRef, Segment};
use crate::sim::time::{MILLI, Micros};

/// What a broken connection still brings comes within this time.
const STILL_READ: Micros = 300 * MILLI;

impl Node {
    /// Ends a connection at this side; the other side will see it, after what was sent before.
    pub(super) fn hang_up(&mut self, id: ConnId, world: &mut World<'_>) {
        let Some(conn) = self.conns.get_mut(id) else { return };
        conn.stage = Stage::Ended;
        conn.waiting = Vec::new();
        if let Some(there) = conn.there {
            let (generation, other, last) = (conn.generation, conn.other, conn.last);
            self.control(generation, other, last, Body::Ended { to: there }, world);
        }
    }

    /// A connection is lost, and the engine is told.
    pub(super) fn lose(&mut self, id: ConnId, why: Loss, world: &mut World<'_>) {
        let Some(conn) = self.conns.get(id) else { return };
        let peer = conn.peer;
        self.hang_up(id, world);
        self.tell(lost(peer, id, why), world);
    }

    /// Nothing can be sent any more on a connection; if it is two-way, the engine is told.
    pub(super) fn break_writing(&mut self, id: ConnId, world: &mut World<'_>) {
        let Some(conn) = self.conns.get_mut(id).filter(|it| it.is_up() && it.two_way) else {
            return;
        };
        conn.stage = Stage::Broken;
        conn.waiting = Vec::new();
        if let Some(peer) = conn.peer {
            self.tell(Input::Broken { peer, conn: id }, world);
        }
    }

    /// The process ends, and the kernel all its connections.
    pub(super) fn hang_up_all(&mut self, world: &mut World<'_>) {
        for id in self.conns.those(|_| true) {
            self.hang_up(id, world);
        }
        // What cannot pass now never will: nobody is left who sends it.
        self.delayed.clear();
    }

    /// Loses connections that have not moved until TCP gives them up.
    pub(super) fn lose_cut_off(&mut self, cut: Cut, world: &mut World<'_>) {
        let (net, me) = (world.net, self.me);
        let is_cut = |conn: &Conn| {
            let (here, there) = (NodeRef { generation: conn.generation, ..me }, conn.other);
            let never = net.reach(here, there) == Reach::Never || !net.lives(there);
            match cut {
                Cut::Way(slot) => slot == there.slot && !net.works(here, there),
                Cut::Host(slot) => slot == there.slot && never,
                Cut::Here => never,
                Cut::Network => !net.connects(here.slot, there.slot),
            }
        };
        let those = self.conns.those(|conn| conn.there.is_some() && is_cut(conn));
        self.lose_all_of(&those, world);
    }

    /// A blockade has ended: what waits goes on; what has nobody at the other side any more breaks.
    pub(super) fn resume(&mut self, world: &mut World<'_>) {
        let (net, me) = (world.net, self.me);
        let orphan = |conn: &Conn| {
            let here = NodeRef { generation: conn.generation, ..me };
            conn.there.is_some() && net.works(here, conn.other) && !net.lives(conn.other)
        };
        let orphans = self.conns.those(orphan);
        for (not_before, Segment { from, to, body }) in std::mem::take(&mut self.delayed) {
            let accepted = if let Body::Accept { from, .. } = body { Some(from) } else { None };
            let arrival = self.control(from.generation, to, not_before, body, world);
            if let Some(conn) = accepted.and_then(|id| self.conns.get_mut(id)) {
                conn.last = conn.last.max(arrival);
            }
        }
        for id in self.conns.those(|conn| !conn.waiting.is_empty()) {
            self.flush(id, world);
        }
        self.lose_all_of(&orphans, world);
    }

    /// The connections with another host break.
    pub(super) fn break_with(&mut self, with: u32, world: &mut World<'_>) {
        let those = self.conns.those(|conn| conn.there.is_some() && conn.other.slot == with);
        self.lose_all_of(&those, world);
    }

    /// All connections break.
    pub(super) fn lose_all(&mut self, world: &mut World<'_>) {
        let all = self.conns.those(|_| true);
        self.lose_all_of(&all, world);
    }

    fn lose_all_of(&mut self, those: &[ConnId], world: &mut World<'_>) {
        // Nothing says which is seen first.
        let mut those = those.to_vec();
        if self.chance.hit(MILLION / 2) {
            those.reverse();
        }
        for id in those {
            if self.chance.hit(MILLION / 2) {
                self.end_of_reading(id, world);
                continue;
            }
            // What was under way may still come.
            self.break_writing(id, world);
            let broken = self.conns.get(id).is_some_and(|conn| conn.stage == Stage::Broken);
            let wait = if broken { self.chance.below(STILL_READ) } else { 0 };
            self.later(wait, Happening::Lost { id, life: self.me.life });
        }
    }

    /// The other side has ended a connection, or does not know it.
    pub(super) fn ended(&mut self, id: ConnId, world: &mut World<'_>) {
        if self.chance.hit(MILLION / 4) {
            self.break_writing(id, world);
        }
        self.end_of_reading(id, world);
    }

    /// A connection brings nothing any more. A node that does not read sees that nothing can be
    /// sent any more, and reads later what came before.
    pub(super) fn end_of_reading(&mut self, id: ConnId, world: &mut World<'_>) {
        let Some(conn) = self.conns.get(id) else { return };
        let dialled = matches!(id, ConnId::Dialled(_));
        let reads = !dialled || conn.two_way;
        if reads && !self.held.is_empty() {
            self.break_writing(id, world);
            self.held.push_back(Held::Ended { conn: id });
        } else if dialled && conn.stage == Stage::Opening {
            self.lose(id, Loss::Failed(UnreachableReason::Refused), world);
        } else {
            self.lose(id, Loss::Ended, world);
        }
    }

    /// The application takes events again, and so connections are read again.
    pub(super) fn wake(&mut self, world: &mut World<'_>) {
        self.asleep = false;
        self.woken = self.now;
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
                Held::Ended { conn } => self.lose(conn, Loss::Ended, world),
            }
            self.run_app(world);
        }
    }
}
