//! What the conductor hears from the processes.

use std::time::Duration;

use zyre::PeerId;

use super::phases::Phase;
use super::{Conductor, State};
use crate::chaos::processes::Heard;
use crate::chaos::protocol::{How, Level, Report, SlotOrder, When};
use crate::chaos::quiet;
use crate::ledger::{Rule, Violation};

impl Conductor<'_> {
    pub(super) fn hear(&mut self, process: u64, heard: Heard) {
        match heard {
            Heard::Report(report) => self.report(process, report),
            Heard::Over { process } => self.over(process),
            Heard::Interrupt => {
                self.interrupted = true;
                self.stop_all();
            }
        }
    }

    fn report(&mut self, process: u64, report: Report) {
        if let Some(chronicle) = &mut self.chronicle {
            chronicle.hear(process, &report);
        }
        match report {
            Report::Up { .. }
            | Report::Ending { .. }
            | Report::Ended { .. }
            | Report::Stalled { .. }
            | Report::Woken { .. } => self.life(process, report),
            Report::Failed { slot, error } => {
                self.fail(format!("node-{slot}.{}: {error}", self.births[slot]));
            }
            Report::Free { slot } if self.is_current(process) => self.slots[slot] = State::Free,
            Report::Free { .. } => {}
            Report::Enter { node, peer, at, .. } => {
                if let (Some(node), Some(peer)) = (id(&node), id(&peer)) {
                    self.lives.enter(node, peer, time(at));
                }
            }
            Report::Exit { node, peer, reason, at } => {
                if let (Some(node), Some(peer)) = (id(&node), id(&peer))
                    && let Some(violation) = self.lives.exit(node, peer, time(at), reason)
                {
                    self.found(violation);
                }
            }
            Report::Violation { rule, node, peer, what, at, history } => {
                let rule = Rule::ALL.get(rule.wrapping_sub(1)).copied();
                if let (Some(rule), Some(node), Some(peer)) = (rule, id(&node), id(&peer)) {
                    let at = time(at);
                    self.found(Violation { rule, node, peer, what, at, history });
                }
            }
            Report::Snapshot(snapshot) => {
                let Some(node) = id(&snapshot.node) else { return };
                let now = self.clock.now();
                if let Some(found) = quiet::count(&mut self.lives, node, snapshot.counted, now) {
                    self.found(found);
                }
                if let Phase::Asked { moment, .. } = &mut self.phase {
                    moment.take(node, snapshot);
                }
            }
            Report::History { ticket, lines } => self.findings.history(ticket, lines),
            Report::Tally(tally) => self.tally.add(&tally),
            Report::Level { when, level } => self.level(process, when, level),
        }
    }

    /// A step in the life of a node.
    fn life(&mut self, process: u64, report: Report) {
        match report {
            Report::Up { slot, node, name, at, .. } => {
                let Some(node) = id(&node) else { return };
                self.lives.up(node, name, slot, process, time(at));
                if let Some(killed) = self.killed.get(&process) {
                    // Its last words.
                    return self.lives.killed(process, *killed);
                }
                self.slots[slot] = State::Up;
                match self.phase {
                    Phase::Active => {}
                    Phase::Hushed { .. } | Phase::Asked { .. } => {
                        self.tell(slot, SlotOrder::Hush(true));
                    }
                    // It was about to start when all were told to stop.
                    _ => self.tell(slot, SlotOrder::Stop),
                }
            }
            Report::Ending { node, how, at } => {
                let Some(node) = id(&node) else { return };
                match how {
                    How::Stop => self.deeds.stops += 1,
                    How::Crash | How::Kill => self.deeds.crashes += 1,
                }
                self.lives.ending(node, how, time(at));
            }
            Report::Ended { node, at, counted, .. } => {
                let Some(node) = id(&node) else { return };
                self.lives.ended(node, time(at));
                if let Some(found) = quiet::count(&mut self.lives, node, counted, time(at)) {
                    self.found(found);
                }
            }
            Report::Stalled { node, at, until } => {
                let life = id(&node).and_then(|node| self.lives.get_mut(node));
                if let Some(life) = life {
                    life.stall = Some((time(at), time(until)));
                }
            }
            Report::Woken { slot, node, at } => {
                let Some(life) = id(&node).and_then(|node| self.lives.get_mut(node)) else {
                    return;
                };
                if let Some((_, until)) = &mut life.stall {
                    *until = time(at);
                }
                if !self.killed.contains_key(&process) && self.slots[slot] == State::Busy {
                    self.slots[slot] = State::Up;
                }
            }
            _ => {}
        }
    }

    fn level(&mut self, process: u64, when: When, level: Level) {
        let levels = self.levels.entry(process).or_default();
        match when {
            When::Before => levels[0] = Some(level),
            When::After => levels[2] = Some(level),
            When::During => {
                let most = levels[1].get_or_insert(level);
                most.kib = most.kib.max(level.kib);
                most.descriptors = most.descriptors.max(level.descriptors);
            }
        }
    }

    /// Whether a process holds slots: it was not killed.
    fn is_current(&self, process: u64) -> bool {
        self.processes.iter().any(|other| other.number == process)
    }

    /// A process has ended: as it should, or was killed, or by itself.
    fn over(&mut self, process: u64) {
        if let Some(chronicle) = &mut self.chronicle {
            chronicle.over(process, self.clock.micros());
        }
        let killed = self.killed.get(&process).copied();
        self.lives.killed(process, killed.unwrap_or_else(|| self.clock.now()));
        if self.is_current(process) && !matches!(self.phase, Phase::Finishing { .. } | Phase::Over)
        {
            self.fail(format!("process {process} has ended by itself"));
            self.stop_all();
        }
        self.processes.retain(|other| other.number != process);
        if self.processes.is_empty() {
            self.phase = Phase::Over;
        }
    }
}

fn id(text: &str) -> Option<PeerId> {
    text.parse().ok()
}

const fn time(micros: u64) -> Duration {
    Duration::from_micros(micros)
}
