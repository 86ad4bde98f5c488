//! The node's places on the network: its mailbox and its beacons, which follow the interfaces of
//! the host.

use std::collections::HashSet;
use std::mem::{self, Discriminant};
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use tokio::time::{Instant, Interval, MissedTickBehavior};
use zmtp::SocketType;
use zmtp::net::Listener;
use zre_proto::{Beacon, Endpoint, Input, InterfaceId, PeerId};

use crate::beacon::{Announcer, BeaconListener, Heard};
use crate::driver::Driver;
use crate::ignored_nodes::IgnoredNodes;
use crate::interface::{HostWatch, InterfaceChoice, Place, Selection, links};
use crate::location::{Location, Mailbox};
use crate::mailbox::{self, Door};
use crate::mechanism;
use crate::network_settings::NetworkSettings;
use crate::secure::Gate;
use crate::{Event, StartError};

/// The shortest time between two announcements beside the rounds.
const MIN_ANSWER_INTERVAL: Duration = Duration::from_millis(250);

/// The longest time between two looks at the host, also if it tells of changes.
const MAX_LOOK_INTERVAL: Duration = Duration::from_secs(10);

/// Mailbox and beacons, as they are now.
pub(crate) struct Network {
    id: PeerId,
    settings: NetworkSettings,
    /// What was chosen, whether or not a mailbox could be opened there.
    chosen: Vec<Place>,
    /// Of the mailbox, wherever it can be had.
    port: u16,
    listener: Listener,
    /// `None` if the node does without beacons.
    beacons: Option<BeaconListener>,
    watch: HostWatch,
    /// When the host was last looked at.
    looked_at: Instant,
    /// All that was chosen is open, and beacons are heard there.
    lives_everywhere: bool,
    /// Places that the node has left, with addresses that the host still has.
    left: Vec<Place>,
    /// The families of which the host has lost an address, to which the node has to say goodbye where
    /// it lives next.
    lost: HashSet<Discriminant<IpAddr>>,
    /// When to announce.
    tick: Interval,
    /// When it was last announced beside the rounds.
    answered_at: Option<Instant>,
    /// If the node is a secure one.
    gate: Option<Arc<Gate>>,
    /// The application was told that another node has this one's id.
    id_is_in_use: bool,
    /// Nodes that are secure, and this one is not, or the other way round.
    ignored: IgnoredNodes,
}

impl Network {
    /// Opens the mailbox and the beacons. Where the node is now is handed out, for its driver.
    pub(crate) fn open(
        id: PeerId,
        settings: NetworkSettings,
        gate: Option<Arc<Gate>>,
    ) -> Result<(Self, Location), StartError> {
        // Before the first look, so that nothing is missed.
        let watch = HostWatch::new();
        let selection = settings.choices.look(&[]).map_err(StartError::Interfaces)?;
        if let Some(choice) = settings.choices.missing(&selection) {
            return Err(no_interface(choice.clone(), &selection));
        }
        let doors = mailbox::open(&selection.places, settings.mailbox_port)?;
        if selection.is_alone() && settings.choices.is_free() {
            tracing::warn!(node = %id, "no network interface that can be used: on loopback until \
                one appears");
        }
        let mut beacons = settings
            .beacon
            .then(|| BeaconListener::bind(settings.beacon_port))
            .transpose()
            .map_err(|source| StartError::Beacon { port: settings.beacon_port, source })?;
        let hears_all = listen_on(&mut beacons, &selection.places);
        let Some(port) = doors.first().map(|door| door.port) else {
            let nowhere = SocketAddr::from(([0, 0, 0, 0], 0));
            let address = selection.places.first().map_or(nowhere, |it| it.socket_address(0));
            let source = std::io::ErrorKind::AddrNotAvailable.into();
            return Err(StartError::Mailbox { address, source });
        };
        let mut config =
            mailbox::config(SocketType::Router, id, &settings.limits, settings.two_way);
        config = config.with_mechanism(mechanism::of_server(gate.as_ref()));
        let listener = Listener::new(config, settings.limits.listener());
        let lives_everywhere = hears_all && doors.len() == selection.places.len();
        let mut location = Location::new(&selection, settings.advertised);
        let mut network = Self {
            id,
            port,
            listener,
            beacons,
            watch,
            looked_at: Instant::now(),
            lives_everywhere,
            chosen: selection.places,
            left: Vec::new(),
            lost: HashSet::new(),
            tick: ticking(settings.interval),
            settings,
            answered_at: None,
            gate,
            id_is_in_use: false,
            ignored: IgnoredNodes::default(),
        };
        for door in doors {
            network.open_door(&mut location, door)?;
        }
        Ok((network, location))
    }

    /// Where the node is when it starts.
    pub(crate) fn endpoint(&self) -> Endpoint {
        let address = self.listener.local_addr().ok().map(Endpoint::new);
        let nowhere = || Endpoint::new(([0, 0, 0, 0], self.port).into());
        self.advertised_everywhere().or(address).unwrap_or_else(nowhere)
    }

    /// The key that the node announces, if it is a secure one.
    fn key(&self) -> Option<zre_proto::PublicKey> {
        self.gate.as_ref().map(|gate| gate.key())
    }

    /// Takes in connections at a place, and announces it.
    fn open_door(&mut self, location: &mut Location, door: Door) -> Result<(), StartError> {
        let Door { place, socket, port } = door;
        let address = place.socket_address(port);
        let failed = |source| StartError::Mailbox { address, source };
        let (beacon_port, announced) = (self.settings.beacon_port, self.announced_port(port));
        // Before the mailbox: what fails is tried again, and must leave nothing open.
        let key = self.key();
        let announcer = place
            .announced
            .filter(|_| self.settings.beacon)
            .map(|audience| Announcer::new(self.id, &place, audience, beacon_port, announced, key))
            .transpose()
            .map_err(|source| StartError::Beacon { port: beacon_port, source })?;
        self.listener.add(socket).map_err(failed)?;
        if let Some(announcer) = announcer {
            location.add_announcer(announcer, announced);
        }
        location.mailboxes.push(Mailbox { place, port });
        Ok(())
    }

    /// The port of the mailbox as others are to see it.
    fn announced_port(&self, port: u16) -> u16 {
        self.advertised_everywhere().map_or(port, |endpoint| endpoint.address().port())
    }

    /// What all are told. Beacons reach only the subnets of this host.
    fn advertised_everywhere(&self) -> Option<Endpoint> {
        self.settings.advertised.filter(|it| it.everywhere).map(|it| it.endpoint)
    }

    /// Announces the node once in an interval from now on, hears others, takes in connections.
    pub(crate) async fn run(mut self, driver: Arc<Driver>) {
        let mut intervals = driver.beacon_intervals();
        loop {
            tokio::select! {
                Ok(()) = intervals.changed() => {
                    let interval = *intervals.borrow_and_update();
                    if mem::replace(&mut self.settings.interval, interval) != interval {
                        self.announce(&driver);
                        self.tick = ticking(interval);
                    }
                }
                _ = self.tick.tick() => {
                    if self.is_look_due() {
                        let _ = self.follow_host(&driver);
                    }
                    self.announce(&driver);
                    self.count_connections(&driver);
                    self.tell_of_ignored(&driver);
                    #[cfg(feature = "curve")]
                    driver.follow_trust();
                }
                () = self.watch.changed() => {
                    if self.follow_host(&driver) {
                        self.announce(&driver);
                    }
                }
                heard = next_beacon(self.beacons.as_ref()) => self.hear(&driver, heard),
                accepted = self.listener.accept() => {
                    self.count_connections(&driver);
                    match mailbox::sender(&accepted.peer.identity) {
                        Some(peer) => driver.accepted(peer, accepted),
                        None => driver.turn().network_stats().connections_foreign += 1,
                    }
                }
            }
        }
    }

    /// Tells the application, once, that another node announces itself with this one's id. Each of
    /// the two ignores the other, and their peers know only one of them: nobody else would say so.
    fn look_for_own_id(&mut self, driver: &Arc<Driver>, beacon: &Beacon, mut source: SocketAddr) {
        if beacon.peer != self.id || beacon.is_goodbye() || self.id_is_in_use {
            return;
        }
        if beacon.public_key != self.key() {
            // An id shows its key: this one is forged.
            return;
        }
        if driver.location().has_announced(source.ip(), beacon.port) {
            return;
        }
        self.id_is_in_use = true;
        source.set_port(beacon.port);
        let endpoint = Endpoint::new(source);
        tracing::warn!(target: "zyre::told", node = %self.id, %endpoint, "another node uses the id of this one");
        driver.log.log(crate::Level::Error, || {
            format!("another node, at {endpoint}, uses the id of this one")
        });
        driver.tell_application(Event::IdInUse { endpoint });
    }

    fn hear(&mut self, driver: &Arc<Driver>, mut heard: Vec<Heard>) {
        let count = heard.len() as u64;
        let location = driver.location();
        heard.retain(|it| location.hears(it.interface, it.source.ip()));
        drop(location);
        #[cfg(feature = "curve")]
        heard.retain(|it| {
            let Beacon { peer, public_key, .. } = it.beacon;
            peer == self.id || driver.is_worth_it(peer, public_key, it.source)
        });
        let now = Instant::now();
        for Heard { beacon, source, .. } in &heard {
            if beacon.public_key.is_some() != driver.is_secure() {
                self.ignored.hear(now, beacon.peer);
                continue;
            }
            self.answer(driver, beacon, *source);
            self.look_for_own_id(driver, beacon, *source);
        }
        let mut turn = driver.turn();
        turn.network_stats().beacons += count;
        for Heard { beacon, source, interface, .. } in heard {
            let interface = InterfaceId(interface.unwrap_or_default());
            turn.handle(Input::Beacon { beacon, source, interface });
        }
    }

    /// Says once how many nodes are ignored because they are secure, and this one is not, or the other way
    /// round.
    fn tell_of_ignored(&mut self, driver: &Driver) {
        let Some(news) = self.ignored.news(Instant::now(), driver.is_secure()) else { return };
        tracing::warn!(node = %self.id, "{news}");
        driver.log.log(crate::Level::Warning, || news);
    }

    /// Announces the node to one that is new on a link, before it is dialled. C Zyre that was not
    /// told which interface is its own cannot connect to the link-local address in a HELLO, but to
    /// where a beacon has come from, if that is the first that it hears of a node.
    fn answer(&mut self, driver: &Arc<Driver>, beacon: &Beacon, source: SocketAddr) {
        let SocketAddr::V6(source) = source else { return };
        let lately = |at: Instant| at.elapsed() < MIN_ANSWER_INTERVAL;
        if !source.ip().is_unicast_link_local()
            || beacon.is_goodbye()
            || beacon.peer == self.id
            || self.answered_at.is_some_and(lately)
            || driver.ask(|engine| engine.has_heard_of(beacon.peer))
        {
            return;
        }
        self.answered_at = Some(Instant::now());
        driver.location().answer(source);
    }

    fn count_connections(&self, driver: &Arc<Driver>) {
        let seen = self.listener.stats();
        let mut turn = driver.turn();
        let stats = turn.network_stats();
        stats.connections = seen.established;
        stats.handshakes_failed = seen.failed + seen.timed_out + seen.dropped;
    }

    /// Announces the node, everywhere. Where many nodes start at one time each is to do so as soon as
    /// it hears others: those that are there hear it, it does not hear them, and of two only one
    /// knows the other and dials.
    pub(crate) fn announce(&self, driver: &Arc<Driver>) {
        let (news, errors) = driver.location().announce();
        if errors == 0 {
            return;
        }
        driver.turn().network_stats().beacons_unsent += errors;
        for (interface, error) in news {
            tracing::warn!(node = %self.id, interface, %error, "beacons cannot be sent");
            driver.log.log(crate::Level::Error, || {
                format!("beacons cannot be sent on {interface}: {error}")
            });
        }
    }

    /// Whether to look at the host now, though it tells of no change: it may not tell at all, what
    /// has failed may succeed, and what it tells may be lost.
    fn is_look_due(&self) -> bool {
        !self.watch.tells()
            || !self.lives_everywhere
            || !self.left.is_empty()
            || self.looked_at.elapsed() >= MAX_LOOK_INTERVAL
    }

    /// Looks at the host: leaves what is gone, and opens what is new. Returns whether anything is to
    /// be announced.
    fn follow_host(&mut self, driver: &Arc<Driver>) -> bool {
        // Until all has succeeded.
        self.lives_everywhere = false;
        let Ok(selection) = self.settings.choices.look(&self.chosen) else { return false };
        self.looked_at = Instant::now();
        let Selection { interfaces, host, places } = selection;
        if places.is_empty() {
            // What was asked for is gone, for a while. Its address mostly comes back.
            driver.location().interfaces = interfaces;
            return false;
        }
        let mut location = driver.location();
        let before = location.endpoint();
        let stays = |place: &Place| places.contains(place);
        let gone: Vec<Mailbox> =
            location.mailboxes.extract_if(.., |it| !stays(&it.place)).collect();
        location.announcers.retain(|it| stays(it.place()));
        let is_open = |it: &&Place| location.mailboxes.iter().all(|open| open.place != **it);
        let new: Vec<Place> = places.iter().filter(is_open).cloned().collect();
        let is_there = |address: &SocketAddr| host.iter().any(|own| own.address == *address);
        let lost: Vec<SocketAddr> =
            location.host.iter().map(|own| own.address).filter(|it| !is_there(it)).collect();
        let is_lived_at = |left: &Place| {
            places.iter().any(|it| (it.index, it.address) == (left.index, left.address))
        };
        self.left.retain(|place| is_there(&place.socket_address(0)) && !is_lived_at(place));
        location.interfaces = interfaces;
        location.host = host;
        self.chosen = places;
        for mailbox in &gone {
            self.listener.remove(mailbox.place.socket_address(mailbox.port));
        }
        let opened = self.open_places(&mut location, &new);
        let chosen = &self.chosen;
        let all_open = location.mailboxes.len() == self.chosen.len();
        location.mailboxes.sort_by_key(|it| chosen.iter().position(|place| *place == it.place));
        let after = location.endpoint();
        drop(location);
        // Also where that has failed before.
        self.lives_everywhere = listen_on(&mut self.beacons, &self.chosen) && all_open;
        self.leave_stranded(driver);
        if gone.is_empty() && !opened {
            return false;
        }
        let names = |places: &[Place]| {
            let names: Vec<String> = places.iter().map(Place::to_string).collect();
            names.join(", ")
        };
        let left: Vec<Place> = gone.into_iter().map(|it| it.place).collect();
        tracing::info!(node = %self.id, left = names(&left), new = names(&new), "moved");
        if let Some(endpoint) = after.filter(|_| before != after) {
            driver.handle(Input::Moved(endpoint));
        }
        driver.note_change();
        for address in &lost {
            driver.lose_address(*address);
        }
        let is_lost = |it: &Place| lost.contains(&it.socket_address(0));
        let just_lost: Vec<&Place> = left.iter().filter(|it| is_lost(it)).collect();
        let said_goodbye = self.say_goodbye_to(&just_lost, &new, &mut driver.location());
        // One whose subnet or name is another now is not left.
        let is_lived_at = |left: &Place| {
            self.chosen.iter().any(|it| (it.index, it.address) == (left.index, left.address))
        };
        // Connections within the host go on, whatever it does to its interfaces.
        let is_left = |it: &Place| !it.address.is_loopback() && !is_lost(it) && !is_lived_at(it);
        self.left.extend(left.into_iter().filter(is_left));
        self.leave_stranded(driver);
        opened || said_goodbye
    }

    /// Says goodbye to addresses that the host has lost: at what is left of their interfaces, and at
    /// the next place of the family, wherever that is. Peers that cannot be dialled would else hold
    /// to the connection that is no more: they ask, and get no answer. The announcement must follow.
    /// Returns whether anything was said.
    fn say_goodbye_to(
        &mut self,
        just_lost: &[&Place],
        new: &[Place],
        location: &mut Location,
    ) -> bool {
        self.lost.extend(just_lost.iter().map(|lost| mem::discriminant(&lost.address)));
        let mut said = false;
        for announcer in &mut location.announcers {
            let place = announcer.place();
            let is_beside = just_lost.iter().any(|lost| lost.index == place.index);
            let is_next =
                new.contains(place) && self.lost.contains(&mem::discriminant(&place.address));
            if (is_beside || is_next) && !place.address.is_loopback() {
                // The rounds tell of errors.
                said |= announcer.goodbye().is_ok();
            }
        }
        for place in new.iter().filter(|place| !place.address.is_loopback()) {
            self.lost.remove(&mem::discriminant(&place.address));
        }
        said
    }

    /// Tells of the connections that begin at places which the node has left, until there are none:
    /// their peers may be heard elsewhere only later.
    fn leave_stranded(&mut self, driver: &Arc<Driver>) {
        self.left.retain(|place| driver.leave_place(place.socket_address(0), place.index));
    }

    /// Opens the mailbox at new places: rather at another port than not at all. Returns whether any
    /// was opened.
    fn open_places(&mut self, location: &mut Location, new: &[Place]) -> bool {
        let mut opened = false;
        for place in new {
            let place = std::slice::from_ref(place);
            let doors =
                mailbox::open(place, Some(self.port)).or_else(|_| mailbox::open(place, None));
            let result = doors.and_then(|doors| {
                for door in doors {
                    self.open_door(location, door)?;
                    opened = true;
                }
                Ok(())
            });
            if let Err(error) = result {
                tracing::warn!(node = %self.id, place = %place[0], %error, "cannot live there");
            }
        }
        opened
    }
}

/// The next beacon that is heard; never, if none are listened to.
async fn next_beacon(beacons: Option<&BeaconListener>) -> Vec<Heard> {
    match beacons {
        Some(beacons) => beacons.next().await,
        None => std::future::pending().await,
    }
}

/// Ticks at once, and then once in an interval.
fn ticking(interval: Duration) -> Interval {
    let mut tick = tokio::time::interval_at(Instant::now() + interval, interval);
    tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
    tick
}

/// What was asked for is not there, or cannot be used: what is there, and why it is not used.
fn no_interface(choice: InterfaceChoice, selection: &Selection) -> StartError {
    let found: Vec<String> = selection.interfaces.iter().map(ToString::to_string).collect();
    let found = found.join(", ");
    if choice.is_mistyped_address() {
        StartError::InvalidAddress { text: choice.to_string(), found }
    } else {
        StartError::NoInterface { choice, found }
    }
}

/// Hears beacons at these places, if any are heard at all. Returns whether it is so at all of them.
fn listen_on(beacons: &mut Option<BeaconListener>, places: &[Place]) -> bool {
    beacons.as_mut().is_none_or(|beacons| beacons.listen_on(&links(places)))
}
