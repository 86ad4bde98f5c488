//! What the conductor hears from the processes.

use std::time::Duration;

use testkit::ledger::{Rule, Violation};

use super::Conductor;
use crate::chaos::id::Id;
use crate::chaos::level::Level;
use crate::chaos::lives::{Complaint, Exit};
use crate::chaos::phase::Phase;
use crate::chaos::process::Heard;
use crate::chaos::protocol::{Counted, How, Report, SlotOrder, When};
use crate::chaos::quiet;
use crate::chaos::schedule::State;
use crate::chaos::trust::{Met, Parting};

impl Conductor<'_> {
    pub(super) fn hear(&mut self, process: u64, heard: Heard) {
        match heard {
            Heard::Report(report) => self.report(process, report),
            Heard::Unreadable(report) if self.is_current(process) => {
                self.fail(format!("process {process} reports what cannot be read: {report}"));
            }
            Heard::Unreadable(_) => {}
            Heard::Over { process } => self.over(process),
            Heard::Interrupt => {
                self.interrupted = true;
                self.stop_all();
            }
        }
    }

    fn report(&mut self, process: u64, report: Report) {
        if let Some(history) = &mut self.history {
            history.hear(process, &report);
        }
        match report {
            Report::Up { slot, node, name, at, kind, circle, key, .. } => {
                self.lives.up(node.0, name, slot, process, kind, time(at));
                self.lives.known(node.0, circle, key);
                self.up(process, slot);
            }
            Report::Failed { slot, error } => {
                self.fail(format!("node-{slot}.{}: {error}", self.births[slot]));
            }
            Report::Ending { node, how, at } => {
                match how {
                    How::Stop => self.counters.stops += 1,
                    How::Crash | How::Kill => self.counters.crashes += 1,
                }
                self.lives.ending(node.0, how, time(at));
            }
            Report::Ended { node, at, counted, said, .. } => {
                let said = said.into_iter().map(|(peer, whispers)| (peer.0, whispers)).collect();
                self.lives.ended(node.0, time(at), said);
                self.counted(node, counted, time(at));
            }
            Report::Free { slot } if self.is_current(process) => self.slots[slot] = State::Free,
            Report::Free { .. } => {}
            Report::Stalled { node, at, until } => {
                if let Some(life) = self.lives.get_mut(node.0) {
                    life.stall = Some((time(at), time(until)));
                }
            }
            Report::Woken { slot, node, at } => self.woken(process, slot, node, time(at)),
            Report::Enter { node, peer, at, key, .. } => {
                self.lives.enter(node.0, peer.0, time(at));
                self.lives.met(Met { node: node.0, peer: peer.0, at: time(at), key });
            }
            Report::Distrusts { node, peer, from, until } => {
                let until = until.map(time);
                self.lives.parted(Parting { node: node.0, peer: peer.0, from: time(from), until });
            }
            Report::Exit { node, peer, reason, at, heard } => {
                let exit = Exit { node: node.0, peer: peer.0, at: time(at), reason, heard };
                if let Some(violation) = self.lives.exit(exit) {
                    self.found(violation);
                }
            }
            Report::Complaint { node, peer, what, at } => {
                let (node, peer, at) = (node.0, peer.0, time(at));
                self.lives.complain(Complaint { node, peer, at, what });
            }
            Report::Violation { rule, node, peer, what, at, history } => {
                let Some(rule) = Rule::ALL.get(rule.wrapping_sub(1)).copied() else {
                    return self.fail(format!("a violation of rule {rule}, which is none: {what}"));
                };
                let (node, peer, at) = (node.0, peer.0, time(at));
                self.found(Violation { rule, node, peer, what, at, history });
            }
            Report::Snapshot(snapshot) => {
                self.counted(snapshot.node, snapshot.counted, self.clock.now());
                if let Phase::Asked { moment, .. } = &mut self.phase {
                    moment.take(snapshot.node.0, snapshot);
                }
            }
            Report::History { ticket, lines } => self.findings.history(ticket, lines),
            Report::Tally(tally) => self.tally.add(&tally),
            Report::Level { when, level } => self.level(process, when, level),
        }
    }

    /// A node is up in a slot.
    fn up(&mut self, process: u64, slot: usize) {
        if let Some(killed) = self.killed.get(&process) {
            // Its last words.
            return self.lives.killed(process, *killed);
        }
        self.slots[slot] = State::Up;
        match self.phase {
            Phase::Active => {}
            Phase::Hushed { .. } | Phase::Asked { .. } => self.tell(slot, SlotOrder::Hush(true)),
            // It was about to start when all were told to stop.
            _ => self.tell(slot, SlotOrder::Stop),
        }
    }

    fn woken(&mut self, process: u64, slot: usize, node: Id, at: Duration) {
        let Some(life) = self.lives.get_mut(node.0) else { return };
        if let Some((_, until)) = &mut life.stall {
            *until = at;
        }
        if !self.killed.contains_key(&process) && self.slots[slot] == State::Busy {
            self.slots[slot] = State::Up;
        }
    }

    /// Looks at what a node has counted.
    fn counted(&mut self, node: Id, counted: Counted, at: Duration) {
        if let Some(found) = quiet::count(&mut self.lives, node.0, counted, at) {
            self.found(found);
        }
    }

    fn level(&mut self, process: u64, when: When, level: Level) {
        let levels = self.levels.entry(process).or_default();
        match when {
            When::Before => levels[0] = Some(level),
            When::After => levels[2] = Some(level),
            When::During => {
                levels[1] = Some(levels[1].map_or(level, |most| most.max(level)));
            }
        }
    }

    /// Whether a process holds slots: it was not killed.
    fn is_current(&self, process: u64) -> bool {
        self.processes.iter().any(|other| other.number == process)
    }

    /// A process has ended: as it should, or was killed, or by itself.
    fn over(&mut self, process: u64) {
        if let Some(history) = &mut self.history {
            history.over(process, self.clock.micros());
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

const fn time(micros: u64) -> Duration {
    Duration::from_micros(micros)
}
