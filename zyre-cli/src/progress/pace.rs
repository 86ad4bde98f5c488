//! How fast a transfer is, or that it stands still.

use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use crate::text;

/// After this time without a byte a transfer stands still.
const STALLED_AFTER: Duration = Duration::from_secs(3);

/// How fast a transfer is.
#[derive(Debug)]
pub(super) struct Pace(Mutex<State>);

#[derive(Debug)]
struct State {
    bytes: u64,
    /// Bytes per second.
    rate: u64,
    /// When the last byte came.
    moved: Instant,
}

impl Pace {
    pub(super) const fn new(now: Instant) -> Self {
        Self(Mutex::new(State { bytes: 0, rate: 0, moved: now }))
    }

    /// Notes how far the transfer is, and how many bytes per second it makes.
    pub(super) fn update(&self, bytes: u64, rate: u64, now: Instant) {
        let mut state = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if state.bytes != bytes {
            *state = State { bytes, rate, moved: now };
        }
    }

    /// Returns the rate, or for how long nothing has come.
    pub(super) fn text(&self, now: Instant) -> String {
        let state = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let still = now.saturating_duration_since(state.moved);
        if still < STALLED_AFTER {
            format!("{}/s", text::size(state.rate))
        } else {
            format!("stalled {} s", still.as_secs())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_transfer_that_stands_still_says_so_until_it_goes_on() {
        let start = Instant::now();
        let at = |seconds| start + Duration::from_secs(seconds);
        let pace = Pace::new(start);
        pace.update(1, 2048, at(1));
        assert_eq!(pace.text(at(3)), "2.00 KiB/s");
        pace.update(1, 1024, at(3));
        assert_eq!(pace.text(at(4)), "stalled 3 s");
        assert_eq!(pace.text(at(64)), "stalled 63 s");
        pace.update(2, 1024, at(64));
        assert_eq!(pace.text(at(64)), "1.00 KiB/s");
    }
}
