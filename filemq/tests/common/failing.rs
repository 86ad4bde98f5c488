//! A file system that fails when a test says so.

use std::collections::BTreeMap;
use std::io;
use std::sync::{Arc, Condvar, Mutex};

pub use filemq::disk::DiskOperation as Operation;
use filemq::disk::{FileSystem, GuardedFileSystem};
use testkit::wait::DEADLINE;

/// The file system of the operating system, on which operations fail.
#[derive(Debug, Default)]
pub struct FailingFileSystem {
    state: Mutex<State>,
    used: Condvar,
}

#[derive(Debug, Default)]
struct State {
    seen: BTreeMap<Operation, usize>,
    failures: Vec<Failure>,
}

#[derive(Debug)]
struct Failure {
    operation: Operation,
    errno: i32,
    /// How many operations succeed before.
    after: usize,
    /// How many operations fail then.
    times: usize,
}

impl FailingFileSystem {
    pub fn new() -> Arc<Self> {
        Arc::default()
    }

    /// Returns the file system.
    pub fn shared(self: &Arc<Self>) -> Arc<dyn FileSystem> {
        let this = Arc::clone(self);
        Arc::new(GuardedFileSystem::new(move |operation| this.check(operation)))
    }

    /// The next `times` operations of this kind fail.
    pub fn fail(&self, operation: Operation, errno: i32, times: usize) {
        self.fail_after(operation, errno, 0, times);
    }

    /// After some have succeeded, the next `times` operations of this kind fail.
    pub fn fail_after(&self, operation: Operation, errno: i32, after: usize, times: usize) {
        let failure = Failure { operation, errno, after, times };
        self.state.lock().unwrap().failures.push(failure);
    }

    /// How many operations of this kind there were.
    pub fn seen(&self, operation: Operation) -> usize {
        self.state.lock().unwrap().seen.get(&operation).copied().unwrap_or_default()
    }

    /// Waits until there were this many operations of a kind.
    pub fn wait_for(&self, operation: Operation, count: usize) {
        let waiting =
            |state: &mut State| state.seen.get(&operation).copied().unwrap_or_default() < count;
        let state = self.state.lock().unwrap();
        let waited = self.used.wait_timeout_while(state, DEADLINE, waiting).unwrap();
        assert!(!waited.1.timed_out(), "{operation:?} was used too seldom");
    }

    /// Whether all failures have happened.
    pub fn is_done(&self) -> bool {
        self.state.lock().unwrap().failures.iter().all(|failure| failure.times == 0)
    }

    fn check(&self, operation: Operation) -> io::Result<()> {
        let mut state = self.state.lock().unwrap();
        *state.seen.entry(operation).or_default() += 1;
        self.used.notify_all();
        for failure in state.failures.iter_mut().filter(|failure| failure.operation == operation) {
            if failure.after > 0 {
                failure.after -= 1;
            } else if failure.times > 0 {
                failure.times -= 1;
                return Err(io::Error::from_raw_os_error(failure.errno));
            }
        }
        Ok(())
    }
}
