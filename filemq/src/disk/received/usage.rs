//! How much of a folder is taken, and by which origin.

use std::collections::BTreeMap;
use std::sync::Arc;

/// Space that is set aside for what is on its way.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Reservation {
    pub(super) bytes: u64,
    pub(super) files: usize,
}

impl Reservation {
    pub(super) const fn plus(self, more: Self) -> Self {
        let bytes = self.bytes.saturating_add(more.bytes);
        Self { bytes, files: self.files.saturating_add(more.files) }
    }

    pub(super) const fn minus(self, less: Self) -> Self {
        let bytes = self.bytes.saturating_sub(less.bytes);
        Self { bytes, files: self.files.saturating_sub(less.files) }
    }
}

/// What is taken: in all, and by each origin.
#[derive(Debug, Default)]
pub(super) struct Usage {
    total: Reservation,
    origins: BTreeMap<Arc<str>, Reservation>,
}

impl Usage {
    pub(super) const fn total(&self) -> Reservation {
        self.total
    }

    pub(super) fn of(&self, origin: &str) -> Reservation {
        self.origins.get(origin).copied().unwrap_or_default()
    }

    pub(super) fn add(&mut self, origin: &str, more: Reservation) {
        self.total = self.total.plus(more);
        match self.origins.get_mut(origin) {
            Some(taken) => *taken = taken.plus(more),
            None => drop(self.origins.insert(origin.into(), more)),
        }
    }

    pub(super) fn remove(&mut self, origin: &str, less: Reservation) {
        self.total = self.total.minus(less);
        if let Some(taken) = self.origins.get_mut(origin) {
            *taken = taken.minus(less);
            if *taken == Reservation::default() {
                self.origins.remove(origin);
            }
        }
    }
}
