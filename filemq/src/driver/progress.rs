//! How far a transfer has come.

use std::time::{Duration, Instant};

/// How far a transfer has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Progress {
    /// Octets of the file so far, with those that were there before.
    pub octets: u64,
    /// Octets of the whole file, if that is known: other implementations do not tell.
    pub total: Option<u64>,
    /// Octets per second since this transfer began.
    pub rate: u64,
}

/// Between two reports of one transfer.
const INTERVAL: Duration = Duration::from_millis(100);

/// Watches one transfer after the other, and says when there is something to report.
#[derive(Debug)]
pub(super) struct Pace<N> {
    transfer: Option<Transfer<N>>,
}

#[derive(Debug)]
struct Transfer<N> {
    name: N,
    began: Instant,
    /// Octets when it was first heard of.
    before: u64,
    octets: u64,
    reported: Instant,
}

impl<N> Default for Pace<N> {
    fn default() -> Self {
        Self { transfer: None }
    }
}

impl<N: PartialEq + Clone> Pace<N> {
    /// The transfer of `name` has come to `octets`. Says what to report, mostly nothing: files that
    /// take less than the interval are complete at once. The rate leaves the first piece out, for
    /// nobody knows how long it took.
    pub(super) fn came_to(
        &mut self,
        name: &N,
        octets: u64,
        total: Option<u64>,
        now: Instant,
    ) -> Option<Progress> {
        let transfer = match &mut self.transfer {
            Some(transfer) if transfer.name == *name && transfer.octets <= octets => transfer,
            other => {
                let name = name.clone();
                other.insert(Transfer { name, began: now, before: octets, octets, reported: now })
            }
        };
        transfer.octets = octets;
        if now.saturating_duration_since(transfer.reported) < INTERVAL {
            return None;
        }
        transfer.reported = now;
        let since = now.saturating_duration_since(transfer.began).as_micros().max(1);
        let moved = u128::from(octets.saturating_sub(transfer.before));
        let rate = u64::try_from(moved * 1_000_000 / since).unwrap_or(u64::MAX);
        Some(Progress { octets, total, rate })
    }
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, Instant};

    use super::{Pace, Progress};

    #[test]
    fn ten_reports_a_second_with_the_rate_since_the_beginning() {
        let (mut pace, start) = (Pace::default(), Instant::now());
        let mut told = Vec::new();
        for i in 0..100u64 {
            let now = start + Duration::from_millis(10 * i);
            told.extend(pace.came_to(&"a", 5000 + (i + 1) * 100, Some(15_000), now));
        }
        assert_eq!(told.len(), 9);
        let last = told[8];
        assert_eq!(last, Progress { octets: 14_100, total: Some(15_000), rate: 10_000 });
        let again = start + Duration::from_secs(2);
        assert_eq!(pace.came_to(&"b", 100, None, again), None, "another begins");
        assert_eq!(pace.came_to(&"b", 50, None, again + Duration::from_secs(1)), None, "anew");
    }
}
