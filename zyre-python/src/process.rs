//! The process that a node was started in: a child that was forked has the node's memory, not its thread.

use std::sync::atomic::{AtomicUsize, Ordering};

use pyo3::prelude::*;

use crate::errors;

/// The number of forks that led to this process.
static FORKS: AtomicUsize = AtomicUsize::new(0);

/// The process that something belongs to.
#[derive(Clone, Copy)]
pub(crate) struct Process(usize);

impl Process {
    pub(crate) fn current() -> Self {
        Self(FORKS.load(Ordering::Relaxed))
    }

    pub(crate) fn is_current(self) -> bool {
        self.0 == FORKS.load(Ordering::Relaxed)
    }

    /// # Errors
    /// This is a child of the process that the node belongs to.
    pub(crate) fn check(self) -> PyResult<()> {
        if self.is_current() {
            return Ok(());
        }
        Err(errors::ForkedError::new_err(
            "this node belongs to the parent process: start one after the fork, or use the start method \
             \"spawn\" of multiprocessing",
        ))
    }
}

/// Says that this process is the child of a fork.
#[pyfunction]
#[pyo3(name = "_forked")]
pub(crate) fn forked() {
    FORKS.fetch_add(1, Ordering::Relaxed);
}
