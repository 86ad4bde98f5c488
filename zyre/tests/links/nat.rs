//! Nodes behind home routers, which are told of a node outside.

use std::net::Ipv4Addr;
use std::time::{Duration, Instant};

use serde_json::json;
use testkit::network::{Home, Host, Network};
use testkit::transcript::Transcript;
use testkit::wait::DEADLINE;

use crate::node::{CHOOSER, FOLLOWER, Node, until};
use crate::pair::Pair;

/// The port of every mailbox here.
const PORT: u16 = 50_000;

/// How soon a required peer is met, also if the last attempt has just failed.
const SOON: Duration = Duration::from_secs(5);

/// Longer than it takes to replace a peer that is not.
const CALM: Duration = Duration::from_secs(3);

/// A network with a host outside of all homes, and its address.
fn outside() -> (Network, Host, Ipv4Addr) {
    let network = Network::with_prefix([10, 78, 0]).unwrap();
    let host = Host::new("out").unwrap();
    let address = network.plug(&host, "eth0").unwrap();
    (network, host, address)
}

/// A node on that host that can be required.
fn start_outside(host: &Host, id: &str) -> Node {
    Node::start(host, &Transcript::new(), json!({ "id": id, "mailbox": PORT }))
}

/// A node in a home that requires the one at this address.
fn start_in(home: &Home, id: &str, requires: (&Node, Ipv4Addr)) -> Node {
    let (node, address) = requires;
    let require = json!([node.id, format!("tcp://{address}:{PORT}")]);
    let settings = json!({ "id": id, "mailbox": PORT, "require": require });
    Node::start(&home.host, node.transcript(), settings)
}

pub(crate) fn chooser() {
    behind_a_router(CHOOSER, FOLLOWER);
}

pub(crate) fn follower() {
    behind_a_router(FOLLOWER, CHOOSER);
}

/// The node of the first id is behind the router.
fn behind_a_router(inside_id: &str, outside_id: &str) {
    let (network, host, address) = outside();
    let home = network.home("in").unwrap();
    let outer = start_outside(&host, outside_id);
    let inner = start_in(&home, inside_id, (&outer, address));
    Pair { nodes: [inner, outer], within: SOON }.live();
}

/// Two hosts in different homes have the same address, and mailboxes at the same port: for the
/// node outside they are two.
pub(crate) fn two_alike() {
    const MIDDLE: &str = "88888888000040008000000000000003";
    let (network, host, address) = outside();
    let homes = ["in1", "in2"].map(|name| network.home(name).unwrap());
    let outer = start_outside(&host, MIDDLE);
    // One of them is the chooser, the other the follower.
    let ids = [CHOOSER, FOLLOWER];
    let [one, other] = [0, 1].map(|i| start_in(&homes[i], ids[i], (&outer, address)));
    assert_eq!(one.endpoint, other.endpoint, "they are told apart by their ids only");
    let nodes = [&one, &other];
    for inner in nodes {
        outer.meets(&inner.id, outer.born, SOON);
        inner.meets(&outer.id, inner.born, SOON);
    }
    let end = Instant::now() + CALM;
    talk_all(&outer, nodes);
    until(end);
    talk_all(&outer, nodes);
    for inner in nodes {
        assert_eq!(outer.story(&inner.id, outer.born), ["ENTER"]);
        assert_eq!(inner.story(&outer.id, inner.born), ["ENTER"]);
    }
}

/// Messages go from the outer node to both and back, all at the same time.
fn talk_all(outer: &Node, inner: [&Node; 2]) {
    let mark = outer.mark();
    let marks = inner.map(|node| {
        outer.tell(&format!("send {} 1000 100", node.id)).unwrap();
        node.tell(&format!("send {} 1000 100", outer.id)).unwrap()
    });
    let last = |of: &Node| json!({ "event": "last", "peer": of.id, "count": 1000 });
    for (node, inner_mark) in inner.into_iter().zip(marks) {
        outer.hears(mark, last(node), DEADLINE);
        node.hears(inner_mark, last(outer), DEADLINE);
        node.assert_nothing_wrong();
    }
    outer.assert_nothing_wrong();
}

/// Both are in homes, one of which lets connections in by a forwarded port: each has the endpoint
/// that the other believes to be its own.
pub(crate) fn with_the_own_endpoint() {
    let network = Network::with_prefix([10, 78, 0]).unwrap();
    let homes = ["in", "out"].map(|name| network.home(name).unwrap());
    homes[1].router.forward_port("wan", PORT, Home::ADDRESS).unwrap();
    let outer = start_outside(&homes[1].host, CHOOSER);
    let inner = start_in(&homes[0], FOLLOWER, (&outer, homes[1].outside));
    assert_eq!(inner.endpoint, outer.endpoint);
    let pair = Pair { nodes: [inner, outer], within: SOON };
    pair.meet_first();
    let marks = pair.nodes.each_ref().map(Node::mark);
    let end = Instant::now() + CALM;
    pair.talk(1000);
    until(end);
    pair.talk(10);
    pair.assert_calm_since(marks);
}
