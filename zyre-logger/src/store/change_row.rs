//! Changes as rows of the table `changes`.

use rusqlite::Row;

use super::schema::kind;
use crate::{Change, Entered, What};

/// A change and its place.
pub(super) struct Placed {
    pub(super) id: i64,
    /// The line that it comes after.
    pub(super) after: i64,
    pub(super) change: Change,
}

/// Reads the row of a change.
pub(super) fn placed(row: &Row<'_>) -> rusqlite::Result<Placed> {
    let data: String = row.get(8)?;
    let what = match row.get::<_, i64>(3)? {
        kind::BEGUN => What::Begun,
        kind::EVASIVE => What::Evasive,
        kind::SILENT => What::Silent,
        kind::RETURNED => What::Returned,
        kind::GONE => What::Gone { reason: data },
        kind::LOST => What::Lost { lines: data.parse().unwrap_or(0) },
        _ => What::Entered(Box::new(entered(row, &data)?)),
    };
    Ok(Placed {
        id: row.get(0)?,
        after: row.get(1)?,
        change: Change { at: row.get(2)?, peer: row.get(4)?, what },
    })
}

fn entered(row: &Row<'_>, data: &str) -> rusqlite::Result<Entered> {
    // An older file has nothing here.
    let data: serde_json::Value = serde_json::from_str(data).unwrap_or_default();
    let headers = data["headers"].as_object().into_iter().flatten();
    let text = |value: &serde_json::Value| value.as_str().map(str::to_owned);
    Ok(Entered {
        correlation: row.get(5)?,
        endpoint: row.get(6)?,
        name: row.get(7)?,
        key: text(&data["key"]),
        headers: headers.filter_map(|(name, value)| Some((name.clone(), text(value)?))).collect(),
    })
}

/// Returns the row of a change: kind, correlation, endpoint, name, data.
pub(super) fn row(what: &What) -> (i64, u16, &str, &str, String) {
    let none = |kind| (kind, 0, "", "", String::new());
    match what {
        What::Begun => none(kind::BEGUN),
        What::Evasive => none(kind::EVASIVE),
        What::Silent => none(kind::SILENT),
        What::Returned => none(kind::RETURNED),
        What::Gone { reason } => (kind::GONE, 0, "", "", reason.clone()),
        What::Lost { lines } => (kind::LOST, 0, "", "", lines.to_string()),
        What::Entered(one) => {
            let data = serde_json::json!({ "key": one.key, "headers": one.headers }).to_string();
            (kind::ENTERED, one.correlation, &one.endpoint, &one.name, data)
        }
    }
}
