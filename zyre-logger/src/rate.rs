//! Events a second over the last minute.

use crate::moment::SECOND;

/// How many seconds are kept.
pub(crate) const SECONDS: usize = 60;

/// Seconds over which a rate is told.
pub(crate) const MEAN: usize = 10;

/// Counts of the last seconds, the current one among them.
#[derive(Clone, Debug)]
pub(crate) struct Rate {
    counts: [u32; SECONDS],
    /// The current second, since 1970.
    second: i64,
}

impl Default for Rate {
    fn default() -> Self {
        Self { counts: [0; SECONDS], second: 0 }
    }
}

impl Rate {
    /// Counts something at a moment. What is too old is left out; what is ahead counts as now.
    pub(crate) fn add(&mut self, at: i64, now: i64) {
        self.advance(now);
        let age = self.second.saturating_sub(at.div_euclid(SECOND)).max(0);
        if age < SECONDS as i64 {
            let slot = self.slot(age);
            self.counts[slot] = self.counts[slot].saturating_add(1);
        }
    }

    /// Moves on to a moment.
    pub(crate) fn advance(&mut self, now: i64) {
        let second = now.div_euclid(SECOND);
        let passed = second.saturating_sub(self.second);
        if passed <= 0 {
            return;
        }
        self.second = second;
        for age in 0..passed.min(SECONDS as i64) {
            let slot = self.slot(age);
            self.counts[slot] = 0;
        }
    }

    /// Returns the counts of the last minute, the oldest first, the current second last.
    pub(crate) fn history(&self) -> [u32; SECONDS] {
        std::array::from_fn(|i| self.counts[self.slot((SECONDS - 1 - i) as i64)])
    }

    /// Returns the mean per second, over the last `seconds` that are over.
    pub(crate) fn mean(&self, seconds: usize) -> f64 {
        let seconds = seconds.clamp(1, SECONDS - 1);
        let history = self.history();
        let counts = &history[SECONDS - 1 - seconds..SECONDS - 1];
        counts.iter().map(|count| f64::from(*count)).sum::<f64>() / seconds as f64
    }

    /// Returns what [`mean`](Self::mean) would be at a moment, if nothing came until then.
    #[cfg(feature = "serve")]
    pub(crate) fn mean_at(&self, now: i64, seconds: usize) -> f64 {
        let mut then = self.clone();
        then.advance(now);
        then.mean(seconds)
    }

    /// Adds what another has counted.
    pub(crate) fn merge(&mut self, other: &Self) {
        self.advance(other.second.saturating_mul(SECOND));
        let mut other = other.clone();
        other.advance(self.second.saturating_mul(SECOND));
        for age in 0..SECONDS as i64 {
            let slot = self.slot(age);
            self.counts[slot] = self.counts[slot].saturating_add(other.counts[slot]);
        }
    }

    fn slot(&self, age: i64) -> usize {
        usize::try_from(self.second.saturating_sub(age).rem_euclid(SECONDS as i64)).unwrap_or(0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn seconds_come_and_go() {
        let mut rate = Rate::default();
        for second in 100..110 {
            for _ in 0..5 {
                rate.add(second * SECOND + 7, second * SECOND + 7);
            }
        }
        rate.advance(110 * SECOND);
        assert_eq!(rate.history()[SECONDS - 11..], [5, 5, 5, 5, 5, 5, 5, 5, 5, 5, 0]);
        assert!((rate.mean(10) - 5.0).abs() < 1e-9);
        assert!((rate.mean(20) - 2.5).abs() < 1e-9);
        rate.add(105 * SECOND, 110 * SECOND);
        assert_eq!(rate.history()[SECONDS - 6], 6);
        rate.advance(169 * SECOND);
        assert_eq!(rate.history().iter().sum::<u32>(), 0);
        rate.add(0, 169 * SECOND);
        assert_eq!(rate.history().iter().sum::<u32>(), 0);
    }

    #[test]
    fn two_become_one() {
        let (mut one, mut other) = (Rate::default(), Rate::default());
        one.add(100 * SECOND, 100 * SECOND);
        other.add(103 * SECOND, 103 * SECOND);
        one.merge(&other);
        assert_eq!(one.history()[SECONDS - 4..], [1, 0, 0, 1]);
    }
}
