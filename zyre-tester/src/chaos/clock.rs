//! The time of a run, which all its processes share.

use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

/// Time since the start of the run.
#[derive(Clone, Copy, Debug)]
pub(super) struct Clock {
    /// What had passed of the run at `since`.
    passed: Duration,
    since: Instant,
}

impl Clock {
    /// The clock of a run that starts now, and what to hand to [`join`](Self::join).
    pub(super) fn start() -> (Self, u64) {
        let epoch = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        let micros = u64::try_from(epoch.as_micros()).unwrap_or(u64::MAX);
        (Self { passed: Duration::ZERO, since: Instant::now() }, micros)
    }

    /// The clock of a run that another process has started. Wall time is looked at once only.
    pub(super) fn join(epoch: u64) -> Self {
        let started = UNIX_EPOCH + Duration::from_micros(epoch);
        let passed = SystemTime::now().duration_since(started).unwrap_or_default();
        Self { passed, since: Instant::now() }
    }

    pub(super) fn now(&self) -> Duration {
        self.passed + self.since.elapsed()
    }

    pub(super) fn micros(&self) -> u64 {
        micros(self.now())
    }
}

/// A time as it stands in reports.
pub(super) fn micros(time: Duration) -> u64 {
    u64::try_from(time.as_micros()).unwrap_or(u64::MAX)
}
