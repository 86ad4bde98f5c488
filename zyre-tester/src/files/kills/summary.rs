//! What a run has done and found.

use std::fmt;

use super::finding::Finding;
use super::received::Looked;
use super::stage::Kills;

#[derive(Clone, Debug, Default)]
pub(super) struct Summary {
    pub(super) seed: u64,
    pub(super) wanted: u32,
    pub(super) done: u32,
    pub(super) seconds: f64,
    pub(super) kills: Kills,
    /// Files that were published, with those that replaced others.
    pub(super) published: u64,
    pub(super) looked: Looked,
    /// How often all had settled, and how long that took at most.
    pub(super) settled: (u32, f64),
    /// What receivers did not take, and why. It may have come later.
    pub(super) refused: Vec<String>,
    pub(super) findings: Vec<Finding>,
    /// Why it ended before its end.
    pub(super) failure: Option<String>,
}

impl Summary {
    /// All was done, and nothing found.
    pub(super) const fn is_good(&self) -> bool {
        self.findings.is_empty() && self.failure.is_none()
    }

    pub(super) fn json(&self) -> serde_json::Value {
        serde_json::json!({
            "mode": "kills", "seed": self.seed, "kills": self.done, "wanted": self.wanted,
            "seconds": self.seconds, "stages": self.kills.json(), "published": self.published,
            "files_looked_at": self.looked.files, "bytes_looked_at": self.looked.bytes,
            "settled": self.settled.0, "longest_settling": self.settled.1,
            "refused": self.refused, "findings": self.findings, "failure": self.failure,
        })
    }
}

impl fmt::Display for Summary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { seed, wanted, done, seconds, published, looked, settled, .. } = self;
        writeln!(f, "{done} of {wanted} kills in {seconds:.1} s, seed {seed}")?;
        write!(f, "{}", self.kills)?;
        writeln!(
            f,
            "  {published} files published; in folders {} looked at, {} MB",
            looked.files,
            looked.bytes / 1_000_000
        )?;
        writeln!(f, "  settled {} times, after {:.1} s at most", settled.0, settled.1)?;
        for refused in self.refused.iter().take(5) {
            writeln!(f, "  refused: {refused}")?;
        }
        for Finding { rule, whose, name, what } in self.findings.iter().take(20) {
            writeln!(f, "  VIOLATED {rule:?}: {whose}: {name}: {what}")?;
        }
        if let Some(failure) = &self.failure {
            writeln!(f, "  FAILURE {failure}")?;
        }
        writeln!(f, "  {} violations", self.findings.len())
    }
}
