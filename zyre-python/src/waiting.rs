//! Waiting without the interpreter's lock, for signals as well, and not beyond the end of the interpreter.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::mpsc::{RecvTimeoutError, sync_channel};
use std::thread;
use std::time::{Duration, Instant};

use pyo3::exceptions::PyRuntimeError;
use pyo3::prelude::*;

use crate::errors;

/// The time after which a thread that waits looks whether a signal has come.
pub(crate) const SLICE: Duration = Duration::from_millis(50);

/// The longest time that threads have to come back when the interpreter ends.
const TIME_TO_RETURN: Duration = Duration::from_secs(1);

/// The interpreter ends.
static ENDS: AtomicBool = AtomicBool::new(false);

/// The number of threads that wait without the interpreter's lock.
static WAITERS: AtomicUsize = AtomicUsize::new(0);

/// A thread that waits. It may not ask for the lock of an interpreter that has ended.
struct Waiter;

impl Waiter {
    fn new() -> Self {
        WAITERS.fetch_add(1, Ordering::SeqCst);
        Self
    }
}

impl Drop for Waiter {
    fn drop(&mut self) {
        WAITERS.fetch_sub(1, Ordering::SeqCst);
    }
}

/// Runs what takes no longer than a [slice](SLICE), without the interpreter's lock; then looks for signals.
///
/// # Errors
/// What a signal handler raises, such as `KeyboardInterrupt`; and `Stopped` when the interpreter ends.
pub(crate) fn slice<T: Send>(py: Python<'_>, work: impl FnOnce() -> T + Send) -> PyResult<T> {
    let waiter = Waiter::new();
    let done = if ENDS.load(Ordering::SeqCst) { None } else { Some(py.detach(work)) };
    drop(waiter);
    let done = done.ok_or_else(errors::stopped)?;
    py.check_signals()?;
    if ENDS.load(Ordering::SeqCst) { Err(errors::stopped()) } else { Ok(done) }
}

/// Runs what may take long on a thread of its own, and waits for it. After a signal it goes on alone.
///
/// # Errors
/// As of [`slice`], or there is no thread.
pub(crate) fn apart<T: Send + 'static>(
    py: Python<'_>,
    work: impl FnOnce() -> T + Send + 'static,
) -> PyResult<T> {
    let (tell, mut told) = sync_channel(1);
    let run = move || {
        // Nobody hears it after a signal.
        let _ = tell.send(work());
    };
    thread::Builder::new().name("zyre-call".to_owned()).spawn(run)?;
    loop {
        let wait = move || (told.recv_timeout(SLICE), told);
        let (answer, back) = slice(py, wait)?;
        told = back;
        match answer {
            Ok(done) => return Ok(done),
            Err(RecvTimeoutError::Timeout) => {}
            Err(RecvTimeoutError::Disconnected) => {
                return Err(PyRuntimeError::new_err("a thread of zyre has ended early"));
            }
        }
    }
}

/// Sends all threads back that wait, and lets nobody wait any more; `wake` wakes them.
pub(crate) fn end(py: Python<'_>, wake: impl Fn() + Send + Sync) {
    ENDS.store(true, Ordering::SeqCst);
    let end = Instant::now() + TIME_TO_RETURN;
    py.detach(|| {
        while WAITERS.load(Ordering::SeqCst) > 0 && Instant::now() < end {
            wake();
            thread::sleep(Duration::from_millis(1));
        }
    });
}
