//! Two-way connections that are up, and on which nothing was said.

use std::collections::BTreeMap;
use std::time::Instant;

use crate::{ConnId, Endpoint, PeerId};

/// Spares of one peer. One more is of no use to anybody.
const MAX_PER_PEER: usize = 4;

/// A two-way connection that may become the one to a peer.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Spare {
    pub(crate) conn: ConnId,
    pub(crate) up_since: Instant,
    /// Where the peer can reach our mailbox.
    pub(crate) own_endpoint: Endpoint,
}

/// The spares of all peers, also of nodes that are not known yet. The driver limits how many
/// connections of strangers there are.
#[derive(Debug, Default)]
pub(crate) struct Spares(BTreeMap<(PeerId, ConnId), Spare>);

impl Spares {
    /// Keeps a connection. Returns the one that makes room for it, if the peer has enough of them:
    /// the oldest that we have not dialled ourselves. Anybody can be silent in the peer's name, so
    /// those that were there before must not keep the peer out.
    pub(crate) fn insert(&mut self, peer: PeerId, spare: Spare) -> Option<Spare> {
        self.0.insert((peer, spare.conn), spare);
        if self.of(peer).count() <= MAX_PER_PEER {
            return None;
        }
        let dialled = |conn: ConnId| matches!(conn, ConnId::Dialled(_));
        let oldest = self.of(peer).min_by_key(|it| (dialled(it.conn), it.up_since, it.conn))?.conn;
        self.remove(peer, oldest)
    }

    pub(crate) fn contains(&self, peer: PeerId, conn: ConnId) -> bool {
        self.0.contains_key(&(peer, conn))
    }

    pub(crate) fn remove(&mut self, peer: PeerId, conn: ConnId) -> Option<Spare> {
        self.0.remove(&(peer, conn))
    }

    /// Those of one peer.
    pub(crate) fn of(&self, peer: PeerId) -> impl Iterator<Item = &Spare> {
        let first = (peer, ConnId::Dialled(0));
        let last = (peer, ConnId::Accepted(u64::MAX));
        self.0.range(first..=last).map(|(_, spare)| spare)
    }

    /// Those of all peers.
    pub(crate) fn all(&self) -> Vec<(PeerId, ConnId)> {
        self.0.keys().copied().collect()
    }

    /// Takes out the one of a peer that came last.
    pub(crate) fn take_newest(&mut self, peer: PeerId) -> Option<Spare> {
        let newest = self.of(peer).max_by_key(|spare| (spare.up_since, spare.conn))?.conn;
        self.remove(peer, newest)
    }
}
