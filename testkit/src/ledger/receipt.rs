//! Receipts: how a sender of shouts learns which of them a peer has heard.
//!
//! Whether a peer gets a shout depends on the groups that it is in when the shout is sent, and the
//! receiver does not know that. The sender knows it afterwards: every whisper carries a receipt,
//! which says what its sender has heard of its receiver. Say a node has seen the JOIN of a peer,
//! shouts to the group, and then whispers to the peer. If a receipt for this whisper comes back,
//! and no LEAVE and no EXIT before it, the node was right about the group when it shouted, and the
//! shout went out before the whisper: so the receipts must name the shout as well.

use std::sync::Arc;

/// How many shouts are remembered for each pair and direction. Beyond, they are not checked.
const MAX_SHOUTS: usize = 64;

/// A shout among those of one sender.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct ShoutId {
    /// A hash of the group's name: a whisper must stay small.
    pub(super) group: u32,
    /// Its number among the sender's shouts to the group.
    pub(super) number: u32,
}

/// What a node has heard of a peer.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Receipt {
    /// The number that the peer's next whisper must have at least.
    pub(super) whispers: u32,
    /// The shouts that were heard since the receipt before.
    pub(super) shouts: Vec<ShoutId>,
    /// Whether all of them are named, here and in the receipts before.
    pub(super) is_complete: bool,
}

/// The shouts between a node and one peer that no receipt has settled yet.
#[derive(Debug)]
pub(super) struct Receipts {
    /// Those of the node that the peer must hear.
    owed: Vec<Owed>,
    /// Those of the peer that were heard, and not named in a receipt.
    heard: Vec<ShoutId>,
    /// Some were heard and cannot be named any more.
    forgotten: bool,
}

/// A shout that a peer must hear.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Owed {
    pub(super) group: Arc<str>,
    pub(super) number: u32,
    /// The number of the node's next whisper to the peer, which goes out after the shout.
    before: u32,
}

impl ShoutId {
    pub(super) fn new(group: &str, number: u32) -> Self {
        // FNV-1a.
        let hash = group
            .bytes()
            .fold(0x811c_9dc5_u32, |hash, byte| (hash ^ u32::from(byte)).wrapping_mul(0x0100_0193));
        Self { group: hash, number }
    }
}

impl Receipts {
    pub(super) const fn new() -> Self {
        Self { owed: Vec::new(), heard: Vec::new(), forgotten: false }
    }

    /// Notes a shout to a group that the peer is in, as far as the node knows.
    pub(super) fn owe(&mut self, group: &Arc<str>, number: u32, next_whisper: u32) {
        if self.owed.len() == MAX_SHOUTS {
            self.owed.remove(0);
        }
        self.owed.push(Owed { group: Arc::clone(group), number, before: next_whisper });
    }

    /// Returns whether there is a shout that the peer must hear, and has not said that it has.
    pub(super) const fn are_owed(&self) -> bool {
        !self.owed.is_empty()
    }

    /// Notes that the peer is no longer in the group, and perhaps was not when the node shouted.
    pub(super) fn left(&mut self, group: &str) {
        self.owed.retain(|owed| *owed.group != *group);
    }

    /// Notes that the peer has come or gone: nothing that was said before is owed any more.
    pub(super) fn forgive(&mut self) {
        self.owed.clear();
    }

    /// Notes a shout of the peer.
    pub(super) fn heard(&mut self, shout: ShoutId) {
        if self.heard.len() == MAX_SHOUTS {
            self.forget();
        }
        self.heard.push(shout);
    }

    /// Notes that shouts of the peer were heard which no receipt will name.
    pub(super) fn forget(&mut self) {
        self.heard.clear();
        self.forgotten = true;
    }

    /// Returns the next receipt for the peer.
    pub(super) fn next_receipt(&mut self, whispers: u32) -> Receipt {
        let is_complete = !std::mem::take(&mut self.forgotten);
        Receipt { whispers, shouts: std::mem::take(&mut self.heard), is_complete }
    }

    /// Takes a receipt of the peer. Returns the shouts that it proves to be lost.
    pub(super) fn settle(&mut self, receipt: &Receipt) -> Vec<Owed> {
        if !receipt.is_complete {
            self.forgive();
            return Vec::new();
        }
        for shout in &receipt.shouts {
            self.owed.retain(|owed| ShoutId::new(&owed.group, owed.number) != *shout);
        }
        let (lost, owed) = std::mem::take(&mut self.owed)
            .into_iter()
            .partition(|owed: &Owed| owed.before < receipt.whispers);
        self.owed = owed;
        lost
    }
}
