//! What is written to a file.

use crate::{Change, NodeInterval, Record};

/// Something to write.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Entry {
    /// A line of the log.
    Record(Record),
    /// A node that is, or was, there.
    Seen(NodeInterval),
    /// What was seen, at this place among the lines.
    Change(Change),
    /// Lines that came and were not kept.
    Lost {
        /// When, in microseconds since 1970.
        at: i64,
        /// How many.
        lines: u64,
    },
}
