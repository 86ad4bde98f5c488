//! The last lines of a node.

use rusqlite::params;
use serde_json::{Value, json};

use crate::picture::Picture;
use crate::store::{COLUMNS, StoreError, read_record};
use crate::{Store, Stored};

/// How many lines are shown.
const LINES: i64 = 60;

/// How many lines are looked at: others may have the same correlation id.
const LOOKED_AT: i64 = 2_000;

/// Returns the last lines until a moment that were written by a node or are about it, the newest first.
pub(super) fn last(
    store: &Store,
    picture: &Picture,
    id: &str,
    correlation: u16,
    until: i64,
) -> Result<Value, StoreError> {
    let mut found: Vec<Stored> = Vec::new();
    for column in ["node", "peer"] {
        let sql = format!(
            "SELECT {COLUMNS} FROM events WHERE {column} = ? AND received <= ?
             ORDER BY id DESC LIMIT {LOOKED_AT}"
        );
        let mut statement = store.connection().prepare_cached(&sql)?;
        let rows = statement.query_map(params![correlation, until], read_record)?;
        let mut taken = 0;
        for stored in rows {
            let stored = stored?;
            let source = stored.record.source.map(|source| source.to_string());
            let who = match column {
                "node" => picture.resolve_json(correlation, source.as_deref()),
                _ => picture.resolve_json(correlation, None),
            };
            if who["id"] == id {
                found.push(stored);
                taken += 1;
            }
            if taken == LINES {
                break;
            }
        }
    }
    found.sort_by_key(|stored| -stored.id);
    found.dedup_by_key(|stored| stored.id);
    found.truncate(usize::try_from(LINES).unwrap_or(0));
    let line = |stored: &Stored| {
        let record = &stored.record;
        let source = record.source.map(|source| source.to_string());
        let peer = (record.peer != 0).then(|| picture.resolve_json(record.peer, None));
        json!({
            "at": record.received,
            "level": record.level.to_string(),
            "event": record.event.to_string(),
            "by": picture.resolve_json(record.node, source.as_deref()),
            "about": peer,
            "text": record.data,
        })
    };
    Ok(found.iter().map(line).collect())
}
