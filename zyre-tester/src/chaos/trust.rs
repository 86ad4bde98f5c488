//! Reports about keys: which peer a node has met under which key, and which it does not trust for a while.

use std::time::Duration;

use zyre::PeerId;

/// An ENTER that is judged when all reports of its time have come.
#[derive(Debug)]
pub(super) struct Met {
    pub(super) node: PeerId,
    pub(super) peer: PeerId,
    pub(super) at: Duration,
    /// What the peer has proved.
    pub(super) key: Option<String>,
}

/// A node does not trust the key of a peer for a while.
#[derive(Clone, Copy, Debug)]
pub(super) struct Parting {
    pub(super) node: PeerId,
    pub(super) peer: PeerId,
    pub(super) from: Duration,
    /// `None`: that is not known yet.
    pub(super) until: Option<Duration>,
}
