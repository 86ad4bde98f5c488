//! What a run has come to, for people and for machines.

use std::collections::BTreeMap;
use std::fmt;

use serde::Serialize;

use super::findings::Finding;
use super::protocol::{Level, Tally};

/// What was done to slots.
#[derive(Clone, Copy, Debug, Default, Serialize)]
pub(super) struct Deeds {
    pub(super) starts: u64,
    pub(super) stops: u64,
    pub(super) crashes: u64,
    /// Stalls; after some of them the node dies, which is a crash more.
    pub(super) stalls: u64,
    /// Processes killed.
    pub(super) kills: u64,
}

/// What processes used: the sum of those that lived to the end, and the most of any one.
#[derive(Clone, Copy, Debug, Default, Serialize)]
pub(super) struct Usage {
    pub(super) before: u64,
    pub(super) most: u64,
    pub(super) after: u64,
}

/// The result of a run.
#[derive(Clone, Debug, Serialize)]
pub(super) struct Summary {
    pub(super) nodes: usize,
    pub(super) seconds: f64,
    pub(super) seed: u64,
    pub(super) processes: usize,
    pub(super) interrupted: bool,
    pub(super) deeds: Deeds,
    pub(super) most_up: usize,
    pub(super) messages: Messages,
    pub(super) enters: u64,
    pub(super) exits: u64,
    pub(super) exit_reasons: BTreeMap<String, u64>,
    pub(super) quiet_moments: u64,
    pub(super) pairs_compared: u64,
    /// ENTERs of nodes that are not of this run: another one uses the port.
    pub(super) strangers: u64,
    pub(super) memory_kib: Usage,
    pub(super) descriptors: Usage,
    pub(super) descriptor_limit: u64,
    pub(super) violations: u64,
    pub(super) violations_by_rule: BTreeMap<String, u64>,
    pub(super) findings: Vec<Finding>,
    /// What kept the tester itself from its work.
    pub(super) failures: Vec<String>,
}

/// Messages, as applications count them.
#[derive(Clone, Copy, Debug, Default, Serialize)]
pub(super) struct Messages {
    pub(super) whispers: u64,
    pub(super) shouts: u64,
    pub(super) received: u64,
    pub(super) refused: u64,
    pub(super) joins: u64,
    pub(super) leaves: u64,
    pub(super) evasive: u64,
    pub(super) silent: u64,
}

impl From<Tally> for Messages {
    fn from(tally: Tally) -> Self {
        let Tally { whispers, shouts, received, refused, joins, leaves, evasive, silent } = tally;
        Self { whispers, shouts, received, refused, joins, leaves, evasive, silent }
    }
}

impl Usage {
    /// Of one process.
    pub(super) fn add(&mut self, which: impl Fn(&Level) -> u64, levels: [&Level; 3]) {
        let [before, most, after] = levels.map(which);
        self.before += before;
        self.most = self.most.max(most);
        self.after += after;
    }
}

impl Summary {
    /// Nothing was violated, and the tester could do its work.
    pub(super) const fn is_good(&self) -> bool {
        self.violations == 0 && self.failures.is_empty()
    }
}

impl fmt::Display for Summary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Deeds { starts, stops, crashes, stalls, kills } = self.deeds;
        let Messages { whispers, shouts, received, refused, joins, leaves, evasive, silent } =
            self.messages;
        let reasons: Vec<String> =
            self.exit_reasons.iter().map(|(reason, count)| format!("{count} {reason}")).collect();
        let mut row = |name: &str, text: String| writeln!(f, "  {name:<15}{text}");
        row(
            "run",
            format!(
                "{} slots in {} process(es), {:.1} s, seed {}{}",
                self.nodes,
                self.processes,
                self.seconds,
                self.seed,
                if self.interrupted { ", interrupted" } else { "" }
            ),
        )?;
        row(
            "nodes",
            format!(
                "{starts} started, {stops} stopped, {crashes} crashed, {stalls} \
            stalled, {kills} processes killed, {} up at most",
                self.most_up
            ),
        )?;
        row(
            "messages",
            format!(
                "{whispers} whispers and {shouts} shouts sent, {received} received, \
            {refused} whispers to the departed"
            ),
        )?;
        row("groups", format!("{joins} joins, {leaves} leaves"))?;
        row(
            "peers",
            format!(
                "{} ENTER, {} EXIT ({}), {evasive} EVASIVE, {silent} SILENT",
                self.enters,
                self.exits,
                reasons.join(", ")
            ),
        )?;
        row(
            "quiet moments",
            format!("{}, {} pairs compared", self.quiet_moments, self.pairs_compared),
        )?;
        let Usage { before, most, after } = self.memory_kib;
        row("memory", format!("{before} KiB before, {most} at most in a process, {after} after"))?;
        let Usage { before, most, after } = self.descriptors;
        row(
            "descriptors",
            format!(
                "{before} before, {most} at most in a process, {after} after, \
            limit {}",
                self.descriptor_limit
            ),
        )?;
        if self.strangers > 0 {
            row(
                "strangers",
                format!("{} EXITs: another run uses the same --port", self.strangers),
            )?;
        }
        for failure in &self.failures {
            row("FAILURE", failure.clone())?;
        }
        for (rule, count) in self.violations_by_rule.iter().filter(|(_, count)| **count > 0) {
            row("VIOLATED", format!("{count} times {rule}"))?;
        }
        row("violations", self.violations.to_string())
    }
}
