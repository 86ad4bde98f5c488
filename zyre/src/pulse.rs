//! Whether the runtime that a node lives on does anything at all.
//!
//! A current-thread runtime does something only while a thread is in its `block_on`. A node on one
//! that no thread drives neither sends nor receives, and nothing says so. So a call that waits for
//! the node, or sends by it, asks the runtime for a sign of life, and gives up when none comes for
//! long.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use tokio::runtime::{EnterGuard, Handle, RuntimeFlavor};

/// The time between two looks whether the runtime has answered.
pub(crate) const SLICE: Duration = Duration::from_millis(100);

/// Looks that follow sooner do not count.
const MIN_SLICE: Duration = Duration::from_millis(90);

/// A runtime that has not answered in this many looks is not driven. Looks and not time: a process that was
/// suspended has looked once.
const MAX_LOOKS: u32 = 20;

/// What is said of it.
pub(crate) const NOT_DRIVEN: &str = "the node lives on a current-thread runtime that no thread drives, so \
                                     it does nothing: use Builder::start_blocking or a multi-thread \
                                     runtime, or keep a thread in the runtime's block_on";

/// The runtime of a node, and whether it answers.
pub(crate) struct Pulse {
    runtime: Handle,
    /// Whether a thread has to drive the runtime.
    has_to_be_driven: bool,
    /// The runtime was asked, and has not answered yet.
    is_asked: Arc<AtomicBool>,
}

/// How often a waiting call has looked in vain.
#[derive(Debug, Default)]
pub(crate) struct Patience {
    looks: u32,
    last: Option<Instant>,
}

impl Pulse {
    /// Of a runtime that the application has.
    pub(crate) fn new(runtime: Handle) -> Arc<Self> {
        let has_to_be_driven = runtime.runtime_flavor() == RuntimeFlavor::CurrentThread;
        Arc::new(Self { runtime, has_to_be_driven, is_asked: Arc::default() })
    }

    /// Of a runtime that a thread of the node drives.
    pub(crate) fn apart(runtime: Handle) -> Arc<Self> {
        Arc::new(Self { runtime, has_to_be_driven: false, is_asked: Arc::default() })
    }

    pub(crate) const fn runtime(&self) -> &Handle {
        &self.runtime
    }

    /// Makes the runtime that of this thread, for what asks for one.
    pub(crate) fn enter(&self) -> EnterGuard<'_> {
        self.runtime.enter()
    }

    /// Whether a thread of the application has to drive the runtime.
    pub(crate) const fn has_to_be_driven(&self) -> bool {
        self.has_to_be_driven
    }

    /// Whether the runtime has answered since it was asked last; asks it again if so.
    fn answers(&self) -> bool {
        if self.is_asked.swap(true, Ordering::AcqRel) {
            return false;
        }
        let is_asked = Arc::clone(&self.is_asked);
        self.runtime.spawn(async move { is_asked.store(false, Ordering::Release) });
        true
    }
}

impl Patience {
    /// Looks whether the runtime does anything. Returns `true` if it has done nothing for too long.
    pub(crate) fn is_over(&mut self, pulse: &Pulse) -> bool {
        if !pulse.has_to_be_driven() {
            return false;
        }
        let now = Instant::now();
        if self.last.is_some_and(|last| now.saturating_duration_since(last) < MIN_SLICE) {
            return self.looks >= MAX_LOOKS;
        }
        self.last = Some(now);
        self.looks = if pulse.answers() { 0 } else { self.looks + 1 };
        self.looks >= MAX_LOOKS
    }
}
