//! Which pairs of nodes have a right to an undisturbed life, and who is dead.

use std::collections::BTreeMap;

use super::net::pair;
use super::queue::{Micros, SECOND};

/// After a disturbance has ended: longer than any wait of the protocol (30 s until a quiet peer is
/// given up, 8 s until one that has lost us is greeted again) and TCP's repetitions.
pub(super) const SETTLE: Micros = 45 * SECOND;
/// Until a node whose connections were reset has exited everywhere.
pub(super) const DEAD: Micros = 8 * SECOND;
/// Until a node whose host has vanished has: 30 s and a little.
pub(super) const GONE: Micros = 38 * SECOND;

/// What has disturbed whom, and until when that may be felt.
#[derive(Debug)]
pub(super) struct Health {
    nodes: Vec<Micros>,
    /// Until when a node that has started need not be seen by all. Who sees it must not exit it.
    fresh: Vec<Micros>,
    /// Until when peers may have connections to an old address of a node, which bring them no word
    /// of its end.
    unreachable: Vec<Micros>,
    pairs: BTreeMap<(u32, u32), Micros>,
    splits: Vec<(Vec<bool>, Micros)>,
    /// By host and life: when it died, and how long it may take to be noticed.
    dead: BTreeMap<(u32, u32), (Micros, Micros)>,
}

impl Health {
    pub(super) fn new(nodes: u32) -> Self {
        let (pairs, splits, dead) = (BTreeMap::new(), Vec::new(), BTreeMap::new());
        let none = vec![0; nodes as usize];
        let (fresh, unreachable) = (none.clone(), none.clone());
        Self { nodes: none, fresh, unreachable, pairs, splits, dead }
    }

    /// A node is disturbed until then, and for a while after.
    pub(super) fn node(&mut self, slot: u32, until: Micros) {
        let node = &mut self.nodes[slot as usize];
        *node = (*node).max(until + SETTLE);
    }

    /// A node has started.
    pub(super) fn started(&mut self, slot: u32, now: Micros) {
        self.fresh[slot as usize] = now + SETTLE;
    }

    /// A node has moved, and its peers may see that as late as then.
    pub(super) fn moved(&mut self, slot: u32, seen: Micros) {
        self.node(slot, seen);
        let until = &mut self.unreachable[slot as usize];
        *until = (*until).max(seen);
    }

    pub(super) fn pair(&mut self, one: u32, other: u32, until: Micros) {
        let pair = self.pairs.entry(pair(one, other)).or_default();
        *pair = (*pair).max(until + SETTLE);
    }

    pub(super) fn split(&mut self, side: Vec<bool>, until: Micros) {
        self.splits.push((side, until + SETTLE));
    }

    pub(super) fn died(&mut self, slot: u32, life: u32, at: Micros, bound: Micros) {
        let known = at >= self.unreachable[slot as usize];
        let bound = if known { bound } else { bound.max(GONE) };
        self.dead.entry((slot, life)).or_insert((at, bound));
    }

    /// When a node died, if it did.
    pub(super) fn death(&self, slot: u32, life: u32) -> Option<(Micros, Micros)> {
        self.dead.get(&(slot, life)).copied()
    }

    /// Until when the way between two nodes is disturbed, themselves left aside.
    fn way(&self, one: u32, other: u32) -> Micros {
        let splits =
            self.splits.iter().filter(|(side, _)| side[one as usize] != side[other as usize]);
        let split = splits.map(|(_, until)| *until).max().unwrap_or(0);
        split.max(self.pairs.get(&pair(one, other)).copied().unwrap_or(0))
    }

    /// Whether two living nodes must see each other.
    pub(super) fn see(&self, one: u32, other: u32, now: Micros) -> bool {
        let fresh = self.fresh[one as usize].max(self.fresh[other as usize]);
        now > fresh && self.healthy(one, other, now)
    }

    /// Whether two living nodes that see each other have a right to go on.
    pub(super) fn healthy(&self, one: u32, other: u32, now: Micros) -> bool {
        let nodes = self.nodes[one as usize].max(self.nodes[other as usize]);
        now > nodes && now > self.way(one, other)
    }

    /// Whether a living node must have noticed a death.
    pub(super) fn noticed(&self, viewer: u32, slot: u32, life: u32, now: Micros) -> bool {
        let Some((died, bound)) = self.death(slot, life) else { return false };
        now > died + bound
            && now > self.nodes[viewer as usize].max(self.fresh[viewer as usize])
            && now > self.way(viewer, slot)
    }
}
