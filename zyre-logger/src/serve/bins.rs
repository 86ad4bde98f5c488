//! Counts over time: fine for what was just now, coarse for what is long ago.

use std::collections::VecDeque;

use crate::moment::SECOND;

/// How wide parts are, in seconds, and how many are remembered: ten minutes, two hours, three days, and a
/// quarter of a year.
const LEVELS: [(i64, usize); 4] = [(1, 600), (10, 720), (300, 864), (7200, 1080)];

/// Counts in parts of one width.
#[derive(Clone, Debug, Default)]
struct Level {
    /// The number of the first part since 1970.
    first: i64,
    counts: VecDeque<u32>,
}

/// Counts over time.
#[derive(Clone, Debug, Default)]
pub(super) struct Bins {
    levels: [Level; LEVELS.len()],
    last: i64,
}

impl Bins {
    /// Counts something at a moment, in microseconds since 1970.
    pub(super) fn add(&mut self, at: i64) {
        let second = at.div_euclid(SECOND);
        self.last = self.last.max(second);
        for (level, (width, most)) in self.levels.iter_mut().zip(LEVELS) {
            level.add(second.div_euclid(width), most);
        }
    }

    /// Returns the second in which something was last counted.
    pub(super) const fn last(&self) -> i64 {
        self.last
    }

    /// Returns the width of the narrowest parts in which the time from one second to another is remembered at
    /// the second `last`, and that are no more than a screen can show.
    pub(super) fn width_for(last: i64, from: i64, to: i64) -> i64 {
        let fits = |(width, most): &(i64, usize)| {
            let most = i64::try_from(*most).unwrap_or(i64::MAX);
            last.saturating_sub(from) <= width.saturating_mul(most)
                && to.saturating_sub(from) <= width.saturating_mul(1_100)
        };
        LEVELS
            .iter()
            .find(|level| fits(level))
            .or_else(|| LEVELS.last())
            .map_or(1, |(width, _)| *width)
    }

    /// Returns the counts from one second to another, in parts of a width that
    /// [`width_for`](Self::width_for) has returned.
    pub(super) fn counts(&self, width: i64, from: i64, to: i64) -> Vec<u32> {
        let level = LEVELS.iter().position(|(one, _)| *one == width).unwrap_or(LEVELS.len() - 1);
        let Some(level) = self.levels.get(level) else { return Vec::new() };
        let first = from.div_euclid(width);
        let last = to.div_euclid(width).clamp(first, first + 1_200);
        (first..=last).map(|part| level.get(part)).collect()
    }
}

impl Level {
    fn add(&mut self, part: i64, most: usize) {
        if self.counts.is_empty() {
            self.first = part;
        }
        let Ok(mut index) = usize::try_from(part.saturating_sub(self.first)) else { return };
        if index >= self.counts.len() + most {
            // All that is remembered is too old.
            self.counts.clear();
            (self.first, index) = (part, 0);
        }
        while self.counts.len() <= index {
            self.counts.push_back(0);
        }
        if let Some(count) = self.counts.get_mut(index) {
            *count = count.saturating_add(1);
        }
        while self.counts.len() > most {
            self.counts.pop_front();
            self.first += 1;
        }
    }

    fn get(&self, part: i64) -> u32 {
        let index = usize::try_from(part.saturating_sub(self.first)).ok();
        index.and_then(|index| self.counts.get(index)).copied().unwrap_or(0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_long_ago_is_coarse() {
        let mut bins = Bins::default();
        for second in 0..7_000 {
            bins.add(second * SECOND);
        }
        let last = 6_999;
        assert_eq!(Bins::width_for(last, last - 100, last), 1);
        assert_eq!(bins.counts(1, 6_998, 7_001), [1, 1, 0, 0]);
        assert_eq!(bins.counts(1, 0, 1), [0, 0], "that is not remembered so finely");
        assert_eq!(Bins::width_for(last, 0, 100), 10);
        assert_eq!(bins.counts(10, 0, 25), [10, 10, 10]);
        bins.add(1_000_000 * SECOND);
        assert_eq!(bins.counts(1, 1_000_000, 1_000_000), [1]);
        assert_eq!(Bins::width_for(1_000_000, 0, 1_000_000), 7200);
        assert_eq!(bins.counts(7200, 0, 1_000_000).iter().sum::<u32>(), 7_001);
        assert!(
            bins.levels.iter().zip(LEVELS).all(|(level, (_, most))| level.counts.len() <= most)
        );
    }
}
