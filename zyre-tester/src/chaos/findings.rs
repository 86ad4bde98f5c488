//! The violations that were found, each with what was between the two nodes, from both sides.

use std::collections::BTreeMap;
use std::time::Duration;

use serde::Serialize;
use zyre::PeerId;

use super::id::Id;
use super::lives::Lives;
use super::protocol::SlotOrder;
use testkit::ledger::{Rule, Violation};

/// More than these are counted, not kept: one fault can show in every pair.
const KEPT: usize = 100;

/// How long the other side may take to tell its history.
const PATIENCE: Duration = Duration::from_secs(2);

/// A violation, ready to be shown.
#[derive(Clone, Debug, Serialize)]
pub(super) struct Finding {
    /// The number of the rule.
    pub(super) rule: usize,
    /// Its name.
    pub(super) name: &'static str,
    /// Seconds since the start.
    pub(super) at: f64,
    /// Where it was seen.
    pub(super) node: String,
    /// The other node.
    pub(super) peer: String,
    /// What was seen.
    pub(super) what: String,
    /// What each of the two says was last between them.
    pub(super) histories: BTreeMap<String, Vec<String>>,
}

/// A finding that waits for a history.
#[derive(Debug)]
struct Waiting {
    finding: Finding,
    tickets: BTreeMap<u64, String>,
    deadline: Duration,
}

/// All findings of a run.
#[derive(Debug, Default)]
pub(super) struct Findings {
    /// How many there were of each rule.
    counts: [u64; Rule::ALL.len()],
    waiting: Vec<Waiting>,
    pub(super) done: Vec<Finding>,
    ticket: u64,
}

impl Findings {
    pub(super) fn count(&self) -> u64 {
        self.counts.iter().sum()
    }

    /// The rules by number and name, and how often each was broken.
    pub(super) fn by_rule(&self) -> impl Iterator<Item = (Rule, u64)> {
        Rule::ALL.into_iter().zip(self.counts)
    }

    /// A violation. Returns the nodes to ask for what was before.
    pub(super) fn add(
        &mut self,
        violation: Violation,
        lives: &Lives,
        now: Duration,
    ) -> Vec<(PeerId, SlotOrder)> {
        let Violation { rule, node, peer, what, at, history } = violation;
        self.counts[rule.number() - 1] += 1;
        if self.done.len() + self.waiting.len() >= KEPT {
            return Vec::new();
        }
        let mut asked = Vec::new();
        let mut tickets = BTreeMap::new();
        for (one, other) in [(node, peer), (peer, node)] {
            let told = one == node && !history.is_empty();
            if node != peer && !told && lives.get(one).is_some_and(|life| life.end.is_none()) {
                self.ticket += 1;
                tickets.insert(self.ticket, lives.name(one));
                let (peer, ticket) = (Id(other), self.ticket);
                asked.push((one, SlotOrder::History { peer, ticket }));
            }
        }
        let mut histories = BTreeMap::new();
        if !history.is_empty() {
            histories.insert(lives.name(node), history);
        }
        let (node, peer) = (lives.name(node), lives.name(peer));
        let (name, at) = (rule.name(), at.as_secs_f64());
        let finding = Finding { rule: rule.number(), name, at, node, peer, what, histories };
        self.waiting.push(Waiting { finding, tickets, deadline: now + PATIENCE });
        asked
    }

    /// What a node says was between it and another.
    pub(super) fn history(&mut self, ticket: u64, lines: Vec<String>) {
        for waiting in &mut self.waiting {
            if let Some(name) = waiting.tickets.remove(&ticket) {
                waiting.finding.histories.insert(name, lines);
                return;
            }
        }
    }

    /// Those that can be shown now and were not before.
    pub(super) fn ready(&mut self, now: Duration) -> &[Finding] {
        let before = self.done.len();
        let (ready, waiting) = std::mem::take(&mut self.waiting)
            .into_iter()
            .partition(|waiting| waiting.tickets.is_empty() || waiting.deadline < now);
        self.waiting = waiting;
        let ready: Vec<Waiting> = ready;
        self.done.extend(ready.into_iter().map(|waiting| waiting.finding));
        &self.done[before..]
    }
}
