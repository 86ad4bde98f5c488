//! File sharing: what this node publishes, and the inbox for what its peers publish.
//!
//! A node that shares has a FILEMQ server, whose endpoint its HELLO tells in the header `X-FILEMQ`,
//! and a client that listens to the server of each peer.

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock, Weak};
use std::time::Duration;

use filemq::disk::{InboxLimits, MountConfig};
use filemq::{
    Audience, Client, ClientEvents, ClientInfo, ClientOptions, Progress, Received, Served, Server,
    ServerEvents, ServerOptions, VirtualPath,
};
use zre_proto::{Action, Endpoint, Event, Input, PeerId};

use crate::driver::Driver;
use crate::error::ShareError;

/// The header that tells where a node's file server is.
pub(crate) const HEADER: &str = "X-FILEMQ";

/// Peers and groups that come and go in this time are looked at together.
const GATHER: Duration = Duration::from_millis(10);

/// What is asked for.
#[derive(Clone, Debug)]
pub(crate) struct Settings {
    pub(crate) outbox: PathBuf,
    pub(crate) inbox: PathBuf,
}

/// The file sharing of a node, for its handles.
#[derive(Clone, Debug)]
pub(crate) struct Files {
    server: Server,
    /// Where the server was when the node started.
    pub(crate) endpoint: Endpoint,
}

/// What its task holds.
pub(crate) struct Service {
    server: Server,
    served: ServerEvents,
    client: Client,
    received: ClientEvents,
    /// The servers that the client is connected to.
    connected: BTreeMap<PeerId, SocketAddr>,
    /// Where the server asks who its clients are; there once the node is.
    driver: Arc<OnceLock<Weak<Driver>>>,
}

/// Opens the server on `address`, the outbox and the inbox.
pub(crate) async fn open(
    id: PeerId,
    address: IpAddr,
    settings: Settings,
    limits: InboxLimits,
) -> io::Result<(Files, Service)> {
    let driver = Arc::new(OnceLock::<Weak<Driver>>::new());
    let asked = Arc::clone(&driver);
    let options = ServerOptions::default().with_tags(move |client| {
        let driver = asked.get().and_then(Weak::upgrade);
        driver.map(|driver| groups(&driver, client)).unwrap_or_default()
    });
    let (server, served) = Server::new(options);
    std::fs::create_dir_all(&settings.outbox)?;
    let outbox = MountConfig::new(VirtualPath::root());
    server.mount(&settings.outbox, outbox, Audience::Everyone).await?;
    let address = server.listen(SocketAddr::new(address, 0)).await?;
    let options = ClientOptions {
        inbox: limits,
        identity: id.routing_id().to_vec().into(),
        folders: true,
        ..ClientOptions::default()
    };
    let (client, received) = Client::open(&settings.inbox, options).await?;
    client.subscribe(VirtualPath::root());
    let connected = BTreeMap::new();
    let service = Service { server: server.clone(), served, client, received, connected, driver };
    Ok((Files { server, endpoint: Endpoint::new(address) }, service))
}

/// The peer that a client says it is, if it comes from where that peer is.
fn peer(driver: &Driver, client: &ClientInfo) -> Option<(PeerId, zre_proto::PeerInfo)> {
    let id = crate::mailbox::sender(&client.identity)?;
    let peer = driver.ask(|engine| engine.peer(id))?;
    (peer.endpoint.address().ip() == client.address.ip()).then_some((id, peer))
}

/// The groups of a client, which are its tags.
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
        let path = path.to_owned();
        // Who has just left a group does not get it any more.
        self.server.retag();
        if tokio::fs::metadata(&path).await?.is_dir() {
            self.server.mount(path, MountConfig::new(name), audience).await?;
        } else {
            self.server.publish(path, name, audience).await?;
        }
        Ok(())
    }

    /// Takes it back; false: nothing of that name was published.
    pub(crate) async fn retract(&self, name: &str) -> Result<bool, ShareError> {
        let name = VirtualPath::new(name)?;
        if self.server.retract(&name) {
            return Ok(true);
        }
        // The outbox is not to be taken back.
        Ok(!name.is_root() && self.server.unmount(&name).await)
    }
}

impl Service {
    /// Follows peers, and tells the application what becomes of files, as long as the node lives.
    pub(crate) async fn run(mut self, driver: Arc<Driver>) {
        // Nobody else sets it.
        let _ = self.driver.set(Arc::downgrade(&driver));
        let mut presence = driver.presence();
        loop {
            tokio::select! {
                changed = presence.changed() => {
                    if changed.is_err() {
                        return;
                    }
                    tokio::time::sleep(GATHER).await;
                    presence.mark_unchanged();
                    self.follow_interface(&driver).await;
                    self.follow_peers(&driver);
                }
                Some(served) = self.served.recv() => {
                    // What only tells of progress is not worth waiting.
                    if driver.events.has_room()
                        && let Some(event) = sending(&driver, served)
                    {
                        driver.tell_application(event);
                    }
                }
                Some(received) = self.received.recv() => {
                    if let Some(event) = receiving(received) {
                        driver.events.room().await;
                        driver.tell_application(event);
                    }
                }
            }
        }
    }

    /// Listens where the node is now, and says so to peers that it meets from now on.
    async fn follow_interface(&self, driver: &Arc<Driver>) {
        let here = IpAddr::V4(driver.interface().address);
        if self.server.local_addr().is_some_and(|address| address.ip() == here) {
            return;
        }
        match self.server.listen(SocketAddr::new(here, 0)).await {
            Ok(address) => {
                let value = Endpoint::new(address).to_string();
                let _ =
                    driver.handle(Input::Action(Action::SetHeader { name: HEADER, value: &value }));
            }
            Err(error) => tracing::warn!(%here, %error, "files cannot be shared on this interface"),
        }
    }

    /// Connects to the servers of those who are there, and to no others.
    fn follow_peers(&mut self, driver: &Driver) {
        self.server.retag();
        let there = driver.ask(|engine| {
            let peers = engine.peers().filter_map(|id| Some((id, server_of(&engine.peer(id)?)?)));
            peers.collect::<BTreeMap<_, _>>()
        });
        for peer in self.connected.keys().filter(|peer| !there.contains_key(peer)) {
            self.client.disconnect(&peer.to_string());
        }
        for (peer, address) in &there {
            if self.connected.get(peer) != Some(address)
                && let Err(error) = self.client.connect(&peer.to_string(), *address)
            {
                tracing::warn!(%peer, %error, "no folder for a peer");
            }
        }
        self.connected = there;
    }
}

impl Drop for Service {
    /// With the node, whoever still has a handle of it.
    fn drop(&mut self) {
        self.server.stop();
    }
}

/// Where a peer's file server is. It can only be where the peer itself is: a header must not make
/// the nodes of a network knock at somebody else's door.
fn server_of(peer: &zre_proto::PeerInfo) -> Option<SocketAddr> {
    let server = peer.headers.get(HEADER)?.parse::<Endpoint>().ok()?.address();
    (server.ip() == peer.endpoint.address().ip()).then_some(server)
}

/// What the application is told of what the server does.
fn sending(driver: &Driver, served: Served) -> Option<Event> {
    match served {
        Served::Progress { client, name, progress } => {
            let Progress { octets, total, rate, .. } = progress;
            let (peer, _) = peer(driver, &client)?;
            Some(Event::Sending { peer, name: name.as_str().into(), octets, total, rate })
        }
        Served::Sent { client, name, size } => {
            let (peer, _) = peer(driver, &client)?;
            Some(Event::Sent { peer, name: name.as_str().into(), size })
        }
        _ => None,
    }
}

/// What the application is told of what the client does. Origins are peers' ids.
fn receiving(received: Received) -> Option<Event> {
    match received {
        Received::Delivered { origin, name, path, size } => {
            let peer = origin.parse().ok()?;
            Some(Event::Deliver { peer, name: name.as_str().into(), path, size })
        }
        Received::Deleted { origin, name, path } => {
            let peer = origin.parse().ok()?;
            Some(Event::Retract { peer, name: name.as_str().into(), path })
        }
        Received::Progress { origin, name, progress } => {
            let Progress { octets, total, rate, .. } = progress;
            let peer = origin.parse().ok()?;
            Some(Event::Receiving { peer, name: name.as_str().into(), octets, total, rate })
        }
        Received::Refused { origin, name, reason } => {
            tracing::warn!(peer = %origin, %name, %reason, "a file was not taken");
            None
        }
        _ => None,
    }
}
