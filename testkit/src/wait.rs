//! Waiting for what must happen, with a deadline; and ports that nobody uses.

#![allow(clippy::expect_used, clippy::panic, reason = "a test that waits in vain has failed")]

use std::fs::{self, File};
use std::future::IntoFuture;
use std::net::{Ipv4Addr, TcpListener, UdpSocket};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

/// The longest that a test waits for anything that must happen.
pub const DEADLINE: Duration = Duration::from_secs(30);

/// Waits for something that must happen.
///
/// # Panics
/// It has not happened within [`DEADLINE`].
pub async fn soon<F: IntoFuture>(what: F) -> F::Output {
    tokio::time::timeout(DEADLINE, what).await.expect("nothing happened in time")
}

/// Waits until `check` returns `true`.
///
/// # Panics
/// It has not within [`DEADLINE`].
pub async fn until(what: &str, mut check: impl FnMut() -> bool) {
    until_some(what, async || check().then_some(())).await;
}

/// Waits until `look` returns something, and returns that.
///
/// # Panics
/// It has not within [`DEADLINE`].
pub async fn until_some<T>(what: &str, mut look: impl AsyncFnMut() -> Option<T>) -> T {
    let start = Instant::now();
    loop {
        if let Some(found) = look().await {
            return found;
        }
        tokio::time::sleep(pause(what, start)).await;
    }
}

/// As [`until`], for threads.
///
/// # Panics
/// `check` has not returned `true` within [`DEADLINE`].
pub fn blocking_until(what: &str, mut check: impl FnMut() -> bool) {
    let start = Instant::now();
    while !check() {
        std::thread::sleep(pause(what, start));
    }
}

/// The time until the next look at something that cannot be awaited: the longer it takes, the
/// rarer, so that looking does not delay what is waited for.
fn pause(what: &str, start: Instant) -> Duration {
    let elapsed = start.elapsed();
    assert!(elapsed < DEADLINE, "waited in vain: {what}");
    (elapsed / 8).clamp(Duration::from_millis(1), Duration::from_millis(50))
}

/// Returns a port that nobody uses, for UDP and TCP, below those that the system and mailboxes
/// take.
///
/// It stays reserved until the process ends, by a locked file. Without that, another test process
/// that tries the port for a moment would be in the way of the node that is about to use it.
///
/// # Panics
/// All are in use.
pub fn free_port() -> u16 {
    const FIRST: u16 = 20_000;
    const COUNT: u32 = 12_000;
    /// The golden section of `COUNT`: consecutive process ids are spread evenly.
    const STRIDE: u32 = 7417;
    static TAKEN: AtomicU32 = AtomicU32::new(0);
    let start = std::process::id() % COUNT * STRIDE;
    for _ in 0..COUNT {
        let step = (start + TAKEN.fetch_add(1, Ordering::Relaxed)) % COUNT;
        let port = u16::try_from(step).map_or(FIRST, |step| FIRST + step);
        if !reserve(port) {
            continue;
        }
        let udp = UdpSocket::bind((Ipv4Addr::UNSPECIFIED, port));
        if udp.is_ok() && TcpListener::bind((Ipv4Addr::UNSPECIFIED, port)).is_ok() {
            return port;
        }
    }
    panic!("no port is free")
}

/// Reserves a port among the processes that ask for one. Returns `false` if another has it.
///
/// Where no such file can be made, nobody is asked.
fn reserve(port: u16) -> bool {
    static RESERVED: Mutex<Vec<File>> = Mutex::new(Vec::new());
    let directory = std::env::temp_dir().join("testkit-ports");
    let path = directory.join(port.to_string());
    let opened = fs::create_dir_all(&directory)
        .and_then(|()| File::options().create(true).append(true).open(path));
    let Ok(file) = opened else { return true };
    let is_ours = file.try_lock().is_ok();
    if is_ours {
        RESERVED.lock().unwrap_or_else(PoisonError::into_inner).push(file);
    }
    is_ours
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_port_that_was_given_is_not_given_again() {
        assert!(!reserve(free_port()));
    }
}
