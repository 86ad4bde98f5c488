//! A server: what it publishes, and its clients.

use std::collections::BTreeSet;
use std::fmt;
use std::future::pending;
use std::io;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::{Duration, Instant};

use bytes::Bytes;
use tokio::sync::{Notify, mpsc};
use tokio::task::AbortHandle;
use zmtp::net::{Established, Listener, ListenerLimits, OutboxLimits};
use zmtp::{Config, Limits, SocketType};

use super::stock::{Stock, VisitId};
use super::{Progress, visit};
use crate::disk::{Mount, MountConfig, Source};
use crate::session::{ServerConfig, ServerSession};
use crate::{Audience, VirtualPath};

/// How often files that were published one by one are looked at.
const LOOK: Duration = Duration::from_secs(1);

/// Events that may wait; more are dropped.
const EVENTS: usize = 1024;

/// Octets of a message of a client: its list of what it has is the longest.
const MESSAGE: usize = 24 << 20;

/// A client, as a server sees it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClientInfo {
    /// The identity that it has told, often none. Nobody has verified it.
    pub identity: Bytes,
    /// Where it comes from.
    pub address: SocketAddr,
}

/// Which tags a client has, by what is known of it.
type Tags = dyn Fn(&ClientInfo) -> BTreeSet<Arc<str>> + Send + Sync;

/// What a server puts up with.
#[derive(Clone)]
pub struct ServerOptions {
    /// How sessions behave.
    pub session: ServerConfig,
    /// Clients at a time. Default 1,024; one more waits until another goes.
    pub clients: usize,
    tags: Arc<Tags>,
}

impl Default for ServerOptions {
    fn default() -> Self {
        Self {
            session: ServerConfig::default(),
            clients: 1024,
            tags: Arc::new(|_| BTreeSet::new()),
        }
    }
}

impl ServerOptions {
    /// The same, with clients told apart: what is published for a tag goes to those that `tags`
    /// gives it. Asked when a client comes, and again by [`Server::retag`]. Must not call the server.
    #[must_use]
    pub fn with_tags(
        self,
        tags: impl Fn(&ClientInfo) -> BTreeSet<Arc<str>> + Send + Sync + 'static,
    ) -> Self {
        Self { tags: Arc::new(tags), ..self }
    }
}

impl fmt::Debug for ServerOptions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ServerOptions")
            .field("session", &self.session)
            .field("clients", &self.clients)
            .finish_non_exhaustive()
    }
}

/// What a server has done.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Served {
    /// A file is on its way; about ten times a second.
    Progress {
        /// To whom.
        client: ClientInfo,
        /// Which.
        name: VirtualPath,
        /// How far; what was handed to the network, not what has arrived.
        progress: Progress,
    },
    /// A file was sent to its end.
    Sent {
        /// To whom.
        client: ClientInfo,
        /// Which.
        name: VirtualPath,
        /// Its octets.
        size: u64,
    },
    /// A client was told that a file is gone.
    Deleted {
        /// Which client.
        client: ClientInfo,
        /// Which file.
        name: VirtualPath,
    },
}

/// What a server does, as it happens. Nobody needs to listen: when 1,024 wait, more are dropped.
#[derive(Debug)]
pub struct ServerEvents(mpsc::Receiver<Served>);

impl ServerEvents {
    /// The next; `None` when the server has stopped. May be dropped and called again.
    pub async fn recv(&mut self) -> Option<Served> {
        self.0.recv().await
    }
}

/// A server: publishes files and folders to the clients that come to it.
///
/// A handle: clones are the same server, and when the last is dropped it stops. Names are virtual
/// paths; a name is there once, and belongs to whoever gave it last.
#[derive(Clone)]
pub struct Server {
    shared: Arc<Shared>,
    running: Arc<Running>,
}

/// Ends the tasks of a server with its last handle.
struct Running {
    shared: Weak<Shared>,
    task: AbortHandle,
}

/// What all tasks of a server share.
pub(super) struct Shared {
    stock: Mutex<Stock>,
    options: ServerOptions,
    events: mpsc::Sender<Served>,
    address: Mutex<Option<SocketAddr>>,
    /// To the task that accepts.
    listeners: mpsc::Sender<Listener>,
}

impl Server {
    /// A server that publishes nothing yet and listens nowhere. Must be called in a tokio runtime,
    /// where the server then lives.
    ///
    /// What is to be there from the start should be published before [`listen`](Self::listen): a
    /// client that has been here before is told that what it has is gone if it is not there when it
    /// comes.
    #[must_use]
    pub fn new(options: ServerOptions) -> (Self, ServerEvents) {
        let (sender, events) = mpsc::channel(EVENTS);
        let (listeners, opened) = mpsc::channel(1);
        let shared = Arc::new(Shared {
            stock: Mutex::default(),
            options,
            events: sender,
            address: Mutex::new(None),
            listeners,
        });
        let task = tokio::spawn(run(Arc::downgrade(&shared), opened)).abort_handle();
        let running = Arc::new(Running { shared: Arc::downgrade(&shared), task });
        (Self { shared, running }, ServerEvents(events))
    }

    /// Listens on `address`, and no longer where it listened before; says where. The port of FILEMQ is
    /// [5670](crate::PORT), and 0 is any. Clients that are connected stay so.
    ///
    /// # Errors
    /// The address cannot be listened on; all is as it was.
    pub async fn listen(&self, address: SocketAddr) -> io::Result<SocketAddr> {
        let listener = listener(address, &self.shared.options).await?;
        let address = listener.local_addr()?;
        // It is taken as long as a handle is there.
        self.shared.listeners.send(listener).await.map_err(io::Error::other)?;
        *self.shared.address.lock().unwrap_or_else(PoisonError::into_inner) = Some(address);
        Ok(address)
    }

    /// Where it listens, if it does.
    #[must_use]
    pub fn local_addr(&self) -> Option<SocketAddr> {
        *self.shared.address.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Publishes all that is in a directory, now and later, below `config.alias`, instead of what
    /// was there by an earlier call. Returns when what is there now is known; it may take a while.
    ///
    /// # Errors
    /// The directory cannot be read.
    pub async fn mount(
        &self,
        directory: impl Into<PathBuf>,
        config: MountConfig,
        audience: Audience,
    ) -> io::Result<()> {
        let (shared, directory) = (Arc::downgrade(&self.shared), directory.into());
        let opening = move || {
            let Some(server) = shared.upgrade() else { return Ok(()) };
            let owner = server.stock().next_owner();
            let alias = config.alias.clone();
            // What changes waits until what was there before it is known.
            let gate = Arc::new(Mutex::new(()));
            let opened = gate.lock().unwrap_or_else(PoisonError::into_inner);
            let (waits, to) = (Arc::clone(&gate), audience.clone());
            let (mount, found) = Mount::open(&directory, config, move |changes| {
                drop(waits.lock().unwrap_or_else(PoisonError::into_inner));
                if let Some(server) = shared.upgrade() {
                    server.stock().mount_changed(owner, &to, changes);
                }
            })?;
            let mut stock = server.stock();
            let old = stock.keep_mount(owner, alias, mount);
            stock.mount_changed(owner, &audience, found);
            drop(stock);
            drop(opened);
            // Its thread may be waiting for the lock.
            drop(old);
            Ok(())
        };
        tokio::task::spawn_blocking(opening).await.map_err(io::Error::other)?
    }

    /// Takes a mounted directory out: its files are gone for the clients. False: there is none.
    pub async fn unmount(&self, alias: &VirtualPath) -> bool {
        let mount = self.shared.stock().take_mount(alias);
        let had = mount.is_some();
        // Its thread may be busy.
        let _ = tokio::task::spawn_blocking(move || drop(mount)).await;
        had
    }

    /// Publishes one file under `name`, as it is and, looked at once a second, as it will be.
    /// Publishing a name again replaces what it stands for.
    ///
    /// # Errors
    /// It cannot be read, or is no file.
    pub async fn publish(
        &self,
        path: impl AsRef<Path>,
        name: VirtualPath,
        audience: Audience,
    ) -> io::Result<()> {
        if name.is_root() {
            return Err(io::Error::new(io::ErrorKind::InvalidInput, "/ is no name for a file"));
        }
        let path = std::path::absolute(path)?;
        let source = Source::anywhere(path.clone());
        let version = tokio::task::spawn_blocking(move || source.version())
            .await
            .map_err(io::Error::other)??;
        self.shared.stock().publish(name, path, version, audience);
        Ok(())
    }

    /// Takes a file out that was published by itself. False: there is none of that name.
    pub fn retract(&self, name: &VirtualPath) -> bool {
        self.shared.stock().retract(name)
    }

    /// Stops it, for all its handles: closes all connections at once, watches nothing any more. What a
    /// client has got of a file it goes on with when the server is there again.
    pub fn stop(&self) {
        self.running.stop();
    }

    /// Asks anew which tags each client has.
    pub fn retag(&self) {
        let tags = Arc::clone(&self.shared.options.tags);
        self.shared.stock().retag(|info| tags(info));
    }
}

impl fmt::Debug for Server {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Server").field("address", &self.local_addr()).finish_non_exhaustive()
    }
}

impl Running {
    fn stop(&self) {
        // With the tasks of its clients, which are its children.
        self.task.abort();
        if let Some(shared) = self.shared.upgrade() {
            let mounts = shared.stock().take_mounts();
            // Not here: their threads may be busy, and this may be a task of the runtime.
            std::thread::spawn(move || drop(mounts));
        }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.stop();
    }
}

impl Shared {
    pub(super) fn stock(&self) -> MutexGuard<'_, Stock> {
        self.stock.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A client has come; its number.
    pub(super) fn visited_by(&self, info: ClientInfo, wake: &Arc<Notify>) -> VisitId {
        let tags = (self.options.tags)(&info);
        let session = ServerSession::new(&self.options.session, tags, Instant::now());
        self.stock().visit(session, info, Arc::clone(wake))
    }

    /// Tells the application, if it listens.
    pub(super) fn report(&self, served: Served) {
        let _ = self.events.try_send(served);
    }
}

async fn listener(address: SocketAddr, options: &ServerOptions) -> io::Result<Listener> {
    let limits = ListenerLimits {
        connections: options.clients,
        outbox: OutboxLimits { messages: 100_000, octets: 16 << 20 },
        ..ListenerLimits::default()
    };
    let transport = Limits { frame: MESSAGE, message: MESSAGE, frames: 2, ..Limits::default() };
    let config = Config::new(SocketType::Router).with_limits(transport);
    Listener::bind(address, config, limits).await
}

/// Takes clients in, and looks after files that were published one by one.
async fn run(shared: Weak<Shared>, mut opened: mpsc::Receiver<Listener>) {
    let mut listener = None;
    let mut clients = tokio::task::JoinSet::new();
    let mut look = tokio::time::interval(LOOK);
    look.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    loop {
        tokio::select! {
            established = accept(&mut listener) => {
                let Some(shared) = shared.upgrade() else { return };
                clients.spawn(visit::serve(shared, established));
            }
            Some(_) = clients.join_next(), if !clients.is_empty() => {}
            Some(other) = opened.recv() => listener = Some(other),
            _ = look.tick() => {
                let Some(shared) = shared.upgrade() else { return };
                let _ = tokio::task::spawn_blocking(move || look_after(&shared)).await;
            }
        }
    }
}

/// The next client; never one, if nobody listens.
async fn accept(listener: &mut Option<Listener>) -> Established {
    match listener {
        Some(listener) => listener.accept().await,
        None => pending().await,
    }
}

fn look_after(shared: &Shared) {
    let single = shared.stock().single();
    for (name, path, known) in single {
        let version = Source::anywhere(path).version().ok();
        if version != known {
            shared.stock().single_changed(&name, version);
        }
    }
}
