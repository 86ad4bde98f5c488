//! What wakes the task in `run`.

use std::future::poll_fn;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll, Waker};

use crate::sync::Mutex;

/// Wakes the one task that waits, or lets it not wait if nobody did yet.
///
/// The task does other work besides, so it is polled much more often than it is woken for this. To
/// ask takes no lock.
#[derive(Default)]
pub(super) struct RunWaker {
    woken: AtomicBool,
    waker: Mutex<Option<Waker>>,
}

impl RunWaker {
    /// Wakes the task, or the next one that waits.
    pub(super) fn wake(&self) {
        self.woken.store(true, Ordering::Release);
        let waker = self.waker.lock().clone();
        if let Some(waker) = waker {
            waker.wake();
        }
    }

    /// Waits until it is woken. `registered` is what the same task has left there before.
    pub(super) async fn woken(&self, registered: &mut Option<Waker>) {
        poll_fn(|context| self.poll_woken(context, registered)).await;
    }

    fn poll_woken(&self, context: &mut Context<'_>, registered: &mut Option<Waker>) -> Poll<()> {
        if self.is_woken() {
            return Poll::Ready(());
        }
        let waker = context.waker();
        if registered.as_ref().is_some_and(|registered| registered.will_wake(waker)) {
            return Poll::Pending;
        }
        *registered = Some(waker.clone());
        *self.waker.lock() = Some(waker.clone());
        // It may have been woken before the waker was there.
        if self.is_woken() { Poll::Ready(()) } else { Poll::Pending }
    }

    fn is_woken(&self) -> bool {
        self.woken.load(Ordering::Relaxed) && self.woken.swap(false, Ordering::Acquire)
    }
}
