//! The one task of gossip.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use tokio::sync::broadcast::error::RecvError;
use tokio::sync::{broadcast, mpsc};
use tokio::task::JoinSet;
use zmtp::net::{Established, Listener, ListenerLimits};
use zmtp::sync::Mutex;
use zmtp::{Mechanism, SocketType};
use zre_proto::gossip::{self, ConnId, MAX_MESSAGE, Output, Remote};
use zre_proto::{Endpoint, Engine, HostEndpoint, Input};

use super::command::Command;
use super::connection::{Closed, Connection, News, Open, QUEUE};
use super::hub::Connector;
use super::status::{GossipStatus, HubState};
use crate::driver::Driver;
use crate::trust_change::TrustChange;
use crate::{Event, Level, mechanism};

/// News that wait for the task. More, and connections are not read meanwhile.
const NEWS: usize = 256;

/// How long TCP may take to connect to a hub: the first segment is repeated after one second.
const CONNECT_TIME: Duration = Duration::from_millis(2500);

/// How long a handshake may take.
const HANDSHAKE_TIME: Duration = Duration::from_secs(10);

/// Clients whose handshake is not done.
const HANDSHAKES: usize = 64;

/// Why a connection is closed whose other end is not trusted any more.
const DISTRUSTED: &str = "its key is not trusted any more";

/// How often it is looked at where others find the peers: that changes without their noticing, where
/// they were met at link-local addresses.
const FOLLOW: Duration = Duration::from_secs(2);

pub(super) struct Service {
    machine: gossip::Gossip,
    /// How hubs are connected to, but for their keys.
    config: zmtp::Config,
    listener: Listener,
    conns: BTreeMap<ConnId, Known>,
    hubs: Vec<HubRecord>,
    commands: mpsc::UnboundedReceiver<Command>,
    news: mpsc::Receiver<News>,
    sender: mpsc::Sender<News>,
    tasks: JoinSet<()>,
    last_conn: Arc<AtomicU64>,
    status: Arc<Mutex<GossipStatus>>,
}

/// A connection that is up.
struct Known {
    open: Open,
    hub: Option<usize>,
    /// Whether something was sent since it was last told so.
    sent: bool,
}

/// What is known of a hub.
struct HubRecord {
    endpoint: HostEndpoint,
    /// The application was told that it cannot be reached.
    told: bool,
}

impl Service {
    pub(super) fn new(
        driver: &Driver,
        commands: mpsc::UnboundedReceiver<Command>,
        status: Arc<Mutex<GossipStatus>>,
    ) -> Self {
        let limits = driver.limits();
        let mut settings = gossip::Config::new(driver.ask(Engine::id));
        settings.max_tuples = limits.peers.saturating_mul(2);
        settings.max_clients = limits.gossip_clients;
        let of_transport = zmtp::Limits {
            frame: MAX_MESSAGE,
            message: MAX_MESSAGE,
            // One, and another one to be told apart from a frame that is too large.
            frames: 2,
            connect_time: CONNECT_TIME,
            handshake_time: HANDSHAKE_TIME,
            ..zmtp::Limits::default()
        };
        let config = |socket_type| zmtp::Config::new(socket_type).with_limits(of_transport.clone());
        let listener = ListenerLimits {
            // The machine chooses who makes room.
            connections: limits.gossip_clients.saturating_add(8),
            handshakes: HANDSHAKES,
            queue: QUEUE,
        };
        let (sender, news) = mpsc::channel(NEWS);
        Self {
            machine: gossip::Gossip::new(settings),
            config: config(SocketType::Dealer),
            listener: Listener::new(
                config(SocketType::Router).with_mechanism(mechanism::of_server(driver.gate())),
                listener,
            ),
            conns: BTreeMap::new(),
            hubs: Vec::new(),
            commands,
            news,
            sender,
            tasks: JoinSet::new(),
            last_conn: Arc::new(AtomicU64::new(0)),
            status,
        }
    }

    /// Gossips as long as the node lives.
    pub(super) async fn run(mut self, driver: Arc<Driver>) {
        let mut changes = driver.presence();
        let mut trust = driver.gate().map(|gate| gate.changes());
        let mut follow = tokio::time::interval(FOLLOW);
        loop {
            let next = self.machine.next_deadline();
            let sleep = async {
                match next {
                    Some(next) => tokio::time::sleep_until(next.into()).await,
                    None => std::future::pending().await,
                }
            };
            tokio::select! {
                changed = changes.changed() => {
                    if changed.is_err() || driver.ask(Engine::is_stopped) {
                        return;
                    }
                    self.follow(&driver);
                }
                changed = next_change(&mut trust) => self.follow_trust(changed),
                _ = follow.tick() => {
                    self.follow(&driver);
                    #[cfg(feature = "curve")]
                    driver.ask_again(self.machine.absent());
                }
                Some(command) = self.commands.recv() => self.obey(&driver, command),
                Some(news) = self.news.recv() => self.hear(&driver, news),
                accepted = self.listener.accept() => self.accept(&driver, accepted),
                () = sleep => self.machine.handle_timeout(Instant::now()),
                Some(_) = self.tasks.join_next() => {}
            }
            self.carry_out(&driver);
        }
    }

    fn obey(&mut self, driver: &Driver, command: Command) {
        match command {
            Command::Listen(socket) => {
                if let Err(error) = self.listener.add(socket) {
                    tracing::warn!(node = %driver.ask(Engine::id), %error, "gossip cannot listen");
                }
            }
            Command::Connect(hub, mechanism) => self.connect(hub, mechanism),
        }
    }

    fn connect(&mut self, endpoint: HostEndpoint, mechanism: Mechanism) {
        let connector = Connector {
            hub: self.hubs.len(),
            endpoint: endpoint.clone(),
            config: self.config.clone().with_mechanism(mechanism),
            news: self.sender.clone(),
            last_conn: Arc::clone(&self.last_conn),
        };
        self.hubs.push(HubRecord { endpoint, told: false });
        self.tasks.spawn(connector.run());
    }

    fn accept(&mut self, driver: &Driver, accepted: Established) {
        let conn = ConnId(self.last_conn.fetch_add(1, Ordering::Relaxed));
        let (open, connection) = Connection::new(conn, Remote::Client, accepted);
        let sender = self.sender.clone();
        self.tasks.spawn(async move {
            let closed = connection.run(&sender).await;
            tracing::debug!(why = closed.why, "a gossip client is gone");
        });
        self.open(driver, open, None);
    }

    fn hear(&mut self, driver: &Arc<Driver>, news: News) {
        let now = Instant::now();
        match news {
            News::Up { open, hub } => self.open(driver, open, hub),
            News::Message { conn, message, is_gossip } => {
                if is_gossip {
                    self.note_answer(driver, conn);
                }
                self.machine.handle_message(now, conn, message.frames());
            }
            News::Flushed { conn } => self.machine.handle_flushed(now, conn),
            News::Ended { conn } => {
                self.conns.remove(&conn);
                self.machine.handle_disconnected(now, conn);
                self.report();
            }
            News::HubFailed { hub, why, lasts } => self.hub_failed(driver, hub, why, lasts),
        }
    }

    fn open(&mut self, driver: &Driver, open: Open, hub: Option<usize>) {
        let (conn, remote) = (open.conn, open.remote);
        let (own, is_here) = place(driver, &open);
        let is_let_in = driver.still_lets_in(open.key);
        self.conns.insert(conn, Known { open, hub, sent: false });
        if !is_let_in {
            return self.close(conn, DISTRUSTED.into(), false);
        }
        self.machine.handle_connected(Instant::now(), conn, remote, own, is_here);
        self.report();
    }

    /// Peers have come or gone, or this node is somewhere else.
    fn follow(&mut self, driver: &Driver) {
        let now = Instant::now();
        let present: Vec<_> = driver.ask(|engine| engine.peer_endpoints().collect());
        self.machine.handle_presence(now, present);
        self.end_stranded(driver);
        for (conn, known) in &self.conns {
            let (own, _) = place(driver, &known.open);
            self.machine.handle_own_endpoint(now, *conn, own);
        }
    }

    /// Ends the connections with nodes that are not trusted any more, and looks again for nodes
    /// that were told of before they were trusted.
    fn follow_trust(&mut self, change: Option<TrustChange>) {
        let now = Instant::now();
        let ends = |open: &Open| match change {
            Some(TrustChange::Begun) => false,
            Some(TrustChange::Ended(key)) => open.key == Some(key),
            // Too much has changed at a time: all come back by themselves that may.
            None => true,
        };
        let conns = self.conns.iter().filter(|(_, known)| ends(&known.open));
        for conn in conns.map(|(conn, _)| *conn).collect::<Vec<_>>() {
            self.close(conn, DISTRUSTED.into(), false);
            self.machine.handle_disconnected(now, conn);
        }
        if !matches!(change, Some(TrustChange::Ended(_))) {
            self.machine.handle_trust(now);
        }
    }

    /// Ends the connections that have an address which this host has no longer: nothing comes in on
    /// them, and hubs should soon know where this node is now.
    fn end_stranded(&mut self, driver: &Driver) {
        let location = driver.location();
        let is_stranded = |open: &Open| !location.is_here(open.local) && !is_loopback(open.local);
        let conns = self.conns.iter().filter(|(_, known)| is_stranded(&known.open));
        for conn in conns.map(|(conn, _)| *conn).collect::<Vec<_>>() {
            self.close(conn, "its address on this host is gone".into(), true);
            self.machine.handle_disconnected(Instant::now(), conn);
        }
    }

    /// Does what the machine says.
    fn carry_out(&mut self, driver: &Arc<Driver>) {
        let mut rumours = Vec::new();
        while let Some(output) = self.machine.poll_output() {
            match output {
                Output::Send { conn, frame } => {
                    let Some(known) = self.conns.get_mut(&conn) else { continue };
                    // One that takes nothing, or has ended, is told by its own task.
                    let _ = known.open.queue.push(&frame, &[]);
                    known.sent = true;
                }
                Output::Close { conn, why } => self.close(conn, why.to_string(), false),
                Output::Rumour { peer, endpoint } => {
                    #[cfg(feature = "curve")]
                    if !driver.is_worth_it(peer, endpoint.key(), endpoint.address()) {
                        continue;
                    }
                    rumours.push(Input::Rumour { peer, endpoint });
                }
            }
        }
        for known in self.conns.values_mut() {
            if std::mem::take(&mut known.sent) {
                known.open.signals.sent.notify_one();
            }
        }
        if !rumours.is_empty() {
            let mut turn = driver.turn();
            rumours.into_iter().for_each(|rumour| turn.handle(rumour));
        }
        let mut status = self.status.lock();
        status.tuples = self.machine.tuples();
        status.stats = self.machine.stats();
    }

    /// Ends a connection; `heard`: the other end has done nothing wrong.
    fn close(&mut self, conn: ConnId, why: String, heard: bool) {
        let Some(Known { open, .. }) = self.conns.remove(&conn) else { return };
        let Open { signals, address, .. } = open;
        tracing::debug!(%address, why, "a gossip connection is closed");
        *signals.closed.lock() = Closed { heard, why };
        signals.close.notify_one();
    }

    fn report(&self) {
        let clients = self.conns.values().filter(|it| it.open.remote == Remote::Client).count();
        self.status.lock().clients = clients;
    }

    /// A message of gossip has come from a hub: it is one.
    fn note_answer(&mut self, driver: &Arc<Driver>, conn: ConnId) {
        let Some(Known { open, hub: Some(hub), .. }) = self.conns.get(&conn) else { return };
        if !self.set_state(*hub, HubState::Connected(open.address)) {
            return;
        }
        let Some(record) = self.hubs.get_mut(*hub) else { return };
        if std::mem::take(&mut record.told) {
            let hub = record.endpoint.clone();
            tracing::info!(node = %driver.ask(Engine::id), %hub, "the gossip hub is reached");
            driver.tell_application(Event::HubReached { hub });
        }
    }

    fn hub_failed(&mut self, driver: &Arc<Driver>, hub: usize, why: String, lasts: bool) {
        let why: Arc<str> = why.into();
        self.set_state(hub, HubState::Connecting(Some(Arc::clone(&why))));
        let Some(record) = self.hubs.get_mut(hub) else { return };
        if !lasts || std::mem::replace(&mut record.told, true) {
            return;
        }
        let hub = record.endpoint.clone();
        tracing::warn!(target: "zyre::told", node = %driver.ask(Engine::id), %hub, %why, "a gossip hub cannot be reached");
        driver.log.log(Level::Warning, || format!("gossip hub {hub} cannot be reached: {why}"));
        driver.tell_application(Event::HubUnreachable { hub, why });
    }

    /// Returns whether that is new.
    fn set_state(&self, hub: usize, state: HubState) -> bool {
        let mut status = self.status.lock();
        let Some(known) = status.hubs.get_mut(hub) else { return false };
        let is_new = known.state != state;
        known.state = state;
        is_new
    }
}

/// Where the other end of a connection is told that this node is, and whether it is on this host.
fn place(driver: &Driver, open: &Open) -> (Option<Endpoint>, bool) {
    let (local, remote) = (open.local, open.address);
    let location = driver.location();
    let own = location.told_to_all(local, remote);
    let own = own.map(|own| own.with_key(driver.gate().map(|gate| gate.key())));
    (own, location.is_here(remote) || is_loopback(remote))
}

/// The next change of trust; `None` if some were missed. On a node that is not secure there is none.
async fn next_change(
    changes: &mut Option<broadcast::Receiver<TrustChange>>,
) -> Option<TrustChange> {
    match changes {
        Some(changes) => match changes.recv().await {
            Ok(change) => Some(change),
            Err(RecvError::Lagged(_)) => None,
            // The gate lives as long as the node.
            Err(RecvError::Closed) => std::future::pending().await,
        },
        None => std::future::pending().await,
    }
}

fn is_loopback(address: SocketAddr) -> bool {
    address.ip().to_canonical().is_loopback()
}
