//! An application that is asked, and changes its mind.

use std::collections::BTreeSet;
use std::time::Instant;

use filemq::session::{ClientSession, ClientSessionEvent};
use rand::RngExt;
use rand::rngs::StdRng;
use rand::seq::IteratorRandom;

/// An application that is asked, and changes its mind. In the end it wants everything.
pub(super) struct Whims {
    rng: StdRng,
    /// What is on offer, and what of that it does not want now.
    offered: BTreeSet<u64>,
    put_off: BTreeSet<u64>,
}

impl Whims {
    pub(super) const fn new(rng: StdRng) -> Self {
        Self { rng, offered: BTreeSet::new(), put_off: BTreeSet::new() }
    }

    /// Decides about a file that is on offer, or about one while something comes.
    pub(super) fn hear(
        &mut self,
        event: &ClientSessionEvent,
        session: &mut ClientSession,
        now: Instant,
    ) {
        match event {
            ClientSessionEvent::Offered { number, .. } => {
                self.offered.insert(*number);
                if self.rng.random_ratio(1, 4) {
                    self.put_off.insert(*number);
                } else {
                    let _ = session.accept(now, *number);
                }
            }
            ClientSessionEvent::Withdrawn { number } => {
                self.offered.remove(number);
                self.put_off.remove(number);
            }
            ClientSessionEvent::Progress { .. } if self.rng.random_ratio(1, 6) => {
                let Some(&number) = self.offered.iter().choose(&mut self.rng) else { return };
                let is_put_off = match self.rng.random() {
                    true => session.pause(now, number),
                    false => session.cancel(now, number),
                };
                if is_put_off {
                    self.put_off.insert(number);
                }
            }
            _ => {}
        }
    }

    /// Wants all that was put off. Returns `false` if there is nothing.
    pub(super) fn relent(&mut self, session: &mut ClientSession, now: Instant) -> bool {
        let put_off = std::mem::take(&mut self.put_off);
        let mut is_any = false;
        for number in put_off {
            is_any |= session.accept(now, number);
        }
        is_any
    }
}
