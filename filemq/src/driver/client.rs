//! A client: the servers it is connected to, and its received folder.

mod connection;
mod consent;
mod event;
mod folder;
mod offer;
mod offer_book;
mod options;
mod shared;

use std::collections::BTreeMap;
use std::fmt;
use std::io;
use std::path::Path;
use std::sync::atomic::AtomicBool;
use std::sync::{Arc, MutexGuard};
use std::time::{Duration, Instant};

use tokio::sync::{mpsc, watch};
use tokio::task::JoinHandle;
use zmtp::net::Backoff;
use zmtp::sync::Mutex;

use self::connection::RemoteServer;
pub use self::event::{ClientEvent, ClientEvents};
pub use self::offer::{OfferError, OfferId, OfferInfo, OfferState};
use self::offer_book::OfferBook;
pub use self::options::ClientOptions;
use self::shared::ClientShared;
use crate::VirtualPath;
use crate::disk::ReceivedFolder;
use crate::driver::call::Call;
use crate::driver::way::Way;

/// How many events may wait before nothing more is received.
const MAX_EVENTS: usize = 1024;

/// How long a received folder may be in use: a client that was dropped still writes for a moment,
/// and a process that is ending lives for a moment.
const RELEASE_TIMEOUT: Duration = Duration::from_secs(2);
const RELEASE_PAUSES: Backoff = Backoff::new(Duration::from_millis(1), Duration::from_millis(100));

/// A client: receives files from any number of servers into one folder.
///
/// A file is stored at its whole virtual path below the received folder, or below the folder of its
/// server. The client stops when this handle is dropped; partial transfers resume when a client
/// next opens the same folder.
pub struct Client {
    shared: Arc<ClientShared>,
    servers: Mutex<BTreeMap<Arc<str>, ServerTask>>,
}

/// The task that stays connected to a server.
struct ServerTask {
    way: Way,
    /// What the server dials.
    calls: mpsc::Sender<Call>,
    stop: watch::Sender<bool>,
    task: JoinHandle<()>,
}

impl Client {
    /// Opens a client with this received folder, which is created if it does not exist, and belongs
    /// to this client alone. A client that is ending has two seconds to leave it.
    ///
    /// # Errors
    /// The folder cannot be created, or another client uses it.
    ///
    /// # Panics
    /// Panics outside a tokio runtime, in which the client then runs.
    pub async fn open(
        received: impl AsRef<Path>,
        options: ClientOptions,
    ) -> io::Result<(Self, ClientEvents)> {
        let received = open_folder(received.as_ref(), &options).await?;
        let (sender, events) = mpsc::channel(MAX_EVENTS);
        let subscriptions = watch::Sender::new(Vec::new());
        let folder_lost = AtomicBool::new(false);
        let folder_names = Mutex::new(Arc::new(|origin: &str| origin.to_owned()) as Arc<_>);
        let offers = Mutex::new(OfferBook::new(options.session.accept, options.session.offers));
        let shared = ClientShared {
            received,
            options,
            subscriptions,
            events: sender,
            folder_names,
            folder_lost,
            offers,
        };
        let shared = Arc::new(shared);
        Ok((Self { shared, servers: Mutex::default() }, ClientEvents::new(events)))
    }

    /// Subscribes to everything at or below `path`, at every server, now and later. Subscribing
    /// twice has no further effect.
    pub fn subscribe(&self, path: VirtualPath) {
        self.shared.subscriptions.send_if_modified(|paths| {
            let is_new = !paths.contains(&path);
            if is_new {
                paths.push(path);
            }
            is_new
        });
    }

    /// Connects to a server, and again whenever the connection is lost. `way` is its address, or more;
    /// with [patience](Way::patience) the server is waited for first, which may call.
    ///
    /// `origin` is the name of the server in the received folder: files that came from an origin
    /// are recognised when the same origin is connected again, even at another address. If it is
    /// connected already, `way` replaces the earlier one.
    ///
    /// # Panics
    /// Panics outside a tokio runtime.
    pub fn connect(&self, origin: &str, way: impl Into<Way>) {
        let way = way.into();
        let origin: Arc<str> = origin.into();
        let mut servers = self.servers();
        let before = match servers.remove(&origin) {
            Some(old) if old.way == way => {
                servers.insert(origin, old);
                return;
            }
            Some(old) => {
                old.stop.send_replace(true);
                Some(old.task)
            }
            None => None,
        };
        let (stop, stopped) = watch::channel(false);
        // One that is called again takes the newest; a second one meanwhile is dropped.
        let (calls, called) = mpsc::channel(1);
        let server = RemoteServer { origin: Arc::clone(&origin), way: way.clone() };
        let connected = connection::run(Arc::clone(&self.shared), server, called, stopped);
        let task = tokio::spawn(async move {
            if let Some(before) = before {
                // Until it ends it holds the writer of this origin.
                let _ = before.await;
            }
            connected.await;
        });
        servers.insert(origin, ServerTask { way, calls, stop, task });
    }

    /// Names the folders of servers, with [`ClientOptions::folders`]: `name` returns the folder's name
    /// for an origin, and is called when the first file of that origin comes. It must not
    /// call the client. Default: the origin.
    ///
    /// What it says is made safe, and a number is appended where the name is taken; see
    /// [`ReceivedWriter::make_folder`](crate::disk::ReceivedWriter::make_folder). An origin keeps its
    /// folder, which the received folder remembers, whatever its name is later.
    pub fn set_folder_names(&self, name: impl Fn(&str) -> String + Send + Sync + 'static) {
        let old = std::mem::replace(&mut *self.shared.folder_names.lock(), Arc::new(name));
        // Dropped when the lock is free: it may own anything.
        drop(old);
    }

    /// Takes a call of the server that is [connected](Self::connect) as `origin`: what it publishes comes
    /// on that connection, instead of the one that there is. That it is this server is for the application
    /// to know, by the call's [ticket](Call::ticket). Returns `false`, and closes the connection, if no
    /// such server is connected, or another call is being taken.
    pub fn take_call(&self, origin: &str, call: Call) -> bool {
        self.servers().get(origin).is_some_and(|server| server.calls.try_send(call).is_ok())
    }

    /// Disconnects from a server. What it has delivered stays. Returns `false` if it was not
    /// connected.
    pub fn disconnect(&self, origin: &str) -> bool {
        self.servers().remove(origin).is_some_and(|server| !server.stop.send_replace(true))
    }

    /// Disconnects from all servers, and waits until everything received is written.
    pub async fn stop(self) {
        let servers = std::mem::take(&mut *self.servers());
        for server in servers.values() {
            server.stop.send_replace(true);
        }
        for server in servers.into_values() {
            let _ = server.task.await;
        }
    }

    fn servers(&self) -> MutexGuard<'_, BTreeMap<Arc<str>, ServerTask>> {
        self.servers.lock()
    }
}

/// Opens the received folder, when the client that has used it is gone.
async fn open_folder(path: &Path, options: &ClientOptions) -> io::Result<ReceivedFolder> {
    let deadline = Instant::now() + RELEASE_TIMEOUT;
    let mut pauses = RELEASE_PAUSES;
    loop {
        let (path, limits) = (path.to_owned(), options.received.clone());
        let opening = tokio::task::spawn_blocking(move || ReceivedFolder::open(&path, limits));
        match opening.await.map_err(io::Error::other)? {
            Err(error)
                if error.kind() == io::ErrorKind::WouldBlock && Instant::now() < deadline =>
            {
                tokio::time::sleep(pauses.next_pause()).await;
            }
            opened => return opened,
        }
    }
}

impl Drop for Client {
    fn drop(&mut self) {
        for server in self.servers().values() {
            server.stop.send_replace(true);
        }
    }
}

impl fmt::Debug for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Client")
            .field("servers", &self.servers().keys().collect::<Vec<_>>())
            .finish_non_exhaustive()
    }
}
