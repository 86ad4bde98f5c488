//! The implementations of ZRE that are tested with each other.

use std::fmt;

/// An implementation of ZRE.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// The `peer` program of this workspace.
    Ours,
    /// Pyre, the Python implementation.
    Pyre,
    /// zyre.js, the JavaScript implementation.
    ZyreJs,
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Ours => "ours",
            Self::Pyre => "pyre",
            Self::ZyreJs => "zyre.js",
        })
    }
}
