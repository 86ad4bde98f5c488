//! Which pairs of nodes have a right to an undisturbed life, and who is dead.

use std::collections::BTreeMap;

use super::net::pair;
use super::time::{Micros, SECOND};

/// After a disturbance has ended: longer than any wait of the protocol (30 s until a quiet peer is
/// given up, 32 s until one that was not reached is tried again) and TCP's repetitions.
pub(super) const SETTLE: Micros = 45 * SECOND;
/// Until a node whose connections were reset has exited everywhere.
pub(super) const DEAD: Micros = 8 * SECOND;
/// Until a node whose host has vanished has: 30 s and a little.
pub(super) const GONE: Micros = 38 * SECOND;
/// A forged beacon is late, and the answer takes a second.
const ANSWER: Micros = 4 * SECOND;
/// A disturbance that is shorter than this is not enough to give up a peer.
pub(super) const BEARABLE: Micros = 20 * SECOND;

/// What a disturbance excuses.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Harm {
    /// Nodes may meet and agree later.
    Delay,
    /// Peers may be given up as well.
    Loss,
}

/// Two disturbances that are closer than this are like one.
const CLOSE: Micros = 5 * SECOND;

/// When a disturbance begins and ends.
#[derive(Clone, Copy, Debug)]
pub(super) struct Time {
    pub(super) from: Micros,
    pub(super) until: Micros,
}

/// Until when disturbances last, and until when they may be felt.
#[derive(Clone, Copy, Debug, Default)]
struct Felt {
    lasts: Micros,
    delay: Micros,
    loss: Micros,
}

/// What has disturbed which node, and until when that may be felt.
#[derive(Debug)]
pub(super) struct Health {
    nodes: Vec<Felt>,
    /// Until when nobody need see a node that has started, or can be reached in another way than
    /// before. Who sees it must not exit it.
    fresh: Vec<Micros>,
    /// Until when peers may have connections to an old address of a node, which bring them no word
    /// of its end.
    unreachable: Vec<Micros>,
    /// Until when a node takes no messages, and queues to it may be full.
    deaf: Vec<Micros>,
    /// Until when a liar says goodbye for a node, with its key, and that it is elsewhere: it has to
    /// be able to answer.
    doubted: Vec<Micros>,
    pairs: BTreeMap<(u32, u32), Felt>,
    splits: Vec<(Vec<bool>, Felt)>,
    /// By host and life: when it died, and how long it may take to be noticed.
    dead: BTreeMap<(u32, u32), (Micros, Micros)>,
}

impl Felt {
    fn add(&mut self, until: Micros, harm: Harm) {
        self.lasts = self.lasts.max(until);
        self.delay = self.delay.max(until + SETTLE);
        if harm == Harm::Loss {
            self.loss = self.loss.max(until + SETTLE);
        }
    }

    const fn of(self, harm: Harm) -> Micros {
        match harm {
            Harm::Delay => self.delay,
            Harm::Loss => self.loss,
        }
    }
}

impl Health {
    pub(super) fn new(nodes: u32) -> Self {
        let (pairs, splits, dead) = (BTreeMap::new(), Vec::new(), BTreeMap::new());
        let none = vec![0; nodes as usize];
        let (fresh, unreachable) = (none.clone(), none.clone());
        let (deaf, doubted) = (none.clone(), none);
        let nodes = vec![Felt::default(); nodes as usize];
        Self { nodes, fresh, unreachable, deaf, doubted, pairs, splits, dead }
    }

    /// A node is disturbed, and for a while after.
    pub(super) fn node(&mut self, slot: u32, time: Time, harm: Harm) {
        for other in 0..self.nodes.len() as u32 {
            if other != slot {
                self.add_up(slot, other, time);
            }
        }
        self.nodes[slot as usize].add(time.until, harm);
    }

    /// One disturbance after the other may be too much, though each of them can be borne; and what
    /// is lost in one may be seen only after the other.
    fn add_up(&mut self, one: u32, other: u32, time: Time) {
        let nodes = [one, other].map(|slot| &self.nodes[slot as usize]).into_iter();
        let splits =
            self.splits.iter().filter(|(side, _)| side[one as usize] != side[other as usize]);
        let felt = nodes
            .chain(self.pairs.get(&pair(one, other)))
            .chain(splits.map(|(_, felt)| felt))
            .filter(|felt| time.from < (felt.lasts + CLOSE).max(felt.loss));
        if let Some(lasts) = felt.map(|felt| felt.lasts).max() {
            let until = time.until.max(lasts);
            self.pairs.entry(pair(one, other)).or_default().add(until, Harm::Loss);
        }
    }

    /// A node has started, or can be reached in another way.
    pub(super) fn started(&mut self, slot: u32, now: Micros) {
        self.fresh[slot as usize] = now + SETTLE;
    }

    /// A node takes no messages until then.
    pub(super) fn deaf(&mut self, slot: u32, until: Micros) {
        let deaf = &mut self.deaf[slot as usize];
        *deaf = (*deaf).max(until + SETTLE);
    }

    /// A liar says goodbye for a node until then.
    pub(super) fn doubt(&mut self, slot: u32, until: Micros) {
        let doubted = &mut self.doubted[slot as usize];
        *doubted = (*doubted).max(until + ANSWER);
    }

    /// Whether a node may just be asked whether it has gone.
    pub(super) fn is_doubted(&self, slot: u32, now: Micros) -> bool {
        now <= self.doubted[slot as usize]
    }

    /// A node has moved, and its peers may see that as late as then.
    pub(super) fn moved(&mut self, slot: u32, now: Micros, seen: Micros) {
        self.node(slot, Time { from: now, until: seen }, Harm::Loss);
        let until = &mut self.unreachable[slot as usize];
        *until = (*until).max(seen);
    }

    pub(super) fn pair(&mut self, one: u32, other: u32, time: Time, harm: Harm) {
        self.add_up(one, other, time);
        self.pairs.entry(pair(one, other)).or_default().add(time.until, harm);
    }

    pub(super) fn split(&mut self, side: Vec<bool>, time: Time, harm: Harm) {
        let hosts = side.len() as u32;
        let pairs = (0..hosts).flat_map(|one| (one + 1..hosts).map(move |other| (one, other)));
        let parted = pairs.filter(|(one, other)| side[*one as usize] != side[*other as usize]);
        let parted: Vec<(u32, u32)> = parted.collect();
        for (one, other) in parted {
            self.add_up(one, other, time);
        }
        let mut felt = Felt::default();
        felt.add(time.until, harm);
        self.splits.push((side, felt));
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
    fn way(&self, one: u32, other: u32, harm: Harm) -> Micros {
        let splits =
            self.splits.iter().filter(|(side, _)| side[one as usize] != side[other as usize]);
        let split = splits.map(|(_, felt)| felt.of(harm)).max().unwrap_or(0);
        let pair = self.pairs.get(&pair(one, other)).map_or(0, |felt| felt.of(harm));
        split.max(pair)
    }

    fn undisturbed(&self, one: u32, other: u32, now: Micros, harm: Harm) -> bool {
        let nodes = [one, other].map(|slot| self.nodes[slot as usize].of(harm));
        now > nodes[0].max(nodes[1]) && now > self.way(one, other, harm)
    }

    /// Whether two living nodes that can meet must see each other.
    pub(super) fn must_see(&self, one: u32, other: u32, now: Micros) -> bool {
        let fresh = self.fresh[one as usize].max(self.fresh[other as usize]);
        now > fresh && self.must_agree(one, other, now)
    }

    /// Whether two living nodes that see each other must know all of each other.
    pub(super) fn must_agree(&self, one: u32, other: u32, now: Micros) -> bool {
        self.undisturbed(one, other, now, Harm::Delay)
    }

    /// Whether two living nodes that see each other have a right to go on.
    pub(super) fn must_stay(&self, one: u32, other: u32, now: Micros) -> bool {
        self.undisturbed(one, other, now, Harm::Loss)
    }

    /// Whether the queue to a node, or the way there, has a reason to be full.
    pub(super) fn may_overflow(&self, one: u32, other: u32, now: Micros) -> bool {
        now <= self.deaf[one as usize].max(self.deaf[other as usize])
            || now <= self.way(one, other, Harm::Delay)
    }

    /// Whether nothing disturbs a node itself.
    pub(super) fn is_calm(&self, slot: u32, now: Micros) -> bool {
        now > self.nodes[slot as usize].delay.max(self.fresh[slot as usize])
    }

    /// Whether a living node must have noticed a death.
    pub(super) fn noticed(&self, viewer: u32, slot: u32, life: u32, now: Micros) -> bool {
        let Some((died, bound)) = self.death(slot, life) else { return false };
        now > died + bound
            && now > self.nodes[viewer as usize].delay.max(self.fresh[viewer as usize])
            && now > self.way(viewer, slot, Harm::Delay)
    }
}
