//! One connection through a relay, from one node to the mailbox of the other.

use std::fmt;

use super::role::Role;

/// Which connection it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Dial {
    /// The node that has dialled.
    pub(super) by: Role,
    /// Counts from 1, in the order in which the relay has accepted.
    pub(super) number: u32,
}

impl fmt::Display for Dial {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}'s dial {}", self.by, self.number)
    }
}

/// An end of a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum End {
    Dialler,
    Mailbox,
}

impl fmt::Display for End {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Dialler => "the dialler",
            Self::Mailbox => "the mailbox",
        })
    }
}
