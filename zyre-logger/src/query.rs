//! `zyre-logger query`: the records of a file that are wanted, as table, JSON or CSV.

mod filter;
mod line;
mod output;
mod selector;

use std::io::{self, BufWriter, IsTerminal};
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

use clap::Args;
use thiserror::Error;

pub use filter::{Filter, Side};
pub use line::{HEAD, of as line};
pub use output::{Format, Output};
pub use selector::Selector;

use crate::store::StoreError;
use crate::{Directory, Level, LogEvent, Range, Store, text};

/// How often a file is looked at for new records.
const POLL: Duration = Duration::from_millis(200);

/// How many records are shown before those that come, if nothing else was asked for.
const BEFORE: usize = 10;

/// What can be set about queries.
#[derive(Clone, Debug, Args)]
pub struct Options {
    /// The file, and the time that is wanted.
    #[command(flatten)]
    pub range: Range,
    /// Recorded by this node: a name, the beginning of an id, an endpoint, or a correlation id
    /// (`#1a2b`). More than once: by one of them.
    #[arg(long, value_parser = Selector::new)]
    pub node: Vec<Selector>,
    /// About this peer; as `--node`.
    #[arg(long, value_parser = Selector::new)]
    pub peer: Vec<Selector>,
    /// One of these, with commas between them: none, join, leave, enter, exit, send, recv.
    #[arg(long, value_delimiter = ',')]
    pub event: Vec<LogEvent>,
    /// The least grave level that is wanted: error, warning, info.
    #[arg(long)]
    pub level: Option<Level>,
    /// The data holds this text; upper and lower case of ASCII are alike.
    #[arg(long)]
    pub text: Option<String>,
    /// What two nodes recorded about each other (and about no one), side by side if there is room.
    #[arg(long, num_args = 2, value_names = ["A", "B"], value_parser = Selector::new,
        conflicts_with_all = ["node", "peer"])]
    pub pair: Option<Vec<Selector>>,
    /// Go on with what comes, until interrupted.
    #[arg(long)]
    pub follow: bool,
    /// How they are shown.
    #[arg(long, value_enum, default_value_t)]
    pub output: Format,
    /// The last N only. Default: all; with `--follow`, and without `--since`, 10.
    #[arg(long, value_name = "N")]
    pub limit: Option<usize>,
}

impl Options {
    /// Returns the conditions that a record must meet.
    #[must_use]
    pub fn filter(&self) -> Filter {
        let pair = self.pair.as_ref().and_then(|pair| match pair.as_slice() {
            [a, b] => Some((a.clone(), b.clone())),
            _ => None,
        });
        Filter {
            since: self.range.since,
            until: self.range.until,
            nodes: self.node.clone(),
            peers: self.peer.clone(),
            events: self.event.clone(),
            level: self.level,
            text: self.text.clone(),
            pair,
        }
    }
}

/// Why a query ends.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum QueryError {
    /// The file.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The user asked for a node that was never seen.
    #[error("no node {node:?} was seen; some that were: {seen}")]
    UnknownNode {
        /// What the user wrote.
        node: String,
        /// Names of nodes, fit for a terminal.
        seen: String,
    },
    /// The output cannot be written to.
    #[error("cannot write the output")]
    Output(#[from] io::Error),
}

/// Runs a query; with `follow` until `stop` is set. Output that is not read any more is no
/// error.
///
/// # Errors
/// See [`QueryError`].
pub fn run(options: &Options, stop: &AtomicBool) -> Result<(), QueryError> {
    let stdout = io::stdout();
    let terminal = stdout.is_terminal();
    match run_on(options, stop, BufWriter::new(stdout.lock()), terminal) {
        Err(QueryError::Output(error)) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
        other => other,
    }
}

fn run_on(
    options: &Options,
    stop: &AtomicBool,
    out: impl io::Write,
    terminal: bool,
) -> Result<(), QueryError> {
    let store = Store::open(&options.range.db)?;
    let mut directory = store.directory()?;
    let filter = options.filter();
    if !options.follow {
        check_known(&filter, &directory)?;
    }
    let losses = store.lost(filter.since.unwrap_or(0), filter.until.unwrap_or(i64::MAX))?;
    if losses > 0 {
        text::say(format_args!("{losses} lines of this time were lost by the collector"));
    }

    let names = filter.pair.as_ref().map(|(a, b)| (a.text().to_owned(), b.text().to_owned()));
    let columns = if terminal { text::columns() } else { None };
    let mut output = Output::new(out, options.output, terminal, names).columns(columns);
    output.begin()?;
    let before = (options.follow && options.range.since.is_none()).then_some(BEFORE);
    let mut limit = options.limit.or(before);
    let mut last = 0;
    loop {
        let mut failed = None;
        last = filter.run(&store, &directory, last, limit, |stored| {
            let side = filter.side(&directory, stored);
            failed = output.show(stored, &directory, side).err();
            failed.is_none() && !stop.load(Ordering::Relaxed)
        })?;
        if let Some(error) = failed {
            return Err(error.into());
        }
        output.flush()?;
        limit = None;
        if !options.follow || wait_for_more(&store, last, stop)? {
            return Ok(());
        }
        directory = store.directory()?;
    }
}

/// Waits until there is something after `last`. Returns whether it is over.
fn wait_for_more(store: &Store, last: i64, stop: &AtomicBool) -> Result<bool, StoreError> {
    loop {
        thread::sleep(POLL);
        if stop.load(Ordering::Relaxed) {
            return Ok(true);
        }
        if !store.after(last, 1)?.is_empty() {
            return Ok(false);
        }
    }
}

/// Refuses a node that was never seen, which is likely a mistake of the user.
fn check_known(filter: &Filter, directory: &Directory) -> Result<(), QueryError> {
    let pair = filter.pair.iter().flat_map(|(a, b)| [a, b]);
    for selector in filter.nodes.iter().chain(&filter.peers).chain(pair) {
        if selector.correlations(directory).is_empty() {
            let mut names: Vec<&str> = directory.all().map(|one| one.name.as_str()).collect();
            names.sort_unstable();
            names.dedup();
            names.truncate(20);
            return Err(QueryError::UnknownNode {
                node: selector.text().to_owned(),
                seen: text::name(&names.join(", ")),
            });
        }
    }
    Ok(())
}
