//! Files about which something has changed, and perhaps not the content.
//!
//! Permissions, owner or number of links change for many files at a time, by a backup that makes
//! links to them for instance. What clients have they are not to be sent again for that, so such a
//! file is read again where its digest is known.

use std::sync::Arc;
use std::time::Instant;

use super::published::Owner;
use super::shared::ServerShared;
use super::state::Recheck;
use crate::catalogue::{Audience, Entry};
use crate::digest::Algorithm;
use crate::disk::{ChunkReader, MountChange};
use crate::session::{Job, JobResult};

/// Takes over what a mount reports. Waits for the disk.
pub(super) fn mount_changed(
    server: &ServerShared,
    owner: Owner,
    audience: &Audience,
    changes: Vec<MountChange>,
) {
    let mut unsure = Vec::new();
    let mut state = server.state.lock();
    let is_sure = |change: MountChange| match change {
        MountChange::Updated { name, source, version } => {
            match state.unsure(owner, &name, &version) {
                Some(before) => {
                    unsure.push((before, Entry::new(name, source, version, audience.clone())));
                    None
                }
                None => Some(MountChange::Updated { name, source, version }),
            }
        }
        change => Some(change),
    };
    let changes = changes.into_iter().filter_map(is_sure).collect();
    state.mount_changed(Instant::now(), owner, audience, changes);
    drop(state);
    for (before, fresh) in unsure {
        recheck(server, owner, &before, fresh);
    }
}

/// Reads a file again, to find out whether its content has changed.
pub(super) fn recheck(server: &ServerShared, owner: Owner, before: &Arc<Entry>, fresh: Entry) {
    let fresh = Arc::new(fresh);
    let recheck = match has_same_content(&fresh, before) {
        true => Recheck::Same(fresh.version()),
        false => Recheck::Other(fresh),
    };
    server.state.lock().rechecked(owner, before, recheck);
}

/// Returns whether a file still has the content that it had in an earlier state, which is known by
/// its digest.
fn has_same_content(fresh: &Arc<Entry>, before: &Entry) -> bool {
    let known = [Algorithm::Blake3, Algorithm::Sha1].into_iter().find_map(|a| before.digest(a));
    let Some(known) = known else { return false };
    let job = Job::Digest(Arc::clone(fresh), known.algorithm());
    matches!(ChunkReader::new().execute(job), JobResult::Digest(Ok(digest)) if digest == known)
}
