//! One run: faults come at their times, and between them nodes live.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use zre_proto::{Action, Config, Engine, PeerId};

use super::app::App;
use super::chance::{Chance, Digest, MILLION};
use super::check::Checks;
use super::counts::Counts;
use super::crew::Crew;
use super::faults::{Back, Fault, How, Kind, Seen};
use super::health::{DEAD, GONE};
use super::identity;
use super::net::{Net, Partition, Terms};
use super::queue::{Happening, MILLI, Micros, SECOND};
use super::rules::{HUSH, MINUTE, Rules};
use super::segment::Party;
use crate::ledger::Violation;

/// The first port of mailboxes.
const PORT: u16 = 0xC000;
/// After a stop the process is gone for sure.
const STOPPED: Micros = 1_100 * MILLI;
/// Dials that hang are over by then.
const DIALED: Micros = 6 * SECOND;

/// What is to be simulated.
#[derive(Clone, Debug)]
pub(super) struct Setup {
    pub(super) nodes: u32,
    pub(super) terms: Terms,
    pub(super) rules: Rules,
    /// Nodes start within this time.
    pub(super) spread: Micros,
    pub(super) threads: usize,
    /// The run is over when all see all.
    pub(super) until_mesh: bool,
    /// The run is over at the first violation.
    pub(super) until_violation: bool,
    /// The run is over then, though its rules think of a later end.
    pub(super) cut: Micros,
    /// A node, and a peer that it has kept a history of.
    pub(super) watched: Option<(PeerId, PeerId)>,
}

/// What came out.
#[derive(Debug)]
pub(super) struct Outcome {
    pub(super) digest: Digest,
    /// How far it came.
    pub(super) time: Micros,
    /// When all nodes saw all others.
    pub(super) mesh: Option<Micros>,
    /// What was counted until then, and at the end.
    pub(super) at_mesh: Option<Counts>,
    pub(super) counts: Counts,
    pub(super) violations: Vec<Violation>,
    pub(super) faults: usize,
    pub(super) agreed: u64,
    /// The history of the pair that was watched.
    pub(super) other_side: Vec<String>,
    pub(super) wall: Duration,
    pub(super) interrupted: bool,
}

/// What comes from outside, between two windows of time.
#[derive(Clone, Copy, Debug)]
enum Outside {
    Start {
        slot: u32,
        back: Back,
    },
    Fault(usize),
    Gone {
        slot: u32,
        life: u32,
    },
    Heal(u32),
    Look,
    Agree,
    /// One node joins a group.
    Join,
}

/// A run on its way.
struct Run<'a> {
    setup: &'a Setup,
    faults: &'a [Fault],
    crew: &'a Crew,
    checks: Checks,
    chance: Chance,
    agenda: BTreeMap<(Micros, u32), Outside>,
    count: u32,
    now: Micros,
    starts: u32,
    mesh: Option<Micros>,
    at_mesh: Option<Counts>,
    happened: usize,
}

/// Shows a person how far it is.
pub(super) trait Watch {
    fn progress(&mut self, now: Micros, present: i64, violations: usize);
}

/// Runs it.
pub(super) fn run(
    setup: &Setup,
    faults: &[Fault],
    stop: &AtomicBool,
    watch: &mut dyn Watch,
) -> Outcome {
    let wall = Instant::now();
    let net = Net::new(setup.terms.clone(), setup.nodes);
    let crew = Crew::new(net, setup.rules.clone(), setup.threads);
    std::thread::scope(|scope| {
        for number in 1..setup.threads {
            let crew = &crew;
            scope.spawn(move || crew.work(number));
        }
        let mut run = Run::new(setup, faults, &crew);
        let interrupted = run.go(stop, watch);
        let outcome = run.finish(wall, interrupted);
        crew.dismiss();
        outcome
    })
}

impl<'a> Run<'a> {
    fn new(setup: &'a Setup, faults: &'a [Fault], crew: &'a Crew) -> Self {
        let mut run = Self {
            setup,
            faults,
            crew,
            checks: Checks::new(setup.nodes),
            chance: Chance::of(setup.rules.seed, 4, 0),
            agenda: BTreeMap::new(),
            count: 0,
            now: 0,
            starts: setup.nodes,
            mesh: None,
            at_mesh: None,
            happened: 0,
        };
        for slot in 0..setup.nodes {
            let at = run.chance.below(setup.spread.max(1));
            run.plan(at, Outside::Start { slot, back: Back::Same });
        }
        for (number, fault) in faults.iter().enumerate() {
            run.plan(fault.at, Outside::Fault(number));
        }
        let end = setup.rules.end;
        if setup.rules.ledger {
            (1..=end / SECOND).for_each(|n| run.plan(n * SECOND - 1, Outside::Look));
            let minutes = (1..=end / MINUTE).map(|n| n * MINUTE - MILLI);
            let last = end.saturating_sub(MILLI);
            minutes.chain([last]).for_each(|at| run.plan(at, Outside::Agree));
        } else {
            run.plan(end.saturating_sub(2 * SECOND), Outside::Join);
        }
        run
    }

    fn plan(&mut self, at: Micros, what: Outside) {
        self.count += 1;
        self.agenda.insert((at, self.count), what);
    }

    /// Until the end, or until it is interrupted: then true.
    fn go(&mut self, stop: &AtomicBool, watch: &mut dyn Watch) -> bool {
        let end = self.setup.rules.end.min(self.setup.cut);
        let window = self.setup.terms.delay.0.max(1);
        let mut shown = Instant::now();
        loop {
            let (next, present) = self.crew.next();
            self.look_for_mesh(present);
            let planned = self.agenda.first_key_value().map_or(end, |((at, _), _)| *at).min(end);
            let over = next.min(planned) >= end
                || (self.setup.until_mesh && self.mesh.is_some())
                || (self.setup.until_violation && !self.checks.violations.is_empty());
            if over {
                return false;
            }
            if planned <= next {
                self.now = planned;
                if let Some((_, outside)) = self.agenda.pop_first() {
                    self.happen(outside);
                }
            } else {
                self.now = next;
                self.crew.step((next + window).min(planned));
            }
            if shown.elapsed() > Duration::from_millis(200) {
                shown = Instant::now();
                watch.progress(self.now, present, self.checks.violations.len());
                if stop.load(Ordering::Relaxed) {
                    return true;
                }
            }
        }
    }

    fn look_for_mesh(&mut self, present: i64) {
        let nodes = i64::from(self.setup.nodes);
        if self.mesh.is_none() && self.starts == 0 && present == nodes * (nodes - 1) {
            let all = self.crew.all();
            let last = (0..self.setup.nodes).map(|slot| all.node(slot).app.last_enter).max();
            self.mesh = last;
            self.at_mesh = Some(self.counts(&all));
        }
    }

    fn counts(&self, all: &super::crew::All<'_>) -> Counts {
        let mut counts = Counts::default();
        for node in (0..self.setup.nodes).map(|slot| all.node(slot)) {
            counts.add(&node.counts);
            if let Some(engine) = &node.engine {
                counts.add_engine(&engine.stats());
            }
        }
        counts
    }

    fn happen(&mut self, outside: Outside) {
        match outside {
            Outside::Start { slot, back } => self.start(slot, back),
            Outside::Fault(number) => {
                self.checks.look(self.crew, self.now);
                let kind = self.faults[number].kind.clone();
                self.fault(number as u32, &kind);
            }
            Outside::Gone { slot, life } => {
                let mut net = self.crew.net_mut();
                let place = &mut net.places[slot as usize];
                place.alive &= place.life != life;
            }
            Outside::Heal(fault) => self.heal(fault),
            Outside::Look => self.checks.look(self.crew, self.now),
            Outside::Join => {
                let now = self.now;
                self.crew.at(0, |node, world| {
                    node.now = now;
                    // A short name is not refused.
                    let _ = node.act(Action::Join("group-1"), world);
                });
            }
            Outside::Agree => {
                self.checks.look(self.crew, self.now);
                self.checks.agree(self.crew, self.now);
            }
        }
    }

    fn start(&mut self, slot: u32, back: Back) {
        let seed = self.setup.rules.seed;
        let (party, id, endpoint) = {
            let mut net = self.crew.net_mut();
            let place = &mut net.places[slot as usize];
            if place.alive {
                return;
            }
            place.life += 1;
            place.alive = true;
            place.vanished = false;
            match back {
                _ if place.port == 0 => place.port = PORT,
                Back::Same => {}
                Back::Port => place.port = place.port.checked_add(1).unwrap_or(PORT),
                Back::Address => place.generation = place.generation.wrapping_add(1),
            }
            let party = Party { slot, life: place.life, generation: place.generation };
            let id = identity::of(seed, slot, party.life);
            net.announce(slot, id);
            (party, id, net.endpoint(slot))
        };
        let mut config = Config::new(id, endpoint);
        config.max_peers = config.max_peers.max(4 * self.setup.nodes as usize);
        // A default name is never too long.
        let Ok(engine) = Engine::new(config) else { return };
        let own = Chance::of(seed, 5, u64::from(slot) << 32 | u64::from(party.life)).next();
        let app = App::new(id, own, &self.setup.rules);
        let now = self.now;
        self.crew.at(slot, |node, world| {
            node.now = now;
            node.start(party, engine, app, world);
        });
        self.checks.health.started(slot, now);
        self.starts = self.starts.saturating_sub(1);
    }

    fn fault(&mut self, number: u32, kind: &Kind) {
        let runs = |slot: u32| {
            let stopping = self.crew.at(slot, |node, _| node.is_stopping()).unwrap_or(true);
            self.crew.net().place(slot).alive && !stopping
        };
        if !kind.slots().into_iter().all(runs) {
            return;
        }
        self.happened += 1;
        match *kind {
            Kind::Down { slot, how, lasts, back } => self.down(number, slot, how, lasts, back),
            Kind::Move { slot, seen } => self.moves(number, slot, seen),
            Kind::Break { pair: (one, other) } => {
                self.checks.health.pair(one, other, self.now);
                for (slot, with) in [(one, other), (other, one)] {
                    self.soon(slot, Happening::Break { with });
                }
            }
            Kind::Stall { pair, lasts } => {
                self.checks.health.pair(pair.0, pair.1, self.now + lasts);
                let old = self.crew.net_mut().stalls.insert(pair, number);
                self.lasts(number, Some(self.now + lasts));
                // A stall within a stall makes it longer.
                let _ = old;
                self.give_up(number, &[pair.0, pair.1]);
            }
            Kind::Sleep { slot, lasts } => {
                self.checks.health.node(slot, self.now + lasts);
                let at = self.now + lasts;
                self.crew.at(slot, |node, _| {
                    if !node.asleep {
                        node.asleep = true;
                        let life = node.party.life;
                        node.at(at, Happening::Wake { life });
                    }
                });
            }
            Kind::Partition { lasts, cut } => {
                let seed = self.setup.rules.seed;
                let mut chance = Chance::of(seed, 6, cut);
                let side = |_| chance.hit(MILLION / 2);
                let side: Vec<bool> = (0..self.setup.nodes).map(side).collect();
                self.checks.health.split(side.clone(), self.now + lasts);
                self.crew.net_mut().partitions.push(Partition { fault: number, side });
                self.lasts(number, Some(self.now + lasts));
                self.give_up(number, &self.everybody());
            }
        }
    }

    fn everybody(&self) -> Vec<u32> {
        (0..self.setup.nodes).collect()
    }

    /// A fault lasts, and ends then.
    fn lasts(&mut self, fault: u32, until: Option<Micros>) {
        self.crew.net_mut().lasting.insert(fault);
        if let Some(until) = until {
            self.plan(until, Outside::Heal(fault));
        }
    }

    /// TCP at these nodes will give up what a fault cuts off.
    fn give_up(&mut self, fault: u32, slots: &[u32]) {
        let now = self.now;
        for slot in slots {
            let timeout = self.chance.between(self.setup.terms.tcp_timeout);
            self.crew.at(*slot, |node, _| {
                node.at(now + timeout, Happening::GiveUp { fault });
                node.at(now + DIALED, Happening::DialsGiveUp);
            });
        }
    }

    /// Happens to a node after a delay.
    fn soon(&mut self, slot: u32, what: Happening) {
        let at = self.now + self.chance.between(self.setup.terms.delay);
        self.crew.at(slot, |node, _| node.at(at, what));
    }

    fn heal(&mut self, fault: u32) {
        {
            let mut net = self.crew.net_mut();
            net.lasting.remove(&fault);
            net.partitions.retain(|partition| partition.fault != fault);
            net.stalls.retain(|_, by| *by != fault);
        }
        for slot in self.everybody() {
            // TCP tries again only now and then.
            let at = self.now + self.chance.below(SECOND);
            self.crew.at(slot, |node, _| node.at(at, Happening::Resume));
        }
    }

    fn down(&mut self, fault: u32, slot: u32, how: How, lasts: Micros, back: Back) {
        let now = self.now;
        let life = self.crew.net().place(slot).life;
        let bound = match how {
            How::Stop => {
                self.crew.at(slot, |node, world| node.stop(now, world));
                self.plan(now + STOPPED, Outside::Gone { slot, life });
                DEAD
            }
            How::Crash => {
                self.crew.at(slot, |node, world| node.crash(now, world));
                self.crew.net_mut().places[slot as usize].alive = false;
                DEAD
            }
            How::Vanish => {
                self.crew.at(slot, |node, _| node.halt());
                {
                    let mut net = self.crew.net_mut();
                    let place = &mut net.places[slot as usize];
                    (place.alive, place.vanished) = (false, true);
                }
                self.lasts(fault, None);
                self.give_up(fault, &self.everybody());
                GONE
            }
        };
        self.checks.health.died(slot, life, now, bound);
        self.plan(now + lasts.max(2 * SECOND), Outside::Start { slot, back });
    }

    fn moves(&mut self, fault: u32, slot: u32, seen: Seen) {
        let now = self.now;
        let endpoint = {
            let mut net = self.crew.net_mut();
            let place = &mut net.places[slot as usize];
            place.generation = place.generation.wrapping_add(1);
            let life = place.life;
            net.announce(slot, identity::of(self.setup.rules.seed, slot, life));
            net.endpoint(slot)
        };
        let felt = if seen == Seen::Both { now } else { now + self.setup.terms.tcp_timeout.1 };
        self.checks.health.moved(slot, felt);
        self.crew.at(slot, |node, world| node.moved(now, endpoint, seen != Seen::Nowhere, world));
        self.lasts(fault, None);
        if seen == Seen::Both {
            for other in self.everybody().into_iter().filter(|other| *other != slot) {
                self.soon(other, Happening::Break { with: slot });
            }
        } else {
            self.give_up(fault, &self.everybody());
        }
    }

    fn finish(mut self, wall: Instant, interrupted: bool) -> Outcome {
        self.checks.look(self.crew, self.now);
        let all = self.crew.all();
        let mut digest = Digest::START;
        for slot in 0..self.setup.nodes {
            digest.word(all.node(slot).digest.0);
        }
        let counts = self.counts(&all);
        let other_side = self.setup.watched.map_or_else(Vec::new, |(node, peer)| {
            all.node(identity::read(node).0).app.ledger.history(peer)
        });
        Outcome {
            digest,
            time: self.now.min(self.setup.rules.end),
            mesh: self.mesh,
            at_mesh: self.at_mesh,
            counts,
            violations: self.checks.violations,
            faults: self.happened,
            agreed: self.checks.agreed,
            other_side,
            wall: wall.elapsed(),
            interrupted,
        }
    }
}

/// How long before the end nothing goes wrong and nobody joins any more.
pub(super) fn rest(end: Micros) -> Micros {
    HUSH.min(end / 4)
}
