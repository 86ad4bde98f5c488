//! Hosts on several networks, and of both families: who can reach each other meet, and stay
//! together while networks come and go.

use std::time::{Duration, Instant};

use serde_json::{Value, json};
use testkit::network::{Host, Network};
use testkit::transcript::Transcript;

use crate::node::{CHOOSER, FOLLOWER, Node, until};
use crate::pair::Pair;

/// How soon two nodes meet that hear each other's beacons.
const SOON: Duration = Duration::from_secs(2);

/// How soon everybody knows everybody after addresses have changed.
const AFTER_A_CHANGE: Duration = Duration::from_secs(3);

/// How soon two that share another network are together again: 800 ms of it they wait whether the
/// one that they have lost answers. The rest is for a busy machine: what it takes is printed.
const FAIL_OVER: Duration = Duration::from_secs(3);

/// Long enough for two to meet that should not.
const LONG_ENOUGH: Duration = Duration::from_secs(5);

/// A host has its IPv6 address about a second after its interface: so long it makes sure that
/// nobody else has it.
const ADDRESS_IS_SURE: Duration = Duration::from_secs(3);

fn everywhere() -> Value {
    json!({ "interface": "*" })
}

/// Both nodes know each other, within this time from now on, and talk.
fn meet(a: Node, b: Node, within: Duration) -> [Node; 2] {
    let pair = Pair { nodes: [a, b], within };
    pair.meet_first();
    pair.talk(100);
    pair.nodes
}

/// A host between two networks meets both, and each of them hears of an address of its own
/// network.
pub(crate) fn between_two() {
    for two_way in [true, false] {
        let (near, far) = (Network::new().unwrap(), Network::with_prefix([10, 78, 0]).unwrap());
        let middle = near.host("middle").unwrap();
        far.plug(&middle, "eth1").unwrap();
        let transcript = Transcript::new();
        let mut middle = Node::start(&middle, &transcript, everywhere());
        for (network, name, prefix) in [(&near, "near", "10.77.0."), (&far, "far", "10.78.0.")] {
            let host = network.host(name).unwrap();
            let settings = json!({ "interface": "*", "two_way": two_way });
            let other = Node::start(&host, &transcript, settings);
            let [met, other] = meet(middle, other, SOON);
            middle = met;
            let heard = other.hears(other.born, json!({ "event": "ENTER" }), SOON).report;
            let text = heard["text"].as_str().unwrap();
            assert!(text.contains(&format!("tcp://{prefix}")), "{name}: {text}");
            assert_eq!(other.story(&middle.id, other.born), ["ENTER"]);
            assert_eq!(middle.story(&other.id, middle.born), ["ENTER"]);
        }
    }
}

/// Two hosts on the same two networks are one peer each to the other. Taken down at one of them, the
/// network on which they have met is left for the other one.
pub(crate) fn fail_over() {
    let (near, far) = (Network::new().unwrap(), Network::with_prefix([10, 78, 0]).unwrap());
    let hosts = ["a", "b"].map(|name| near.host(name).unwrap());
    for host in &hosts {
        far.plug(host, "eth1").unwrap();
        // An IPv4 address says by which network they have met.
        for interface in ["eth0", "eth1"] {
            host.sysctl(&format!("net.ipv6.conf.{interface}.disable_ipv6"), "1").unwrap();
        }
    }
    let transcript = Transcript::new();
    let [a, b] = hosts.each_ref().map(|host| Node::start(host, &transcript, everywhere()));
    let [a, b] = meet(a, b, SOON);
    // Both have heard of the second network.
    until(Instant::now() + SOON);
    for (one, other) in [(&a, &b), (&b, &a)] {
        assert_eq!(one.story(&other.id, one.born), ["ENTER"], "one peer, by both networks");
    }
    a.tell(&format!("stream {} 100", b.id)).unwrap();
    let met = b.hears(b.born, json!({ "event": "ENTER" }), SOON).report;
    let used =
        if met["text"].as_str().unwrap().contains("tcp://10.77.0.") { "eth0" } else { "eth1" };
    let marks = [a.mark(), b.mark()];
    hosts[0].ip(&format!("link set {used} down")).unwrap();
    let began = Instant::now();
    let again = |node: &Node, mark, peer: &str| {
        node.hears(mark, json!({ "event": "EXIT", "peer": peer }), FAIL_OVER);
        node.meets(peer, mark, FAIL_OVER.saturating_sub(began.elapsed()));
    };
    again(&a, marks[0], &b.id);
    again(&b, marks[1], &a.id);
    println!("fail-over: {} ms", began.elapsed().as_millis());
    for node in [&a, &b] {
        node.assert_nothing_wrong();
    }
    Pair { nodes: [a, b], within: SOON }.talk(100);
}

/// Hosts without an IPv4 address meet by the addresses that each has by itself.
pub(crate) fn ipv6_only() {
    for two_way in [true, false] {
        let network = Network::new().unwrap();
        let hosts = ["a", "b"].map(|name| ipv6_host(&network, name));
        until(Instant::now() + ADDRESS_IS_SURE);
        let transcript = Transcript::new();
        let settings = || json!({ "interface": "*", "two_way": two_way });
        let [a, b] = hosts.each_ref().map(|host| Node::start(host, &transcript, settings()));
        assert!(a.endpoint.starts_with("tcp://[fe80::"), "{}", a.endpoint);
        let [a, b] = meet(a, b, SOON);
        for (one, other) in [(&a, &b), (&b, &a)] {
            assert_eq!(one.story(&other.id, one.born), ["ENTER"]);
        }
    }
}

/// A node that starts before its host has any address that can be used has one soon.
pub(crate) fn before_an_address() {
    let network = Network::new().unwrap();
    let hosts = ["a", "b"].map(|name| ipv6_host(&network, name));
    let transcript = Transcript::new();
    let [a, b] = hosts.each_ref().map(|host| Node::start(host, &transcript, everywhere()));
    let [a, _b] = meet(a, b, ADDRESS_IS_SURE + SOON);
    let endpoint = a.ask("where")["endpoint"].as_str().unwrap().to_owned();
    assert!(endpoint.starts_with("tcp://[fe80::"), "{endpoint}");
}

/// A host of one family does not meet one of the other, not even half; one of both meets both.
pub(crate) fn families() {
    let network = Network::new().unwrap();
    let v4 = network.host("v4").unwrap();
    v4.sysctl("net.ipv6.conf.eth0.disable_ipv6", "1").unwrap();
    let v6 = ipv6_host(&network, "v6");
    let both = network.host("both").unwrap();
    until(Instant::now() + ADDRESS_IS_SURE);
    let transcript = Transcript::new();
    let [v4, v6, both] = [&v4, &v6, &both].map(|host| Node::start(host, &transcript, everywhere()));
    let [both, v4] = meet(both, v4, SOON);
    let [both, v6] = meet(both, v6, SOON);
    until(Instant::now() + LONG_ENOUGH);
    assert!(v4.story(&v6.id, v4.born).is_empty() && v6.story(&v4.id, v6.born).is_empty());
    for other in [&v4, &v6] {
        assert_eq!(both.story(&other.id, both.born), ["ENTER"]);
        assert_eq!(other.story(&both.id, other.born), ["ENTER"]);
    }
}

/// A host with an address that it has given itself, and no other.
fn ipv6_host(network: &Network, name: &str) -> Host {
    let host = network.host(name).unwrap();
    host.ip("-4 addr flush dev eth0").unwrap();
    host
}

/// A host that lets no connection in also hears of addresses that it cannot answer: it dials the
/// one that it can, and does not wait for the others.
pub(crate) fn heard_by_the_wrong_family() {
    let (near, far) = (Network::new().unwrap(), Network::with_prefix([10, 78, 0]).unwrap());
    let [a, b] = ["a", "b"].map(|name| near.host(name).unwrap());
    for host in [&a, &b] {
        far.plug(host, "eth1").unwrap();
    }
    a.drop_connections().unwrap();
    a.ip("-4 addr flush dev eth1").unwrap();
    b.ip("link set eth0 down").unwrap();
    b.add_address("eth1", [10, 79, 0, 1].into()).unwrap();
    until(Instant::now() + ADDRESS_IS_SURE);
    let transcript = Transcript::new();
    let [a, b] = [&a, &b].map(|host| Node::start(host, &transcript, everywhere()));
    meet(a, b, SOON);
}

/// The address of a host changes, with IPv6 and without: soon everybody knows everybody, and
/// messages arrive.
pub(crate) fn an_address_changes() {
    for ipv6 in [true, false] {
        let network = Network::new().unwrap();
        let hosts = network.hosts(&["a", "b", "c"]).unwrap();
        if ipv6 {
            until(Instant::now() + ADDRESS_IS_SURE);
        } else {
            for host in &hosts {
                host.sysctl("net.ipv6.conf.eth0.disable_ipv6", "1").unwrap();
            }
        }
        let transcript = Transcript::new();
        let start = |host| Node::start(host, &transcript, everywhere());
        let nodes: Vec<Node> = hosts.iter().map(start).collect();
        all_know_all(&nodes, SOON);
        let address = network.next_address();
        hosts[0].ip("-4 addr flush dev eth0").unwrap();
        hosts[0].add_address("eth0", address).unwrap();
        until(Instant::now() + AFTER_A_CHANGE);
        all_know_all(&nodes, Duration::ZERO);
        let [a, b, _c] = <[Node; 3]>::try_from(nodes).ok().unwrap();
        let moved = a.ask("where")["endpoint"].as_str().unwrap().to_owned();
        assert!(moved.contains(&address.to_string()), "{moved}");
        let twice = a.reports(a.born, &json!({ "event": "IDINUSE" }));
        assert!(twice.is_empty(), "it takes itself for another: {}", twice[0].report);
        Pair { nodes: [a, b], within: SOON }.talk(100);
    }
}

/// The same where the others let no connection in: they have to find out by themselves that their
/// connections lead nowhere, and dial.
pub(crate) fn an_address_changes_before_firewalls() {
    for ids in [[CHOOSER, FOLLOWER], [FOLLOWER, CHOOSER]] {
        for ipv6 in [true, false] {
            let network = Network::new().unwrap();
            let hosts = network.hosts(&["a", "b"]).unwrap();
            hosts[1].drop_connections().unwrap();
            let disable_ipv6 = |disabled: &str| {
                for host in &hosts {
                    host.sysctl("net.ipv6.conf.eth0.disable_ipv6", disabled).unwrap();
                }
            };
            // They meet by IPv4.
            disable_ipv6("1");
            let transcript = Transcript::new();
            let start = |place: usize| {
                let settings = json!({ "interface": "*", "id": ids[place] });
                Node::start(&hosts[place], &transcript, settings)
            };
            let nodes = meet(start(0), start(1), SOON);
            if ipv6 {
                disable_ipv6("0");
            }
            until(Instant::now() + ADDRESS_IS_SURE);
            let mark = nodes[1].mark();
            let address = network.next_address();
            hosts[0].ip("-4 addr flush dev eth0").unwrap();
            hosts[0].add_address("eth0", address).unwrap();
            nodes[1].meets(&nodes[0].id, mark, AFTER_A_CHANGE);
            all_know_all(&nodes, SOON);
            println!("met again after {} ms", mark.at.elapsed().as_millis());
            Pair { nodes, within: SOON }.talk(100);
        }
    }
}

/// Each of these has all others as its peers, within this time from now on.
fn all_know_all(nodes: &[Node], within: Duration) {
    let end = Instant::now() + within;
    loop {
        let known = |node: &Node| node.ask("where")["peers"].as_u64().unwrap();
        let counts: Vec<u64> = nodes.iter().map(known).collect();
        if counts.iter().all(|count| *count + 1 == nodes.len() as u64) {
            return;
        }
        assert!(Instant::now() < end, "peers of each: {counts:?}");
        until(Instant::now() + Duration::from_millis(20));
    }
}

/// A host has two interfaces on one network, and others send to the one what is meant for the other,
/// as they may: it answers by either for both, also if one has no address. Whoever dials, and
/// however many connections that takes, they meet and stay together.
pub(crate) fn two_interfaces_on_one_network() {
    for (two_way, bare) in [(true, false), (false, false), (true, true), (false, true)] {
        let network = Network::new().unwrap();
        let [a, b] = ["a", "b"].map(|name| network.host(name).unwrap());
        network.plug(&a, "eth1").unwrap();
        for (host, interface) in [(&a, "eth0"), (&a, "eth1"), (&b, "eth0")] {
            host.sysctl(&format!("net.ipv6.conf.{interface}.disable_ipv6"), "1").unwrap();
        }
        if bare {
            a.ip("addr flush dev eth1").unwrap();
        }
        for (interface, number) in [("eth0", 1), ("eth1", 3)] {
            a.ip(&format!("link set {interface} address 02:00:00:00:00:0{number}")).unwrap();
        }
        for (address, number) in [("10.77.0.1", 3), ("10.77.0.3", 1)] {
            let entry = format!("{address} lladdr 02:00:00:00:00:0{number} dev eth0 nud permanent");
            b.ip(&format!("neigh replace {entry}")).unwrap();
        }
        // It has to dial, also where one connection is enough.
        if two_way {
            a.drop_connections().unwrap();
        }
        let transcript = Transcript::new();
        let settings = || json!({ "interface": "*", "two_way": two_way });
        let [a, b] = [&a, &b].map(|host| Node::start(host, &transcript, settings()));
        let [a, b] = meet(a, b, SOON);
        until(Instant::now() + LONG_ENOUGH);
        for (one, other) in [(&a, &b), (&b, &a)] {
            assert_eq!(one.story(&other.id, one.born), ["ENTER"]);
        }
    }
}

/// An interface that is down is not lived on, and one that comes up is.
pub(crate) fn a_dead_interface() {
    let (near, far) = (Network::new().unwrap(), Network::with_prefix([10, 78, 0]).unwrap());
    let [a, b] = ["a", "b"].map(|name| near.host(name).unwrap());
    for host in [&a, &b] {
        host.ip("link set eth0 down").unwrap();
        far.plug(host, "eth1").unwrap();
    }
    let c = near.host("c").unwrap();
    let transcript = Transcript::new();
    let start = |host| Node::start(host, &transcript, everywhere());
    let [first, second, third] = [&a, &b, &c].map(start);
    assert!(first.endpoint.starts_with("tcp://10.78.0."), "{}", first.endpoint);
    let [first, _second] = meet(first, second, SOON);
    let mark = first.mark();
    a.ip("link set eth0 up").unwrap();
    first.meets(&third.id, mark, AFTER_A_CHANGE);
    third.meets(&first.id, third.born, AFTER_A_CHANGE);
}

/// A host that is only one hop of a subnet away, by its second address.
pub(crate) fn a_second_address() {
    for two_way in [true, false] {
        let network = Network::new().unwrap();
        let [a, b] = ["a", "b"].map(|name| network.host(name).unwrap());
        for host in [&a, &b] {
            host.sysctl("net.ipv6.conf.eth0.disable_ipv6", "1").unwrap();
        }
        a.add_address("eth0", [10, 79, 0, 1].into()).unwrap();
        b.ip("-4 addr flush dev eth0").unwrap();
        b.add_address("eth0", [10, 79, 0, 2].into()).unwrap();
        let transcript = Transcript::new();
        let settings = || json!({ "interface": "*", "two_way": two_way });
        let [a, b] = [&a, &b].map(|host| Node::start(host, &transcript, settings()));
        meet(a, b, SOON);
    }
}

/// Two hosts run a node of the same id, with the same port and with another one: both are told of
/// it, once. A third host on which nothing is wrong is not.
pub(crate) fn an_id_that_is_used_twice() {
    for mailbox in [50_000, 50_001] {
        let network = Network::new().unwrap();
        let hosts = network.hosts(&["a", "b", "c"]).unwrap();
        for host in &hosts {
            host.sysctl("net.ipv6.conf.eth0.disable_ipv6", "1").unwrap();
        }
        let transcript = Transcript::new();
        let start = |place: usize, settings| Node::start(&hosts[place], &transcript, settings);
        let a = start(0, json!({ "id": FOLLOWER, "mailbox": 50_000 }));
        let c = start(2, json!({}));
        c.meets(&a.id, c.born, SOON);
        let b = start(1, json!({ "id": FOLLOWER, "mailbox": mailbox }));
        let told = json!({ "event": "IDINUSE" });
        for (one, other) in [(&a, &b), (&b, &a)] {
            let heard = one.hears(a.born, told.clone(), SOON).report;
            assert!(heard["text"].as_str().unwrap().contains(&other.endpoint), "{heard}");
        }
        until(Instant::now() + SOON);
        for (node, count) in [(&a, 1), (&b, 1), (&c, 0)] {
            assert_eq!(node.reports(node.born, &told).len(), count, "all:\n{transcript}");
        }
    }
}
