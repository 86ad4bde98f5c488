//! What a process uses: memory and descriptors.

use std::time::{Duration, Instant};

use serde::{Deserialize, Serialize};
use testkit::usage::Usage;

/// What may remain of memory, besides the share below. A leak grows with every node that has
/// lived: in a run of five minutes, with hundreds, 50 KiB of each are above this.
const KIB_KEPT: u64 = 16 * 1024;

/// And this share, in quarters, of what was used more at most. An allocator does not give back all
/// that the program has freed: a page stays as long as one small thing on it lives. (Measured with
/// glibc: of 6 MiB at most 5 stay, and the same 5 after 54 nodes as after 130.)
const QUARTERS_KEPT: u64 = 3;

/// How long descriptors and memory may take to be given back.
const SETTLE: Duration = Duration::from_secs(5);

/// What a process uses.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Level {
    /// Resident memory.
    pub(super) kib: u64,
    /// Open descriptors.
    pub(super) descriptors: u64,
}

impl Level {
    /// Returns the level now; `None` where the system does not tell.
    pub(super) fn now() -> Option<Self> {
        let usage = Usage::of_this_process()?;
        Some(Self { kib: usage.memory / 1024, descriptors: usage.descriptors })
    }

    /// Returns the larger of both figures.
    pub(super) fn max(self, other: Self) -> Self {
        let kib = self.kib.max(other.kib);
        Self { kib, descriptors: self.descriptors.max(other.descriptors) }
    }

    /// What this level, after the last node, has too much of.
    pub(super) fn leftovers(&self, before: &Self, most: &Self) -> Option<String> {
        let kept = KIB_KEPT + most.kib.saturating_sub(before.kib) * QUARTERS_KEPT / 4;
        if self.descriptors > before.descriptors {
            let (now, then) = (self.descriptors, before.descriptors);
            return Some(format!("{now} descriptors after all nodes have stopped, {then} before"));
        }
        if self.kib > before.kib + kept {
            let (now, then) = (self.kib, before.kib);
            return Some(format!("{now} KiB after all nodes have stopped, {then} KiB before"));
        }
        None
    }

    /// The level when nothing is left too much, or after a while.
    pub(super) fn settled(before: &Self, most: &Self) -> Option<Self> {
        let deadline = Instant::now() + SETTLE;
        loop {
            let now = Self::now()?;
            if now.leftovers(before, most).is_none() || Instant::now() > deadline {
                return Some(now);
            }
            std::thread::sleep(Duration::from_millis(100));
        }
    }
}
