//! Why a node cannot start.

use std::io;

use thiserror::Error;
use zre_proto::Refused;

use crate::InterfaceChoice;

/// A node could not be started; nothing is left running.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum StartError {
    /// There is no interface of this name or address that can broadcast.
    #[error("no usable interface {choice}; there are: {found}")]
    NoInterface {
        /// What was asked for.
        choice: InterfaceChoice,
        /// All IPv4 interfaces as `NAME (ADDRESS)`, separated by commas; some may be unusable.
        found: String,
    },
    /// The port that was asked for as mailbox is taken. Without
    /// [`mailbox_port`](crate::Builder::mailbox_port) the node finds a free one.
    #[error("mailbox port {port} is in use on {interface}")]
    PortInUse {
        /// The port.
        port: u16,
        /// The interface's name.
        interface: String,
    },
    /// The port of the beacon, or of the advertised endpoint, is 0.
    #[error("the port of the {0} cannot be 0")]
    PortZero(&'static str),
    /// The mailbox cannot be opened, for instance since no descriptor or port is free.
    #[error("the mailbox cannot be opened: {0}")]
    Mailbox(io::Error),
    /// The beacon port cannot be opened. Something that does not share the port may have it.
    #[error("beacon port {port} (UDP) cannot be opened: {error}")]
    Beacon {
        /// The port.
        port: u16,
        /// Why.
        error: io::Error,
    },
    /// The system does not tell its interfaces.
    #[error("the interfaces of this machine cannot be listed: {0}")]
    Interfaces(io::Error),
    /// Files cannot be shared: the outbox cannot be read, the inbox cannot be made or another has it,
    /// or there is no port for the server.
    #[cfg(feature = "files")]
    #[error("files cannot be shared: {0}")]
    Files(io::Error),
    /// A name, header or group is not possible.
    #[error(transparent)]
    Refused(#[from] Refused),
    /// `start` was called outside of a tokio runtime.
    #[error("a node starts inside a tokio runtime")]
    NoRuntime,
}

/// A file was not published or not taken back; nothing has changed.
#[cfg(feature = "files")]
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum ShareError {
    /// The node was started without [`Builder::share`](crate::Builder::share).
    #[error("this node shares no files; start it with Builder::share")]
    NotSharing,
    /// The name is no path on the network.
    #[error(transparent)]
    Name(#[from] filemq::PathError),
    /// The file or folder cannot be read.
    #[error("the file cannot be read: {0}")]
    Io(#[from] io::Error),
}
