//! Why a connection over TCP ended, why a message was not taken.

use std::io;

/// Why a connection ended, or never began.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// TCP failed: refused, reset and so on.
    #[error(transparent)]
    Io(#[from] io::Error),
    /// The remote broke the protocol or a limit, or was too slow with its handshake.
    #[error(transparent)]
    Protocol(#[from] crate::Error),
    /// The remote closed the connection before the handshake was over.
    #[error("the remote closed the connection during the handshake")]
    Closed,
}

/// Why a message was not taken into an [`Outbox`](super::Outbox). The queue is as it was before.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PushError {
    /// As much is queued as may be, and the kernel takes nothing: the remote does not read, or
    /// there is no connection yet.
    #[error("the outgoing queue is full")]
    Full,
    /// The outbox was closed, or its connection failed.
    #[error("the outgoing queue is closed")]
    Closed,
}
