//! Progress of transfers.

use std::time::{Duration, Instant};

/// How far a transfer has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Progress {
    /// Bytes of the file so far, with those that were there before.
    pub bytes: u64,
    /// Bytes of the whole file, if known: other implementations do not announce them.
    pub total: Option<u64>,
    /// Bytes per second since this transfer began.
    pub rate: u64,
}

/// The time between two reports of one transfer.
const REPORT_INTERVAL: Duration = Duration::from_millis(100);

/// Measures one transfer after the other, and says when there is something to report.
#[derive(Debug)]
pub(super) struct ProgressMeter<N> {
    transfer: Option<Measured<N>>,
}

#[derive(Debug)]
struct Measured<N> {
    name: N,
    began: Instant,
    /// Bytes at the first report.
    before: u64,
    bytes: u64,
    reported: Instant,
}

impl<N> Default for ProgressMeter<N> {
    fn default() -> Self {
        Self { transfer: None }
    }
}

impl<N: PartialEq + Clone> ProgressMeter<N> {
    /// Notes that the transfer of `name` has come to `bytes`, and returns what to report: mostly
    /// nothing, since files that take less than the interval complete without a report. The rate
    /// leaves the first piece out, because it is not known how long that took.
    pub(super) fn update(
        &mut self,
        name: &N,
        bytes: u64,
        total: Option<u64>,
        now: Instant,
    ) -> Option<Progress> {
        let transfer = match &mut self.transfer {
            Some(transfer) if transfer.name == *name && transfer.bytes <= bytes => transfer,
            other => {
                let name = name.clone();
                other.insert(Measured { name, began: now, before: bytes, bytes, reported: now })
            }
        };
        transfer.bytes = bytes;
        if now.saturating_duration_since(transfer.reported) < REPORT_INTERVAL {
            return None;
        }
        transfer.reported = now;
        let since = now.saturating_duration_since(transfer.began).as_micros().max(1);
        let moved = u128::from(bytes.saturating_sub(transfer.before));
        let rate = u64::try_from(moved * 1_000_000 / since).unwrap_or(u64::MAX);
        Some(Progress { bytes, total, rate })
    }
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, Instant};

    use super::{Progress, ProgressMeter};

    #[test]
    fn ten_reports_a_second_with_the_rate_since_the_beginning() {
        let (mut meter, start) = (ProgressMeter::default(), Instant::now());
        let mut told = Vec::new();
        for i in 0..100u64 {
            let now = start + Duration::from_millis(10 * i);
            told.extend(meter.update(&"a", 5000 + (i + 1) * 100, Some(15_000), now));
        }
        assert_eq!(told.len(), 9);
        let last = told[8];
        assert_eq!(last, Progress { bytes: 14_100, total: Some(15_000), rate: 10_000 });
        let again = start + Duration::from_secs(2);
        assert_eq!(meter.update(&"b", 100, None, again), None, "another begins");
        assert_eq!(meter.update(&"b", 50, None, again + Duration::from_secs(1)), None, "anew");
    }
}
