//! How directories come to be published, change places, and go.

use std::collections::BTreeSet;
use std::path::Path;
use std::time::{Duration, Instant};

use super::{KeptMount, Mounting, ServerState};
use crate::catalogue::{Audience, Change};
use crate::disk::{Mount, MountChange, MountOptions};
use crate::driver::server::published::Owner;
use crate::{PublishError, VirtualPath};

/// The longest time that a mount may take to settle.
const MAX_SETTLE: Duration = Duration::from_secs(24 * 3600);

impl ServerState {
    /// Returns whether this directory is published in this way already.
    ///
    /// # Errors
    /// Something else has the name.
    pub(in crate::driver::server) fn check_mount(
        &self,
        path: &Path,
        options: &MountOptions,
        audience: &Audience,
    ) -> Result<bool, PublishError> {
        let name = &options.alias;
        if let Some(single) = self.single.get(name) {
            return Err(self.taken(name, single.owner));
        }
        let Some(mount) = self.mounts.get(name) else { return Ok(false) };
        if self.published.get(&mount.owner).is_some_and(|published| published.path != path) {
            return Err(self.taken(name, mount.owner));
        }
        Ok(mount.options == *options && mount.audience == *audience)
    }

    /// Keeps a mount with what it has found, in place of the one that had the same alias, which is
    /// returned: drop it when the lock is free.
    ///
    /// # Errors
    /// Something else has the name of the mount, or of a file in it.
    pub(in crate::driver::server) fn keep_mount(
        &mut self,
        now: Instant,
        owner: Owner,
        mounting: Mounting,
    ) -> Result<Option<Mount>, (Mount, PublishError)> {
        let Mounting { path, mount, options, audience, found } = mounting;
        let old = self.mounts.get(&options.alias).map(|old| old.owner);
        let checked = self.check_mount(&path, &options, &audience);
        if let Err(error) = checked.and_then(|_| self.check_names(owner, old, &found)) {
            return Err((mount, error));
        }
        let (alias, settle) = (options.alias.clone(), options.settle.min(MAX_SETTLE));
        let kept = KeptMount { owner, mount, options, audience: audience.clone() };
        let replaced = self.mounts.insert(alias, kept);
        let mut gone = Vec::new();
        if let Some(old) = old {
            self.waiting.forget(old);
            gone = self.hand_over(old, owner, &found);
            self.forget_owner(old);
        }
        self.tell_changes(gone);
        if let Some(published) = self.published.get_mut(&owner) {
            published.found(now, settle);
        }
        self.mount_changed(now, owner, &audience, found);
        Ok(replaced.map(|replaced| replaced.mount))
    }

    /// Checks that no name is taken by others than these two owners.
    fn check_names(
        &self,
        owner: Owner,
        old: Option<Owner>,
        found: &[MountChange],
    ) -> Result<(), PublishError> {
        for change in found {
            if let MountChange::Updated { name, .. } = change
                && let Some(holder) = self.holder(owner, name)
                && Some(holder) != old
            {
                return Err(self.taken(name, holder));
            }
        }
        Ok(())
    }

    /// Hands the names of an owner over to the one that takes its place, and removes those that it
    /// has not.
    fn hand_over(&mut self, from: Owner, to: Owner, found: &[MountChange]) -> Vec<Change> {
        let names = found.iter().filter_map(|change| match change {
            MountChange::Updated { name, .. } => Some(name),
            _ => None,
        });
        let stays: BTreeSet<_> = names.collect();
        let mut gone = Vec::new();
        for name in self.names_of(from) {
            if stays.contains(&name) {
                self.uncount(from, &name);
                self.owners.insert(name.clone(), to);
                if let (Some(published), Some(entry)) =
                    (self.published.get_mut(&to), self.catalogue.get(&name))
                {
                    published.add(entry.version().size);
                }
            } else {
                gone.extend(self.remove(from, &name));
            }
        }
        gone
    }

    fn names_of(&self, owner: Owner) -> Vec<VirtualPath> {
        let names = self.owners.iter().filter(|(_, of)| **of == owner);
        names.map(|(name, _)| name.clone()).collect()
    }

    /// Removes a mount with everything that it has published. Drop it when the lock is free.
    pub(in crate::driver::server) fn take_mount(&mut self, alias: &VirtualPath) -> Option<Mount> {
        let KeptMount { owner, mount, .. } = self.mounts.remove(alias)?;
        self.waiting.forget(owner);
        let names = self.names_of(owner);
        let changes = names.iter().flat_map(|name| self.remove(owner, name)).collect();
        self.forget_owner(owner);
        self.note_waiting();
        self.tell_changes(changes);
        Some(mount)
    }

    /// Takes all mounts, at the end of the server.
    pub(in crate::driver::server) fn take_mounts(&mut self) -> Vec<Mount> {
        std::mem::take(&mut self.mounts).into_values().map(|kept| kept.mount).collect()
    }
}
