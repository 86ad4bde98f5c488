//! What comes of a command of the handshake.

use std::ops::Range;

use bytes::Bytes;

use super::admission::Admission;

/// What comes of a command of the handshake.
#[derive(Debug)]
pub(crate) enum Step {
    /// This frame is the answer, and another command is due.
    Send(Bytes),
    /// The remote has proved its key, and waits to be let in. Its metadata is in this part of the
    /// body, which was opened in place.
    Introduced(Box<Admission>, Range<usize>),
}
