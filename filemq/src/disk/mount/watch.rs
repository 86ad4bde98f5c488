//! What the operating system tells of changes, gathered until somebody looks.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use notify::event::{AccessKind, AccessMode};
use notify::{Config, Event, EventKind, RecommendedWatcher, RecursiveMode, Watcher as _};

/// Changes come in bursts: it is looked at them when none has come for so long, or at last after
/// [`LONGEST`].
const QUIET: Duration = Duration::from_millis(4);
const LONGEST: Duration = Duration::from_millis(24);

/// Beyond so many, everything is looked at.
const PATHS: usize = 20_000;

/// What has changed since it was asked last.
#[derive(Debug, Default)]
pub(super) struct News {
    /// These may have changed, and what is below them.
    pub(super) paths: BTreeSet<PathBuf>,
    /// Anything may have changed.
    pub(super) all: bool,
    /// From now on the operating system does not tell of everything.
    pub(super) deaf: bool,
    /// It is over.
    pub(super) stop: bool,
}

impl News {
    fn is_none(&self) -> bool {
        self.paths.is_empty() && !self.all && !self.deaf && !self.stop
    }
}

/// Between the thread of the watcher and that of the mount.
#[derive(Debug, Default)]
pub(super) struct Gathered {
    news: Mutex<News>,
    came: Condvar,
}

impl Gathered {
    fn news(&self) -> MutexGuard<'_, News> {
        self.news.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Ends the mount.
    pub(super) fn stop(&self) {
        self.news().stop = true;
        self.came.notify_all();
    }

    /// Waits for news, and until a burst of them is over.
    pub(super) fn wait(&self, until: Instant) -> News {
        let mut news = self.news();
        while news.is_none() {
            let left = until.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return News::default();
            }
            news = self.came.wait_timeout(news, left).unwrap_or_else(PoisonError::into_inner).0;
        }
        let end = Instant::now() + LONGEST;
        while !news.stop && Instant::now() < end {
            let quiet = self.came.wait_timeout(news, QUIET).unwrap_or_else(PoisonError::into_inner);
            news = quiet.0;
            if quiet.1.timed_out() {
                break;
            }
        }
        std::mem::take(&mut *news)
    }

    fn hear(&self, event: notify::Result<Event>) {
        let mut news = self.news();
        match event {
            Ok(event) if is_reading(event.kind) => return,
            Ok(event) if event.need_rescan() => news.all = true,
            Ok(event) => news.paths.extend(event.paths),
            Err(error) => {
                tracing::debug!(%error, "the system does not tell of all changes");
                news.all = true;
                news.deaf |= matches!(error.kind, notify::ErrorKind::MaxFilesWatch);
            }
        }
        if news.paths.len() > PATHS {
            news.paths.clear();
            news.all = true;
        }
        drop(news);
        self.came.notify_all();
    }
}

/// Our own reading is told as well.
fn is_reading(kind: EventKind) -> bool {
    let EventKind::Access(access) = kind else { return false };
    !matches!(access, AccessKind::Close(AccessMode::Write))
}

/// Watches a directory and all below it. Links are not followed.
///
/// # Errors
/// The operating system does not tell of changes there, or of no more directories.
pub(super) fn watch(
    directory: &Path,
    gathered: &Arc<Gathered>,
) -> notify::Result<RecommendedWatcher> {
    let gathered = gathered.clone();
    let config = Config::default().with_follow_symlinks(false);
    let mut watcher = RecommendedWatcher::new(move |event| gathered.hear(event), config)?;
    watcher.watch(directory, RecursiveMode::Recursive)?;
    Ok(watcher)
}
