//! What all connections of a client share.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use tokio::sync::{mpsc, watch};
use zmtp::sync::Mutex;

use super::event::ClientEvent;
use super::offer_book::OfferBook;
use super::options::ClientOptions;
use crate::VirtualPath;
use crate::disk::ReceivedFolder;

/// Returns the name for the folder of an origin.
pub(super) type FolderNameFn = dyn Fn(&str) -> String + Send + Sync;

/// What all connections of a client share.
pub(super) struct ClientShared {
    pub(super) received: ReceivedFolder,
    pub(super) options: ClientOptions,
    pub(super) subscriptions: watch::Sender<Vec<VirtualPath>>,
    pub(super) events: mpsc::Sender<ClientEvent>,
    pub(super) folder_names: Mutex<Arc<FolderNameFn>>,
    /// Whether the application knows that the received folder cannot be used.
    pub(super) folder_lost: AtomicBool,
    /// What is on offer, if the application wants to be asked.
    pub(super) offers: Mutex<OfferBook>,
}

impl ClientShared {
    /// Returns the name for the folder of an origin.
    pub(super) fn folder_name(&self, origin: &str) -> String {
        let names = Arc::clone(&self.folder_names.lock());
        names(origin)
    }

    /// Notes that the received folder cannot be used. Returns whether that is news.
    pub(super) fn folder_is_lost(&self) -> bool {
        !self.folder_lost.swap(true, Ordering::Relaxed)
    }

    /// Notes that the received folder can be used. Returns whether that is news.
    pub(super) fn folder_is_back(&self) -> bool {
        self.folder_lost.swap(false, Ordering::Relaxed)
    }
}
