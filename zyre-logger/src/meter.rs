//! `zyre-logger meter`: the network on a screen, now or as it was.
//!
//! ```text
//!  network ── heard ──┐
//!                     ├─> state ──> screen <── view <── keys
//!  recording ─ replay ┘   bounded              how the user wants it
//! ```

mod column;
mod error;
mod format;
mod live;
mod node;
mod picture;
mod replay;
mod screen;
mod source;
mod state;
mod terminal;
mod view;

use std::fs;
use std::io::{self, IsTerminal};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use clap::Args;
use ratatui::Terminal;
use ratatui::backend::TestBackend;

use self::live::Live;
use self::replay::Replay;
use self::source::Source;
use self::state::State;
use self::view::View;
use crate::speed::Speed;
use crate::{Store, collect, moment, text};

pub use error::MeterError;

/// What can be set about the meter.
#[derive(Clone, Debug, Args)]
// Those of the collector are within, and are a group of the same name otherwise.
#[group(id = "meter")]
pub struct Options {
    /// Also write what comes to this file; with `--replay` or `--screenshot`, the recording.
    #[arg(long, value_name = "FILE")]
    pub db: Option<PathBuf>,
    /// The collector.
    #[command(flatten)]
    pub collect: collect::Options,
    /// Play the recording in `--db`, N times as fast as it was (`10x`), or at once (`max`).
    #[arg(long, value_name = "SPEED", requires = "db")]
    pub replay: Option<Speed>,
    /// Begin the replay here; default: where the recording begins. As `--since` of `query`.
    #[arg(long, value_name = "TIME", value_parser = moment::parse, requires = "db")]
    pub from: Option<i64>,
    /// End the replay here; default: where the recording ends.
    #[arg(long, value_name = "TIME", value_parser = moment::parse, requires = "db")]
    pub to: Option<i64>,
    /// Draw the end of the replay into a file instead: SVG, or text if it does not end in `.svg`.
    #[arg(long, value_name = "FILE", requires = "db")]
    pub screenshot: Option<PathBuf>,
    /// Columns and rows of the screenshot.
    #[arg(long, default_value = "100x30", value_parser = parse_size)]
    pub size: (u16, u16),
}

/// Shows the meter until a key or `stop` ends it.
///
/// # Errors
/// See [`MeterError`]; the terminal is as before.
pub fn run(options: &Options, stop: &AtomicBool) -> Result<(), MeterError> {
    let mut state = State::default();
    if let Some(path) = &options.screenshot {
        let source = replay(options, Speed::Max, &mut state)?;
        return screenshot(source, state, path, options.size, stop);
    }
    if !io::stdout().is_terminal() {
        return Err(MeterError::Asked(
            "the meter needs a terminal; --screenshot FILE draws a recording into a file",
        ));
    }
    let source = match options.replay {
        Some(speed) => replay(options, speed, &mut state)?,
        None if options.from.is_some() || options.to.is_some() => {
            return Err(MeterError::Asked("--from and --to go with --replay"));
        }
        None => Source::Live(Live::start(options.collect.clone(), options.db.clone())?),
    };
    terminal::run(source, state, stop)
}

fn replay(options: &Options, speed: Speed, state: &mut State) -> Result<Source, MeterError> {
    let Some(path) = &options.db else {
        return Err(MeterError::Asked("a recording is played from --db FILE"));
    };
    let store = Store::open(path)?;
    let replay = Replay::start(store, speed, options.from, options.to, state)?;
    let name = path.file_name().unwrap_or(path.as_os_str()).to_string_lossy();
    let name = text::name(&name);
    let place = match speed {
        Speed::Times(times) => format!("{name} {times}x"),
        Speed::Max => name,
    };
    Ok(Source::Replay(Box::new(replay), place))
}

fn screenshot(
    mut source: Source,
    mut state: State,
    path: &Path,
    (columns, rows): (u16, u16),
    stop: &AtomicBool,
) -> Result<(), MeterError> {
    while !source.feed(&mut state, Duration::from_millis(100))? {
        if stop.load(Ordering::Relaxed) {
            return Ok(());
        }
    }
    let Ok(mut terminal) = Terminal::new(TestBackend::new(columns, rows));
    let view = View::default();
    let Ok(_) = terminal.draw(|frame| screen::draw(frame, &state, &view, source.place()));
    let buffer = terminal.backend().buffer();
    let is_svg = path.extension().is_some_and(|extension| extension.eq_ignore_ascii_case("svg"));
    let picture = if is_svg { picture::svg(buffer) } else { picture::text(buffer) };
    let failed = |source| MeterError::Picture { path: path.to_owned(), source };
    fs::write(path, picture).map_err(failed)
}

fn parse_size(text: &str) -> Result<(u16, u16), String> {
    let parsed = text.split_once('x').and_then(|(columns, rows)| {
        let within = |number: &str| number.parse().ok().filter(|n| (10..=500).contains(n));
        Some((within(columns)?, within(rows)?))
    });
    parsed.ok_or_else(|| format!("{text:?} is no size, such as 100x30 (10 to 500)"))
}
