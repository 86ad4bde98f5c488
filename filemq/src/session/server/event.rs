//! What a server session wants of its driver.

use std::collections::VecDeque;
use std::sync::Arc;

use bytes::Bytes;

use crate::message::Message;
use crate::session::Job;
use crate::{Fate, Ticket, VirtualPath};

pub(super) type ServerOutputs = VecDeque<ServerOutput>;

/// What a session wants of its driver. A driver has to know all of it, so the list is exhaustive.
#[derive(Debug)]
pub enum ServerOutput {
    /// Send this message, which is one frame.
    Send {
        /// The beginning of the frame, or all of it.
        head: Bytes,
        /// The rest of the frame: content of a file, or nothing.
        chunk: Bytes,
    },
    /// Do this job, after all earlier ones.
    Job(Job),
    /// Something has happened.
    Event(ServerSessionEvent),
    /// Send what is queued, then close the connection. Nothing comes after it.
    Close,
}

impl ServerOutput {
    pub(super) fn message(message: &Message) -> Self {
        Self::Send { head: message.encode(), chunk: Bytes::new() }
    }
}

/// What has happened between a server and a client.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ServerSessionEvent {
    /// The client shows what it says that it was given, to be known by. Until the driver knows better it
    /// is who it was.
    Ticket(Ticket),
    /// The client gets what lies at or below this path.
    Subscribed {
        /// The path.
        path: VirtualPath,
    },
    /// More of a file is on its way.
    Progress {
        /// The file.
        name: VirtualPath,
        /// Bytes, with those that the client had before.
        sent: u64,
        /// Bytes of the whole.
        size: u64,
    },
    /// All of a file is on its way.
    Sent {
        /// The file.
        name: VirtualPath,
        /// Bytes of the whole.
        size: u64,
        /// Whether the client has still to say what has become of it.
        receipt_follows: bool,
    },
    /// The client has said that a file is whole and in its place.
    Confirmed {
        /// The file.
        name: VirtualPath,
        /// Bytes of the whole.
        size: u64,
        /// Whether the client has had it already, so that it was not sent.
        already: bool,
    },
    /// The client does not want a file.
    Declined {
        /// The file.
        name: VirtualPath,
        /// What the client says.
        reason: Arc<str>,
    },
    /// The client has said that it does not accept a file.
    Rejected {
        /// The file.
        name: VirtualPath,
        /// What the client says.
        reason: Arc<str>,
        /// Whether the client tries again.
        fate: Fate,
    },
    /// The client was told that a file is gone.
    Deleted {
        /// The file.
        name: VirtualPath,
    },
    /// A file changed, or is no longer available, while it was being sent. If it still exists, its
    /// new state follows.
    Aborted {
        /// The file.
        name: VirtualPath,
    },
    /// A file cannot be read. Unless that is final it is tried again and again.
    Unreadable {
        /// The file.
        name: VirtualPath,
        /// What the operating system says.
        reason: Arc<str>,
        /// Whether it may be readable later.
        fate: Fate,
    },
    /// The client said something that is not understood, or not at this time, and was told so.
    NotUnderstood {
        /// What it was told.
        reason: Arc<str>,
    },
    /// The client has said goodbye.
    Left,
    /// The client has said nothing for
    /// [`ServerConfig::client_timeout`](crate::session::ServerConfig::client_timeout).
    Expired,
}
