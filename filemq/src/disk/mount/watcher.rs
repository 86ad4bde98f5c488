//! Watches a directory, and scans it from time to time.

use std::collections::{BTreeSet, VecDeque};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use notify::RecommendedWatcher;

use super::change::MountChange;
use super::change_buffer::{self, ChangeBuffer, PendingChanges};
use super::options::MountOptions;
use super::patterns::Patterns;
use super::scan::{How, ScanResult, Scanner};
use super::state::{ChangeSet, MountState};
use crate::disk::{Directory, FileKind, FileSystem, SharedRoot};
use crate::retry_clock::{Due, RetryClock};
use crate::{Omission, PublishError};

/// How often files are looked at of which the operating system does not report changes.
const POLL_INTERVAL: Duration = Duration::from_secs(1);

/// The most targets of `.ln` files that are looked at that often.
const MAX_POLLED: usize = 1000;

/// When a new directory is scanned once more: the operating system does not report what was created
/// in it before it was watched.
const SECOND_LOOK: Duration = Duration::from_millis(300);

/// Files of a new directory that are reported before the rest of it is looked at: then they are on
/// their way meanwhile.
const FIRST_FILES: usize = 500;

/// Scanning everything takes at most one part in this many of the time.
const SCAN_SHARE: u32 = 20;

/// The pauses before everything is scanned again because something could not be read.
const SHORTEST_PAUSE: Duration = Duration::from_millis(500);
const LONGEST_PAUSE: Duration = Duration::from_secs(30);

/// The pauses before the operating system is asked again to report changes. That takes a while, and
/// mostly nothing has changed.
const REWATCH_PAUSE: Duration = Duration::from_secs(10);
const LONGEST_REWATCH_PAUSE: Duration = Duration::from_secs(600);

/// A directory that is watched.
pub(super) struct MountWatcher {
    /// As the application named it.
    path: PathBuf,
    /// Which directory it was when it was there last.
    identity: Option<Identity>,
    /// Whether the directory was missing at the last look.
    away: bool,
    scanner: Scanner,
    state: MountState,
    buffer: Arc<ChangeBuffer>,
    watcher: Option<RecommendedWatcher>,
    next_scan: Instant,
    next_poll: Instant,
    /// When to scan again because something could not be read.
    retry: RetryClock,
    /// When to ask the operating system again to report changes.
    rewatch: RetryClock,
    again: BTreeSet<(Instant, String)>,
}

type Identity = (u64, u64);

/// Why nothing of a directory is read. Files are published from its handle, which outlives its name.
const AWAY: &str = "the directory is gone; its files stay published until it is back";

impl MountWatcher {
    pub(super) fn open(
        system: Arc<dyn FileSystem>,
        directory: &Path,
        options: MountOptions,
        buffer: Arc<ChangeBuffer>,
        watched: bool,
    ) -> Result<(Self, Vec<MountChange>), PublishError> {
        let opened = open_directory(&system, directory);
        let (path, real, directory) = opened.map_err(PublishError::unreadable(directory))?;
        let (given, file) = (options.ignore.clone(), options.ignore_file.as_deref());
        let patterns = Patterns::open(given, file, &directory, &real)?;
        let state = MountState::new(options.stable, options.files);
        let identity = identity(&*system, &path);
        let root = Arc::new(SharedRoot::new(directory));
        let scanner = Scanner::new(system, options, root, real, patterns);
        let now = Instant::now();
        let mut watcher = Self {
            identity,
            path,
            away: false,
            scanner,
            state,
            buffer,
            watcher: None,
            next_scan: now,
            next_poll: now + POLL_INTERVAL,
            retry: RetryClock::new(SHORTEST_PAUSE, LONGEST_PAUSE),
            rewatch: RetryClock::new(REWATCH_PAUSE, LONGEST_REWATCH_PAUSE),
            again: BTreeSet::new(),
        };
        // Before the scan, so that no change is missed.
        if watched {
            watcher.watch();
        }
        let (start, mut changes) = (Instant::now(), ChangeSet::default());
        let mut seen = watcher.scanner.all();
        if watcher.scanner.options.require_readable {
            watcher.check_readable(&mut seen)?;
        }
        watcher.take(seen, start, &mut changes);
        Ok((watcher, changes.into_list()))
    }

    /// Opens each file that was found.
    ///
    /// # Errors
    /// The first that cannot be read.
    fn check_readable(&self, seen: &mut ScanResult) -> Result<(), PublishError> {
        let path = |name: &String| self.path.join(name);
        if let (Some(name), Some(error)) = (seen.unknown.first(), seen.first_failure.take()) {
            return Err(PublishError::unreadable(path(name))(error));
        }
        for (name, file) in &seen.files {
            match file.source.open() {
                Err(error) if error.kind() != io::ErrorKind::NotFound => {
                    return Err(PublishError::unreadable(path(name))(error));
                }
                _ => {}
            }
        }
        Ok(())
    }

    /// Reports changes until the mount is dropped.
    pub(super) fn run(mut self, mut changed: impl FnMut(Vec<MountChange>)) {
        loop {
            let pending = self.buffer.wait(self.next_deadline());
            if pending.stop {
                return;
            }
            let changes = self.look(&pending, &mut changed).into_list();
            if !changes.is_empty() {
                changed(changes);
            }
        }
    }

    /// Returns what has changed.
    pub(super) fn scan_now(&mut self) -> Vec<MountChange> {
        let mut changes = ChangeSet::default();
        if self.is_there() {
            self.scan(&mut changes);
        }
        changes.into_list()
    }

    fn next_deadline(&self) -> Instant {
        let again = self.again.first().map(|(when, _)| *when);
        let poll = self.state.linked().next().map(|_| self.next_poll);
        let retry = self.retry.next_deadline();
        let patterns = self.scanner.next_deadline();
        let first = [self.state.next(), again, poll, retry, patterns].into_iter().flatten().min();
        match first {
            // While the directory is missing there is nothing to look at.
            Some(first) if !self.away => first.min(self.next_scan),
            _ => self.next_scan,
        }
    }

    fn watch(&mut self) {
        self.watcher = match change_buffer::watch(&self.scanner.real, &self.buffer) {
            Ok(watcher) => {
                self.rewatch.succeeded();
                Some(watcher)
            }
            Err(error) => {
                self.rewatch.failed(Instant::now());
                tracing::warn!(
                    directory = %self.path.display(),
                    %error,
                    "the operating system does not report changes: the directory is scanned once a second"
                );
                None
            }
        };
    }

    /// Returns what has changed, but for what it has reported already.
    fn look(
        &mut self,
        pending: &PendingChanges,
        changed: &mut impl FnMut(Vec<MountChange>),
    ) -> ChangeSet {
        let mut changes = ChangeSet::default();
        let now = Instant::now();
        if pending.deaf {
            self.watcher = None;
            self.rewatch.failed(now);
        }
        if !self.is_there() {
            self.next_scan = now + POLL_INTERVAL.min(self.scanner.options.rescan);
            changes.omit(self.scanner.omissions.report());
            return changes;
        }
        let retries = self.retry.due(now) == Some(Due::Attempt);
        let patterns = self.scanner.next_deadline().is_some_and(|deadline| now >= deadline);
        if pending.all || retries || patterns || now >= self.next_scan {
            self.scan(&mut changes);
            return changes;
        }
        let mut names = self.reported(pending);
        if names.iter().any(|(name, _)| self.scanner.is_pattern_file(name)) {
            self.scan(&mut changes);
            return changes;
        }
        if now >= self.next_poll {
            names.extend(self.state.linked().take(MAX_POLLED).map(|name| (name.clone(), false)));
            self.next_poll = now + POLL_INTERVAL.min(self.scanner.options.rescan);
        }
        names.extend(self.state.due(now).into_iter().map(|name| (name, false)));
        while let Some((when, name)) = self.again.first()
            && *when <= now
        {
            names.insert((name.clone(), false));
            self.again.pop_first();
        }
        self.look_at(names, now, &mut changes, changed);
        changes.omit(self.scanner.omissions.report());
        changes
    }

    /// Returns the names that the operating system has reported, marked as such.
    fn reported(&self, pending: &PendingChanges) -> BTreeSet<(String, bool)> {
        let mut names = BTreeSet::new();
        for path in &pending.paths {
            // Names that are not UTF-8 are not published.
            let Some(path) = path.strip_prefix(&self.scanner.real).ok().and_then(Path::to_str)
            else {
                continue;
            };
            let path = path.replace(std::path::MAIN_SEPARATOR, "/");
            names.extend(self.scanner.other_names(&path).into_iter().map(|name| (name, true)));
            if let Some(name) = path.strip_suffix(super::ln_file::ENDING) {
                names.insert((name.to_owned(), true));
            }
            names.insert((path, true));
        }
        names
    }

    fn look_at(
        &mut self,
        names: BTreeSet<(String, bool)>,
        now: Instant,
        changes: &mut ChangeSet,
        changed: &mut impl FnMut(Vec<MountChange>),
    ) {
        let mut directory: Option<String> = None;
        for (first, reported) in names {
            if directory.as_ref().is_some_and(|directory| first.starts_with(directory)) {
                continue;
            }
            // Only a scan of the whole tells what is gone.
            let how = if self.state.is_new(&first) { How::Level } else { How::Whole };
            let mut below = VecDeque::from([first.clone()]);
            while let Some(name) = below.pop_front() {
                let mut seen = self.scanner.look(&name, how);
                if !seen.unknown.is_empty() {
                    self.retry.failed(now);
                }
                below.extend(std::mem::take(&mut seen.below));
                let is_first = name == first;
                if seen.directory && is_first {
                    directory = Some(format!("{name}/"));
                    if reported {
                        self.again.insert((now + SECOND_LOOK, name.clone()));
                    }
                }
                let reported = reported && is_first;
                self.state.reconcile(&name, seen, reported, &mut self.scanner.omissions, changes);
                if changes.additions() >= FIRST_FILES {
                    changed(std::mem::take(changes).into_list());
                }
            }
        }
    }

    fn scan(&mut self, changes: &mut ChangeSet) {
        let start = Instant::now();
        if self.rewatch.due(start) == Some(Due::Attempt) {
            self.watch();
        }
        let seen = self.scanner.all();
        self.take(seen, start, changes);
    }

    /// Takes over the result of a scan of everything.
    fn take(&mut self, seen: ScanResult, start: Instant, changes: &mut ChangeSet) {
        if seen.unknown.is_empty() {
            self.retry.succeeded();
        } else {
            self.retry.failed(start);
        }
        self.state.reconcile("", seen, false, &mut self.scanner.omissions, changes);
        let most = if self.watcher.is_some() { Duration::MAX } else { POLL_INTERVAL };
        let pause = self.scanner.options.rescan.min(most).max(start.elapsed() * SCAN_SHARE);
        self.next_scan = Instant::now() + pause;
        changes.omit(self.scanner.omissions.report());
    }

    /// Returns whether the directory is there. If it is another one by now, or is back, it is
    /// scanned as a whole next.
    fn is_there(&mut self) -> bool {
        let identity = identity(&*self.scanner.system, &self.path);
        if identity == self.identity && identity.is_some() {
            if std::mem::take(&mut self.away) {
                tracing::info!(directory = %self.path.display(), "the directory is back");
                self.next_scan = Instant::now();
            }
            return true;
        }
        match identity.and_then(|_| self.other().ok()) {
            Some(true) => {
                self.identity = identity;
                self.away = false;
                self.next_scan = Instant::now();
                tracing::info!(directory = %self.path.display(), "there is another directory now");
                true
            }
            _ => {
                if !std::mem::replace(&mut self.away, true) {
                    let directory = self.path.display();
                    tracing::warn!(target: "filemq::told", %directory, "{AWAY}");
                    self.scanner.omissions.add("", Omission::Unreadable(AWAY.into()));
                }
                false
            }
        }
    }

    /// Switches to another directory of the same name, unless that is empty.
    fn other(&mut self) -> io::Result<bool> {
        let real = self.scanner.system.canonicalize(&self.path)?;
        let directory = Directory::open(&self.scanner.system, &real)?;
        let visible = directory.list(Path::new(""))?.flatten().any(|entry| {
            let name = entry.name;
            !name.to_string_lossy().starts_with('.') && name != "lost+found"
        });
        if !visible && !self.state.is_empty() {
            return Ok(false);
        }
        self.scanner.root.replace(directory);
        self.scanner.real = real;
        self.watch();
        Ok(true)
    }
}

/// Opens a directory to publish. Returns its path, the same without links, and itself.
///
/// # Errors
/// It cannot be listed, which is an error of the caller, and not a mount without files.
fn open_directory(
    system: &Arc<dyn FileSystem>,
    directory: &Path,
) -> io::Result<(PathBuf, PathBuf, Directory)> {
    let path = std::path::absolute(directory)?;
    let real = system.canonicalize(&path)?;
    let directory = Directory::open(system, &real)?;
    drop(directory.list(Path::new(""))?);
    Ok((path, real, directory))
}

/// Returns which directory it is, or `None` if there is none. All are the same where the operating
/// system does not number them.
fn identity(system: &dyn FileSystem, path: &Path) -> Option<Identity> {
    let status = system.status(None, path, true).ok()?;
    (status.kind == FileKind::Directory).then_some((status.device, status.inode))
}
