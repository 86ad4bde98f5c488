//! Interfaces that go, come, change their address, or are two.

use std::net::Ipv4Addr;
use std::time::Duration;

use serde_json::json;
use testkit::network::{Host, Network};

use crate::fault::{Fault, View};
use crate::node::Node;

/// The host has another address from one moment to the next, and the old one is gone.
pub(crate) fn changes_address() {
    let network = Network::new().unwrap();
    let hosts = ["a", "b", "c"].map(|name| network.host(name).unwrap());
    let nodes = hosts.each_ref().map(Node::start);
    let nodes = nodes.each_ref();
    let fault = Fault::among("address changes", &nodes);
    let new = change_address(&network, &hosts[2]);
    fault.over(&nodes, Duration::from_secs(10), (&[1, 1, 2], 3));
    assert_moved(nodes[2], new);
    for node in &nodes[..2] {
        // It says goodbye to its address, and dials: one of both comes first.
        let events = fault.events(node, &nodes[2].id);
        assert!(["EXIT restarted", "EXIT link lost"].contains(&&*events[0]), "{events:?}");
        assert_eq!(events[1..], ["ENTER", "JOIN"]);
        assert_eq!(fault.events(nodes[2], &node.id), ["EXIT link lost", "ENTER", "JOIN"]);
    }
}

/// The same while nobody says a word.
pub(crate) fn changes_address_in_silence() {
    let network = Network::new().unwrap();
    let hosts = ["a", "b", "c"].map(|name| network.host(name).unwrap());
    let nodes = hosts.each_ref().map(Node::start);
    let nodes = nodes.each_ref();
    let fault = Fault::in_silence("address changes in silence", &nodes);
    let new = change_address(&network, &hosts[2]);
    // Longer than it takes to meet again.
    fault.lasts(5);
    fault.over(&nodes, Duration::from_secs(5), (&[1, 1, 2], 3));
    assert_moved(nodes[2], new);
}

fn change_address(network: &Network, host: &Host) -> Ipv4Addr {
    let new = network.next_address();
    host.ip("addr flush dev eth0").unwrap();
    host.add_address("eth0", new).unwrap();
    new
}

fn assert_moved(node: &Node, to: Ipv4Addr) {
    let endpoint = node.ask("state")["endpoint"].clone();
    assert!(endpoint.as_str().unwrap().contains(&to.to_string()), "{endpoint}");
}

pub(crate) fn down_for_5_s() {
    down_and_up(5);
}

pub(crate) fn down_for_40_s() {
    down_and_up(40);
}

fn down_and_up(seconds: u64) {
    let network = Network::new().unwrap();
    let hosts = ["a", "b", "c"].map(|name| network.host(name).unwrap());
    let nodes = hosts.each_ref().map(Node::start);
    let nodes = nodes.each_ref();
    let fault = Fault::among(&format!("interface down for {seconds} s"), &nodes);
    hosts[2].ip("link set eth0 down").unwrap();
    nodes[1].join();
    fault.lasts(seconds);
    hosts[2].ip("link set eth0 up").unwrap();
    fault.over(&nodes, Duration::from_secs(20), (&[1, 1, 2], 3));
}

/// A node that was started without a network finds the others once there is one.
pub(crate) fn appears_late() {
    let network = Network::new().unwrap();
    let [a, b] = ["a", "b"].map(|name| network.host(name).unwrap());
    let late = Host::new("c").unwrap();
    let (a, b) = (Node::start(&a), Node::start(&b));
    let c = Node::start_with(&late, json!({ "interface": "*" }));
    assert_eq!(c.ask("state")["interface"], "lo");
    let fault = Fault::among("interface appears", &[&a, &b]);
    network.plug(&late, "eth0").unwrap();
    fault.over(&[&a, &b, &c], Duration::from_secs(10), (&[1, 1, 2], 3));
    assert_eq!(c.ask("state")["interface"], "eth0");
    assert_eq!(fault.events(&a, &c.id), ["ENTER", "JOIN"]);
}

/// A host on two networks, with a node on each that is kept to it: each finds the nodes of its
/// network. Both hear the beacons of both networks, for the port is the same, but what comes from
/// where a node does not live is nothing to it: nobody is told of one that cannot be reached.
pub(crate) fn two_interfaces() {
    let unreachable = two_networks("two interfaces", false, ["c", "d", "a", "b"]);
    assert_eq!(unreachable, [""; 0]);
}

/// The same where each node has to reach the other one.
pub(crate) fn two_interfaces_of_plain_nodes() {
    let unreachable = two_networks("two interfaces, plain", true, ["c", "d", "a", "b"]);
    assert_eq!(unreachable, [""; 0]);
}

/// Starts nodes a and b on two networks, c and d on the host between. Each must see exactly those
/// others of which it has the names. Returns who was said to be unreachable.
fn two_networks(title: &str, plain: bool, others: [&str; 4]) -> Vec<String> {
    const SECONDS: u64 = 15;
    let (left, right) = (Network::new().unwrap(), Network::with_prefix([10, 78, 0]).unwrap());
    let (a, b) = (left.host("a").unwrap(), right.host("b").unwrap());
    let both = left.host("both").unwrap();
    right.plug(&both, "eth1").unwrap();
    let places = [(&a, "a", "eth0"), (&b, "b", "eth0"), (&both, "c", "eth0"), (&both, "d", "eth1")];
    let nodes = places.map(|(host, name, interface)| {
        Node::start_with(host, json!({ "name": name, "interface": interface, "plain": plain }))
    });
    let nodes = nodes.each_ref();
    let fault = Fault::new(title);
    // Nobody who must not enter does so in this time.
    fault.lasts(SECONDS);
    let views = nodes.into_iter().zip(others).map(|(node, names)| {
        let others = nodes.into_iter().filter(|other| names.contains(&*other.name)).collect();
        View { node, others }
    });
    let views: Vec<_> = views.collect();
    // One that does not greet back is tried with pauses that grow.
    fault.over_for(&views, Duration::from_secs(5), (&[1; 4], 8));
    let mut told = Vec::new();
    for (at, of) in nodes.into_iter().flat_map(|at| nodes.map(|of| (at, of))) {
        let events = fault.events(at, &of.id);
        let whys = events.iter().filter_map(|event| event.strip_prefix("UNREACHABLE "));
        told.extend(whys.map(|why| format!("{} of {}: {why}", at.name, of.name)));
    }
    told
}
