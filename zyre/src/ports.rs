//! The TCP ports that a node chooses by itself.

use std::sync::atomic::{AtomicU16, Ordering};

/// The first port of the range in which mailboxes are (RFC 36: %C000x - %FFFFx), and whatever else of
/// a node listens: so that one range opens a firewall.
const FIRST_PORT: u16 = 0xC000;

/// Where the next search for a free port begins: right after the one that this process has found last,
/// since a process with many nodes would else ask for all their ports each time.
static NEXT_PORT: AtomicU16 = AtomicU16::new(FIRST_PORT);

/// Asks for the ports of the range one after the other, until `open` has something to return; `None`
/// if all of them are taken.
pub(crate) fn search<R>(mut open: impl FnMut(u16) -> Option<R>) -> Option<R> {
    let next = NEXT_PORT.load(Ordering::Relaxed).max(FIRST_PORT);
    let mut ports = (next..=u16::MAX).chain(FIRST_PORT..next);
    ports.find_map(|port| {
        let opened = open(port)?;
        // 0 after the last one: then the search begins anew.
        NEXT_PORT.store(port.wrapping_add(1), Ordering::Relaxed);
        Some(opened)
    })
}
