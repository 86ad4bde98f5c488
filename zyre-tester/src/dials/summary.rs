//! What all runs have come to.

use std::collections::BTreeMap;
use std::time::Duration;

use serde::Serialize;
use testkit::table::{Table, figure};

use super::check::Rule;
use super::dial_run::Outcome;
use super::finding::Finding;
use super::plan::Variant;
use super::role::Role;
use crate::median::median;

/// More findings than these are counted, not kept: one fault can show in every run.
const KEPT: usize = 100;

/// The seeds of findings that are shown.
const SHOWN: usize = 20;

/// What all runs have come to.
#[derive(Clone, Debug, Serialize)]
pub(super) struct Summary {
    pub(super) seed: u64,
    /// How many connections had to be left between two nodes.
    connections: usize,
    pub(super) runs: u32,
    /// Runs with a finding.
    pub(super) found: u32,
    pub(super) holds: bool,
    pub(super) seconds: f64,
    rows: Vec<Row>,
    /// How many runs have violated each rule.
    rules: BTreeMap<&'static str, u32>,
    pub(super) findings: Vec<Finding>,
}

/// The runs of one kind.
#[derive(Clone, Debug, Serialize)]
struct Row {
    kind: &'static str,
    runs: u32,
    found: u32,
    /// Runs in which both nodes had a dial open before anything was heard by any.
    crossed: u32,
    /// Connections that there were, in all runs,
    dials: usize,
    /// and that were left: those that the chooser has dialled, and the others.
    left: [usize; 2],
    /// Milliseconds from the start of the second node until both had entered.
    meeting_ms: Vec<f64>,
    /// Seconds that a run took.
    run_s: Vec<f64>,
}

impl Row {
    const fn new(kind: &'static str) -> Self {
        Self {
            kind,
            runs: 0,
            found: 0,
            crossed: 0,
            dials: 0,
            left: [0; 2],
            meeting_ms: Vec::new(),
            run_s: Vec::new(),
        }
    }

    fn add(&mut self, outcome: &Outcome) {
        let connections = &outcome.connections;
        self.runs += 1;
        self.found += u32::from(outcome.finding.is_some());
        self.crossed += u32::from(connections.crossed);
        self.dials += connections.count();
        let left = |by| connections.open().filter(|dial| dial.by == by).count();
        self.left[0] += left(Role::Chooser);
        self.left[1] += left(Role::Follower);
        self.meeting_ms.extend(outcome.meeting.map(|time| time.as_secs_f64() * 1e3));
        self.run_s.push(outcome.took.as_secs_f64());
    }

    fn cells(&self) -> Vec<String> {
        let most = |values: &[f64]| values.iter().copied().reduce(f64::max);
        vec![
            self.kind.to_owned(),
            self.runs.to_string(),
            self.found.to_string(),
            self.crossed.to_string(),
            self.dials.to_string(),
            self.left[0].to_string(),
            self.left[1].to_string(),
            figure(median(self.meeting_ms.clone()), 0),
            figure(most(&self.meeting_ms), 0),
            figure(median(self.run_s.clone()), 2),
            figure(most(&self.run_s), 2),
        ]
    }
}

impl Summary {
    pub(super) fn new(seed: u64, connections: usize) -> Self {
        Self {
            seed,
            connections,
            runs: 0,
            found: 0,
            holds: true,
            seconds: 0.0,
            rows: Variant::KINDS.into_iter().chain(["all"]).map(Row::new).collect(),
            rules: Rule::ALL.into_iter().map(|rule| (rule.name(), 0)).collect(),
            findings: Vec::new(),
        }
    }

    /// Adds what became of a run.
    pub(super) fn add(&mut self, outcome: Outcome) {
        let kind = outcome.variant.kind();
        for row in self.rows.iter_mut().filter(|row| [kind, "all"].contains(&row.kind)) {
            row.add(&outcome);
        }
        self.runs += 1;
        let Some(finding) = outcome.finding else { return };
        self.holds = false;
        self.found += 1;
        for rule in Rule::ALL {
            if finding.deviations.iter().any(|deviation| deviation.rule == rule) {
                *self.rules.entry(rule.name()).or_default() += 1;
            }
        }
        if self.findings.len() < KEPT {
            self.findings.push(finding);
        }
    }

    /// All runs are over.
    pub(super) fn end(&mut self, took: Duration) {
        self.seconds = took.as_secs_f64();
        self.findings.sort_by_key(|finding| finding.seed);
    }
}

impl Summary {
    /// Returns the text for a terminal with this number of columns, if it is one.
    pub(super) fn text(&self, columns: Option<usize>) -> String {
        let Self { seed, runs, seconds, found, .. } = self;
        let mut text = format!("{runs} runs from seed {seed} on, in {seconds:.0} s\n\n");
        let mut table = Table::new(
            1,
            [
                "",
                "runs",
                "found",
                "crossed",
                "dials",
                "left of chooser",
                "of follower",
                "ENTER ms",
                "max",
                "run s",
                "max",
            ],
        );
        self.rows.iter().for_each(|row| table.add(row.cells()));
        text += &table.text(columns);
        text.push('\n');
        if self.holds {
            return text + "all hold";
        }
        let broken = self.rules.iter().filter(|(_, count)| **count > 0);
        text.extend(broken.map(|(rule, count)| format!("VIOLATED in {count} runs: {rule}\n")));
        let seeds = self.findings.iter().take(SHOWN).map(|finding| finding.seed.to_string());
        let more = if self.findings.len() > SHOWN { " …" } else { "" };
        let seeds = seeds.collect::<Vec<_>>().join(" ");
        text += &format!("{found} runs with findings, seeds {seeds}{more}");
        let Some(first) = self.findings.first() else { return text };
        let options = format!("--runs 1 --seed {} --connections {}", first.seed, self.connections);
        text + &format!("\nto see it again: zyre-tester dials {options}")
    }
}
