//! Watches a directory, and looks at it from time to time.

use std::collections::BTreeSet;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use cap_std::ambient_authority;
use cap_std::fs::Dir;
use notify::RecommendedWatcher;

use super::scan::Scanner;
use super::state::{Changes, State};
use super::watch::{self, Gathered, News};
use super::{MountChange, MountConfig};
use crate::disk::Root;

/// How often it is looked at what the operating system does not tell of.
const SLOW: Duration = Duration::from_secs(1);

/// At most this many targets of `.ln` files are looked at so often.
const LINKED: usize = 1000;

/// A new directory is looked at once more: the operating system does not tell of what was made in it
/// before it was asked to.
const AGAIN: Duration = Duration::from_millis(300);

/// Looking at everything takes at most this part of the time.
const SHARE: u32 = 20;

/// A directory that is watched.
pub(super) struct Watching {
    /// As the configuration names it.
    path: PathBuf,
    /// Which directory it was.
    identity: Option<Identity>,
    /// The directory is not there, since it was looked last.
    away: bool,
    scanner: Scanner,
    state: State,
    gathered: Arc<Gathered>,
    watcher: Option<RecommendedWatcher>,
    rescan: Instant,
    links: Instant,
    again: BTreeSet<(Instant, String)>,
}

type Identity = (u64, u64);

impl Watching {
    pub(super) fn open(
        directory: &Path,
        config: MountConfig,
        gathered: Arc<Gathered>,
    ) -> io::Result<(Self, Vec<MountChange>)> {
        let path = std::path::absolute(directory)?;
        let real = std::fs::canonicalize(&path)?;
        let dir = Dir::open_ambient_dir(&real, ambient_authority())?;
        dir.entries()?;
        let state = State::new(config.stable, config.files);
        let scanner = Scanner::new(config, Arc::new(Root::new(dir)), real);
        let now = Instant::now();
        let mut watching = Self {
            identity: identity(&path),
            path,
            away: false,
            scanner,
            state,
            gathered,
            watcher: None,
            rescan: now,
            links: now + SLOW,
            again: BTreeSet::new(),
        };
        // First, so that no change is missed.
        watching.watch();
        let mut changes = Changes::default();
        watching.all(&mut changes);
        Ok((watching, changes.into_list()))
    }

    /// Until the mount is dropped.
    pub(super) fn run(mut self, mut changed: impl FnMut(Vec<MountChange>)) {
        loop {
            let news = self.gathered.wait(self.next());
            if news.stop {
                return;
            }
            let changes = self.news(news).into_list();
            if !changes.is_empty() {
                changed(changes);
            }
        }
    }

    fn next(&self) -> Instant {
        let again = self.again.first().map(|(when, _)| *when);
        let links = self.state.linked().next().map(|_| self.links);
        let first = [self.state.next(), again, links].into_iter().flatten().min();
        match first {
            // There is nothing to look at while it is away.
            Some(first) if !self.away => first.min(self.rescan),
            _ => self.rescan,
        }
    }

    fn watch(&mut self) {
        self.watcher = match watch::watch(&self.scanner.real, &self.gathered) {
            Ok(watcher) => Some(watcher),
            Err(error) => {
                tracing::warn!(
                    directory = %self.path.display(),
                    %error,
                    "the system does not tell of changes: the directory is looked at each second"
                );
                None
            }
        };
    }

    fn news(&mut self, news: News) -> Changes {
        let mut changes = Changes::default();
        let now = Instant::now();
        if news.deaf {
            self.watcher = None;
        }
        if !self.is_there() {
            self.rescan = now + SLOW.min(self.scanner.config.rescan);
            return changes;
        }
        if news.all || now >= self.rescan {
            self.all(&mut changes);
            return changes;
        }
        let mut names = self.named(&news);
        let links = self.state.linked().next().is_some();
        if links && now >= self.links {
            names.extend(self.state.linked().take(LINKED).map(|name| (name.clone(), false)));
            self.links = now + SLOW.min(self.scanner.config.rescan);
        }
        names.extend(self.state.due(now).into_iter().map(|name| (name, false)));
        while let Some((when, name)) = self.again.first()
            && *when <= now
        {
            names.insert((name.clone(), false));
            self.again.pop_first();
        }
        self.look_at(names, now, &mut changes);
        changes
    }

    /// The names that may have changed, and that the operating system has told of them.
    fn named(&self, news: &News) -> BTreeSet<(String, bool)> {
        let mut names = BTreeSet::new();
        for path in &news.paths {
            // Other names are not published.
            let Some(path) = path.strip_prefix(&self.scanner.real).ok().and_then(Path::to_str)
            else {
                continue;
            };
            let path = path.replace(std::path::MAIN_SEPARATOR, "/");
            names.extend(self.scanner.other_names(&path).into_iter().map(|name| (name, true)));
            if let Some(name) = path.strip_suffix(super::link::ENDING) {
                names.insert((name.to_owned(), true));
            }
            names.insert((path, true));
        }
        names
    }

    fn look_at(&mut self, names: BTreeSet<(String, bool)>, now: Instant, changes: &mut Changes) {
        let mut directory: Option<String> = None;
        for (name, told) in names {
            if directory.as_ref().is_some_and(|directory| name.starts_with(directory)) {
                continue;
            }
            let seen = self.scanner.look(&name);
            if seen.directory {
                directory = Some(format!("{name}/"));
                if told {
                    self.again.insert((now + AGAIN, name.clone()));
                }
            }
            self.state.reconcile(&name, seen, &mut self.scanner.warned, changes);
        }
    }

    fn all(&mut self, changes: &mut Changes) {
        let start = Instant::now();
        let seen = self.scanner.all();
        self.state.reconcile("", seen, &mut self.scanner.warned, changes);
        let most = if self.watcher.is_some() { Duration::MAX } else { SLOW };
        let pause = self.scanner.config.rescan.min(most).max(start.elapsed() * SHARE);
        self.rescan = Instant::now() + pause;
    }

    /// Whether the directory is the one that it was. If it is another by now, or is there again, it
    /// is looked at as a whole next.
    fn is_there(&mut self) -> bool {
        let identity = identity(&self.path);
        if identity == self.identity && identity.is_some() {
            if std::mem::take(&mut self.away) {
                tracing::info!(directory = %self.path.display(), "the directory is back");
                self.rescan = Instant::now();
            }
            return true;
        }
        match identity.and_then(|_| self.other().ok()) {
            Some(true) => {
                self.identity = identity;
                self.away = false;
                self.rescan = Instant::now();
                tracing::info!(directory = %self.path.display(), "there is another directory now");
                true
            }
            _ => {
                if !std::mem::replace(&mut self.away, true) {
                    tracing::warn!(
                        directory = %self.path.display(),
                        "the directory is gone: its files stay published until it is back"
                    );
                }
                false
            }
        }
    }

    /// Takes another directory of the same name, unless it holds nothing.
    fn other(&mut self) -> io::Result<bool> {
        let real = std::fs::canonicalize(&self.path)?;
        let dir = Dir::open_ambient_dir(&real, ambient_authority())?;
        let visible = dir.entries()?.flatten().any(|entry| {
            let name = entry.file_name();
            !name.to_string_lossy().starts_with('.') && name != "lost+found"
        });
        if !visible && !self.state.is_empty() {
            return Ok(false);
        }
        self.scanner.root.replace(dir);
        self.scanner.real = real;
        self.watch();
        Ok(true)
    }
}

/// Which directory it is, or nothing if it is not there. All are the same where the operating system
/// does not tell.
fn identity(path: &Path) -> Option<Identity> {
    let metadata = std::fs::metadata(path).ok().filter(std::fs::Metadata::is_dir)?;
    #[cfg(unix)]
    {
        use std::os::unix::fs::MetadataExt as _;
        Some((metadata.dev(), metadata.ino()))
    }
    #[cfg(not(unix))]
    {
        let _ = metadata;
        Some((0, 0))
    }
}
