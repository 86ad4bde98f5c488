//! Where a node is, as its handles and its connections have to know it.

use std::collections::VecDeque;
use std::io;
use std::net::{IpAddr, SocketAddr, SocketAddrV6};
use std::time::Duration;

use zmtp::net::Start;
use zre_proto::{Endpoint, InterfaceId};

use crate::beacon::Announcer;
use crate::interface::{Audience, Interface, OwnAddress, Place, Selection, bare};

/// Of this many places at which the node was announced it is remembered that they were its own.
const MAX_ANNOUNCED: usize = 64;

/// By IPv4 the routes to a neighbour are tried for this long before the interface is on which it was
/// heard: longer than until the first segment, if it is lost, is sent again. If two interfaces lead
/// to one network, the host may get by the one what is meant for the other, even if that has no
/// address; and what begins at an interface is not heard by another.
const DEVICE_AFTER: Duration = Duration::from_millis(1250);

/// A place at which the mailbox is open.
#[derive(Clone, Debug)]
pub(crate) struct Mailbox {
    pub(crate) place: Place,
    pub(crate) port: u16,
}

/// What the application has others told instead of where the mailbox is.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Advertised {
    pub(crate) endpoint: Endpoint,
    /// Also to nodes on a subnet of this host, and in beacons.
    pub(crate) everywhere: bool,
}

/// Where a node is now. Its network changes it, everybody else reads it.
pub(crate) struct Location {
    /// All interfaces of the host.
    pub(crate) interfaces: Vec<Interface>,
    /// All addresses of the host.
    pub(crate) host: Vec<OwnAddress>,
    /// The first one is the node's endpoint.
    pub(crate) mailboxes: Vec<Mailbox>,
    pub(crate) announcers: Vec<Announcer>,
    /// What the node's beacons have told so far, since one may be heard after a move.
    announced: VecDeque<(IpAddr, u16)>,
    pub(crate) advertised: Option<Advertised>,
    /// The goodbye was said: nothing may be announced after it.
    pub(crate) ended: bool,
}

impl Mailbox {
    fn endpoint(&self) -> Endpoint {
        Endpoint::new(self.place.socket_address(self.port))
    }
}

impl Location {
    /// Nowhere yet, on a host that looks like this.
    pub(crate) fn new(host: &Selection, advertised: Option<Advertised>) -> Self {
        Self {
            interfaces: host.interfaces.clone(),
            host: host.host.clone(),
            mailboxes: Vec::new(),
            announcers: Vec::new(),
            announced: VecDeque::new(),
            advertised,
            ended: false,
        }
    }

    /// Announces a mailbox from now on, at this port.
    pub(crate) fn add_announcer(&mut self, announcer: Announcer, port: u16) {
        if self.announced.len() == MAX_ANNOUNCED {
            self.announced.pop_front();
        }
        self.announced.push_back((announcer.place().address, port));
        self.announcers.push(announcer);
    }

    /// Whether a beacon with the node's id, this port, and this source is its own. The host may have
    /// sent it from another of its addresses.
    pub(crate) fn has_announced(&self, source: IpAddr, port: u16) -> bool {
        let on_this_host = self.host.iter().any(|own| own.address.ip() == source);
        let mut announced = self.announced.iter();
        announced.any(|(address, own)| *own == port && (on_this_host || *address == source))
    }

    /// One endpoint of the node; `None` while it has no address.
    pub(crate) fn endpoint(&self) -> Option<Endpoint> {
        let everywhere = self.advertised.filter(|it| it.everywhere).map(|it| it.endpoint);
        everywhere.or_else(|| Some(self.mailboxes.first()?.endpoint()))
    }

    /// Where the mailbox can be reached by who is at the other end, `remote`, of a connection that
    /// has the address `local` of ours.
    pub(crate) fn endpoint_for(&self, local: SocketAddr, remote: SocketAddr) -> Option<Endpoint> {
        let remote = remote.ip().to_canonical();
        let far = || self.host.iter().all(|own| !own.is_near(remote));
        if let Some(advertised) = self.advertised.filter(|it| it.everywhere || far()) {
            return Some(advertised.endpoint);
        }
        // Where nothing is near, mostly another one of the family can be reached as well.
        let family =
            || self.mailboxes.iter().find(|it| it.place.address.is_ipv4() == remote.is_ipv4());
        let there = self.mailbox_to(bare(local), remote).or_else(family);
        there.map(Mailbox::endpoint).or_else(|| self.endpoint())
    }

    fn mailbox_at(&self, address: SocketAddr) -> Option<&Mailbox> {
        self.mailboxes.iter().find(|it| it.place.socket_address(0) == address)
    }

    /// Where the node is, for who is at the other end of a connection and tells others.
    pub(crate) fn told_to_all(&self, local: SocketAddr, remote: SocketAddr) -> Option<Endpoint> {
        let advertised = self.advertised.map(|it| it.endpoint);
        advertised.or_else(|| self.endpoint_for(local, remote))
    }

    /// Whether an address is one of this host's.
    pub(crate) fn is_here(&self, address: SocketAddr) -> bool {
        let ip = address.ip().to_canonical();
        self.host.iter().any(|own| own.address.ip() == ip)
    }

    /// The mailbox at the end of a connection; if nothing listens there, one on the same subnet.
    fn mailbox_to(&self, local: SocketAddr, remote: IpAddr) -> Option<&Mailbox> {
        let near = || {
            self.mailboxes.iter().find(|it| !it.place.is_link_local() && it.place.is_near(remote))
        };
        self.mailbox_at(local).or_else(near)
    }

    /// Who is at the other end of a connection that has the address `local` of ours, with the link
    /// on which that is as the scope: a link-local address that it tells is one of that link, also
    /// if the connection has others.
    pub(crate) fn on_link(&self, local: SocketAddr, remote: SocketAddr) -> SocketAddr {
        let ip = match remote {
            SocketAddr::V6(remote) if remote.scope_id() != 0 => return remote.into(),
            SocketAddr::V6(remote) => *remote.ip(),
            SocketAddr::V4(remote) => remote.ip().to_ipv6_mapped(),
        };
        match self.mailbox_to(bare(local), remote.ip().to_canonical()) {
            Some(Mailbox { place, .. }) => {
                SocketAddrV6::new(ip, remote.port(), 0, place.index).into()
            }
            None => remote,
        }
    }

    /// Where a connection begins to the host at the other end of a connection that has the address
    /// `local` of ours: there as well, so that both are seen to come from one node.
    #[cfg(feature = "files")]
    pub(crate) fn start_like(&self, local: SocketAddr, mut address: SocketAddr) -> Start {
        let Some(Mailbox { place, .. }) = self.mailbox_at(bare(local)) else {
            return Start::default();
        };
        let start = self.start(&mut address, Some(InterfaceId(place.index)));
        Start { address: Some(place.address), ..start }
    }

    /// What the application is told of the interfaces.
    pub(crate) fn report(&self) -> Vec<Interface> {
        let mut interfaces = self.interfaces.clone();
        for announcer in &self.announcers {
            let place = announcer.place();
            if let Some(its) = interfaces.iter_mut().find(|it| it.name == place.interface) {
                its.unsent = its.unsent.take().or_else(|| announcer.unsent.clone());
            }
        }
        interfaces
    }

    pub(crate) fn endpoints(&self) -> Vec<Endpoint> {
        self.mailboxes.iter().map(Mailbox::endpoint).collect()
    }

    /// The addresses at which the mailbox is open, with another port.
    #[cfg(feature = "files")]
    pub(crate) fn addresses(&self, port: u16) -> Vec<SocketAddr> {
        self.mailboxes.iter().map(|it| it.place.socket_address(port)).collect()
    }

    /// Where a connection to `address` begins that leaves by this interface; `address` gets the
    /// scope that is missing.
    pub(crate) fn start(&self, address: &mut SocketAddr, interface: Option<InterfaceId>) -> Start {
        let places = || self.mailboxes.iter().map(|it| &it.place);
        if let SocketAddr::V6(v6) = address
            && v6.ip().is_unicast_link_local()
            && v6.scope_id() == 0
        {
            let on_link = |place: &&Place| interface.is_none_or(|it| it.0 == place.index);
            let scope = places().filter(on_link).find(|it| it.is_link_local());
            v6.set_scope_id(scope.map_or(0, |place| place.index));
        }
        let (ip, there) = (address.ip(), bare(*address));
        // What is on this host is reached inside of it.
        let is_here = self.host.iter().any(|own| own.address == there);
        let Some(interface) = interface.filter(|_| !is_here) else {
            return Start::default();
        };
        let there = || places().filter(|place| place.index == interface.0);
        let family = |place: &&Place| place.address.is_ipv4() == ip.is_ipv4();
        let near = there().find(|place| place.is_near(ip));
        let device = there().next().map(|place| place.interface.clone());
        let address = near.or_else(|| there().find(family)).map(|place| place.address);
        if near.is_some() && ip.is_ipv4() {
            let ambiguous = |place: &Place| place.index != interface.0 && place.is_near(ip);
            let address = address.filter(|_| !places().any(ambiguous));
            let device = device.filter(|device| self.has_other_interface_than(device));
            return Start { address, device, device_after: DEVICE_AFTER };
        }
        Start { address, device, ..Start::default() }
    }

    /// Whether a route may lead through another interface of the host, lived on or not.
    fn has_other_interface_than(&self, name: &str) -> bool {
        self.interfaces.iter().any(|it| it.name != name && !it.is_loopback())
    }

    /// Whether anything that comes in by an interface is heard; `None` if that is not known. Where
    /// the node has no address of the family it cannot answer: a dial would wait in vain, and
    /// others for it.
    pub(crate) fn hears(&self, interface: Option<u32>, source: IpAddr) -> bool {
        let family = |place: &&Place| place.address.is_ipv4() == source.is_ipv4();
        let mut places = self.mailboxes.iter().map(|it| &it.place).filter(family);
        match interface {
            Some(index) => places.any(|place| place.index == index),
            None => places.any(|place| place.is_near(source)),
        }
    }

    /// Announces the node to a newcomer on one link, beside the rounds.
    pub(crate) fn answer(&mut self, newcomer: SocketAddrV6) {
        let there = |it: &&mut Announcer| {
            let Place { index, announced, .. } = *it.place();
            index == newcomer.scope_id() && announced == Some(Audience::Link)
        };
        if !self.ended {
            self.announcers.iter_mut().filter(there).for_each(|it| it.answer(*newcomer.ip()));
        }
    }

    /// Sends the beacons of a round. Returns the errors that are new, and the number of all.
    pub(crate) fn announce(&mut self) -> (Vec<(String, io::Error)>, u64) {
        let (mut news, mut errors) = (Vec::new(), 0);
        if self.ended {
            return (news, errors);
        }
        for announcer in &mut self.announcers {
            let sent = announcer.announce();
            let why = sent.as_ref().err().map(ToString::to_string);
            let was_mute = std::mem::replace(&mut announcer.unsent, why).is_some();
            if let Err(error) = sent {
                errors += 1;
                if !was_mute {
                    news.push((announcer.place().interface.clone(), error));
                }
            }
        }
        (news, errors)
    }

    /// Sends the goodbye beacons. From now on the node is silent.
    pub(crate) fn goodbye(&mut self) {
        if std::mem::replace(&mut self.ended, true) {
            return;
        }
        for announcer in &mut self.announcers {
            if let Err(error) = announcer.goodbye() {
                tracing::debug!(%error, "goodbye beacon not sent");
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::interface::Choices;

    /// A node that lives on two networks, by both families, with another port on the second.
    fn between(advertised: Option<Advertised>) -> Location {
        let port = |place: &Place| 49_150 + u16::try_from(place.index).unwrap();
        let host = Choices::example(&[
            ("eth0", 2, &["10.0.0.1/24", "fd00::1/64", "fe80::1/64"]),
            ("eth1", 3, &["10.1.0.1/24", "10.1.0.2/24", "fe80::1/64"]),
        ]);
        on(&host, port, advertised)
    }

    /// A node on all of a host.
    fn on(
        host: &Selection,
        port: impl Fn(&Place) -> u16,
        advertised: Option<Advertised>,
    ) -> Location {
        let mailbox = |place: &Place| Mailbox { port: port(place), place: place.clone() };
        let mailboxes = host.places.iter().map(mailbox).collect();
        Location { mailboxes, ..Location::new(host, advertised) }
    }

    fn at(text: &str) -> SocketAddr {
        text.parse().unwrap()
    }

    #[test]
    fn who_is_connected_is_told_the_address_that_it_has_reached() {
        let location = between(None);
        let told = |local: &str, remote: &str| {
            location.endpoint_for(at(local), at(remote)).unwrap().to_string()
        };
        assert_eq!(told("10.0.0.1:50000", "10.0.0.9:1"), "tcp://10.0.0.1:49152");
        assert_eq!(told("10.1.0.1:50000", "10.1.0.9:1"), "tcp://10.1.0.1:49153");
        assert_eq!(told("[fd00::1]:50000", "[fd00::9]:1"), "tcp://[fd00::1]:49152");
        assert_eq!(told("[::ffff:10.1.0.1]:5", "[::ffff:10.1.0.9]:1"), "tcp://10.1.0.1:49153");
        // Both interfaces have the same link-local address.
        assert_eq!(told("[fe80::1%2]:50000", "[fe80::9%2]:1"), "tcp://[fe80::1%2]:49152");
        assert_eq!(told("[fe80::1%3]:50000", "[fe80::9%3]:1"), "tcp://[fe80::1%3]:49153");
        // Nothing listens where it begins.
        assert_eq!(told("10.1.0.2:50000", "10.1.0.9:1"), "tcp://10.1.0.1:49153");
        assert_eq!(told("10.9.0.2:50000", "10.9.0.9:1"), "tcp://10.0.0.1:49152");
    }

    #[test]
    fn what_is_advertised_is_told_to_those_on_no_subnet_of_ours() {
        let endpoint: Endpoint = "tcp://203.0.113.5:6000".parse().unwrap();
        let told = |everywhere, remote: &str| {
            let location = between(Some(Advertised { endpoint, everywhere }));
            location.endpoint_for(at("10.1.0.1:50000"), at(remote)).unwrap().to_string()
        };
        let (own, advertised) = ("tcp://10.1.0.1:49153", "tcp://203.0.113.5:6000");
        let near = ["10.1.0.9:1", "10.0.0.9:1", "10.1.0.1:1", "[fe80::9%3]:1", "[fd00::9]:1"];
        for remote in near {
            assert_eq!(told(false, remote), own, "{remote}");
            assert_eq!(told(true, remote), advertised, "{remote}");
        }
        for remote in ["10.2.0.9:1", "198.51.100.7:1", "[2001:db8::9]:1"] {
            assert_eq!(told(false, remote), advertised, "{remote}");
        }
        let endpoint = |everywhere| {
            between(Some(Advertised { endpoint, everywhere })).endpoint().unwrap().to_string()
        };
        assert_eq!([endpoint(false), endpoint(true)], ["tcp://10.0.0.1:49152", advertised]);
    }

    #[test]
    fn what_is_heard_by_a_global_address_is_on_the_link_of_ours() {
        let location = between(None);
        let link = |local: &str, remote: &str| match location.on_link(at(local), at(remote)) {
            SocketAddr::V6(there) => there.scope_id(),
            SocketAddr::V4(_) => 0,
        };
        assert_eq!(link("[fd00::1]:1", "[fd00::9]:1"), 2);
        assert_eq!(link("10.1.0.1:1", "10.1.0.9:1"), 3);
        assert_eq!(link("[fe80::1%3]:1", "[fe80::9%3]:1"), 3);
        assert_eq!(link("10.1.0.2:1", "10.1.0.9:1"), 3);
        assert_eq!(link("10.9.0.2:1", "10.9.0.9:1"), 0);
        // So is a link-local endpoint that C Zyre tells there.
        let source = location.on_link(at("10.1.0.1:1"), at("10.1.0.9:1"));
        let endpoint = Endpoint::announced(b"tcp://fe80::9:7", source).unwrap();
        assert_eq!(endpoint.to_string(), "tcp://[fe80::9%3]:7");
        let endpoint = Endpoint::announced(b"tcp://*:7", source).unwrap();
        assert_eq!(endpoint.to_string(), "tcp://10.1.0.9:7");
    }

    #[test]
    fn a_connection_begins_on_the_network_where_the_peer_was_heard() {
        let location = between(None);
        let start = |to: &str, interface| {
            let mut address = at(to);
            let start = location.start(&mut address, interface);
            let from = start.address.map_or_else(String::new, |it| it.to_string());
            (from, start.device.unwrap_or_default(), address.to_string())
        };
        let said = |from: &str, device: &str, to: &str| (from.into(), device.into(), to.into());
        let eth1 = Some(InterfaceId(3));
        assert_eq!(start("10.1.0.9:7", eth1), said("10.1.0.1", "eth1", "10.1.0.9:7"));
        // Two networks may have one subnet, and a neighbour one of another.
        assert_eq!(start("10.0.0.9:7", eth1), said("10.1.0.1", "eth1", "10.0.0.9:7"));
        assert_eq!(start("[fe80::9]:7", eth1), said("fe80::1", "eth1", "[fe80::9%3]:7"));
        assert_eq!(start("[fe80::9]:7", None), said("", "", "[fe80::9%2]:7"));
        // What is on this host is reached inside of it, on any of its interfaces.
        assert_eq!(start("10.0.0.1:7", eth1), said("", "", "10.0.0.1:7"));
        assert_eq!(start("[fe80::1%3]:7", eth1), said("", "", "[fe80::1%3]:7"));
    }

    #[test]
    fn where_two_interfaces_lead_the_routes_come_first() {
        let host = Choices::example(&[
            ("eth0", 2, &["10.0.0.1/24", "fd00::1/64"]),
            ("eth1", 3, &["10.0.0.2/24", "10.1.0.2/24", "fd00::2/64"]),
        ]);
        let location = on(&host, |_| 49152, None);
        let start = |to: &str, interface| location.start(&mut at(to), Some(InterfaceId(interface)));
        for (interface, name) in [(2, "eth0"), (3, "eth1")] {
            let started = start("10.0.0.9:7", interface);
            assert_eq!((started.address, started.device.as_deref()), (None, Some(name)));
            assert_eq!(started.device_after, DEVICE_AFTER);
        }
        // The other interface has no address of this subnet, and may be on the network all the same.
        let started = start("10.1.0.9:7", 3);
        assert_eq!(started.address, Some(IpAddr::from([10, 1, 0, 2])));
        assert_eq!((started.device.as_deref(), started.device_after), (Some("eth1"), DEVICE_AFTER));
        // By IPv6 each answers for itself alone.
        for (to, interface) in [("[fd00::9]:7", 2), ("[fd00::9]:7", 3)] {
            let started = start(to, interface);
            assert!(started.address.is_some() && started.device_after.is_zero(), "{to}");
        }
    }

    #[test]
    fn a_neighbour_is_looked_for_by_the_routes_and_alone_by_an_interface_if_there_is_another() {
        let lo: (_, _, &[&str]) = ("lo", 1, &["127.0.0.1/8"]);
        let eth0: (_, _, &[&str]) = ("eth0", 2, &["10.0.0.1/24"]);
        let start = |host: &[(&str, u32, &[&str])]| {
            let location = on(&Choices::example(host), |_| 49152, None);
            location.start(&mut at("10.0.0.9:7"), Some(InterfaceId(2)))
        };
        let address = Some(IpAddr::from([10, 0, 0, 1]));
        // What other interfaces there are without an address nobody knows.
        let alone = Start { address, device: None, device_after: DEVICE_AFTER };
        assert_eq!(start(&[lo, eth0]), alone);
        let by_eth0 = Start { device: Some("eth0".to_owned()), ..alone };
        assert_eq!(start(&[lo, eth0, ("eth1", 3, &["fe80::2/64"])]), by_eth0);
    }

    #[test]
    fn own_beacons_are_known_by_port_and_address_also_after_a_move() {
        let [before, now, second, other] = [1, 2, 3, 9].map(|n| IpAddr::from([10, 0, 0, n]));
        let mut location = Location::new(&Selection::default(), None);
        location.announced.extend([(before, 50_000), (now, 50_001)]);
        location.host = Choices::example(&[("eth0", 2, &["10.0.0.2/24", "10.0.0.3/24"])]).host;
        for (source, port) in [(before, 50_000), (now, 50_000), (now, 50_001), (second, 50_001)] {
            assert!(location.has_announced(source, port), "{source}:{port}");
        }
        for (source, port) in [(before, 50_001), (now, 50_002), (other, 50_000), (other, 50_001)] {
            assert!(!location.has_announced(source, port), "{source}:{port}");
        }
    }
}
