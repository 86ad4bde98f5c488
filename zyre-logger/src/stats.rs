//! `zyre-logger stats`: joins, sessions and rates of a recording.
//!
//! * A **session** of a node is the time from an ENTER to the next EXIT that one observer recorded
//!   about it. Every observer counts: with ten observers, one life of a node is up to ten sessions.
//!   An ENTER without EXIT is *open*: the session goes on, the observer has gone, or the EXIT was
//!   lost. Times are those of arrival at the collector, whose node is an observer as well; for
//!   lines that a node had kept until it found a collector, those of the node, in seconds.
//! * **Joins** and **leaves** are seen by all observers at once; what is told is the count of the
//!   observer that saw most.
//! * **Messages** are counted where they were recorded: SEND at the sender, RECV at the receiver.
//!   Rates are means over the whole time.

mod figures;
#[cfg(feature = "plot")]
mod plot;
mod sessions;
mod table;
mod tally;

#[cfg(feature = "plot")]
use std::fs;
use std::io::{self, Write};
#[cfg(feature = "plot")]
use std::path::{Path, PathBuf};

use clap::Args;
use thiserror::Error;

pub use figures::{NodeStats, Stats};
pub use sessions::Sessions;
pub use tally::Tally;

use crate::store::StoreError;
use crate::{Range, Store, text};

/// What can be set about statistics.
#[derive(Clone, Debug, Args)]
pub struct Options {
    /// The file, and the time that is wanted.
    #[command(flatten)]
    pub range: Range,
    /// Also draw it, as SVG.
    #[cfg(feature = "plot")]
    #[arg(long, value_name = "FILE")]
    pub plot: Option<PathBuf>,
}

/// Why there are no statistics.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum StatsError {
    /// The file.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The picture cannot be drawn.
    #[cfg(feature = "plot")]
    #[error("cannot draw {path}: {why}")]
    Plot {
        /// The file for the picture.
        path: PathBuf,
        /// What is wrong.
        why: String,
    },
    /// The output cannot be written to.
    #[error("cannot write the output")]
    Output(#[from] io::Error),
}

/// Prints the figures of a file, and draws them.
///
/// # Errors
/// See [`StatsError`].
pub fn run(options: &Options) -> Result<(), StatsError> {
    let Range { db, since, until } = &options.range;
    let mut stats = Stats::read(&Store::open(db)?, *since, *until)?;
    #[cfg(feature = "plot")]
    if let Some(path) = &options.plot {
        draw(&stats, path).map_err(|why| StatsError::Plot { path: path.clone(), why })?;
    }
    match write!(io::stdout().lock(), "{}", table::of(&mut stats, text::columns())) {
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
        other => Ok(other?),
    }
}

#[cfg(feature = "plot")]
fn draw(stats: &Stats, path: &Path) -> Result<(), String> {
    if path.extension().is_none_or(|extension| !extension.eq_ignore_ascii_case("svg")) {
        return Err("pictures are SVG: give a name that ends in .svg".to_owned());
    }
    fs::write(path, plot::svg(stats)?).map_err(|error| error.to_string())
}
