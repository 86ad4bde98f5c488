//! The two nodes of a run.

use std::fmt;

/// A node, by its id: of two-way connections the one with the smaller id says which one it is to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Role {
    /// The one with the smaller id.
    Chooser,
    /// The other one.
    Follower,
}

impl Role {
    pub(super) const BOTH: [Self; 2] = [Self::Chooser, Self::Follower];

    pub(super) const fn other(self) -> Self {
        match self {
            Self::Chooser => Self::Follower,
            Self::Follower => Self::Chooser,
        }
    }

    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Chooser => "chooser",
            Self::Follower => "follower",
        }
    }

    /// Returns this node's of a thing that each has.
    pub(super) fn of<T>(self, both: &[T; 2]) -> &T {
        let [chooser, follower] = both;
        match self {
            Self::Chooser => chooser,
            Self::Follower => follower,
        }
    }
}

impl fmt::Display for Role {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}
