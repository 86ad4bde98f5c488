//! What a collector hears, from the network or from a recording.

use crate::{Record, Sighting};

/// Something heard.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Heard {
    /// A line of the log.
    Line(Record),
    /// A node is there; told again from time to time.
    Seen(Sighting),
    /// A node is gone.
    Gone {
        /// Its id.
        peer: String,
        /// When, in microseconds since 1970.
        at: i64,
    },
    /// A node has been quiet.
    Quiet {
        /// Its id.
        peer: String,
        /// It did not answer when it was asked.
        silent: bool,
    },
    /// Something came that is not of the protocol, and was dropped.
    Dropped,
}
