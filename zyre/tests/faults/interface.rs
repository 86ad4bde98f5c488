//! Interfaces that go, come, change their address, or are two.

use std::net::Ipv4Addr;
use std::thread::sleep;
use std::time::Duration;

use serde_json::json;

use crate::fault::{Fault, View};
use crate::network::{Host, Network};
use crate::node::Node;

/// The host has another address from one moment to the next, and the old one is gone.
pub(crate) fn changes_address() {
    let network = Network::new();
    let hosts = network.hosts(["a", "b", "c"]);
    let nodes = hosts.each_ref().map(Node::start);
    let nodes = nodes.each_ref();
    let fault = Fault::among("address changes", &nodes);
    let new = change_address(&network, &hosts[2]);
    fault.over(&nodes, Duration::from_secs(75), (&[1, 1, 2], 3));
    assert_moved(nodes[2], new);
}

/// The same while nobody says a word: only the kernel can notice, by its keep-alive.
pub(crate) fn changes_address_in_silence() {
    let network = Network::new();
    let hosts = network.hosts(["a", "b", "c"]);
    let nodes = hosts.each_ref().map(Node::start);
    let nodes = nodes.each_ref();
    let fault = Fault::in_silence("address changes in silence", &nodes);
    let new = change_address(&network, &hosts[2]);
    sleep(Duration::from_secs(35));
    fault.over(&nodes, Duration::from_secs(10), (&[1, 1, 2], 3));
    assert_moved(nodes[2], new);
}

fn change_address(network: &Network, host: &Host) -> Ipv4Addr {
    let new = network.next_address();
    host.ip("addr flush dev eth0");
    host.set_address("eth0", new);
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
    let network = Network::new();
    let hosts = network.hosts(["a", "b", "c"]);
    let nodes = hosts.each_ref().map(Node::start);
    let nodes = nodes.each_ref();
    let fault = Fault::among(&format!("interface down for {seconds} s"), &nodes);
    hosts[2].ip("link set eth0 down");
    nodes[1].join();
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

/// A host on two networks, with a node on each: each finds the nodes of its network, and both
/// find each other. They hear the beacons of both networks, for the port is the same; those of
/// the other one can be reached by them, but cannot answer: they must not enter.
pub(crate) fn two_interfaces() {
    const SECONDS: u64 = 15;
    let (left, right) = (Network::new(), Network::with_prefix([10, 78, 0]));
    let (a, b) = (left.host("a"), right.host("b"));
    let both = left.host("both");
    right.plug(&both, "eth1");
    let (a, b) = (Node::start(&a), Node::start(&b));
    let c = Node::start_with(&both, json!({ "name": "c", "interface": "eth0" }));
    let d = Node::start_with(&both, json!({ "name": "d", "interface": "eth1" }));
    let fault = Fault::new("two interfaces");
    sleep(Duration::from_secs(SECONDS));
    let view = |node, others| View { node, others };
    let views =
        [view(&a, vec![&c]), view(&b, vec![&d]), view(&c, vec![&a, &d]), view(&d, vec![&b, &c])];
    // One attempt with each beacon of the one that does not answer.
    fault.over_for(&views, Duration::from_secs(5), (&[1; 4], SECONDS + 12));
}
