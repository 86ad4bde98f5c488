//! Old records make room, a few at a time.

use std::time::Duration;

use rusqlite::params;

use super::error::StoreError;
use super::file::Store;

/// How many records are removed in one step: it takes some ten milliseconds, while what comes is
/// queued.
const STEP: usize = 5_000;

/// How many free pages are given back to the file system in one step.
const PAGES: u32 = 2_000;

/// Forgets what was seen of nodes that had gone before a moment.
const FORGET: [&str; 2] = [
    // When a collector begins nobody is known any more.
    "DELETE FROM changes WHERE id < (SELECT max(id) FROM changes WHERE kind = 1 AND at < ?1)",
    "DELETE FROM changes WHERE at < ?1 AND (kind = 7 OR id <= (SELECT max(id) FROM changes AS later
     WHERE later.peer = changes.peer AND later.kind = 6 AND later.at < ?1))",
];

/// What a file may hold. Plain data.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Bounds {
    /// How long records are kept. `None`: for ever.
    pub age: Option<Duration>,
    /// Bytes of the database file; beside it there is a journal of a few MiB. `None`: any number.
    pub bytes: Option<u64>,
}

/// What a step has done.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Pruned {
    /// Records removed.
    pub records: usize,
    /// There is more to do.
    pub more: bool,
}

impl Store {
    /// Removes the oldest records that are out of bounds: one small step.
    ///
    /// # Errors
    /// [`StoreError::Sql`].
    pub fn prune(&mut self, bounds: &Bounds, now: i64) -> Result<Pruned, StoreError> {
        let mut pruned = Pruned::default();
        if let Some(age) = bounds.age {
            let bound = now.saturating_sub(i64::try_from(age.as_micros()).unwrap_or(i64::MAX));
            // By time, not by id: the clock may have been set.
            let records = self.connection().execute(
                "DELETE FROM events WHERE id IN
                 (SELECT id FROM events WHERE received < ? ORDER BY received LIMIT ?)",
                params![bound, STEP as i64],
            )?;
            self.connection().execute("DELETE FROM nodes WHERE last_seen < ?", [bound])?;
            self.connection().execute("DELETE FROM losses WHERE at < ?", [bound])?;
            for forget in FORGET {
                self.connection().execute(forget, [bound])?;
            }
            pruned = Pruned { records, more: records == STEP };
        }
        if let Some(most) = bounds.bytes
            && let used = self.bytes_used()?
            && used > most
        {
            let records = self.connection().execute(
                "DELETE FROM events WHERE id IN (SELECT id FROM events ORDER BY id LIMIT ?)",
                [self.share(used, most)?],
            )?;
            pruned.records += records;
            pruned.more |= records > 0 && self.bytes_used()? > most;
            if records == 0 {
                // Nothing but nodes: those that were there last stay.
                self.connection().execute(
                    "DELETE FROM nodes WHERE last_seen <
                     (SELECT last_seen FROM nodes ORDER BY last_seen DESC LIMIT 1 OFFSET 1000)",
                    [],
                )?;
                self.connection().execute(
                    "DELETE FROM changes WHERE id <= (SELECT max(id) FROM changes) - 20000",
                    [],
                )?;
            }
        }
        self.shrink()?;
        Ok(pruned)
    }

    /// How many of the oldest records stand for what is too much, and a twentieth of the bound
    /// more, so that it does not begin again at once; no more than a step.
    fn share(&self, used: u64, most: u64) -> Result<i64, StoreError> {
        // All of them, about: ids have no gaps but at the beginning.
        let records: i64 = self.connection().query_row(
            "SELECT coalesce((SELECT max(id) FROM events) - (SELECT min(id) FROM events) + 1, 0)",
            [],
            |row| row.get(0),
        )?;
        let excess = used.saturating_sub(most - most / 20) as f64 / used.max(1) as f64;
        Ok(((records as f64 * excess).ceil() as i64).clamp(100, STEP as i64))
    }

    /// Bytes of the file that are in use: free pages are filled again, or given back.
    fn bytes_used(&self) -> Result<u64, StoreError> {
        let [pages, free, size] = ["page_count", "freelist_count", "page_size"].map(|name| {
            self.connection().pragma_query_value(None, name, |row| row.get::<_, i64>(0))
        });
        Ok(u64::try_from((pages? - free?) * size?).unwrap_or(0))
    }

    /// Gives free pages back to the file system.
    fn shrink(&self) -> Result<(), StoreError> {
        let mut statement =
            self.connection().prepare(&format!("PRAGMA incremental_vacuum({PAGES})"))?;
        let mut rows = statement.query([])?;
        // Each row is a page.
        let mut pages = 0;
        while rows.next()?.is_some() {
            pages += 1;
        }
        if pages > 0 {
            // The file itself shrinks when the journal is taken over. A reader may hold that up:
            // then it is done the next time.
            self.connection().query_row("PRAGMA wal_checkpoint(PASSIVE)", [], |_| Ok(()))?;
        }
        Ok(())
    }
}
