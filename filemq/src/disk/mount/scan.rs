//! Scans a directory. Names are relative to the mount here, with `/` between components.

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::ln_file::{self, LinkTargets};
use super::options::MountOptions;
use crate::VirtualPath;
use crate::disk::{Directory, FileKind, FileSource, FileStatus, FileSystem, OpenMode, SharedRoot};
use crate::version::Version;

/// The most warnings about different files.
const MAX_WARNINGS: usize = 1000;

/// The most other names that are looked at when one name changes.
const MAX_OTHER_NAMES: usize = 1000;

const LINK_LOOP: &str = "the link leads to a directory that it is in";

/// A file that can be published.
#[derive(Debug)]
pub(super) struct ScannedFile {
    pub(super) name: VirtualPath,
    pub(super) source: FileSource,
    pub(super) version: Version,
    /// Whether it is the target of a `.ln` file.
    pub(super) linked: bool,
}

/// What a scan found.
#[derive(Debug, Default)]
pub(super) struct ScanResult {
    pub(super) files: BTreeMap<String, ScannedFile>,
    /// Names that could not be read: what is below them is unknown.
    pub(super) unknown: Vec<String>,
    /// Whether the name that was asked for is a directory.
    pub(super) directory: bool,
    entries: usize,
}

impl ScanResult {
    /// Returns whether there is a file of this name, or a directory with files.
    fn has(&self, name: &str) -> bool {
        let below = format!("{name}/");
        self.files.contains_key(name)
            || self.files.range(below.clone()..).next().is_some_and(|(n, _)| n.starts_with(&below))
    }
}

/// Warns once about each file and reason.
#[derive(Debug, Default)]
pub(super) struct WarnOnce(BTreeSet<String>);

impl WarnOnce {
    pub(super) fn warn(&mut self, what: &str, why: &str) {
        if self.0.len() < MAX_WARNINGS && self.0.insert(format!("{what}\0{why}")) {
            tracing::warn!(file = what, why, "not published");
        }
    }
}

/// Scans a directory.
#[derive(Debug)]
pub(super) struct Scanner {
    pub(super) system: Arc<dyn FileSystem>,
    pub(super) options: MountOptions,
    pub(super) root: Arc<SharedRoot>,
    /// The path of the directory, without links.
    pub(super) real: PathBuf,
    targets: LinkTargets,
    pub(super) warnings: WarnOnce,
    /// Symbolic links within the mount: their names, and where they lead.
    links: BTreeMap<String, PathBuf>,
}

impl Scanner {
    pub(super) fn new(
        system: Arc<dyn FileSystem>,
        options: MountOptions,
        root: Arc<SharedRoot>,
        real: PathBuf,
    ) -> Self {
        let targets = LinkTargets::new(system.clone(), &options.links);
        let (warnings, links) = (WarnOnce::default(), BTreeMap::new());
        Self { system, options, root, real, targets, warnings, links }
    }

    /// Scans everything.
    pub(super) fn all(&mut self) -> ScanResult {
        self.targets.refresh();
        self.links.clear();
        let mut seen = ScanResult { directory: true, ..ScanResult::default() };
        let mut walk = Walk { dir: self.root.directory(), seen: &mut seen, within: Vec::new() };
        self.directory("", PathBuf::new(), &mut walk);
        seen
    }

    /// Scans one name and everything below it.
    pub(super) fn look(&mut self, name: &str) -> ScanResult {
        let mut seen = ScanResult::default();
        if name.is_empty() {
            return self.all();
        }
        if name.split('/').any(|component| component.starts_with('.')) {
            return seen;
        }
        let below = format!("{name}/");
        self.links.retain(|link, _| link != name && !link.starts_with(&below));
        let within = self.ancestors(name);
        let mut walk = Walk { dir: self.root.directory(), seen: &mut seen, within };
        let real = self.real(name);
        self.named(name, real, &mut walk);
        if !seen.directory && !seen.files.contains_key(name) && seen.unknown.is_empty() {
            let link = format!("{name}{}", ln_file::ENDING);
            let mut walk = Walk { dir: self.root.directory(), seen: &mut seen, within: Vec::new() };
            let real = self.real(&link);
            self.named(&link, real, &mut walk);
        }
        seen
    }

    /// Returns the path of a name, through the symbolic links that are known.
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

    /// Returns other names that lead to this path through symbolic links.
    pub(super) fn other_names(&self, path: &str) -> Vec<String> {
        let name = |(link, real): (&String, &PathBuf)| {
            let rest = Path::new(path).strip_prefix(real).ok()?.to_str()?;
            Some(if rest.is_empty() { link.clone() } else { format!("{link}/{rest}") })
        };
        self.links.iter().filter_map(name).take(MAX_OTHER_NAMES).collect()
    }

    fn named(&mut self, name: &str, real: PathBuf, walk: &mut Walk<'_>) {
        match walk.dir.link_status(&real) {
            Ok(status) => {
                walk.seen.directory |= status.kind == FileKind::Directory;
                let mut linked = Vec::new();
                self.entry(name, real, &status, walk, &mut linked);
                self.follow(linked, walk);
            }
            Err(error) => walk.failed(name, &error, &mut self.warnings),
        }
    }

    fn directory(&mut self, name: &str, real: PathBuf, walk: &mut Walk<'_>) {
        if walk.within.contains(&real) {
            return self.warnings.warn(name, LINK_LOOP);
        }
        if name.split('/').count() > self.options.depth && !name.is_empty() {
            return self.warnings.warn(name, "its directories are nested too deeply");
        }
        let entries = match walk.dir.list(&real) {
            Ok(entries) => entries,
            Err(error) => return walk.failed(name, &error, &mut self.warnings),
        };
        walk.within.push(real.clone());
        let mut linked = Vec::new();
        for entry in entries {
            let entry = match entry {
                Ok(entry) => entry,
                Err(error) => {
                    walk.failed(name, &error, &mut self.warnings);
                    break;
                }
            };
            let Some(file) = entry.name.to_str() else {
                self.warnings.warn(&entry.name.to_string_lossy(), "its name is not UTF-8");
                continue;
            };
            if file.starts_with('.') {
                continue;
            }
            walk.seen.entries += 1;
            if walk.seen.entries > self.options.files.saturating_mul(4) {
                self.warnings.warn(name, "too many files and directories");
                walk.seen.unknown.push(name.to_owned());
                break;
            }
            let slash = if name.is_empty() { "" } else { "/" };
            let below = format!("{name}{slash}{file}");
            match &entry.status {
                Ok(status) => self.entry(&below, real.join(file), status, walk, &mut linked),
                Err(error) => walk.failed(&below, error, &mut self.warnings),
            }
        }
        self.follow(linked, walk);
        walk.within.pop();
    }

    fn entry(
        &mut self,
        name: &str,
        real: PathBuf,
        status: &FileStatus,
        walk: &mut Walk<'_>,
        linked: &mut Vec<(String, PathBuf)>,
    ) {
        match status.kind {
            FileKind::Directory => self.directory(name, real, walk),
            FileKind::Symlink => self.symlink(name, &real, walk, linked),
            FileKind::File if name.ends_with(ln_file::ENDING) => {
                linked.push((name.to_owned(), real));
            }
            FileKind::File => {
                if let Ok(version) = Version::of(status) {
                    let source = FileSource::beneath(self.root.clone(), real);
                    self.found(name, source, version, false, walk);
                }
            }
            // A FIFO, for instance, has no content that could be sent.
            FileKind::Other => {}
        }
    }

    fn found(
        &mut self,
        name: &str,
        source: FileSource,
        version: Version,
        linked: bool,
        walk: &mut Walk<'_>,
    ) {
        match self.options.alias.join(name) {
            Ok(virtual_path) => {
                let found = ScannedFile { name: virtual_path, source, version, linked };
                walk.seen.files.insert(name.to_owned(), found);
            }
            Err(error) => self.warnings.warn(name, &error.to_string()),
        }
    }

    fn symlink(
        &mut self,
        name: &str,
        real: &Path,
        walk: &mut Walk<'_>,
        linked: &mut Vec<(String, PathBuf)>,
    ) {
        let target = match self.system.canonicalize(&self.real.join(real)) {
            Ok(target) => target,
            Err(error) => return self.warnings.warn(name, &error.to_string()),
        };
        let Ok(target) = target.strip_prefix(&self.real) else {
            return self.warnings.warn(name, "the link leads out of the directory");
        };
        let status = walk.dir.link_status(match target.as_os_str().is_empty() {
            true => Path::new("."),
            false => target,
        });
        match status {
            // It is being changed at this moment, which will be reported.
            Ok(status) if status.kind == FileKind::Symlink => {}
            Ok(_) if walk.within.iter().any(|above| above == target) => {
                self.warnings.warn(name, LINK_LOOP);
            }
            Ok(status) => {
                let target = target.to_owned();
                self.links.insert(name.to_owned(), target.clone());
                walk.seen.directory |= status.kind == FileKind::Directory;
                self.entry(name, target, &status, walk, linked);
            }
            Err(error) => walk.failed(name, &error, &mut self.warnings),
        }
    }

    /// Follows `.ln` files. A file of the name without the ending has precedence.
    fn follow(&mut self, linked: Vec<(String, PathBuf)>, walk: &mut Walk<'_>) {
        for (link, real) in linked {
            let Some(name) = link.strip_suffix(ln_file::ENDING).filter(|name| !name.is_empty())
            else {
                continue;
            };
            if name.ends_with('/') || walk.seen.has(name) {
                continue;
            }
            let opened = walk.dir.open_file(&real, OpenMode::Read);
            let opened = opened.map_err(|error| error.to_string());
            let source = opened.and_then(|file| self.targets.follow(&file));
            let version = |source: FileSource| match source.version() {
                Ok(version) => Ok((source, version)),
                Err(error) => Err(error.to_string()),
            };
            match source.and_then(version) {
                Ok((source, version)) => self.found(name, source, version, true, walk),
                Err(why) => self.warnings.warn(&link, &why),
            }
        }
    }
}

/// One scan.
struct Walk<'a> {
    dir: Directory,
    seen: &'a mut ScanResult,
    /// The directories that it is in now.
    within: Vec<PathBuf>,
}

impl Walk<'_> {
    fn failed(&mut self, name: &str, error: &io::Error, warnings: &mut WarnOnce) {
        use io::ErrorKind::{InvalidInput, NotADirectory, NotFound};
        if !matches!(error.kind(), NotFound | NotADirectory | InvalidInput) {
            warnings.warn(name, &error.to_string());
            self.seen.unknown.push(name.to_owned());
        }
    }
}
