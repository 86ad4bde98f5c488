//! Setting up a node.

use std::io;
use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::runtime::Handle;
use uuid::Uuid;
use zre_proto::{Action, Config, Endpoint, Engine, HostEndpoint, PeerId, Times};

use crate::Level;
use crate::blocking;
use crate::driver::Driver;
use crate::error::StartError;
use crate::events::{EventQueue, Events};
#[cfg(feature = "files")]
use crate::files::{self, Files, Service};
#[cfg(feature = "files")]
use crate::folder_names::FolderNames;
use crate::gossip::{self, Gossip};
use crate::interface::{Choices, InterfaceChoice};
use crate::limits::Limits;
use crate::location::{Advertised, Location};
#[cfg(feature = "files")]
use crate::mechanism;
use crate::network::Network;
use crate::network_settings::NetworkSettings;
use crate::node::Node;
use crate::pulse::Pulse;
use crate::secure::Gate;
#[cfg(feature = "curve")]
use crate::secure::{self, Identity, NETWORK_BEACON_PORT, Trust};
use crate::state::State;
use crate::times;

/// The UDP port of the beacon, assigned to ZRE by IANA (RFC 36).
pub const BEACON_PORT: u16 = 5670;

/// Linux takes one second, or two, to be sure of an IPv6 address.
const MAX_WAIT_FOR_ADDRESS: Duration = Duration::from_secs(4);

/// How often it is looked for meanwhile.
const LOOK_FOR_ADDRESS: Duration = Duration::from_millis(100);

/// Sets up a [`Node`]. Everything has a default that works.
#[derive(Clone, Debug)]
#[must_use = "nothing happens before `start`"]
pub struct Builder {
    id: Option<PeerId>,
    name: Option<String>,
    state: Option<State>,
    headers: Vec<(String, String)>,
    groups: Vec<String>,
    /// Endpoints that are required, and the id that has to be there, if one was given.
    required: Vec<(HostEndpoint, Option<PeerId>)>,
    contests: Vec<String>,
    elect_with_everyone: bool,
    settings: NetworkSettings,
    times: Times,
    gossip: gossip::Settings,
    logging: Option<Level>,
    log_messages: bool,
    /// On a thread of its own.
    lives_apart: bool,
    #[cfg(feature = "curve")]
    secure: Option<(Identity, Trust)>,
    beacon_port: Option<u16>,
    #[cfg(feature = "files")]
    files: Option<files::Settings>,
    #[cfg(feature = "files")]
    received_limits: crate::ReceivedLimits,
    #[cfg(feature = "files")]
    folder_names: FolderNames,
    #[cfg(feature = "files")]
    file_port: files::PortSettings,
    #[cfg(feature = "files")]
    accept: crate::Accept,
}

impl Default for Builder {
    fn default() -> Self {
        let settings = NetworkSettings {
            choices: Choices::default(),
            beacon: true,
            beacon_port: BEACON_PORT,
            mailbox_port: None,
            advertised: None,
            interval: Duration::from_secs(1),
            limits: Limits::default(),
            two_way: true,
        };
        Self {
            id: None,
            name: None,
            state: None,
            headers: Vec::new(),
            groups: Vec::new(),
            required: Vec::new(),
            contests: Vec::new(),
            elect_with_everyone: false,
            settings,
            times: Times::default(),
            gossip: gossip::Settings::default(),
            logging: None,
            log_messages: false,
            lives_apart: false,
            #[cfg(feature = "curve")]
            secure: None,
            beacon_port: None,
            #[cfg(feature = "files")]
            files: None,
            #[cfg(feature = "files")]
            received_limits: crate::ReceivedLimits::default(),
            #[cfg(feature = "files")]
            folder_names: FolderNames::default(),
            #[cfg(feature = "files")]
            file_port: files::PortSettings::default(),
            #[cfg(feature = "files")]
            accept: crate::Accept::default(),
        }
    }
}

impl Builder {
    /// Sets the id of the node, which the application keeps from start to start. Peers then know
    /// the node again after a restart, and [`require_peer`](Node::require_peer), which takes an id,
    /// can stand in the configuration of others. Default: a new random one for every start.
    ///
    /// Every value of the 16 bytes is allowed, zeros as well. A good id is one that nobody
    /// else has: so let the first start choose, and keep what [`Node::id`] then tells.
    ///
    /// Two nodes must not run with one id at the same time. They take each other's beacons for
    /// their own, and do not meet. A third node stays with the one that it met first, as long as
    /// that one answers; it and the other one do not enter at each other. When the first ends, the
    /// other takes its place with its next beacon, as after a restart. So a copied id splits the
    /// network. Both of them are told, by [`Event::IdInUse`](crate::Event::IdInUse), if they hear
    /// each other's beacons.
    ///
    /// A [`state`](Self::state) keeps an id, and sees to it that no other node on this host has it.
    pub const fn id(mut self, id: PeerId) -> Self {
        self.id = Some(id);
        self
    }

    /// Sets the name for people, at most 255 bytes. Default: the name that the [`state`](Self::state)
    /// keeps, or else the first six digits of the node's id.
    pub fn name(mut self, name: impl Into<String>) -> Self {
        self.name = Some(name.into());
        self
    }

    /// Makes the node the one whose state this is: it has the id that is kept there, and the name,
    /// unless [`id`](Self::id) or [`name`](Self::name) set others. Until the node has ended no other
    /// can open the state.
    pub fn state(mut self, state: &State) -> Self {
        self.state = Some(state.clone());
        self
    }

    /// Says something about the node to every peer, in HELLO. By convention names start with
    /// `X-`. A name has at most 255 bytes; of two with one name the later holds. All headers and
    /// groups together must fit [`Limits::hello_bytes`].
    pub fn header(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.headers.push((name.into(), value.into()));
        self
    }

    /// Joins a group from the start. A group name has 1 to 255 bytes.
    pub fn join(mut self, group: impl Into<String>) -> Self {
        self.groups.push(group.into());
        self
    }

    /// Contests in a group from the start, and joins it: of all members that contest, the one with the
    /// lowest id leads. [`Event::Leader`](crate::Event::Leader) tells who that is,
    /// [`Node::contest`] contests later, and [*Who leads*](crate::guide::who_leads) says what that
    /// means. A group name has 1 to 255 bytes.
    pub fn contest(mut self, group: impl Into<String>) -> Self {
        self.contests.push(group.into());
        self
    }

    /// Sets whether nodes of other implementations are told of elections before they have said
    /// anything about one. With `true` nodes of the C library that never contest elect this node as
    /// well; pyre and zyre.js end their connection whenever they are told, and should not be on the
    /// network. Default `false`: nodes of this library, and nodes of the C library in groups in which
    /// one of those contests.
    pub const fn elect_with_everyone(mut self, everyone: bool) -> Self {
        self.elect_with_everyone = everyone;
        self
    }

    /// Makes the node a secure one: everything that it says and hears is encrypted, and it has to do
    /// with nobody but those that it trusts. A node that is not secure does not meet it, and neither
    /// hears the other.
    ///
    /// A node with the same key, on another machine, is trusted as well: it is the same owner's.
    ///
    /// The id of the node shows its key. What [`id`](Self::id) or a [`state`](Self::state) gives is
    /// random in it: with the same key it is the same node again after a restart.
    ///
    /// Nodes in a [network](Trust::network) announce themselves on UDP port 5669, unless
    /// [`beacon_port`](Self::beacon_port) says otherwise, for on port 5670 a beacon with a key ends every pyre on the
    /// network. With nodes of the C library, which are trusted by their keys, it has to be 5670.
    ///
    /// File sharing, gossip and the log for collectors are secured by the same identity and trust; a
    /// gossip hub is connected to by its key: see [`gossip_connect`](Self::gossip_connect).
    #[cfg(feature = "curve")]
    pub fn secure(mut self, identity: Identity, trust: Trust) -> Self {
        self.secure = Some((identity, trust));
        self
    }

    /// Limits the node to an interface: a name (`"eth0"`, `"lo"`), one address of it, or `"*"` for
    /// all but loopback. Called several times, to all of these. Default: all that can be used; see
    /// [`Node::interfaces`].
    pub fn interface(mut self, choice: impl Into<InterfaceChoice>) -> Self {
        self.settings.choices.only.push(choice.into());
        self
    }

    /// Keeps the node off an interface, or one address of it. May be called several times.
    pub fn except(mut self, choice: impl Into<InterfaceChoice>) -> Self {
        self.settings.choices.except.push(choice.into());
        self
    }

    /// Sets whether the node sends beacons and hears those of others. Default `true`. Without, it has
    /// no UDP socket, and meets those that it [requires](Self::require_endpoint), and those that
    /// require it. It then also lives on interfaces where nobody would hear a beacon, such as those
    /// of most VPNs. See [*Without broadcast*](crate::guide::without_broadcast).
    pub const fn beacon(mut self, beacon: bool) -> Self {
        self.settings.beacon = beacon;
        self.settings.choices.silent = !beacon;
        self
    }

    /// Connects to a node that no beacon tells of, from the start. See [`Node::require_peer`].
    pub fn require_peer(mut self, peer: PeerId, endpoint: impl Into<HostEndpoint>) -> Self {
        self.required.push((endpoint.into(), Some(peer)));
        self
    }

    /// Connects to any node at an endpoint, from the start. See [`Node::require_endpoint`].
    ///
    /// ```no_run
    /// # async fn f() -> Result<(), Box<dyn std::error::Error>> {
    /// let server: zyre::HostEndpoint = "server.example.org:49152".parse()?;
    /// let builder = zyre::Node::builder().beacon(false).require_endpoint(server);
    /// let (node, events) = builder.start().await?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn require_endpoint(mut self, endpoint: impl Into<HostEndpoint>) -> Self {
        self.required.push((endpoint.into(), None));
        self
    }

    /// Sets the UDP port of the beacon, not 0. Nodes find each other if they use the same. Default
    /// [`BEACON_PORT`], 5670.
    pub const fn beacon_port(mut self, port: u16) -> Self {
        self.beacon_port = Some(port);
        self
    }

    /// Sets the TCP port of the mailbox; 0 lets the system choose. [`start`](Self::start) fails if
    /// it is taken. After a move to another interface the node takes another port rather than none.
    /// Default: the first free one from 49152 up.
    pub const fn mailbox_port(mut self, port: u16) -> Self {
        self.settings.mailbox_port = Some(port);
        self
    }

    /// Sets whether a peer that can do so as well is connected by one connection for both
    /// directions, so that it is met if only one of the two can connect to the other. Default
    /// `true`. With `false` there are two connections with everybody, as other implementations of
    /// ZRE make them. See [`zre_proto::two_way`].
    pub const fn two_way(mut self, two_way: bool) -> Self {
        self.settings.two_way = two_way;
        self
    }

    /// Tells peers that are on none of this host's subnets to connect to this endpoint instead of
    /// where the mailbox is: for a node behind a port forwarding, which others reach directly. Its
    /// port must not be 0. `advertise_file_port` does the same for the file server. Replaces
    /// [`advertise_everywhere`](Self::advertise_everywhere).
    pub const fn advertise(mut self, endpoint: Endpoint) -> Self {
        self.settings.advertised = Some(Advertised { endpoint, everywhere: false });
        self
    }

    /// Tells all peers to connect to this endpoint instead of where the mailbox is: for a node that
    /// nobody reaches directly. Peers that only hear the beacon take the beacon's address and this
    /// endpoint's port, which must not be 0: that is how a beacon says goodbye. Replaces
    /// [`advertise`](Self::advertise).
    pub const fn advertise_everywhere(mut self, endpoint: Endpoint) -> Self {
        self.settings.advertised = Some(Advertised { endpoint, everywhere: true });
        self
    }

    /// Sets the time from beacon to beacon, from 1 ms to one day, not zero; other values are moved
    /// into that range. Default 1 s. Also how often what is required is tried again where a node was
    /// met before, and the interfaces are looked at. [`Node::set_beacon_interval`] changes it.
    pub const fn beacon_interval(mut self, interval: Duration) -> Self {
        self.settings.interval = interval;
        self
    }

    /// Sets how long a peer may not be heard until it is EVASIVE and is sent a PING, not zero. Default
    /// 5 s. [`Node::set_evasive_timeout`] changes it.
    pub const fn evasive_timeout(mut self, time: Duration) -> Self {
        self.times.evasive_timeout = time;
        self
    }

    /// Sets how long a PING may be without answer until the peer is SILENT, not zero. Default 1 s.
    /// [`Node::set_silent_timeout`] changes it.
    pub const fn silent_timeout(mut self, time: Duration) -> Self {
        self.times.silent_timeout = time;
        self
    }

    /// Sets how long a peer may not be heard until it is given up, not zero. Default 30 s.
    /// [`Node::set_expired_timeout`] changes it.
    pub const fn expired_timeout(mut self, time: Duration) -> Self {
        self.times.expired_timeout = time;
        self
    }

    /// Makes the node a gossip hub: others [connect](Self::gossip_connect) to it at this address, and
    /// it tells each of them of all others. May be called several times. With port 0 the system
    /// chooses one, which [`Node::gossip`] tells; as an address `0.0.0.0` or `[::]` is all of this
    /// host. See [*Gossip*](crate::guide::without_broadcast#gossip).
    pub fn gossip_listen(mut self, address: impl Into<std::net::SocketAddr>) -> Self {
        self.gossip.listen.push(address.into());
        self
    }

    /// Connects to a gossip hub, which tells of other nodes, and tells it and by it all others of this
    /// one. May be called several times: one hub that is up is enough, but
    /// hubs that are not connected to each other know different nodes. A name is looked up at each
    /// attempt. A hub that cannot be reached is tried again and again;
    /// [`Event::HubUnreachable`](crate::Event::HubUnreachable) says so once.
    ///
    /// A secure node connects to a hub by its key, `tcp://host:port|key`, and has to trust it.
    pub fn gossip_connect(mut self, hub: impl Into<HostEndpoint>) -> Self {
        self.gossip.connect.push(hub.into());
        self
    }

    /// Sets how much the node takes, from the network and from its application.
    pub const fn limits(mut self, limits: Limits) -> Self {
        self.settings.limits = limits;
        self
    }

    /// Shares files with all peers that share files too.
    ///
    /// Everything in the directory `shared`, now and later, goes to these peers, as does what
    /// [`Node::publish`] adds. What they publish is [received](Self::receive) into the directory
    /// `received`. Both directories are created if they do not exist.
    ///
    /// Files are known again by the ids of nodes: with a new id for every start, whatever was sent
    /// before is sent again to the same peers. A [`state`](Self::state) keeps the id. With it, what the
    /// shared folder has lost while the node was not running is deleted at peers, and so is what the
    /// node has published before and does not within ten seconds from its start.
    ///
    /// Hidden files are not shared, nor is what a file `.zyreignore` directly in `shared` leaves out: it
    /// has patterns in the syntax of `.gitignore`, one a line.
    #[cfg(feature = "files")]
    pub fn share(
        mut self,
        shared: impl Into<std::path::PathBuf>,
        received: impl Into<std::path::PathBuf>,
    ) -> Self {
        self.files.get_or_insert_default().shared = Some(shared.into());
        self.receive(received)
    }

    /// Receives the files of all peers that share some into this directory, which is created if it
    /// does not exist, and belongs to one node at a time.
    ///
    /// Each peer has a folder of its own there, named by its name: `received/alice/photos/1.jpg`. The id
    /// decides whose it is: a second peer of the name gets `alice-2`, and a peer keeps its folder
    /// whatever it calls itself later. A name is made safe for all systems; see also
    /// [`name_folders`](Self::name_folders).
    ///
    /// [`Event::Deliver`](crate::Event::Deliver) reports that a file has arrived.
    #[cfg(feature = "files")]
    pub fn receive(mut self, received: impl Into<std::path::PathBuf>) -> Self {
        self.files.get_or_insert_default().received = Some(received.into());
        self
    }

    /// Lets the node publish files by [`Node::publish`], also without a shared folder, and without
    /// receiving any.
    #[cfg(feature = "files")]
    pub fn publishing(mut self) -> Self {
        self.files.get_or_insert_default();
        self
    }

    /// Names the folders of peers in the directory that [receives](Self::receive) files: `name` returns
    /// the folder's name for a peer, when its first file comes. Default: the peer's name.
    ///
    /// Characters that mean something in a path or cannot be seen become `_`, 64 bytes stay, and where
    /// a name is taken a number is appended. Which peer has which folder is remembered there. In a
    /// directory that was written when folders were named by ids they keep their names.
    ///
    /// ```no_run
    /// let builder = zyre::Node::builder().receive("received").name_folders(|peer| peer.id.to_string());
    /// ```
    #[cfg(feature = "files")]
    pub fn name_folders(
        mut self,
        name: impl Fn(&zre_proto::PeerInfo) -> String + Send + Sync + 'static,
    ) -> Self {
        self.folder_names = FolderNames::new(name);
        self
    }

    /// Sets which files of others the node takes. Default: all.
    ///
    /// With [`Accept::Ask`](crate::Accept::Ask) each file is an [`Event::Offered`](crate::Event::Offered),
    /// and comes if the application [accepts](Node::accept) it.
    #[cfg(feature = "files")]
    pub const fn accept(mut self, accept: crate::Accept) -> Self {
        self.accept = accept;
        self
    }

    /// Sets what the directory that [receives](Self::receive) files may hold: of all peers together, and
    /// of each of them.
    #[cfg(feature = "files")]
    pub const fn received_limits(mut self, limits: crate::ReceivedLimits) -> Self {
        self.received_limits = limits;
        self
    }

    /// Sets the TCP port of the file server of [`share`](Self::share); 0 lets the system choose.
    /// [`start`](Self::start) fails if it is taken. Default: the first free one from 49152 up, which is
    /// mostly the one after the mailbox. Peers of this library that can be dialled need not be let in:
    /// see [*Ports*](crate::guide::cookbook#ports-and-firewalls).
    #[cfg(feature = "files")]
    pub const fn file_port(mut self, port: u16) -> Self {
        self.file_port.own = Some(port);
        self
    }

    /// Tells peers that are told the [advertised](Self::advertise) endpoint that the file server is at
    /// this port of its address: for a node behind a port forwarding. Not 0. Default: the port that the
    /// file server has.
    #[cfg(feature = "files")]
    pub const fn advertise_file_port(mut self, port: u16) -> Self {
        self.file_port.advertised = Some(port);
        self
    }

    /// Records what happens to the node, and tells the collectors on the network: peers that
    /// announce themselves by the header `X-ZRELOG`, such as `zyre-logger`. What is less urgent
    /// than `level` is not recorded; [`Level::Info`] is everything. Default: nothing.
    /// [`Node::set_logging`] changes it.
    ///
    /// Recorded are ENTER and EXIT, JOIN and LEAVE of peers and of this node, what goes wrong, and
    /// what the application [says](Node::log). An EXIT by which messages are lost is an error, one
    /// that was not meant a warning.
    ///
    /// The node never waits for a collector: what does not fit is dropped and counted in
    /// [`Stats`](crate::Stats). While there is none, the last 1,024 lines are kept for the next
    /// one. At most 16 endpoints get the log at a time. A collector is where its peer is: an
    /// endpoint with another address is ignored.
    pub const fn logging(mut self, level: Level) -> Self {
        self.logging = Some(level);
        self
    }

    /// Records every message that is sent and received as well, as SEND and RECV without content,
    /// while logging is on for [`Level::Info`]. That costs much more than the rest. Default: no.
    pub const fn log_messages(mut self, messages: bool) -> Self {
        self.log_messages = messages;
        self
    }

    /// Starts the node: opens its mailbox, sends its first beacon. To be called inside a tokio
    /// runtime, on which the node lives: if that goes, the node has stopped. A current-thread runtime has
    /// to be driven all the time, by a thread in its `block_on`. Without a runtime there is
    /// [`start_blocking`](Self::start_blocking).
    ///
    /// Connecting to what is required goes on after that.
    ///
    /// Without a usable interface, and none asked for, it starts on loopback, where it finds only
    /// nodes of this machine; [`Node::interfaces`] tells. It moves as soon as one appears.
    ///
    /// # Errors
    /// See [`StartError`]; then nothing is left running.
    ///
    /// # Panics
    /// In a tokio runtime that was built without I/O or without time.
    pub async fn start(mut self) -> Result<(Node, Events), StartError> {
        let runtime = Handle::try_current().map_err(|_| StartError::NoRuntime)?;
        self.settings.beacon_port = self.beacon_port.unwrap_or_else(|| self.default_beacon_port());
        self.settings.check()?;
        #[cfg(feature = "files")]
        if self.file_port.advertised == Some(0) {
            return Err(StartError::PortZero("advertised file server"));
        }
        self.settings.interval = times::beacon_interval(self.settings.interval)?;
        times::check_liveness(&self.times)?;
        let kept = self.state.as_ref().map(State::id);
        let id = self.id.or(kept).unwrap_or_else(|| Uuid::new_v4().into());
        #[cfg(feature = "curve")]
        let (id, gate) = self.open_gate(id)?;
        #[cfg(not(feature = "curve"))]
        let gate: Option<Arc<Gate>> = None;
        let (network, location) = self.open_network(id, gate.as_ref()).await?;
        #[cfg_attr(not(feature = "files"), expect(unused_mut, reason = "files say where they are"))]
        let mut engine = self.engine(id, network.endpoint(), gate.as_deref())?;
        // Before there is a driver, which would dial those that are required, and greet them.
        #[cfg(feature = "files")]
        let (files, sharing) =
            self.open_files(id, &location, &mut engine, gate.as_ref()).await?.unzip();
        let name = engine.name().to_owned();
        let limits = &self.settings.limits;
        let queue = EventQueue::new(limits.events, limits.event_bytes);
        let pulse = if self.lives_apart { Pulse::apart(runtime) } else { Pulse::new(runtime) };
        let settings = &self.settings;
        let driver =
            Driver::new(engine, queue.clone(), location, Arc::clone(&pulse), settings, gate);
        let gossip_opened = gossip::Opened::open(&self.gossip, driver.gate())?;
        // Nothing fails from here on, so nothing that was started has to be stopped.
        driver.keep(self.state.take());
        driver.log.set_messages(self.log_messages);
        if self.logging.is_some() {
            driver.set_logging(self.logging);
        }
        driver.turn().begin();
        driver.spawn(driver.clone().keep_time());
        network.announce(&driver);
        driver.spawn(network.run(driver.clone()));
        #[cfg(feature = "files")]
        if let Some(sharing) = sharing {
            driver.spawn(sharing.run(driver.clone(), self.folder_names));
        }
        let gossip = Gossip::default();
        gossip.start(&driver, gossip_opened);
        let node = Node::new(
            id,
            name,
            driver,
            gossip,
            #[cfg(feature = "files")]
            files,
        );
        Ok((node, Events::new(queue, pulse)))
    }

    /// Starts the node on a thread of its own, for an application without async code: it needs no runtime,
    /// and no other crate. Everything that is awaited elsewhere has a blocking form: of
    /// [`Events::recv`] it is [`blocking_recv`](Events::blocking_recv), of [`Node::stop`]
    /// [`blocking_stop`](Node::blocking_stop).
    ///
    /// ```no_run
    /// use zyre::{Event, Node};
    ///
    /// fn main() -> Result<(), Box<dyn std::error::Error>> {
    ///     let (node, mut events) = Node::builder().name("alice").join("chat").start_blocking()?;
    ///     while let Some(event) = events.blocking_recv() {
    ///         if let Event::Join { group, .. } = event {
    ///             node.shout(&group, "Hello, all!")?;
    ///         }
    ///     }
    ///     Ok(())
    /// }
    /// ```
    ///
    /// The thread ends with the node.
    ///
    /// # Errors
    /// See [`StartError`]; then nothing is left running.
    ///
    /// # Panics
    /// In async code, where [`start`](Self::start) is to be used.
    #[track_caller]
    pub fn start_blocking(mut self) -> Result<(Node, Events), StartError> {
        self.lives_apart = true;
        blocking::start_apart(move || async move {
            let (node, events) = self.start().await?;
            let ended = node.ended();
            Ok(((node, events), ended))
        })
    }

    #[cfg(not(feature = "curve"))]
    #[expect(clippy::unused_self, reason = "with cryptography it depends on the trust")]
    const fn default_beacon_port(&self) -> u16 {
        BEACON_PORT
    }

    #[cfg(feature = "curve")]
    fn default_beacon_port(&self) -> u16 {
        let network = self.secure.as_ref().and_then(|(_, trust)| trust.main_network());
        if network.is_some() { NETWORK_BEACON_PORT } else { BEACON_PORT }
    }

    /// What a secure node has, and its id: that shows its key.
    #[cfg(feature = "curve")]
    fn open_gate(&mut self, id: PeerId) -> Result<(PeerId, Option<Arc<Gate>>), StartError> {
        let Some((identity, trust)) = self.secure.take() else { return Ok((id, None)) };
        let id = secure::id_of(&identity.public_key(), trust.main_network(), id);
        let gate = Gate::new(identity, trust).map_err(StartError::Trust)?;
        Ok((id, Some(gate)))
    }

    /// Opens the node's places. An IPv6 address that is new cannot be used before the host is sure
    /// that nobody else has it: if there is no other, it is waited for.
    async fn open_network(
        &self,
        id: PeerId,
        gate: Option<&Arc<Gate>>,
    ) -> Result<(Network, Location), StartError> {
        let end = Instant::now() + MAX_WAIT_FOR_ADDRESS;
        loop {
            let opened = Network::open(id, self.settings.clone(), gate.cloned());
            let is_early = |source: &io::Error| source.kind() == io::ErrorKind::AddrNotAvailable;
            match opened {
                Err(StartError::Mailbox { source, .. })
                    if is_early(&source) && Instant::now() < end =>
                {
                    tokio::time::sleep(LOOK_FOR_ADDRESS).await;
                }
                opened => return opened,
            }
        }
    }

    /// The engine, in its groups.
    fn engine(
        &self,
        id: PeerId,
        endpoint: Endpoint,
        gate: Option<&Gate>,
    ) -> Result<Engine, StartError> {
        let mut config = Config::new(id, endpoint);
        config.key = gate.map(Gate::key);
        if let Some(name) = self.name.clone().or_else(|| self.state.as_ref()?.name()) {
            config.name = name;
        }
        config.headers = self.headers.iter().cloned().collect();
        config.times = Times { retry_interval: self.settings.interval, ..self.times };
        config.elect_with_everyone = self.elect_with_everyone;
        self.settings.limits.apply_to(&mut config);
        let mut engine = Engine::new(config)?;
        for group in &self.groups {
            engine.act(Instant::now(), Action::Join(group))?;
        }
        for (endpoint, peer) in &self.required {
            let (endpoint, peer) = (endpoint.clone(), *peer);
            engine.act(Instant::now(), Action::RequireEndpoint { endpoint, peer })?;
        }
        for group in &self.contests {
            engine.act(Instant::now(), Action::Contest(group))?;
        }
        Ok(engine)
    }

    /// Opens file sharing, if it is asked for, and says where the server is.
    #[cfg(feature = "files")]
    async fn open_files(
        &self,
        id: PeerId,
        location: &Location,
        engine: &mut Engine,
        gate: Option<&Arc<Gate>>,
    ) -> Result<Option<(Files, Service)>, StartError> {
        let Some(settings) = self.files.clone() else { return Ok(None) };
        let places = location.addresses(0);
        let takes_nothing = settings.received.is_none();
        let limits = self.received_limits.clone();
        let (port, accept) = (self.file_port.own, self.accept);
        let mechanism = mechanism::of_server(gate);
        let (files, service) =
            files::open(id, places, settings, limits, port, accept, mechanism).await?;
        let (now, name) = (Instant::now(), files::HEADER);
        // One that the application has set itself stays.
        if !self.headers.iter().any(|(own, _)| own == name) {
            engine.act(now, Action::SetServiceHeader { name, port: files.port })?;
        }
        let outside = self.settings.advertised.zip(self.file_port.advertised);
        if let Some((Advertised { endpoint, .. }, port)) = outside {
            engine.act(now, Action::ForwardService { name, endpoint, port })?;
        }
        if takes_nothing {
            let (name, value) = files::TAKES_HEADER;
            engine.act(now, Action::SetHeader { name, value })?;
        }
        engine.act(now, Action::GiveTickets)?;
        Ok(Some((files, service)))
    }
}

impl Node {
    /// Returns a builder that sets up a node.
    pub fn builder() -> Builder {
        Builder::default()
    }

    /// Starts a node with all defaults. Short for `Node::builder().start()`.
    ///
    /// # Errors
    /// See [`StartError`].
    pub async fn start() -> Result<(Self, Events), StartError> {
        Self::builder().start().await
    }

    /// Starts a node with all defaults, on a thread of its own. Short for
    /// `Node::builder().start_blocking()`.
    ///
    /// # Errors
    /// See [`StartError`].
    ///
    /// # Panics
    /// In async code.
    #[track_caller]
    pub fn start_blocking() -> Result<(Self, Events), StartError> {
        Self::builder().start_blocking()
    }
}
