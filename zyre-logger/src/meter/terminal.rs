//! The meter in a terminal: draws, and takes keys.

use std::io;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use ratatui::DefaultTerminal;
use ratatui::crossterm::event::{self, Event};

use super::error::MeterError;
use super::screen;
use super::source::Source;
use super::state::State;
use super::view::{KeyAction, View};

/// The time from one picture to the next: over SSH, drawing must not fill the network.
const FRAME: Duration = Duration::from_millis(200);

/// How long keys wait at most while much is heard.
const WORK: Duration = Duration::from_millis(50);

/// Shows the meter until a key or `stop` ends it. The terminal is as before then, also after an
/// error or a panic.
pub(super) fn run(
    mut source: Source,
    mut state: State,
    stop: &AtomicBool,
) -> Result<(), MeterError> {
    let mut terminal = ratatui::try_init().map_err(MeterError::Terminal)?;
    let result = watch(&mut terminal, &mut source, &mut state, stop);
    ratatui::restore();
    source.end()?;
    result
}

fn watch(
    terminal: &mut DefaultTerminal,
    source: &mut Source,
    state: &mut State,
    stop: &AtomicBool,
) -> Result<(), MeterError> {
    let mut view = View::default();
    // What was there when time was stopped.
    let mut still: Option<State> = None;
    let mut next = Instant::now();
    while !stop.load(Ordering::Relaxed) {
        let done = source.feed(state, WORK)?;
        if Instant::now() >= next {
            let shown = still.as_ref().unwrap_or(state);
            terminal
                .draw(|frame| screen::draw(frame, shown, &view, source.place()))
                .map_err(MeterError::Terminal)?;
            next = Instant::now() + FRAME;
        }
        let wait = if done {
            WORK.min(next.saturating_duration_since(Instant::now()))
        } else {
            Duration::ZERO
        };
        if !interrupted(event::poll(wait))?.unwrap_or(false) {
            continue;
        }
        match interrupted(event::read())? {
            Some(Event::Key(key)) => match view.key(key) {
                KeyAction::Quit => break,
                KeyAction::TogglePause => {
                    source.pause(view.paused);
                    still = view.paused.then(|| state.clone());
                }
                KeyAction::Continue => {}
            },
            Some(Event::Resize(..)) => {}
            _ => continue,
        }
        next = Instant::now();
    }
    Ok(())
}

/// Turns an interrupted call into `None`: a signal may come while the terminal is waited for.
fn interrupted<T>(result: io::Result<T>) -> Result<Option<T>, MeterError> {
    match result {
        Ok(value) => Ok(Some(value)),
        Err(error) if error.kind() == io::ErrorKind::Interrupted => Ok(None),
        Err(error) => Err(MeterError::Terminal(error)),
    }
}
