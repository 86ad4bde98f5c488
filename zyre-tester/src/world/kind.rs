//! The kinds of nodes that live together.

use std::fmt;

/// What a node is, and what it can do with a network.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// Lives on all interfaces, and shares a connection with a peer that can do so as well.
    TwoWay,
    /// Lives on all interfaces, and makes one connection each way with everybody.
    Plain,
    /// Of the release before: it lives at one IPv4 address, and makes one connection each way.
    Old,
    /// Of pyre: so does it.
    Pyre,
}

impl Kind {
    /// Returns whether it is a node of this release, which lives on all interfaces.
    pub(super) const fn is_ours(self) -> bool {
        matches!(self, Self::TwoWay | Self::Plain)
    }

    /// Returns whether it can share a connection.
    pub(super) const fn is_two_way(self) -> bool {
        matches!(self, Self::TwoWay)
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::TwoWay => "",
            Self::Plain => ", one connection each way",
            Self::Old => ", the release before",
            Self::Pyre => ", pyre",
        })
    }
}
