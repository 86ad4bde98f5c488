//! Files that could not be read.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::VirtualPath;
use crate::catalogue::Entry;
use crate::retry_clock::{Due, RetryClock};

/// The pauses before files are tried again that could not be read.
const SHORTEST_PAUSE: Duration = Duration::from_millis(100);
const LONGEST_PAUSE: Duration = Duration::from_secs(30);

/// How often a file may be missing before that is told.
const MAX_MISSING: u32 = 5;

/// Files that could not be read and rest until they are tried again, all together.
#[derive(Debug)]
pub(super) struct RestingFiles {
    files: BTreeMap<VirtualPath, Arc<Entry>>,
    /// How often a file was not there that the catalogue still has.
    missing: BTreeMap<VirtualPath, u32>,
    clock: RetryClock,
}

impl Default for RestingFiles {
    fn default() -> Self {
        let clock = RetryClock::new(SHORTEST_PAUSE, LONGEST_PAUSE);
        Self { files: BTreeMap::new(), missing: BTreeMap::new(), clock }
    }
}

impl RestingFiles {
    /// Notes that a file could not be read.
    pub(super) fn rest(&mut self, now: Instant, entry: Arc<Entry>) {
        self.files.insert(entry.name().clone(), entry);
        self.clock.failed(now);
    }

    /// Notes that a file is not there, or is not what the catalogue says. Returns whether that is so
    /// for too long: the catalogue should have heard of a change by now.
    pub(super) fn is_missing(&mut self, name: &VirtualPath) -> bool {
        let times = self.missing.entry(name.clone()).or_default();
        *times += 1;
        *times == MAX_MISSING
    }

    /// Notes that a file has changed or is gone: nothing is known about whether it can be read.
    pub(super) fn forget(&mut self, name: &VirtualPath) {
        self.files.remove(name);
        self.missing.remove(name);
    }

    /// Notes that a file could be read.
    pub(super) fn read(&mut self) {
        if self.files.is_empty() {
            self.missing.clear();
            self.clock.succeeded();
        }
    }

    /// Notes that there is reason to try at once.
    pub(super) const fn hope(&mut self, now: Instant) {
        self.clock.hope(now);
    }

    pub(super) fn next_deadline(&self) -> Option<Instant> {
        self.clock.next_deadline()
    }

    /// Returns the files whose pause is over.
    pub(super) fn due(&mut self, now: Instant) -> impl Iterator<Item = Arc<Entry>> + use<> {
        let files = match self.clock.due(now) {
            Some(Due::Attempt) => std::mem::take(&mut self.files),
            Some(Due::Look) | None => BTreeMap::new(),
        };
        files.into_values()
    }
}
