//! When to try again what was refused for a passing reason.

use std::time::{Duration, Instant};

/// How often is looked whether there is reason to try at once.
const LOOK_INTERVAL: Duration = Duration::from_secs(1);

/// Says when to try again what was refused for a passing reason: after a pause that doubles from
/// attempt to attempt, and earlier when there is reason to hope. Has no clock of its own.
#[derive(Clone, Debug)]
pub(crate) struct RetryClock {
    shortest: Duration,
    longest: Duration,
    /// The pause before the next attempt but one.
    pause: Duration,
    armed: Option<Armed>,
}

#[derive(Clone, Copy, Debug)]
struct Armed {
    attempt: Instant,
    look: Instant,
}

/// What is due.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Due {
    /// Try again.
    Attempt,
    /// Look whether there is reason to try at once.
    Look,
}

impl RetryClock {
    pub(crate) const fn new(shortest: Duration, longest: Duration) -> Self {
        Self { shortest, longest, pause: shortest, armed: None }
    }

    /// Notes that something was refused. If nothing was before, or an attempt has failed, the next
    /// attempt follows after the next pause.
    pub(crate) fn failed(&mut self, now: Instant) {
        if self.armed.is_none() {
            self.armed = Some(Armed { attempt: now + self.pause, look: now + LOOK_INTERVAL });
            self.pause = self.pause.saturating_mul(2).min(self.longest);
        }
    }

    /// Notes that nothing is refused any more, or that some of it was done: the next pause is the
    /// shortest.
    pub(crate) const fn succeeded(&mut self) {
        self.armed = None;
        self.pause = self.shortest;
    }

    /// Notes that there is reason to try at once.
    pub(crate) const fn hope(&mut self, now: Instant) {
        if let Some(armed) = &mut self.armed {
            armed.attempt = now;
        }
    }

    /// Returns when something is due.
    pub(crate) fn next_deadline(&self) -> Option<Instant> {
        self.armed.map(|armed| armed.attempt.min(armed.look))
    }

    /// Returns what is due by now. After an attempt say how it went.
    pub(crate) fn due(&mut self, now: Instant) -> Option<Due> {
        let armed = self.armed.as_mut()?;
        if now >= armed.attempt {
            self.armed = None;
            return Some(Due::Attempt);
        }
        (now >= armed.look).then(|| {
            armed.look = now + LOOK_INTERVAL;
            Due::Look
        })
    }
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, Instant};

    use super::{Due, RetryClock};

    #[test]
    fn pauses_grow_and_are_short_again_after_a_success() {
        let mut clock = RetryClock::new(Duration::from_millis(100), Duration::from_millis(700));
        let start = Instant::now();
        assert_eq!((clock.next_deadline(), clock.due(start)), (None, None));
        for pause in [100, 200, 400, 700, 700] {
            clock.failed(start);
            clock.failed(start);
            let due = start + Duration::from_millis(pause);
            assert_eq!(clock.next_deadline(), Some(due));
            assert_eq!(clock.due(due - Duration::from_millis(1)), None);
            assert_eq!(clock.due(due), Some(Due::Attempt));
            assert_eq!(clock.due(due), None, "once");
        }
        clock.succeeded();
        clock.failed(start);
        assert_eq!(clock.next_deadline(), Some(start + Duration::from_millis(100)));
        clock.succeeded();
        assert_eq!(clock.next_deadline(), None);
    }

    #[test]
    fn a_long_pause_is_cut_short_by_hope() {
        let mut clock = RetryClock::new(Duration::from_secs(10), Duration::from_secs(10));
        let start = Instant::now();
        clock.hope(start);
        assert_eq!(clock.next_deadline(), None, "nothing waits");
        clock.failed(start);
        for second in 1..=3 {
            let now = start + Duration::from_secs(second);
            assert_eq!(clock.next_deadline(), Some(now));
            assert_eq!((clock.due(now), clock.due(now)), (Some(Due::Look), None));
        }
        let now = start + Duration::from_millis(3500);
        clock.hope(now);
        assert_eq!((clock.next_deadline(), clock.due(now)), (Some(now), Some(Due::Attempt)));
    }
}
