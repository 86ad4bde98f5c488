//! Deadlines in their order: the next one first, no scan over all.

use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant};

/// Returns the instant `time` after `now`; saturates at 30 years.
pub(crate) fn after(now: Instant, time: Duration) -> Instant {
    const THIRTY_YEARS: Duration = Duration::from_secs(30 * 365 * 24 * 3600);
    now + time.min(THIRTY_YEARS)
}

/// At most one deadline for each of many.
#[derive(Debug)]
pub(crate) struct Timers<K> {
    order: BTreeSet<(Instant, K)>,
    deadlines: BTreeMap<K, Instant>,
}

impl<K> Default for Timers<K> {
    fn default() -> Self {
        Self { order: BTreeSet::new(), deadlines: BTreeMap::new() }
    }
}

impl<K: Ord + Clone> Timers<K> {
    /// Sets the one deadline of `key`.
    pub(crate) fn set(&mut self, key: &K, deadline: Instant) {
        self.clear(key);
        self.order.insert((deadline, key.clone()));
        self.deadlines.insert(key.clone(), deadline);
    }

    /// Removes the deadline of `key`.
    pub(crate) fn clear(&mut self, key: &K) {
        if let Some((key, deadline)) = self.deadlines.remove_entry(key) {
            self.order.remove(&(deadline, key));
        }
    }

    /// Returns the next deadline of all.
    pub(crate) fn next(&self) -> Option<Instant> {
        self.order.first().map(|(deadline, _)| *deadline)
    }

    /// Returns the timers whose deadline has passed.
    pub(crate) fn due(&self, now: Instant) -> impl Iterator<Item = K> {
        let due = self.order.iter().take_while(move |(deadline, _)| *deadline <= now);
        due.map(|(_, key)| key.clone())
    }

    /// Takes out the next deadline that has passed. Returns whose it was.
    pub(crate) fn pop(&mut self, now: Instant) -> Option<K> {
        let (_, key) = self.order.first().filter(|(deadline, _)| *deadline <= now)?.clone();
        self.clear(&key);
        Some(key)
    }
}
