//! What the victim's process uses: memory and descriptors.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::task::AbortHandle;

/// How often is looked.
const PACE: Duration = Duration::from_millis(20);

/// What a process uses. `None` where the system does not tell, or it is gone.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Usage {
    /// What it has in memory, in KiB.
    pub(super) memory: Option<u64>,
    /// How many descriptors it has open.
    pub(super) descriptors: Option<u64>,
}

impl Usage {
    pub(super) fn of(pid: u32) -> Self {
        Self { memory: resident(pid), descriptors: descriptors(pid) }
    }

    /// Of each the larger.
    fn max(self, other: Self) -> Self {
        let memory = self.memory.max(other.memory);
        Self { memory, descriptors: self.descriptors.max(other.descriptors) }
    }
}

fn descriptors(pid: u32) -> Option<u64> {
    let folder = format!("/proc/{pid}/fd");
    // Newer kernels tell the number as the size; reading thousands of names takes its time.
    match std::fs::metadata(&folder).ok()?.len() {
        0 => u64::try_from(std::fs::read_dir(&folder).ok()?.count()).ok(),
        number => Some(number),
    }
}

fn resident(pid: u32) -> Option<u64> {
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

/// Watches a process until it is dropped.
pub(super) struct Watch {
    most: Arc<Mutex<Usage>>,
    task: AbortHandle,
}

impl Watch {
    pub(super) fn begin(pid: u32, on: &tokio::runtime::Handle) -> Self {
        let most = Arc::new(Mutex::new(Usage::of(pid)));
        let seen = Arc::clone(&most);
        let task = on.spawn(async move {
            loop {
                tokio::time::sleep(PACE).await;
                let now = Usage::of(pid);
                let mut seen = seen.lock().unwrap_or_else(PoisonError::into_inner);
                *seen = seen.max(now);
            }
        });
        Self { most, task: task.abort_handle() }
    }

    /// The most that was seen.
    pub(super) fn most(&self) -> Usage {
        *self.most.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        self.task.abort();
    }
}

#[cfg(test)]
#[cfg(target_os = "linux")]
mod tests {
    use std::fs::File;

    use super::*;

    #[test]
    fn open_files_are_counted() {
        // Other tests of this process open and close some as well.
        const MANY: u64 = 200;
        const OTHERS: u64 = 50;
        let count = || Usage::of(std::process::id()).descriptors.unwrap();
        let before = count();
        let files: Vec<_> = (0..MANY).map(|_| File::open("/dev/null").unwrap()).collect();
        let during = count();
        assert!(during + OTHERS >= before + MANY, "{before}, then {during}");
        drop(files);
        let after = count();
        assert!(after <= before + OTHERS, "{before}, {during}, then {after}");
    }

    #[test]
    fn of_a_process_that_is_gone_nothing_is_told() {
        let gone = Usage::of(u32::MAX);
        assert_eq!((gone.memory, gone.descriptors), (None, None));
    }
}
