//! What was done to slots.

use serde::Serialize;

/// What was done to slots.
#[derive(Clone, Copy, Debug, Default, Serialize)]
pub(super) struct Counters {
    pub(super) starts: u64,
    /// Of the nodes that were started, those that make one connection each way.
    pub(super) plain: u64,
    /// And those of the release before, which do so as well.
    pub(super) old: u64,
    pub(super) stops: u64,
    pub(super) crashes: u64,
    /// Stalls; after some of them the node dies, which is a crash more.
    pub(super) stalls: u64,
    /// Processes killed.
    pub(super) kills: u64,
    /// Of the nodes that were started, strangers to most others.
    pub(super) strangers: u64,
    /// Times that a node was told not to trust a peer for a while.
    pub(super) distrusts: u64,
    /// Beacons forged.
    pub(super) forged: u64,
}
