//! Why an action of the application is refused.

use thiserror::Error;

use crate::PeerId;

/// An action was refused; nothing was changed and nothing was sent.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum Refused {
    /// A name, group or header name is longer than the 255 octets that its field on the wire has.
    #[error("a {what} of {octets} octets is too long: at most 255 octets")]
    TooLong {
        /// What is too long.
        what: &'static str,
        /// How long it is.
        octets: usize,
    },
    /// There is no such peer; perhaps it has left already.
    #[error("peer {0} is not present")]
    UnknownPeer(PeerId),
    /// Content needs at least one frame; it may be empty.
    #[error("content without a frame cannot be sent: send an empty frame")]
    NoFrames,
    /// Content beyond the limits that peers set on one message.
    #[error("content of {frames} frames and {octets} octets is too large for one message")]
    ContentTooLarge {
        /// How many frames it has.
        frames: usize,
        /// How many octets it has.
        octets: usize,
    },
    /// With it, all groups and headers together would no longer fit a HELLO that peers accept.
    #[error("the groups and headers of this node would exceed {limit} octets")]
    HelloTooLarge {
        /// The octets there are for a HELLO.
        limit: usize,
    },
    /// The id or endpoint is this node's own.
    #[error("this node cannot be its own peer")]
    OwnPeer,
    /// The node deals with as many peers as it may.
    #[error("the limit of {limit} peers is reached")]
    TooManyPeers {
        /// The limit.
        limit: usize,
    },
    /// The node has stopped.
    #[error("the node has stopped")]
    Stopped,
}
