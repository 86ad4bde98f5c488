//! One does it, others wait.

use std::collections::BTreeSet;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};

static BUSY: Mutex<BTreeSet<usize>> = Mutex::new(BTreeSet::new());
static DONE: Condvar = Condvar::new();

/// The right to work on something, until it is dropped.
pub(super) struct Turn(usize);

impl Turn {
    /// Waits until nobody works on `what`, which is an address or another number of its own. None:
    /// it `is_done`, so there is nothing to work on. Those who wait learn that together, and do not
    /// queue for a turn that none of them needs.
    pub(super) fn wait(what: usize, is_done: impl Fn() -> bool) -> Option<Self> {
        let mut busy = busy();
        while !is_done() {
            if busy.insert(what) {
                return Some(Self(what));
            }
            busy = DONE.wait(busy).unwrap_or_else(PoisonError::into_inner);
        }
        None
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        busy().remove(&self.0);
        DONE.notify_all();
    }
}

fn busy() -> MutexGuard<'static, BTreeSet<usize>> {
    BUSY.lock().unwrap_or_else(PoisonError::into_inner)
}
