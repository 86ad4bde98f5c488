//! A recording, played again.

use std::time::{Duration, Instant};

use super::state::State;
use crate::store::{COLUMNS, StoreError, read_record};
use crate::{Heard, LogEvent, Store, Stored};

/// So many records are read at once.
const READ: usize = 2_000;

/// A node that was last seen so shortly before the last of all was still there: those that are
/// there are told of every ten seconds.
const STILL: i64 = 11 * crate::moment::SECOND;

/// How fast.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Speed {
    /// So many times as it was.
    Times(f64),
    /// At once, to the end; there it stays.
    Max,
}

impl std::str::FromStr for Speed {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        if text == "max" {
            return Ok(Self::Max);
        }
        let times = text.strip_suffix('x').unwrap_or(text).parse::<f64>().ok();
        let times = times.filter(|times| (0.01..=100_000.0).contains(times));
        times
            .map(Self::Times)
            .ok_or_else(|| format!("{text:?} is no speed, such as 1x, 10x (up to 100000x), or max"))
    }
}

/// Something about a node that is not in a record.
#[derive(Debug)]
struct Turn {
    at: i64,
    heard: Heard,
}

/// A recording on its way.
pub(super) struct Replay {
    store: Store,
    speed: Speed,
    from: i64,
    to: i64,
    /// How much of it has passed, up to `since`; that is `None` while it stands still.
    passed: Duration,
    since: Option<Instant>,
    /// Read and not played yet, the next one last.
    records: Vec<Stored>,
    last: i64,
    /// Who came and went, the next one last.
    turns: Vec<Turn>,
}

impl Replay {
    /// Plays a recording from a moment to a moment; what was before is taken in at once.
    ///
    /// # Errors
    /// [`StoreError::Sql`].
    pub(super) fn start(
        store: Store,
        speed: Speed,
        from: Option<i64>,
        to: Option<i64>,
        state: &mut State,
    ) -> Result<Self, StoreError> {
        let (first, end) = store.span()?.unwrap_or((0, 0));
        let from = from.unwrap_or(first);
        let to = to.unwrap_or(end).min(end).max(from);
        let mut turns = Vec::new();
        let directory = store.directory()?;
        let still = directory.all().map(|one| one.last).max().unwrap_or(0).saturating_sub(STILL);
        for sighting in directory.all() {
            let mut seen = sighting.clone();
            // That it goes is not known before.
            seen.last = seen.first;
            turns.push(Turn { at: sighting.first, heard: Heard::Seen(seen) });
            if sighting.last < still {
                turns.push(Turn { at: sighting.last, heard: Heard::Seen(sighting.clone()) });
                let gone = Heard::Gone { peer: sighting.peer.clone(), at: sighting.last };
                turns.push(Turn { at: sighting.last, heard: gone });
            } else {
                turns.push(Turn { at: sighting.first, heard: Heard::Seen(sighting.clone()) });
            }
        }
        // Stable: what was told first at a moment stays first.
        turns.sort_by_key(|turn| turn.at);
        turns.reverse();
        let last = store.connection().query_row(
            "SELECT coalesce(min(id), (SELECT max(id) FROM events) + 1, 1) - 1 FROM events
             WHERE received >= ?",
            [from],
            |row| row.get(0),
        )?;
        let since = Some(Instant::now());
        let (passed, records) = Default::default();
        let mut replay = Self { store, speed, from, to, passed, since, records, last, turns };
        replay.turn(from, state);
        replay.prepare(last, state)?;
        Ok(replay)
    }

    /// Groups that were joined before.
    fn prepare(&self, last: i64, state: &mut State) -> Result<(), StoreError> {
        let sql = format!(
            "SELECT {COLUMNS} FROM events WHERE event IN ({}, {}) AND id <= ? ORDER BY id",
            u8::from(LogEvent::Join),
            u8::from(LogEvent::Leave)
        );
        let mut statement = self.store.connection().prepare(&sql)?;
        for stored in statement.query_map([last], read_record)? {
            state.prepare(&stored?.record);
        }
        Ok(())
    }

    /// Stands still, or goes on.
    pub(super) fn pause(&mut self, paused: bool) {
        if paused {
            self.passed += self.since.take().map_or(Duration::ZERO, |since| since.elapsed());
        } else if self.since.is_none() {
            self.since = Some(Instant::now());
        }
    }

    /// The moment that is played now.
    pub(super) fn now(&self) -> i64 {
        let Speed::Times(times) = self.speed else { return self.to };
        let passed = self.passed + self.since.map_or(Duration::ZERO, |since| since.elapsed());
        let played = (passed.as_secs_f64() * times * 1e6) as i64;
        self.from.saturating_add(played).min(self.to)
    }

    /// Plays on, for a short while at most. Returns whether it is where it should be.
    ///
    /// # Errors
    /// [`StoreError::Sql`].
    pub(super) fn play(&mut self, state: &mut State, most: Duration) -> Result<bool, StoreError> {
        let (now, begin) = (self.now(), Instant::now());
        loop {
            if self.records.is_empty() {
                self.records = self.store.after(self.last, READ)?;
                self.records.reverse();
            }
            let Some(next) = self.records.pop() else { break };
            if next.record.received > now {
                self.records.push(next);
                break;
            }
            self.last = next.id;
            self.turn(next.record.received, state);
            state.hear(&Heard::Line(next.record));
            if begin.elapsed() > most {
                return Ok(false);
            }
        }
        self.turn(now, state);
        state.tick(now);
        Ok(true)
    }

    /// Those who came and went until a moment.
    fn turn(&mut self, until: i64, state: &mut State) {
        while let Some(turn) = self.turns.pop_if(|turn| turn.at <= until) {
            state.hear(&turn.heard);
        }
    }
}
