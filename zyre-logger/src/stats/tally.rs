//! Counts of events.

use std::collections::BTreeMap;

use super::sessions::{Key, key};
use crate::{Directory, LogEvent, Stored};

/// How many groups are told apart; the rest is counted together.
const GROUPS: usize = 10_000;

/// The name for the rest.
const REST: &str = "(others)";

/// Parts of the time, for the picture.
pub(super) const PARTS: usize = 120;

/// Joins and leaves as one observer saw them.
#[derive(Clone, Copy, Debug, Default)]
struct Moves {
    joins: u64,
    leaves: u64,
}

/// What is counted of a node or a group.
#[derive(Clone, Debug, Default)]
pub struct Tally {
    /// By observer: each sees the same joins and leaves.
    moves: BTreeMap<Key, Moves>,
    /// Messages sent, as the senders recorded them.
    pub sent: u64,
    /// Messages received, as the receivers recorded them.
    pub received: u64,
}

impl Tally {
    /// Returns the joins, as counted by the observer that saw most of them.
    pub fn joins(&self) -> u64 {
        self.moves.values().map(|moves| moves.joins).max().unwrap_or(0)
    }

    /// Returns the leaves, as counted by the observer that saw most of them.
    pub fn leaves(&self) -> u64 {
        self.moves.values().map(|moves| moves.leaves).max().unwrap_or(0)
    }

    fn moved(&mut self, observer: &str, event: LogEvent) {
        let moves = self.moves.entry(observer.to_owned()).or_default();
        match event {
            LogEvent::Join => moves.joins += 1,
            _ => moves.leaves += 1,
        }
    }

    const fn spoke(&mut self, event: LogEvent) {
        match event {
            LogEvent::Send => self.sent += 1,
            _ => self.received += 1,
        }
    }
}

/// All counts of a time.
#[derive(Debug)]
pub(super) struct Tallies {
    from: i64,
    length: i64,
    pub(super) lines: u64,
    pub(super) nodes: BTreeMap<Key, Tally>,
    pub(super) groups: BTreeMap<String, Tally>,
    /// Lines by kind of event, in each part of the time.
    pub(super) parts: Vec<[u64; 7]>,
}

impl Tallies {
    pub(super) fn new(from: i64, to: i64) -> Self {
        let length = to.saturating_sub(from).max(1);
        let (nodes, groups) = Default::default();
        Self { from, length, lines: 0, nodes, groups, parts: vec![[0; 7]; PARTS] }
    }

    /// Takes a record.
    pub(super) fn take(&mut self, stored: &Stored, directory: &Directory) {
        let record = &stored.record;
        self.lines += 1;
        let passed = i128::from(record.received.saturating_sub(self.from));
        let part = passed * PARTS as i128 / (i128::from(self.length) + 1);
        let part = usize::try_from(part).ok().and_then(|part| self.parts.get_mut(part));
        if let Some(count) = part.and_then(|part| part.get_mut(kind(record.event))) {
            *count += 1;
        }
        let source = record.source.map(|source| source.to_string());
        let observer = key(directory, record.node, record.received, source.as_deref());
        match record.event {
            LogEvent::Join | LogEvent::Leave => {
                let about = match record.peer {
                    0 => observer.clone(),
                    peer => key(directory, peer, record.received, None),
                };
                self.nodes.entry(about).or_default().moved(&observer, record.event);
                self.group(&record.data).moved(&observer, record.event);
            }
            LogEvent::Send | LogEvent::Recv => {
                self.nodes.entry(observer).or_default().spoke(record.event);
                if let Some(group) = group_of(&record.data) {
                    self.group(group).spoke(record.event);
                }
            }
            _ => {}
        }
    }

    fn group(&mut self, name: &str) -> &mut Tally {
        let full = self.groups.len() >= GROUPS && !self.groups.contains_key(name);
        let name = if full { REST } else { name };
        self.groups.entry(name.to_owned()).or_default()
    }
}

/// Returns the index of an event among the counts of a part.
pub(super) fn kind(event: LogEvent) -> usize {
    u8::from(event).into()
}

/// Returns the group of a SEND or RECV: `SHOUT group`. A WHISPER has none.
fn group_of(data: &str) -> Option<&str> {
    data.strip_prefix("SHOUT ")
}
