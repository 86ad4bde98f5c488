//! Interfaces that go, come, change their address, or are two.

use std::thread::sleep;
use std::time::Duration;

use serde_json::json;

use crate::fault::{Fault, settle};
use crate::network::Network;
use crate::node::Node;

/// The host has another address from one moment to the next, and the old one is gone.
pub(crate) fn changes_address() {
    address_changes("address changes", true);
}

/// The same while nobody says a word.
pub(crate) fn changes_address_in_silence() {
    address_changes("address changes in silence", false);
}

fn address_changes(title: &str, talking: bool) {
    let network = Network::new();
    let hosts = network.hosts(["a", "b", "c"]);
    let nodes = hosts.each_ref().map(Node::start);
    let nodes = nodes.each_ref();
    let fault =
        if talking { Fault::among(title, &nodes) } else { Fault::in_silence(title, &nodes) };
    let new = network.next_address();
    hosts[2].ip("addr flush dev eth0");
    hosts[2].set_address("eth0", new);
    fault.over(&nodes, Duration::from_secs(60), (&[1, 1, 2], 3));
    let endpoint = nodes[2].ask("state")["endpoint"].clone();
    assert!(endpoint.as_str().unwrap().contains(&new.to_string()), "{endpoint}");
}

pub(crate) fn down_for_5_s() {
    down_and_up(5);
}

pub(crate) fn down_for_40_s() {
    down_and_up(40);
}

fn down_and_up(seconds: u64) {
    let network = Network::new();
    let hosts = network.hosts(["a", "b", "c"]);
    let nodes = hosts.each_ref().map(Node::start);
    let nodes = nodes.each_ref();
    let fault = Fault::among(&format!("interface down for {seconds} s"), &nodes);
    hosts[2].ip("link set eth0 down");
    sleep(Duration::from_secs(seconds));
    hosts[2].ip("link set eth0 up");
    fault.over(&nodes, Duration::from_secs(20), (&[1, 1, 2], 3));
}

/// A node that was started without a network finds the others once there is one.
pub(crate) fn appears_late() {
    let network = Network::new();
    let [a, b] = network.hosts(["a", "b"]);
    let late = network.bare_host("c");
    let (a, b) = (Node::start(&a), Node::start(&b));
    let c = Node::start_with(&late, json!({ "interface": "*" }));
    assert_eq!(c.ask("state")["interface"], "lo");
    let fault = Fault::among("interface appears", &[&a, &b]);
    network.plug(&late, "eth0");
    fault.over(&[&a, &b, &c], Duration::from_secs(10), (&[1, 1, 2], 3));
    assert_eq!(c.ask("state")["interface"], "eth0");
    assert_eq!(fault.events(&a, &c.id), ["ENTER", "JOIN"]);
}

/// A host on two networks, with a node on each: each finds the nodes of its network, and no
/// other. They hear the beacons of both, for the port is the same.
pub(crate) fn two_interfaces() {
    let (left, right) = (Network::new(), Network::with_prefix([10, 78, 0]));
    let (a, b) = (left.host("a"), right.host("b"));
    let both = left.host("both");
    right.plug(&both, "eth1");
    let (a, b) = (Node::start(&a), Node::start(&b));
    let c = Node::start_with(&both, json!({ "name": "c", "interface": "eth0" }));
    let d = Node::start_with(&both, json!({ "name": "d", "interface": "eth1" }));
    let fault = Fault::new("two interfaces");
    sleep(Duration::from_secs(20));
    for node in [&a, &b, &c, &d] {
        println!("{} {}", node.name, node.ask("state"));
    }
    let _ = (fault, settle);
}
