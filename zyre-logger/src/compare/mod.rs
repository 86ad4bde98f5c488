//! `zyre-logger compare`: whether a file tells the same story as the applications of its nodes.
//!
//! `zyre-tester chaos --log` has its nodes record, and writes down each ENTER and EXIT that their
//! applications were told. Each of those has to be in the file that was collected meanwhile, once,
//! and for a node and a peer in the same order; and there must be no others. ENTER names the peer
//! in its text, EXIT the reason: these have to be equal as well. The node's clock has seconds, and
//! its line may not be later than what its application was told, nor 3 seconds earlier.
//!
//! What cannot be asked for is counted:
//!
//! * What a node recorded in the half second before it died, stalls not counted, may be missing;
//!   and its application may not have taken, or its process not told, what it recorded then.
//! * What a node recorded that ended less than half a second after it met a collector, or without.
//! * A line says who by 16 bits, and those are used again as ports are. Two pairs of nodes that have
//!   the same are told apart by text and time; where both fit, either is taken.
//! * Lines that the collector's own node recorded: its application is not of the history. Of its
//!   own coming and going at the nodes of chaos both sides know; that is compared as all else.

mod history;
mod matching;

use std::fmt;
use std::io::{self, Write};
use std::path::PathBuf;

use thiserror::Error;

pub use history::{Excuse, History, LAST_MOMENT, Life, Told};
use matching::Rows;

use crate::Store;
use crate::clean::clean;
use crate::moment::utc;
use crate::store::StoreError;

/// So many of what is missing, and of what is too much, are shown.
const SHOWN: usize = 20;

/// What can be set about a comparison.
#[derive(Clone, Debug, clap::Args)]
pub struct Options {
    /// The file that `collect` has written, from before chaos began until after its end.
    #[arg(long)]
    db: PathBuf,
    /// The file that `zyre-tester chaos --log` has written.
    #[arg(long)]
    history: PathBuf,
}

/// Why there is nothing to say, or what is wrong.
#[derive(Debug, Error)]
pub enum CompareError {
    /// The database.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The history.
    #[error("{0} is no history to compare with: {1}")]
    History(PathBuf, String),
    /// The two tell different stories.
    #[error("the file and the history do not tell the same: {missing} missing, {surplus} surplus")]
    Different {
        /// ENTERs and EXITs that are not in the file.
        missing: usize,
        /// Those that only the file has.
        surplus: usize,
    },
    /// A check that lets everything pass is none.
    #[error("{excused} of {told} ENTERs and EXITs are excused: that is more than a quarter")]
    Excused {
        /// What is missing or surplus with an excuse.
        excused: usize,
        /// What was told.
        told: usize,
    },
    /// There was nothing in common.
    #[error("there is nothing to compare: is the file of this run?")]
    Nothing,
    /// The output cannot be written to.
    #[error("cannot write the output: {0}")]
    Output(#[from] io::Error),
}

/// What two files have in common, and what not.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Comparison {
    /// ENTERs and EXITs of the history.
    pub told: usize,
    /// Those of the file that nodes of the history recorded.
    pub recorded: usize,
    /// Those that are in both.
    pub same: usize,
    /// Those of the same whose line may be that of another pair.
    pub ambiguous: usize,
    /// What is not in the file and should be.
    pub missing: Vec<String>,
    /// What is in the file and should not be.
    pub surplus: Vec<String>,
    /// Missing: recorded in the last moment of a node.
    pub last_moment: usize,
    /// Missing: recorded by a node that ended before it met a collector.
    pub no_collector: usize,
    /// Surplus: recorded in the last moment of a node, and not told to its application, or told by
    /// a process that was killed.
    pub untold: usize,
    /// Lines of nodes that are not of the history: of the collector itself.
    pub left_out: usize,
    /// Lines that nodes had no room for.
    pub dropped: u64,
    /// Lines that the collector had no room for.
    pub lost: u64,
}

impl Comparison {
    /// Compares what was collected with what was told.
    ///
    /// # Errors
    /// If the file cannot be read.
    pub fn new(store: &Store, history: &History) -> Result<Self, StoreError> {
        let rows = Rows::read(store, history)?;
        let dropped = history.lives.iter().map(|life| life.dropped).sum();
        let lost = store.lost(0, i64::MAX)?;
        let mut comparison = Self {
            told: history.lives.iter().map(|life| life.told.len()).sum(),
            left_out: rows.left_out,
            dropped,
            lost,
            ..Self::default()
        };
        comparison.recorded = rows.len();
        matching::compare(history, rows, &mut comparison);
        Ok(comparison)
    }

    fn miss(&mut self, history: &History, life: &Life, told: &Told) {
        match history.excuse(life, told.at) {
            Some(Excuse::LastMoment) => self.last_moment += 1,
            Some(Excuse::NoCollector) => self.no_collector += 1,
            None => {
                let Told { at, event, peer, data, .. } = told;
                let (at, name, data) = (utc(*at), clean(&life.name), clean(data));
                let peer = clean(history.name(peer).unwrap_or(peer));
                self.missing.push(format!("{at} {name} {event} {peer}, {data}"));
            }
        }
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

/// Compares, and prints what comes of it.
///
/// # Errors
/// See [`CompareError`]: also if the two differ.
pub fn run(options: &Options) -> Result<(), CompareError> {
    let history = History::read(&options.history)?;
    let comparison = Comparison::new(&Store::open(&options.db)?, &history)?;
    write!(io::stdout().lock(), "{comparison}")?;
    let (missing, surplus) = (comparison.missing.len(), comparison.surplus.len());
    if missing > 0 || surplus > 0 {
        return Err(CompareError::Different { missing, surplus });
    }
    let Comparison { told, last_moment, no_collector, untold, .. } = comparison;
    let excused = last_moment + no_collector + untold;
    if excused > told / 4 {
        return Err(CompareError::Excused { excused, told });
    }
    if comparison.same == 0 { Err(CompareError::Nothing) } else { Ok(()) }
}
