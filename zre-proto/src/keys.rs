//! The keys of secure nodes: which connection has proved which key, and which key owns an id.

use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant};

use crate::timers::after;
use crate::{ConnId, PeerId, PublicKey};

/// How long an id stays that of its key after its peer has gone.
const KEPT: Duration = Duration::from_secs(60);

/// Ids of peers that have gone, and still belong to a key. Of more those go first that have gone
/// first.
const MAX_GONE: usize = 4096;

/// Keys of connections, and keys of ids. Empty on a plain node.
#[derive(Debug, Default)]
pub(crate) struct Keys {
    /// The key of the remote of each connection: it was proved, or has to be before the connection
    /// is up.
    of_conns: BTreeMap<ConnId, PublicKey>,
    /// Whose each id is.
    of_ids: BTreeMap<PeerId, Owner>,
    /// The ids of peers that have gone, in the order in which they become free.
    free_at: BTreeSet<(Instant, PeerId)>,
}

/// The key that an id belongs to.
#[derive(Clone, Copy, Debug)]
struct Owner {
    key: PublicKey,
    /// When the id is anybody's again; `None`: not while its peer is there.
    free_at: Option<Instant>,
}

impl Keys {
    /// The other end of a connection has this key, or it will not be up.
    pub(crate) fn keep(&mut self, conn: ConnId, key: PublicKey) {
        self.of_conns.insert(conn, key);
    }

    /// A connection is no more.
    pub(crate) fn forget(&mut self, conn: ConnId) {
        self.of_conns.remove(&conn);
    }

    /// The key at the other end of a connection.
    pub(crate) fn of_conn(&self, conn: ConnId) -> Option<PublicKey> {
        self.of_conns.get(&conn).copied()
    }

    /// The connections to this key.
    pub(crate) fn conns_of(&self, key: PublicKey) -> Vec<ConnId> {
        let of_key = self.of_conns.iter().filter(|(_, of_conn)| **of_conn == key);
        of_key.map(|(conn, _)| *conn).collect()
    }

    /// The key that an id belongs to.
    pub(crate) fn owner(&self, now: Instant, id: PeerId) -> Option<PublicKey> {
        let owner = self.of_ids.get(&id)?;
        owner.free_at.is_none_or(|at| now < at).then_some(owner.key)
    }

    /// Whether an id belongs to another key than this one.
    pub(crate) fn is_another_s(&self, now: Instant, id: PeerId, key: Option<PublicKey>) -> bool {
        self.owner(now, id).is_some_and(|owner| key != Some(owner))
    }

    /// The ids that belong to this key.
    pub(crate) fn ids_of(&self, key: PublicKey) -> Vec<PeerId> {
        let of_key = self.of_ids.iter().filter(|(_, owner)| owner.key == key);
        of_key.map(|(id, _)| *id).collect()
    }

    /// An id belongs to this key from now on, as long as its peer is there.
    pub(crate) fn bind(&mut self, id: PeerId, key: PublicKey) {
        let before = self.of_ids.insert(id, Owner { key, free_at: None });
        self.take_out(id, before);
    }

    /// The peer of an id has gone.
    pub(crate) fn release(&mut self, now: Instant, id: PeerId) {
        let Some(owner) = self.of_ids.get_mut(&id).filter(|it| it.free_at.is_none()) else {
            return;
        };
        let free_at = after(now, KEPT);
        owner.free_at = Some(free_at);
        self.free_at.insert((free_at, id));
        while let Some((free_at, id)) = self.free_at.first().copied()
            && (free_at <= now || self.free_at.len() > MAX_GONE)
        {
            self.free(id);
        }
    }

    /// An id is anybody's.
    pub(crate) fn free(&mut self, id: PeerId) {
        let before = self.of_ids.remove(&id);
        self.take_out(id, before);
    }

    fn take_out(&mut self, id: PeerId, owner: Option<Owner>) {
        if let Some(free_at) = owner.and_then(|owner| owner.free_at) {
            self.free_at.remove(&(free_at, id));
        }
    }
}
