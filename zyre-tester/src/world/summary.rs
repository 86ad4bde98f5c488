//! What a run has come to.

use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

use serde_json::{Value, json};

use super::member::Member;
use super::moment::{Difference, Other};
use super::sources::Sources;

/// What has happened in a run, and what was wrong.
#[derive(Debug, Default)]
pub(super) struct Summary {
    pub(super) nodes: u32,
    pub(super) changes: u32,
    pub(super) quiet_moments: u32,
    pub(super) partitions: u32,
    /// How many nodes had each source, and how many had several.
    sources: BTreeMap<&'static str, u32>,
    several: u32,
    /// Messages.
    pub(super) received: u64,
    /// Whispers that were lost with a link.
    pub(super) lost: u64,
    /// Pairs of which both have compared what was said with what was heard.
    pub(super) settled: u64,
    /// The longest that nodes took to know each other after the last change, and to part.
    met: Duration,
    /// After a partition.
    healed: Duration,
    parted: Duration,
    pub(super) wrong: Vec<String>,
    /// What has happened between the last good moment and the one at which it was found.
    pub(super) changes_before: Vec<String>,
}

impl Summary {
    /// A node has ended, or the run has.
    pub(super) fn count(&mut self, member: &Member) {
        self.received += member.received;
        self.lost += member.lost;
    }

    /// A node starts.
    pub(super) fn begin(&mut self, sources: &Sources) {
        self.nodes += 1;
        let kinds = sources.kinds();
        self.several += u32::from(kinds.len() > 1);
        for kind in kinds {
            *self.sources.entry(kind).or_default() += 1;
        }
    }

    /// Returns it as JSON.
    pub(super) fn figures(&self) -> Value {
        let Self { nodes, changes, quiet_moments, partitions, sources, several, .. } = self;
        let Self { received, lost, settled, met, healed, parted, .. } = self;
        json!({
            "nodes": nodes, "changes": changes, "quiet_moments": quiet_moments,
            "partitions": partitions, "sources": sources, "several_sources": several,
            "received": received, "lost": lost, "settled": settled,
            "met_seconds": met.as_secs_f64(), "healed_seconds": healed.as_secs_f64(),
            "parted_seconds": parted.as_secs_f64(),
            "wrong": self.wrong.len(),
        })
    }

    /// Some nodes do not know the truth this long after the last change.
    pub(super) fn note(&mut self, differences: &[Difference], healed: bool, lasted: Duration) {
        for difference in differences {
            let longest = match difference.other {
                Other::Missing(_) if healed => &mut self.healed,
                Other::Missing(_) => &mut self.met,
                Other::Surplus(_) | Other::Gone(_) => &mut self.parted,
            };
            *longest = lasted.max(*longest);
        }
    }
}

impl fmt::Display for Summary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { nodes, changes, quiet_moments, partitions, sources, several, .. } = self;
        let Self { received, lost, settled, met, healed, parted, .. } = self;
        writeln!(
            f,
            "{nodes} nodes, {changes} changes, {partitions} partitions, {quiet_moments} quiet moments"
        )?;
        let sources: Vec<String> =
            sources.iter().map(|(kind, nodes)| format!("{kind}: {nodes}")).collect();
        writeln!(f, "nodes found others by {}; {several} by several", sources.join(", "))?;
        writeln!(
            f,
            "{received} messages were received; {lost} whispers were lost, each before an EXIT"
        )?;
        writeln!(f, "{settled} times a peer had heard all that was said to it since")?;
        writeln!(
            f,
            "the last to meet took {met:.1?}, after a partition {healed:.1?}, the last to part \
             {parted:.1?}"
        )?;
        if self.wrong.is_empty() {
            return f.write_str("nothing was wrong");
        }
        writeln!(f, "what had changed since the quiet moment before:")?;
        for line in &self.changes_before {
            writeln!(f, "  {line}")?;
        }
        for wrong in &self.wrong {
            writeln!(f, "WRONG: {wrong}")?;
        }
        write!(f, "{} things were wrong", self.wrong.len())
    }
}
