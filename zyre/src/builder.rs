//! Setting up a node.

use std::time::Duration;

use tokio::runtime::Handle;
use uuid::Uuid;
use zre_proto::{Action, Config, Endpoint, Engine, Input, MessageLimits, PeerId, Times};

use crate::driver::Driver;
use crate::events::EventQueue;
use crate::network::{Network, Settings};
use crate::{Events, InterfaceChoice, Limits, Node, StartError};

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
    name: Option<String>,
    headers: Vec<(String, String)>,
    groups: Vec<String>,
    settings: Settings,
    times: Times,
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
        let (headers, groups) = Default::default();
        Self { name: None, headers, groups, settings, times: Times::default() }
    }
}

impl Builder {
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
        let id = PeerId::from(Uuid::new_v4());
        let limits = self.settings.limits.clone();
        let interval = self.settings.interval;
        let (network, announcer) = Network::open(id, self.settings)?;

        let name = self.name.unwrap_or_else(|| id.default_name());
        let mut engine = Engine::new(Config {
            name: name.clone(),
            headers: self.headers.into_iter().collect(),
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
        driver.spawn(driver.clone().keep_time());
        driver.spawn(network.run(driver.clone()));
        Ok((Node::new(id, name, driver), Events::new(events)))
    }
}
