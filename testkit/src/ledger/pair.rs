//! What there was between a node and one peer.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use super::account::Account;
use super::history::History;
use super::numbers::Numbers;
use super::receipt::Receipts;

/// What there was between the node and one peer.
#[derive(Debug)]
pub(super) struct Pair {
    /// The number of our next whisper to the peer.
    pub(super) whispers: u32,
    /// The number of our first whisper in this ENTER…EXIT of the peer at this node. Moved with EXIT
    /// already: what is accepted after it belongs to the ENTER that is queued behind.
    pub(super) first: u32,
    /// The number that the peer's next whisper must have at least.
    pub(super) next: u32,
    /// Whether it has whispered in this ENTER…EXIT: then the number is exact.
    pub(super) heard: bool,
    /// The shouts to each group.
    pub(super) shouts: BTreeMap<Arc<str>, Numbers>,
    /// What is known of shouts, both ways.
    pub(super) receipts: Receipts,
    /// When the peer's header was set that came with its last ENTER.
    pub(super) headed: Option<Duration>,
    /// A whisper was refused though the peer is present; EXIT has to follow.
    pub(super) refused: Option<Duration>,
    pub(super) history: History,
}

impl Pair {
    /// Nothing was between them. `kept` entries of history are kept.
    pub(super) const fn new(kept: usize) -> Self {
        Self {
            whispers: 0,
            first: 0,
            next: 0,
            heard: false,
            shouts: BTreeMap::new(),
            receipts: Receipts::new(),
            headed: None,
            refused: None,
            history: History::new(kept),
        }
    }

    pub(super) const fn account(&self) -> Account {
        Account { first: self.first, sent: self.whispers, heard: self.next }
    }
}
