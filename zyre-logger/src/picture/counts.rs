//! What is counted.

use std::collections::BTreeMap;

use zyre::ExitReason;

use crate::rate::Rate;
use crate::{Level, LogEvent, Record};

/// How many groups are told apart; the rest is counted together.
const GROUPS: usize = 64;

/// The name for the rest of groups.
pub(crate) const OTHERS: &str = "(others)";

/// The reasons of an EXIT that are told apart.
pub(crate) const REASONS: [ExitReason; 10] = [
    ExitReason::Goodbye,
    ExitReason::LinkLost,
    ExitReason::Expired,
    ExitReason::Restarted,
    ExitReason::Distrusted,
    ExitReason::Replaced,
    ExitReason::SequenceGap,
    ExitReason::StatusMismatch,
    ExitReason::Overflow,
    ExitReason::Rejected,
];

/// Messages to a group.
#[derive(Clone, Debug, Default)]
pub(super) struct GroupCount {
    /// How many groups had come before.
    pub(super) order: usize,
    pub(super) messages: u64,
    pub(super) rate: Rate,
}

/// All counts.
#[derive(Clone, Debug, Default)]
pub(super) struct Counts {
    pub(super) lines: u64,
    /// By the number of the event; the last for those that have no name.
    pub(super) events: [u64; 8],
    pub(super) warnings: u64,
    pub(super) errors: u64,
    pub(super) enters: u64,
    pub(super) exits: BTreeMap<&'static str, u64>,
    pub(super) lost: u64,
    pub(super) groups: BTreeMap<String, GroupCount>,
    /// Lines of nodes for which there was no room.
    pub(super) crowded: u64,
}

impl Counts {
    pub(super) fn line(&mut self, record: &Record) {
        self.lines += 1;
        let kind = usize::from(u8::from(record.event)).min(self.events.len() - 1);
        self.events[kind] += 1;
        match record.level {
            Level::Error => self.errors += 1,
            Level::Warning => self.warnings += 1,
            Level::Info => {}
        }
    }

    pub(super) fn exit(&mut self, reason: &str) {
        let known = REASONS.map(ExitReason::as_str).into_iter().find(|known| *known == reason);
        *self.exits.entry(known.unwrap_or("other")).or_default() += 1;
    }

    pub(super) fn message(&mut self, group: &str, at: i64) {
        let full = self.groups.len() >= GROUPS && !self.groups.contains_key(group);
        let group = if full { OTHERS } else { group };
        let order = self.groups.len();
        let new = || GroupCount { order, ..GroupCount::default() };
        let count = self.groups.entry(group.to_owned()).or_insert_with(new);
        count.messages += 1;
        count.rate.add(at, at);
    }
}

/// The names of events, in the order of [`Counts::events`].
pub(crate) fn event_names() -> [String; 8] {
    std::array::from_fn(|i| match u8::try_from(i) {
        Ok(i @ 0..7) => LogEvent::from(i).to_string(),
        _ => "other".to_owned(),
    })
}
