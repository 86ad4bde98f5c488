//! Deadlines in their order: the next one first, no scan over all peers.

use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant};

use crate::PeerId;

/// Returns the instant `time` after `now`; saturates at 30 years.
pub(crate) fn after(now: Instant, time: Duration) -> Instant {
    const THIRTY_YEARS: Duration = Duration::from_secs(30 * 365 * 24 * 3600);
    now + time.min(THIRTY_YEARS)
}

/// At most one deadline for each peer.
#[derive(Debug, Default)]
pub(crate) struct Timers {
    order: BTreeSet<(Instant, PeerId)>,
    deadlines: BTreeMap<PeerId, Instant>,
}

impl Timers {
    /// Sets the peer's one deadline.
    pub(crate) fn set(&mut self, peer: PeerId, deadline: Instant) {
        self.clear(peer);
        self.order.insert((deadline, peer));
        self.deadlines.insert(peer, deadline);
    }

    /// Removes the peer's deadline.
    pub(crate) fn clear(&mut self, peer: PeerId) {
        if let Some(deadline) = self.deadlines.remove(&peer) {
            self.order.remove(&(deadline, peer));
        }
    }

    /// Returns the next deadline of all.
    pub(crate) fn next(&self) -> Option<Instant> {
        self.order.first().map(|(deadline, _)| *deadline)
    }

    /// Returns the peers whose deadline has passed.
    pub(crate) fn due(&self, now: Instant) -> impl Iterator<Item = PeerId> {
        self.order.iter().take_while(move |(deadline, _)| *deadline <= now).map(|(_, peer)| *peer)
    }

    /// Takes out the next deadline that has passed. Returns its peer.
    pub(crate) fn pop(&mut self, now: Instant) -> Option<PeerId> {
        let &(deadline, peer) = self.order.first()?;
        (deadline <= now).then(|| {
            self.clear(peer);
            peer
        })
    }
}
