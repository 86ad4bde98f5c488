//! Hosts that let no connection in.

use std::time::{Duration, Instant};

use serde_json::json;
use testkit::network::{Host, Network};
use testkit::transcript::Transcript;

use crate::node::{CHOOSER, FOLLOWER, Node, until};
use crate::pair::Pair;

/// How soon two nodes meet that hear each other's beacons.
const SOON: Duration = Duration::from_secs(2);

/// How long two that cannot reach each other must not meet: longer than connecting takes.
const NEVER: Duration = Duration::from_secs(25);

fn hosts(network: &Network) -> [Host; 2] {
    ["a", "b"].map(|name| network.host(name).unwrap())
}

pub(crate) fn chooser() {
    at_one(CHOOSER, FOLLOWER);
}

pub(crate) fn follower() {
    at_one(FOLLOWER, CHOOSER);
}

/// What is asked of the others holds where nothing is in the way.
pub(crate) fn nowhere() {
    let network = Network::new().unwrap();
    live(&hosts(&network), [CHOOSER, FOLLOWER]);
}

/// The node of the first id is behind a firewall.
fn at_one(inside: &str, outside: &str) {
    let network = Network::new().unwrap();
    let hosts = hosts(&network);
    hosts[0].drop_connections().unwrap();
    live(&hosts, [inside, outside]);
}

fn live(hosts: &[Host; 2], ids: [&str; 2]) {
    let transcript = Transcript::new();
    let start = |i: usize| Node::start(&hosts[i], &transcript, json!({ "id": ids[i] }));
    Pair { nodes: [start(0), start(1)], within: SOON }.live();
}

/// Both hear the other's beacons, and neither can reach the other.
pub(crate) fn at_both() {
    let network = Network::new().unwrap();
    let transcript = Transcript::new();
    let nodes = hosts(&network).map(|host| {
        host.drop_connections().unwrap();
        Node::start(&host, &transcript, json!({}))
    });
    let end = Instant::now() + NEVER;
    let [a, b] = &nodes;
    for (one, other) in [(a, b), (b, a)] {
        let unreachable = json!({ "event": "UNREACHABLE", "peer": other.id });
        let left = end.saturating_duration_since(Instant::now());
        one.hears(one.born, unreachable, left);
    }
    until(end);
    for (one, other) in [(a, b), (b, a)] {
        assert_eq!(one.story(&other.id, one.born), ["UNREACHABLE"]);
    }
}
