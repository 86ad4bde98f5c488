//! What a server tells the application.

use std::net::SocketAddr;
use std::sync::Arc;

use bytes::Bytes;
use tokio::sync::mpsc;
use zmtp::PeerInfo;

use crate::driver::progress::Progress;
use crate::{Fate, OmittedFiles, Ticket, VirtualPath};

/// A client, as a server sees it.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct ClientInfo {
    /// The identity that the client has announced, often none, or that of the client that was called.
    /// It is not verified.
    pub identity: Bytes,
    /// The address it is connected from, or was called at.
    pub address: SocketAddr,
    /// What the remote has said of itself in the handshake, and, on a connection that is secured, the
    /// key that it has proved. Of a client that was called it is what its file server says.
    pub peer: Arc<PeerInfo>,
    /// The ticket that it has shown, if it has. It is for [`Server::set_guests`](crate::Server::set_guests)
    /// to say whether that is one.
    pub ticket: Option<Ticket>,
}

/// Something that a server did.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ServerEvent {
    /// A file is on its way; reported about ten times a second.
    Progress {
        /// To which client.
        client: ClientInfo,
        /// The name of the file on the network.
        name: VirtualPath,
        /// How much was handed to the network, which is more than has arrived.
        progress: Progress,
    },
    /// A file was sent to its end. This does not tell whether the client has it.
    Sent {
        /// To which client.
        client: ClientInfo,
        /// The name of the file on the network.
        name: VirtualPath,
        /// Bytes of the file.
        size: u64,
        /// Whether the client has still to say what has become of it, as clients of this
        /// implementation do: `Confirmed`, `Rejected` or `Declined`, unless the file changes or the
        /// connection ends before.
        receipt_follows: bool,
    },
    /// A client has said that it has a file: whole, verified, and under its name. Also told of files
    /// that a client has from before, when it connects.
    Confirmed {
        /// Which client.
        client: ClientInfo,
        /// The name of the file on the network.
        name: VirtualPath,
        /// Bytes of the file.
        size: u64,
        /// Whether the client has had it already, so that it was not sent.
        already: bool,
    },
    /// A client does not want a file.
    Declined {
        /// Which client.
        client: ClientInfo,
        /// The name of the file on the network.
        name: VirtualPath,
        /// What the client says. Not to be trusted on a terminal.
        reason: Arc<str>,
    },
    /// A client has said that it does not accept a file.
    Rejected {
        /// Which client.
        client: ClientInfo,
        /// The name of the file on the network.
        name: VirtualPath,
        /// What the client says. Not to be trusted on a terminal.
        reason: Arc<str>,
        /// Whether the client tries again by itself.
        fate: Fate,
    },
    /// A folder or a file is published. Told when that is so, and again when the number of its files
    /// changes, at most once a second.
    Published {
        /// Its name on the network.
        name: VirtualPath,
        /// How many files it has.
        files: usize,
        /// How many bytes they have.
        bytes: u64,
    },
    /// Some files are not published. Told once for each reason, and again when their number changes,
    /// at most once a second.
    Omitted {
        /// The published folder; `/` for files that cannot be read, whose names are whole.
        name: VirtualPath,
        /// Why, and how many.
        omitted: OmittedFiles,
    },
    /// A client was told that a file is gone.
    Deleted {
        /// Which client.
        client: ClientInfo,
        /// The name of the file on the network.
        name: VirtualPath,
    },
}

/// The events of a server. They need not be taken: while 1,024 of them wait, further ones are
/// dropped, except for those that tell what is published and what is not, and what clients have said of
/// files, which then come later.
#[derive(Debug)]
pub struct ServerEvents(mpsc::Receiver<ServerEvent>);

impl ServerEvents {
    pub(super) const fn new(events: mpsc::Receiver<ServerEvent>) -> Self {
        Self(events)
    }

    /// Waits for the next event. Returns `None` when the server has stopped. Cancel safe.
    pub async fn recv(&mut self) -> Option<ServerEvent> {
        self.0.recv().await
    }
}
