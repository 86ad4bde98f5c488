//! Errors of connections over TCP.

use std::io;

/// Why a connection ended, or never began.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// TCP failed: refused, reset, and so on.
    #[error(transparent)]
    Io(#[from] io::Error),
    /// The remote broke the protocol or a limit, or was too slow with its handshake.
    #[error(transparent)]
    Protocol(#[from] crate::Error),
    /// The remote closed the connection before the handshake was over.
    #[error("the remote closed the connection during the handshake")]
    Closed,
}

/// Why a message was not taken into a [`SendQueue`](super::SendQueue). The queue is as it was.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PushError {
    /// The limits of the queue are reached, and the kernel takes nothing: the remote does not read,
    /// or the network is slower than the sender.
    #[error("the outgoing queue is full")]
    Full,
    /// The queue was closed or is finishing, or its connection failed.
    #[error("the outgoing queue is closed")]
    Closed,
}
