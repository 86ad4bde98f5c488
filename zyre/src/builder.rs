//! Setting up a node.

use std::time::Duration;

use tokio::runtime::Handle;
use uuid::Uuid;
use zre_proto::{Action, Config, Endpoint, Engine, Input, MessageLimits, PeerId, Times};

use crate::driver::Driver;
use crate::events::EventQueue;
use crate::network::{Network, Settings};
use crate::{Events, InterfaceChoice, Level, Limits, Node, StartError};

/// The UDP port of the beacon, assigned to ZRE by IANA (RFC 36).
pub const BEACON_PORT: u16 = 5670;

/// The longest time from beacon to beacon.
const LONGEST: Duration = Duration::from_secs(24 * 60 * 60);

/// What the header of a message may take of its octets: a SHOUT to the longest group name.
const HEADER_OCTETS: usize = 512;

/// Sets up a [`Node`]. Everything has a default that works.
#[derive(Clone, Debug)]
#[must_use = "nothing happens before `start`"]
pub struct Builder {
    id: Option<PeerId>,
    name: Option<String>,
    headers: Vec<(String, String)>,
    groups: Vec<String>,
    settings: Settings,
    times: Times,
    logging: Option<Level>,
    log_messages: bool,
    #[cfg(feature = "files")]
    files: Option<crate::files::Settings>,
    #[cfg(feature = "files")]
    inbox_limits: crate::InboxLimits,
}

impl Default for Builder {
    fn default() -> Self {
        let settings = Settings {
            choice: InterfaceChoice::Auto,
            beacon_port: BEACON_PORT,
            mailbox_port: None,
            advertised: None,
            interval: Duration::from_secs(1),
            limits: Limits::default(),
        };
        Self {
            id: None,
            name: None,
            headers: Vec::new(),
            groups: Vec::new(),
            settings,
            times: Times::default(),
            logging: None,
            log_messages: false,
            #[cfg(feature = "files")]
            files: None,
            #[cfg(feature = "files")]
            inbox_limits: crate::InboxLimits::default(),
        }
    }
}

impl Builder {
    /// The id of the node, which the application keeps from start to start. Peers then know the
    /// node again after a restart, and [`require_peer`](Node::require_peer), which takes an id, can
    /// stand in the configuration of others. Default: a new random one for every start.
    ///
    /// Every value of the 16 octets is allowed, zeros as well. What makes an id good is that nobody
    /// else has it: so let the first start choose, and keep what [`Node::id`] then tells.
    ///
    /// Two nodes must not run with one id at the same time. They take each other's beacons for their
    /// own, and do not meet. A third node stays with the one that it met first, as long as that one
    /// answers; it and the other one do not enter at each other. When the first ends, the other takes
    /// its place with its next beacon, as after a restart. So a copied id splits the network, and
    /// nobody is told.
    ///
    /// ```no_run
    /// # async fn f() -> Result<(), Box<dyn std::error::Error>> {
    /// let mut builder = zyre::Node::builder();
    /// if let Ok(kept) = std::fs::read_to_string("node-id") {
    ///     builder = builder.id(kept.trim().parse()?);
    /// }
    /// let (node, events) = builder.start().await?;
    /// std::fs::write("node-id", node.id().to_string())?;
    /// # Ok(())
    /// # }
    /// ```
    pub const fn id(mut self, id: PeerId) -> Self {
        self.id = Some(id);
        self
    }

    /// The name for people, at most 255 octets. Default: the first six digits of the node's id.
    pub fn name(mut self, name: impl Into<String>) -> Self {
        self.name = Some(name.into());
        self
    }

    /// Says something about the node to every peer, in HELLO. By convention names start with
    /// `X-`. A name has at most 255 octets; of two with one name the later holds. All headers and
    /// groups together must fit [`Limits::hello_octets`].
    pub fn header(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.headers.push((name.into(), value.into()));
        self
    }

    /// Joins a group from the start. A group name has at most 255 octets.
    pub fn join(mut self, group: impl Into<String>) -> Self {
        self.groups.push(group.into());
        self
    }

    /// The interface to live on: a name (`"eth0"`, `"lo"`), an IPv4 address, or `"*"` for the
    /// default, [`InterfaceChoice::Auto`].
    pub fn interface(mut self, choice: impl Into<InterfaceChoice>) -> Self {
        self.settings.choice = choice.into();
        self
    }

    /// The UDP port of the beacon, not 0. Nodes find each other if they use the same. Default
    /// [`BEACON_PORT`], 5670.
    pub const fn beacon_port(mut self, port: u16) -> Self {
        self.settings.beacon_port = port;
        self
    }

    /// The TCP port of the mailbox; 0 lets the system choose. [`start`](Self::start) fails if it is
    /// taken. After a move to another interface the node takes another port rather than none.
    /// Default: the first free one from 49152 up.
    pub const fn mailbox_port(mut self, port: u16) -> Self {
        self.settings.mailbox_port = Some(port);
        self
    }

    /// Tells peers to connect to this endpoint instead of where the mailbox is: for a node behind
    /// a port forwarding. Peers that only hear the beacon take the beacon's address and this
    /// endpoint's port, which must not be 0: that is how a beacon says goodbye.
    pub const fn advertise(mut self, endpoint: Endpoint) -> Self {
        self.settings.advertised = Some(endpoint);
        self
    }

    /// The time from beacon to beacon, from 1 ms to one day; other values are moved into that
    /// range. Default 1 s. Also how often a required peer is tried again, and the interface looked
    /// at.
    pub fn beacon_interval(mut self, interval: Duration) -> Self {
        self.settings.interval = interval.clamp(Duration::from_millis(1), LONGEST);
        self
    }

    /// How long a peer may be quiet until it is EVASIVE and is sent a PING. Default 5 s.
    pub const fn evasive(mut self, time: Duration) -> Self {
        self.times.evasive = time;
        self
    }

    /// How long a PING may be without answer until the peer is SILENT. Default 1 s.
    pub const fn silent(mut self, time: Duration) -> Self {
        self.times.silent = time;
        self
    }

    /// How long a peer may be quiet until it is given up. Default 30 s.
    pub const fn expired(mut self, time: Duration) -> Self {
        self.times.expired = time;
        self
    }

    /// How much the node takes, from the network and from its application.
    pub const fn limits(mut self, limits: Limits) -> Self {
        self.settings.limits = limits;
        self
    }

    /// Shares files: what is in the directory `outbox`, now and later, goes to all peers that share
    /// files as well, with what [`Node::publish`] adds, and what they publish comes to the directory
    /// `inbox`, where each has a folder of its own, named by its id. Both are made if they are not
    /// there. An inbox belongs to one node at a time.
    ///
    /// [`Event::Deliver`](crate::Event::Deliver) says that a file is here.
    #[cfg(feature = "files")]
    pub fn share(
        mut self,
        outbox: impl Into<std::path::PathBuf>,
        inbox: impl Into<std::path::PathBuf>,
    ) -> Self {
        let (outbox, inbox) = (outbox.into(), inbox.into());
        self.files = Some(crate::files::Settings { outbox, inbox });
        self
    }

    /// What the inbox of [`share`](Self::share) takes, of all peers together.
    #[cfg(feature = "files")]
    pub const fn inbox_limits(mut self, limits: crate::InboxLimits) -> Self {
        self.inbox_limits = limits;
        self
    }

    /// Records what happens to the node, and tells the collectors on the network: peers that
    /// announce themselves by the header `X-ZRELOG`, such as `zyre-logger`. What is less urgent than
    /// `level` is not recorded; [`Level::Info`] is everything. Default: nothing.
    /// [`Node::set_logging`] changes it.
    ///
    /// Recorded are ENTER and EXIT, JOIN and LEAVE of peers and of this node, what goes wrong, and
    /// what the application [says](Node::log). An EXIT by which messages are lost is an error, one
    /// that was not meant a warning.
    ///
    /// The node never waits for a collector: what does not fit is dropped and counted in
    /// [`Stats`](crate::Stats). While there is none, the last 1,024 lines are kept for the next one.
    /// At most 16 endpoints get the log at a time. A collector is where its peer is: an endpoint
    /// with another address is ignored.
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

    /// Starts the node: opens its mailbox, sends its first beacon. Inside a tokio runtime, on
    /// which it lives.
    ///
    /// Without a usable interface, and none asked for, it starts on loopback, where it finds only
    /// nodes of this machine; [`Node::interface`] tells. It moves as soon as one appears.
    ///
    /// # Errors
    /// See [`StartError`]; then nothing is left running.
    ///
    /// # Panics
    /// In a tokio runtime that was built without I/O or without time.
    pub async fn start(self) -> Result<(Node, Events), StartError> {
        let runtime = Handle::try_current().map_err(|_| StartError::NoRuntime)?;
        if self.settings.advertised.is_some_and(|endpoint| endpoint.address().port() == 0) {
            return Err(StartError::PortZero("advertised endpoint"));
        }
        if self.settings.beacon_port == 0 {
            return Err(StartError::PortZero("beacon"));
        }
        let id = self.id.unwrap_or_else(|| Uuid::new_v4().into());
        let limits = self.settings.limits.clone();
        let interval = self.settings.interval;
        let (network, announcer) = Network::open(id, self.settings)?;

        #[cfg(feature = "files")]
        let mut headers = self.headers;
        #[cfg(not(feature = "files"))]
        let headers = self.headers;
        #[cfg(feature = "files")]
        let (files, sharing) = match self.files {
            Some(settings) => {
                let address = network.address();
                let opened = crate::files::open(id, address, settings, self.inbox_limits).await;
                let (files, service) = opened.map_err(StartError::Files)?;
                // One that the application has set itself stays.
                headers.insert(0, (crate::files::HEADER.into(), files.endpoint.to_string()));
                (Some(files), Some(service))
            }
            None => (None, None),
        };
        let name = self.name.unwrap_or_else(|| id.default_name());
        let mut engine = Engine::new(Config {
            name: name.clone(),
            headers: headers.into_iter().collect(),
            times: Times { retry: interval, ..self.times },
            max_peers: limits.peers,
            message_limits: MessageLimits {
                entries: limits.hello_entries,
                octets: limits.hello_octets,
            },
            max_content_frames: limits.message_frames.saturating_sub(1),
            max_held_events: limits.link_messages,
            max_held_octets: limits.link_octets,
            max_content_octets: limits.message_octets.saturating_sub(HEADER_OCTETS),
            ..Config::new(id, network.endpoint())
        })?;
        for group in &self.groups {
            engine.handle(std::time::Instant::now(), Input::Action(Action::Join(group)))?;
        }

        let events = EventQueue::new(limits.events, limits.event_octets);
        let dealer = zmtp::Config::new(zmtp::SocketType::Dealer)
            .with_identity(id.routing_id().to_vec())
            .with_limits(limits.stranger());
        let driver = Driver::new(engine, events.clone(), announcer, runtime, dealer, limits);
        driver.log.set_messages(self.log_messages);
        if self.logging.is_some() {
            driver.set_logging(self.logging);
        }
        driver.spawn(driver.clone().keep_time());
        driver.spawn(network.run(driver.clone()));
        #[cfg(feature = "files")]
        if let Some(sharing) = sharing {
            driver.spawn(sharing.run(driver.clone()));
        }
        let node = Node::new(
            id,
            name,
            driver,
            #[cfg(feature = "files")]
            files,
        );
        Ok((node, Events::new(events)))
    }
}
