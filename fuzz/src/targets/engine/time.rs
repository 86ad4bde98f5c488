//! How time goes by.

use std::time::Duration;

use testkit::promises::{endpoint, id};
use zre_proto::Input;

use super::honest::Honest;
use super::setting::NODES;
use super::world::World;

/// How often the engine may want to be woken while nothing happens.
const WAKES: usize = 20_000;
/// What it may keep in the end: the limits of the setting are low.
const KEPT: i64 = 64 * 1024;

impl World {
    /// Time goes on, and the engine is woken as it wishes to be.
    pub(super) fn wait(&mut self, time: Duration) {
        let until = self.now + time;
        let mut wakes = 0;
        loop {
            let answer = self.honest.as_ref().and_then(Honest::next).filter(|_| !self.paused);
            let deadline = self.engine.next_deadline();
            let Some(next) = answer.into_iter().chain(deadline).min() else { break };
            if next > until {
                break;
            }
            self.now = self.now.max(next);
            self.answer_in_time();
            if self.engine.next_deadline().is_some_and(|deadline| deadline <= self.now) {
                self.wake();
            }
            wakes += 1;
            assert!(wakes < WAKES, "woken again and again");
        }
        self.now = until;
    }

    fn wake(&mut self) {
        // Where no time is given at all, what is done then may itself be due at once.
        const ATTEMPTS: usize = 3;
        let passes = (0..ATTEMPTS).any(|_| {
            self.time_out();
            self.engine.next_deadline().is_none_or(|next| next > self.now)
        });
        assert!(passes, "a deadline that does not pass");
    }

    pub(super) fn wait_for_deadline(&mut self) {
        let Some(deadline) = self.engine.next_deadline() else { return };
        let time = deadline.saturating_duration_since(self.now);
        if time < Duration::from_secs(1000) {
            self.wait(time);
        }
    }

    /// The whole node stands still until more than a second after its next deadline. Whatever is
    /// handled first then, no peer is gone because an answer could not be heard.
    pub(super) fn suspend(&mut self, time: Duration, told: bool) {
        const LATE: Duration = Duration::from_millis(1001);
        let deadline = self.engine.next_deadline().unwrap_or(self.now);
        let lasts = deadline.saturating_duration_since(self.now);
        if lasts > Duration::from_secs(1000) {
            return;
        }
        self.now += lasts + LATE + time;
        if told {
            self.wake();
        } else {
            self.handle(Input::Candidate { peer: id(NODES - 1), endpoint: endpoint(NODES - 1) });
        }
    }

    /// Nothing happens any more, and in the end nothing is left.
    pub(super) fn finish(mut self) {
        self.honest = None;
        self.pause(false);
        if self.ends && !self.engine.is_stopped() {
            self.fail_all_dials();
            self.wait(Duration::from_secs(45));
            assert_eq!(self.engine.peers().count(), 0);
            if !self.requires {
                // HELLO is said on what was up already, one after the other.
                for _ in 0..8 {
                    self.fail_all_dials();
                    self.wait(Duration::from_secs(31));
                }
                self.fail_all_dials();
                assert_eq!(self.engine.next_deadline(), None, "nothing is left to be done");
                let open: Vec<_> = self.promises.dialled().collect();
                assert!(open.is_empty(), "never closed: {open:?}");
            }
        }
        let Self { engine, outputs, .. } = self;
        drop(outputs);
        let kept = -allocation_counter::measure(|| drop(engine)).bytes_current;
        assert!(kept <= KEPT, "{kept} bytes were kept");
    }
}
