//! Where the meter hears from: the network, or a recording.

use std::time::{Duration, Instant};

use super::error::MeterError;
use super::live::Live;
use super::replay::Replay;
use super::state::State;
use crate::moment;

/// The network, or a recording.
pub(super) enum Source {
    Live(Live),
    Replay(Box<Replay>, String),
}

impl Source {
    /// Takes in what has come, for a short while at most. Returns whether that was all.
    pub(super) fn feed(&mut self, state: &mut State, most: Duration) -> Result<bool, MeterError> {
        match self {
            Self::Live(live) => {
                let begin = Instant::now();
                while let Some(event) = live.next()? {
                    state.hear(&event);
                    if begin.elapsed() > most {
                        return Ok(false);
                    }
                }
                state.lose(live.lost());
                for text in live.notices() {
                    state.warn(&text);
                }
                state.tick(moment::now());
                Ok(true)
            }
            Self::Replay(replay, _) => Ok(replay.play(state, most)?),
        }
    }

    /// Stops a recording, or lets it go on; the network does not stand still.
    pub(super) fn pause(&mut self, paused: bool) {
        if let Self::Replay(replay, _) = self {
            replay.pause(paused);
        }
    }

    /// Returns what it is, in a few words.
    pub(super) fn place(&self) -> &str {
        match self {
            Self::Live(live) => live.place(),
            Self::Replay(_, place) => place,
        }
    }

    /// Ends the listening.
    pub(super) fn end(self) -> Result<(), MeterError> {
        match self {
            Self::Live(live) => live.end(),
            Self::Replay(..) => Ok(()),
        }
    }
}
