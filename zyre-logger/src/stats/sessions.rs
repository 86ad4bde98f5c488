//! Sessions: how long nodes saw each other.

use std::collections::BTreeMap;

use crate::moment::SECOND;
use crate::{Directory, LogEvent, Record, Resolution, Stored};

/// The clock of a node tells seconds: lengths that differ by no more than this are equal.
const CLOSE: i64 = 2 * SECOND;

/// A node, as far as its correlation id tells: its id, or `#` and the correlation id.
pub(super) type Key = String;

/// The sessions of one peer, as all observers saw them.
#[derive(Clone, Debug, Default)]
pub struct Sessions {
    /// The lengths of sessions that ended, in microseconds.
    pub ended: Vec<i64>,
    /// The number of sessions without an end: they go on, the observer has gone, or its EXIT was
    /// lost.
    pub open: u64,
}

impl Sessions {
    /// Adds those of another node.
    pub(super) fn add(&mut self, other: &Self) {
        self.ended.extend(&other.ended);
        self.open += other.open;
    }

    /// Returns the length that a share of the ended sessions does not exceed, 0.5 for the median.
    /// `None` without any. Sorts `ended`.
    pub fn quantile(&mut self, share: f64) -> Option<i64> {
        self.ended.sort_unstable();
        let last = self.ended.len().checked_sub(1)?;
        self.ended.get((last as f64 * share).round() as usize).copied()
    }

    /// Returns the mean length of the ended sessions.
    pub fn mean(&self) -> Option<i64> {
        let count = i64::try_from(self.ended.len()).ok().filter(|count| *count > 0)?;
        Some(self.ended.iter().sum::<i64>() / count)
    }
}

/// When a peer entered.
#[derive(Debug)]
struct Entered {
    received: i64,
    time: u64,
}

impl Entered {
    /// Returns the time until an EXIT by the same observer. A node keeps its last lines until it
    /// finds a collector: those arrive all at once, and only the observer's own clock tells.
    fn length(&self, exit: &Record) -> i64 {
        let here = exit.received.saturating_sub(self.received).max(0);
        let there = exit.time.saturating_sub(self.time).saturating_mul(SECOND.unsigned_abs());
        let there = i64::try_from(there).unwrap_or(i64::MAX);
        if here.abs_diff(there) > CLOSE.unsigned_abs() { there } else { here }
    }
}

/// Pairs ENTER with EXIT.
#[derive(Debug, Default)]
pub(super) struct Pairing {
    /// The peers that an observer saw enter, and when, until the exit. By correlation id: an EXIT
    /// may come when another node has the endpoint already.
    entered: BTreeMap<(Key, u16), (Key, Entered)>,
    peers: BTreeMap<Key, Sessions>,
}

impl Pairing {
    /// Takes a record, in the order of arrival.
    pub(super) fn take(&mut self, stored: &Stored, directory: &Directory) {
        let record = &stored.record;
        if record.peer == 0 || !matches!(record.event, LogEvent::Enter | LogEvent::Exit) {
            return;
        }
        let source = record.source.map(|source| source.to_string());
        let observer = key(directory, record.node, record.received, source.as_deref());
        let place = (observer, record.peer);
        if record.event == LogEvent::Enter {
            let peer = key(directory, record.peer, record.received, None);
            let entered = Entered { received: record.received, time: record.time };
            if let Some((before, _)) = self.entered.insert(place, (peer, entered)) {
                // The EXIT between the two was lost.
                self.peers.entry(before).or_default().open += 1;
            }
        } else if let Some((peer, entered)) = self.entered.remove(&place) {
            self.peers.entry(peer).or_default().ended.push(entered.length(record));
        }
    }

    /// Returns the sessions of each peer.
    pub(super) fn finish(mut self) -> BTreeMap<Key, Sessions> {
        for (peer, _) in self.entered.into_values() {
            self.peers.entry(peer).or_default().open += 1;
        }
        self.peers
    }
}

/// Returns the key that a node is counted under.
pub(super) fn key(directory: &Directory, id: u16, at: i64, source: Option<&str>) -> Key {
    match directory.resolve(id, at, source) {
        Resolution::Node(interval) => interval.peer.clone(),
        Resolution::Unknown | Resolution::Several(_) => format!("#{id:04x}"),
    }
}
