//! A record as a line of a table.

use unicode_width::{UnicodeWidthChar, UnicodeWidthStr};

use super::Side;
use crate::clean::clean;
use crate::{Directory, Level, LogEvent, Record, moment};

/// The names over the columns.
pub const HEAD: &str =
    "received                 level    event  node              peer              data";

/// Columns of a terminal for a name, and for one side of a pair.
const NAME: usize = 16;
const SIDE: usize = 44;

/// A record in columns, fit for a terminal.
pub fn of(record: &Record, directory: &Directory) -> String {
    let (node, peer) = names(record, directory);
    format!(
        "{}  {:<7}  {:<5}  {}  {}  {}",
        moment::local(record.received),
        record.level,
        record.event,
        fit(&node, NAME),
        fit(&peer, NAME),
        clean(&record.data),
    )
}

/// A record of one of a pair, in the column of the node that recorded it.
pub(super) fn of_pair(record: &Record, directory: &Directory, side: Side) -> String {
    let (_, peer) = names(record, directory);
    let mut parts = Vec::new();
    if record.level != Level::Info {
        parts.push(record.level.to_string());
    }
    if record.event != LogEvent::None {
        parts.push(record.event.to_string());
    }
    let data = clean(&record.data).into_owned();
    // ENTER tells the name, which is here already.
    let data = if data == peer { String::new() } else { data };
    parts.extend([peer, data]);
    parts.retain(|part| !part.is_empty());
    let text = parts.join(" ");
    let time = moment::local(record.received);
    match side {
        Side::A => format!("{time}  {} │", fit(&text, SIDE)),
        Side::B => format!("{time}  {} │ {text}", fit("", SIDE)),
    }
}

/// The names over the columns of a pair.
pub(super) fn pair_head(a: &str, b: &str) -> String {
    format!("{:<23}  {} │ {}", "received", fit(&clean(a), SIDE), clean(b))
}

/// The names of the node and of the peer, fit for a terminal.
fn names(record: &Record, directory: &Directory) -> (String, String) {
    let source = record.source.map(|source| source.to_string());
    let node = directory.name(record.node, record.received, source.as_deref());
    let peer = directory.name(record.peer, record.received, None);
    (clean(&node).into_owned(), clean(&peer).into_owned())
}

/// Text in exactly so many columns.
pub fn fit(text: &str, columns: usize) -> String {
    let mut fitted = String::with_capacity(columns);
    let mut used = 0;
    let too_long = text.width() > columns;
    let room = if too_long { columns.saturating_sub(1) } else { columns };
    for c in text.chars() {
        let width = c.width().unwrap_or(0);
        if used + width > room {
            break;
        }
        used += width;
        fitted.push(c);
    }
    if too_long && columns > 0 {
        fitted.push('…');
        used += 1;
    }
    fitted.extend(std::iter::repeat_n(' ', columns.saturating_sub(used)));
    fitted
}

#[cfg(test)]
mod tests {
    use super::fit;

    #[test]
    fn text_takes_its_columns() {
        assert_eq!(fit("ab", 4), "ab  ");
        assert_eq!(fit("abcde", 4), "abc…");
        assert_eq!(fit("日本語", 4), "日… ");
        assert_eq!(fit("日本", 4), "日本");
    }
}
