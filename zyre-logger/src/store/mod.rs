//! The database: one SQLite file that holds what was logged.
//!
//! A [`Writer`] fills it, on a thread of its own and a batch at a time; any number of readers may
//! look at it meanwhile. The tables are described in `schema.rs`, and are open to other programs.

mod prune;
mod schema;
mod writer;

use std::path::{Path, PathBuf};
use std::time::Duration;

use rusqlite::{Connection, OpenFlags, Row, params};
use thiserror::Error;

pub use prune::{Bounds, Pruned};
pub use schema::VERSION;
pub use writer::{Entry, Notice, Sender, Writer};

use crate::{Directory, Level, Record, Sighting, Stored};

/// How long a writer waits for another one.
const BUSY: Duration = Duration::from_secs(5);

/// The columns of a record, in the order that [`read_record`] takes them.
pub const COLUMNS: &str = "id, received, time, level, event, node, peer, data, source";

/// What can be wrong with a file.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum StoreError {
    /// It is not there, or cannot be opened.
    #[error("cannot open {path}: {source}")]
    Open {
        /// The file.
        path: PathBuf,
        /// What SQLite says.
        source: rusqlite::Error,
    },
    /// It is a database of another program.
    #[error("{0} is a database of another program: give another file")]
    Foreign(PathBuf),
    /// It was written by a newer version of this program.
    #[error(
        "{path} has version {found}, this program knows up to {VERSION}: use a newer zyre-logger"
    )]
    Newer {
        /// The file.
        path: PathBuf,
        /// Its version.
        found: i64,
    },
    /// It is empty: nothing was ever collected into it.
    #[error("{0} holds no log: give a file that `zyre-logger collect` has written")]
    Empty(PathBuf),
    /// Reading or writing has failed. What was committed before is kept.
    #[error("the database failed: {0}")]
    Sql(#[from] rusqlite::Error),
}

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
        // Reading a file in WAL mode takes part in its locking, so write access is asked for
        // first; a file on a medium that cannot be written to is read without.
        let flags = [OpenFlags::SQLITE_OPEN_READ_WRITE, OpenFlags::SQLITE_OPEN_READ_ONLY];
        let open = |flags| {
            let connection =
                Connection::open_with_flags(path, flags | OpenFlags::SQLITE_OPEN_NO_MUTEX)?;
            connection.busy_timeout(BUSY)?;
            connection.pragma_update(None, "query_only", true)?;
            Ok(connection)
        };
        let connection = open(flags[0])
            .or_else(|_| open(flags[1]))
            .map_err(|source| StoreError::Open { path: path.to_owned(), source })?;
        match schema::check(&connection, path).map_err(|error| unreadable(error, path))? {
            0 => Err(StoreError::Empty(path.to_owned())),
            _ => Ok(Self { connection }),
        }
    }

    /// The connection, for queries.
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
                    Entry::Lost { at, lines } => {
                        loss.execute(params![at, i64::try_from(*lines).unwrap_or(i64::MAX)])?
                    }
                };
            }
        }
        Ok(transaction.commit()?)
    }

    /// All sightings of nodes.
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
            Ok(Sighting {
                correlation: number(row, 0)?,
                endpoint: row.get(1)?,
                peer: row.get(2)?,
                name: row.get(3)?,
                first: row.get(4)?,
                last: row.get(5)?,
            })
        })?;
        for sighting in rows {
            directory.add(sighting?);
        }
        Ok(directory)
    }

    /// The times of the first and the last record to arrive; `None` without any.
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

    /// How many lines were lost in a time, both ends included.
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

    /// The next records after the one with this id, in order of arrival, at most `most`.
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

/// The record of a row with [`COLUMNS`].
///
/// # Errors
/// What SQLite says if a column has another type: not in a file that this program wrote.
pub fn read_record(row: &Row<'_>) -> rusqlite::Result<Stored> {
    let source: Option<String> = row.get(8)?;
    let record = Record {
        received: row.get(1)?,
        time: u64::try_from(row.get::<_, i64>(2)?).unwrap_or(0),
        level: match row.get(3)? {
            1 => Level::Error,
            2 => Level::Warning,
            _ => Level::Info,
        },
        event: row.get::<_, u8>(4)?.into(),
        node: number(row, 5)?,
        peer: number(row, 6)?,
        data: row.get(7)?,
        source: source.and_then(|source| source.parse().ok()),
    };
    Ok(Stored { id: row.get(0)?, record })
}

fn number(row: &Row<'_>, column: usize) -> rusqlite::Result<u16> {
    row.get(column)
}

/// A file that is no database is found out only when it is first read.
fn unreadable(error: StoreError, path: &Path) -> StoreError {
    match error {
        StoreError::Sql(source) => StoreError::Open { path: path.to_owned(), source },
        other => other,
    }
}
