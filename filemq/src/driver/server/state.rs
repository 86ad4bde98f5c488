//! What a server publishes, and the connections that hear of its changes: the one lock of a server.

mod mounts;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::sync::mpsc;

use super::event::ServerEvent;
use super::published::{Owner, Published};
use super::unreadable::UnreadableFiles;
use super::waiting::WaitingFiles;
use crate::catalogue::{Audience, Catalogue, Change, Entry};
use crate::digest::Algorithm;
use crate::disk::{FileSource, Mount, MountChange, MountOptions};
use crate::version::Version;
use crate::{Omission, OmittedFiles, PublishError, VirtualPath};

/// With more owners than this all names are searched for one that is taken.
const MAX_ASKED: usize = 8;

/// News for a connection. They are sent under the lock, so a holder of the lock finds all of them
/// in its queue.
#[derive(Clone, Debug)]
pub(super) enum Notice {
    /// The catalogue has changed.
    Changed(Arc<[Change]>),
    /// The catalogue knows all there is at or below this path.
    Known(VirtualPath),
    /// The tags of clients may have changed.
    Retag,
    /// A file that could not be read can be read now.
    Readable,
}

#[derive(Default)]
pub(super) struct ServerState {
    catalogue: Catalogue,
    /// The owner of each name: the first that has published it.
    owners: BTreeMap<VirtualPath, Owner>,
    mounts: BTreeMap<VirtualPath, KeptMount>,
    /// Files whose names are taken.
    waiting: WaitingFiles,
    /// How much each owner publishes.
    published: BTreeMap<Owner, Published>,
    unreadable: UnreadableFiles,
    /// Files that were published one by one.
    single: BTreeMap<VirtualPath, SingleFile>,
    /// To each connection. They are not bounded: a connection takes its notices as soon as it runs,
    /// and all of them share one list of changes.
    connections: Vec<mpsc::UnboundedSender<Notice>>,
    last_owner: u64,
}

/// What was found when a file was read again.
pub(super) enum Recheck {
    /// It has the same content, in this state.
    Same(Version),
    /// It has another content.
    Other(Arc<Entry>),
}

/// A directory that is about to be published.
pub(super) struct Mounting {
    pub(super) path: PathBuf,
    pub(super) mount: Mount,
    pub(super) options: MountOptions,
    pub(super) audience: Audience,
    /// What it has at first.
    pub(super) found: Vec<MountChange>,
}

/// A directory that is published.
struct KeptMount {
    owner: Owner,
    mount: Mount,
    options: MountOptions,
    audience: Audience,
}

/// A file that was published by itself.
#[derive(Clone)]
struct SingleFile {
    owner: Owner,
    path: PathBuf,
    audience: Audience,
}

impl ServerState {
    pub(super) const fn catalogue(&self) -> &Catalogue {
        &self.catalogue
    }

    /// Adds a connection, and returns the notices that it gets from now on.
    pub(super) fn connect(&mut self) -> mpsc::UnboundedReceiver<Notice> {
        let (sender, notices) = mpsc::unbounded_channel();
        self.connections.retain(|connection| !connection.is_closed());
        self.connections.push(sender);
        notices
    }

    /// Has all connections determine the tags of their clients again.
    pub(super) fn retag(&mut self) {
        self.tell(&Notice::Retag);
    }

    fn tell(&mut self, notice: &Notice) {
        self.connections.retain(|connection| connection.send(notice.clone()).is_ok());
    }

    fn tell_changes(&mut self, changes: Vec<Change>) {
        if !changes.is_empty() {
            self.tell(&Notice::Changed(changes.into()));
        }
    }

    /// Returns a new owner, which is about to publish what is at `path` under this name or below it.
    pub(super) fn next_owner(&mut self, name: VirtualPath, path: PathBuf) -> Owner {
        self.last_owner += 1;
        let owner = Owner(self.last_owner);
        self.catalogue.expect_more(&name);
        self.published.insert(owner, Published::new(name, path));
        owner
    }

    /// Forgets an owner that publishes nothing any more, or has never published anything.
    pub(super) fn forget_owner(&mut self, owner: Owner) {
        self.waiting.forget(owner);
        let Some(published) = self.published.remove(&owner) else { return };
        published.expected().for_each(|path| self.catalogue.expect_no_more(path));
        // Something else may be published above, of which all is known.
        self.tell(&Notice::Known(published.name));
    }

    /// Notes that a file cannot be read.
    pub(super) fn cannot_be_read(&mut self, name: &VirtualPath, reason: Arc<str>) {
        if let Some(entry) = self.catalogue.get(name) {
            self.unreadable.add(entry.clone(), reason);
        }
    }

    /// Returns some of the files that cannot be read.
    pub(super) fn unreadable(&self) -> Vec<Arc<Entry>> {
        self.unreadable.some()
    }

    /// Notes whether files that could not be read can be opened now.
    pub(super) fn looked_at(&mut self, files: &[(Arc<Entry>, bool)]) {
        let mut hope = false;
        for (entry, is_open) in files {
            hope |= self.unreadable.looked_at(entry, *is_open);
        }
        if hope {
            self.tell(&Notice::Readable);
        }
    }

    /// Tells the application what is published and what is left out, if that is news. `tell` returns
    /// `false` if there is no room for an event, which is then told the next time.
    pub(super) fn tell_news(&mut self, mut tell: impl FnMut(ServerEvent) -> bool) {
        for published in self.published.values_mut() {
            let Published { name, files, bytes, told, omitted, .. } = published;
            if *told != Some(*files) && (told.is_some() || *files > 0) {
                let (name, files, bytes) = (name.clone(), *files, *bytes);
                if !tell(ServerEvent::Published { name, files, bytes }) {
                    return;
                }
                *told = Some(files);
            }
            while let Some((reason, omission)) = omitted.pop_first() {
                let event = ServerEvent::Omitted { name: name.clone(), omitted: omission.clone() };
                if !tell(event) {
                    omitted.insert(reason, omission);
                    return;
                }
            }
        }
        for omitted in self.unreadable.news() {
            let name = VirtualPath::root();
            if !tell(ServerEvent::Omitted { name, omitted: omitted.clone() }) {
                return;
            }
            self.unreadable.told(&omitted);
        }
    }

    /// Inserts a file, or its new state. If the name is taken it waits until that is free.
    fn insert(&mut self, owner: Owner, entry: impl Into<Arc<Entry>>) -> Option<Change> {
        let entry = entry.into();
        if self.holder(owner, entry.name()).is_some() {
            self.waiting.add(owner, entry);
            return None;
        }
        self.waiting.remove(owner, entry.name());
        let (name, size) = (entry.name().clone(), entry.version().size);
        if let Some(before) = self.owners.insert(name.clone(), owner) {
            self.uncount(before, &name);
        }
        if let Some(published) = self.published.get_mut(&owner) {
            published.add(size);
        }
        let change = self.catalogue.insert(entry)?;
        self.unreadable.remove(change.entry().name());
        Some(change)
    }

    /// Returns who else has published a file of this name, or one above or below it: a name cannot
    /// be that of a file and of a directory.
    fn holder(&self, owner: Owner, name: &VirtualPath) -> Option<Owner> {
        if !self.has_rivals(owner, name) {
            return None;
        }
        let above = name.above().filter_map(|name| self.owners.get(name));
        let within = name.within(&self.owners).map(|(_, owner)| owner);
        above.chain(within).copied().find(|holder| *holder != owner)
    }

    /// Returns whether a name may be taken by others. That saves looking for it among all names.
    fn has_rivals(&self, owner: Owner, name: &VirtualPath) -> bool {
        self.published.len() > MAX_ASKED
            || self.published.iter().any(|(other, published)| {
                let Published { name: of, files, .. } = published;
                *other != owner && *files > 0 && (of.covers(name) || name.covers(of))
            })
    }

    /// Returns the error that a name is taken by this owner.
    fn taken(&self, name: &VirtualPath, holder: Owner) -> PublishError {
        let holder = self.published.get(&holder).map(|published| published.path.clone());
        PublishError::NameTaken { name: name.clone(), holder: holder.unwrap_or_default() }
    }

    /// Publishes what has waited for a name that is free now.
    fn wake(&mut self, name: &VirtualPath) -> Vec<Change> {
        if self.waiting.is_empty() {
            return Vec::new();
        }
        let behind = self.waiting.behind(name);
        let insert = |(owner, name): (Owner, VirtualPath)| {
            let entry = self.waiting.remove(owner, &name)?;
            self.insert(owner, entry)
        };
        behind.into_iter().filter_map(insert).collect()
    }

    /// Notes how many files of each owner wait for their names, to be told.
    fn note_waiting(&mut self) {
        for (owner, count, example) in self.waiting.news() {
            let Some(published) = self.published.get_mut(&owner) else { continue };
            if std::mem::replace(&mut published.waiting, count) == count {
                continue;
            }
            let example = example
                .as_ref()
                .map_or("", |name| name.below(&published.name).unwrap_or_else(|| name.as_str()));
            let omitted = OmittedFiles::new(Omission::NameTaken, count, example);
            published.omitted.insert(Omission::NameTaken, omitted);
        }
    }

    /// Takes a file off what its owner publishes.
    fn uncount(&mut self, owner: Owner, name: &VirtualPath) {
        if let Some(published) = self.published.get_mut(&owner)
            && let Some(entry) = self.catalogue.get(name)
        {
            published.remove(entry.version().size);
        }
    }

    /// Removes a file of this owner, and publishes what has waited for its name.
    fn remove(&mut self, owner: Owner, name: &VirtualPath) -> Vec<Change> {
        if self.owners.get(name) != Some(&owner) {
            self.waiting.remove(owner, name);
            return Vec::new();
        }
        self.uncount(owner, name);
        self.owners.remove(name);
        self.unreadable.remove(name);
        let removed = self.catalogue.remove(name);
        removed.into_iter().chain(self.wake(name)).collect()
    }

    /// Takes over what a mount reports.
    pub(super) fn mount_changed(
        &mut self,
        now: Instant,
        owner: Owner,
        audience: &Audience,
        changes: Vec<MountChange>,
    ) {
        // The last words of a mount that is dropped.
        if !self.published.contains_key(&owner) {
            return;
        }
        let (mut told, mut over) = (Vec::new(), Vec::new());
        for change in changes {
            if let MountChange::Updated { name, .. } | MountChange::Removed { name } = &change
                && let Some(published) = self.published.get_mut(&owner)
                && published.wait_no_more(name)
            {
                self.catalogue.expect_no_more(name);
                over.push(name.clone());
            }
            match change {
                MountChange::Omitted(omitted) => {
                    if let Some(published) = self.published.get_mut(&owner) {
                        published.omit(omitted);
                    }
                }
                MountChange::Unstable { name } => {
                    if let Some(published) = self.published.get_mut(&owner)
                        && published.wait_for(name.clone())
                    {
                        self.catalogue.expect_more(&name);
                    }
                }
                MountChange::Updated { name, source, version } => {
                    told.extend(
                        self.insert(owner, Entry::new(name, source, version, audience.clone())),
                    );
                }
                MountChange::Removed { name } => told.extend(self.remove(owner, &name)),
            }
        }
        self.note_waiting();
        self.tell_changes(told);
        for name in over {
            if self.catalogue.get(&name).is_none() {
                self.tell(&Notice::Known(name));
            }
        }
        self.know(now);
    }

    /// Notes that all there is at or below what is complete is in the catalogue, and of the rest that
    /// it is not: clients are told of what was removed before the server was started.
    pub(super) fn know(&mut self, now: Instant) {
        let mut known = Vec::new();
        for published in self.published.values_mut() {
            let is_complete = published.has_settled(now);
            if std::mem::replace(&mut published.is_complete, is_complete) == is_complete {
                continue;
            }
            if is_complete {
                self.catalogue.expect_no_more(&published.name);
                self.catalogue.know(&published.name);
                known.push(published.name.clone());
            } else {
                self.catalogue.expect_more(&published.name);
            }
        }
        for path in known {
            self.tell(&Notice::Known(path));
        }
    }

    /// Returns the file of this owner, if in this state it may still have the content that is known by
    /// its digest, which only reading tells.
    pub(super) fn unsure(
        &self,
        owner: Owner,
        name: &VirtualPath,
        version: &Version,
    ) -> Option<Arc<Entry>> {
        let entry = self.catalogue.get(name)?;
        let before = entry.version();
        let is_unsure = self.owners.get(name) == Some(&owner)
            && before.may_have_content_of(version)
            && !before.is_known_as(version)
            && [Algorithm::Blake3, Algorithm::Sha1].iter().any(|a| entry.digest(*a).is_some());
        is_unsure.then(|| Arc::clone(entry))
    }

    /// Inserts a file that was read again, or notes that it has the same content.
    pub(super) fn rechecked(&mut self, owner: Owner, before: &Arc<Entry>, recheck: Recheck) {
        let changes = match recheck {
            Recheck::Same(version) => {
                before.touch(version);
                // A reader that was at it has found that something had changed.
                self.tell(&Notice::Readable);
                return;
            }
            Recheck::Other(fresh) if self.owners.get(fresh.name()) == Some(&owner) => {
                self.insert(owner, fresh)
            }
            // Something else was published meanwhile, or nothing.
            Recheck::Other(_) => return,
        };
        self.note_waiting();
        self.tell_changes(changes.into_iter().collect());
    }

    /// Publishes one file. What was published by itself under this name from the same path is
    /// published for this audience from now on.
    ///
    /// # Errors
    /// Something else has the name.
    pub(super) fn publish(
        &mut self,
        name: VirtualPath,
        path: PathBuf,
        version: Version,
        audience: Audience,
    ) -> Result<(), PublishError> {
        let known = self.single.get(&name).filter(|single| single.path == path);
        let known = known.map(|single| single.owner);
        let holder = match (self.single.get(&name), self.mounts.get(&name)) {
            (Some(single), _) if known.is_none() => Some(single.owner),
            (_, Some(mount)) => Some(mount.owner),
            _ => self.holder(known.unwrap_or(Owner(0)), &name),
        };
        if let Some(holder) = holder {
            return Err(self.taken(&name, holder));
        }
        let owner = known.unwrap_or_else(|| self.next_owner(name.clone(), path.clone()));
        if let Some(published) = self.published.get_mut(&owner) {
            published.found(Instant::now(), Duration::ZERO);
        }
        let entry =
            Entry::new(name.clone(), FileSource::anywhere(path.clone()), version, audience.clone());
        self.single.insert(name, SingleFile { owner, path, audience });
        let change = self.insert(owner, entry);
        self.tell_changes(change.into_iter().collect());
        self.know(Instant::now());
        Ok(())
    }

    /// Removes a file that was published by itself. Returns `false` if there is none of that name.
    pub(super) fn retract(&mut self, name: &VirtualPath) -> bool {
        let Some(SingleFile { owner, .. }) = self.single.remove(name) else { return false };
        let changes = self.remove(owner, name);
        self.forget_owner(owner);
        self.note_waiting();
        self.tell_changes(changes);
        true
    }

    /// Returns the state of a file that was published by itself, if it may still have the content that
    /// is known by its digest; with what it is now.
    pub(super) fn unsure_single(
        &self,
        name: &VirtualPath,
        version: Version,
    ) -> Option<(Owner, Arc<Entry>, Entry)> {
        let SingleFile { owner, path, audience } = self.single.get(name)?.clone();
        let before = self.unsure(owner, name, &version)?;
        let source = FileSource::anywhere(path);
        Some((owner, before, Entry::new(name.clone(), source, version, audience)))
    }

    /// Returns the files that were published one by one, with their states.
    pub(super) fn single(&self) -> Vec<(VirtualPath, PathBuf, Option<Version>)> {
        let version = |name: &VirtualPath, owner| match self.owners.get(name) {
            Some(of) if *of == owner => self.catalogue.get(name).map(|entry| entry.version()),
            _ => self.waiting.version(owner, name),
        };
        self.single
            .iter()
            .map(|(name, file)| (name.clone(), file.path.clone(), version(name, file.owner)))
            .collect()
    }

    /// Notes that it cannot be found out whether a file that was published by itself is there.
    pub(super) fn single_cannot_be_read(&mut self, name: &VirtualPath, reason: Arc<str>) {
        let owner = self.single.get(name).map(|single| single.owner);
        if owner.is_some() && owner.as_ref() == self.owners.get(name) {
            self.cannot_be_read(name, reason);
        }
    }

    /// Takes over the state of a file that was published by itself; `None` if it is gone for now.
    pub(super) fn single_changed(&mut self, name: &VirtualPath, version: Option<Version>) {
        let Some(SingleFile { owner, path, audience }) = self.single.get(name).cloned() else {
            return;
        };
        let changes = match version {
            Some(version) => {
                let source = FileSource::anywhere(path);
                let entry = Entry::new(name.clone(), source, version, audience);
                self.insert(owner, entry).into_iter().collect()
            }
            None => self.remove(owner, name),
        };
        self.note_waiting();
        self.tell_changes(changes);
    }
}
