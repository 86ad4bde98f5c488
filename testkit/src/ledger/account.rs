//! Whether all that was said has been heard: what needs the books of both.

use std::ops::Range;

use serde::{Deserialize, Serialize};

/// What was whispered between a node and a peer that is present.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Account {
    /// The number of the node's first whisper since the peer's ENTER.
    pub first: u32,
    /// The number that its next whisper would have.
    pub sent: u32,
    /// The number that the peer's next whisper must have at least.
    pub heard: u32,
}

impl Account {
    /// Returns the whispers of the node that the peer, whose account this is, has not heard, though
    /// they were accepted after all EXITs of it. There are none when both have been silent for
    /// longer than a message takes.
    pub fn missing_at(&self, peer: &Self) -> Range<u32> {
        peer.heard.max(self.first)..self.sent
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_lost_before_an_exit_is_not_missing() {
        let account = |first, sent, heard| Account { first, sent, heard };
        let peer = account(0, 0, 5);
        assert!(account(0, 5, 0).missing_at(&peer).is_empty());
        assert_eq!(account(0, 7, 0).missing_at(&peer), 5..7);
        assert!(account(7, 7, 0).missing_at(&peer).is_empty(), "lost, and an EXIT after them");
        assert_eq!(account(7, 8, 0).missing_at(&peer), 7..8);
    }
}
