//! Which records are wanted.

use rusqlite::ToSql;

use super::selector::Selector;
use crate::store::{COLUMNS, StoreError, read_record};
use crate::{Directory, Level, LogEvent, Store, Stored};

/// Conditions; all must hold.
#[derive(Clone, Debug, Default)]
pub struct Filter {
    /// Not before, in microseconds since 1970.
    pub since: Option<i64>,
    /// Not after.
    pub until: Option<i64>,
    /// Recorded by one of these.
    pub nodes: Vec<Selector>,
    /// About one of these.
    pub peers: Vec<Selector>,
    /// One of these; any if there are none.
    pub events: Vec<LogEvent>,
    /// The least grave level that is wanted.
    pub level: Option<Level>,
    /// The data holds this; upper and lower case of ASCII are alike.
    pub text: Option<String>,
    /// What these two recorded about each other, and about no one.
    pub pair: Option<(Selector, Selector)>,
}

/// Which of a pair has recorded a line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Side {
    /// The first.
    A,
    /// The second.
    B,
}

impl Filter {
    /// Calls `each` for every record after `after` that is wanted, in order of arrival; with a
    /// limit, for the last `limit` only. `each` returns whether to go on. Returns the id of the
    /// last record that was looked at.
    ///
    /// # Errors
    /// [`StoreError::Sql`].
    pub fn run(
        &self,
        store: &Store,
        directory: &Directory,
        after: i64,
        limit: Option<usize>,
        mut each: impl FnMut(&Stored) -> bool,
    ) -> Result<i64, StoreError> {
        // What comes meanwhile is left for the next time, so that no record is passed over.
        let last: Option<i64> =
            store.connection().query_row("SELECT max(id) FROM events", [], |row| row.get(0))?;
        let last = last.unwrap_or(0).max(after);
        let (conditions, values) = self.conditions(directory);
        let order = if limit.is_some() { "DESC" } else { "ASC" };
        let sql = format!(
            "SELECT {COLUMNS} FROM events WHERE id > {after} AND id <= {last}{conditions}
             ORDER BY id {order}"
        );
        let mut statement = store.connection().prepare(&sql)?;
        let values: Vec<&dyn ToSql> = values.iter().map(AsRef::as_ref).collect();
        let mut rows = statement.query(values.as_slice())?;
        let mut kept = Vec::new();
        while let Some(row) = rows.next()? {
            let stored = read_record(row)?;
            if !self.accepts(directory, &stored) {
                continue;
            }
            match limit {
                None => {
                    if !each(&stored) {
                        return Ok(last);
                    }
                }
                Some(most) => {
                    if kept.len() == most {
                        break;
                    }
                    kept.push(stored);
                }
            }
        }
        kept.iter().rev().all(each);
        Ok(last)
    }

    /// Returns the conditions that SQLite can decide; they let through all that is wanted, and
    /// more.
    fn conditions(&self, directory: &Directory) -> (String, Vec<Box<dyn ToSql>>) {
        let (mut sql, mut values): (String, Vec<Box<dyn ToSql>>) = Default::default();
        if let Some(since) = self.since {
            sql += " AND received >= ?";
            values.push(Box::new(since));
        }
        if let Some(until) = self.until {
            sql += " AND received <= ?";
            values.push(Box::new(until));
        }
        if let Some(level) = self.level {
            sql += " AND level <= ?";
            values.push(Box::new(level as u8));
        }
        if !self.events.is_empty() {
            let numbers = self.events.iter().map(|event| u8::from(*event).into());
            sql += &format!(" AND event IN ({})", list(numbers));
        }
        if let Some(text) = &self.text {
            sql += r" AND data LIKE ? ESCAPE '\'";
            let literal = text.replace('\\', r"\\").replace('%', r"\%").replace('_', r"\_");
            values.push(Box::new(format!("%{literal}%")));
        }
        let ids = |selectors: &[Selector]| {
            list(selectors.iter().flat_map(|selector| selector.correlations(directory)))
        };
        if !self.nodes.is_empty() {
            sql += &format!(" AND node IN ({})", ids(&self.nodes));
        }
        if !self.peers.is_empty() {
            sql += &format!(" AND peer IN ({})", ids(&self.peers));
        }
        if let Some((a, b)) = &self.pair {
            let both = ids(&[a.clone(), b.clone()]);
            sql += &format!(" AND node IN ({both}) AND peer IN (0, {both})");
        }
        (sql, values)
    }

    /// Decides what takes more than a comparison: ids that are used again, and ids that collide.
    fn accepts(&self, directory: &Directory, stored: &Stored) -> bool {
        let record = &stored.record;
        let is = |selectors: &[Selector], id, source: Option<&str>| {
            selectors.is_empty()
                || selectors.iter().any(|one| one.matches(directory, id, record.received, source))
        };
        if self.pair.is_some() {
            return self.side(directory, stored).is_some();
        }
        if self.nodes.is_empty() && self.peers.is_empty() {
            return true;
        }
        let source = record.source.map(|source| source.to_string());
        is(&self.nodes, record.node, source.as_deref()) && is(&self.peers, record.peer, None)
    }

    /// Returns which of the pair has recorded a line about the other, or about no one.
    pub fn side(&self, directory: &Directory, stored: &Stored) -> Option<Side> {
        let (a, b) = self.pair.as_ref()?;
        let record = &stored.record;
        let source = record.source.map(|source| source.to_string());
        let wrote = |one: &Selector| {
            one.matches(directory, record.node, record.received, source.as_deref())
        };
        let about = |one: &Selector| {
            record.peer == 0 || one.matches(directory, record.peer, record.received, None)
        };
        if wrote(a) && about(b) {
            Some(Side::A)
        } else if wrote(b) && about(a) {
            Some(Side::B)
        } else {
            None
        }
    }
}

fn list(numbers: impl Iterator<Item = u16>) -> String {
    numbers.map(|number| number.to_string()).collect::<Vec<_>>().join(", ")
}
