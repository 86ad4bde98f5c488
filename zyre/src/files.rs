//! File sharing: where FILEMQ joins the node.
//!
//! A node that shares files has a FILEMQ server at each of its places, which its HELLO announces in
//! the header `X-FILEMQ`, and a client that is connected to the server of each peer.

mod offer;
mod offers;

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use filemq::session::ClientConfig;
use filemq::{
    Accept, Audience, Client, ClientEvent, ClientEvents, ClientInfo, ClientOptions, FileEvent,
    MountOptions, Progress, ReceivedLimits, Server, ServerEvent, ServerEvents, ServerOptions,
    VirtualPath,
};
use zmtp::net::Start;
use zre_proto::{Endpoint, PeerId};

pub use self::offer::Offer;
pub(crate) use self::offers::Offers;
use crate::driver::Driver;
use crate::error::{ShareError, StartError};
use crate::event::Event;

/// The header that announces a node's file server.
pub(crate) const HEADER: &str = "X-FILEMQ";

/// Peers and groups that come and go within this time are handled together.
const BURST: Duration = Duration::from_millis(10);

/// Ports that are free at one address, and are tried at the others.
const MAX_PORTS_TRIED: u32 = 100;

/// The folders to share.
#[derive(Clone, Debug)]
pub(crate) struct Settings {
    pub(crate) shared: PathBuf,
    pub(crate) received: PathBuf,
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
    client: Arc<Client>,
    client_events: ClientEvents,
    /// The servers that the client is connected to.
    connected: BTreeMap<PeerId, (Start, SocketAddr)>,
    port: u16,
}

/// Opens the server at these addresses, with one port for all, the shared folder, and the received
/// folder.
pub(crate) async fn open(
    id: PeerId,
    places: Vec<SocketAddr>,
    settings: Settings,
    limits: ReceivedLimits,
    accept: Accept,
) -> Result<(Files, Service), StartError> {
    let Settings { shared, received } = settings;
    let (server, server_events) = Server::new(ServerOptions::default());
    publish_shared(&server, &shared)
        .await
        .map_err(|source| StartError::SharedFolder { path: shared, source })?;
    let port = listen(&server, &places)?;
    let options = ClientOptions {
        session: ClientConfig { accept, ..ClientConfig::default() },
        received: limits,
        identity: id.routing_id().to_vec().into(),
        folders: true,
    };
    let (client, client_events) = Client::open(&received, options)
        .await
        .map_err(|source| StartError::ReceivedFolder { path: received, source })?;
    client.subscribe(VirtualPath::root());
    let client = Arc::new(client);
    let offers = Offers::of(&client);
    let connected = BTreeMap::new();
    let service =
        Service { server: server.clone(), server_events, client, client_events, connected, port };
    Ok((Files { server, port, offers }, service))
}

/// Listens at these addresses, at a port that is free at all of them, which it returns.
fn listen(server: &Server, places: &[SocketAddr]) -> Result<u16, StartError> {
    let mut tries = 0;
    loop {
        tries += 1;
        let mut port = 0;
        let mut opened = Vec::new();
        let result = places.iter().try_for_each(|address| {
            let mut address = *address;
            address.set_port(port);
            let there = server.listen(address).map_err(|source| (address, source))?;
            port = there.port();
            opened.push(there);
            Ok(())
        });
        let Err((address, source)) = result else { return Ok(port) };
        opened.into_iter().for_each(|address| server.stop_listening(address));
        if source.kind() != io::ErrorKind::AddrInUse || tries == MAX_PORTS_TRIED {
            return Err(StartError::FileServer { address: address.ip(), source });
        }
    }
}

/// Publishes everything in the shared folder, which is created if it does not exist.
async fn publish_shared(server: &Server, shared: &Path) -> io::Result<()> {
    tokio::fs::create_dir_all(shared).await?;
    server.mount(shared, MountOptions::new(VirtualPath::root()), Audience::Everyone).await
}

/// Returns the peer that a client claims to be, if it is connected from an address of that peer:
/// where its mailbox is, or where its own connection comes from.
fn peer(driver: &Driver, client: &ClientInfo) -> Option<(PeerId, zre_proto::PeerInfo)> {
    let id = crate::mailbox::sender(&client.identity)?;
    let peer = driver.ask(|engine| engine.peer(id))?;
    let ip = client.address.ip();
    let is_there = peer.endpoint.address().ip() == ip || driver.is_connected_from(id, ip);
    is_there.then_some((id, peer))
}

/// Returns the groups of a client, which are its tags.
fn groups(driver: &Driver, client: &ClientInfo) -> BTreeSet<Arc<str>> {
    peer(driver, client).map(|(_, peer)| peer.groups.into_iter().collect()).unwrap_or_default()
}

impl Files {
    /// Publishes a file or a folder.
    pub(crate) async fn publish(
        &self,
        path: &Path,
        name: &str,
        audience: Audience,
    ) -> Result<(), ShareError> {
        let name = VirtualPath::new(name)?;
        // A peer that has just left a group does not get it any more.
        self.server.retag();
        let published = async {
            if tokio::fs::metadata(path).await?.is_dir() {
                self.server.mount(path, MountOptions::new(name), audience).await
            } else {
                self.server.publish(path, name, audience).await
            }
        };
        published.await.map_err(|source| ShareError::Io { path: path.to_owned(), source })
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
    pub(crate) async fn run(mut self, driver: Arc<Driver>) {
        let weak = Arc::downgrade(&driver);
        self.server.set_tags(move |client| {
            weak.upgrade().map(|driver| groups(&driver, client)).unwrap_or_default()
        });
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
                            driver.events.room().await;
                            driver.tell_application(event);
                        }
                    }
                }
                Some(event) = self.client_events.recv() => {
                    if let Some(event) = receiving(event) {
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

    /// Connects to the servers of all peers, and to no others.
    fn follow_peers(&mut self, driver: &Driver) {
        self.server.retag();
        let there = driver.ask(|engine| {
            let peers = engine.peers().filter_map(|id| Some((id, server_of(&engine.peer(id)?)?)));
            peers.collect::<BTreeMap<_, _>>()
        });
        for peer in self.connected.keys().filter(|peer| !there.contains_key(peer)) {
            self.client.disconnect(&peer.to_string());
        }
        let from = |(peer, address)| {
            // From where the peer knows this node, which it takes for nobody else then.
            let local = driver.local_to(peer);
            let start = local.map(|local| driver.location().start_like(local, address));
            (peer, (start.unwrap_or_default(), address))
        };
        let there: BTreeMap<_, _> = there.into_iter().map(from).collect();
        for (peer, (start, address)) in &there {
            if self.connected.get(peer).is_none_or(|known| known != &(start.clone(), *address))
                && let Err(error) =
                    self.client.connect_from(&peer.to_string(), start.clone(), *address)
            {
                tracing::warn!(%peer, %error, "a peer cannot have a folder");
            }
        }
        self.connected = there;
    }
}

impl Drop for Service {
    /// Stops the server together with the node, even if there are handles of it.
    fn drop(&mut self) {
        self.server.stop();
    }
}

/// Returns where a peer's file server is. It has to be where the peer itself is: a header must not
/// make the nodes of a network connect to a third party.
fn server_of(peer: &zre_proto::PeerInfo) -> Option<SocketAddr> {
    let there = peer.endpoint.address();
    let server = Endpoint::announced(peer.headers.get(HEADER)?.as_bytes(), there)?.address();
    (server.ip() == there.ip()).then_some(server)
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

/// Returns what the application hears of a transfer to a client.
fn sending(driver: &Driver, event: ServerEvent) -> Option<Event> {
    match event {
        ServerEvent::Progress { client, name, progress } => {
            let Progress { bytes, total, rate, .. } = progress;
            let (peer, _) = peer(driver, &client)?;
            Some(Event::Sending { peer, name: name.as_str().into(), bytes, total, rate })
        }
        ServerEvent::Sent { client, name, size, receipt_follows } => {
            let (peer, _) = peer(driver, &client)?;
            Some(Event::Sent { peer, name: name.as_str().into(), size, receipt_follows })
        }
        ServerEvent::Confirmed { client, name, size, already } => {
            let (peer, _) = peer(driver, &client)?;
            Some(Event::Confirmed { peer, name: name.as_str().into(), size, already })
        }
        ServerEvent::Declined { client, name, reason } => {
            let (peer, _) = peer(driver, &client)?;
            Some(Event::Declined { peer, name: name.as_str().into(), reason })
        }
        ServerEvent::Rejected { client, name, reason, fate } => {
            let (peer, _) = peer(driver, &client)?;
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
