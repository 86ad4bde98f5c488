//! A record as a line of a table.

use super::filter::Side;
use crate::text::{data, fit, name};
use crate::{Directory, Level, LogEvent, Record, moment};

/// The names over the columns.
pub const HEAD: &str =
    "received                 level    event  node              peer              data";

/// Columns of a terminal for a name, and for one side of a pair.
const NAME: usize = 16;
const SIDE: usize = 44;

/// The names over the columns of a pair of which one stands below the other.
pub(super) const STACKED_HEAD: &str = "received                 node              what";

/// Where the right side of a pair begins.
pub(super) const RIGHT: usize = 23 + 2 + SIDE + 3;

/// How many columns both sides of a pair take.
pub(super) const PAIR: usize = RIGHT + SIDE;

/// Formats a record in columns, fit for a terminal.
pub fn of(record: &Record, directory: &Directory) -> String {
    let (node, peer) = names(record, directory);
    format!(
        "{}  {:<7}  {:<5}  {}  {}  {}",
        moment::local(record.received),
        record.level,
        record.event,
        fit(&node, NAME),
        fit(&peer, NAME),
        data(&record.data),
    )
}

/// Formats a record of one of a pair, in the column of the node that recorded it.
pub(super) fn of_pair(record: &Record, directory: &Directory, side: Side) -> String {
    let (_, peer) = names(record, directory);
    let text = what(record, peer);
    let time = moment::local(record.received);
    match side {
        Side::A => format!("{time}  {} │", fit(&text, SIDE)),
        Side::B => format!("{time}  {} │ {text}", fit("", SIDE)),
    }
}

/// Formats a record of one of a pair where there is no room for two columns: the node that recorded it is
/// named.
pub(super) fn of_stacked(record: &Record, directory: &Directory) -> String {
    let (node, peer) = names(record, directory);
    let time = moment::local(record.received);
    format!("{time}  {}  {}", fit(&node, NAME), what(record, peer))
}

/// Returns what a record says, without who recorded it.
fn what(record: &Record, peer: String) -> String {
    let mut parts = Vec::new();
    if record.level != Level::Info {
        parts.push(record.level.to_string());
    }
    if record.event != LogEvent::None {
        parts.push(record.event.to_string());
    }
    let data = data(&record.data);
    // ENTER tells the name, which is here already.
    let data = if data == peer { String::new() } else { data };
    parts.extend([peer, data]);
    parts.retain(|part| !part.is_empty());
    parts.join(" ")
}

/// Formats the names over the columns of a pair.
pub(super) fn pair_head(a: &str, b: &str) -> String {
    format!("{:<23}  {} │ {}", "received", fit(&name(a), SIDE), name(b))
}

/// Returns the names of the node and of the peer, fit for a terminal.
fn names(record: &Record, directory: &Directory) -> (String, String) {
    let source = record.source.map(|source| source.to_string());
    let node = directory.name(record.node, record.received, source.as_deref());
    let peer = directory.name(record.peer, record.received, None);
    (name(&node), name(&peer))
}
