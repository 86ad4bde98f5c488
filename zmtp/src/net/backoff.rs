//! Pauses between attempts to connect.

use std::time::Duration;

/// The pauses between attempts to connect: each twice as long as the one before, up to a limit.
///
/// Reset it only when a connection has proved its use, for example because it lasted. A remote that
/// accepts every connection and drops it at once would otherwise be dialled without a pause.
///
/// # Examples
///
/// ```
/// use std::time::Duration;
/// use zmtp::net::Backoff;
///
/// let mut backoff = Backoff::new(Duration::from_millis(50), Duration::from_millis(150));
/// assert_eq!(backoff.next_pause(), Duration::from_millis(50));
/// assert_eq!(backoff.next_pause(), Duration::from_millis(100));
/// assert_eq!(backoff.next_pause(), Duration::from_millis(150));
/// backoff.reset();
/// assert_eq!(backoff.next_pause(), Duration::from_millis(50));
/// ```
#[derive(Clone, Debug)]
pub struct Backoff {
    shortest: Duration,
    longest: Duration,
    next: Duration,
}

impl Backoff {
    /// Creates a backoff whose first pause is `shortest` and whose last ones are `longest`.
    pub const fn new(shortest: Duration, longest: Duration) -> Self {
        Self { shortest, longest, next: shortest }
    }

    /// Returns the next pause, and doubles the one after it.
    pub fn next_pause(&mut self) -> Duration {
        let pause = self.next.min(self.longest);
        self.next = pause.saturating_mul(2);
        pause
    }

    /// Begins with the shortest pause again.
    pub fn reset(&mut self) {
        self.next = self.shortest;
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::Backoff;

    #[test]
    fn pauses_double_up_to_the_longest_and_no_duration_overflows() {
        let mut backoff = Backoff::new(Duration::from_secs(1), Duration::MAX);
        for doublings in 0..64 {
            assert_eq!(backoff.next_pause(), Duration::from_secs(1 << doublings));
        }
        assert_eq!([backoff.next_pause(), backoff.next_pause()], [Duration::MAX; 2]);
    }

    #[test]
    fn no_pause_is_longer_than_the_longest() {
        let mut backoff = Backoff::new(Duration::from_secs(9), Duration::from_secs(5));
        assert_eq!(backoff.next_pause(), Duration::from_secs(5));
        assert_eq!(backoff.next_pause(), Duration::from_secs(5));
    }
}
