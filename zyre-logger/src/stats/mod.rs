//! `zyre-logger stats`: joins, sessions and rates of a recording.
//!
//! * A **session** of a node is the time from an ENTER to the next EXIT that one observer recorded
//!   about it. Every observer counts: with ten observers, one life of a node is up to ten sessions.
//!   An ENTER without EXIT is *open*: the session goes on, the observer has gone, or the EXIT was
//!   lost. Times are those of arrival at the collector, whose node is an observer as well; for lines
//!   that a node had kept until it found a collector, those of the node, in seconds.
//! * **Joins** and **leaves** are seen by all observers at once; what is told is the count of the
//!   observer that saw most.
//! * **Messages** are counted where they were recorded: SEND at the sender, RECV at the receiver.
//!   Rates are means over the whole time.

mod plot;
mod sessions;
mod table;
mod tally;

use std::io::{self, Write};
use std::path::PathBuf;

use thiserror::Error;

pub use sessions::Sessions;
pub use tally::Tally;

use crate::clean::clean;
use crate::query::Filter;
use crate::store::StoreError;
use crate::{Store, moment};
use sessions::Pairing;
use tally::Tallies;

/// What can be set about statistics.
#[derive(Clone, Debug, clap::Args)]
pub struct Options {
    /// The file that `collect` writes.
    #[arg(long)]
    db: PathBuf,
    /// Not before: RFC 3339, local time (`2026-03-01 12:00`), or how long ago (`10m`).
    #[arg(long)]
    since: Option<String>,
    /// Not after; as `--since`.
    #[arg(long)]
    until: Option<String>,
    /// Also draw it, as SVG.
    #[arg(long)]
    plot: Option<PathBuf>,
}

/// Why there are no statistics.
#[derive(Debug, Error)]
pub enum StatsError {
    /// The file.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// What was asked for makes no sense.
    #[error("{0}")]
    Asked(String),
    /// The picture cannot be drawn or written.
    #[error("cannot draw {0}: {1}")]
    Plot(PathBuf, String),
    /// The output cannot be written to.
    #[error("cannot write the output: {0}")]
    Output(#[from] io::Error),
}

/// A node and what is known of it.
#[derive(Clone, Debug)]
pub struct NodeStats {
    /// Its name, or `#` and a correlation id; fit for a terminal.
    pub name: String,
    /// How long others saw it.
    pub sessions: Sessions,
    /// What it did.
    pub tally: Tally,
}

/// A time in figures.
#[derive(Debug)]
pub struct Stats {
    /// The first and the last moment, in microseconds since 1970.
    pub time: (i64, i64),
    /// Lines in all.
    pub lines: u64,
    /// Lines that the collector has lost.
    pub lost: u64,
    /// By name.
    pub nodes: Vec<NodeStats>,
    /// By name, fit for a terminal.
    pub groups: Vec<(String, Tally)>,
    /// Lines by kind of event, in equal parts of the time.
    pub parts: Vec<[u64; 7]>,
}

impl Stats {
    /// Reads a time of a file; without bounds, all of it.
    ///
    /// # Errors
    /// See [`StoreError`].
    pub fn read(store: &Store, since: Option<i64>, until: Option<i64>) -> Result<Self, StoreError> {
        let directory = store.directory()?;
        let (first, last) = store.span()?.unwrap_or((0, 0));
        let time = (since.unwrap_or(first).max(first), until.unwrap_or(last).min(last));
        let (mut tallies, mut pairing) = (Tallies::new(time.0, time.1), Pairing::default());
        let filter = Filter { since, until, ..Filter::default() };
        filter.run(store, &directory, 0, None, |stored| {
            tallies.take(stored, &directory);
            pairing.take(stored, &directory);
            true
        })?;

        let mut sessions = pairing.finish();
        for key in sessions.keys() {
            tallies.nodes.entry(key.clone()).or_default();
        }
        let named = |key: &str| {
            let sighting = directory.all().find(|sighting| sighting.peer == key);
            clean(sighting.map_or(key, |sighting| &sighting.name)).into_owned()
        };
        let node = |(key, tally): (String, Tally)| NodeStats {
            name: named(&key),
            sessions: sessions.remove(&key).unwrap_or_default(),
            tally,
        };
        let mut nodes: Vec<NodeStats> = tallies.nodes.into_iter().map(node).collect();
        // Stable: of equal names the id decides.
        nodes.sort_by(|a, b| a.name.cmp(&b.name));
        let groups = tallies.groups.into_iter();
        Ok(Self {
            time,
            lines: tallies.lines,
            lost: store.lost(time.0, time.1)?,
            nodes,
            groups: groups.map(|(name, tally)| (clean(&name).into_owned(), tally)).collect(),
            parts: tallies.parts,
        })
    }

    /// The length of the time in seconds.
    fn seconds(&self) -> f64 {
        (self.time.1.saturating_sub(self.time.0)).max(1) as f64 / 1e6
    }
}

/// Prints the figures of a file, and draws them.
///
/// # Errors
/// See [`StatsError`].
pub fn run(options: &Options) -> Result<(), StatsError> {
    let now = moment::now();
    let at = |text: &Option<String>| {
        text.as_deref().map(|text| moment::parse_moment(text, now)).transpose()
    };
    let store = Store::open(&options.db)?;
    let since = at(&options.since).map_err(StatsError::Asked)?;
    let until = at(&options.until).map_err(StatsError::Asked)?;
    let mut stats = Stats::read(&store, since, until)?;
    if let Some(path) = &options.plot {
        let failed = |error: String| StatsError::Plot(path.clone(), error);
        if path.extension().is_none_or(|extension| !extension.eq_ignore_ascii_case("svg")) {
            return Err(failed("pictures are SVG: give a name that ends in .svg".to_owned()));
        }
        let svg = plot::svg(&stats).map_err(failed)?;
        std::fs::write(path, svg).map_err(|error| failed(error.to_string()))?;
    }
    match write!(io::stdout().lock(), "{}", table::of(&mut stats)) {
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
        other => Ok(other?),
    }
}
