//! The course of a run: activity with quiet moments in between, then the end.

use std::time::Duration;

use rand::RngExt;
use rand::seq::IndexedRandom;

use super::Conductor;
use crate::chaos::clock::micros;
use crate::chaos::id::Id;
use crate::chaos::phase::Phase;
use crate::chaos::protocol::{Order, SlotOrder};
use crate::chaos::quiet::Moment;
use crate::chaos::schedule::{Move, State};
use crate::chaos::slot::HUB_SLOT;

/// Activity between two quiet moments, at the normal pace.
const ACTIVITY: Duration = Duration::from_secs(10);

/// How long it is quiet before nodes are asked.
const HUSH: Duration = Duration::from_millis(1200);

/// How long a node may take to answer.
const ANSWER: Duration = Duration::from_secs(5);

/// A node that was stalled so shortly ago is not asked.
const AWAKE: Duration = Duration::from_secs(2);

/// How long all nodes may take to stop, the last stalls included.
const STOPPING: Duration = Duration::from_secs(30);

/// After the last node has stopped: the last EXITs are judged.
const LAST: Duration = Duration::from_secs(3);

/// How long processes may take to end.
const FINISHING: Duration = Duration::from_secs(20);

impl Conductor<'_> {
    pub(super) fn advance_phase(&mut self, now: Duration) {
        match &self.phase {
            Phase::Active if now >= self.next_quiet => self.hush(now, false),
            Phase::Active if now >= self.next_move => self.make_move(now),
            Phase::Hushed { until, again } if now >= *until => {
                let again = *again;
                self.ask(now, again);
            }
            Phase::Asked { moment, deadline, .. }
                if moment.missing.is_empty() || now >= *deadline =>
            {
                self.compare(now);
            }
            Phase::Stopping { deadline } => {
                let late = now >= *deadline;
                if late {
                    let busy = self.slots.iter().filter(|state| **state != State::Free).count();
                    self.fail(format!("{busy} nodes have not stopped after {STOPPING:?}"));
                }
                if late || self.slots.iter().all(|state| *state == State::Free) {
                    self.phase = Phase::Stopped { until: now + LAST };
                }
            }
            Phase::Stopped { until } if now >= *until => {
                self.order_all(&Order::Finish);
                self.phase = Phase::Finishing { deadline: now + FINISHING };
            }
            Phase::Finishing { deadline } if now >= *deadline => {
                self.fail(format!("processes have not ended after {FINISHING:?}"));
                self.phase = Phase::Over;
            }
            _ => {}
        }
    }

    /// When the next quiet moment is; the last one is when the time is over.
    pub(super) fn quiet_after(&self, now: Duration) -> Duration {
        let end = Duration::from_secs_f64(self.options.seconds);
        let next = now + ACTIVITY.mul_f64(self.options.pace.min(1.0));
        // No activity that is not worth it.
        if next + Duration::from_secs(1) > end { end.max(now) } else { next }
    }

    fn hush(&mut self, now: Duration, again: bool) {
        self.order_all(&Order::All { what: SlotOrder::Hush(true) });
        self.phase = Phase::Hushed { until: now + HUSH, again };
    }

    fn ask(&mut self, now: Duration, again: bool) {
        self.rounds += 1;
        let awake: Vec<_> = self
            .lives
            .alive()
            .filter(|(_, life)| life.is_awake(now, AWAKE) && self.slots[life.slot] == State::Up)
            .map(|(id, life)| (id, life.slot))
            .collect();
        let round = self.rounds;
        for (_, slot) in &awake {
            self.tell(*slot, SlotOrder::Snapshot { round });
        }
        let moment = Moment::new(round, awake.into_iter().map(|(id, _)| id).collect());
        self.phase = Phase::Asked { moment, deadline: now + ANSWER, again };
    }

    fn compare(&mut self, now: Duration) {
        let Phase::Asked { moment, again, .. } = std::mem::replace(&mut self.phase, Phase::Active)
        else {
            return;
        };
        let (compared, found) = moment.compare(&self.lives, now);
        if !found.is_empty() && !again {
            // A loaded machine may need a moment more. What is lost will not have come by then.
            return self.hush(now, true);
        }
        self.quiet_moments += 1;
        self.pairs_compared += compared;
        for violation in found {
            self.found(violation);
        }
        if now >= Duration::from_secs_f64(self.options.seconds) {
            return self.stop_all();
        }
        self.order_all(&Order::All { what: SlotOrder::Hush(false) });
        self.next_quiet = self.quiet_after(now);
        self.next_move = now;
    }

    pub(super) fn stop_all(&mut self) {
        if matches!(self.phase, Phase::Active | Phase::Hushed { .. } | Phase::Asked { .. }) {
            self.order_all(&Order::All { what: SlotOrder::Stop });
            self.phase = Phase::Stopping { deadline: self.clock.now() + STOPPING };
        }
    }

    fn make_move(&mut self, now: Duration) {
        self.next_move = now + self.schedule.pause();
        self.doubt();
        let Some((slot, next)) = self.schedule.next(&self.slots) else { return };
        if self.options.gossip && slot == HUB_SLOT {
            // A node that looks for others finds none without it.
            return;
        }
        match next {
            Move::Start => self.start(slot),
            Move::Kill => self.kill(slot),
            Move::Stop | Move::Crash | Move::Stall { .. } => {
                self.slots[slot] = State::Busy;
                let what = match next {
                    Move::Stall { time, dies } => {
                        self.counters.stalls += 1;
                        let millis = u64::try_from(time.as_millis()).unwrap_or(u64::MAX);
                        SlotOrder::Stall { millis, dies }
                    }
                    Move::Crash => SlotOrder::Crash,
                    _ => SlotOrder::Stop,
                };
                self.tell(slot, what);
            }
        }
    }

    /// A node does not trust a peer for a while.
    fn doubt(&mut self) {
        if !self.options.secure {
            return;
        }
        let pairs = self.lives.pairs();
        let Some((node, peer)) = pairs.choose(&mut self.doubts).copied() else { return };
        let slot = self.lives.get(node).map(|life| life.slot);
        let Some(slot) = slot.filter(|slot| self.slots[*slot] == State::Up) else { return };
        self.counters.distrusts += 1;
        let millis = self.doubts.random_range(100..2500);
        self.tell(slot, SlotOrder::Distrust { peer: Id(peer), millis });
    }

    /// Kills the process that holds a slot, and starts another one in its place.
    fn kill(&mut self, slot: usize) {
        let share = slot % self.plan.processes;
        match self.process(share) {
            Ok(fresh) => {
                self.counters.kills += 1;
                let mut old = std::mem::replace(&mut self.processes[share], fresh);
                let now = self.clock.now();
                self.killed.insert(old.number, now);
                self.lives.killed(old.number, now);
                if let Some(history) = &mut self.history {
                    history.killed(old.number, micros(now));
                }
                old.process.kill();
                for slot in (share..self.slots.len()).step_by(self.plan.processes) {
                    self.slots[slot] = State::Free;
                }
            }
            Err(error) => self.fail(error),
        }
    }
}
