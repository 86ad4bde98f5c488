//! One run: faults come at their times, and between them nodes live.

mod lies;

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use testkit::ledger::Violation;
use zre_proto::{Action, Config, Engine, PeerId};

use super::app::App;
use super::chance::{Chance, MILLION};
use super::check::Checks;
use super::counts::Counts;
use super::digest::Digest;
use super::faults::{Back, Fault, How, Kind, Seen};
use super::health::{BEARABLE, DEAD, GONE, Harm, Time};
use super::identity;
use super::keys;
use super::net::{FIRST_PORT, Net, Partition, Terms};
use super::node::Node;
use super::queue::{Cut, Happening};
use super::rules::{HUSH, MINUTE, Rules};
use super::segment::NodeRef;
use super::site::Site;
use super::time::{MILLI, Micros, SECOND};
use super::workers::Workers;

/// Hosts of liars, in a run of secure nodes: the most that lie at a time.
pub(super) const LIARS: u32 = 8;
/// After a stop the process is gone for sure.
const STOPPED: Micros = 1_100 * MILLI;
/// By then a peer that nothing reaches was given up, whatever TCP thinks: 30 s and a little.
const UNHEARD: Micros = 45 * SECOND;

/// What is to be simulated.
#[derive(Clone, Debug)]
pub(super) struct Setup {
    pub(super) nodes: u32,
    pub(super) terms: Terms,
    pub(super) rules: Rules,
    /// Nodes that know no two-way connections, in parts of a million.
    pub(super) plain: u32,
    /// All nodes are secure ones.
    pub(super) secure: bool,
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
    pub(super) led: u64,
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
    /// A liar ends.
    Silence {
        slot: u32,
        life: u32,
    },
    /// A node that could not reach another one since a fault must have noticed.
    Unheard {
        fault: u32,
        way: (u32, u32),
    },
    Look,
    Agree,
    /// One node joins a group.
    Join,
}

/// A run on its way.
struct Run<'a> {
    setup: &'a Setup,
    faults: &'a [Fault],
    workers: &'a Workers,
    checks: Checks,
    chance: Chance,
    agenda: BTreeMap<(Micros, u32), Outside>,
    count: u32,
    now: Micros,
    starts: u32,
    /// Hosts that let no connection in for a while, and the faults that do it.
    walls: BTreeMap<u32, u32>,
    /// Pairs that can meet, each counted twice; `None` if that may have changed.
    meetable: Option<i64>,
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
    let liars = if setup.secure { LIARS } else { 0 };
    let mut net = Net::new(setup.terms.clone(), setup.nodes, liars);
    for (slot, place) in (0..setup.nodes).zip(&mut net.places) {
        let mut chance = Chance::of(setup.rules.seed, 7, slot.into());
        place.site.plain = chance.hit(setup.plain);
        place.site.mute = place.site.plain && chance.hit(MILLION / 2);
        place.key = setup.secure.then(|| keys::of(setup.rules.seed, slot));
    }
    let workers = Workers::new(net, setup.rules.clone(), setup.threads);
    std::thread::scope(|scope| {
        for number in 1..setup.threads {
            let workers = &workers;
            scope.spawn(move || workers.work(number));
        }
        let mut run = Run::new(setup, faults, &workers);
        let interrupted = run.go(stop, watch);
        let outcome = run.finish(wall, interrupted);
        workers.dismiss();
        outcome
    })
}

impl<'a> Run<'a> {
    fn new(setup: &'a Setup, faults: &'a [Fault], workers: &'a Workers) -> Self {
        let mut run = Self {
            setup,
            faults,
            workers,
            checks: Checks::new(workers.net().places.len() as u32),
            chance: Chance::of(setup.rules.seed, 4, 0),
            agenda: BTreeMap::new(),
            count: 0,
            now: 0,
            starts: setup.nodes,
            walls: BTreeMap::new(),
            meetable: None,
            mesh: None,
            at_mesh: None,
            happened: 0,
        };
        for (number, fault) in faults.iter().enumerate() {
            run.plan(fault.at, Outside::Fault(number));
        }
        for slot in 0..setup.nodes {
            let at = run.chance.below(setup.spread.max(1));
            run.plan(at, Outside::Start { slot, back: Back::Same });
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
            let (next, present) = self.workers.next();
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
                self.workers.step((next + window).min(planned));
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
        if self.mesh.is_some() || self.starts > 0 {
            return;
        }
        let meetable = self.meetable.unwrap_or_else(|| self.workers.net().pairs_that_can_meet());
        self.meetable = Some(meetable);
        if present == meetable {
            let all = self.workers.all();
            let last = (0..self.setup.nodes).map(|slot| all.node(slot).app.last_enter).max();
            self.mesh = last;
            self.at_mesh = Some(self.counts(&all));
        }
    }

    fn counts(&self, all: &super::workers::All<'_>) -> Counts {
        let mut counts = Counts::default();
        for node in (0..self.setup.nodes).map(|slot| all.node(slot)) {
            node.count(&mut counts);
        }
        counts
    }

    fn happen(&mut self, outside: Outside) {
        match outside {
            Outside::Start { slot, back } => self.start(slot, back),
            Outside::Fault(number) => {
                self.checks.look(self.workers, self.now);
                let kind = self.faults[number].kind.clone();
                self.fault(number as u32, &kind);
            }
            Outside::Gone { slot, life } => {
                let mut net = self.workers.net_mut();
                let place = &mut net.places[slot as usize];
                place.alive &= place.life != life;
            }
            Outside::Heal(fault) => self.heal(fault),
            Outside::Silence { slot, life } => self.silence(slot, life),
            Outside::Unheard { fault, way } => self.look_for_unheard(fault, way),
            Outside::Look => self.checks.look(self.workers, self.now),
            Outside::Join => {
                let now = self.now;
                self.workers.at(0, |node, world| {
                    node.now = now;
                    // A short name is not refused.
                    let _ = node.act(Action::Join("group-1"), world);
                });
            }
            Outside::Agree => {
                self.checks.look(self.workers, self.now);
                self.checks.agree(self.workers, self.now);
            }
        }
    }

    fn start(&mut self, slot: u32, back: Back) {
        let seed = self.setup.rules.seed;
        let (me, id, endpoint) = {
            let mut net = self.workers.net_mut();
            let place = &mut net.places[slot as usize];
            if place.alive {
                return;
            }
            place.life += 1;
            place.alive = true;
            place.vanished = false;
            match back {
                // A node that does not tell its id has to be where nobody was before.
                Back::Same if !place.site.mute => {}
                Back::Same | Back::Port => {
                    place.port = place.port.checked_add(1).unwrap_or(FIRST_PORT);
                }
                Back::Address => place.generation = place.generation.wrapping_add(1),
            }
            let me = NodeRef { slot, life: place.life, generation: place.generation };
            let id = identity::of(seed, slot, me.life);
            net.announce(slot, id);
            (me, id, net.endpoint(slot))
        };
        let key = self.workers.net().key(slot);
        self.start_engine(me, Config { key, ..Config::new(id, endpoint) });
        self.checks.health.started(slot, self.now);
        self.starts = self.starts.saturating_sub(1);
        self.tell_of(slot);
    }

    fn start_engine(&self, me: NodeRef, mut config: Config) {
        let seed = self.setup.rules.seed;
        config.max_peers = config.max_peers.max(4 * self.setup.nodes as usize);
        // Those that hear no beacons require every life of every node.
        config.max_required = usize::MAX;
        let id = config.id;
        // A default name is never too long.
        let Ok(engine) = Engine::new(config) else { return };
        let own = Chance::of(seed, 5, u64::from(me.slot) << 32 | u64::from(me.life)).next();
        let app = App::new(id, own, self.setup.rules.history);
        let now = self.now;
        self.workers.at(me.slot, |node, world| {
            node.now = now;
            node.start(me, engine, app, world);
        });
    }

    /// Nodes that hear no beacons are told where a node is, and if it is one of them, where all
    /// others are.
    fn tell_of(&mut self, slot: u32) {
        let quiet: Vec<u32> = {
            let net = self.workers.net();
            self.everybody().into_iter().filter(|host| net.place(*host).site.quiet).collect()
        };
        if quiet.contains(&slot) {
            for of in self.everybody() {
                self.soon(slot, Happening::Told { of });
            }
        }
        for host in quiet {
            self.soon(host, Happening::Told { of: slot });
        }
    }

    fn fault(&mut self, number: u32, kind: &Kind) {
        let kills = matches!(kind, Kind::Down { how: How::Crash | How::Vanish, .. });
        let runs = |slot: u32| {
            let can = |node: &Node| {
                // A process that does not run can only be killed.
                !node.is_stopping() && (kills || node.is_running(self.now))
            };
            let can = self.workers.at(slot, |node, _| can(node)).unwrap_or(false);
            self.workers.net().place(slot).alive && can
        };
        if !kind.is_of_host() && !kind.slots().into_iter().all(runs) {
            return;
        }
        self.happened += 1;
        match *kind {
            Kind::Distrust { way, lasts } => self.distrust(number, way, self.time(lasts)),
            Kind::Lie { lie, victim, insider, lasts } => self.lie(lie, victim, insider, lasts),
            Kind::Down { slot, how, lasts, back } => self.down(number, slot, how, lasts, back),
            Kind::Move { slot, seen } => self.moves(number, slot, seen),
            Kind::Break { pair: (one, other) } => {
                self.checks.health.pair(one, other, self.time(0), Harm::Loss);
                for (slot, with) in [(one, other), (other, one)] {
                    self.soon(slot, Happening::Break { with });
                }
            }
            Kind::Stall { pair, lasts } => {
                self.disturb(number, pair, lasts);
                // A stall within a stall makes it longer.
                self.workers.net_mut().stalls.insert(pair, number);
            }
            Kind::Hole { way, lasts } => {
                self.disturb(number, way, lasts);
                self.workers.net_mut().holes.insert(way, number);
                if lasts > UNHEARD {
                    self.plan(self.now + UNHEARD, Outside::Unheard { fault: number, way });
                }
            }
            Kind::Slow { pair, lasts } => {
                self.checks.health.pair(pair.0, pair.1, self.time(lasts), Harm::Delay);
                self.workers.net_mut().slow.insert(pair, number);
                self.lasts(number, Some(self.now + lasts));
            }
            Kind::Sleep { slot, lasts } => self.sleep(slot, self.time(lasts)),
            Kind::Suspend { slot, lasts } => {
                let time = self.time(lasts);
                self.checks.health.node(slot, time, self.harm(lasts));
                self.workers.at(slot, |node, _| node.suspend(time.until));
            }
            Kind::Partition { lasts, cut } => {
                let seed = self.setup.rules.seed;
                let mut chance = Chance::of(seed, 6, cut);
                let side = |_| chance.hit(MILLION / 2);
                let hosts = self.workers.net().places.len() as u32;
                let side: Vec<bool> = (0..hosts).map(side).collect();
                self.checks.health.split(side.clone(), self.time(lasts), self.harm(lasts));
                self.workers.net_mut().partitions.push(Partition { fault: number, side });
                self.lasts(number, Some(self.now + lasts));
                self.give_up(number, &self.everybody(), Cut::Network);
            }
            Kind::Wall { slot, how, lasts } => {
                self.site(slot, |site| site.wall = Some(how));
                self.walls.insert(slot, number);
                self.lasts(number, Some(self.now + lasts));
            }
            Kind::Nat { slot, told } => self.site(slot, |site| site.nat = Some(told)),
            Kind::Quiet { slot } => self.site(slot, |site| site.quiet = true),
        }
    }

    /// From now on.
    const fn time(&self, lasts: Micros) -> Time {
        Time { from: self.now, until: self.now + lasts }
    }

    /// What a disturbance of connections excuses.
    fn harm(&self, lasts: Micros) -> Harm {
        let bearable = lasts < BEARABLE.min(self.setup.terms.tcp_timeout.0);
        if bearable { Harm::Delay } else { Harm::Loss }
    }

    /// Connections of a pair do not work for a while, and TCP may give them up.
    fn disturb(&mut self, fault: u32, pair: (u32, u32), lasts: Micros) {
        let time = self.time(lasts);
        self.checks.health.pair(pair.0, pair.1, time, self.harm(lasts));
        self.lasts(fault, Some(time.until));
        self.give_up(fault, &[pair.0], Cut::Way(pair.1));
        self.give_up(fault, &[pair.1], Cut::Way(pair.0));
    }

    fn sleep(&mut self, slot: u32, time: Time) {
        self.checks.health.node(slot, time, Harm::Delay);
        self.checks.health.deaf(slot, time.until);
        self.workers.at(slot, |node, _| {
            if !node.asleep {
                node.asleep = true;
                let life = node.me.life;
                node.at(time.until, Happening::Wake { life });
            }
        });
    }

    /// A host is another one from now on, as far as others can reach it.
    fn site(&mut self, slot: u32, change: impl FnOnce(&mut Site)) {
        change(&mut self.workers.net_mut().places[slot as usize].site);
        self.meetable = None;
        self.checks.health.started(slot, self.now);
    }

    /// Nothing of one node has reached another for long: neither may think that they are together.
    fn look_for_unheard(&mut self, fault: u32, (from, to): (u32, u32)) {
        let lasts = self.workers.net().lasting.contains(&fault);
        if lasts && self.setup.rules.chat {
            self.checks.unheard(self.workers, self.now, from, to);
        }
    }

    fn everybody(&self) -> Vec<u32> {
        (0..self.setup.nodes).collect()
    }

    /// A fault lasts, and ends then.
    fn lasts(&mut self, fault: u32, until: Option<Micros>) {
        self.workers.net_mut().lasting.insert(fault);
        if let Some(until) = until {
            self.plan(until, Outside::Heal(fault));
        }
    }

    /// TCP at these nodes will give up what a fault cuts off.
    fn give_up(&mut self, fault: u32, slots: &[u32], cut: Cut) {
        let now = self.now;
        for slot in slots {
            let timeout = self.chance.between(self.setup.terms.tcp_timeout);
            self.workers.at(*slot, |node, _| {
                node.at(now + timeout, Happening::GiveUp { fault, cut });
            });
        }
    }

    /// Happens to a node after a delay.
    fn soon(&mut self, slot: u32, what: Happening) {
        let at = self.now + self.chance.between(self.setup.terms.delay);
        self.workers.at(slot, |node, _| node.at(at, what));
    }

    fn heal(&mut self, fault: u32) {
        let trusted = self.distrusted_by(fault);
        {
            let mut net = self.workers.net_mut();
            net.lasting.remove(&fault);
            net.partitions.retain(|partition| partition.fault != fault);
            net.stalls.retain(|_, by| *by != fault);
            net.holes.retain(|_, by| *by != fault);
            net.slow.retain(|_, by| *by != fault);
            net.distrusts.retain(|_, by| *by != fault);
        }
        self.tell_again(&trusted);
        let walls: Vec<u32> =
            self.walls.iter().filter(|(_, by)| **by == fault).map(|(slot, _)| *slot).collect();
        for slot in walls {
            self.walls.remove(&slot);
            self.site(slot, |site| site.wall = None);
        }
        for slot in self.everybody() {
            // TCP tries again only now and then.
            let at = self.now + self.chance.below(SECOND);
            self.workers.at(slot, |node, _| node.at(at, Happening::Resume));
        }
    }

    fn down(&mut self, fault: u32, slot: u32, how: How, lasts: Micros, back: Back) {
        let now = self.now;
        let life = self.workers.net().place(slot).life;
        let bound = match how {
            How::Stop => {
                self.workers.at(slot, |node, world| node.stop(now, world));
                self.plan(now + STOPPED, Outside::Gone { slot, life });
                DEAD
            }
            How::Crash => {
                self.workers.at(slot, |node, world| node.crash(now, world));
                self.workers.net_mut().places[slot as usize].alive = false;
                DEAD
            }
            How::Vanish => {
                self.workers.at(slot, |node, _| node.halt());
                {
                    let mut net = self.workers.net_mut();
                    let place = &mut net.places[slot as usize];
                    (place.alive, place.vanished) = (false, true);
                }
                self.lasts(fault, None);
                self.give_up(fault, &self.everybody(), Cut::Host(slot));
                GONE
            }
        };
        self.checks.health.died(slot, life, now, bound);
        self.plan(now + lasts.max(2 * SECOND), Outside::Start { slot, back });
    }

    fn moves(&mut self, fault: u32, slot: u32, seen: Seen) {
        let now = self.now;
        let endpoint = {
            let mut net = self.workers.net_mut();
            let place = &mut net.places[slot as usize];
            place.generation = place.generation.wrapping_add(1);
            let life = place.life;
            net.announce(slot, identity::of(self.setup.rules.seed, slot, life));
            net.endpoint(slot)
        };
        self.tell_of(slot);
        let felt = if seen == Seen::Both { now } else { now + self.setup.terms.tcp_timeout.1 };
        self.checks.health.moved(slot, now, felt);
        self.workers
            .at(slot, |node, world| node.moved(now, endpoint, seen != Seen::Nowhere, world));
        self.lasts(fault, None);
        if seen == Seen::Both {
            for other in self.everybody().into_iter().filter(|other| *other != slot) {
                self.soon(other, Happening::Break { with: slot });
            }
        } else {
            self.give_up(fault, &self.everybody(), Cut::Host(slot));
            self.give_up(fault, &[slot], Cut::Here);
        }
    }

    fn finish(mut self, wall: Instant, interrupted: bool) -> Outcome {
        self.checks.look(self.workers, self.now);
        let all = self.workers.all();
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
            led: self.checks.led,
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
