//! Threads that wait.

#![allow(clippy::expect_used, reason = "a test without its thread has failed")]

use std::thread::JoinHandle;

/// Starts a thread, and returns when it is blocked: what it waits for must not have happened yet.
///
/// Only Linux tells; elsewhere the thread is given a moment.
///
/// # Panics
/// It is not blocked within [`DEADLINE`](crate::wait::DEADLINE), or has ended.
pub fn blocked<T: Send + 'static>(run: impl FnOnce() -> T + Send + 'static) -> JoinHandle<T> {
    let (sender, started) = std::sync::mpsc::channel();
    let thread = std::thread::spawn(move || {
        sender.send(id()).expect("who started the thread waits for this");
        run()
    });
    let id = started.recv().expect("a thread starts");
    wait_until_blocked(id, &thread);
    thread
}

#[cfg(target_os = "linux")]
fn id() -> i32 {
    rustix::thread::gettid().as_raw_nonzero().get()
}

#[cfg(target_os = "linux")]
fn wait_until_blocked<T>(id: i32, thread: &JoinHandle<T>) {
    crate::wait::blocking_until("a thread that is blocked", || {
        assert!(!thread.is_finished(), "the thread has not waited");
        let stat = std::fs::read_to_string(format!("/proc/self/task/{id}/stat"));
        stat.is_ok_and(|stat| stat.contains(") S "))
    });
}

#[cfg(not(target_os = "linux"))]
fn id() -> i32 {
    0
}

#[cfg(not(target_os = "linux"))]
fn wait_until_blocked<T>(_id: i32, thread: &JoinHandle<T>) {
    // Nothing tells when it is blocked: a moment is the best that there is.
    std::thread::sleep(std::time::Duration::from_millis(50));
    assert!(!thread.is_finished(), "the thread has not waited");
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc;

    use super::*;

    #[test]
    fn a_thread_that_waits_is_waited_for() {
        let (sender, receiver) = mpsc::channel();
        let thread = blocked(move || receiver.recv());
        sender.send(1).unwrap();
        assert_eq!(thread.join().unwrap(), Ok(1));
    }
}
