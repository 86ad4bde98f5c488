//! A recording, played again.

use std::time::{Duration, Instant};

use super::state::State;
use crate::moment::SECOND;
use crate::speed::Speed;
use crate::store::{COLUMNS, StoreError, read_record};
use crate::{CollectorEvent, LogEvent, NodeInterval, Store, Stored};

/// How many records are read at once.
const READ: usize = 2_000;

/// A node that was last seen this shortly before the last of all was still there: those that are
/// there are told of every ten seconds.
const STILL: i64 = 11 * SECOND;

/// How long after a node has gone its EXIT may be recorded.
const LATE: i64 = SECOND;

/// Something about a node that is not in a record.
#[derive(Debug)]
struct Change {
    at: i64,
    event: CollectorEvent,
}

/// A recording that is being played.
pub(super) struct Replay {
    store: Store,
    speed: Speed,
    from: i64,
    to: i64,
    /// How long it was played until `since`, which is `None` while it stands still.
    passed: Duration,
    since: Option<Instant>,
    /// Records that are read and not played yet, the next one last.
    records: Vec<Stored>,
    last: i64,
    /// The nodes that came and went, the next one last.
    changes: Vec<Change>,
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
        let mut changes = Vec::new();
        let directory = store.directory()?;
        let still = directory.all().map(|one| one.last).max().unwrap_or(0).saturating_sub(STILL);
        for interval in directory.all() {
            let mut seen = interval.clone();
            // That it goes is not known before.
            seen.last = seen.first;
            changes.push(Change { at: interval.first, event: CollectorEvent::Seen(seen) });
            if interval.last < still || is_gone(&store, interval)? {
                changes.push(Change {
                    at: interval.last,
                    event: CollectorEvent::Seen(interval.clone()),
                });
                let gone = CollectorEvent::Gone { peer: interval.peer.clone(), at: interval.last };
                changes.push(Change { at: interval.last, event: gone });
            } else {
                changes.push(Change {
                    at: interval.first,
                    event: CollectorEvent::Seen(interval.clone()),
                });
            }
        }
        for (at, peer) in store.collectors()? {
            changes.push(Change { at, event: CollectorEvent::Own { peer } });
        }
        // Stable: what was told first at a moment stays first.
        changes.sort_by_key(|change| change.at);
        changes.reverse();
        let last = store.connection().query_row(
            "SELECT coalesce(min(id), (SELECT max(id) FROM events) + 1, 1) - 1 FROM events
             WHERE received >= ?",
            [from],
            |row| row.get(0),
        )?;
        let since = Some(Instant::now());
        let (passed, records) = Default::default();
        let mut replay = Self { store, speed, from, to, passed, since, records, last, changes };
        replay.change(from, state);
        replay.prepare(last, state)?;
        Ok(replay)
    }

    /// Takes in groups that were joined before.
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

    /// Returns the moment that is played now.
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
            self.change(next.record.received, state);
            state.hear(&CollectorEvent::Line(next.record));
            if begin.elapsed() > most {
                return Ok(false);
            }
        }
        self.change(now, state);
        state.tick(now);
        Ok(true)
    }

    /// Plays who came and went until a moment.
    fn change(&mut self, until: i64, state: &mut State) {
        while let Some(change) = self.changes.pop_if(|change| change.at <= until) {
            state.hear(&change.event);
        }
    }
}

/// Returns whether a node has gone at the end of its interval, of which the collector's own EXIT tells: it
/// sets the end, and is recorded at that moment.
fn is_gone(store: &Store, interval: &NodeInterval) -> Result<bool, StoreError> {
    let count: i64 = store.connection().query_row(
        "SELECT count(*) FROM events WHERE peer = ? AND event = ? AND received BETWEEN ? AND ?",
        (
            interval.correlation,
            u8::from(LogEvent::Exit),
            interval.last,
            interval.last.saturating_add(LATE),
        ),
        |row| row.get(0),
    )?;
    // One that was only just seen is there, whatever others had with the one before it.
    Ok(count > 0 && interval.last > interval.first)
}
