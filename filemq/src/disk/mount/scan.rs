//! Scans a directory. Names are relative to the mount here, with `/` between components.

use std::collections::BTreeMap;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Instant;

use super::ln_file::{self, LinkTargets, LnError};
use super::omissions::Omissions;
use super::options::MountOptions;
use super::patterns::Patterns;
use crate::disk::{Directory, FileKind, FileSource, FileStatus, FileSystem, OpenMode, SharedRoot};
use crate::fate::is_gone;
use crate::version::Version;
use crate::virtual_path::above;
use crate::{Fate, Omission, VirtualPath};

/// The most other names that are looked at when one name changes.
const MAX_OTHER_NAMES: usize = 1000;

/// Where a received folder has its own files, which are of no use to others.
const OWN: &str = ".filemq";

const LINK_LOOP: &str = "it leads to a directory that it is in";

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
    /// Why the first of them could not be read.
    pub(super) first_failure: Option<io::Error>,
    /// Whether the name that was asked for is a directory.
    pub(super) directory: bool,
    /// Directories below it that were not looked into.
    pub(super) below: Vec<String>,
    entries: usize,
}

impl ScanResult {
    /// Returns whether there is a file of this name, or a directory with files.
    fn has(&self, name: &str) -> bool {
        let below = format!("{name}/");
        self.files.contains_key(name)
            || self.below.iter().any(|directory| directory == name)
            || self.files.range(below.clone()..).next().is_some_and(|(n, _)| n.starts_with(&below))
    }
}

/// How far a scan goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum How {
    /// To all that there is.
    Whole,
    /// To what is in the directory, and not into those in it.
    Level,
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
    patterns: Patterns,
    pub(super) omissions: Omissions,
    /// Symbolic links within the mount: their names, and where they lead.
    links: BTreeMap<String, PathBuf>,
}

impl Scanner {
    pub(super) fn new(
        system: Arc<dyn FileSystem>,
        options: MountOptions,
        root: Arc<SharedRoot>,
        real: PathBuf,
        patterns: Patterns,
    ) -> Self {
        let targets = LinkTargets::new(system.clone(), &options.links);
        let (omissions, links) = (Omissions::default(), BTreeMap::new());
        Self { system, options, root, real, targets, patterns, omissions, links }
    }

    /// Scans everything.
    pub(super) fn all(&mut self) -> ScanResult {
        self.targets.refresh();
        self.links.clear();
        self.omissions.clear();
        let mut seen = ScanResult { directory: true, ..ScanResult::default() };
        let mut walk = Walk::new(self.root.directory(), &mut seen, How::Whole);
        let stable = self.options.stable;
        if let Err(why) = self.patterns.refresh(&walk.dir, Instant::now(), stable) {
            let name = self.patterns.file_name().unwrap_or_default().to_owned();
            walk.seen.unknown.push(name.clone());
            self.omissions.add(&name, Omission::Unreadable(why.into()));
        }
        self.directory("", PathBuf::new(), &mut walk);
        seen
    }

    /// Scans one name and what is below it.
    pub(super) fn look(&mut self, name: &str, how: How) -> ScanResult {
        let mut seen = ScanResult::default();
        if name.is_empty() {
            return self.all();
        }
        let ignored_above = above(name).find(|above| self.patterns.match_name(above, true));
        if self.patterns.is_file(name) {
            return seen;
        }
        if let Some(hidden) = self.left_out(name) {
            if ignored_above.is_none() {
                self.look_at_hidden(hidden);
            }
            return seen;
        }
        if ignored_above.is_some() {
            return seen;
        }
        self.omissions.forget(name);
        let below = format!("{name}/");
        self.links.retain(|link, _| link != name && !link.starts_with(&below));
        let within = self.ancestors(name);
        let mut walk = Walk { within, ..Walk::new(self.root.directory(), &mut seen, how) };
        let real = self.real(name);
        self.named(name, real, &mut walk);
        if !seen.directory && !seen.files.contains_key(name) && seen.unknown.is_empty() {
            let link = format!("{name}{}", ln_file::ENDING);
            let mut walk = Walk::new(self.root.directory(), &mut seen, how);
            let real = self.real(&link);
            self.named(&link, real, &mut walk);
        }
        seen
    }

    /// Notes whether there is something of a hidden name.
    fn look_at_hidden(&mut self, name: &str) {
        self.omissions.forget(name);
        if let Ok(status) = self.root.directory().link_status(&self.real(name)) {
            self.omit_hidden(name, status.kind);
        }
    }

    /// Notes that a hidden name is not published, if that is worth telling.
    fn omit_hidden(&mut self, name: &str, kind: FileKind) {
        if self.patterns.match_name(name, kind == FileKind::Directory) {
            self.omissions.add(name, Omission::Ignored);
        } else {
            self.omissions.add(name, Omission::Hidden);
        }
    }

    /// Returns the part of a name up to the first component that is hidden and not published.
    fn left_out<'a>(&self, name: &'a str) -> Option<&'a str> {
        match self.options.hidden {
            true => above(name).chain([name]).find(|above| above.rsplit('/').next() == Some(OWN)),
            false => hidden(name),
        }
    }

    /// Returns whether this is the file of patterns.
    pub(super) fn is_pattern_file(&self, name: &str) -> bool {
        self.patterns.is_file(name)
    }

    /// Returns when to scan everything next because of the patterns.
    pub(super) fn next_deadline(&self) -> Option<Instant> {
        self.patterns.next_deadline()
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
        let above = above(name)
            .map(|above| self.links.get(above).cloned().unwrap_or_else(|| self.real(above)));
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
            Err(error) => walk.failed(name, error, &mut self.omissions),
        }
    }

    fn directory(&mut self, name: &str, real: PathBuf, walk: &mut Walk<'_>) {
        if walk.within.contains(&real) {
            return self.omissions.add(name, Omission::Link(LINK_LOOP.into()));
        }
        if name.split('/').count() > self.options.depth && !name.is_empty() {
            return self.omissions.add(name, Omission::Depth { limit: self.options.depth });
        }
        let entries = match walk.dir.list(&real) {
            Ok(entries) => entries,
            Err(error) => return walk.failed(name, error, &mut self.omissions),
        };
        walk.within.push(real.clone());
        let mut linked = Vec::new();
        for entry in entries {
            let entry = match entry {
                Ok(entry) => entry,
                Err(error) => {
                    walk.failed(name, error, &mut self.omissions);
                    break;
                }
            };
            let Some(file) = entry.name.to_str() else {
                let shown = below(name, &entry.name.to_string_lossy());
                self.omissions.add(&shown, Omission::NotUtf8);
                continue;
            };
            let below = below(name, file);
            if self.patterns.is_file(&below) {
                continue;
            }
            if file.starts_with('.') && !(self.options.hidden && file != OWN) {
                let kind = entry.status.as_ref().map_or(FileKind::Other, |status| status.kind);
                self.omit_hidden(&below, kind);
                continue;
            }
            walk.seen.entries += 1;
            if walk.seen.entries > self.options.files.saturating_mul(4) {
                self.omissions.add(name, Omission::TooMany { limit: self.options.files });
                walk.seen.unknown.push(name.to_owned());
                break;
            }
            match entry.status {
                Ok(status) => self.entry(&below, real.join(file), &status, walk, &mut linked),
                Err(error) => walk.failed(&below, error, &mut self.omissions),
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
        if self.patterns.match_name(name, status.kind == FileKind::Directory) {
            return self.omissions.add(name, Omission::Ignored);
        }
        match status.kind {
            FileKind::Directory if walk.stays_outside() => walk.seen.below.push(name.to_owned()),
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
            FileKind::Other => self.omissions.add(name, Omission::NotAFile),
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
            Err(error) => {
                self.omissions.add(name, Omission::Name(error.to_string().into()));
            }
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
            Err(error) if is_dangling(&error) => {
                return self.omissions.add(name, Omission::Link(error.to_string().into()));
            }
            Err(error) => return walk.failed(name, error, &mut self.omissions),
        };
        let Ok(target) = target.strip_prefix(&self.real) else {
            return self.omissions.add(name, Omission::LinkOut);
        };
        let status = walk.dir.link_status(match target.as_os_str().is_empty() {
            true => Path::new("."),
            false => target,
        });
        match status {
            // It is being changed at this moment, which will be reported.
            Ok(status) if status.kind == FileKind::Symlink => {}
            Ok(_) if walk.within.iter().any(|above| above == target) => {
                self.omissions.add(name, Omission::Link(LINK_LOOP.into()));
            }
            Ok(status) => {
                let target = target.to_owned();
                self.links.insert(name.to_owned(), target.clone());
                walk.seen.directory |= status.kind == FileKind::Directory;
                self.entry(name, target, &status, walk, linked);
            }
            Err(error) => walk.failed(name, error, &mut self.omissions),
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
            if self.patterns.match_name(name, false) {
                self.omissions.add(name, Omission::Ignored);
                continue;
            }
            match self.target(&real, &walk.dir) {
                Ok((source, version)) => self.found(name, source, version, true, walk),
                Err(LnError::Text(why)) => self.omissions.add(&link, Omission::Link(why.into())),
                Err(LnError::Io(error)) if is_dangling(&error) => {
                    self.omissions.add(&link, Omission::Link(error.to_string().into()));
                }
                Err(LnError::Io(error)) => walk.failed(name, error, &mut self.omissions),
            }
        }
    }

    /// Returns where a `.ln` file leads.
    fn target(&self, link: &Path, within: &Directory) -> Result<(FileSource, Version), LnError> {
        let source = self.targets.follow(&within.open_file(link, OpenMode::Read)?)?;
        let version = source.version()?;
        Ok((source, version))
    }
}

fn below(directory: &str, name: &str) -> String {
    let slash = if directory.is_empty() { "" } else { "/" };
    [directory, slash, name].concat()
}

/// Returns the part of a name up to the first hidden component, if there is one.
fn hidden(name: &str) -> Option<&str> {
    let start = if name.starts_with('.') { 0 } else { name.find("/.")? + 1 };
    let end = name[start..].find('/').map_or(name.len(), |end| start + end);
    Some(&name[..end])
}

/// Returns whether a link leads to nothing that could be published, and not only for now.
fn is_dangling(error: &io::Error) -> bool {
    is_gone(error) || !Fate::of(error).is_passing()
}

/// One scan.
struct Walk<'a> {
    dir: Directory,
    seen: &'a mut ScanResult,
    how: How,
    /// The directories that it is in now.
    within: Vec<PathBuf>,
}

impl<'a> Walk<'a> {
    const fn new(dir: Directory, seen: &'a mut ScanResult, how: How) -> Self {
        Self { dir, seen, how, within: Vec::new() }
    }

    /// Returns whether a directory is not looked into: it is one of those in the directory.
    fn stays_outside(&self) -> bool {
        self.how == How::Level && self.seen.entries > 0
    }

    /// Notes that a name could not be looked at, unless that is because it is gone.
    fn failed(&mut self, name: &str, error: io::Error, omissions: &mut Omissions) {
        // The directory itself was there a moment ago: that it is gone is found out elsewhere.
        if name.is_empty() || !is_gone(&error) {
            omissions.add(name, Omission::Unreadable(error.to_string().into()));
            self.seen.unknown.push(name.to_owned());
            self.seen.first_failure.get_or_insert(error);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::hidden;

    #[test]
    fn a_hidden_name_is_known_by_its_first_hidden_component() {
        for (name, expected) in [
            ("a/b", None),
            ("a.b/c.", None),
            (".a", Some(".a")),
            (".a/b/.c", Some(".a")),
            ("a/.b/c", Some("a/.b")),
            ("a/b/.c", Some("a/b/.c")),
        ] {
            assert_eq!(hidden(name), expected, "{name}");
        }
    }
}
