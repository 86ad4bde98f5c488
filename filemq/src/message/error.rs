//! Why a frame is not a message.

/// Why a frame is not a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum DecodeError {
    /// It does not start with `AA A3`: something else speaks on this port.
    #[error("not a FILEMQ message")]
    Signature,
    /// It is an OHAI of another version than 2.
    #[error("FILEMQ version {0} is not spoken here, only version 2")]
    Version(u16),
    /// It is an OHAI that does not say `FILEMQ`.
    #[error("OHAI names another protocol")]
    Protocol,
    /// This version does not know such a message.
    #[error("FILEMQ message {0} is not known")]
    UnknownId(u8),
    /// This version does not know such an offer, nor how long it is.
    #[error("FILEMQ offer of kind {0} is not known")]
    UnknownOffer(u8),
    /// It ends inside a field.
    #[error("the message ends inside a field")]
    Truncated,
    /// A field exceeds the limits of this module.
    #[error("the message exceeds the limits")]
    TooLarge,
    /// It has more than one frame, or none.
    #[error("a FILEMQ message has one frame")]
    Frames,
}
