//! What the victim's process uses.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use tokio::task::AbortHandle;

/// How often is looked.
const PACE: Duration = Duration::from_millis(20);

/// What a process has in memory, in KiB. `None` where the system does not tell, or it is gone.
pub(super) fn resident(pid: u32) -> Option<u64> {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
    line.split_whitespace().next()?.parse().ok()
}

/// Whether a process runs; true as well where the system does not tell.
pub(super) fn runs(pid: u32) -> bool {
    if !std::path::Path::new("/proc/self/stat").exists() {
        return true;
    }
    let Ok(stat) = std::fs::read_to_string(format!("/proc/{pid}/stat")) else { return false };
    // After the name, which may hold anything but ends with the last bracket.
    let state = stat.rsplit_once(") ").and_then(|(_, rest)| rest.chars().next());
    !matches!(state, Some('Z' | 'X') | None)
}

/// Watches the memory of a process until it is dropped.
pub(super) struct Watch {
    most: Arc<AtomicU64>,
    task: AbortHandle,
}

impl Watch {
    pub(super) fn begin(pid: u32, on: &tokio::runtime::Handle) -> Self {
        let most = Arc::new(AtomicU64::new(0));
        let seen = Arc::clone(&most);
        let task = on.spawn(async move {
            while let Some(now) = resident(pid) {
                seen.fetch_max(now, Ordering::Relaxed);
                tokio::time::sleep(PACE).await;
            }
        });
        Self { most, task: task.abort_handle() }
    }

    /// The most that was seen, in KiB.
    pub(super) fn most(&self) -> u64 {
        self.most.load(Ordering::Relaxed)
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        self.task.abort();
    }
}
