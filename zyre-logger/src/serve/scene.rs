//! What all browsers look at: the picture now, and the way back to any other moment.

use std::collections::VecDeque;
use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

use serde_json::{Value, json};
use zmtp::sync::Mutex;

use super::history::History;
use super::keyframes::Keyframes;
use crate::Store;
use crate::moment;
use crate::picture::Picture;
use crate::store::{Item, Position, StoreError};

/// How many notices of the program are shown.
const NOTICES: usize = 16;

/// How many lines are read at once.
pub(super) const READ: usize = 2_000;

/// How time passes in what is shown.
#[derive(Clone, Copy, Debug)]
pub(super) enum Clock {
    /// As it does.
    Real,
    /// As it did, but faster or slower.
    Played {
        /// The moment at which it began.
        from: i64,
        /// When that was.
        since: Instant,
        /// How fast.
        times: f64,
        /// Where it ends.
        to: i64,
    },
    /// It stands at what came last.
    End,
}

impl Clock {
    /// Returns the moment that is now, if what came last came at `last`.
    fn now(self, last: i64) -> i64 {
        match self {
            Self::Real => moment::now(),
            Self::End => last,
            Self::Played { from, since, times, to } => {
                let played = (since.elapsed().as_secs_f64() * times * 1e6) as i64;
                from.saturating_add(played).min(to)
            }
        }
    }
}

/// What is shown, and what it is made of.
pub(super) struct Scene {
    /// The recording.
    pub(super) path: PathBuf,
    state: Mutex<State>,
    /// Frames that came to the collector and are not of the protocol.
    foreign: AtomicU64,
    /// The connection of those who look back; one at a time.
    reader: Mutex<Option<Store>>,
}

struct State {
    clock: Clock,
    place: String,
    mode: &'static str,
    picture: Picture,
    position: Position,
    history: History,
    keyframes: Keyframes,
    /// Which share of what was recorded is read, as long as it is not all.
    reading: Option<f64>,
    notices: VecDeque<(i64, String)>,
}

/// What is sent to those who follow.
pub(super) struct Update {
    /// Up to which version of the picture.
    pub(super) version: u64,
    pub(super) json: Value,
}

impl Scene {
    pub(super) fn new(path: PathBuf, mode: &'static str) -> Self {
        let state = State {
            clock: Clock::End,
            place: String::new(),
            mode,
            picture: Picture::default(),
            position: Position::default(),
            history: History::default(),
            keyframes: Keyframes::default(),
            reading: Some(0.0),
            notices: VecDeque::new(),
        };
        Self {
            path,
            state: Mutex::new(state),
            foreign: AtomicU64::new(0),
            reader: Mutex::default(),
        }
    }

    pub(super) fn set_clock(&self, clock: Clock) {
        self.state.lock().clock = clock;
    }

    pub(super) fn set_place(&self, place: String) {
        self.state.lock().place = place;
    }

    /// Says which share of what was recorded is read; `None` when it is all.
    pub(super) fn set_reading(&self, share: Option<f64>) {
        self.state.lock().reading = share;
    }

    /// Tells something of the program itself.
    pub(super) fn notice(&self, text: String) {
        let mut state = self.state.lock();
        if state.notices.len() == NOTICES {
            state.notices.pop_front();
        }
        state.notices.push_back((moment::now(), text));
    }

    pub(super) fn count_foreign(&self) {
        self.foreign.fetch_add(1, Ordering::Relaxed);
    }

    pub(super) fn foreign(&self) -> u64 {
        self.foreign.load(Ordering::Relaxed)
    }

    /// Begins with a picture that was made of what came before.
    pub(super) fn begin(&self, picture: Picture, position: Position) {
        let mut state = self.state.lock();
        state.keyframes.offer(position, &picture);
        (state.picture, state.position) = (picture, position);
    }

    /// Takes in what comes next.
    pub(super) fn apply(&self, items: &[(Position, Item)]) {
        let mut state = self.state.lock();
        let State { picture, position, history, keyframes, .. } = &mut *state;
        for (place, item) in items {
            let heard = picture.apply(item);
            history.apply(item, &heard);
            *position = *place;
            keyframes.offer(*place, picture);
        }
    }

    /// Returns the moment that is now.
    pub(super) fn now(&self) -> i64 {
        let state = self.state.lock();
        state.clock.now(state.picture.at())
    }

    /// Returns the whole picture now.
    pub(super) fn whole(&self) -> Update {
        let state = self.state.lock();
        let now = state.clock.now(state.picture.at());
        let mut json = state.picture.json(now);
        json["v"] = json!(state.picture.version());
        json["about"] = state.about(now);
        Update { version: state.picture.version(), json }
    }

    /// Returns what has changed since a version; the whole if it cannot be told otherwise. The second result is
    /// whether it is the whole.
    pub(super) fn delta(&self, since: u64, figures: bool) -> (Update, bool) {
        let state = self.state.lock();
        let now = state.clock.now(state.picture.at());
        let version = state.picture.version();
        let Some(mut json) = state.picture.delta(since, now, figures) else {
            drop(state);
            return (self.whole(), true);
        };
        json["v"] = json!(version);
        if figures {
            json["about"] = state.about(now);
        }
        (Update { version, json }, false)
    }

    /// Returns the picture at a moment.
    ///
    /// # Errors
    /// The recording cannot be read.
    pub(super) fn at(&self, moment: i64) -> Result<Picture, StoreError> {
        // First, so that one moment at a time is looked for.
        let mut reader = self.reader.lock();
        let frame = {
            let state = self.state.lock();
            if moment >= state.picture.at() {
                return Ok(state.picture.clone());
            }
            state.keyframes.before(moment)
        };
        let frame = frame.unwrap_or_default();
        let store = match reader.take() {
            Some(store) => store,
            None => Store::open(&self.path)?,
        };
        let picture = play_until(&store, frame.picture, frame.position, moment)?;
        *reader = Some(store);
        Ok(picture)
    }

    /// Answers a question by the recording.
    ///
    /// # Errors
    /// The recording cannot be read.
    pub(super) fn ask<R>(
        &self,
        question: impl FnOnce(&Store) -> Result<R, StoreError>,
    ) -> Result<R, StoreError> {
        let mut reader = self.reader.lock();
        let store = match reader.take() {
            Some(store) => store,
            None => Store::open(&self.path)?,
        };
        let answer = question(&store)?;
        *reader = Some(store);
        Ok(answer)
    }

    /// Looks at the picture now.
    pub(super) fn look<R>(&self, look: impl FnOnce(&Picture, i64) -> R) -> R {
        let state = self.state.lock();
        look(&state.picture, state.clock.now(state.picture.at()))
    }

    /// Looks at the whole time.
    pub(super) fn history<R>(&self, look: impl FnOnce(&History) -> R) -> R {
        look(&self.state.lock().history)
    }
}

impl State {
    fn about(&self, now: i64) -> Value {
        json!({
            "mode": self.mode,
            "place": self.place,
            "now": now,
            "span": self.history.span(),
            "reading": self.reading,
            "notices": self.notices,
            "program": env!("CARGO_PKG_VERSION"),
        })
    }
}

/// Plays on from a picture until what came at a moment.
fn play_until(
    store: &Store,
    mut picture: Picture,
    mut position: Position,
    moment: i64,
) -> Result<Picture, StoreError> {
    loop {
        let items = store.tape(position, READ)?;
        let Some((last, _)) = items.last() else { return Ok(picture) };
        position = *last;
        for (_, item) in &items {
            if item.at() > moment {
                return Ok(picture);
            }
            picture.apply(item);
        }
    }
}
