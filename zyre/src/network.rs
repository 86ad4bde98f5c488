//! The node's place on the network: its interface, its mailbox and its beacon, which move
//! together when the interface changes.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use tokio::time::{Interval, MissedTickBehavior};
use zmtp::net::Listener;
use zre_proto::{Endpoint, Input, PeerId};

use crate::beacon::{Announcer, Hearer};
use crate::driver::Driver;
use crate::interface::{Interface, InterfaceChoice};
use crate::{Limits, StartError, mailbox};

/// What was counted on the sockets of a node.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct NetworkStats {
    /// Beacons heard, own ones included.
    pub beacons: u64,
    /// Beacons that could not be sent.
    pub beacons_unsent: u64,
    /// Connections to the mailbox whose handshake was good.
    pub connections: u64,
    /// Of these, closed at once because their routing id is not that of a ZRE node.
    pub connections_foreign: u64,
    /// Of these, closed because they broke the transport protocol or a limit.
    pub connections_broken: u64,
    /// Of these, closed because they brought no HELLO in the time of a handshake, or were the oldest
    /// of too many that had brought none.
    pub connections_idle: u64,
    /// Connections whose handshake failed, took too long, or had to make room for another.
    pub handshakes_failed: u64,
}

/// What is asked for.
#[derive(Clone, Debug)]
pub(crate) struct Settings {
    pub(crate) choice: InterfaceChoice,
    pub(crate) beacon_port: u16,
    pub(crate) mailbox_port: Option<u16>,
    pub(crate) advertised: Option<Endpoint>,
    pub(crate) interval: Duration,
    pub(crate) limits: Limits,
}

/// What there is.
pub(crate) struct Network {
    id: PeerId,
    settings: Settings,
    interface: Interface,
    endpoint: Endpoint,
    listener: Listener,
    /// What listeners before this one have counted: connections, and failed handshakes.
    counted: (u64, u64),
    hearer: Hearer,
    /// When to announce.
    tick: Interval,
    /// The last beacon could not be sent; said once.
    mute: bool,
}

impl Network {
    /// Opens the mailbox and the beacon. The announcer is handed out: the driver says goodbye
    /// with it.
    pub(crate) fn open(id: PeerId, settings: Settings) -> Result<(Self, Announcer), StartError> {
        let found = Interface::find(&settings.choice).map_err(StartError::Interfaces)?;
        let interface = match found {
            Some(interface) => interface,
            None if settings.choice == InterfaceChoice::Auto => {
                tracing::warn!(node = %id, "no network interface that can broadcast: on loopback \
                    until one appears");
                Interface::loopback()
            }
            None => {
                let choice = settings.choice.clone();
                return Err(StartError::NoInterface { choice, found: Interface::list() });
            }
        };
        let hearer = Hearer::bind(settings.beacon_port)
            .map_err(|error| StartError::Beacon { port: settings.beacon_port, error })?;
        let place = Place::open(id, &settings, &interface, settings.mailbox_port)?;
        let Place { endpoint, listener, announcer } = place;
        let counted = (0, 0);
        let mute = false;
        let mut tick = tokio::time::interval(settings.interval);
        tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let network =
            Self { id, settings, interface, endpoint, listener, counted, hearer, tick, mute };
        Ok((network, announcer))
    }

    pub(crate) const fn endpoint(&self) -> Endpoint {
        self.endpoint
    }

    /// The address of the node's interface.
    #[cfg(feature = "files")]
    pub(crate) const fn address(&self) -> std::net::IpAddr {
        std::net::IpAddr::V4(self.interface.address)
    }

    /// Announces the node once in an interval, hears others, takes in connections.
    pub(crate) async fn run(mut self, driver: Arc<Driver>) {
        let mut first = true;
        loop {
            tokio::select! {
                _ = self.tick.tick() => {
                    if !std::mem::take(&mut first) {
                        self.follow_interface(&driver);
                    }
                    self.announce(&driver);
                    self.count_connections(&driver);
                }
                (beacon, source) = self.hearer.next() => {
                    driver.count(|stats| stats.beacons += 1);
                    if self.interface.hears(source) {
                        driver.beacon(&beacon, source);
                    }
                }
                accepted = self.listener.accept() => {
                    self.count_connections(&driver);
                    match mailbox::sender(&accepted.peer.identity) {
                        Some(peer) => driver.connected(peer, accepted),
                        None => driver.count(|stats| stats.connections_foreign += 1),
                    }
                }
            }
        }
    }

    fn count_connections(&self, driver: &Driver) {
        let (connections, failed) = self.counts();
        driver.count(|stats| {
            stats.connections = connections;
            stats.handshakes_failed = failed;
        });
    }

    /// Connections and failed handshakes since the node has started.
    fn counts(&self) -> (u64, u64) {
        let seen = self.listener.stats();
        let failed = seen.failed + seen.timed_out + seen.dropped;
        (self.counted.0 + seen.established, self.counted.1 + failed)
    }

    fn announce(&mut self, driver: &Driver) {
        let sent = driver.announce();
        let mute = sent.is_err();
        if let Err(error) = sent {
            driver.count(|stats| stats.beacons_unsent += 1);
            if !self.mute {
                let interface = &*self.interface.name;
                tracing::warn!(node = %self.id, interface, %error, "beacons cannot be sent");
                let say = || format!("beacons cannot be sent on {interface}: {error}");
                driver.log.say(crate::Level::Error, say);
            }
        }
        self.mute = mute;
    }

    /// Moves when the interface has another address now, or a better one has appeared. One that
    /// is gone for a while is waited for: its address mostly comes back.
    fn follow_interface(&mut self, driver: &Arc<Driver>) {
        let Ok(Some(interface)) = Interface::find(&self.settings.choice) else { return };
        if interface == self.interface {
            return;
        }
        // Rather another port on the new interface than none.
        let port = self.listener.local_addr().map(|address| address.port()).ok();
        let open = |port| Place::open(self.id, &self.settings, &interface, port);
        match open(port).or_else(|_| open(None)) {
            Ok(Place { endpoint, listener, announcer }) => {
                let (from, to) = (self.endpoint, endpoint);
                tracing::info!(node = %self.id, %from, %to, interface = %interface.name, "moved");
                self.interface = interface;
                self.endpoint = endpoint;
                self.counted = self.counts();
                self.listener = listener;
                driver.announce_with(announcer);
                driver.tell(Input::Moved(endpoint));
            }
            Err(error) => {
                tracing::warn!(node = %self.id, interface = %interface.name, %error, "cannot move");
                let say = || format!("cannot move to {}: {error}", interface.name);
                driver.log.say(crate::Level::Warning, say);
            }
        }
    }
}

/// A mailbox and what announces it.
struct Place {
    endpoint: Endpoint,
    listener: Listener,
    announcer: Announcer,
}

impl Place {
    fn open(
        id: PeerId,
        settings: &Settings,
        interface: &Interface,
        port: Option<u16>,
    ) -> Result<Self, StartError> {
        let listener = mailbox::open(id, interface, port, &settings.limits)?;
        let bound = listener.local_addr().map_err(StartError::Mailbox)?.port();
        let here = Endpoint::new(SocketAddr::from((interface.address, bound)));
        let endpoint = settings.advertised.unwrap_or(here);
        let port = endpoint.address().port();
        let announcer = Announcer::new(id, interface, settings.beacon_port, port)
            .map_err(|error| StartError::Beacon { port: settings.beacon_port, error })?;
        Ok(Self { endpoint, listener, announcer })
    }
}
