//! File sharing: where FILEMQ joins the node.
//!
//! A node that shares files has a FILEMQ server at each of its places, which its HELLO announces in
//! the header `X-FILEMQ`, and a client that is connected to the server of each peer.
//! [`filemq::calls`] says which of two peers dials.

mod guest;
mod offer;
mod offers;
mod port;
pub(crate) mod publish;
pub(crate) mod recipient;
mod unreached;
mod ways;

use std::collections::BTreeMap;
use std::io;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use filemq::session::ClientConfig;
use filemq::{
    Accept, Audience, Client, ClientEvent, ClientEvents, ClientInfo, ClientOptions, FileEvent,
    Guest, MountOptions, Progress, PublishError, ReceivedLimits, Server, ServerEvent, ServerEvents,
    ServerOptions, VirtualPath,
};
use zmtp::Mechanism;
use zre_proto::PeerId;

pub(crate) use self::port::PortSettings;
use self::unreached::UnreachedServers;
use self::ways::PeerWays;
pub(crate) use self::ways::{HEADER, TAKES_HEADER};

pub use self::offer::Offer;
pub(crate) use self::offers::Offers;
use crate::driver::Driver;
use crate::error::{ShareError, StartError};
use crate::event::Event;
use crate::folder_names::FolderNames;
use crate::log::transfers::TransferLines;

/// The file of a published folder that says what is not to be published.
pub(crate) const PATTERN_FILE: &str = ".zyreignore";

/// Peers and groups that come and go within this time are handled together.
const BURST: Duration = Duration::from_millis(10);

/// The time that the application has after the start to publish what is not in the shared folder: until
/// then no peer is told that something is gone. Everything is below the name of that folder.
const TIME_TO_PUBLISH: Duration = Duration::from_secs(10);

/// The most clients of the file server at a time that are no peers, or have not shown it yet.
const MAX_STRANGERS: usize = 32;

/// The folders to share, if any.
#[derive(Clone, Debug, Default)]
pub(crate) struct Settings {
    pub(crate) shared: Option<PathBuf>,
    pub(crate) received: Option<PathBuf>,
}

/// The file sharing of a node, for its handles.
#[derive(Clone, Debug)]
pub(crate) struct Files {
    server: Server,
    /// The port of the server.
    pub(crate) port: u16,
    pub(crate) offers: Offers,
}

/// What the task of file sharing holds.
pub(crate) struct Service {
    server: Server,
    server_events: ServerEvents,
    /// Nothing is received without.
    client: Option<(Arc<Client>, ClientEvents)>,
    /// The peers that share files, and how they are reached.
    peers: BTreeMap<PeerId, PeerWays>,
    unreached: UnreachedServers,
    port: u16,
    /// What collectors are told.
    lines: TransferLines,
}

/// Opens the server at these addresses, with one port for all, the shared folder, and the received
/// folder.
pub(crate) async fn open(
    id: PeerId,
    places: Vec<SocketAddr>,
    settings: Settings,
    limits: ReceivedLimits,
    port: Option<u16>,
    accept: Accept,
    mechanism: Mechanism,
) -> Result<(Files, Service), StartError> {
    let Settings { shared, received } = settings;
    let identity = Bytes::copy_from_slice(&id.routing_id());
    let (strangers, clients) = (Some(MAX_STRANGERS), ServerOptions::default());
    let options = ServerOptions { identity: identity.clone(), strangers, mechanism, ..clients };
    let (server, server_events) = Server::new(options);
    if let Some(shared) = shared {
        publish_shared(&server, &shared)
            .await
            .map_err(|source| StartError::SharedFolder { path: shared, source })?;
    }
    let port = port::listen(&server, &places, port)?;
    let session = ClientConfig { accept, ..ClientConfig::default() };
    let options = ClientOptions { session, received: limits, identity, folders: true };
    let client = match received {
        Some(received) => {
            let (client, events) = Client::open(&received, options)
                .await
                .map_err(|source| StartError::ReceivedFolder { path: received, source })?;
            client.subscribe(VirtualPath::root());
            Some((Arc::new(client), events))
        }
        None => None,
    };
    let offers = client.as_ref().map_or_else(Offers::none, |(client, _)| Offers::of(client));
    let service = Service {
        server: server.clone(),
        server_events,
        client,
        peers: BTreeMap::new(),
        unreached: UnreachedServers::default(),
        port,
        lines: TransferLines::default(),
    };
    Ok((Files { server, port, offers }, service))
}

/// Publishes everything in the shared folder, which is created if it does not exist.
async fn publish_shared(server: &Server, shared: &Path) -> io::Result<()> {
    tokio::fs::create_dir_all(shared).await?;
    let mut options = MountOptions::new(VirtualPath::root());
    options.settle = TIME_TO_PUBLISH;
    options.ignore_file = Some(PATTERN_FILE.to_owned());
    match server.mount(shared, options, Audience::Everyone).await {
        Err(PublishError::Unreadable { path, source }) if path == shared => Err(source),
        published => published.map_err(io::Error::other),
    }
}

/// Has the folders of peers named by this function. A peer that has gone when its first file is written
/// is called as if it had no name.
fn name_folders(client: &Client, driver: &Arc<Driver>, names: FolderNames) {
    let weak = Arc::downgrade(driver);
    client.set_folder_names(move |origin| {
        let Ok(id) = origin.parse::<PeerId>() else { return origin.to_owned() };
        let peer = weak.upgrade().and_then(|driver| driver.ask(|engine| engine.peer(id)));
        peer.map_or_else(|| id.default_name(), |peer| names.of(&peer))
    });
}

/// Waits for the next event of the client; for ever if there is none.
async fn next(client: &mut Option<(Arc<Client>, ClientEvents)>) -> Option<ClientEvent> {
    match client {
        Some((_, events)) => events.recv().await,
        None => std::future::pending().await,
    }
}

impl Files {
    /// Publishes a file, under the alias of the options, or a folder.
    pub(crate) async fn publish(
        &self,
        path: &Path,
        options: MountOptions,
        audience: Audience,
    ) -> Result<(), ShareError> {
        // A peer that has just left a group does not get it any more.
        self.server.retag();
        let metadata = tokio::fs::metadata(path).await;
        let metadata =
            metadata.map_err(|source| ShareError::Io { path: path.to_owned(), source })?;
        match metadata.is_dir() {
            true => self.server.mount(path, options, audience).await?,
            false => self.server.publish(path, options.alias, audience).await?,
        }
        Ok(())
    }

    /// Stops publishing it. Returns `false` if nothing of that name was published.
    pub(crate) async fn retract(&self, name: &str) -> Result<bool, ShareError> {
        let name = VirtualPath::new(name)?;
        if self.server.retract(&name) {
            return Ok(true);
        }
        // The shared folder stays published.
        Ok(!name.is_root() && self.server.unmount(&name).await)
    }
}

impl Service {
    /// Follows peers, and reports to the application what becomes of files, as long as the node
    /// lives.
    pub(crate) async fn run(mut self, driver: Arc<Driver>, names: FolderNames) {
        if let Some((client, _)) = &self.client {
            name_folders(client, &driver, names);
        }
        self.open_doors(&driver);
        let mut presence = driver.presence();
        loop {
            tokio::select! {
                changed = presence.changed() => {
                    if changed.is_err() {
                        return;
                    }
                    tokio::time::sleep(BURST).await;
                    presence.mark_unchanged();
                    self.follow_places(&driver);
                    self.follow_peers(&driver);
                }
                Some(event) = self.server_events.recv() => {
                    if let Some(event) = publishing(&event) {
                        driver.events.room().await;
                        driver.tell_application(event);
                    } else if is_receipt(&event) || driver.events.has_room() {
                        // Progress is not worth waiting for.
                        if let Some(event) = sending(&driver, event) {
                            self.lines.record(&driver.log, &event);
                            driver.events.room().await;
                            driver.tell_application(event);
                        }
                    }
                }
                Some(event) = next(&mut self.client) => {
                    let heard = self.reaching(&event).or_else(|| receiving(event));
                    if let Some(event) = heard {
                        self.lines.record(&driver.log, &event);
                        driver.events.room().await;
                        driver.tell_application(event);
                    }
                }
            }
        }
    }

    /// Listens where the mailbox is open now.
    fn follow_places(&self, driver: &Driver) {
        let here = driver.location().addresses(self.port);
        let open = self.server.local_addrs();
        for gone in open.iter().filter(|address| !here.contains(address)) {
            self.server.stop_listening(*gone);
        }
        for address in here.into_iter().filter(|address| !open.contains(address)) {
            if let Err(error) = self.server.listen(address) {
                tracing::warn!(%address, %error, "files cannot be shared there");
            }
        }
    }

    /// Tells the server who its clients are, and who calls.
    fn open_doors(&self, driver: &Arc<Driver>) {
        let weak = Arc::downgrade(driver);
        self.server.set_guests(move |client| {
            let driver = weak.upgrade();
            driver.map_or_else(|| Ok(Guest::default()), |driver| guest::guest(&driver, client))
        });
        // Without a client every call is dropped.
        let Some((client, _)) = &self.client else { return };
        let (driver, client) = (Arc::downgrade(driver), Arc::downgrade(client));
        self.server.set_calls(move |call| {
            let Some((driver, client)) = driver.upgrade().zip(client.upgrade()) else { return };
            match guest::caller(&driver, &call) {
                Some(peer) => drop(client.take_call(&peer.to_string(), call)),
                None => {
                    let address = call.address();
                    tracing::debug!(%address, "a file server that is not known has called");
                }
            }
        });
    }

    /// Connects to the servers of all peers, and calls their clients; and no others.
    fn follow_peers(&mut self, driver: &Driver) {
        self.server.retag();
        let peers = driver.ask(|engine| engine.peers().collect::<Vec<_>>());
        let ways = |peer| Some((peer, ways::to_peer(driver, peer)?));
        let there: BTreeMap<_, _> = peers.into_iter().filter_map(ways).collect();
        let before = std::mem::take(&mut self.peers);
        let client = self.client.as_ref().map(|(client, _)| client);
        for peer in before.keys().filter(|peer| !there.contains_key(peer)) {
            client.map(|client| client.disconnect(&peer.to_string()));
        }
        for (peer, old) in &before {
            let is_called = there.get(peer).is_some_and(|new| new.to_client.is_some());
            if old.to_client.is_some() && !is_called {
                self.server.hang_up(&peer.to_string());
            }
        }
        for (peer, new) in &there {
            let old = before.get(peer);
            if let Some(client) = client
                && old.is_none_or(|old| old.to_server != new.to_server)
            {
                client.connect(&peer.to_string(), new.to_server.clone());
            }
            if let Some(way) = &new.to_client
                && old.is_none_or(|old| old.to_client.as_ref() != Some(way))
            {
                let identity = Bytes::copy_from_slice(&peer.routing_id());
                self.server.call(&peer.to_string(), identity, way.clone());
            }
        }
        self.unreached.retain(|peer| there.contains_key(peer));
        self.peers = there;
    }

    /// Returns what the application hears of a connection of the client.
    fn reaching(&mut self, event: &ClientEvent) -> Option<Event> {
        let peers = &self.peers;
        self.unreached.hear(event, |peer| Some(peers.get(&peer)?.to_server.address))
    }
}

impl Drop for Service {
    /// Stops the server together with the node, even if there are handles of it.
    fn drop(&mut self) {
        self.server.stop();
    }
}

/// Returns what the application hears of what this node publishes.
fn publishing(event: &ServerEvent) -> Option<Event> {
    match event {
        ServerEvent::Published { name, files, bytes } => {
            Some(Event::Published { name: name.as_str().into(), files: *files, bytes: *bytes })
        }
        ServerEvent::Omitted { name, omitted } => {
            Some(Event::Omitted { name: name.as_str().into(), omitted: omitted.clone() })
        }
        _ => None,
    }
}

/// Returns whether a client says what has become of a file.
const fn is_receipt(event: &ServerEvent) -> bool {
    matches!(
        event,
        ServerEvent::Confirmed { .. } | ServerEvent::Rejected { .. } | ServerEvent::Declined { .. }
    )
}

/// Returns the peer that a client is.
fn peer_of(driver: &Driver, client: &ClientInfo) -> Option<PeerId> {
    guest::peer(driver, client).ok().flatten()
}

/// Returns what the application hears of a transfer to a client.
fn sending(driver: &Driver, event: ServerEvent) -> Option<Event> {
    match event {
        ServerEvent::Progress { client, name, progress } => {
            let Progress { bytes, total, rate, .. } = progress;
            let peer = peer_of(driver, &client)?;
            Some(Event::Sending { peer, name: name.as_str().into(), bytes, total, rate })
        }
        ServerEvent::Sent { client, name, size, receipt_follows } => {
            let peer = peer_of(driver, &client)?;
            Some(Event::Sent { peer, name: name.as_str().into(), size, receipt_follows })
        }
        ServerEvent::Confirmed { client, name, size, already } => {
            let peer = peer_of(driver, &client)?;
            Some(Event::Confirmed { peer, name: name.as_str().into(), size, already })
        }
        ServerEvent::Declined { client, name, reason } => {
            let peer = peer_of(driver, &client)?;
            Some(Event::Declined { peer, name: name.as_str().into(), reason })
        }
        ServerEvent::Rejected { client, name, reason, fate } => {
            let peer = peer_of(driver, &client)?;
            Some(Event::Rejected { peer, name: name.as_str().into(), reason, fate })
        }
        _ => None,
    }
}

/// Returns what the application hears of an event of the client. Origins are ids of peers.
fn receiving(event: ClientEvent) -> Option<Event> {
    match event {
        ClientEvent::File { origin, event } => file(&origin, event),
        ClientEvent::FolderUnusable { reason } => {
            Some(Event::FolderUnusable { why: reason.into() })
        }
        ClientEvent::FolderUsable => Some(Event::FolderUsable),
        ClientEvent::Progress { origin, name, progress } => {
            let Progress { bytes, total, rate, .. } = progress;
            let peer = origin.parse().ok()?;
            Some(Event::Receiving { peer, name: name.as_str().into(), bytes, total, rate })
        }
        event => offers::event(event),
    }
}

fn file(origin: &str, event: FileEvent) -> Option<Event> {
    let peer = origin.parse().ok()?;
    match event {
        FileEvent::Delivered { name, path, size } => {
            Some(Event::Deliver { peer, name: name.as_str().into(), path, size })
        }
        FileEvent::Deleted { name, path } => {
            Some(Event::Retract { peer, name: name.as_str().into(), path })
        }
        FileEvent::Refused { name, reason, fate } => {
            Some(Event::Refused { peer, name: name.as_str().into(), reason, fate })
        }
        FileEvent::Retried { name } => Some(Event::Retried { peer, name: name.as_str().into() }),
        _ => None,
    }
}
