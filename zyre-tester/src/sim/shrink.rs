//! Makes the scenario of a violation as short as it can be and still show it.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use super::faults::Fault;
use super::run::{self, Outcome, Setup, Watch};
use super::time::Micros;
use super::trace::Trace;
use testkit::ledger::{Rule, Violation};

/// A shorter scenario.
#[derive(Debug)]
pub(super) struct Shrunk {
    /// What must go wrong.
    pub(super) faults: Vec<Fault>,
    /// How many it were before.
    pub(super) before: usize,
    /// What it shows.
    pub(super) violation: Violation,
    /// What the other node has seen of this one.
    pub(super) other_side: Vec<String>,
    /// Runs that were needed.
    pub(super) runs: usize,
    /// Whether all was tried.
    pub(super) complete: bool,
}

struct Unwatched;

impl Watch for Unwatched {
    fn progress(&mut self, _now: Micros, _present: i64, _violations: usize) {}
}

struct Shrinker<'a> {
    setup: Setup,
    rule: Rule,
    /// What the violation says, without its numbers.
    what: String,
    until: Instant,
    runs: usize,
    stop: &'a AtomicBool,
}

impl Shrinker<'_> {
    fn run(&mut self, faults: &[Fault]) -> Outcome {
        self.runs += 1;
        run::run(&self.setup, faults, self.stop, &mut Unwatched)
    }

    /// The first violation of this kind with these faults only.
    fn shows(&mut self, faults: &[Fault]) -> Option<Violation> {
        let found = self.run(faults).violations;
        found.into_iter().find(|violation| self.is_of_this_kind(violation))
    }

    fn is_of_this_kind(&self, violation: &Violation) -> bool {
        violation.rule == self.rule && without_numbers(&violation.what) == self.what
    }

    fn is_over(&self) -> bool {
        Instant::now() > self.until || self.stop.load(Ordering::Relaxed)
    }
}

/// Leaves out faults, many at first and then one by one, and cuts the rest behind the violation.
pub(super) fn shrink(
    setup: &Setup,
    faults: &[Fault],
    first: &Violation,
    seconds: u64,
    stop: &AtomicBool,
) -> Shrunk {
    let until = Instant::now() + Duration::from_secs(seconds);
    let mut setup = setup.clone();
    setup.until_violation = true;
    setup.rules.trace = Trace::default();
    setup.cut = cut(first);
    let mut shrinker = Shrinker {
        setup,
        rule: first.rule,
        what: without_numbers(&first.what),
        until,
        runs: 0,
        stop,
    };
    let mut needed: Vec<Fault> =
        faults.iter().filter(|fault| fault.at <= shrinker.setup.cut).cloned().collect();
    let mut violation = first.clone();
    let mut size = needed.len();
    while size > 0 && !shrinker.is_over() {
        let mut from = 0;
        while from < needed.len() && !shrinker.is_over() {
            let mut fewer = needed.clone();
            fewer.drain(from..(from + size).min(needed.len()));
            match shrinker.shows(&fewer) {
                Some(found) => {
                    shrinker.setup.cut = shrinker.setup.cut.min(cut(&found));
                    let cut = shrinker.setup.cut;
                    needed = fewer;
                    needed.retain(|fault| fault.at <= cut);
                    violation = found;
                }
                None => from += size,
            }
        }
        size = if size == 1 { 0 } else { size.div_ceil(2) };
    }
    let complete = !shrinker.is_over();
    // Once more, with the history of the pair.
    shrinker.setup.rules.history = 200;
    shrinker.setup.watched = Some((violation.peer, violation.node));
    let last = shrinker.run(&needed);
    let violation = last
        .violations
        .into_iter()
        .find(|found| shrinker.is_of_this_kind(found))
        .unwrap_or(violation);
    let runs = shrinker.runs;
    let (before, other_side) = (faults.len(), last.other_side);
    Shrunk { faults: needed, before, violation, other_side, runs, complete }
}

fn without_numbers(text: &str) -> String {
    text.chars().filter(|c| !c.is_ascii_digit()).collect()
}

/// Just behind a violation.
fn cut(violation: &Violation) -> Micros {
    violation.at.as_micros() as Micros + 1
}
