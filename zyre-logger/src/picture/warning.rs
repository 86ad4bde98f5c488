//! Warnings and errors.

use std::collections::VecDeque;

use super::key::Key;
use crate::moment::SECOND;
use crate::{Level, LogEvent, Record};

/// How many warnings are kept.
const WARNINGS: usize = 300;

/// Warnings that say the same of the same node within this time are one: when a node vanishes all others
/// say so.
const SAME: i64 = 10 * SECOND;

/// How many of the last ones are compared with.
const RECENT: usize = 32;

/// A warning, or an error.
#[derive(Clone, Debug)]
pub(super) struct Warning {
    /// Its number: the same while it is only said again.
    pub(super) id: u64,
    /// When it came first, and last.
    pub(super) at: i64,
    pub(super) last: i64,
    pub(super) is_error: bool,
    event: LogEvent,
    /// Who wrote it first, and about whom, with what they were called.
    pub(super) by: (Key, String),
    pub(super) about: Option<(Key, String)>,
    pub(super) text: String,
    /// How many lines said it.
    pub(super) times: u64,
    /// The version of the picture that has last changed it.
    pub(super) changed: u64,
}

/// The last warnings.
#[derive(Clone, Debug, Default)]
pub(super) struct Warnings {
    all: VecDeque<Warning>,
    next: u64,
}

impl Warnings {
    pub(super) fn add(
        &mut self,
        record: &Record,
        by: (Key, String),
        about: Option<(Key, String)>,
        text: String,
        version: u64,
    ) {
        let at = record.received;
        let is_error = record.level == Level::Error;
        let same = self.all.iter_mut().rev().take(RECENT).find(|one| {
            let of_one = one.event == LogEvent::Exit && one.about == about || one.by == by;
            of_one
                && one.event == record.event
                && one.is_error == is_error
                && one.about == about
                && one.text == text
                && at.saturating_sub(one.last) < SAME
        });
        if let Some(same) = same {
            same.times += 1;
            same.last = at;
            same.changed = version;
            return;
        }
        if self.all.len() == WARNINGS {
            self.all.pop_front();
        }
        self.next += 1;
        let (id, event, times, changed) = (self.next, record.event, 1, version);
        let warning =
            Warning { id, at, last: at, is_error, event, by, about, text, times, changed };
        self.all.push_back(warning);
    }

    /// Returns them, the newest first.
    pub(super) fn newest_first(&self) -> impl Iterator<Item = &Warning> {
        self.all.iter().rev()
    }
}
