//! What a client tells the application.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::mpsc;

use super::offer::{OfferId, OfferInfo};
use crate::driver::progress::Progress;
use crate::{FileEvent, VirtualPath};

/// Something that happened at a client. The origin is the server's name, as given to
/// [`Client::connect`](crate::Client::connect).
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ClientEvent {
    /// A file was delivered, deleted, or refused.
    File {
        /// The server.
        origin: Arc<str>,
        /// What became of the file.
        event: FileEvent,
    },
    /// A server has a file, with [`Accept::Ask`](crate::Accept::Ask). Nothing is sent before it is
    /// [accepted](crate::Client::accept); until then, and as long as it is put off, it costs nothing.
    /// After [`Withdrawn`](Self::Withdrawn) the same state of the file may be offered again, and what was
    /// decided about it counts.
    ///
    /// Servers of other implementations do not wait: they have begun to send the file, and nothing else of
    /// them is read until it is decided. From them a file that was declined or put off comes again when it
    /// changes.
    Offered {
        /// The file.
        offer: OfferInfo,
    },
    /// An offer holds no more: the file has changed, and is offered anew, or it is gone, or is not for
    /// this client any more.
    Withdrawn {
        /// The server.
        origin: Arc<str>,
        /// Which offer.
        id: OfferId,
        /// The name of the file on the network.
        name: VirtualPath,
    },
    /// A file is on its way. Reported about ten times a second, and dropped while other events
    /// wait.
    Progress {
        /// The server.
        origin: Arc<str>,
        /// The name of the file on the network.
        name: VirtualPath,
        /// How far it has come.
        progress: Progress,
    },
    /// The received folder cannot be used: it is gone, for instance, or its disk is. Nothing is
    /// received until it is [usable](Self::FolderUsable) again, which is tried again and again.
    FolderUnusable {
        /// Why, for people.
        reason: String,
    },
    /// The received folder can be used again. It may be another one, and then all files come.
    FolderUsable,
    /// A server is connected and has accepted all subscriptions. Reported again after a reconnect.
    Connected {
        /// The server.
        origin: Arc<str>,
    },
    /// The connection was lost, or could not be made. It is tried again until
    /// [`Client::disconnect`](crate::Client::disconnect), at first after a tenth of a second, and
    /// later after up to five seconds.
    Disconnected {
        /// The server.
        origin: Arc<str>,
        /// Why, for people.
        reason: String,
        /// For how long the server has not been reached: since it was last connected, or since the
        /// client first tried; zero if it was connected until now.
        unreached_for: Duration,
    },
}

/// The events of a client.
///
/// They have to be taken: while 1,024 of them wait, nothing more is received.
#[derive(Debug)]
pub struct ClientEvents(mpsc::Receiver<ClientEvent>);

impl ClientEvents {
    pub(super) const fn new(events: mpsc::Receiver<ClientEvent>) -> Self {
        Self(events)
    }

    /// Waits for the next event. Returns `None` when the client has stopped. Cancel safe.
    pub async fn recv(&mut self) -> Option<ClientEvent> {
        self.0.recv().await
    }
}
