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
    /// A name, header or group is not possible.
    #[error(transparent)]
    Refused(#[from] Refused),
    /// `start` was called outside of a tokio runtime.
    #[error("a node starts inside a tokio runtime")]
    NoRuntime,
}
