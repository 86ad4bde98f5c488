//! Hosts whose interfaces and addresses change under their nodes, and odd ones: soon everybody is met
//! who can be, and messages arrive.

use std::net::{SocketAddr, SocketAddrV6, TcpListener, UdpSocket};
use std::time::{Duration, Instant};

use serde_json::json;
use testkit::network::{Host, Network};
use testkit::transcript::Transcript;
use testkit::wire;
use zyre::{BEACON_PORT, PeerId};

use crate::c_node::{index, link_local};
use crate::node::{Node, until};
use crate::pair::Pair;

/// How soon two nodes meet that hear each other's beacons.
const SOON: Duration = Duration::from_secs(3);

/// How soon they have met again, and talk, after a change: an address of IPv6 is sure only after
/// two seconds.
const AFTER_A_CHANGE: Duration = Duration::from_secs(6);

/// Shorter than the time from beacon to beacon.
const A_MOMENT: Duration = Duration::from_millis(100);

/// Two hosts on a network, each with a node on all its interfaces.
struct Two {
    network: Network,
    hosts: [Host; 2],
    nodes: [Node; 2],
}

impl Two {
    fn meet() -> Self {
        let network = Network::new().unwrap();
        let hosts = ["a", "b"].map(|name| network.host(name).unwrap());
        for host in &hosts {
            link_local(host);
        }
        let transcript = Transcript::new();
        let nodes = hosts.each_ref().map(|host| start(host, &transcript));
        let pair = Pair { nodes, within: SOON };
        pair.meet_first();
        pair.talk(100);
        Self { network, hosts, nodes: pair.nodes }
    }

    /// Both know each other, and go on doing so: messages arrive.
    fn are_together_after(self, time: Duration) {
        let end = Instant::now() + time;
        let peers = |node: &Node| node.ask("where")["peers"].as_u64().unwrap();
        while self.nodes.iter().any(|node| peers(node) != 1) {
            assert!(Instant::now() < end, "not met again:\n{}", self.nodes[0].transcript());
            until(Instant::now() + Duration::from_millis(20));
        }
        Pair { nodes: self.nodes, within: SOON }.talk(100);
    }

    fn settle(&self) {
        until(Instant::now() + AFTER_A_CHANGE);
    }
}

fn start(host: &Host, transcript: &std::sync::Arc<Transcript>) -> Node {
    Node::start(host, transcript, json!({ "interface": "*" }))
}

pub(crate) fn an_interface_flaps() {
    let two = Two::meet();
    for _ in 0..15 {
        for state in ["down", "up"] {
            two.hosts[0].ip(&format!("link set eth0 {state}")).unwrap();
            until(Instant::now() + A_MOMENT);
        }
    }
    two.settle();
    two.are_together_after(Duration::ZERO);
}

/// Each time that it is gone may be seen, and then the two meet by either family.
pub(crate) fn an_address_comes_back_at_once() {
    const TIMES: usize = 5;
    let two = Two::meet();
    let mark = two.nodes[1].mark();
    for _ in 0..TIMES {
        let address = two.nodes[0].endpoint.replace("tcp://", "");
        let address = address.split(':').next().unwrap().to_owned();
        two.hosts[0].ip(&format!("addr del {address}/24 dev eth0")).unwrap();
        until(Instant::now() + A_MOMENT / 10);
        two.hosts[0].add_address("eth0", address.parse().unwrap()).unwrap();
        until(Instant::now() + A_MOMENT);
    }
    two.settle();
    let story = two.nodes[1].story(&two.nodes[0].id, mark);
    assert!(story.len() <= 2 * TIMES, "{story:?}");
    assert!(story.chunks(2).all(|times| times == ["EXIT link lost", "ENTER"]), "{story:?}");
    two.are_together_after(Duration::ZERO);
}

pub(crate) fn an_address_goes_to_another_interface() {
    for ipv6 in [true, false] {
        let two = Two::meet();
        let [a, _] = &two.hosts;
        if !ipv6 {
            for host in &two.hosts {
                host.sysctl("net.ipv6.conf.eth0.disable_ipv6", "1").unwrap();
            }
        }
        two.network.plug(a, "eth1").unwrap();
        if !ipv6 {
            a.sysctl("net.ipv6.conf.eth1.disable_ipv6", "1").unwrap();
        }
        a.ip("-4 addr flush dev eth1").unwrap();
        // For a second Linux believes no other host's address to be elsewhere than it has just heard
        // (`locktime` of ARP), and then it may be half a minute before it asks again.
        until(Instant::now() + Duration::from_millis(1100));
        a.ip("-4 addr flush dev eth0").unwrap();
        a.add_address("eth1", [10, 77, 0, 1].into()).unwrap();
        a.ip("link set eth0 down").unwrap();
        two.settle();
        two.are_together_after(Duration::from_secs(2));
    }
}

/// The cable is plugged into another socket of the host: what was heard by the one is heard by the
/// other only after that was seen.
pub(crate) fn the_other_interface_comes_later() {
    let two = Two::meet();
    let [a, _] = &two.hosts;
    // An address of IPv6 would be lost with the cable, and those of IPv4 stay.
    for host in &two.hosts {
        host.sysctl("net.ipv6.conf.all.disable_ipv6", "1").unwrap();
        host.sysctl("net.ipv6.conf.eth0.disable_ipv6", "1").unwrap();
    }
    two.settle();
    let mark = two.nodes[0].mark();
    a.ip("link set eth0 down").unwrap();
    until(Instant::now() + Duration::from_secs(2));
    two.network.plug(a, "eth1").unwrap();
    let met = json!({ "event": "ENTER", "peer": two.nodes[1].id });
    two.nodes[0].hears(mark, met, AFTER_A_CHANGE);
    two.are_together_after(AFTER_A_CHANGE);
}

/// An address gets another netmask, and another broadcast address with it. The peers there are heard
/// elsewhere as well, and yet nothing has happened to them.
pub(crate) fn a_netmask_changes() {
    let two = Two::meet();
    let far = Network::with_prefix([10, 78, 0]).unwrap();
    for host in &two.hosts {
        far.plug(host, "eth1").unwrap();
    }
    two.settle();
    let mark = two.nodes[1].mark();
    let [a, _] = &two.hosts;
    for (old, new) in [(24, 16), (16, 20)] {
        a.ip(&format!("addr add 10.77.0.1/{new} brd + dev eth0")).unwrap();
        a.ip(&format!("addr del 10.77.0.1/{old} dev eth0")).unwrap();
        until(Instant::now() + Duration::from_secs(3));
    }
    assert_eq!(two.nodes[1].story(&two.nodes[0].id, mark), [""; 0]);
    two.are_together_after(Duration::ZERO);
}

pub(crate) fn an_interface_gets_another_name() {
    let two = Two::meet();
    for command in ["link set eth0 down", "link set eth0 name lan0", "link set lan0 up"] {
        two.hosts[0].ip(command).unwrap();
    }
    two.settle();
    two.are_together_after(Duration::ZERO);
}

pub(crate) fn ipv6_is_switched_off_and_on() {
    for ipv4 in [true, false] {
        let two = Two::meet();
        if !ipv4 {
            for host in &two.hosts {
                host.ip("-4 addr flush dev eth0").unwrap();
            }
            two.settle();
        }
        for value in ["1", "0"] {
            two.hosts[0].sysctl("net.ipv6.conf.all.disable_ipv6", value).unwrap();
            two.hosts[0].sysctl("net.ipv6.conf.eth0.disable_ipv6", value).unwrap();
            two.settle();
        }
        two.are_together_after(Duration::from_secs(2));
    }
}

/// The port of the mailbox is taken at an address that comes later.
pub(crate) fn the_port_is_taken_elsewhere() {
    let two = Two::meet();
    let [a, _] = &two.hosts;
    let far = Network::with_prefix([10, 78, 0]).unwrap();
    let c = far.host("c").unwrap();
    far.plug(a, "eth1").unwrap();
    a.ip("link set eth1 down").unwrap();
    a.ip("addr flush dev eth1").unwrap();
    until(Instant::now() + Duration::from_secs(2));
    a.add_address("eth1", [10, 78, 0, 7].into()).unwrap();
    let port = two.nodes[0].endpoint.rsplit(':').next().unwrap().parse::<u16>().unwrap();
    let taken = a.enter(|| TcpListener::bind(SocketAddr::from(([10, 78, 0, 7], port)))).unwrap();
    let _taken = taken.expect("the port is free there");
    a.sysctl("net.ipv6.conf.eth1.disable_ipv6", "1").unwrap();
    a.ip("link set eth1 up").unwrap();
    let third = start(&c, two.nodes[0].transcript());
    let (born, [first, _]) = (third.born, two.nodes);
    let pair = Pair { nodes: [first, third], within: AFTER_A_CHANGE };
    // One hears of it a moment before the other.
    pair.meet([born; 2]);
    pair.talk(100);
}

/// Two networks have the same subnet, and a host is on both. Its routes lead to one of them, so what
/// comes from the other cannot be answered, but its own connections get there.
pub(crate) fn two_networks_with_one_subnet() {
    let [near, far] = [0; 2].map(|_| Network::new().unwrap());
    for _ in 0..10 {
        far.next_address();
    }
    let (x, y) = (near.host("x").unwrap(), far.host("y").unwrap());
    let middle = near.host("middle").unwrap();
    far.plug(&middle, "eth1").unwrap();
    for (host, interface) in [(&x, "eth0"), (&y, "eth0"), (&middle, "eth0"), (&middle, "eth1")] {
        host.sysctl(&format!("net.ipv6.conf.{interface}.disable_ipv6"), "1").unwrap();
    }
    let transcript = Transcript::new();
    let mut first = start(&middle, &transcript);
    for host in [&x, &y] {
        let nodes = [first, start(host, &transcript)];
        let pair = Pair { nodes, within: SOON };
        pair.meet([pair.nodes[1].born; 2]);
        pair.talk(100);
        let [met, other] = pair.nodes;
        assert_eq!(other.story(&met.id, other.born), ["ENTER"]);
        first = met;
    }
}

/// Nothing but an IPv6 address that the host is not sure of yet.
pub(crate) fn an_address_is_not_sure_yet() {
    let network = Network::new().unwrap();
    let transcript = Transcript::new();
    let nodes = ["a", "b"].map(|name| {
        let host = network.host(name).unwrap();
        host.ip("-4 addr flush dev eth0").unwrap();
        Node::start(&host, &transcript, json!({ "interface": "eth0" }))
    });
    Pair { nodes, within: AFTER_A_CHANGE }.meet_first();
}

/// A beacon that a host far away sends to one node makes it connect to nobody; one to all on the
/// link does, of whatever family the address in it is.
pub(crate) fn forged_beacons() {
    let network = Network::new().unwrap();
    let [a, intruder] = ["a", "intruder"].map(|name| network.host(name).unwrap());
    for (host, number) in [(&a, 1), (&intruder, 2)] {
        host.ip(&format!("addr add fd00:77::{number}/64 dev eth0 nodad")).unwrap();
        link_local(host);
    }
    let _node = start(&a, &Transcript::new());
    let is_connected = |from: &str, to: &str| {
        let scope = if from.starts_with("fe80") { index(&intruder) } else { 0 };
        let here = |port| SocketAddrV6::new(from.parse().unwrap(), port, 0, scope);
        let open = || (TcpListener::bind(here(0)).unwrap(), UdpSocket::bind(here(0)).unwrap());
        let (mailbox, beacons) = intruder.enter(open).unwrap();
        mailbox.set_nonblocking(true).unwrap();
        let port = mailbox.local_addr().unwrap().port();
        let beacon = wire::beacon(1, PeerId::new([port as u8; 16]), port);
        let to = SocketAddrV6::new(to.parse().unwrap(), BEACON_PORT, 0, index(&intruder));
        beacons.send_to(&beacon, to).unwrap();
        let end = Instant::now() + Duration::from_secs(1);
        while Instant::now() < end {
            if mailbox.accept().is_ok() {
                return true;
            }
            until(Instant::now() + Duration::from_millis(10));
        }
        false
    };
    let own = link_local(&intruder).to_string();
    assert!(is_connected(&own, "ff02::1"));
    assert!(is_connected("fd00:77::2", "ff02::1"));
    assert!(!is_connected("fd00:77::2", "fd00:77::1"));
}

/// However many addresses an interface has, few are used.
pub(crate) fn many_addresses_take_few_descriptors() {
    let network = Network::new().unwrap();
    let host = network.host("a").unwrap();
    for number in 1..=100 {
        host.ip(&format!("addr add fd00:77::{number}/64 dev eth0 nodad")).unwrap();
        host.ip(&format!("addr add 10.{}.0.1/24 brd + dev eth0", number + 100)).unwrap();
    }
    let node = start(&host, &Transcript::new());
    let descriptors = node.usage().unwrap().descriptors;
    assert!(descriptors < 50, "{descriptors} descriptors");
}
