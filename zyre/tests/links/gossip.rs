//! Nodes without beacons, which find each other through a gossip hub.

use std::process::Command;
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use testkit::network::{Host, Network};
use testkit::transcript::Transcript;

use crate::node::{CHOOSER, FOLLOWER, Node, until};
use crate::pair::Pair;

/// How soon two nodes meet that a hub tells of each other.
const SOON: Duration = Duration::from_secs(3);

/// How soon all is well again when a partition has ended.
const HEALED: Duration = Duration::from_secs(3);

/// When a node of these tests gives up another that it does not hear, in ms.
const EXPIRED: u64 = 1200;

const PORT: u16 = 5999;

fn client(id: &str, hub: &str) -> Value {
    json!({ "id": id, "beacon": false, "gossip_connect": format!("tcp://{hub}:{PORT}") })
}

fn hub() -> Value {
    json!({ "interface": "*", "beacon": false, "gossip_listen": format!("0.0.0.0:{PORT}") })
}

/// Two networks with a router between them, through which no broadcast goes: the hub's host.
/// One of the hosts may let nothing in.
fn apart(firewalled: Option<usize>) {
    let (near, far) = (Network::new().unwrap(), Network::with_prefix([10, 78, 0]).unwrap());
    let [a, b] = [near.host("a").unwrap(), far.host("b").unwrap()];
    let router = near.host("router").unwrap();
    far.plug(&router, "eth1").unwrap();
    let gateways = ["eth0", "eth1"].map(|interface| address_of(&router, interface));
    router.sysctl("net.ipv4.ip_forward", "1").unwrap();
    a.ip(&format!("route add default via {}", gateways[0])).unwrap();
    b.ip(&format!("route add default via {}", gateways[1])).unwrap();
    if let Some(firewalled) = firewalled {
        [&a, &b][firewalled].drop_connections().unwrap();
    }
    let transcript = Transcript::new();
    let middle = Node::start(&router, &transcript, hub());
    let a = Node::start(&a, &transcript, client(CHOOSER, &gateways[0]));
    let b = Node::start(&b, &transcript, client(FOLLOWER, &gateways[1]));
    for node in [&a, &b] {
        node.meets(&middle.id, node.born, SOON);
        middle.meets(&node.id, middle.born, SOON);
    }
    let pair = Pair { nodes: [a, b], within: SOON };
    pair.meet_first();
    pair.talk(100);
}

/// The address of a host on an interface.
fn address_of(host: &Host, interface: &str) -> String {
    let mut show = Command::new("ip");
    show.args(["-4", "-o", "addr", "show", interface]);
    let output = host.command(&show).output().unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    let (_, rest) = text.split_once("inet ").unwrap();
    rest.split('/').next().unwrap().to_owned()
}

pub(crate) fn two_networks() {
    apart(None);
}

pub(crate) fn two_networks_and_a_firewall_at_the_chooser() {
    apart(Some(0));
}

pub(crate) fn two_networks_and_a_firewall_at_the_follower() {
    apart(Some(1));
}

/// One of three is cut off for longer than the others believe that it lives. No beacon tells of it
/// when it is back.
pub(crate) fn a_partition() {
    let network = Network::new().unwrap();
    let hosts = ["hub", "a", "b"].map(|name| network.host(name).unwrap());
    let at = address_of(&hosts[0], "eth0");
    let transcript = Transcript::new();
    let quick = |mut settings: Value| {
        settings["evasive"] = (EXPIRED / 2).into();
        settings["expired"] = EXPIRED.into();
        settings
    };
    let nodes = [
        Node::start(&hosts[0], &transcript, quick(hub())),
        Node::start(&hosts[1], &transcript, quick(client(CHOOSER, &at))),
        Node::start(&hosts[2], &transcript, quick(client(FOLLOWER, &at))),
    ];
    let pairs = [(0, 1), (1, 0), (0, 2), (2, 0), (1, 2), (2, 1)];
    for (one, other) in pairs {
        nodes[one].meets(&nodes[other].id, nodes[one].born, SOON);
    }
    for cut_for in [Duration::from_secs(4), Duration::from_secs(20)] {
        let mark = nodes[0].mark();
        network.cut_off(&[&hosts[2]]).unwrap();
        let end = Instant::now() + cut_for;
        for (one, other) in pairs.into_iter().filter(|(one, other)| *one == 2 || *other == 2) {
            let exit = json!({ "event": "EXIT", "peer": nodes[other].id });
            nodes[one].hears(mark, exit, SOON);
        }
        until(end);
        let mark = nodes[0].mark();
        network.heal(&[&hosts[2]]).unwrap();
        let healed = Instant::now();
        for (one, other) in pairs.into_iter().filter(|(one, other)| *one == 2 || *other == 2) {
            let left = HEALED.saturating_sub(healed.elapsed());
            nodes[one].meets(&nodes[other].id, mark, left);
        }
        println!("healed after {} ms", healed.elapsed().as_millis());
    }
    // The others have not noticed.
    assert_eq!(nodes[0].story(&nodes[1].id, nodes[0].born), ["ENTER"]);
}

/// A client has another address, and lets nobody in: only the hub can tell it of a newcomer.
pub(crate) fn a_client_that_moves() {
    let network = Network::new().unwrap();
    let [at_hub, moving, new] = ["hub", "moving", "new"].map(|name| network.host(name).unwrap());
    moving.drop_connections().unwrap();
    let at = address_of(&at_hub, "eth0");
    let transcript = Transcript::new();
    let middle = Node::start(&at_hub, &transcript, hub());
    let mut settings = client(CHOOSER, &at);
    settings["interface"] = "*".into();
    let moving_node = Node::start(&moving, &transcript, settings);
    moving_node.meets(&middle.id, moving_node.born, SOON);
    moving.ip("addr flush dev eth0 scope global").unwrap();
    moving.add_address("eth0", network.next_address()).unwrap();
    let newcomer = Node::start(&new, &transcript, client(FOLLOWER, &at));
    moving_node.meets(&newcomer.id, newcomer.born, SOON);
    newcomer.meets(&moving_node.id, newcomer.born, SOON);
}
