//! What a run has come to, for people and for machines.

use std::collections::BTreeMap;
use std::fmt;

use serde::Serialize;

use super::counters::Counters;
use super::findings::Finding;
use super::level::Level;
use super::protocol::{Links, Tally};

/// The columns of a name, before the text.
pub(super) const NAME_COLUMNS: usize = 17;

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
    /// Of 100 nodes this number was meant to make one connection each way with everybody.
    pub(super) plain: u8,
    pub(super) interrupted: bool,
    #[serde(rename = "deeds")]
    pub(super) counters: Counters,
    pub(super) most_up: usize,
    pub(super) messages: Tally,
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
        for (name, text) in self.rows() {
            let name = format!("  {name}");
            writeln!(f, "{name:<NAME_COLUMNS$}{text}")?;
        }
        Ok(())
    }
}

impl Summary {
    fn rows(&self) -> Vec<(&'static str, String)> {
        let mut rows = vec![("run", self.run()), ("nodes", self.nodes())];
        let Counters { strangers, distrusts, forged, .. } = self.counters;
        if forged > 0 {
            let text = format!(
                "{strangers} of the started are strangers, {distrusts} times a key was distrusted, \
                 {forged} beacons forged"
            );
            rows.push(("keys", text));
        }
        rows.extend(self.traffic());
        let quiet = format!("{}, {} pairs compared", self.quiet_moments, self.pairs_compared);
        rows.push(("quiet moments", quiet));
        rows.extend(self.usage());
        if self.strangers > 0 {
            let text = format!("{} EXITs: others use the same --port", self.strangers);
            rows.push(("strangers", text));
        }
        rows.extend(self.failures.iter().map(|failure| ("FAILURE", failure.clone())));
        let violated = self.violations_by_rule.iter().filter(|(_, count)| **count > 0);
        rows.extend(violated.map(|(rule, count)| ("VIOLATED", format!("{count} times {rule}"))));
        rows.push(("violations", self.violations.to_string()));
        rows
    }

    fn run(&self) -> String {
        let Self { nodes, processes, seconds, seed, interrupted, .. } = self;
        let interrupted = if *interrupted { ", interrupted" } else { "" };
        format!(
            "{nodes} slots in {processes} process(es), {seconds:.1} s, seed {seed}{interrupted}"
        )
    }

    fn nodes(&self) -> String {
        let Counters { starts, plain, old, stops, crashes, stalls, kills, .. } = self.counters;
        let most = self.most_up;
        let old = if old > 0 { format!(", {old} of the release before") } else { String::new() };
        format!(
            "{starts} started ({plain} plain{old}), {stops} stopped, {crashes} crashed, {stalls} \
             stalled, {kills} processes killed, {most} up at most"
        )
    }

    /// What went between nodes.
    fn traffic(&self) -> [(&'static str, String); 4] {
        let Tally { whispers, shouts, received, refused, joins, leaves, .. } = self.messages;
        let Tally { evasive, silent, returned, unreachable, .. } = self.messages;
        let (enters, exits) = (self.enters, self.exits);
        let reasons: Vec<String> =
            self.exit_reasons.iter().map(|(reason, count)| format!("{count} {reason}")).collect();
        let reasons = reasons.join(", ");
        let messages = format!(
            "{whispers} whispers and {shouts} shouts sent, {received} received, {refused} \
             whispers to the departed"
        );
        let peers = format!(
            "{enters} ENTER, {exits} EXIT ({reasons}), {evasive} EVASIVE, {silent} SILENT, \
             {returned} RETURNED, {unreachable} UNREACHABLE"
        );
        [
            ("messages", messages),
            ("groups", format!("{joins} joins, {leaves} leaves")),
            ("peers", peers),
            ("links", self.links()),
        ]
    }

    /// How peers were connected, as far as nodes tell.
    fn links(&self) -> String {
        let links = self.messages.links;
        let Links { dialled, accepted, one_each_way, dials, dials_failed, hellos, .. } = links;
        let each = hellos as f64 / links.enters().max(1) as f64;
        format!(
            "{dialled} two-way dialled, {accepted} two-way accepted, {one_each_way} one each way; \
             {dials} dials, {dials_failed} failed; {each:.2} HELLOs per ENTER"
        )
    }

    /// What processes used.
    fn usage(&self) -> [(&'static str, String); 2] {
        let Usage { before, most, after } = self.memory_kib;
        let memory = format!(
            "{before} KiB before and {after} after, of all processes; {most} at most in one of them"
        );
        let Usage { before, most, after } = self.descriptors;
        let limit = self.descriptor_limit;
        let descriptors = format!(
            "{before} before and {after} after, of all processes; {most} at most in one of them, of {limit}"
        );
        [("memory", memory), ("descriptors", descriptors)]
    }
}
