//! A server: what it publishes, and its clients.

mod callee;
mod caller;
mod connection;
mod event;
mod guest;
mod limits;
mod options;
mod places;
mod published;
mod recheck;
mod served;
mod shared;
mod state;
mod unreadable;
mod waiting;

use std::collections::BTreeMap;
use std::fmt;
use std::io;
use std::net::{SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Weak};
use std::time::{Duration, Instant};

use bytes::Bytes;
use tokio::sync::mpsc;
use tokio::task::AbortHandle;
use zmtp::net::{Listener, ListenerLimits};
use zmtp::sync::Mutex;
use zmtp::{Config, SocketType};

use self::callee::Callee;
pub use self::event::{ClientInfo, ServerEvent, ServerEvents};
pub use self::guest::Guest;
pub use self::options::ServerOptions;
use self::places::Places;
use self::served::ServedClients;
use self::shared::{Door, ServerShared};
use self::state::{Mounting, ServerState};
use crate::catalogue::{Audience, Entry};
use crate::disk::{FileSource, Mount, MountOptions};
use crate::driver::call::{Accepted, Call};
use crate::driver::way::Way;
use crate::fate::is_gone;
use crate::{PublishError, VirtualPath};

/// How often files are looked at that were published one by one, or cannot be read.
const LOOK_INTERVAL: Duration = Duration::from_secs(1);

/// How many events may wait before more are dropped.
const MAX_EVENTS: usize = 1024;

/// A server: publishes files and folders to the clients that come to it.
///
/// Clones are handles of the same server, which stops when the last one is dropped.
///
/// A name belongs to what was published under it first, as long as that is published. Another file
/// or directory cannot be published under it, nor a directory in which something has such a name. If
/// a file with a name that is taken comes to a directory later, it is left out, which is
/// [told](ServerEvent::Omitted), and published when the name is free. A name cannot be that of a file
/// and of a directory either. Publishing the same file or directory under its name again changes the
/// audience and the options.
#[derive(Clone)]
pub struct Server {
    shared: Arc<ServerShared>,
    running: Arc<RunningServer>,
}

/// Ends the tasks of a server with its last handle.
struct RunningServer {
    shared: Weak<ServerShared>,
    task: AbortHandle,
}

impl Server {
    /// Creates a server that publishes nothing yet and listens nowhere.
    ///
    /// Clients that return are told that a file of theirs is gone if it lies at or below something
    /// that is published, and is not there. A file that is published later is not sent again to
    /// clients that have it, and one that is not published any more stays where it is.
    ///
    /// # Panics
    /// Panics outside a tokio runtime, in which the server then runs.
    #[must_use]
    pub fn new(options: ServerOptions) -> (Self, ServerEvents) {
        let (sender, events) = mpsc::channel(MAX_EVENTS);
        let (doors, changes) = mpsc::unbounded_channel();
        let shared = Arc::new(ServerShared {
            state: Mutex::new(ServerState::default()),
            places: Places::new(options.strangers.unwrap_or(usize::MAX)),
            options,
            guests: Mutex::new(Arc::new(|_: &ClientInfo| Ok(Guest::default()))),
            calls: Mutex::new(Arc::new(drop)),
            served: ServedClients::new(),
            events: sender,
            addresses: Mutex::default(),
            doors,
        });
        let task = tokio::spawn(run(Arc::downgrade(&shared), listener(&shared.options), changes))
            .abort_handle();
        let running = Arc::new(RunningServer { shared: Arc::downgrade(&shared), task });
        (Self { shared, running }, ServerEvents::new(events))
    }

    /// Listens on `address`, besides all earlier ones, and returns the address with its port. The
    /// port of FILEMQ is [5670](crate::PORT); 0 picks a free one.
    ///
    /// # Errors
    /// If it is not possible to listen on the address.
    pub fn listen(&self, address: SocketAddr) -> io::Result<SocketAddr> {
        let socket = TcpListener::bind(address)?;
        let address = socket.local_addr()?;
        self.shared.addresses.lock().push(address);
        // The other end lives as long as there is a handle.
        self.shared.doors.send(Door::Opened(socket)).map_err(io::Error::other)?;
        Ok(address)
    }

    /// No longer listens on `address`. Connected clients stay connected.
    pub fn stop_listening(&self, address: SocketAddr) {
        self.shared.addresses.lock().retain(|known| *known != address);
        // The other end lives as long as there is a handle.
        let _ = self.shared.doors.send(Door::Closed(address));
    }

    /// Returns the addresses on which the server listens, in the order in which they came.
    #[must_use]
    pub fn local_addrs(&self) -> Vec<SocketAddr> {
        self.shared.addresses.lock().clone()
    }

    /// Publishes everything in a directory, now and later, below `options.alias`. Completes when the
    /// directory has been scanned, which may take a while.
    ///
    /// # Errors
    /// The directory cannot be read, a pattern is not possible, or a name is taken.
    pub async fn mount(
        &self,
        directory: impl Into<PathBuf>,
        options: MountOptions,
        audience: Audience,
    ) -> Result<(), PublishError> {
        let (shared, directory) = (Arc::downgrade(&self.shared), directory.into());
        let failed = PublishError::unreadable(directory.clone());
        let opening = move || match shared.upgrade() {
            Some(server) => mount(&server, &directory, options, audience),
            None => Ok(()),
        };
        let opened = tokio::task::spawn_blocking(opening).await;
        opened.map_err(|error| failed(io::Error::other(error)))?
    }

    /// Stops publishing a mounted directory: for clients its files are gone. Returns `false` if
    /// there is no such mount.
    pub async fn unmount(&self, alias: &VirtualPath) -> bool {
        let mount = self.shared.state.lock().take_mount(alias);
        let had = mount.is_some();
        // Its thread may be busy.
        let _ = tokio::task::spawn_blocking(move || drop(mount)).await;
        had
    }

    /// Publishes one file under `name`, and its later states: the file is looked at once a second. It is
    /// gone for clients when it is removed, but not while it cannot be looked at, which is
    /// [told](ServerEvent::Omitted).
    ///
    /// # Errors
    /// It cannot be read or is not a regular file, or the name is `/`, or taken.
    pub async fn publish(
        &self,
        path: impl AsRef<Path>,
        name: VirtualPath,
        audience: Audience,
    ) -> Result<(), PublishError> {
        if name.is_root() {
            return Err(PublishError::RootName);
        }
        let path = path.as_ref().to_owned();
        let failed = PublishError::unreadable(path.clone());
        let open = move || {
            let path = std::path::absolute(path)?;
            let (_, version) = FileSource::anywhere(path.clone()).open()?;
            Ok((path, version))
        };
        let opened = tokio::task::spawn_blocking(open).await;
        let (path, version) = opened.map_err(io::Error::other).flatten().map_err(failed)?;
        self.shared.state.lock().publish(name, path, version, audience)?;
        self.shared.tell_news();
        Ok(())
    }

    /// Stops publishing a file that was published by [`publish`](Self::publish). Returns `false` if
    /// there is none of that name.
    pub fn retract(&self, name: &VirtualPath) -> bool {
        self.shared.state.lock().retract(name)
    }

    /// Stops the server for all its handles, and closes all connections at once. Clients resume
    /// interrupted files after a restart.
    pub fn stop(&self) {
        self.running.stop();
    }

    /// Tells clients apart: `guests` returns the guest that a client is, or why it is refused. By
    /// default clients have neither names nor tags.
    ///
    /// The function is called when a client connects, when it shows a [ticket](ClientInfo::ticket), when
    /// this is called, and after each [`retag`](Self::retag). A client that is refused is told the
    /// reason, at most 255 bytes, and its connection is closed: it keeps what it has of a file, and what
    /// was decided about offers. The function must not call the server.
    pub fn set_guests(
        &self,
        guests: impl Fn(&ClientInfo) -> Result<Guest, Arc<str>> + Send + Sync + 'static,
    ) {
        let old = std::mem::replace(&mut *self.shared.guests.lock(), Arc::new(guests));
        // Dropped when the lock is free: it may own anything.
        drop(old);
        self.retag();
    }

    /// Hands what other servers dial to this one for a client of this application to `calls`, which
    /// gives it to [`Client::take_call`](crate::Client::take_call) or drops it. By default all calls are
    /// dropped. See [`calls`](crate::calls). It must not call the server.
    pub fn set_calls(&self, calls: impl Fn(Call) + Send + Sync + 'static) {
        let old = std::mem::replace(&mut *self.shared.calls.lock(), Arc::new(calls));
        drop(old);
    }

    /// Calls a client, and again and again while no client of this [name](Guest::name) is served, until
    /// [`hang_up`](Self::hang_up). See [`calls`](crate::calls).
    ///
    /// `identity` is the one that the client would announce, for
    /// [`set_guests`](Self::set_guests). Another call of this name is ended.
    pub fn call(&self, name: &str, identity: impl Into<Bytes>, way: impl Into<Way>) {
        let (name, identity, way) = (name.into(), identity.into(), way.into());
        // The other end lives as long as there is a handle.
        let _ = self.shared.doors.send(Door::Call(Box::new(Callee { name, identity, way })));
    }

    /// Calls a client no more, and ends the connection by which it was called. Nothing happens if it
    /// is not called.
    pub fn hang_up(&self, name: &str) {
        let _ = self.shared.doors.send(Door::HangUp(name.into()));
    }

    /// Determines again which guest each client is. What is published after this call goes by the
    /// new tags.
    pub fn retag(&self) {
        self.shared.state.lock().retag();
    }
}

impl fmt::Debug for Server {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Server").field("addresses", &self.local_addrs()).finish_non_exhaustive()
    }
}

impl RunningServer {
    fn stop(&self) {
        // This ends the tasks of clients too, which belong to it.
        self.task.abort();
        if let Some(shared) = self.shared.upgrade() {
            let mounts = shared.state.lock().take_mounts();
            // Elsewhere: their threads may be busy, and this may be a task of the runtime.
            std::thread::spawn(move || drop(mounts));
        }
    }
}

impl Drop for RunningServer {
    fn drop(&mut self) {
        self.stop();
    }
}

/// Mounts a directory. Waits for the disk.
fn mount(
    server: &Arc<ServerShared>,
    directory: &Path,
    options: MountOptions,
    audience: Audience,
) -> Result<(), PublishError> {
    // Two ways to one directory are the same.
    let path = std::fs::canonicalize(directory).map_err(PublishError::unreadable(directory))?;
    if server.state.lock().check_mount(&path, &options, &audience)? {
        return Ok(());
    }
    let owner = server.state.lock().next_owner(options.alias.clone(), path.clone());
    // Changes wait until the first scan is in the catalogue.
    let gate = Arc::new(Mutex::new(()));
    let opened = gate.lock();
    let (waits, to, shared) = (Arc::clone(&gate), audience.clone(), Arc::downgrade(server));
    let mounted = Mount::open(directory, options.clone(), move |changes| {
        drop(waits.lock());
        if let Some(server) = shared.upgrade() {
            recheck::mount_changed(&server, owner, &to, changes);
        }
    });
    let kept = mounted.map_err(|error| (None, error)).and_then(|(mount, found)| {
        let mounting = Mounting { path, mount, options, audience, found };
        let kept = server.state.lock().keep_mount(Instant::now(), owner, mounting);
        kept.map_err(|(mount, error)| (Some(mount), error))
    });
    if kept.is_err() {
        server.state.lock().forget_owner(owner);
    }
    drop(opened);
    server.tell_news();
    // The thread of a mount that is dropped may be waiting for the lock.
    kept.map(drop).map_err(|(mount, error)| {
        drop(mount);
        error
    })
}

fn listener(options: &ServerOptions) -> Listener {
    let limits = ListenerLimits {
        connections: options.clients,
        queue: limits::queue(),
        ..ListenerLimits::default()
    };
    let config = Config::new(SocketType::Router)
        .with_identity(options.identity.clone())
        .with_mechanism(options.mechanism.clone())
        .with_limits(limits::transport());
    Listener::new(config, limits)
}

/// Accepts clients, calls others, and looks at the files that were published one by one.
async fn run(
    shared: Weak<ServerShared>,
    mut listener: Listener,
    mut doors: mpsc::UnboundedReceiver<Door>,
) {
    let mut clients = tokio::task::JoinSet::new();
    let mut callers: BTreeMap<Arc<str>, AbortHandle> = BTreeMap::new();
    let mut look = tokio::time::interval(LOOK_INTERVAL);
    look.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    loop {
        tokio::select! {
            established = listener.accept() => {
                let Some(shared) = shared.upgrade() else { return };
                match Call::from_accepted(established) {
                    Accepted::Client(client) => {
                        clients.spawn(connection::serve(shared, client, None));
                    }
                    Accepted::Call(call) => shared.called(call),
                    Accepted::Nobody => {}
                }
            }
            Some(_) = clients.join_next(), if !clients.is_empty() => {}
            Some(door) = doors.recv() => match door {
                Door::Opened(socket) => {
                    if let Err(error) = listener.add(socket) {
                        tracing::warn!(%error, "the server does not listen");
                    }
                }
                Door::Closed(address) => listener.remove(address),
                Door::Call(callee) => {
                    let name = Arc::clone(&callee.name);
                    let caller = clients.spawn(caller::run(shared.clone(), *callee));
                    if let Some(old) = callers.insert(name, caller) {
                        old.abort();
                    }
                }
                Door::HangUp(name) => {
                    if let Some(old) = callers.remove(&name) {
                        old.abort();
                    }
                }
            },
            _ = look.tick() => {
                let Some(shared) = shared.upgrade() else { return };
                let _ = tokio::task::spawn_blocking(move || look_at_files(&shared)).await;
            }
        }
    }
}

fn look_at_files(shared: &ServerShared) {
    let single = shared.state.lock().single();
    for (name, path, known) in single {
        let version = match FileSource::anywhere(path).version() {
            Ok(version) => Some(version),
            Err(error) if is_gone(&error) => None,
            // It may be there: what clients have of it stays.
            Err(error) => {
                let reason = error.to_string().into();
                shared.state.lock().single_cannot_be_read(&name, reason);
                continue;
            }
        };
        if version == known {
            continue;
        }
        let unsure = version.and_then(|now| shared.state.lock().unsure_single(&name, now));
        match unsure {
            Some((owner, before, fresh)) => recheck::recheck(shared, owner, &before, fresh),
            None => shared.state.lock().single_changed(&name, version),
        }
    }
    let unreadable = shared.state.lock().unreadable();
    let is_open = |entry: Arc<Entry>| {
        let is_open = entry.source().open().is_ok();
        (entry, is_open)
    };
    let looked_at: Vec<_> = unreadable.into_iter().map(is_open).collect();
    shared.state.lock().looked_at(&looked_at);
    shared.state.lock().know(Instant::now());
    shared.tell_news();
}
