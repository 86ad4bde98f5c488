//! What happens in a run, in the order in which it happens.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::watch;
use tokio::time::{Instant, timeout};

use super::connections::Connections;
use super::entry::{Entry, Fact};

/// Grows while relays and nodes are at work.
#[derive(Debug)]
pub(super) struct Journal {
    begun: Instant,
    entries: Mutex<Vec<Entry>>,
    grown: watch::Sender<()>,
}

impl Journal {
    pub(super) fn new() -> Arc<Self> {
        let grown = watch::Sender::new(());
        Arc::new(Self { begun: Instant::now(), entries: Mutex::default(), grown })
    }

    /// Returns the time since the beginning.
    pub(super) fn now(&self) -> Duration {
        self.begun.elapsed()
    }

    pub(super) fn add(&self, fact: Fact) {
        let mut entries = self.entries();
        entries.push(Entry { at: self.now(), fact });
        drop(entries);
        self.grown.send_replace(());
    }

    pub(super) fn entries(&self) -> MutexGuard<'_, Vec<Entry>> {
        self.entries.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits until `check` holds. Returns `false` if it does not `within` this time.
    pub(super) async fn until(&self, within: Duration, check: impl Fn(&[Entry]) -> bool) -> bool {
        let mut grown = self.grown.subscribe();
        let waiting = async {
            while !check(&self.entries()) {
                // It cannot end: the sender is here.
                let _ = grown.changed().await;
            }
        };
        timeout(within, waiting).await.is_ok()
    }

    /// Waits until nothing has become of any connection for a time `quiet`, and none has ended at
    /// one end only. Returns `false` if that is not so `within` this time.
    pub(super) async fn until_settled(&self, quiet: Duration, within: Duration) -> bool {
        let begun = self.now();
        let mut grown = self.grown.subscribe();
        let waiting = async {
            loop {
                let (is_one_ending, last) = self.last_change();
                let left = quiet.saturating_sub(self.now() - last.max(begun));
                if left.is_zero() && !is_one_ending {
                    return;
                }
                let left = if is_one_ending { Duration::MAX } else { left };
                // Either something has happened, or it is time to look again.
                let _ = timeout(left, grown.changed()).await;
            }
        };
        timeout(within, waiting).await.is_ok()
    }

    /// Whether a connection has ended at one end only; and when the last change was.
    fn last_change(&self) -> (bool, Duration) {
        let entries = self.entries();
        let changes = entries
            .iter()
            .rev()
            .filter(|entry| matches!(&entry.fact, Fact::Dial(_, step) if step.is_change()));
        let last = changes.map(|entry| entry.at).next().unwrap_or_default();
        (Connections::new(&entries).is_one_ending(), last)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dials::dial::{Dial, End};
    use crate::dials::entry::Step;
    use crate::dials::role::Role;

    const QUIET: Duration = Duration::from_millis(300);
    const WITHIN: Duration = Duration::from_secs(10);

    /// Virtual time.
    #[tokio::test(start_paused = true)]
    async fn settled_is_when_nothing_has_become_of_any_connection_for_a_while() {
        let journal = Journal::new();
        let dial = |step| Fact::Dial(Dial { by: Role::Chooser, number: 1 }, step);
        journal.add(dial(Step::Accepted));
        assert!(journal.until_settled(QUIET, WITHIN).await);
        assert_eq!(journal.now(), QUIET);
        let later = Arc::clone(&journal);
        tokio::spawn(async move {
            tokio::time::sleep(QUIET / 2).await;
            later.add(dial(Step::Ended(End::Dialler)));
            tokio::time::sleep(QUIET * 3).await;
            later.add(dial(Step::Over));
        });
        assert!(journal.until_settled(QUIET, WITHIN).await);
        assert_eq!(journal.now(), QUIET * 5 + QUIET / 2);
        journal.add(dial(Step::Reset(End::Mailbox)));
        assert!(!journal.until_settled(QUIET, WITHIN).await);
        assert!(!journal.until(WITHIN, |entries| entries.len() > 4).await);
        assert!(journal.until(WITHIN, |entries| entries.len() == 4).await);
    }
}
