//! One line of the log.

use std::net::IpAddr;

use crate::{Level, LogEvent};

/// A line of the log as it arrived.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Record {
    /// When it arrived, by the collector's clock, in microseconds since 1970. Lines of several
    /// nodes are compared by this: it is one clock.
    pub received: i64,
    /// The address that it came from, if known.
    pub source: Option<IpAddr>,
    /// When it was written, by the node's clock, in seconds since 1970.
    pub time: u64,
    /// The level.
    pub level: Level,
    /// The event.
    pub event: LogEvent,
    /// The correlation id of the node that recorded it.
    pub node: u16,
    /// The correlation id of the peer that it is about; 0 for none.
    pub peer: u16,
    /// The rest, as the node wrote it: it may hold anything.
    pub data: String,
}

/// A record and its place in the order of arrival.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stored {
    /// Grows with each record of a file, and is never used again.
    pub id: i64,
    /// The line.
    pub record: Record,
}
