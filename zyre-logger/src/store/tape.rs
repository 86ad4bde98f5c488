//! A recording in the order in which it came: lines, and what was seen between them.

use rusqlite::params;

use super::change_row::{Placed, placed};
use super::error::StoreError;
use super::file::Store;
use super::row::{COLUMNS, read_record};
use super::schema::kind;
use crate::{Change, LogEvent, Stored};

/// Which changes are read at once, besides those among the lines.
const CHANGES: usize = 10_000;

/// A place in a recording: what is up to it is read.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Position {
    /// The id of the last line.
    pub line: i64,
    /// The id of the last change.
    pub change: i64,
}

/// Something on the tape.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Item {
    /// A line.
    Line(Stored),
    /// Something that was seen.
    Change(Change),
}

impl Item {
    /// Returns when it came, by the collector's clock, in microseconds since 1970.
    #[must_use]
    pub const fn at(&self) -> i64 {
        match self {
            Self::Line(stored) => stored.record.received,
            Self::Change(change) => change.at,
        }
    }
}

impl Store {
    /// Returns what comes after a position, each with its own, about `most` lines.
    ///
    /// # Errors
    /// [`StoreError::Sql`].
    pub fn tape(&self, from: Position, most: usize) -> Result<Vec<(Position, Item)>, StoreError> {
        let lines = self.after(from.line, most)?;
        let last = lines.last().map_or(from.line, |stored| stored.id);
        self.merge(from, lines, last)
    }

    /// Puts lines and changes until the line `last` in order.
    fn merge(
        &self,
        from: Position,
        lines: Vec<Stored>,
        last: i64,
    ) -> Result<Vec<(Position, Item)>, StoreError> {
        let mut changes = self.changes(from, last)?;
        let mut items = Vec::with_capacity(lines.len() + changes.len());
        let mut position = from;
        let mut push_changes = |until: i64, position: &mut Position, items: &mut Vec<_>| {
            while let Some(placed) = changes.pop_if(|placed| placed.after <= until) {
                position.change = placed.id;
                items.push((*position, Item::Change(placed.change)));
            }
        };
        push_changes(position.line, &mut position, &mut items);
        for stored in lines {
            // Between two lines there may be others that are not wanted.
            push_changes(stored.id - 1, &mut position, &mut items);
            position.line = stored.id;
            items.push((position, Item::Line(stored)));
            push_changes(position.line, &mut position, &mut items);
        }
        push_changes(last, &mut position, &mut items);
        Ok(items)
    }

    /// Returns what comes after a position and until a line, as [`tape`](Self::tape) does, of lines only those
    /// that tell of groups.
    ///
    /// # Errors
    /// [`StoreError::Sql`].
    pub fn membership_tape(
        &self,
        from: Position,
        until: i64,
        most: usize,
    ) -> Result<Vec<(Position, Item)>, StoreError> {
        // Each by the index, which has them in order.
        let of = |event: LogEvent| {
            let event = u8::from(event);
            format!(
                "SELECT * FROM (SELECT {COLUMNS} FROM events WHERE event = {event} AND id > ?1
                 AND id <= ?2 ORDER BY id LIMIT ?3)"
            )
        };
        let (joins, leaves) = (of(LogEvent::Join), of(LogEvent::Leave));
        let sql = format!("{joins} UNION ALL {leaves} ORDER BY id LIMIT ?3");
        let mut statement = self.connection().prepare_cached(&sql)?;
        let limit = i64::try_from(most).unwrap_or(i64::MAX);
        let rows = statement.query_map(params![from.line, until, limit], read_record)?;
        let lines: Vec<Stored> = rows.collect::<Result<_, _>>()?;
        let last = match lines.last() {
            Some(stored) if lines.len() >= most => stored.id,
            _ => until,
        };
        self.merge(from, lines, last)
    }

    /// Returns the first line that came at a moment or later: a position before it, with all changes
    /// until then still to come.
    ///
    /// # Errors
    /// [`StoreError::Sql`].
    pub fn line_before(&self, moment: i64) -> Result<i64, StoreError> {
        let sql = "SELECT coalesce((SELECT min(id) FROM events WHERE received >= ?) - 1,
                   (SELECT max(id) FROM events), 0)";
        Ok(self.connection().query_row(sql, [moment], |row| row.get(0))?)
    }

    /// Returns when a collector has begun, and the id of its node, one after the other.
    ///
    /// # Errors
    /// [`StoreError::Sql`].
    pub fn collectors(&self) -> Result<Vec<(i64, String)>, StoreError> {
        let sql = "SELECT at, peer FROM changes WHERE kind = ? ORDER BY id";
        let mut statement = self.connection().prepare_cached(sql)?;
        let rows = statement.query_map([kind::BEGUN], |row| Ok((row.get(0)?, row.get(1)?)))?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    /// Returns changes, the first one last.
    fn changes(&self, from: Position, last: i64) -> Result<Vec<Placed>, StoreError> {
        let mut statement = self.connection().prepare_cached(
            "SELECT id, after, at, kind, peer, correlation, endpoint, name, data FROM changes
             WHERE id > ? AND after <= ? ORDER BY id LIMIT ?",
        )?;
        let most = i64::try_from(CHANGES).unwrap_or(i64::MAX);
        let rows = statement.query_map(params![from.change, last, most], placed)?;
        let mut changes = rows.collect::<Result<Vec<_>, _>>()?;
        changes.reverse();
        Ok(changes)
    }
}
