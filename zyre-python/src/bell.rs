//! What the node's thread rings when there is an event: it wakes threads, and makes a descriptor readable.

use std::io;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Condvar, Mutex, MutexGuard, OnceLock, PoisonError};
use std::task::Wake;
use std::time::Duration;

/// Wakes those who wait for an event, without Python.
#[derive(Default)]
pub(crate) struct Bell {
    rings: Mutex<u64>,
    rung: Condvar,
    descriptor: OnceLock<Descriptor>,
}

impl Bell {
    /// Returns how often it has rung, for [`wait`](Self::wait).
    pub(crate) fn rings(&self) -> u64 {
        *self.lock()
    }

    /// Blocks the thread until it has rung more often than that, for at most `time`.
    pub(crate) fn wait(&self, rings: u64, time: Duration) {
        let guard = self.lock();
        // Whether it has rung is of no interest: the caller looks for an event.
        drop(self.rung.wait_timeout_while(guard, time, |now| *now == rings));
    }

    pub(crate) fn ring(&self) {
        *self.lock() += 1;
        self.rung.notify_all();
        if let Some(descriptor) = self.descriptor.get() {
            descriptor.mark();
        }
    }

    /// Makes the descriptor unreadable. Returns whether it was readable: then something may have come
    /// since the caller has looked.
    pub(crate) fn clear(&self) -> bool {
        self.descriptor.get().is_some_and(Descriptor::clear)
    }

    /// Returns the number of the descriptor, which is readable from its first use on until it is cleared, and
    /// from the next ring on.
    ///
    /// # Errors
    /// There is no descriptor left, or none on this system.
    pub(crate) fn descriptor(&self) -> io::Result<i32> {
        if let Some(descriptor) = self.descriptor.get() {
            return Ok(descriptor.number());
        }
        let fresh = Descriptor::open()?;
        let descriptor = self.descriptor.get_or_init(|| fresh);
        // There may be events already: it stays readable until a look has found none.
        descriptor.mark();
        Ok(descriptor.number())
    }

    fn lock(&self) -> MutexGuard<'_, u64> {
        self.rings.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Wake for Bell {
    fn wake(self: std::sync::Arc<Self>) {
        self.ring();
    }
}

/// A pair of sockets, of which one is readable as long as there may be events.
#[cfg(unix)]
struct Descriptor {
    near: std::os::unix::net::UnixStream,
    far: std::os::unix::net::UnixStream,
    is_marked: AtomicBool,
}

#[cfg(unix)]
impl Descriptor {
    fn open() -> io::Result<Self> {
        let (near, far) = std::os::unix::net::UnixStream::pair()?;
        near.set_nonblocking(true)?;
        far.set_nonblocking(true)?;
        Ok(Self { near, far, is_marked: AtomicBool::new(false) })
    }

    fn number(&self) -> i32 {
        std::os::fd::AsRawFd::as_raw_fd(&self.near)
    }

    fn mark(&self) {
        if !self.is_marked.swap(true, Ordering::SeqCst) {
            // One byte always fits: there are hardly ever two.
            let _ = io::Write::write(&mut &self.far, &[1]);
        }
    }

    fn clear(&self) -> bool {
        if !self.is_marked.load(Ordering::SeqCst) {
            return false;
        }
        // A byte that is written later makes the descriptor readable once in vain.
        let _ = io::Read::read(&mut &self.near, &mut [0; 16]);
        self.is_marked.store(false, Ordering::SeqCst);
        true
    }
}

/// There are event loops without descriptors, which wait on a thread.
#[cfg(not(unix))]
struct Descriptor;

#[cfg(not(unix))]
impl Descriptor {
    fn open() -> io::Result<Self> {
        Err(io::ErrorKind::Unsupported.into())
    }

    fn number(&self) -> i32 {
        -1
    }

    fn mark(&self) {}

    fn clear(&self) -> bool {
        false
    }
}
