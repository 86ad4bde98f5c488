//! Hosts, and the networks that they are on: data, without any namespace.

use std::fmt;
use std::net::Ipv4Addr;

use rand::RngExt;
use rand::rngs::StdRng;
use rand::seq::IteratorRandom as _;

use super::kind::Kind;
use super::sources::Sources;

/// Most networks, and most interfaces of a host.
const MOST: usize = 3;

/// Most homes.
const HOMES: usize = 2;

/// What the addresses in all homes begin with.
const HOME: [u8; 3] = [10, 77, 0];

/// All networks and hosts, as they are now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Topology {
    /// The networks that are no homes; these come behind them.
    pub(super) networks: usize,
    pub(super) homes: Vec<Home>,
    pub(super) hosts: Vec<Host>,
    /// The last part of the last address that was given to anybody, for each network.
    last: Vec<u8>,
}

/// A network behind a router that hides its hosts and lets nobody in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Home {
    /// The network outside.
    pub(super) outer: usize,
    /// The address of the router there.
    pub(super) outside: Ipv4Addr,
}

/// A host.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Host {
    pub(super) name: String,
    pub(super) firewall: Firewall,
    /// What its nodes are.
    pub(super) kind: Kind,
    pub(super) ports: Vec<Port>,
    /// The network outside, if it is in a home.
    pub(super) outer: Option<usize>,
    /// Whether there is a node on it.
    pub(super) runs: bool,
    /// Whether the node has had more than one IPv4 address on an interface.
    pub(super) has_moved: bool,
    /// How its nodes find others.
    pub(super) sources: Sources,
}

/// What gets into a host.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Firewall {
    /// All.
    Open,
    /// Beacons, but no connections.
    NoConnections,
    /// Nothing but answers.
    Closed,
}

/// An interface of a host.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Port {
    pub(super) name: String,
    pub(super) network: usize,
    pub(super) v4: Vec<Ipv4Addr>,
    /// Whether it has the IPv6 address that it gives itself.
    pub(super) v6: bool,
    /// Whether it is switched on.
    pub(super) up: bool,
    /// Whether its cable is plugged in.
    pub(super) plugged: bool,
    /// Whether its network has fallen apart, and it is on the side that has no router.
    pub(super) apart: bool,
    /// Whether its network lets beacons through.
    pub(super) carries_beacons: bool,
    /// When its routes were made, among those of the host: of two that lead to one subnet the
    /// kernel takes the older.
    pub(super) routed: u32,
    /// Percent of what comes in.
    pub(super) loss: u8,
    /// What it sends at most.
    pub(super) kilobits: Option<u32>,
    pub(super) mtu: Option<u16>,
}

impl Topology {
    /// Makes hosts by chance, without nodes.
    pub(super) fn random(rng: &mut StdRng, hosts: u8, plain: u8) -> Self {
        let networks = rng.random_range(1..=MOST);
        let last = vec![0; networks + HOMES];
        let mut new = Self { networks, homes: Vec::new(), hosts: Vec::new(), last };
        for _ in 0..rng.random_range(0..=HOMES) {
            let outer = rng.random_range(0..networks);
            let outside = new.address(outer, false);
            new.homes.push(Home { outer, outside });
        }
        for number in 0..hosts {
            let host = new.host(rng, format!("h{number}"), plain);
            new.hosts.push(host);
        }
        new
    }

    /// Has nodes of this kind live on some of the hosts on which there are nodes of ours. They live
    /// at one IPv4 address of the first interface, and know beacons only.
    pub(super) fn settle(&mut self, rng: &mut StdRng, kind: Kind, count: usize) {
        let ours = (0..self.hosts.len()).filter(|place| self.hosts[*place].kind.is_ours());
        let mut places = ours.sample(rng, count);
        // Sampling leaves them in no order that is told.
        places.sort_unstable();
        for place in places {
            let network = self.hosts[place].ports[0].network;
            let address = self.address(network, false);
            let host = &mut self.hosts[place];
            host.kind = kind;
            host.sources = Sources::default();
            host.ports[0].v4 = vec![address];
            // Where it would be met by others, nobody says; and what it sends leaves by any that
            // leads to the network.
            let one = host.kind == Kind::Pyre;
            let mut number = 0;
            host.ports.retain(|port| {
                number += 1;
                number == 1 || !one && port.network != network
            });
            for host in &mut self.hosts {
                host.sources.forget(|gone| gone == place);
            }
        }
    }

    fn host(&mut self, rng: &mut StdRng, name: String, plain: u8) -> Host {
        let firewall = match rng.random_range(0..10) {
            0 | 1 => Firewall::NoConnections,
            2 => Firewall::Closed,
            _ => Firewall::Open,
        };
        let is_plain = rng.random_range(0..100) < plain;
        let kind = if is_plain { Kind::Plain } else { Kind::TwoWay };
        if !self.homes.is_empty() && rng.random_ratio(1, 6) {
            let home = rng.random_range(0..self.homes.len());
            let outer = Some(self.homes[home].outer);
            let ports = vec![self.port(rng, "eth0".into(), self.networks + home)];
            return Host { outer, ..Host::new(name, firewall, kind, ports) };
        }
        // Most have one interface, as most have. Some have two on one network: Wi-Fi beside cable.
        let count = [1, 1, 1, 2, 2, 3][rng.random_range(0..6)];
        let is_double = rng.random_ratio(1, 3);
        let mut networks: Vec<usize> = (0..self.networks).collect();
        let count = if is_double { count } else { count.min(self.networks) };
        let ports = (0..count).map(|number| {
            let place = rng.random_range(0..networks.len());
            let network = if is_double { networks[place] } else { networks.swap_remove(place) };
            self.port(rng, format!("eth{number}"), network)
        });
        let mut ports: Vec<Port> = ports.collect();
        // What is sent to one of two interfaces on one network comes in by either, whichever answers
        // ARP: what is too large for that would be lost, and nobody told.
        for place in 1..ports.len() {
            let (before, rest) = ports.split_at_mut(place);
            let beside = before.iter().find(|port| port.is_beside(&rest[0]));
            rest[0].mtu = beside.map_or(rest[0].mtu, |port| port.mtu);
        }
        Host::new(name, firewall, kind, ports)
    }

    fn port(&mut self, rng: &mut StdRng, name: String, network: usize) -> Port {
        let (has_v4, v6) = match rng.random_range(0..10) {
            0..4 => (true, true),
            4..7 => (true, false),
            _ => (false, true),
        };
        let mut v4 = Vec::new();
        if has_v4 {
            v4.push(self.address(network, false));
            if rng.random_ratio(1, 6) {
                v4.push(self.address(network, true));
            }
        }
        let rough = rng.random_ratio(1, 5);
        Port {
            name,
            network,
            v4,
            v6,
            up: true,
            plugged: true,
            apart: false,
            carries_beacons: true,
            routed: 0,
            loss: if rough { rng.random_range(1..=5) } else { 0 },
            kilobits: rng.random_ratio(1, 6).then(|| rng.random_range(500..5000)),
            mtu: rng.random_ratio(1, 6).then(|| rng.random_range(1280..1500)),
        }
    }

    /// An address of the first or of the second subnet of a network that nobody has had.
    pub(super) fn address(&mut self, network: usize, second: bool) -> Ipv4Addr {
        let last = &mut self.last[network];
        // After this number of changes the first addresses are free again; but not that of a router.
        *last = if *last < 250 { *last + 1 } else { 10 };
        let last = *last;
        let [a, b, c] = self.prefix(network);
        Ipv4Addr::new(a, if second { b + 100 } else { b }, c, last)
    }

    /// How the addresses of a network begin, in its first subnet.
    pub(super) fn prefix(&self, network: usize) -> [u8; 3] {
        let number = u8::try_from(network).unwrap_or_default();
        if network < self.networks { [10, 80 + number, 0] } else { HOME }
    }
}

/// The address of the router, in each home.
pub(super) const fn gateway() -> Ipv4Addr {
    let [a, b, c] = HOME;
    Ipv4Addr::new(a, b, c, 254)
}

/// Whether an address is of the first subnet of its network.
pub(super) const fn is_of_first_subnet(address: Ipv4Addr) -> bool {
    address.octets()[1] < 100
}

/// Whether two addresses are of one subnet.
pub(super) const fn are_of_one_subnet(one: Ipv4Addr, other: Ipv4Addr) -> bool {
    one.to_bits() >> 8 == other.to_bits() >> 8
}

impl Host {
    fn new(name: String, firewall: Firewall, kind: Kind, ports: Vec<Port>) -> Self {
        let sources = Sources::default();
        Self { name, firewall, kind, ports, outer: None, runs: false, has_moved: false, sources }
    }

    /// Returns the interfaces by which anything gets in or out.
    pub(super) fn working(&self) -> impl Iterator<Item = &Port> {
        self.ports.iter().filter(|port| port.works())
    }

    /// Returns those of them that its node lives on.
    pub(super) fn lived_on(&self) -> impl Iterator<Item = &Port> {
        let count = if self.kind.is_ours() { self.ports.len() } else { 1 };
        self.ports.iter().take(count).filter(|port| port.works())
    }

    /// Makes the routes of an interface anew.
    pub(super) fn route_last(&mut self, place: usize) {
        let last = self.ports.iter().map(|port| port.routed).max().unwrap_or_default();
        self.ports[place].routed = last + 1;
    }

    /// Returns whether what comes from an address of its subnet of a network is answered: by
    /// whichever interface it has come, the answer leaves by the route to the subnet, which stays
    /// where it is when a cable is pulled.
    pub(super) fn answers(&self, network: usize, other: Ipv4Addr) -> bool {
        let near = |port: &&Port| port.v4.iter().any(|own| are_of_one_subnet(*own, other));
        let ports = self.ports.iter().filter(|port| port.network == network && port.up);
        let route = ports.filter(near).min_by_key(|port| port.routed);
        route.is_some_and(Port::works)
    }

    /// Returns whether packets that it gets or sends are lost or late.
    pub(super) fn is_rough(&self) -> bool {
        self.ports.iter().any(|port| port.loss > 0 || port.kilobits.is_some())
    }
}

impl Port {
    /// Returns whether anything gets in or out by it.
    pub(super) const fn works(&self) -> bool {
        self.up && self.plugged
    }

    /// Returns whether what it sends gets to another one, if both work.
    pub(super) const fn is_beside(&self, other: &Self) -> bool {
        self.network == other.network && self.apart == other.apart
    }
}

impl fmt::Display for Topology {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (number, Home { outer, outside }) in self.homes.iter().enumerate() {
            let network = self.networks + number;
            writeln!(f, "  net{network} is behind a router with {outside} on net{outer}")?;
        }
        for host in &self.hosts {
            writeln!(f, "  {host}")?;
        }
        Ok(())
    }
}

impl fmt::Display for Host {
    /// `h1, firewall lets nothing in: eth0 on net0 (10.80.0.1, IPv6); eth1 on net2 (IPv6, down)`
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.name)?;
        f.write_str(match self.firewall {
            Firewall::Open => "",
            Firewall::NoConnections => ", firewall lets no connection in",
            Firewall::Closed => ", firewall lets nothing in",
        })?;
        write!(f, "{}{}", self.kind, self.sources)?;
        f.write_str(if self.runs { ": " } else { ", no node: " })?;
        let ports: Vec<String> = self.ports.iter().map(ToString::to_string).collect();
        f.write_str(&ports.join("; "))
    }
}

impl fmt::Display for Port {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut what: Vec<String> = self.v4.iter().map(ToString::to_string).collect();
        what.extend(self.v6.then(|| "IPv6".to_owned()));
        what.extend((self.loss > 0).then(|| format!("loses {} %", self.loss)));
        what.extend(self.kilobits.map(|rate| format!("{rate} kbit/s")));
        what.extend(self.mtu.map(|mtu| format!("MTU {mtu}")));
        what.extend((!self.carries_beacons).then(|| "no beacons".to_owned()));
        what.extend((!self.up).then(|| "down".to_owned()));
        what.extend((!self.plugged).then(|| "cable pulled".to_owned()));
        what.extend(self.apart.then(|| "apart".to_owned()));
        write!(f, "{} on net{} ({})", self.name, self.network, what.join(", "))
    }
}

#[cfg(test)]
pub(super) mod tests {
    use rand::SeedableRng;

    use super::*;

    /// A host with these interfaces, each on the network of its number, and a node.
    pub(in super::super) fn host(ports: &[(&[&str], bool)]) -> Host {
        let port = |(network, (v4, v6)): (usize, &(&[&str], bool))| Port {
            name: format!("eth{network}"),
            network,
            v4: v4.iter().map(|text| text.parse().unwrap()).collect(),
            v6: *v6,
            up: true,
            plugged: true,
            apart: false,
            carries_beacons: true,
            routed: 0,
            loss: 0,
            kilobits: None,
            mtu: None,
        };
        let ports = ports.iter().enumerate().map(port).collect();
        Host { runs: true, ..Host::new("h".into(), Firewall::Open, Kind::TwoWay, ports) }
    }

    #[test]
    fn a_seed_makes_one_topology_in_which_no_address_is_there_twice() {
        let mut two_on_one = false;
        for seed in 0..50 {
            let make = || Topology::random(&mut StdRng::seed_from_u64(seed), 20, 20);
            let topology = make();
            assert_eq!(topology, make());
            let ports = || topology.hosts.iter().flat_map(|host| &host.ports);
            let outside = |port: &&Port| port.network < topology.networks;
            let mut all: Vec<_> =
                ports().filter(outside).flat_map(|port| port.v4.clone()).collect();
            all.extend(topology.homes.iter().map(|home| home.outside));
            let count = all.len();
            all.sort_unstable();
            all.dedup();
            assert_eq!(all.len(), count);
            assert!(ports().all(|port| port.v6 || !port.v4.is_empty()));
            let networks = |host: &Host| {
                let mut networks: Vec<_> = host.ports.iter().map(|port| port.network).collect();
                networks.sort_unstable();
                networks.dedup();
                networks.len()
            };
            two_on_one |= topology.hosts.iter().any(|host| networks(host) < host.ports.len());
            let alike = |port: &Port, host: &Host| {
                host.ports.iter().all(|it| it.network != port.network || it.mtu == port.mtu)
            };
            let all_alike = |host: &Host| host.ports.iter().all(|port| alike(port, host));
            assert!(topology.hosts.iter().all(all_alike), "one MTU on one network");
        }
        assert!(two_on_one, "two interfaces on one network");
    }
}
