//! What is published, and what will be once it is stable.

use std::collections::btree_map::Entry;
use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant, SystemTime};

use super::change::MountChange;
use super::omissions::Omissions;
use super::scan::{ScanResult, ScannedFile};
use crate::disk::FileSource;
use crate::version::Version;
use crate::{Omission, OmittedFiles, VirtualPath};

#[derive(Debug)]
struct MountedFile {
    name: VirtualPath,
    source: FileSource,
    linked: bool,
    published: Option<Version>,
    /// A version that is not stable yet, and when it will be.
    pending: Option<(Version, Instant)>,
}

/// The files of a mount. Names are relative to it.
#[derive(Debug)]
pub(super) struct MountState {
    stable: Duration,
    limit: usize,
    files: BTreeMap<String, MountedFile>,
    due: BTreeSet<(Instant, String)>,
}

/// What remains to be reported.
#[derive(Debug, Default)]
pub(super) struct ChangeSet {
    removed: BTreeSet<VirtualPath>,
    updated: BTreeMap<VirtualPath, (FileSource, Version)>,
    unstable: BTreeSet<VirtualPath>,
    omitted: Vec<OmittedFiles>,
}

impl ChangeSet {
    /// Returns how many files are new or have changed, if nothing else is to be told with them.
    pub(super) fn additions(&self) -> usize {
        if self.removed.is_empty() { self.updated.len() } else { 0 }
    }

    /// Adds what is not published.
    pub(super) fn omit(&mut self, omitted: Vec<OmittedFiles>) {
        self.omitted.extend(omitted);
    }

    /// Returns the changes, with what is gone first.
    pub(super) fn into_list(self) -> Vec<MountChange> {
        let Self { removed, updated, unstable, omitted } = self;
        let removed = removed.into_iter().map(|name| MountChange::Removed { name });
        let unstable = unstable.into_iter().map(|name| MountChange::Unstable { name });
        let updated = updated.into_iter().map(|(name, (source, version))| MountChange::Updated {
            name,
            source,
            version,
        });
        let omitted = omitted.into_iter().map(MountChange::Omitted);
        removed.chain(updated).chain(unstable).chain(omitted).collect()
    }
}

impl MountState {
    pub(super) fn new(stable: Duration, limit: usize) -> Self {
        Self { stable, limit, files: BTreeMap::new(), due: BTreeSet::new() }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.files.is_empty()
    }

    /// When the next file becomes stable.
    pub(super) fn next(&self) -> Option<Instant> {
        self.due.first().map(|(due, _)| *due)
    }

    /// Files that should be stable by now.
    pub(super) fn due(&self, now: Instant) -> Vec<String> {
        let due = self.due.iter().take_while(|(due, _)| *due <= now);
        due.map(|(_, name)| name.clone()).collect()
    }

    /// Files that `.ln` files lead to.
    pub(super) fn linked(&self) -> impl Iterator<Item = &String> {
        self.files.iter().filter(|(_, file)| file.linked).map(|(name, _)| name)
    }

    /// Returns whether nothing is known at or below a name.
    pub(super) fn is_new(&self, name: &str) -> bool {
        self.known(name).next().is_none()
    }

    /// Takes over the result of a scan of this name and below, or of everything if it is empty.
    /// `reported` says whether the operating system has reported a change of the name.
    pub(super) fn reconcile(
        &mut self,
        name: &str,
        seen: ScanResult,
        reported: bool,
        omissions: &mut Omissions,
        changes: &mut ChangeSet,
    ) {
        let known: Vec<String> = self.known(name).cloned().collect();
        for gone in known {
            let unknown = |above: &String| covers(above, &gone);
            if !seen.files.contains_key(&gone) && !seen.unknown.iter().any(unknown) {
                self.remove(&gone, changes);
            }
        }
        let now = Instant::now();
        for (found_name, mut found) in seen.files {
            if reported && found_name == name && self.has_same_content(&found_name, &found) {
                found.version.changed.get_or_insert_with(SystemTime::now);
            }
            self.update(found_name, found, now, omissions, changes);
        }
    }

    /// Returns whether a file was published with what seems to be the same content.
    fn has_same_content(&self, name: &str, found: &ScannedFile) -> bool {
        let published = self.files.get(name).and_then(|file| file.published);
        published.is_some_and(|published| published.same_content(&found.version))
    }

    /// Returns the names that are known at or below a name: all, if it is empty.
    fn known(&self, name: &str) -> impl Iterator<Item = &String> {
        let above = if name.is_empty() { String::new() } else { format!("{name}/") };
        let below = self.files.range(above.clone()..);
        let below = below.take_while(move |(name, _)| name.starts_with(&above));
        let here = self.files.get_key_value(name);
        here.into_iter().chain(below).map(|(name, _)| name)
    }

    fn remove(&mut self, name: &str, changes: &mut ChangeSet) {
        let Some(file) = self.files.remove(name) else { return };
        if let Some((_, due)) = file.pending {
            self.due.remove(&(due, name.to_owned()));
        }
        changes.updated.remove(&file.name);
        // What was not told of need not be taken back.
        if !changes.unstable.remove(&file.name) {
            changes.removed.insert(file.name);
        }
    }

    fn update(
        &mut self,
        name: String,
        found: ScannedFile,
        now: Instant,
        omissions: &mut Omissions,
        changes: &mut ChangeSet,
    ) {
        let ScannedFile { name: virtual_path, source, version, linked } = found;
        let is_full = self.files.len() >= self.limit;
        let file = match self.files.entry(name.clone()) {
            Entry::Vacant(_) if is_full => {
                return omissions.add(&name, Omission::TooMany { limit: self.limit });
            }
            place => place.or_insert_with(|| MountedFile {
                name: virtual_path,
                source: source.clone(),
                linked,
                published: None,
                pending: None,
            }),
        };
        let moved = file.source.path() != source.path() || file.linked != linked;
        (file.source, file.linked) = (source, linked);
        let pending = file.pending.take();
        if let Some((_, due)) = pending {
            self.due.remove(&(due, name.clone()));
        }
        if !moved && file.published.is_some_and(|published| published.is_known_as(&version)) {
            return;
        }
        let due = match pending {
            Some((before, due)) if before.same_content(&version) => due,
            _ => now + self.stable.saturating_sub(age(version.modified)),
        };
        if due > now {
            file.pending = Some((version, due));
            self.due.insert((due, name));
            if file.published.is_none() && pending.is_none() {
                changes.unstable.insert(file.name.clone());
            }
            return;
        }
        file.published = Some(version);
        changes.removed.remove(&file.name);
        changes.unstable.remove(&file.name);
        changes.updated.insert(file.name.clone(), (file.source.clone(), version));
    }
}

/// Returns zero for a time in the future: such a file is stable when it has not changed for a
/// while.
fn age(modified: SystemTime) -> Duration {
    SystemTime::now().duration_since(modified).unwrap_or_default()
}

/// Returns whether a name is this one or lies below it.
fn covers(above: &str, name: &str) -> bool {
    above.is_empty()
        || name.strip_prefix(above).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}
