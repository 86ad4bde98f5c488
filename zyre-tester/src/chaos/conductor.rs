//! Runs the whole: says what happens to which slot, hears what comes of it, and sums up.

mod hearing;
mod phases;

use std::collections::BTreeMap;
use std::sync::mpsc::{self, Receiver, RecvTimeoutError, Sender};
use std::time::Duration;

use rand::SeedableRng;
use rand::rngs::StdRng;
use testkit::ledger::{Rule, Violation};
use zyre::PeerId;

use super::circle::{self, Circle, Circles};
use super::clock::Clock;
use super::counters::Counters;
use super::descriptors::Plan;
use super::findings::Findings;
use super::forger::Forger;
use super::kinds::{Kind, Kinds};
use super::level::Level;
use super::lives::Lives;
use super::options::Options;
use super::phase::Phase;
use super::process::{Heard, Numbered};
use super::protocol::{Order, SlotOrder, Tally};
use super::run_history::RunHistory;
use super::schedule::{Schedule, State};
use super::screen::{Screen, Standing};
use super::slot::HUB_SLOT;
use super::summary::{self, Summary, Usage};
use crate::directory::Directory;
use crate::{json, output};

/// How long to listen before looking at the time again.
const TICK: Duration = Duration::from_millis(20);

/// The whole state of a run.
struct Conductor<'a> {
    options: &'a Options,
    plan: Plan,
    seed: u64,
    clock: Clock,
    epoch: u64,
    sender: Sender<(u64, Heard)>,
    processes: Vec<Numbered>,
    /// The number of the last process.
    last_process: u64,
    slots: Vec<State>,
    /// Processes that were killed, and when.
    killed: BTreeMap<u64, Duration>,
    /// How many nodes there were in each slot: part of their names.
    births: Vec<u32>,
    schedule: Schedule,
    kinds: Kinds,
    circles: Circles,
    /// Decides which node does not trust which other, in a run of secure nodes.
    doubts: StdRng,
    /// Where their network keys are.
    network_keys: Option<Directory>,
    forger: Option<Forger>,
    phase: Phase,
    next_move: Duration,
    next_quiet: Duration,
    rounds: u64,
    lives: Lives,
    findings: Findings,
    tally: Tally,
    counters: Counters,
    most_up: usize,
    quiet_moments: u64,
    pairs_compared: u64,
    /// Before, most, after; by process.
    levels: BTreeMap<u64, [Option<Level>; 3]>,
    failures: Vec<String>,
    interrupted: bool,
    screen: Screen,
    /// The history for `--log`.
    history: Option<RunHistory>,
}

/// Runs chaos to its end. True: nothing was violated.
pub(super) fn run(options: &Options, plan: Plan) -> Result<bool, String> {
    let (sender, heard) = mpsc::channel();
    listen_for_interrupt(sender.clone());
    let mut conductor = Conductor::new(options, plan, sender)?;
    let begin = format!(
        "{} slots in {} process(es), at most {} nodes at a time, {} descriptors a process, seed {}; \
         it runs for {:.0} s",
        options.nodes, plan.processes, plan.most, plan.limit, conductor.seed, options.seconds
    );
    output::lines(begin, 2);
    for share in 0..plan.processes {
        let process = conductor.process(share)?;
        conductor.processes.push(process);
    }
    if options.secure {
        conductor.check_draws()?;
    }
    conductor.begin();
    conductor.play(&heard);
    conductor.finish_history();
    let seconds = conductor.clock.now().as_secs_f64();
    let summary = conductor.sum_up(seconds);
    output::lines(&summary, summary::NAME_COLUMNS);
    if let Some(path) = &options.json {
        json::write(path, &summary)?;
    }
    Ok(summary.is_good())
}

impl<'a> Conductor<'a> {
    fn new(options: &'a Options, plan: Plan, sender: Sender<(u64, Heard)>) -> Result<Self, String> {
        let seed = options.seed.unwrap_or_else(rand::random);
        let (clock, epoch) = Clock::start();
        let nodes = usize::from(options.nodes);
        let kills = plan.processes > 1 && !options.gossip;
        let log = options.log.as_deref();
        let history = log.map(|path| RunHistory::create(path, epoch)).transpose()?;
        let (mut network_keys, mut forger) = (None, None);
        if options.secure {
            let directory = Directory::create("zyre-chaos").map_err(|error| error.to_string())?;
            circle::create(directory.path())?;
            network_keys = Some(directory);
            let started = Forger::start(options.port);
            forger = Some(started.map_err(|error| format!("the forger: {error}"))?);
        }
        Ok(Self {
            options,
            plan,
            seed,
            clock,
            epoch,
            sender,
            processes: Vec::new(),
            last_process: 0,
            killed: BTreeMap::new(),
            slots: vec![State::Free; nodes],
            births: vec![0; nodes],
            schedule: Schedule::new(seed, options.pace, plan.most, kills),
            kinds: Kinds::new(seed, options.plain),
            circles: Circles::new(seed, options.secure, options.strangers),
            doubts: StdRng::seed_from_u64(seed),
            network_keys,
            forger,
            phase: Phase::Active,
            next_move: Duration::ZERO,
            next_quiet: Duration::ZERO,
            rounds: 0,
            lives: Lives::of(options.secure),
            findings: Findings::default(),
            tally: Tally::default(),
            counters: Counters::default(),
            most_up: 0,
            quiet_moments: 0,
            pairs_compared: 0,
            levels: BTreeMap::new(),
            failures: Vec::new(),
            interrupted: false,
            screen: Screen::new(),
            history,
        })
    }

    /// Starts a process for a share of the slots.
    fn process(&mut self, share: usize) -> Result<Numbered, String> {
        self.last_process += 1;
        let (number, sender) = (self.last_process, self.sender.clone());
        let keys = self.network_keys.as_ref().map(Directory::path);
        Numbered::start(number, self.options, keys, self.is_old(share), self.epoch, sender)
    }

    /// Whether a share of the slots has nodes of the release before.
    fn is_old(&self, share: usize) -> bool {
        self.options.half_by.is_some() && !share.is_multiple_of(2)
    }

    /// Starts the first nodes, all at once.
    fn begin(&mut self) {
        let half = self.options.nodes / 2;
        let begin = usize::from(self.options.begin.unwrap_or(half)).min(self.plan.most);
        if self.options.gossip {
            self.start(HUB_SLOT);
        }
        for _ in 0..begin {
            if let Some(slot) = self.schedule.start(&self.slots) {
                self.start(slot);
            }
        }
        self.next_quiet = self.quiet_after(Duration::ZERO);
    }

    fn play(&mut self, heard: &Receiver<(u64, Heard)>) {
        while self.phase != Phase::Over {
            match heard.recv_timeout(TICK) {
                Ok((process, first)) => {
                    self.hear(process, first);
                    for (process, more) in heard.try_iter().take(10_000) {
                        self.hear(process, more);
                    }
                }
                Err(RecvTimeoutError::Timeout) => {}
                // Cannot be: there is a sender in self.
                Err(RecvTimeoutError::Disconnected) => return,
            }
            self.advance();
        }
    }

    /// Looks at what time has brought.
    fn advance(&mut self) {
        let now = self.clock.now();
        for violation in self.lives.check(now) {
            self.found(violation);
        }
        self.watch_forger();
        self.screen.report(self.findings.ready(now));
        self.advance_phase(now);
        let up = self.slots.iter().filter(|state| **state == State::Up).count();
        self.most_up = self.most_up.max(up);
        let standing = Standing {
            up,
            received: self.tally.received,
            enters: self.lives.enters,
            exits: self.lives.reasons.values().sum(),
            violations: self.findings.count(),
            phase: self.phase.name(),
        };
        self.screen.show(now, &standing);
    }

    fn start(&mut self, slot: usize) {
        self.slots[slot] = State::Busy;
        self.births[slot] += 1;
        self.counters.starts += 1;
        let name = format!("node-{slot}.{}", self.births[slot]);
        let sabotaged = self.options.sabotage;
        let seed = self.schedule.seed();
        if let Some(history) = &mut self.history {
            history.order(&name, self.clock.micros());
        }
        let kind = self.kinds.kind();
        if self.is_old(slot % self.plan.processes) {
            self.counters.old += 1;
        } else {
            self.counters.plain += u64::from(kind == Kind::Plain);
        }
        let circle = self.circles.circle();
        self.counters.strangers += u64::from(self.options.secure && circle != Circle::First);
        self.order(slot, &Order::Start { slot, name, seed, sabotaged, kind, circle });
    }

    /// Something for the node in a slot.
    fn tell(&mut self, slot: usize, what: SlotOrder) {
        self.order(slot, &Order::Slot { slot, what });
    }

    /// Something for the process that holds a slot.
    fn order(&mut self, slot: usize, order: &Order) {
        // At the end there are fewer, and no slots any more.
        if self.processes.len() == self.plan.processes {
            let share = slot % self.plan.processes;
            tell(&self.processes[share], order);
        }
    }

    fn order_all(&mut self, order: &Order) {
        for process in &self.processes {
            tell(process, order);
        }
    }

    /// Tells the forger which nodes are there, and looks whether a node has believed it.
    fn watch_forger(&mut self) {
        let Some(forger) = &self.forger else { return };
        forger.tell(self.lives.with_keys());
        self.counters.forged = forger.sent();
        let calls = forger.take_calls();
        if calls > 0 {
            self.object(
                Rule::Keys,
                format!("{calls} connections to where strangers are said to be"),
            );
        }
    }

    fn check_draws(&mut self) -> Result<(), String> {
        if let Some(what) = circle::wrong_draw()? {
            self.object(Rule::Keys, what);
        }
        Ok(())
    }

    /// Something must not be that is about no node.
    fn object(&mut self, rule: Rule, what: String) {
        let (nobody, at) = (PeerId::new([0; 16]), self.clock.now());
        let (node, peer, history) = (nobody, nobody, Vec::new());
        self.found(Violation { rule, node, peer, what, at, history });
    }

    /// Something must not be: asks both sides what was before.
    fn found(&mut self, violation: Violation) {
        let now = self.clock.now();
        for (id, order) in self.findings.add(violation, &self.lives, now) {
            if let Some(slot) = self.lives.get(id).map(|life| life.slot) {
                self.tell(slot, order);
            }
        }
    }

    fn finish_history(&mut self) {
        let at = self.clock.micros();
        if let Some(Err(error)) = self.history.take().map(|history| history.finish(at)) {
            self.fail(error);
        }
    }

    fn fail(&mut self, text: String) {
        const MOST: usize = 20;
        if self.failures.len() < MOST {
            self.failures.push(text);
        }
    }

    /// Rule 7, for each process that lived to the end.
    fn check_leftovers(&mut self) -> (Usage, Usage) {
        let (mut memory, mut descriptors) = (Usage::default(), Usage::default());
        let mut found = Vec::new();
        for (process, levels) in &self.levels {
            let [Some(before), most, Some(after)] = levels else { continue };
            let most = most.as_ref().unwrap_or(before);
            memory.add(|level| level.kib, [before, most, after]);
            descriptors.add(|level| level.descriptors, [before, most, after]);
            if let Some(what) = after.leftovers(before, most) {
                found.push(format!("process {process}: {what}"));
            }
        }
        for what in found {
            self.object(Rule::Leftovers, what);
        }
        (memory, descriptors)
    }

    fn sum_up(mut self, seconds: f64) -> Summary {
        let (memory_kib, descriptors) = self.check_leftovers();
        self.screen.clear();
        self.screen.report(self.findings.ready(Duration::MAX));
        Summary {
            nodes: self.options.nodes.into(),
            seconds,
            seed: self.seed,
            processes: self.plan.processes,
            plain: self.options.plain,
            interrupted: self.interrupted,
            counters: self.counters,
            most_up: self.most_up,
            messages: self.tally,
            enters: self.lives.enters,
            exits: self.lives.reasons.values().sum(),
            exit_reasons: std::mem::take(&mut self.lives.reasons),
            quiet_moments: self.quiet_moments,
            pairs_compared: self.pairs_compared,
            strangers: self.lives.strangers,
            memory_kib,
            descriptors,
            descriptor_limit: self.plan.limit,
            violations: self.findings.count(),
            violations_by_rule: self
                .findings
                .by_rule()
                .map(|(rule, count)| (rule.to_string(), count))
                .collect(),
            findings: self.findings.done,
            failures: self.failures,
        }
    }
}

/// Gives a process an order. One that is gone is noticed by the end of its reports.
fn tell(process: &Numbered, order: &Order) {
    let _ = process.process.order(order);
}

/// The first Ctrl-C ends the run in order, the second at once.
fn listen_for_interrupt(sender: Sender<(u64, Heard)>) {
    std::thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
        let Ok(runtime) = runtime else { return };
        runtime.block_on(async {
            for _ in 0..2 {
                if tokio::signal::ctrl_c().await.is_err()
                    || sender.send((0, Heard::Interrupt)).is_err()
                {
                    return;
                }
            }
            std::process::exit(130);
        });
    });
}
