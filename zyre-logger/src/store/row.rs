//! Records as rows of the table `events`.

use rusqlite::Row;

use crate::{Level, Record, Stored};

/// The columns of a record, in the order that [`read_record`] takes them.
pub const COLUMNS: &str = "id, received, time, level, event, node, peer, data, source";

/// Reads the record of a row with [`COLUMNS`].
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
        node: row.get(5)?,
        peer: row.get(6)?,
        data: row.get(7)?,
        source: source.and_then(|source| source.parse().ok()),
    };
    Ok(Stored { id: row.get(0)?, record })
}
