//! A run in which something did not hold.

use std::fmt;

use serde::Serialize;

use super::check::Deviation;
use super::entry::Entry;
use super::plan::Plan;

/// What did not hold, and all that has happened.
#[derive(Clone, Debug, Serialize)]
pub(super) struct Finding {
    pub(super) seed: u64,
    /// What was to happen, for people.
    pub(super) plan: String,
    pub(super) deviations: Vec<Deviation>,
    pub(super) transcript: Vec<String>,
}

impl Finding {
    pub(super) fn new(plan: &Plan, deviations: Vec<Deviation>, entries: &[Entry]) -> Self {
        let transcript = entries.iter().map(ToString::to_string).collect();
        Self { seed: plan.seed, plan: plan.to_string(), deviations, transcript }
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{}", self.plan)?;
        self.deviations.iter().try_for_each(|deviation| writeln!(f, "  VIOLATED {deviation}"))?;
        self.transcript.iter().try_for_each(|line| writeln!(f, "  {line}"))
    }
}
