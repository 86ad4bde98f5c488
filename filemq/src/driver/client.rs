//! A client: the servers that it listens to, and its inbox.

use std::collections::BTreeMap;
use std::fmt;
use std::io;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bytes::Bytes;
use tokio::sync::{mpsc, watch};
use tokio::task::JoinHandle;

use super::Progress;
use super::folder::Folder;
use super::link::{self, Source};
use crate::disk::{Inbox, InboxLimits};
use crate::session::ClientConfig;
use crate::{PathError, Refusal, VirtualPath};

/// Events that may wait; then nothing more is received until one is taken.
const EVENTS: usize = 1024;

/// What a client is.
#[derive(Clone, Debug, Default)]
pub struct ClientOptions {
    /// How sessions behave.
    pub session: ClientConfig,
    /// What the inbox may hold, of all servers together.
    pub inbox: InboxLimits,
    /// Who we are, for servers that tell clients apart; at most 255 octets, none by default.
    pub identity: Bytes,
    /// Whether each server's files have a folder of their own in the inbox, named by its origin.
    /// Otherwise, by default, the files of all are together, and of one name there is the last.
    pub folders: bool,
}

/// What a client has received.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Received {
    /// A file is there: complete, and under its name.
    Delivered {
        /// The server's origin, as given to [`Client::connect`].
        origin: Arc<str>,
        /// Its name on the network.
        name: VirtualPath,
        /// Where it is.
        path: PathBuf,
        /// Octets.
        size: u64,
    },
    /// A file is gone at the server, and so here.
    Deleted {
        /// The server's origin.
        origin: Arc<str>,
        /// Its name on the network.
        name: VirtualPath,
        /// Where it was.
        path: PathBuf,
    },
    /// A file is on its way; about ten times a second, and dropped when events wait.
    Progress {
        /// The server's origin.
        origin: Arc<str>,
        /// Its name on the network.
        name: VirtualPath,
        /// How far.
        progress: Progress,
    },
    /// A file was not taken.
    Refused {
        /// The server's origin.
        origin: Arc<str>,
        /// Its name on the network.
        name: VirtualPath,
        /// Why.
        reason: Refusal,
    },
    /// A server is connected, and has taken all subscriptions. Comes again when the connection had
    /// to be made anew.
    Connected {
        /// The server's origin.
        origin: Arc<str>,
    },
    /// The connection is lost, or was not made. It is tried again until
    /// [`Client::disconnect`]: after a tenth of a second, and later after up to five.
    Disconnected {
        /// The server's origin.
        origin: Arc<str>,
        /// Why, for people.
        reason: String,
    },
}

/// What a client receives, as it happens.
///
/// It has to be taken: when 1,024 events wait, nothing more is received.
#[derive(Debug)]
pub struct ClientEvents(mpsc::Receiver<Received>);

impl ClientEvents {
    /// The next; `None` when the client has stopped. May be dropped and called again.
    pub async fn recv(&mut self) -> Option<Received> {
        self.0.recv().await
    }
}

/// A client: takes files from any number of servers into one inbox.
///
/// A file is at its whole virtual path below the inbox, or below the folder of its server. A handle: when it is dropped the client stops;
/// what is there of a file in transfer is gone on with when a client next comes to that inbox.
pub struct Client {
    shared: Arc<Shared>,
    links: Mutex<BTreeMap<Arc<str>, Connected>>,
}

/// A server that is listened to.
struct Connected {
    address: SocketAddr,
    stop: watch::Sender<bool>,
    task: JoinHandle<()>,
}

/// What all links share.
pub(super) struct Shared {
    pub(super) inbox: Inbox,
    pub(super) options: ClientOptions,
    pub(super) subscriptions: watch::Sender<Vec<VirtualPath>>,
    pub(super) events: mpsc::Sender<Received>,
}

impl Client {
    /// A client with an inbox, which is made if it is not there, and belongs to this client as long as
    /// it lives. Must be called in a tokio runtime, where the client then lives.
    ///
    /// # Errors
    /// The inbox cannot be made, or another client has it.
    pub async fn open(
        inbox: impl AsRef<Path>,
        options: ClientOptions,
    ) -> io::Result<(Self, ClientEvents)> {
        let (path, limits) = (inbox.as_ref().to_owned(), options.inbox.clone());
        let inbox = tokio::task::spawn_blocking(move || Inbox::open(&path, limits))
            .await
            .map_err(io::Error::other)??;
        let (sender, events) = mpsc::channel(EVENTS);
        let subscriptions = watch::Sender::new(Vec::new());
        let shared = Arc::new(Shared { inbox, options, subscriptions, events: sender });
        Ok((Self { shared, links: Mutex::default() }, ClientEvents(events)))
    }

    /// Subscribes to all that lies at or below `path`, at every server, now or later. Twice is once.
    pub fn subscribe(&self, path: VirtualPath) {
        self.shared.subscriptions.send_if_modified(|paths| {
            let news = !paths.contains(&path);
            if news {
                paths.push(path);
            }
            news
        });
    }

    /// Connects to a server, and again whenever the connection is lost. `origin` names it for the
    /// inbox: what came from an origin is known to be there when the same origin is connected again,
    /// maybe at another address. One that is connected already is connected to `address` instead.
    ///
    /// # Errors
    /// With [`ClientOptions::folders`]: the origin cannot be the name of a folder.
    pub fn connect(&self, origin: &str, address: SocketAddr) -> Result<(), PathError> {
        let folder = if self.shared.options.folders {
            VirtualPath::root().join(origin)?
        } else {
            VirtualPath::root()
        };
        let origin: Arc<str> = origin.into();
        let mut links = self.links();
        let before = match links.remove(&origin) {
            Some(old) if old.address == address => {
                links.insert(origin, old);
                return Ok(());
            }
            Some(old) => {
                old.stop.send_replace(true);
                Some(old.task)
            }
            None => None,
        };
        let (stop, stopped) = watch::channel(false);
        let server = Source { origin: Arc::clone(&origin), address, folder: Folder(folder) };
        let link = link::run(Arc::clone(&self.shared), server, stopped);
        let task = tokio::spawn(async move {
            if let Some(before) = before {
                // It has its part of the inbox until it ends.
                let _ = before.await;
            }
            link.await;
        });
        links.insert(origin, Connected { address, stop, task });
        Ok(())
    }

    /// Takes leave of a server. What it has given stays. False: it was not connected.
    pub fn disconnect(&self, origin: &str) -> bool {
        self.links().remove(origin).is_some_and(|link| !link.stop.send_replace(true))
    }

    /// Takes leave of all servers, and waits until what has come is written.
    pub async fn stop(self) {
        let links = std::mem::take(&mut *self.links());
        for link in links.values() {
            link.stop.send_replace(true);
        }
        for link in links.into_values() {
            let _ = link.task.await;
        }
    }

    fn links(&self) -> MutexGuard<'_, BTreeMap<Arc<str>, Connected>> {
        self.links.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Client {
    fn drop(&mut self) {
        for link in self.links().values() {
            link.stop.send_replace(true);
        }
    }
}

impl fmt::Debug for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Client")
            .field("servers", &self.links().keys().collect::<Vec<_>>())
            .finish_non_exhaustive()
    }
}
