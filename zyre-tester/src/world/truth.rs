//! Which nodes can meet: computed from the topology, and from what nodes may have heard before.
//!
//! Two of ours meet if one of them can dial the other and is told where it is; with a node that
//! makes a connection each way, both have to dial, and that one is told is enough: the other learns
//! of it by HELLO. Which nodes are told of each other depends on which meet, for a node passes on
//! by gossip the nodes that it has met. So both are computed in rounds, until nothing is added.

use std::collections::BTreeSet;
use std::fmt;

use super::kind::Kind;
use super::sources::{By, Contact};
use super::topology::{Host, Topology};
use super::ways::{
    can_dial, hears, hears_by_ipv4, is_torn, known_as, leads, leads_back, may_hear, paths, told,
};

/// Whether two nodes meet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Meet {
    Yes,
    No,
    /// With a guest, which may have heard of an address first that leads nowhere, and ask no more;
    /// of two guests, about whom nothing is said here; where routes are what they should not be;
    /// and where one may have been told of the other, or not.
    Perhaps,
}

/// By what a node is told of another one, so that it can dial it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Found {
    Beacon,
    /// Its application has said so.
    Required,
    /// By gossip with that node itself.
    AtHub,
    /// By gossip with the node on this host, which has met it.
    ByHub(usize),
}

/// Of which nodes each node may have heard since both have started. Hosts stand for their nodes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Memory(BTreeSet<(usize, usize)>);

/// What is true of all hosts.
#[derive(Clone, Debug)]
pub(super) struct Truth {
    found: Table<Option<Found>>,
    meet: Table<Meet>,
    why: Table<&'static str>,
}

/// A value for each host and each other one.
#[derive(Clone, Debug)]
struct Table<T> {
    hosts: usize,
    values: Vec<T>,
}

impl<T: Copy> Table<T> {
    fn new(hosts: usize, value: T) -> Self {
        Self { hosts, values: vec![value; hosts * hosts] }
    }

    fn get(&self, one: usize, other: usize) -> T {
        self.values[one * self.hosts + other]
    }

    fn set(&mut self, one: usize, other: usize, value: T) {
        self.values[one * self.hosts + other] = value;
    }
}

impl Memory {
    /// Another node lives on a host, or none: nobody has heard of it, and it has heard of nobody.
    pub(super) fn forget(&mut self, host: usize) {
        self.0.retain(|(one, other)| *one != host && *other != host);
    }

    /// Adds what nodes may hear as long as the topology is this.
    pub(super) fn note(&mut self, topology: &Topology) {
        let hosts = &topology.hosts;
        let pairs = || pairs(hosts.len());
        let lives = |(a, b): &(usize, usize)| hosts[*a].runs && hosts[*b].runs;
        for (a, b) in pairs().filter(lives) {
            let (one, other) = (&hosts[a], &hosts[b]);
            let required = one.sources.tell_of(b)
                || one.sources.required.iter().any(|contact| contact.host == b);
            if may_hear(one, other) || required {
                self.0.insert((a, b));
            }
        }
        let gossips = |(a, b): &(usize, usize)| {
            let mut hubs = hosts[*a].sources.hubs.iter();
            let is_client = hubs.any(|contact| contact.host == *b);
            is_client && hosts[*b].sources.is_hub && can_dial(&hosts[*a], &hosts[*b])
        };
        let links: Vec<_> = pairs().filter(lives).filter(gossips).collect();
        let mut before = usize::MAX;
        while before != self.0.len() {
            before = self.0.len();
            for (client, hub) in links.iter().copied() {
                self.pass_on(client, hub);
                self.pass_on(hub, client);
            }
            let met = |pair: &(usize, usize)| self.may_meet(hosts, *pair);
            let met: Vec<_> = pairs().filter(lives).filter(met).collect();
            self.0.extend(met);
        }
    }

    /// One node tells another one of all that it has heard of, and of itself.
    fn pass_on(&mut self, from: usize, to: usize) {
        let of =
            |(one, other): &(usize, usize)| (*one == from && *other != to).then_some((to, *other));
        let news: Vec<_> = self.0.iter().filter_map(of).chain([(to, from)]).collect();
        self.0.extend(news);
    }

    fn has(&self, one: usize, other: usize) -> bool {
        self.0.contains(&(one, other))
    }

    /// Whether two nodes may meet, in any way.
    fn may_meet(&self, hosts: &[Host], (a, b): (usize, usize)) -> bool {
        let dials = [(a, b), (b, a)].map(|(one, other)| can_dial(&hosts[one], &hosts[other]));
        let heard = [self.has(a, b), self.has(b, a)];
        if share(&hosts[a], &hosts[b]) {
            (dials[0] && heard[0]) || (dials[1] && heard[1])
        } else {
            dials == [true; 2] && heard != [false; 2]
        }
    }
}

/// All pairs of hosts, each in both orders.
fn pairs(hosts: usize) -> impl Iterator<Item = (usize, usize)> {
    let with = move |a| (0..hosts).filter(move |b| *b != a).map(move |b| (a, b));
    (0..hosts).flat_map(with)
}

/// Whether the nodes of two hosts share a connection.
const fn share(a: &Host, b: &Host) -> bool {
    a.kind.is_two_way() && b.kind.is_two_way()
}

impl Truth {
    /// Computes it for nodes that may have heard of each other before.
    pub(super) fn of(topology: &Topology, memory: &Memory) -> Self {
        let hosts = &topology.hosts;
        let count = hosts.len();
        let mut new = Self {
            found: Table::new(count, None),
            meet: Table::new(count, Meet::No),
            why: Table::new(count, "one of them has no node"),
        };
        let links = gossip_links(hosts);
        while new.find(hosts, &links) {}
        for (a, b) in pairs(count).filter(|(a, b)| hosts[*a].runs && hosts[*b].runs) {
            let (meet, why) = new.judge(hosts, memory, a, b);
            new.meet.set(a, b, meet);
            new.why.set(a, b, why);
        }
        new
    }

    /// Returns whether the nodes on two hosts meet.
    pub(super) fn meet(&self, one: usize, other: usize) -> Meet {
        self.meet.get(one, other)
    }

    /// Returns whether they hear it from each other, by beacons, as soon as they can.
    pub(super) fn is_heard(&self, one: usize, other: usize) -> bool {
        [(one, other), (other, one)]
            .into_iter()
            .any(|(one, other)| self.found.get(one, other) == Some(Found::Beacon))
    }

    /// Returns how many pairs meet, how many of them do not hear it by beacons, and of how many
    /// nothing is said.
    pub(super) fn counts(&self) -> [usize; 3] {
        let count = |which: &dyn Fn((usize, usize)) -> bool| {
            pairs(self.meet.hosts).filter(|pair| which(*pair)).count() / 2
        };
        let is = |(a, b), meet| self.meet(a, b) == meet;
        let is_told = |(a, b)| is((a, b), Meet::Yes) && !self.is_heard(a, b);
        [
            count(&|pair| is(pair, Meet::Yes)),
            count(&is_told),
            count(&|pair| is(pair, Meet::Perhaps)),
        ]
    }

    /// Says why two nodes meet, or not.
    pub(super) fn describe(&self, topology: &Topology, one: usize, other: usize) -> String {
        let mut text = self.why.get(one, other).to_owned();
        let [a, b] = [one, other].map(|place| &topology.hosts[place]);
        for (from, to) in [(one, other), (other, one)] {
            let name = |place: usize| &topology.hosts[place].name;
            if let Some(found) = self.found.get(from, to) {
                let by = Described { found, topology };
                text += &format!("; {} is told of {} {by}", name(from), name(to));
            }
        }
        for path in paths(a, b) {
            text += "; ";
            text += &path;
        }
        text
    }

    /// Runs one round: adds what nodes are told by those that they have met so far. Returns whether
    /// anything was added.
    fn find(&mut self, hosts: &[Host], links: &[(usize, usize)]) -> bool {
        let mut is_more = false;
        for (a, b) in pairs(hosts.len()).filter(|(a, b)| hosts[*a].runs && hosts[*b].runs) {
            if self.found.get(a, b).is_some() {
                continue;
            }
            let (one, other) = (&hosts[a], &hosts[b]);
            let dialled_by_beacon = hears(one, other) && can_dial(one, other);
            let found = if dialled_by_beacon {
                Some(Found::Beacon)
            } else if is_required(one, other, b) {
                Some(Found::Required)
            } else {
                self.by_gossip(hosts, links, a, b)
            };
            is_more |= found.is_some();
            self.found.set(a, b, found);
        }
        is_more
    }

    /// Whether the node on `a` is told by gossip of that on `b`, at an address that it can dial,
    /// whichever that is of those by which others may know it.
    fn by_gossip(
        &self,
        hosts: &[Host],
        links: &[(usize, usize)],
        a: usize,
        b: usize,
    ) -> Option<Found> {
        let (one, other) = (&hosts[a], &hosts[b]);
        // A guest takes its time.
        if !one.kind.is_ours() || !other.kind.is_ours() {
            return None;
        }
        // A hub tells where it was reached.
        if links.contains(&(a, b)) {
            return Some(Found::AtHub);
        }
        let other_end = |(client, hub): &(usize, usize)| match a {
            _ if a == *client => Some(*hub),
            _ => (a == *hub).then_some(*client),
        };
        links.iter().filter_map(other_end).find_map(|end| {
            let tells = || self.have_met(hosts, end, b) && self.can_tell(hosts, links, end, b);
            if end != b && !tells() {
                return None;
            }
            let addresses = known_as(if end == b { one } else { &hosts[end] }, other);
            let all_lead = addresses.iter().all(|address| leads(one, other, *address));
            let found = if end == b { Found::AtHub } else { Found::ByHub(end) };
            (!addresses.is_empty() && all_lead).then_some(found)
        })
    }

    /// Whether a node that has met another one, `b`, surely knows an address of it that means the
    /// same elsewhere: not if it only hears it by IPv6.
    fn can_tell(&self, hosts: &[Host], links: &[(usize, usize)], teller: usize, b: usize) -> bool {
        let gossips = [(teller, b), (b, teller)].iter().any(|link| links.contains(link));
        let found = [self.found.get(teller, b), self.found.get(b, teller)];
        let by_beacon = |found| found == Some(Found::Beacon);
        gossips
            || found.into_iter().flatten().count() > 0 && !found.into_iter().any(by_beacon)
            || hears_by_ipv4(&hosts[teller], &hosts[b])
    }

    /// Whether two nodes meet, by what is found so far.
    fn have_met(&self, hosts: &[Host], a: usize, b: usize) -> bool {
        let found = [self.found.get(a, b), self.found.get(b, a)];
        if share(&hosts[a], &hosts[b]) {
            return found != [None; 2];
        }
        // What one is not told by beacons, it learns by the other's HELLO, if it can get back.
        let told = |found, one: usize, other: usize| {
            let (one, other) = (&hosts[one], &hosts[other]);
            let mut there = known_as(one, other).into_iter().filter(|it| leads(one, other, *it));
            !matches!(found, None | Some(Found::Beacon))
                && there.all(|address| leads_back(one, other, address))
        };
        match found {
            [Some(_), Some(_)] => true,
            [one, None] => told(one, a, b),
            [None, other] => told(other, b, a),
        }
    }

    fn judge(&self, hosts: &[Host], memory: &Memory, a: usize, b: usize) -> (Meet, &'static str) {
        let (one, other) = (&hosts[a], &hosts[b]);
        let found = [self.found.get(a, b), self.found.get(b, a)];
        if !one.kind.is_ours() && !other.kind.is_ours() {
            return (Meet::Perhaps, "none of them is ours");
        }
        if !memory.may_meet(hosts, (a, b)) {
            let dials = can_dial(one, other) || can_dial(other, one);
            let why = match (paths(one, other).is_empty(), dials) {
                (true, _) => "no network with a common family and subnet",
                (false, false) => "none can dial the other",
                (false, true) if share(one, other) => "none is told of one that it can dial",
                (false, true) => "not both can dial, or none is told of the other",
            };
            return (Meet::No, why);
        }
        let have_met = self.have_met(hosts, a, b);
        let by_both = share(one, other) && found == [Some(Found::Beacon); 2];
        if (is_torn(one) || is_torn(other)) && !by_both {
            (Meet::Perhaps, "a route of one leads out by an interface that is dead")
        } else if have_met && (misleads(one, other) || misleads(other, one)) {
            (Meet::Perhaps, "one may have heard of an address that leads nowhere")
        } else if have_met {
            (Meet::Yes, "one is told of the other and can dial it, and back where it has to")
        } else {
            (Meet::Perhaps, "one may have been told of the other")
        }
    }
}

/// The gossip connections that there are: clients, and the hubs that they connect to.
fn gossip_links(hosts: &[Host]) -> Vec<(usize, usize)> {
    let leads_to = |client: &Host, contact: &Contact| {
        let hub = &hosts[contact.host];
        hub.runs && hub.sources.is_hub && is_reached(client, hub, contact)
    };
    let mut links = Vec::new();
    for (place, client) in hosts.iter().enumerate().filter(|(_, host)| host.runs) {
        let hubs = client.sources.hubs.iter().filter(|contact| leads_to(client, contact));
        links.extend(hubs.map(|contact| (place, contact.host)));
    }
    links
}

/// Whether the application of the node on `a` has told it of that on `b`, which is the host at
/// this place, and it can dial that.
fn is_required(a: &Host, b: &Host, place: usize) -> bool {
    let by_id = || told(a, b).is_some_and(|address| leads(a, b, address));
    let contacts = a.sources.required.iter().filter(|contact| contact.host == place);
    let mut without_id = contacts.filter(|contact| contact.by != By::Id);
    a.sources.tell_of(place) && by_id() || without_id.any(|contact| is_reached(a, b, contact))
}

/// Whether what a node was told of a host leads there.
fn is_reached(a: &Host, b: &Host, contact: &Contact) -> bool {
    let mut addresses = b.ports.iter().flat_map(|port| port.v4.iter().copied());
    match contact.by {
        By::Id => false,
        By::Address => contact.address.is_some_and(|address| leads(a, b, address)),
        By::Name => addresses.any(|address| leads(a, b, address)),
    }
}

/// Whether a guest on `a` may dial an address of `b` that leads nowhere, and does not ask again.
fn misleads(a: &Host, b: &Host) -> bool {
    a.kind == Kind::Pyre && b.has_moved
}

struct Described<'a> {
    found: Found,
    topology: &'a Topology,
}

impl fmt::Display for Described<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.found {
            Found::Beacon => f.write_str("by its beacons"),
            Found::Required => f.write_str("by its application"),
            Found::AtHub => f.write_str("by gossip with it"),
            Found::ByHub(hub) => write!(f, "by gossip with {}", self.topology.hosts[hub].name),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::net::Ipv4Addr;

    use rand::SeedableRng;
    use rand::rngs::StdRng;

    use super::super::sources::Sources;
    use super::super::topology::Firewall;
    use super::super::topology::tests::host;
    use super::*;

    /// A topology with these hosts only.
    fn of(hosts: &[&Host]) -> Topology {
        let mut topology = Topology::random(&mut StdRng::seed_from_u64(1), 2, 0);
        topology.hosts = hosts.iter().map(|host| (*host).clone()).collect();
        topology
    }

    fn truth(topology: &Topology) -> Truth {
        let mut memory = Memory::default();
        memory.note(topology);
        Truth::of(topology, &memory)
    }

    fn meet(a: &Host, b: &Host) -> bool {
        let truth = truth(&of(&[a, b]));
        assert_eq!(truth.meet(0, 1), truth.meet(1, 0));
        assert_ne!(truth.meet(0, 1), Meet::Perhaps);
        truth.meet(0, 1) == Meet::Yes
    }

    /// A host on network 0 with this address, whose node is told by nothing.
    fn quiet(address: &str) -> Host {
        Host { sources: Sources::none(), ..host(&[(&[address], false)]) }
    }

    /// The same, whose node connects to these hubs.
    fn client(address: &str, hubs: &[usize]) -> Host {
        let hubs = hubs.iter().map(|hub| Contact::new(*hub, By::Name)).collect();
        Host { sources: Sources { hubs, ..Sources::none() }, ..quiet(address) }
    }

    fn hub(address: &str, hubs: &[usize]) -> Host {
        let mut hub = client(address, hubs);
        hub.sources.is_hub = true;
        hub
    }

    /// The same host, whose node is told by its application of that on another one.
    fn requires(mut host: Host, other: usize, by: By, address: Option<&str>) -> Host {
        let address = address.map(|it| it.parse::<Ipv4Addr>().unwrap());
        host.sources.required.push(Contact { host: other, by, address });
        host
    }

    #[test]
    fn it_takes_a_network_a_family_and_a_subnet() {
        let v4 = host(&[(&["10.80.0.1"], false)]);
        assert!(meet(&v4, &host(&[(&["10.80.0.2"], true)])));
        assert!(!meet(&v4, &host(&[(&["10.180.0.2"], true)])), "another subnet");
        assert!(!meet(&v4, &host(&[(&[], true)])), "another family");
        assert!(!meet(&v4, &host(&[(&[], true), (&["10.81.0.1"], true)])), "another network");
        let v6 = host(&[(&["10.180.0.2"], true)]);
        assert!(meet(&v6, &host(&[(&["10.80.0.3"], true)])));
        let mut other = host(&[(&["10.180.0.3"], true)]);
        other.ports[0].up = false;
        assert!(!meet(&v6, &other));
        other.ports[0].up = true;
        other.ports[0].plugged = false;
        assert!(!meet(&v6, &other));
        other.ports[0].plugged = true;
        assert!(meet(&v6, &other));
        other.runs = false;
        assert!(!meet(&v6, &other));
    }

    #[test]
    fn of_two_interfaces_on_one_network_the_older_route_answers() {
        let one = host(&[(&["10.80.0.1"], false)]);
        let mut two = host(&[(&["10.80.0.2"], false), (&["10.80.0.3"], false)]);
        two.ports[1].network = 0;
        two.ports[1].routed = 1;
        let plain = Host { kind: Kind::Plain, ..two.clone() };
        assert!(meet(&one, &two) && meet(&one, &plain));
        let pull = |host: &Host, place: usize| {
            let mut host = host.clone();
            host.ports[place].plugged = false;
            host
        };
        assert!(meet(&one, &pull(&plain, 1)));
        assert!(meet(&one, &pull(&two, 0)), "it can dial by the other one");
        assert!(!meet(&one, &pull(&plain, 0)), "and answers by the one that is dead");
        let no_connections = Host { firewall: Firewall::NoConnections, ..one.clone() };
        assert!(meet(&no_connections, &two));
        assert!(!meet(&no_connections, &pull(&two, 0)));
        let mut down = plain;
        down.ports[0].up = false;
        assert!(meet(&one, &down), "its route is gone");
    }

    #[test]
    fn a_guest_knows_one_ipv4_address_and_makes_a_connection_each_way() {
        for kind in [Kind::Old, Kind::Pyre] {
            let guest = Host { kind, ..host(&[(&["10.80.0.1"], true), (&["10.81.0.1"], true)]) };
            assert!(meet(&guest, &host(&[(&["10.80.0.2"], true)])));
            assert!(!meet(&guest, &host(&[(&[], true)])), "it has no IPv6");
            assert!(!meet(&guest, &host(&[(&[], true), (&["10.81.0.2"], true)])), "one interface");
            let firewall = Firewall::NoConnections;
            assert!(!meet(&guest, &Host { firewall, ..host(&[(&["10.80.0.2"], true)]) }));
            assert_eq!(truth(&of(&[&guest, &guest])).meet(0, 1), Meet::Perhaps);
        }
    }

    #[test]
    fn a_firewall_may_be_at_one_of_two_that_share_a_connection() {
        let open = host(&[(&["10.80.0.1"], false)]);
        let firewall = |firewall| Host { firewall, ..open.clone() };
        let no_connections = firewall(Firewall::NoConnections);
        assert!(meet(&open, &no_connections));
        assert!(!meet(&no_connections, &no_connections));
        assert!(!meet(&open, &firewall(Firewall::Closed)), "it dials, if it heard anybody");
        let plain = Host { kind: Kind::Plain, ..open.clone() };
        assert!(meet(&open, &plain));
        assert!(!meet(&no_connections, &plain));
    }

    #[test]
    fn who_is_at_home_meets_who_is_there_as_well_and_whom_it_is_told_of() {
        let mut home = Host { outer: Some(0), ..host(&[(&["10.77.0.1"], false)]) };
        home.ports[0].network = 3;
        home.sources.told_of_all = true;
        assert!(meet(&home, &home));
        let outside = host(&[(&["10.80.0.1"], true)]);
        assert!(meet(&home, &outside));
        let firewall = Host { firewall: Firewall::Closed, ..home.clone() };
        assert!(meet(&firewall, &outside), "it need not hear anybody");
        assert!(!meet(&home, &Host { firewall: Firewall::NoConnections, ..outside.clone() }));
        assert!(!meet(&home, &Host { kind: Kind::Plain, ..outside.clone() }));
        assert!(!meet(&home, &host(&[(&["10.180.0.1"], true)])), "the router is not there");
        assert!(!meet(&Host { outer: Some(1), ..home }, &outside));
    }

    #[test]
    fn without_beacons_nodes_do_not_meet() {
        let hears = host(&[(&["10.80.0.1"], false)]);
        assert!(meet(&hears, &hears));
        assert!(!meet(&hears, &quiet("10.80.0.2")));
        let mut silent = hears.clone();
        silent.ports[0].carries_beacons = false;
        assert!(!meet(&silent, &silent));
    }

    #[test]
    fn a_node_meets_whom_its_application_tells_it_of() {
        let (a, b) = (quiet("10.80.0.1"), quiet("10.80.0.2"));
        for by in [By::Id, By::Name] {
            assert!(meet(&requires(a.clone(), 1, by, None), &b));
        }
        let at = |address| requires(a.clone(), 1, By::Address, address);
        assert!(meet(&at(Some("10.80.0.2")), &b));
        let moved = truth(&of(&[&at(Some("10.80.0.9")), &b]));
        assert_eq!(moved.meet(0, 1), Meet::Perhaps, "it may have been there");
        let told = requires(a, 1, By::Name, None);
        let plain = |host: &Host| Host { kind: Kind::Plain, ..host.clone() };
        let no_connections = |host: &Host| Host { firewall: Firewall::Closed, ..host.clone() };
        assert!(meet(&plain(&told), &b), "the other one learns of it by HELLO");
        assert!(meet(&no_connections(&told), &b), "one connection is enough");
        assert!(!meet(&no_connections(&plain(&told)), &b));
        assert!(!meet(&told, &no_connections(&b)));
    }

    #[test]
    fn gossip_goes_from_hub_to_hub_and_ends_with_the_networks() {
        let hosts = [
            hub("10.80.0.1", &[]),
            hub("10.80.0.2", &[0]),
            client("10.80.0.3", &[0]),
            client("10.80.0.4", &[1]),
            quiet("10.80.0.5"),
        ];
        let mut topology = of(&hosts.each_ref());
        let all = truth(&topology);
        for (a, b) in pairs(4) {
            assert_eq!(all.meet(a, b), Meet::Yes, "{a} and {b}");
            assert_eq!(all.meet(a, 4), Meet::No);
        }
        let text = all.describe(&topology, 2, 3);
        assert!(text.contains("told of h by gossip with h"), "{text}");
        let mut memory = Memory::default();
        memory.note(&topology);
        topology.hosts[1].runs = false;
        memory.forget(1);
        let met_before = Truth::of(&topology, &memory);
        assert_eq!(met_before.meet(2, 3), Meet::Perhaps, "they look for each other");
        assert_eq!(met_before.meet(2, 0), Meet::Yes);
        assert_eq!(truth(&topology).meet(2, 3), Meet::No, "if they have never met");
    }

    #[test]
    fn what_is_told_of_another_network_leads_nowhere() {
        let two = [(&["10.80.0.1"][..], false), (&["10.81.0.1"], false)];
        let middle = Host { sources: hub("10.80.0.1", &[]).sources, ..host(&two) };
        let near = client("10.80.0.2", &[0]);
        let far = [(&[][..], false), (&["10.81.0.3"], false)];
        let far = Host { sources: near.sources.clone(), ..host(&far) };
        let apart = truth(&of(&[&middle, &near, &far]));
        assert_eq!(
            [(0, 1), (0, 2), (1, 2)].map(|(a, b)| apart.meet(a, b)),
            [Meet::Yes, Meet::Yes, Meet::No]
        );
        // One of two addresses that may be told leads there, and the other one does not.
        let both = [(&["10.80.0.4"][..], false), (&["10.81.0.4"], false)];
        let both = Host { sources: near.sources.clone(), ..host(&both) };
        let truth = truth(&of(&[&middle, &near, &both]));
        assert_eq!([(0, 2), (1, 2)].map(|(a, b)| truth.meet(a, b)), [Meet::Yes, Meet::Yes]);
    }

    #[test]
    fn who_is_heard_by_ipv6_only_is_told_to_nobody() {
        let hub =
            Host { sources: hub("10.80.0.1", &[]).sources, ..host(&[(&["10.80.0.1"], true)]) };
        let client = client("10.80.0.2", &[0]);
        let heard = host(&[(&["10.80.0.3"], true)]);
        let met = |hub: Host, heard: &Host| truth(&of(&[&hub, &client, heard])).meet(1, 2);
        let hears = |mut hub: Host| {
            hub.sources.beacon = true;
            hub
        };
        assert_eq!(met(hub.clone(), &heard), Meet::No);
        assert_eq!(met(hears(hub.clone()), &heard), Meet::Yes);
        // The network of the IPv4 addresses carries no beacons, and the other one has no such.
        let networks = |address: &str| {
            let mut host = host(&[(&[address], false), (&[], true)]);
            host.ports[0].carries_beacons = false;
            host
        };
        let hub = hears(Host { sources: hub.sources, ..networks("10.80.0.1") });
        assert_eq!(met(hub, &networks("10.80.0.3")), Meet::Perhaps);
    }

    #[test]
    fn a_network_that_has_fallen_apart_has_two_sides() {
        let mut hosts =
            [hub("10.80.0.1", &[]), client("10.80.0.2", &[0]), client("10.80.0.3", &[0])];
        hosts[1].ports[0].apart = true;
        let mut topology = of(&hosts.each_ref());
        let meets = |topology: &Topology| {
            let truth = truth(topology);
            [(0, 1), (0, 2), (1, 2)].map(|(a, b)| truth.meet(a, b) == Meet::Yes)
        };
        assert_eq!(meets(&topology), [false, true, false]);
        topology.hosts[2].ports[0].apart = true;
        assert_eq!(meets(&topology), [false; 3], "nobody tells them of each other");
        topology.hosts.iter_mut().for_each(|host| host.ports[0].apart = false);
        assert_eq!(meets(&topology), [true; 3]);
    }
}
