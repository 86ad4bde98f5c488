//! When the next message is due.

use std::time::{Duration, Instant};

/// How often a good peer sends.
pub(super) const EVERY: Duration = Duration::from_micros(16_667);

/// A peer that was held up makes up for this time at most: more would be a flood of its own.
const MOST: Duration = Duration::from_secs(2);

/// Counts the messages that one should have sent.
#[derive(Debug)]
pub(super) struct Pace {
    begun: Instant,
    counted: u128,
}

impl Pace {
    pub(super) const fn new(begun: Instant) -> Self {
        Self { begun, counted: 0 }
    }

    /// How many messages have become due since this was last asked.
    pub(super) fn due(&mut self, now: Instant) -> u128 {
        let all = now.saturating_duration_since(self.begun).as_nanos() / EVERY.as_nanos();
        let due = all.saturating_sub(self.counted);
        self.counted = self.counted.max(all);
        due.min(MOST.as_nanos() / EVERY.as_nanos())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_late_is_made_up_for() {
        let start = Instant::now();
        let mut pace = Pace::new(start);
        let mut sent = 0;
        for late in [17, 16, 50, 1, 900, 2, 1000] {
            sent += pace.due(start + Duration::from_millis(late));
        }
        assert_eq!(sent, 59, "one is due every 16.667 ms");
    }

    #[test]
    fn but_not_a_flood() {
        let start = Instant::now();
        let mut pace = Pace::new(start);
        assert_eq!(pace.due(start + Duration::from_secs(60)), 119);
        assert_eq!(pace.due(start + Duration::from_secs(61)), 60);
    }
}
