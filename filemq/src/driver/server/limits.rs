//! What a connection to a client may cost.

use zmtp::Limits;
use zmtp::net::SendQueueLimits;

/// The most bytes of a message from a client; the longest is its list of what it has.
const MAX_MESSAGE: usize = 24 << 20;

/// The most bytes of a message from a client that is not known yet: longer than any part of a list.
const MAX_STRANGER_MESSAGE: usize = 6 << 20;

/// What a client may send before it is known, where clients are.
pub(super) fn strangers_transport() -> Limits {
    Limits { frame: MAX_STRANGER_MESSAGE, message: MAX_STRANGER_MESSAGE, ..transport() }
}

/// What a client may send.
pub(super) fn transport() -> Limits {
    Limits { frame: MAX_MESSAGE, message: MAX_MESSAGE, frames: 2, ..Limits::default() }
}

/// What may wait for a client.
pub(super) fn queue() -> SendQueueLimits {
    SendQueueLimits { messages: 100_000, bytes: 16 << 20, ..Default::default() }
}
