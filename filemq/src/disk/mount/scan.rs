//! Looks at what is there. Names are relative to the mount here, with `/` between components.

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use cap_fs_ext::OpenOptionsSyncExt as _;
use cap_std::fs::{Dir, FileType, OpenOptions};

use super::MountConfig;
use super::link::{self, Places};
use crate::disk::{Root, Source};
use crate::{Version, VirtualPath};

/// So many different things are complained of.
const WARNINGS: usize = 1000;

const LOOP: &str = "the link leads to a directory that it is in";

/// A file that can be published.
#[derive(Debug)]
pub(super) struct Found {
    pub(super) name: VirtualPath,
    pub(super) source: Source,
    pub(super) version: Version,
    /// It is the target of a `.ln` file.
    pub(super) linked: bool,
}

/// What came of looking.
#[derive(Debug, Default)]
pub(super) struct Seen {
    pub(super) files: BTreeMap<String, Found>,
    /// Could not be looked at: nobody knows what is below.
    pub(super) unknown: Vec<String>,
    /// Names that are directories, of those that were asked for.
    pub(super) directory: bool,
    entries: usize,
}

impl Seen {
    /// Whether there is a file of this name, or a directory with files.
    fn has(&self, name: &str) -> bool {
        let below = format!("{name}/");
        self.files.contains_key(name)
            || self.files.range(below.clone()..).next().is_some_and(|(n, _)| n.starts_with(&below))
    }
}

/// What is complained of once.
#[derive(Debug, Default)]
pub(super) struct Warned(BTreeSet<String>);

impl Warned {
    pub(super) fn once(&mut self, what: &str, why: &str) {
        if self.0.len() < WARNINGS && self.0.insert(format!("{what}\0{why}")) {
            tracing::warn!(file = what, why, "not published");
        }
    }
}

/// Looks at a directory.
#[derive(Debug)]
pub(super) struct Scanner {
    pub(super) config: MountConfig,
    pub(super) root: Arc<Root>,
    /// The directory, without links.
    pub(super) real: PathBuf,
    pub(super) places: Places,
    pub(super) warned: Warned,
    /// Links to files and directories of the mount: their names, and where they lead.
    links: BTreeMap<String, PathBuf>,
}

impl Scanner {
    pub(super) fn new(config: MountConfig, root: Arc<Root>, real: PathBuf) -> Self {
        let places = Places::new(&config.links);
        let (warned, links) = (Warned::default(), BTreeMap::new());
        Self { config, root, real, places, warned, links }
    }

    /// Everything.
    pub(super) fn all(&mut self) -> Seen {
        self.places.refresh();
        self.links.clear();
        let mut seen = Seen { directory: true, ..Seen::default() };
        let mut walk = Walk { dir: self.root.dir(), seen: &mut seen, within: Vec::new() };
        self.directory("", PathBuf::new(), &mut walk);
        seen
    }

    /// What is published under this name and below.
    pub(super) fn look(&mut self, name: &str) -> Seen {
        let mut seen = Seen::default();
        if name.is_empty() {
            return self.all();
        }
        if name.split('/').any(|component| component.starts_with('.')) {
            return seen;
        }
        let below = format!("{name}/");
        self.links.retain(|link, _| link != name && !link.starts_with(&below));
        let within = self.ancestors(name);
        let mut walk = Walk { dir: self.root.dir(), seen: &mut seen, within };
        let real = self.real(name);
        self.named(name, real, &mut walk);
        if !seen.directory && !seen.files.contains_key(name) && seen.unknown.is_empty() {
            let link = format!("{name}{}", link::ENDING);
            let mut walk = Walk { dir: self.root.dir(), seen: &mut seen, within: Vec::new() };
            let real = self.real(&link);
            self.named(&link, real, &mut walk);
        }
        seen
    }

    /// Where a name is: links among its directories are those that are known.
    fn real(&self, name: &str) -> PathBuf {
        let ends = name.rmatch_indices('/').map(|(at, _)| at);
        for end in ends {
            if let Some(real) = self.links.get(&name[..end]) {
                return real.join(&name[end + 1..]);
            }
        }
        PathBuf::from(name)
    }

    fn ancestors(&self, name: &str) -> Vec<PathBuf> {
        let above = name.match_indices('/').map(|(end, _)| {
            let above = &name[..end];
            self.links.get(above).cloned().unwrap_or_else(|| self.real(above))
        });
        std::iter::once(PathBuf::new()).chain(above).collect()
    }

    /// Other names for what is at this place, through links.
    pub(super) fn other_names(&self, path: &str) -> Vec<String> {
        let name = |(link, real): (&String, &PathBuf)| {
            let rest = Path::new(path).strip_prefix(real).ok()?.to_str()?;
            Some(if rest.is_empty() { link.clone() } else { format!("{link}/{rest}") })
        };
        self.links.iter().filter_map(name).take(WARNINGS).collect()
    }

    fn named(&mut self, name: &str, real: PathBuf, walk: &mut Walk<'_>) {
        match walk.dir.symlink_metadata(&real) {
            Ok(metadata) => {
                walk.seen.directory |= metadata.is_dir();
                let mut linked = Vec::new();
                self.entry(name, real, metadata.file_type(), Some(&metadata), walk, &mut linked);
                self.follow(linked, walk);
            }
            Err(error) => walk.failed(name, &error, &mut self.warned),
        }
    }

    fn directory(&mut self, name: &str, real: PathBuf, walk: &mut Walk<'_>) {
        if walk.within.contains(&real) {
            return self.warned.once(name, LOOP);
        }
        if name.split('/').count() > self.config.depth && !name.is_empty() {
            return self.warned.once(name, "too many directories, one in another");
        }
        let entries = match real.as_os_str().is_empty() {
            true => walk.dir.entries(),
            false => walk.dir.read_dir(&real),
        };
        let entries = match entries {
            Ok(entries) => entries,
            Err(error) => return walk.failed(name, &error, &mut self.warned),
        };
        walk.within.push(real.clone());
        let mut linked = Vec::new();
        for entry in entries {
            let entry = match entry {
                Ok(entry) => entry,
                Err(error) => {
                    walk.failed(name, &error, &mut self.warned);
                    break;
                }
            };
            let Ok(file) = entry.file_name().into_string() else {
                let file = entry.file_name();
                self.warned.once(&file.to_string_lossy(), "its name is no UTF-8");
                continue;
            };
            if file.starts_with('.') {
                continue;
            }
            walk.seen.entries += 1;
            if walk.seen.entries > self.config.files.saturating_mul(4) {
                self.warned.once(name, "too many files and directories");
                walk.seen.unknown.push(name.to_owned());
                break;
            }
            let slash = if name.is_empty() { "" } else { "/" };
            let below = format!("{name}{slash}{file}");
            match entry.file_type() {
                Ok(kind) if kind.is_file() && !file.ends_with(link::ENDING) => {
                    self.file(&below, real.join(file), entry.metadata(), walk);
                }
                Ok(kind) => self.entry(&below, real.join(file), kind, None, walk, &mut linked),
                Err(error) => walk.failed(&below, &error, &mut self.warned),
            }
        }
        self.follow(linked, walk);
        walk.within.pop();
    }

    fn entry(
        &mut self,
        name: &str,
        real: PathBuf,
        kind: FileType,
        metadata: Option<&cap_std::fs::Metadata>,
        walk: &mut Walk<'_>,
        linked: &mut Vec<(String, PathBuf)>,
    ) {
        if kind.is_dir() {
            self.directory(name, real, walk);
        } else if kind.is_symlink() {
            self.symlink(name, &real, walk, linked);
        } else if kind.is_file() && name.ends_with(link::ENDING) {
            linked.push((name.to_owned(), real));
        } else if kind.is_file() {
            let metadata = match metadata {
                Some(metadata) => Ok(metadata.clone()),
                None => walk.dir.symlink_metadata(&real),
            };
            self.file(name, real, metadata, walk);
        }
        // All else, FIFOs for instance, has no content that could be sent.
    }

    fn file(
        &mut self,
        name: &str,
        real: PathBuf,
        metadata: io::Result<cap_std::fs::Metadata>,
        walk: &mut Walk<'_>,
    ) {
        match metadata.and_then(|metadata| Version::of_cap(&metadata)) {
            Ok(version) => {
                let source = Source { beneath: Some(self.root.clone()), path: real };
                self.found(name, source, version, false, walk);
            }
            Err(error) => walk.failed(name, &error, &mut self.warned),
        }
    }

    fn found(
        &mut self,
        name: &str,
        source: Source,
        version: Version,
        linked: bool,
        walk: &mut Walk<'_>,
    ) {
        match self.config.alias.join(name) {
            Ok(virtual_path) => {
                let found = Found { name: virtual_path, source, version, linked };
                walk.seen.files.insert(name.to_owned(), found);
            }
            Err(error) => self.warned.once(name, &error.to_string()),
        }
    }

    fn symlink(
        &mut self,
        name: &str,
        real: &Path,
        walk: &mut Walk<'_>,
        linked: &mut Vec<(String, PathBuf)>,
    ) {
        let target = match std::fs::canonicalize(self.real.join(real)) {
            Ok(target) => target,
            Err(error) => return self.warned.once(name, &error.to_string()),
        };
        let Ok(target) = target.strip_prefix(&self.real) else {
            return self.warned.once(name, "the link leads out of the directory");
        };
        match walk.dir.symlink_metadata(if target.as_os_str().is_empty() {
            Path::new(".")
        } else {
            target
        }) {
            // Somebody changes it at this moment, and will be noticed.
            Ok(metadata) if metadata.is_symlink() => {}
            Ok(_) if walk.within.iter().any(|above| above == target) => {
                self.warned.once(name, LOOP);
            }
            Ok(metadata) => {
                let target = target.to_owned();
                self.links.insert(name.to_owned(), target.clone());
                walk.seen.directory |= metadata.is_dir();
                self.entry(name, target, metadata.file_type(), Some(&metadata), walk, linked);
            }
            Err(error) => walk.failed(name, &error, &mut self.warned),
        }
    }

    /// `.ln` files. A file that is there itself comes before a link of the same name.
    fn follow(&mut self, linked: Vec<(String, PathBuf)>, walk: &mut Walk<'_>) {
        for (link, real) in linked {
            let Some(name) = link.strip_suffix(link::ENDING).filter(|name| !name.is_empty()) else {
                continue;
            };
            if name.ends_with('/') || walk.seen.has(name) {
                continue;
            }
            let mut options = OpenOptions::new();
            options.read(true).nonblock(true);
            let opened = walk.dir.open_with(&real, &options).map_err(|error| error.to_string());
            let source = opened.and_then(|file| self.places.follow(file.into_std()));
            let version = |source: Source| match source.version() {
                Ok(version) => Ok((source, version)),
                Err(error) => Err(error.to_string()),
            };
            match source.and_then(version) {
                Ok((source, version)) => self.found(name, source, version, true, walk),
                Err(why) => self.warned.once(&link, &why),
            }
        }
    }
}

/// One time that it is looked.
struct Walk<'a> {
    dir: Arc<Dir>,
    seen: &'a mut Seen,
    /// The directories that it is in now.
    within: Vec<PathBuf>,
}

impl Walk<'_> {
    fn failed(&mut self, name: &str, error: &io::Error, warned: &mut Warned) {
        use io::ErrorKind::{InvalidInput, NotADirectory, NotFound};
        if !matches!(error.kind(), NotFound | NotADirectory | InvalidInput) {
            warned.once(name, &error.to_string());
            self.seen.unknown.push(name.to_owned());
        }
    }
}
