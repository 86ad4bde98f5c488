//! Locks.

use std::sync::{MutexGuard, PoisonError, TryLockError};
use std::time::Duration;

/// A mutex that does not remember panics.
///
/// No invariant of these crates spans a panic: what is behind a lock is consistent after every
/// statement. So a thread that panicked while it held the lock is no reason for all others to
/// panic.
#[derive(Debug, Default)]
pub struct Mutex<T>(std::sync::Mutex<T>);

impl<T> Mutex<T> {
    /// Creates an unlocked mutex.
    pub const fn new(value: T) -> Self {
        Self(std::sync::Mutex::new(value))
    }

    /// Waits for the lock.
    pub fn lock(&self) -> MutexGuard<'_, T> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Returns the guard, or `None` if another thread holds the lock.
    pub fn try_lock(&self) -> Option<MutexGuard<'_, T>> {
        match self.0.try_lock() {
            Ok(guard) => Some(guard),
            Err(TryLockError::Poisoned(error)) => Some(error.into_inner()),
            Err(TryLockError::WouldBlock) => None,
        }
    }
}

/// A condition variable for a [`Mutex`].
#[derive(Debug, Default)]
pub struct Condvar(std::sync::Condvar);

impl Condvar {
    /// Creates a condition variable.
    pub const fn new() -> Self {
        Self(std::sync::Condvar::new())
    }

    /// Unlocks, waits until another thread notifies, and locks again. May also return without that.
    pub fn wait<'a, T>(&self, guard: MutexGuard<'a, T>) -> MutexGuard<'a, T> {
        self.0.wait(guard).unwrap_or_else(PoisonError::into_inner)
    }

    /// Does as [`wait`](Self::wait), for at most `timeout`. Returns also whether that has passed.
    pub fn wait_timeout<'a, T>(
        &self,
        guard: MutexGuard<'a, T>,
        timeout: Duration,
    ) -> (MutexGuard<'a, T>, bool) {
        let waited = self.0.wait_timeout(guard, timeout);
        let (guard, result) = waited.unwrap_or_else(PoisonError::into_inner);
        (guard, result.timed_out())
    }

    /// Wakes all threads that wait.
    pub fn notify_all(&self) {
        self.0.notify_all();
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::time::Duration;

    use super::{Condvar, Mutex};

    #[test]
    fn a_lock_outlives_the_panic_of_its_holder() {
        let mutex = Arc::new(Mutex::new(1));
        let other = Arc::clone(&mutex);
        let holder = std::thread::spawn(move || {
            let mut value = other.lock();
            *value = 2;
            panic!("while it holds the lock");
        });
        assert!(holder.join().is_err());
        assert_eq!(mutex.try_lock().map(|value| *value), Some(2));
        assert_eq!(*mutex.lock(), 2);
        let held = mutex.lock();
        assert!(mutex.try_lock().is_none(), "{held}");
    }

    #[test]
    fn one_who_waits_is_woken_also_by_a_panic_or_goes_on_by_itself() {
        let shared = Arc::new((Mutex::new(false), Condvar::new()));
        let (mutex, changed) = &*shared;
        let (guard, timed_out) = changed.wait_timeout(mutex.lock(), Duration::ZERO);
        drop(guard);
        assert!(timed_out);
        let other = Arc::clone(&shared);
        let mut value = mutex.lock();
        let holder = std::thread::spawn(move || {
            let (mutex, changed) = &*other;
            *mutex.lock() = true;
            let _held = mutex.lock();
            changed.notify_all();
            panic!("while it holds the lock");
        });
        while !*value {
            let timed_out;
            (value, timed_out) = changed.wait_timeout(value, Duration::from_secs(30));
            assert!(!timed_out, "it was not woken");
        }
        drop(value);
        assert!(holder.join().is_err());
        let guard = mutex.lock();
        let (guard, timed_out) = changed.wait_timeout(guard, Duration::ZERO);
        assert!(*guard && timed_out);
    }
}
