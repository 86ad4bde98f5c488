//! What a server has, and who is being served with it: the one lock of a server.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Instant;

use tokio::sync::Notify;

use super::ClientInfo;
use crate::disk::{Mount, MountChange, Source};
use crate::session::{ServerOutput, ServerSession};
use crate::{Audience, Catalogue, Change, Done, Entry, Job, Version, VirtualPath};

/// What has put names into the catalogue: a mount, or one call of `publish`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Owner(u64);

/// The number of a client's connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct VisitId(u64);

#[derive(Default)]
pub(super) struct Stock {
    catalogue: Catalogue,
    /// Whose a name is: the last who gave it.
    owners: BTreeMap<VirtualPath, Owner>,
    mounts: BTreeMap<Owner, (VirtualPath, Mount)>,
    /// Files that were published one by one, with what they are watched for.
    single: BTreeMap<VirtualPath, (Owner, PathBuf, Audience)>,
    visits: BTreeMap<VisitId, Visitor>,
    last: u64,
}

/// One client's connection.
struct Visitor {
    session: ServerSession,
    info: ClientInfo,
    /// Wakes its task.
    wake: Arc<Notify>,
}

impl Stock {
    pub(super) fn next_owner(&mut self) -> Owner {
        self.last += 1;
        Owner(self.last)
    }

    /// A name has another state, or another owner.
    fn update(
        &mut self,
        owner: Owner,
        name: VirtualPath,
        source: Source,
        version: Version,
        audience: Audience,
    ) {
        self.owners.insert(name.clone(), owner);
        if let Some(change) = self.catalogue.insert(Entry::new(name, source, version, audience)) {
            self.tell(&change);
        }
    }

    /// A name is gone, if it is still this owner's.
    fn remove(&mut self, owner: Owner, name: &VirtualPath) {
        if self.owners.get(name) == Some(&owner) {
            self.owners.remove(name);
            if let Some(change) = self.catalogue.remove(name) {
                self.tell(&change);
            }
        }
    }

    fn tell(&mut self, change: &Change) {
        for visitor in self.visits.values_mut() {
            visitor.session.handle_change(change);
            visitor.wake.notify_one();
        }
    }

    /// What a mount has seen.
    pub(super) fn mount_changed(
        &mut self,
        owner: Owner,
        audience: &Audience,
        changes: Vec<MountChange>,
    ) {
        for change in changes {
            match change {
                MountChange::Updated { name, source, version } => {
                    self.update(owner, name, source, version, audience.clone());
                }
                MountChange::Removed { name } => self.remove(owner, &name),
            }
        }
    }

    /// Keeps a mount; the one that had the same alias is given back.
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

    /// Takes a mount and all that is its out. It is to be dropped when the lock is free.
    pub(super) fn take_mount(&mut self, alias: &VirtualPath) -> Option<Mount> {
        let (&owner, _) = self.mounts.iter().find(|(_, (of, _))| of == alias)?;
        let (_, mount) = self.mounts.remove(&owner)?;
        let names: Vec<_> = self
            .owners
            .iter()
            .filter(|(_, of)| **of == owner)
            .map(|(name, _)| name.clone())
            .collect();
        for name in names {
            self.remove(owner, &name);
        }
        Some(mount)
    }

    /// All mounts, for the end.
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
        let owner = self.next_owner();
        let source = Source::anywhere(path.clone());
        self.single.insert(name.clone(), (owner, path, audience.clone()));
        self.update(owner, name, source, version, audience);
    }

    /// Takes a file out that was published by itself; false: there is none of that name.
    pub(super) fn retract(&mut self, name: &VirtualPath) -> bool {
        let Some((owner, ..)) = self.single.remove(name) else { return false };
        self.remove(owner, name);
        true
    }

    /// The files that were published one by one, and their states.
    pub(super) fn single(&self) -> Vec<(VirtualPath, PathBuf, Option<Version>)> {
        let state = |name| self.catalogue.get(name).map(|entry| entry.version);
        self.single
            .iter()
            .map(|(name, (_, path, _))| (name.clone(), path.clone(), state(name)))
            .collect()
    }

    /// One of them was looked at: another state, or gone for now.
    pub(super) fn single_changed(&mut self, name: &VirtualPath, version: Option<Version>) {
        let Some((owner, path, audience)) = self.single.get(name).cloned() else { return };
        match version {
            Some(version) => {
                if self.owners.get(name).is_none_or(|of| *of == owner) {
                    self.update(owner, name.clone(), Source::anywhere(path), version, audience);
                }
            }
            None => self.remove(owner, name),
        }
    }

    /// A client has come.
    pub(super) fn visit(
        &mut self,
        session: ServerSession,
        info: ClientInfo,
        wake: Arc<Notify>,
    ) -> VisitId {
        self.last += 1;
        let id = VisitId(self.last);
        self.visits.insert(id, Visitor { session, info, wake });
        id
    }

    pub(super) fn leave(&mut self, id: VisitId) {
        self.visits.remove(&id);
    }

    /// Which tags each client has now.
    pub(super) fn retag(&mut self, tags: impl Fn(&ClientInfo) -> BTreeSet<Arc<str>>) {
        let Self { catalogue, visits, .. } = self;
        for visitor in visits.values_mut() {
            visitor.session.set_tags(tags(&visitor.info), catalogue);
            visitor.wake.notify_one();
        }
    }

    /// What a client says.
    pub(super) fn message(&mut self, id: VisitId, now: Instant, frames: &[bytes::Bytes]) {
        let Self { catalogue, visits, .. } = self;
        if let Some(visitor) = visits.get_mut(&id) {
            visitor.session.handle_message(now, frames, catalogue);
        }
    }

    /// What came of the jobs for a client.
    pub(super) fn done(&mut self, id: VisitId, done: Vec<Done>) {
        if let Some(visitor) = self.visits.get_mut(&id) {
            done.into_iter().for_each(|done| visitor.session.handle_done(done));
        }
    }

    /// Tells a session the time; says what it has to say.
    pub(super) fn outputs(&mut self, id: VisitId, now: Instant) -> Vec<ServerOutput> {
        let Some(visitor) = self.visits.get_mut(&id) else { return Vec::new() };
        visitor.session.handle_timeout(now);
        std::iter::from_fn(|| visitor.session.poll_output()).collect()
    }

    /// The next things to read for a client, as long as `enough` does not say so.
    pub(super) fn jobs(&mut self, id: VisitId, mut enough: impl FnMut(&Job) -> bool) -> Vec<Job> {
        let Self { catalogue, visits, .. } = self;
        let mut jobs = Vec::new();
        let Some(visitor) = visits.get_mut(&id) else { return jobs };
        while let Some(job) = visitor.session.poll_job(catalogue) {
            let last = enough(&job);
            jobs.push(job);
            if last {
                break;
            }
        }
        jobs
    }

    pub(super) fn next_deadline(&self, id: VisitId) -> Option<Instant> {
        self.visits.get(&id)?.session.next_deadline()
    }
}
