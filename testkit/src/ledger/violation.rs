//! Something that must not be.

use std::fmt;
use std::time::Duration;

use zre_proto::PeerId;

/// What must hold, by the numbers of the documentation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Rule {
    /// The first command from any peer is HELLO.
    HelloFirst,
    /// What a node holds of a peer is what the peer holds of itself: its groups and how it is, at
    /// every quiet moment, and its headers, when it says HELLO.
    Agreement,
    /// A peer that the application was told about is reachable until EXIT.
    Reachable,
    /// Per pair and direction messages arrive once, in order, without gap between ENTER and EXIT.
    Delivery,
    /// Events are well-formed.
    Events,
    /// Nobody is EXITed, called EVASIVE or UNREACHABLE who is alive and awake, and every dead node
    /// is EXITed in time, for the reason that is true.
    Life,
    /// Memory and descriptors return to the level of before.
    Leftovers,
    /// Secure nodes deal with nodes that they trust, and with each under its own key.
    Keys,
}

impl Rule {
    /// Every rule, in the order of their numbers.
    pub const ALL: [Self; 8] = [
        Self::HelloFirst,
        Self::Agreement,
        Self::Reachable,
        Self::Delivery,
        Self::Events,
        Self::Life,
        Self::Leftovers,
        Self::Keys,
    ];

    /// The rule's number, from 1.
    pub const fn number(self) -> usize {
        self as usize + 1
    }

    /// The rule in a few words.
    pub const fn name(self) -> &'static str {
        match self {
            Self::HelloFirst => "HELLO is first",
            Self::Agreement => "groups and headers agree",
            Self::Reachable => "reachable until EXIT",
            Self::Delivery => "once, in order, no gap",
            Self::Events => "events well-formed",
            Self::Life => "EXIT if and only if dead",
            Self::Leftovers => "nothing left behind",
            Self::Keys => "the key is the peer",
        }
    }
}

impl fmt::Display for Rule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "({}) {}", self.number(), self.name())
    }
}

/// Something that must not be.
#[derive(Clone, Debug)]
pub struct Violation {
    /// Which rule is broken.
    pub rule: Rule,
    /// The node where it was seen.
    pub node: PeerId,
    /// The other node; the same one if it is about no other.
    pub peer: PeerId,
    /// What was seen.
    pub what: String,
    /// When, since the start.
    pub at: Duration,
    /// What was before between the two, a line each, oldest first.
    pub history: Vec<String>,
}
