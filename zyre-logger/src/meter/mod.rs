//! `zyre-logger meter`: the network on a screen, now or as it was.
//!
//! ```text
//!  network ── heard ──┐
//!                     ├─> state ──> screen <── view <── keys
//!  recording ─ replay ┘   bounded              how the user wants it
//! ```

mod column;
mod live;
mod node;
mod picture;
mod rate;
mod replay;
mod screen;
mod source;
mod state;
mod terminal;
mod view;

use std::io::{self, IsTerminal};
use std::path::{Path, PathBuf};
use std::sync::atomic::AtomicBool;
use std::time::Duration;

use ratatui::Terminal;
use ratatui::backend::TestBackend;
use thiserror::Error;

use crate::collect::{self, CollectError};
use crate::store::StoreError;
use crate::{Store, moment};
use live::Live;
use replay::{Replay, Speed};
use source::Source;
use state::State;
use view::View;

/// What can be set about the meter.
#[derive(Clone, Debug, clap::Args)]
// Those of the collector are within, and are a group of the same name otherwise.
#[group(id = "meter")]
pub struct Options {
    /// Also write what comes to this file; with `--replay` or `--screenshot`, the recording.
    #[arg(long)]
    db: Option<PathBuf>,
    #[command(flatten)]
    collect: collect::Options,
    /// Play the recording in `--db` so many times as fast as it was (`10x`), or at once (`max`).
    #[arg(long, requires = "db")]
    replay: Option<Speed>,
    /// Begin the replay here; default: where the recording begins. As `--since` of `query`.
    #[arg(long, requires = "db")]
    from: Option<String>,
    /// End the replay here; default: where the recording ends.
    #[arg(long, requires = "db")]
    to: Option<String>,
    /// Draw the end of the replay into a file instead: SVG, or text if it does not end in `.svg`.
    #[arg(long, requires = "db")]
    screenshot: Option<PathBuf>,
    /// Columns and rows of the screenshot.
    #[arg(long, default_value = "100x30", value_parser = size)]
    size: (u16, u16),
}

/// Why a meter ends.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum MeterError {
    /// The network.
    #[error(transparent)]
    Collect(#[from] CollectError),
    /// The recording.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// What was asked for makes no sense.
    #[error("{0}")]
    Asked(String),
    /// There is no screen, or it does not work.
    #[error("the terminal does not work: {0}")]
    Terminal(io::Error),
    /// The picture cannot be written.
    #[error("cannot write {0}: {1}")]
    Picture(PathBuf, io::Error),
    /// The thread on the network has ended without a word.
    #[error("the part that listens to the network has ended")]
    Ended,
}

/// Shows the meter until a key or `stop` ends it.
///
/// # Errors
/// See [`MeterError`]; the terminal is as before.
pub fn run(options: &Options, stop: &AtomicBool) -> Result<(), MeterError> {
    let mut state = State::default();
    if let Some(path) = &options.screenshot {
        let (source, _) = replay(options, Speed::Max, &mut state)?;
        return screenshot(source, state, path, options.size, stop);
    }
    if !io::stdout().is_terminal() {
        return Err(MeterError::Asked(
            "the meter needs a terminal; --screenshot FILE draws a recording into a file"
                .to_owned(),
        ));
    }
    let source = match options.replay {
        Some(speed) => replay(options, speed, &mut state)?.0,
        None if options.from.is_some() || options.to.is_some() => {
            return Err(MeterError::Asked("--from and --to go with --replay".to_owned()));
        }
        None => Source::Live(Live::start(options.collect.clone(), options.db.clone())?),
    };
    terminal::run(source, state, stop)
}

fn replay(
    options: &Options,
    speed: Speed,
    state: &mut State,
) -> Result<(Source, String), MeterError> {
    let Some(path) = &options.db else {
        return Err(MeterError::Asked("a recording is played from --db FILE".to_owned()));
    };
    let now = moment::now();
    let at = |text: &Option<String>| {
        text.as_deref().map(|text| moment::parse_moment(text, now)).transpose()
    };
    let (from, to) = (at(&options.from), at(&options.to));
    let store = Store::open(path)?;
    let replay = Replay::start(
        store,
        speed,
        from.map_err(MeterError::Asked)?,
        to.map_err(MeterError::Asked)?,
        state,
    )?;
    let name = path.file_name().unwrap_or(path.as_os_str()).to_string_lossy();
    let place = match speed {
        Speed::Times(times) => format!("{} {times}x", crate::clean::clean(&name)),
        Speed::Max => crate::clean::clean(&name).into_owned(),
    };
    Ok((Source::Replay(Box::new(replay), place.clone()), place))
}

fn screenshot(
    mut source: Source,
    mut state: State,
    path: &Path,
    (columns, rows): (u16, u16),
    stop: &AtomicBool,
) -> Result<(), MeterError> {
    while !source.feed(&mut state, Duration::from_millis(100))? {
        if stop.load(std::sync::atomic::Ordering::Relaxed) {
            return Ok(());
        }
    }
    let Ok(mut terminal) = Terminal::new(TestBackend::new(columns, rows));
    let view = View::default();
    let Ok(_) = terminal.draw(|frame| screen::draw(frame, &state, &view, source.place()));
    let buffer = terminal.backend().buffer();
    let is_svg = path.extension().is_some_and(|extension| extension.eq_ignore_ascii_case("svg"));
    let picture = if is_svg { picture::svg(buffer) } else { picture::text(buffer) };
    std::fs::write(path, picture).map_err(|error| MeterError::Picture(path.to_owned(), error))
}

fn size(text: &str) -> Result<(u16, u16), String> {
    let parsed = text.split_once('x').and_then(|(columns, rows)| {
        let within = |number: &str| number.parse().ok().filter(|n| (10..=500).contains(n));
        Some((within(columns)?, within(rows)?))
    });
    parsed.ok_or_else(|| format!("{text:?} is no size, such as 100x30 (10 to 500)"))
}
