//! Why an action of the application is refused.

use thiserror::Error;

use crate::PeerId;

/// The reason why an action was refused; nothing was changed and nothing was sent.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum ActionError {
    /// A name, group or header name is longer than the 255 bytes that its field on the wire has.
    #[error("a {what} of {bytes} bytes is too long: at most 255 bytes")]
    TooLong {
        /// What is too long.
        what: &'static str,
        /// How long it is.
        bytes: usize,
    },
    /// A time is zero: without a pause nothing could answer in time. Not said by the engine, which
    /// takes any times, but by who sets it up.
    #[error("the {0} cannot be zero")]
    ZeroTime(&'static str),
    /// A group needs a name.
    #[error("a group name cannot be empty")]
    EmptyGroupName,
    /// There is no such peer; perhaps it has left already.
    #[error("peer {0} is not present")]
    UnknownPeer(PeerId),
    /// The queue to the peer is full, so a WHISPER has to wait. Not from the engine, which has no
    /// queues, but from its driver.
    #[error("the queue to peer {0} is full: wait until the peer is ready")]
    Full(PeerId),
    /// Content needs at least one frame; it may be empty.
    #[error("content without a frame cannot be sent: send an empty frame")]
    NoFrames,
    /// Content beyond the limits that peers set on one message.
    #[error("content of {frames} frames and {bytes} bytes is too large for one message")]
    ContentTooLarge {
        /// How many frames it has.
        frames: usize,
        /// How many bytes it has.
        bytes: usize,
    },
    /// The node has as many groups and headers as one HELLO may tell.
    #[error("this node may have {limit} groups and headers together, and has them: leave a group")]
    TooManyEntries {
        /// How many there may be.
        limit: usize,
    },
    /// With it, all groups and headers together would no longer fit a HELLO that peers accept.
    #[error("the groups and headers of this node would exceed {limit} bytes")]
    HelloTooLarge {
        /// The bytes there are for a HELLO.
        limit: usize,
    },
    /// The id or endpoint is this node's own.
    #[error("this node cannot be its own peer")]
    OwnPeer,
    /// A secure node has to know the key of the node that it connects to.
    #[error("a secure node needs to know whose endpoint that is: write HOST:PORT|KEY")]
    NoKey,
    /// The id belongs to another key than that of the endpoint.
    #[error("node {0} has another key than stands with that endpoint")]
    AnotherKey(PeerId),
    /// A node that is not secure can prove no key, nor ask for one.
    #[error("an endpoint with a key is that of a secure node, and this node is not one")]
    UselessKey,
    /// The node deals with as many peers as it may.
    #[error("the limit of {limit} peers is reached")]
    TooManyPeers {
        /// The limit.
        limit: usize,
    },
    /// The application requires as many peers and endpoints as it may.
    #[error(
        "this node requires {limit} peers and endpoints, its limit: forget one, or raise the limit"
    )]
    TooManyRequired {
        /// The limit.
        limit: usize,
    },
    /// The runtime on which the node lives has done nothing for two seconds, so nothing would be
    /// sent. Not said by the engine, which has no runtime, but by who drives it.
    #[error("no thread drives the runtime that this node lives on, so it does nothing")]
    NotDriven,
    /// The node has stopped.
    #[error("the node has stopped")]
    Stopped,
}
