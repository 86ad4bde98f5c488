//! Why a connection ended.

use crate::SocketType;

/// What the remote did that ended the connection.
///
/// There is no way back from any of them: the [`Connection`](crate::Connection) repeats its error
/// for ever, and the transport is to be closed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The remote speaks a ZMTP older than 3.0. `major` is what it announced; 1 also stands for a
    /// remote that does not start as ZMTP 2 and 3 do (so: ZMTP 1.0, or something else entirely).
    #[error("remote speaks ZMTP {major} or no ZMTP at all, 3 is needed")]
    Version {
        /// The announced major version (ZMTP 2.0 announces 1).
        major: u8,
    },
    /// The remote wants another security mechanism than we do (RFC 37, "Authentication and
    /// Confidentiality"). What it announced, made printable.
    #[error("remote wants the mechanism {0:?}")]
    Mechanism(String),
    /// The handshake did not end in time.
    #[error("the handshake took too long")]
    HandshakeTimeout,
    /// The remote announced or sent more than [`Limits::handshake_octets`](crate::Limits) before
    /// it was ready.
    #[error("the handshake has more than {limit} octets")]
    HandshakeTooLarge {
        /// The bound.
        limit: usize,
    },
    /// Something that is not allowed before READY: a message, or another command.
    #[error("{0} before READY")]
    Premature(&'static str),
    /// The remote said ERROR. Its reason, made printable, at most 255 octets.
    #[error("remote refused: {0:?}")]
    Refused(String),
    /// READY has no `Socket-Type`, or one that RFC 37 does not know; made printable.
    #[error("unknown socket type {0:?}")]
    SocketType(String),
    /// These two socket types do not talk to each other.
    #[error("a {ours} does not talk to a {theirs}")]
    Incompatible {
        /// Our type.
        ours: SocketType,
        /// The remote's type.
        theirs: SocketType,
    },
    /// The remote has another identity than [`Config::remote`](crate::Config::remote).
    #[error("the remote is another one than was meant")]
    Stranger,
    /// An identity has more than 255 octets. Also reported for an identity of our own that is too
    /// long, by the first call of `poll_event`.
    #[error("an identity of {0} octets, at most 255 are allowed")]
    IdentityTooLong(usize),
    /// A frame has bits set that are reserved (RFC 37, "Framing"), or MORE on a command.
    #[error("frame with the flags {0:#04x}")]
    Flags(u8),
    /// A frame announces more octets than allowed.
    #[error("a frame of {announced} octets, at most {limit} are allowed")]
    FrameTooLarge {
        /// Octets announced.
        announced: u64,
        /// The bound: [`Limits::frame`](crate::Limits) or, for a command, `Limits::command`.
        limit: usize,
    },
    /// The frames of one message have more octets together than allowed.
    #[error("a message of at least {announced} octets, at most {limit} are allowed")]
    MessageTooLarge {
        /// Octets announced so far.
        announced: u64,
        /// The bound: [`Limits::message`](crate::Limits).
        limit: usize,
    },
    /// A message has more frames than allowed.
    #[error("a message of more than {limit} frames")]
    TooManyFrames {
        /// The bound: [`Limits::frames`](crate::Limits).
        limit: usize,
    },
    /// The remote subscribes to more than is allowed.
    #[error("more than {number} subscriptions, or more than {octets} octets of them")]
    TooManySubscriptions {
        /// The bound: [`Limits::subscriptions`](crate::Limits).
        number: usize,
        /// The bound: [`Limits::subscription_octets`](crate::Limits).
        octets: usize,
    },
    /// A command whose parts do not fit its length. Which one.
    #[error("malformed {0}")]
    Malformed(&'static str),
}

/// Text from the network for people to read: never longer than `octets` came, nothing that moves a
/// cursor or starts a line.
pub(crate) fn printable(octets: &[u8]) -> String {
    String::from_utf8_lossy(octets)
        .chars()
        .map(|c| if c.is_control() { '\u{fffd}' } else { c })
        .collect()
}
