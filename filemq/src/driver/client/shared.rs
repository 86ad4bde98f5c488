//! What all connections of a client share.

use tokio::sync::{mpsc, watch};

use super::event::ClientEvent;
use super::options::ClientOptions;
use crate::VirtualPath;
use crate::disk::ReceivedFolder;

/// What all connections of a client share.
pub(super) struct ClientShared {
    pub(super) received: ReceivedFolder,
    pub(super) options: ClientOptions,
    pub(super) subscriptions: watch::Sender<Vec<VirtualPath>>,
    pub(super) events: mpsc::Sender<ClientEvent>,
}
