//! The result of a comparison.

use std::fmt;

use zyre::Printable;
use zyre_logger::moment::utc;

use super::history::{Excuse, History, Life, Told};

/// How many of the missing and of the surplus lines are shown.
const SHOWN: usize = 20;

/// What two files have in common, and what not.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Comparison {
    /// ENTERs and EXITs of the history.
    pub(super) told: usize,
    /// Those of the file that nodes of the history recorded.
    pub(super) recorded: usize,
    /// Those that are in both.
    pub(super) same: usize,
    /// Those of the same whose line may be that of another pair.
    pub(super) ambiguous: usize,
    /// What is not in the file and should be.
    pub(super) missing: Vec<String>,
    /// What is in the file and should not be.
    pub(super) surplus: Vec<String>,
    /// Missing: recorded in the last moment of a node.
    pub(super) last_moment: usize,
    /// Missing: recorded by a node that ended before it met a collector.
    pub(super) no_collector: usize,
    /// Surplus: recorded in the last moment of a node, and not told to its application, or told by
    /// a process that was killed.
    pub(super) untold: usize,
    /// Lines of nodes that are not of the history: of the collector itself.
    pub(super) left_out: usize,
    /// Lines that nodes had no room for.
    pub(super) dropped: u64,
    /// Lines that the collector had no room for.
    pub(super) lost: u64,
}

impl Comparison {
    /// Counts something told that is not in the file.
    pub(super) fn miss(&mut self, history: &History, life: &Life, told: &Told) {
        match history.excuse(life, told.at) {
            Some(Excuse::LastMoment) => self.last_moment += 1,
            Some(Excuse::NoCollector) => self.no_collector += 1,
            None => {
                let Told { at, event, peer, data, .. } = told;
                let (at, name, data) = (utc(*at), Printable::new(&life.name), Printable::new(data));
                let peer = Printable::new(history.name(peer).unwrap_or(peer));
                self.missing.push(format!("{at} {name} {event} {peer}, {data}"));
            }
        }
    }

    /// Judges the comparison.
    ///
    /// # Errors
    /// If the two differ, and if there is too little to compare.
    pub(super) fn verdict(&self) -> Result<(), String> {
        let (missing, surplus) = (self.missing.len(), self.surplus.len());
        if missing > 0 || surplus > 0 {
            return Err(format!(
                "the file and the history do not tell the same: {missing} missing, {surplus} surplus"
            ));
        }
        let excused = self.last_moment + self.no_collector + self.untold;
        // A check that lets everything pass is none.
        if excused > self.told / 4 {
            return Err(format!(
                "{excused} of {} ENTERs and EXITs are excused: that is more than a quarter",
                self.told
            ));
        }
        if self.same == 0 {
            return Err("there is nothing to compare: is the file of this run?".into());
        }
        Ok(())
    }
}

impl fmt::Display for Comparison {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (what, lines) in [("missing", &self.missing), ("surplus", &self.surplus)] {
            for line in lines.iter().take(SHOWN) {
                writeln!(f, "{what}: {line}")?;
            }
            if lines.len() > SHOWN {
                writeln!(f, "{what}: and {} more", lines.len() - SHOWN)?;
            }
        }
        let Self { told, recorded, same, ambiguous, last_moment, no_collector, untold, .. } = self;
        let (missing, surplus) = (self.missing.len(), self.surplus.len());
        writeln!(
            f,
            "compared     {told} ENTERs and EXITs told, {recorded} recorded, {same} the same"
        )?;
        writeln!(f, "missing      {missing}")?;
        writeln!(f, "surplus      {surplus}")?;
        writeln!(
            f,
            "excused      {last_moment} missing from the last moment of a node, {no_collector} of \
             nodes that ended before they met a collector, {untold} that an application did not \
             live to hear"
        )?;
        writeln!(f, "ambiguous    {ambiguous} of the same, by their correlation ids")?;
        writeln!(f, "left out     {} of the collector's own", self.left_out)?;
        writeln!(f, "no room      {} lines at nodes, {} at the collector", self.dropped, self.lost)
    }
}
