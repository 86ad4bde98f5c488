//! Why a connection ended.

use crate::SocketType;

/// Why a connection ended: mostly what the remote did.
///
/// No error can be recovered from: the [`Connection`](crate::Connection) repeats it, and its
/// transport should be closed.
///
/// Text of the remote in it is [`Printable`](crate::Printable).
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The remote speaks a ZMTP older than 3.0, or another protocol.
    #[error("the remote speaks ZMTP {major} or another protocol; ZMTP 3 is required")]
    Version {
        /// The announced major version: 1 for ZMTP 2.0, and for a remote that does not begin as
        /// ZMTP 2 and 3 do.
        major: u8,
    },
    /// The remote uses another security mechanism than we do: this one (RFC 37, "Authentication and
    /// Confidentiality").
    #[error("the remote uses another security mechanism: {0:?}")]
    Mechanism(String),
    /// The handshake did not end within [`Limits::handshake_time`](crate::Limits::handshake_time).
    #[error("the handshake took too long")]
    HandshakeTimeout,
    /// The remote announced or sent more than allowed before it was ready.
    #[error("handshake of more than {limit} bytes")]
    HandshakeTooLarge {
        /// The bound: [`Limits::handshake_bytes`](crate::Limits::handshake_bytes).
        limit: usize,
    },
    /// The remote sent something that is not allowed before READY: a message, or another command.
    #[error("the remote sent {0} before READY")]
    Premature(&'static str),
    /// The remote refused the connection with ERROR, for this reason of at most 255 bytes.
    #[error("the remote refused the connection: {0:?}")]
    Refused(String),
    /// READY has no `Socket-Type`, or one that RFC 37 does not know.
    #[error("unknown socket type {0:?}")]
    SocketType(String),
    /// The two socket types do not talk to each other.
    #[error("a {ours} cannot talk to a {theirs}")]
    Incompatible {
        /// Our type.
        ours: SocketType,
        /// The remote's type.
        theirs: SocketType,
    },
    /// The remote has another identity than [`Config::remote`](crate::Config::remote).
    #[error("peer identity does not match the expected one")]
    Stranger,
    /// An identity has more than 255 bytes: the remote's, or the one in our own
    /// [`Config`](crate::Config).
    #[error("identity of {0} bytes; at most 255 are allowed")]
    IdentityTooLong(usize),
    /// A property of our own [`Config`](crate::Config) cannot be sent, or it is one too many: see
    /// [`Config::with_property`](crate::Config::with_property).
    #[error(
        "property {0:?} cannot be announced: names begin with X- and have at most 255 bytes, \
         values at most 1024, and there are at most 16"
    )]
    Property(String),
    /// A frame has reserved bits set, or MORE on a command (RFC 37, "Framing").
    #[error("frame with invalid flags {0:#04x}")]
    Flags(u8),
    /// A frame announces more bytes than allowed.
    #[error("frame of {announced} bytes; at most {limit} are allowed")]
    FrameTooLarge {
        /// Bytes announced.
        announced: u64,
        /// The bound: [`Limits::frame`](crate::Limits::frame), or
        /// [`Limits::command`](crate::Limits::command) for a command.
        limit: usize,
    },
    /// The frames of one message have more bytes together than allowed.
    #[error("message of at least {announced} bytes; at most {limit} are allowed")]
    MessageTooLarge {
        /// Bytes announced so far.
        announced: u64,
        /// The bound: [`Limits::message`](crate::Limits::message).
        limit: usize,
    },
    /// A message has more frames than allowed.
    #[error("message of more than {limit} frames")]
    TooManyFrames {
        /// The bound: [`Limits::frames`](crate::Limits::frames).
        limit: usize,
    },
    /// The remote subscribes to more than allowed.
    #[error("more than {number} subscriptions, or more than {bytes} bytes of prefixes")]
    TooManySubscriptions {
        /// The bound: [`Limits::subscriptions`](crate::Limits::subscriptions).
        number: usize,
        /// The bound: [`Limits::subscription_bytes`](crate::Limits::subscription_bytes).
        bytes: usize,
    },
    /// The parts of this command do not fit its length.
    #[error("malformed {0}")]
    Malformed(&'static str),
    /// The remote sent something in the clear on a connection that is secured by CURVE.
    #[error("the remote sent something that is not sealed")]
    Unsealed,
    /// The remote, or an attacker on the way to it, broke the rules of CURVE.
    #[error(transparent)]
    Curve(#[from] CurveError),
    /// The remote has proved its key, and we have not let it in.
    #[error("the remote is not let in")]
    Denied,
    /// The operating system gives no random bytes, without which nothing can be secured.
    #[error("the operating system gives no random bytes")]
    Random,
}

/// What is wrong with a connection that is secured by CURVE. None of it can be told from an attack.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum CurveError {
    /// Something does not open: it was changed on the way, or sealed with other keys. In the first
    /// command of a client: for another server.
    #[error("sealed with other keys than expected, or changed on the way")]
    Forged,
    /// Something came a second time or out of order, or something before it is missing.
    #[error("something was repeated, reordered, or left out on the way")]
    OutOfSequence,
    /// A public key with which all secrets are known to everybody.
    #[error("a public key of low order")]
    LowOrder,
    /// The remote does not return the cookie of this connection.
    #[error("the cookie of another connection")]
    Cookie,
    /// The remote does not prove that it holds the key that it names, for this connection to us.
    #[error("the remote does not prove its key")]
    Vouch,
    /// The remote speaks another version of CURVE.
    #[error("the remote speaks version {major}.{minor} of CURVE; 1.0 is required")]
    Version {
        /// The major version.
        major: u8,
        /// The minor version.
        minor: u8,
    },
    /// The connection was refused before both sides were ready: by the remote, or by anybody on the
    /// way to it, for a refusal is not sealed. Its reason is therefore not told.
    #[error("the connection was refused, by the remote or by an attacker on the way")]
    Refused,
}
