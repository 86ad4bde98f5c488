//! One node on the screen.

use std::collections::BTreeSet;

use super::rate::Rate;
use crate::{Level, LogEvent, Record, Sighting};

/// So many groups of a node are remembered.
const GROUPS: usize = 64;

/// How a node stands.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Presence {
    /// It is there.
    Present,
    /// It has been quiet, and was asked.
    Evasive,
    /// It did not answer.
    Silent,
    /// It writes lines, but has not entered here.
    #[default]
    Unseen,
    /// It has gone.
    Gone,
}

impl Presence {
    /// One word.
    pub(super) const fn as_str(self) -> &'static str {
        match self {
            Self::Present => "present",
            Self::Evasive => "evasive",
            Self::Silent => "silent",
            Self::Unseen => "unseen",
            Self::Gone => "gone",
        }
    }
}

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
    /// It is there.
    pub(super) fn seen(&mut self, sighting: &Sighting) {
        self.name = crate::clean::clean(&sighting.name).into_owned();
        self.endpoint = crate::clean::clean(&sighting.endpoint).into_owned();
        self.presence = Presence::Present;
        self.last = self.last.max(sighting.last);
    }

    /// It has written a line.
    pub(super) fn wrote(&mut self, record: &Record, now: i64) {
        self.lines += 1;
        self.warnings += u64::from(record.level != Level::Info);
        self.rate.add(record.received, now);
        self.last = self.last.max(record.received);
    }

    /// It has joined or left a group.
    pub(super) fn moved(&mut self, event: LogEvent, group: &str) {
        let group = crate::clean::clean(group);
        if event == LogEvent::Leave {
            self.groups.remove(group.as_ref());
        } else if self.groups.len() < GROUPS {
            self.groups.insert(group.into_owned());
        }
    }

    /// It turned out to be the same as another.
    pub(super) fn merge(&mut self, other: &Self) {
        self.lines += other.lines;
        self.warnings += other.warnings;
        self.rate.merge(&other.rate);
        self.groups.extend(other.groups.iter().cloned());
        self.last = self.last.max(other.last);
    }
}
