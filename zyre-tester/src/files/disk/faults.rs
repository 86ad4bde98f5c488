//! Which operations fail.

use std::io;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use filemq::disk::{DiskOperation, FileSystem, GuardedFileSystem};
use rand::RngExt;
use rand::rngs::StdRng;
use rand::seq::IndexedRandom;

/// What Linux says when it refuses something, and what may pass of it: EPERM, EIO, EACCES, EBUSY,
/// ENFILE, EMFILE, ETXTBSY, ENOSPC, EROFS, ESTALE, EDQUOT.
const PASSING: [i32; 11] = [1, 5, 13, 16, 23, 24, 26, 28, 30, 116, 122];

/// EINVAL, EFBIG, ENAMETOOLONG.
const FINAL: [i32; 3] = [22, 27, 36];

/// ENOENT: an assertion that there is nothing, which is believed where it is asked for.
const MISSING: i32 = 2;

/// The faults of one file system.
#[derive(Clone, Default)]
pub(super) struct Faults(Arc<State>);

#[derive(Default)]
struct State {
    armed: Mutex<Vec<Fault>>,
    /// How many operations have failed.
    failed: AtomicU64,
}

/// A kind of operation that fails.
struct Fault {
    operation: DiskOperation,
    errno: i32,
    /// How many operations succeed before.
    after: u32,
    /// How many operations fail then.
    times: u32,
}

impl Faults {
    /// Returns a file system with these faults.
    pub(super) fn file_system(&self) -> Arc<dyn FileSystem> {
        let state = Arc::clone(&self.0);
        Arc::new(GuardedFileSystem::new(move |operation| state.check(operation)))
    }

    /// Arms one fault more. Some last until they are [healed](Self::heal).
    pub(super) fn arm(&self, rng: &mut StdRng) {
        let operation = *DiskOperation::ALL.choose(rng).unwrap_or(&DiskOperation::Write);
        // What looks at a name would take it for gone.
        let is_look = matches!(operation, DiskOperation::Status | DiskOperation::OpenDirIn);
        let errno = match rng.random_range(0..20) {
            0 => FINAL.choose(rng),
            1 if !is_look => Some(&MISSING),
            _ => PASSING.choose(rng),
        };
        let errno = errno.copied().unwrap_or_default();
        let after = rng.random_range(0..12);
        let times = match rng.random_range(0..8) {
            0 => u32::MAX,
            1 => rng.random_range(1..40),
            _ => rng.random_range(1..4),
        };
        self.armed().push(Fault { operation, errno, after, times });
    }

    /// From now on nothing fails.
    pub(super) fn heal(&self) {
        self.armed().clear();
    }

    /// Returns how many operations have failed.
    pub(super) fn failed(&self) -> u64 {
        self.0.failed.load(Ordering::Relaxed)
    }

    fn armed(&self) -> std::sync::MutexGuard<'_, Vec<Fault>> {
        self.0.armed.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn check(&self, operation: DiskOperation) -> io::Result<()> {
        let mut armed = self.armed.lock().unwrap_or_else(PoisonError::into_inner);
        for fault in armed.iter_mut().filter(|fault| fault.operation == operation) {
            if fault.after > 0 {
                fault.after -= 1;
            } else if fault.times > 0 {
                fault.times = fault.times.saturating_sub(u32::from(fault.times != u32::MAX));
                self.failed.fetch_add(1, Ordering::Relaxed);
                return Err(io::Error::from_raw_os_error(fault.errno));
            }
        }
        Ok(())
    }
}
