//! What a collector hears, from the network or from a recording.

use crate::{Change, NodeInterval, Record};

/// Something that a collector hears.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum CollectorEvent {
    /// A line of the log.
    Line(Record),
    /// The id of the collector's own node.
    Own {
        /// The id of the node.
        peer: String,
    },
    /// A node is there; told again from time to time.
    Seen(NodeInterval),
    /// A node is gone.
    Gone {
        /// The id of the node.
        peer: String,
        /// When, in microseconds since 1970.
        at: i64,
    },
    /// A node has been quiet, and was asked.
    Evasive {
        /// The id of the node.
        peer: String,
    },
    /// A node did not answer.
    Silent {
        /// The id of the node.
        peer: String,
    },
    /// A node that was evasive or silent is back.
    Returned {
        /// The id of the node.
        peer: String,
    },
    /// What the collector's node has seen, as it is kept: it comes with those above, which tell less.
    Change(Change),
    /// Something came that is not of the protocol, and was dropped.
    Dropped,
}
