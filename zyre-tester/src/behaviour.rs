//! What a node of the tester does: it chats, as the Guide's tester has it.
//!
//! It knows nothing of sockets or time, so that real and simulated nodes behave alike, and it takes
//! all chance from its seed.

use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use testkit::ledger::Heard;
use zyre::PeerId;

/// How many groups there are to join.
pub(crate) const GROUPS: usize = 10;

/// The number of answers to answers after which a conversation ends: the traffic stays bounded.
pub(crate) const DEPTH: u8 = 4;

/// The habits of one node.
#[derive(Debug)]
pub(crate) struct Behaviour {
    rng: StdRng,
}

/// Something that a node does.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Act {
    /// Whisper to a peer. The second is how many answers may still follow.
    Whisper(PeerId, u8),
    /// Shout to a group, likewise.
    Shout(String, u8),
    /// Join a group.
    Join(String),
    /// Join a group, and contest in it.
    Contest(String),
    /// Leave a group.
    Leave(String),
}

impl Behaviour {
    pub(crate) fn new(seed: u64) -> Self {
        Self { rng: StdRng::seed_from_u64(seed) }
    }

    /// What an event moves the node to do. `depth` is how many answers the message of a WHISPER or
    /// SHOUT still allows.
    pub(crate) fn answer(&mut self, event: Heard<'_>, depth: u8) -> Vec<Act> {
        let mut acts = Vec::new();
        match event {
            // To one that has left, too: it must be refused, and harm nobody.
            Heard::Enter { peer, .. } | Heard::Exit { peer, .. } => {
                acts.push(Act::Whisper(peer, DEPTH));
            }
            Heard::Whisper { peer, .. } if depth > 0 && self.rng.random_ratio(1, 2) => {
                acts.push(Act::Whisper(peer, depth - 1));
            }
            Heard::Shout { peer, group, .. } if depth > 0 => match self.rng.random_range(0..3) {
                0 => acts.push(Act::Whisper(peer, depth - 1)),
                // A shout reaches many: it may be answered once at most.
                1 => acts.push(Act::Shout(group.to_owned(), depth.min(2) - 1)),
                _ => {}
            },
            _ => {}
        }
        acts
    }

    /// Once a second: joins or leaves one of the groups. Of the nodes that join one, a third contests.
    pub(crate) fn each_second(&mut self, is_in: impl Fn(&str) -> bool) -> Act {
        let group = format!("group-{}", self.rng.random_range(0..GROUPS));
        if is_in(&group) {
            Act::Leave(group)
        } else if self.rng.random_ratio(1, 3) {
            Act::Contest(group)
        } else {
            Act::Join(group)
        }
    }

    /// A group was joined. Now and then the node says so there: all other shouts are answers.
    pub(crate) fn joined(&mut self, group: &str) -> Option<Act> {
        self.rng.random_ratio(1, 8).then(|| Act::Shout(group.to_owned(), 1))
    }
}
