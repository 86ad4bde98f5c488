//! One node on the screen.

use std::collections::BTreeSet;

use crate::presence::Presence;
use crate::rate::Rate;
use crate::{Level, LogEvent, NodeInterval, Record, text};

/// How many groups of a node are remembered.
const GROUPS: usize = 64;

/// What is known of a node.
#[derive(Clone, Debug, Default)]
pub(super) struct Node {
    /// Its name, fit for a terminal.
    pub(super) name: String,
    /// Its endpoint, fit for a terminal; empty if unknown.
    pub(super) endpoint: String,
    /// How it stands.
    pub(super) presence: Presence,
    /// The groups that it is in, fit for a terminal.
    pub(super) groups: BTreeSet<String>,
    /// Lines that it has written.
    pub(super) lines: u64,
    /// Among them warnings and errors.
    pub(super) warnings: u64,
    /// Its lines over the last minute.
    pub(super) rate: Rate,
    /// When something was last heard of it, in microseconds since 1970.
    pub(super) last: i64,
}

impl Node {
    /// Notes that the node is there.
    pub(super) fn seen(&mut self, interval: &NodeInterval) {
        self.name = text::name(&interval.name);
        self.endpoint = text::name(&interval.endpoint);
        // It is told again from time to time, also of a node that does not answer just now.
        if self.presence >= Presence::Unseen {
            self.presence = Presence::Present;
        }
        self.last = self.last.max(interval.last);
    }

    /// Notes a line of the node.
    pub(super) fn wrote(&mut self, record: &Record, now: i64) {
        self.lines += 1;
        self.warnings += u64::from(record.level != Level::Info);
        self.rate.add(record.received, now);
        self.last = self.last.max(record.received);
    }

    /// Notes that the node has joined or left a group.
    pub(super) fn moved(&mut self, event: LogEvent, group: &str) {
        let group = text::name(group);
        if event == LogEvent::Leave {
            self.groups.remove(&group);
        } else if self.groups.len() < GROUPS {
            self.groups.insert(group);
        }
    }

    /// Takes over what is known of another, which turned out to be this node.
    pub(super) fn merge(&mut self, other: &Self) {
        self.lines += other.lines;
        self.warnings += other.warnings;
        self.rate.merge(&other.rate);
        self.groups.extend(other.groups.iter().cloned());
        self.last = self.last.max(other.last);
    }
}
