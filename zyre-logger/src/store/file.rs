//! An SQLite file with a log.

use std::path::Path;
use std::time::Duration;

use rusqlite::{Connection, OpenFlags, Statement, params};

use super::change_row;
use super::entry::Entry;
use super::error::StoreError;
use super::row::{COLUMNS, read_record};
use super::schema;
use crate::{Change, Directory, NodeInterval, Stored, What};

/// How long a writer waits for another one.
const BUSY: Duration = Duration::from_secs(5);

/// An open file.
#[derive(Debug)]
pub struct Store {
    connection: Connection,
}

impl Store {
    /// Opens a file to write, makes it if it is not there, and brings it up to date.
    ///
    /// # Errors
    /// See [`StoreError`].
    pub fn create(path: &Path) -> Result<Self, StoreError> {
        check_place(path)?;
        let open = || {
            let connection = Connection::open(path)?;
            connection.busy_timeout(BUSY)?;
            Ok(connection)
        };
        let mut connection =
            open().map_err(|source| StoreError::Open { path: path.to_owned(), source })?;
        // Before anything is changed.
        schema::check(&connection, path).map_err(|error| unreadable(error, path))?;
        schema::prepare(&connection)?;
        schema::migrate(&mut connection, path)?;
        Ok(Self { connection })
    }

    /// Opens a file to read, while it may be written to.
    ///
    /// # Errors
    /// See [`StoreError`].
    pub fn open(path: &Path) -> Result<Self, StoreError> {
        check_place(path)?;
        if !path.exists() {
            return Err(StoreError::Missing(path.to_owned()));
        }
        // Reading a file in WAL mode takes part in its locking, so write access is asked for
        // first; a file on a medium that cannot be written to is read without.
        let flags = [OpenFlags::SQLITE_OPEN_READ_WRITE, OpenFlags::SQLITE_OPEN_READ_ONLY];
        let open = |flags| {
            let connection =
                Connection::open_with_flags(path, flags | OpenFlags::SQLITE_OPEN_NO_MUTEX)?;
            connection.busy_timeout(BUSY)?;
            Ok(connection)
        };
        let connection = open(flags[0])
            .or_else(|_| open(flags[1]))
            .map_err(|source| StoreError::Open { path: path.to_owned(), source })?;
        match schema::check(&connection, path).map_err(|error| unreadable(error, path))? {
            0 => return Err(StoreError::Empty(path.to_owned())),
            version => schema::read_as_new(&connection, version)?,
        }
        connection.pragma_update(None, "query_only", true)?;
        Ok(Self { connection })
    }

    /// Returns the connection, for queries.
    pub const fn connection(&self) -> &Connection {
        &self.connection
    }

    /// Writes what came, all or nothing.
    ///
    /// # Errors
    /// [`StoreError::Sql`]; then nothing of it was written.
    pub fn write(&mut self, batch: &[Entry]) -> Result<(), StoreError> {
        let transaction = self.connection.transaction()?;
        {
            let mut event = transaction.prepare_cached(
                "INSERT INTO events (received, time, level, event, node, peer, data, source)
                 VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
            )?;
            let mut node = transaction.prepare_cached(
                "INSERT INTO nodes (correlation, endpoint, peer, name, first_seen, last_seen)
                 VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT DO UPDATE SET name = excluded.name,
                 first_seen = min(first_seen, excluded.first_seen),
                 last_seen = max(last_seen, excluded.last_seen)",
            )?;
            let mut change = transaction.prepare_cached(
                "INSERT INTO changes (after, at, kind, peer, correlation, endpoint, name, data)
                 VALUES ((SELECT coalesce(max(seq), 0) FROM sqlite_sequence WHERE name = 'events'),
                 ?, ?, ?, ?, ?, ?, ?)",
            )?;
            let mut loss = transaction.prepare_cached("INSERT INTO losses VALUES (?, ?)")?;
            for entry in batch {
                match entry {
                    Entry::Record(r) => event.execute(params![
                        r.received,
                        // What is beyond SQLite's integers is beyond all calendars.
                        i64::try_from(r.time).unwrap_or(i64::MAX),
                        r.level as u8,
                        u8::from(r.event),
                        r.node,
                        r.peer,
                        r.data,
                        r.source.map(|source| source.to_string()),
                    ])?,
                    Entry::Seen(s) => node.execute(params![
                        s.correlation,
                        s.endpoint,
                        s.peer,
                        s.name,
                        s.first,
                        s.last
                    ])?,
                    Entry::Change(c) => write_change(&mut change, c)?,
                    Entry::Lost { at, lines } => {
                        let (at, what) = (*at, What::Lost { lines: *lines });
                        write_change(&mut change, &Change { at, peer: String::new(), what })?;
                        loss.execute(params![at, i64::try_from(*lines).unwrap_or(i64::MAX)])?
                    }
                };
            }
        }
        Ok(transaction.commit()?)
    }

    /// Returns which node was where, and when.
    ///
    /// # Errors
    /// [`StoreError::Sql`].
    pub fn directory(&self) -> Result<Directory, StoreError> {
        let mut statement = self.connection.prepare_cached(
            "SELECT correlation, endpoint, peer, name, first_seen, last_seen FROM nodes
             ORDER BY first_seen, peer",
        )?;
        let mut directory = Directory::default();
        let rows = statement.query_map([], |row| {
            Ok(NodeInterval {
                correlation: row.get(0)?,
                endpoint: row.get(1)?,
                peer: row.get(2)?,
                name: row.get(3)?,
                first: row.get(4)?,
                last: row.get(5)?,
            })
        })?;
        for interval in rows {
            directory.add(interval?);
        }
        Ok(directory)
    }

    /// Returns the times of the first and the last record to arrive; `None` without any.
    ///
    /// # Errors
    /// [`StoreError::Sql`].
    pub fn span(&self) -> Result<Option<(i64, i64)>, StoreError> {
        let span = self.connection.query_row(
            "SELECT (SELECT min(received) FROM events), (SELECT max(received) FROM events)",
            [],
            |row| Ok((row.get::<_, Option<i64>>(0)?, row.get::<_, Option<i64>>(1)?)),
        )?;
        Ok(span.0.zip(span.1))
    }

    /// Returns how many lines were lost in a time, both ends included.
    ///
    /// # Errors
    /// [`StoreError::Sql`].
    pub fn lost(&self, from: i64, to: i64) -> Result<u64, StoreError> {
        let lines: i64 = self.connection.query_row(
            "SELECT coalesce(sum(lines), 0) FROM losses WHERE at BETWEEN ? AND ?",
            [from, to],
            |row| row.get(0),
        )?;
        Ok(u64::try_from(lines).unwrap_or(0))
    }

    /// Returns the next records after the one with this id, in order of arrival, at most `most`.
    ///
    /// # Errors
    /// [`StoreError::Sql`].
    pub fn after(&self, id: i64, most: usize) -> Result<Vec<Stored>, StoreError> {
        let mut statement = self.connection.prepare_cached(&format!(
            "SELECT {COLUMNS} FROM events WHERE id > ? ORDER BY id LIMIT ?"
        ))?;
        let rows = statement
            .query_map(params![id, i64::try_from(most).unwrap_or(i64::MAX)], read_record)?;
        Ok(rows.collect::<Result<_, _>>()?)
    }
}

/// Finds what SQLite has no words for.
fn check_place(path: &Path) -> Result<(), StoreError> {
    if path.is_dir() { Err(StoreError::Directory(path.to_owned())) } else { Ok(()) }
}

fn write_change(statement: &mut Statement<'_>, change: &Change) -> rusqlite::Result<usize> {
    let (kind, correlation, endpoint, name, data) = change_row::row(&change.what);
    statement.execute(params![change.at, kind, change.peer, correlation, endpoint, name, data])
}

/// Words a failure of the first read, which tells that a file is no database.
fn unreadable(error: StoreError, path: &Path) -> StoreError {
    match error {
        StoreError::Sql(source) => StoreError::Open { path: path.to_owned(), source },
        other => other,
    }
}
