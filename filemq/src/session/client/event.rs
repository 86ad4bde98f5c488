//! What a client session wants of its driver.

use std::collections::VecDeque;

use bytes::Bytes;

use crate::session::{OfferedFile, Write};
use crate::{FileEvent, VirtualPath};

pub(super) type ClientOutputs = VecDeque<ClientOutput>;

/// What a session wants of its driver. A driver has to know all of it, so the list is exhaustive.
#[derive(Debug)]
pub enum ClientOutput {
    /// Send this message, which is one frame.
    Send(Bytes),
    /// Give this order to the received folder. Orders are carried out in order.
    Write(Write),
    /// Something has happened.
    Event(ClientSessionEvent),
    /// Send what is queued, then close the connection. Nothing comes after it. What there is of an
    /// unfinished file stays, to be resumed.
    Close(ClientClose),
}

/// What has happened between a client and a server.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ClientSessionEvent {
    /// The server has accepted all subscriptions.
    Subscribed,
    /// More of a file has come.
    Progress {
        /// The file.
        name: VirtualPath,
        /// Bytes, with those that were there before.
        received: u64,
        /// Bytes of the whole, if the server has announced them.
        size: Option<u64>,
    },
    /// The server has a file. With [`Accept::Ask`](crate::Accept::Ask) say whether it is wanted, now or
    /// later; with [`Accept::All`](crate::Accept::All) it is fetched unless something else is said.
    Offered {
        /// The number of the offer, by which the session is told.
        number: u64,
        /// The file.
        file: OfferedFile,
    },
    /// A file that was offered, and is wanted, begins to come.
    Begun {
        /// The number of the offer.
        number: u64,
        /// The number that [`Write::Begin`] gives the file.
        sequence: u64,
    },
    /// An offer holds no more: the file has changed, is gone, or is not for this client any more.
    Withdrawn {
        /// The number of the offer.
        number: u64,
    },
    /// A file waits until fewer are on offer. Told once.
    NotTaken(FileEvent),
    /// A file was broken off: it changed while it was being sent, or the server has mixed it up.
    Aborted {
        /// The file.
        name: VirtualPath,
    },
}

/// Why a session is over.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ClientClose {
    /// SRSLY: the server does not serve this client. Trying again soon is no use.
    #[error("the server refuses this client: {0:?}")]
    Refused(String),
    /// RTFM: the server does not understand, or has forgotten this client. Try again.
    #[error("the server has forgotten this client: {0:?}")]
    Rejected(String),
    /// Nothing was heard for
    /// [`ClientConfig::silent_timeout`](crate::session::ClientConfig::silent_timeout). Try again.
    #[error("the server is silent")]
    Silent,
    /// The server says what no server says.
    #[error("the server does not follow the protocol: {0}")]
    Protocol(String),
    /// A file is not what the server had announced. A new session asks for it again.
    #[error("{name} is not what the server had announced")]
    Mismatch {
        /// The file.
        name: VirtualPath,
    },
    /// The received folder is another one by now. A new session asks for what it lacks.
    #[error("the received folder is another one by now")]
    Replaced,
    /// The server has said goodbye.
    #[error("the server has said goodbye")]
    Goodbye,
    /// [`ClientSession::stop`](crate::session::ClientSession::stop) was called.
    #[error("stopped")]
    Stopped,
}
