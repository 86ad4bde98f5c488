//! The tables, and how files of older versions are brought up to date.

use std::path::Path;

use rusqlite::Connection;

use super::error::StoreError;

/// Marks a file as ours, in the field that SQLite has for it: "ZLOG".
const APPLICATION_ID: i64 = 0x5a4c_4f47;

/// The changes that a file of version 1 lets one guess: from its nodes, and its lines about their EXIT.
macro_rules! changes_of_nodes {
    () => {
        "SELECT row_number() OVER (ORDER BY after, at, kind DESC, peer) AS id, * FROM (SELECT
            coalesce((SELECT id FROM events WHERE received <= at ORDER BY received DESC LIMIT 1), 0)
            AS after, at, kind, peer, correlation, endpoint, name, data FROM (
            SELECT first_seen AS at, 2 AS kind, peer, correlation, endpoint, name, '' AS data
            FROM nodes
            UNION ALL
            SELECT last_seen, 6, peer, 0, '', '', coalesce((SELECT data FROM events
                WHERE event = 4 AND peer = nodes.correlation
                AND received BETWEEN last_seen - 1000000 AND last_seen + 1000000 LIMIT 1), '')
            FROM nodes WHERE last_seen < (SELECT max(last_seen) FROM nodes) - 11000000
        ))"
    };
}

/// What makes a file of version n into one of version n + 1; an empty file has version 0.
///
/// A step is never changed once it was released; a new version is a new step.
const STEPS: &[&str] = &["
    -- A line of the log. The id is the order of arrival.
    CREATE TABLE events (
        id       INTEGER PRIMARY KEY AUTOINCREMENT,
        received INTEGER NOT NULL,  -- by the collector's clock, microseconds since 1970
        time     INTEGER NOT NULL,  -- by the node's clock, seconds since 1970
        level    INTEGER NOT NULL,  -- 1 error, 2 warning, 3 info
        event    INTEGER NOT NULL,  -- 0 none, 1 JOIN, 2 LEAVE, 3 ENTER, 4 EXIT, 5 SEND, 6 RECV
        node     INTEGER NOT NULL,  -- correlation id of the node that recorded it
        peer     INTEGER NOT NULL,  -- correlation id of the peer, 0 for none
        data     TEXT    NOT NULL,
        source   TEXT               -- the address that it came from
    ) STRICT;
    CREATE INDEX events_received ON events (received);
    CREATE INDEX events_node ON events (node);
    CREATE INDEX events_peer ON events (peer);
    CREATE INDEX events_event ON events (event);
    CREATE INDEX events_grave ON events (level) WHERE level < 3;

    -- Which node was at which endpoint, and when, as the collector saw it.
    CREATE TABLE nodes (
        correlation INTEGER NOT NULL,
        endpoint    TEXT    NOT NULL,
        peer        TEXT    NOT NULL,  -- the node's id
        name        TEXT    NOT NULL,
        first_seen  INTEGER NOT NULL,  -- microseconds since 1970
        last_seen   INTEGER NOT NULL,
        PRIMARY KEY (peer, endpoint)
    ) STRICT, WITHOUT ROWID;
    CREATE INDEX nodes_correlation ON nodes (correlation, first_seen);

    -- Lines that came and could not be stored.
    CREATE TABLE losses (
        at    INTEGER NOT NULL,  -- microseconds since 1970
        lines INTEGER NOT NULL
    ) STRICT;
",
concat!(
"    -- What the collector's node has seen, at its place among the lines.
    CREATE TABLE changes (
        id          INTEGER PRIMARY KEY AUTOINCREMENT,
        after       INTEGER NOT NULL,  -- the id of the line that it comes after
        at          INTEGER NOT NULL,  -- by the collector's clock, microseconds since 1970
        kind        INTEGER NOT NULL,  -- 1 a collector begins, 2 entered, 3 evasive, 4 silent,
                                       -- 5 returned, 6 gone, 7 lines were lost
        peer        TEXT    NOT NULL,  -- the node's id; of 1 the collector's own, of 7 empty
        correlation INTEGER NOT NULL,  -- of 2
        endpoint    TEXT    NOT NULL,  -- of 2
        name        TEXT    NOT NULL,  -- of 2
        data        TEXT    NOT NULL   -- of 2 key and headers as JSON, of 6 the reason, of 7 how many
    ) STRICT;
    CREATE INDEX changes_peer ON changes (peer, id);
    INSERT INTO changes (after, at, kind, peer, correlation, endpoint, name, data) SELECT
        after, at, kind, peer, correlation, endpoint, name, data FROM (", changes_of_nodes!(), ");
")];

/// The kinds of changes.
pub(super) mod kind {
    pub(crate) const BEGUN: i64 = 1;
    pub(crate) const ENTERED: i64 = 2;
    pub(crate) const EVASIVE: i64 = 3;
    pub(crate) const SILENT: i64 = 4;
    pub(crate) const RETURNED: i64 = 5;
    pub(crate) const GONE: i64 = 6;
    pub(crate) const LOST: i64 = 7;
}

/// The version that this program writes.
pub const VERSION: i64 = STEPS.len() as i64;

/// Sets up a connection that writes.
pub(super) fn prepare(connection: &Connection) -> rusqlite::Result<()> {
    // Takes effect in a file without tables only.
    connection.pragma_update(None, "auto_vacuum", "INCREMENTAL")?;
    connection.pragma_update(None, "journal_mode", "WAL")?;
    // In WAL mode this keeps the file whole whatever happens; a power cut may lose the last
    // seconds, the end of the process loses nothing that was committed.
    connection.pragma_update(None, "synchronous", "NORMAL")?;
    connection.pragma_update(None, "journal_size_limit", 4 << 20)
}

/// Makes the tables, or brings them up to date.
pub(super) fn migrate(connection: &mut Connection, path: &Path) -> Result<(), StoreError> {
    let found = check(connection, path)?;
    for (from, step) in (0..).zip(STEPS).skip(usize::try_from(found).unwrap_or(0)) {
        let transaction = connection.transaction()?;
        transaction.execute_batch(step)?;
        transaction.pragma_update(None, "application_id", APPLICATION_ID)?;
        transaction.pragma_update(None, "user_version", from + 1)?;
        transaction.commit()?;
    }
    Ok(())
}

/// Lets a file of an older version be read as one of this version, without writing to it.
pub(super) fn read_as_new(connection: &Connection, version: i64) -> rusqlite::Result<()> {
    if version >= 2 {
        return Ok(());
    }
    connection.execute_batch(concat!("CREATE TEMP TABLE changes AS ", changes_of_nodes!()))
}

/// Returns the version of a file that this program can read: 0 if it is empty.
pub(super) fn check(connection: &Connection, path: &Path) -> Result<i64, StoreError> {
    let number = |name| connection.pragma_query_value(None, name, |row| row.get::<_, i64>(0));
    let (application, version) = (number("application_id")?, number("user_version")?);
    let tables: i64 =
        connection.query_row("SELECT count(*) FROM sqlite_schema", [], |row| row.get(0))?;
    if application == 0 && version == 0 && tables == 0 {
        return Ok(0);
    }
    if application != APPLICATION_ID {
        return Err(StoreError::Foreign(path.to_owned()));
    }
    if version > VERSION {
        return Err(StoreError::Newer { path: path.to_owned(), found: version, known: VERSION });
    }
    Ok(version)
}
