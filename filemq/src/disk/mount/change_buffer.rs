//! Changes that the operating system reports, collected until the mount looks at them.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use notify::event::{AccessKind, AccessMode};
use notify::{Config, Event, EventKind, RecommendedWatcher, RecursiveMode, Watcher as _};
use zmtp::sync::{Condvar, Mutex};

/// Changes come in bursts. A burst is over when nothing has come for this long, or at the latest
/// after [`LONGEST_BURST`].
const BURST_PAUSE: Duration = Duration::from_millis(4);
const LONGEST_BURST: Duration = Duration::from_millis(24);

/// When more paths have changed, everything is scanned.
const MAX_PATHS: usize = 20_000;

/// What has changed since the mount looked last.
#[derive(Debug, Default)]
pub(super) struct PendingChanges {
    /// Paths that may have changed, or something below them.
    pub(super) paths: BTreeSet<PathBuf>,
    /// Whether anything may have changed.
    pub(super) all: bool,
    /// Whether the operating system does not report everything from now on.
    pub(super) deaf: bool,
    /// Whether the mount was dropped.
    pub(super) stop: bool,
}

impl PendingChanges {
    fn is_none(&self) -> bool {
        self.paths.is_empty() && !self.all && !self.deaf && !self.stop
    }
}

/// Carries changes from the thread of the watcher to that of the mount.
#[derive(Debug, Default)]
pub(super) struct ChangeBuffer {
    pending: Mutex<PendingChanges>,
    came: Condvar,
}

impl ChangeBuffer {
    /// Ends the mount.
    pub(super) fn stop(&self) {
        self.pending.lock().stop = true;
        self.came.notify_all();
    }

    /// Waits until something has changed and the burst of changes is over, or until the time has
    /// come.
    pub(super) fn wait(&self, until: Instant) -> PendingChanges {
        let mut pending = self.pending.lock();
        while pending.is_none() {
            let left = until.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return PendingChanges::default();
            }
            pending = self.came.wait_timeout(pending, left).0;
        }
        let end = Instant::now() + LONGEST_BURST;
        while !pending.stop && Instant::now() < end {
            let quiet;
            (pending, quiet) = self.came.wait_timeout(pending, BURST_PAUSE);
            if quiet {
                break;
            }
        }
        std::mem::take(&mut *pending)
    }

    fn add(&self, event: notify::Result<Event>) {
        let mut pending = self.pending.lock();
        match event {
            Ok(event) if is_reading(event.kind) => return,
            Ok(event) if event.need_rescan() => pending.all = true,
            Ok(event) => pending.paths.extend(event.paths),
            Err(error) => {
                tracing::debug!(%error, "the operating system does not report all changes");
                pending.all = true;
                pending.deaf |= matches!(error.kind, notify::ErrorKind::MaxFilesWatch);
            }
        }
        if pending.paths.len() > MAX_PATHS {
            pending.paths.clear();
            pending.all = true;
        }
        drop(pending);
        self.came.notify_all();
    }
}

/// Returns whether it is about reading, which includes our own.
fn is_reading(kind: EventKind) -> bool {
    let EventKind::Access(access) = kind else { return false };
    !matches!(access, AccessKind::Close(AccessMode::Write))
}

/// Watches a directory and everything below it. Links are not followed.
///
/// # Errors
/// The operating system does not report changes there, or can watch no more directories.
pub(super) fn watch(
    directory: &Path,
    buffer: &Arc<ChangeBuffer>,
) -> notify::Result<RecommendedWatcher> {
    let buffer = buffer.clone();
    let config = Config::default().with_follow_symlinks(false);
    let mut watcher = RecommendedWatcher::new(move |event| buffer.add(event), config)?;
    watcher.watch(directory, RecursiveMode::Recursive)?;
    Ok(watcher)
}
