//! Watches what the victim's process uses.

use std::sync::Arc;
use std::time::Duration;

use testkit::usage::Usage;
use tokio::task::AbortHandle;
use zmtp::sync::Mutex;

/// The time between two looks.
const INTERVAL: Duration = Duration::from_millis(20);

/// Watches a process until it is dropped.
pub(super) struct Watch {
    most: Arc<Mutex<Option<Usage>>>,
    task: AbortHandle,
}

impl Watch {
    pub(super) fn begin(pid: u32, on: &tokio::runtime::Handle) -> Self {
        let most = Arc::new(Mutex::new(Usage::of(pid)));
        let seen = Arc::clone(&most);
        let task = on.spawn(async move {
            loop {
                tokio::time::sleep(INTERVAL).await;
                let Some(now) = Usage::of(pid) else { continue };
                let mut seen = seen.lock();
                *seen = Some(seen.map_or(now, |before| before.max(now)));
            }
        });
        Self { most, task: task.abort_handle() }
    }

    /// Returns the most that was seen.
    pub(super) fn most(&self) -> Option<Usage> {
        *self.most.lock()
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        self.task.abort();
    }
}
