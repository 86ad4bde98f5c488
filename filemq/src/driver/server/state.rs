//! What a server publishes, and the connections that hear of its changes: the one lock of a server.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Instant;

use tokio::sync::mpsc;

use super::event::ServerEvent;
use super::published::Published;
use super::unreadable::UnreadableFiles;
use crate::VirtualPath;
use crate::catalogue::{Audience, Catalogue, Change, Entry};
use crate::disk::{FileSource, Mount, MountChange};
use crate::version::Version;

/// What has put names into the catalogue: a mount, or one call of `publish`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Owner(u64);

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
    /// The owner of each name: the last that has published it.
    owners: BTreeMap<VirtualPath, Owner>,
    mounts: BTreeMap<Owner, (VirtualPath, Mount)>,
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

    /// Returns a new owner, which publishes below this name.
    /// What is not there when it has `settled` is gone.
    pub(super) fn next_owner(&mut self, name: VirtualPath, settled: Instant) -> Owner {
        self.last_owner += 1;
        let owner = Owner(self.last_owner);
        self.published.insert(owner, Published::new(name, settled));
        owner
    }

    /// Forgets an owner that publishes nothing any more.
    pub(super) fn forget_owner(&mut self, owner: Owner) {
        self.published.remove(&owner);
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

    /// Inserts a file, or its new state.
    fn insert(&mut self, owner: Owner, entry: Entry) -> Option<Change> {
        let (name, size) = (entry.name().clone(), entry.version().size);
        self.uncount(&name);
        if let Some(published) = self.published.get_mut(&owner) {
            published.add(size);
        }
        self.owners.insert(name, owner);
        let change = self.catalogue.insert(entry)?;
        self.unreadable.remove(change.entry().name());
        Some(change)
    }

    /// Takes a file off what its owner publishes.
    fn uncount(&mut self, name: &VirtualPath) {
        let owner = self.owners.get(name).and_then(|owner| self.published.get_mut(owner));
        if let (Some(published), Some(entry)) = (owner, self.catalogue.get(name)) {
            published.remove(entry.version().size);
        }
    }

    /// Removes a name, if it still belongs to this owner.
    fn remove(&mut self, owner: Owner, name: &VirtualPath) -> Option<Change> {
        if self.owners.get(name) != Some(&owner) {
            return None;
        }
        self.uncount(name);
        self.owners.remove(name);
        self.unreadable.remove(name);
        self.catalogue.remove(name)
    }

    /// Takes over what a mount reports.
    pub(super) fn mount_changed(
        &mut self,
        owner: Owner,
        audience: &Audience,
        changes: Vec<MountChange>,
    ) {
        let apply = |change| match change {
            MountChange::Omitted(omitted) => {
                if let Some(published) = self.published.get_mut(&owner) {
                    published.omit(omitted);
                }
                None
            }
            MountChange::Updated { name, source, version } => {
                self.insert(owner, Entry::new(name, source, version, audience.clone()))
            }
            MountChange::Removed { name } => self.remove(owner, &name),
        };
        let changes = changes.into_iter().filter_map(apply).collect();
        self.tell_changes(changes);
        self.know(Instant::now());
    }

    /// Notes that all there is at or below what is complete is in the catalogue: clients are told of
    /// what was removed before the server was started.
    pub(super) fn know(&mut self, now: Instant) {
        let complete = self.published.values().filter(|published| published.is_complete(now));
        let paths = complete.map(|published| &published.name);
        let paths: Vec<_> = paths.filter(|path| self.catalogue.know(path)).cloned().collect();
        for path in paths {
            self.tell(&Notice::Known(path));
        }
    }

    /// Keeps a mount, and returns the one that had the same alias.
    pub(super) fn keep_mount(
        &mut self,
        owner: Owner,
        alias: VirtualPath,
        mount: Mount,
    ) -> Option<Mount> {
        let old = self.take_mount(&alias);
        self.mounts.insert(owner, (alias, mount));
        old
    }

    /// Removes a mount with everything that it has published. Drop it when the lock is free.
    pub(super) fn take_mount(&mut self, alias: &VirtualPath) -> Option<Mount> {
        let (&owner, _) = self.mounts.iter().find(|(_, (of, _))| of == alias)?;
        let (_, mount) = self.mounts.remove(&owner)?;
        let names: Vec<_> = self
            .owners
            .iter()
            .filter(|(_, of)| **of == owner)
            .map(|(name, _)| name.clone())
            .collect();
        let changes = names.iter().filter_map(|name| self.remove(owner, name)).collect();
        self.tell_changes(changes);
        self.forget_owner(owner);
        Some(mount)
    }

    /// Takes all mounts, at the end of the server.
    pub(super) fn take_mounts(&mut self) -> Vec<Mount> {
        std::mem::take(&mut self.mounts).into_values().map(|(_, mount)| mount).collect()
    }

    /// Publishes one file.
    pub(super) fn publish(
        &mut self,
        name: VirtualPath,
        path: PathBuf,
        version: Version,
        audience: Audience,
    ) {
        let owner = self.next_owner(name.clone(), Instant::now());
        let entry =
            Entry::new(name.clone(), FileSource::anywhere(path.clone()), version, audience.clone());
        if let Some(old) = self.single.insert(name, SingleFile { owner, path, audience }) {
            self.forget_owner(old.owner);
        }
        let change = self.insert(owner, entry);
        self.tell_changes(change.into_iter().collect());
        self.know(Instant::now());
    }

    /// Removes a file that was published by itself. Returns `false` if there is none of that name.
    pub(super) fn retract(&mut self, name: &VirtualPath) -> bool {
        let Some(SingleFile { owner, .. }) = self.single.remove(name) else { return false };
        let change = self.remove(owner, name);
        self.forget_owner(owner);
        self.tell_changes(change.into_iter().collect());
        true
    }

    /// Returns the files that were published one by one, with their states.
    pub(super) fn single(&self) -> Vec<(VirtualPath, PathBuf, Option<Version>)> {
        let version = |name| self.catalogue.get(name).map(|entry| *entry.version());
        self.single
            .iter()
            .map(|(name, file)| (name.clone(), file.path.clone(), version(name)))
            .collect()
    }

    /// Takes over the state of a file that was published by itself; `None` if it is gone for now.
    pub(super) fn single_changed(&mut self, name: &VirtualPath, version: Option<Version>) {
        let Some(SingleFile { owner, path, audience }) = self.single.get(name).cloned() else {
            return;
        };
        let change = match version {
            Some(version) if self.owners.get(name).is_none_or(|of| *of == owner) => {
                let source = FileSource::anywhere(path);
                self.insert(owner, Entry::new(name.clone(), source, version, audience))
            }
            Some(_) => None,
            None => self.remove(owner, name),
        };
        self.tell_changes(change.into_iter().collect());
    }
}
