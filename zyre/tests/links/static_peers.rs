//! Nodes without beacons, one of which knows where the other is.

use std::net::Ipv4Addr;
use std::process::Command;
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use testkit::network::{Host, Network};
use testkit::transcript::Transcript;

use crate::node::{CHOOSER, FOLLOWER, Node, until};
use crate::pair::Pair;

/// The port of every mailbox here.
const PORT: u16 = 50_000;

/// How soon a peer that is required is met, however long it was away.
const SOON: Duration = Duration::from_secs(3);

/// After this time without a word a peer is given up.
const EXPIRED: Duration = Duration::from_secs(4);

/// Two hosts, and their addresses.
fn hosts(network: &Network) -> [(Host, Ipv4Addr); 2] {
    ["a", "b"].map(|name| {
        let host = Host::new(name).unwrap();
        let address = network.plug(&host, "eth0").unwrap();
        (host, address)
    })
}

fn endpoint(address: Ipv4Addr) -> String {
    format!("tcp://{address}:{PORT}")
}

/// What a node is started with that may require the other.
fn settings(id: &str, require: &Value) -> Value {
    let expired = u64::try_from(EXPIRED.as_millis()).unwrap();
    json!({
        "id": id, "mailbox": PORT, "beacon": false, "require": require,
        "evasive": 1_000, "expired": expired,
    })
}

/// Two nodes on hosts `a` and `b`; what each of them requires follows from the other's host.
fn start(hosts: &[(Host, Ipv4Addr); 2], ids: [&str; 2], require: [Require; 2]) -> Pair {
    let transcript = Transcript::new();
    let nodes = [0, 1].map(|i| {
        let wanted = require[i](hosts[1 - i].1);
        Node::start(&hosts[i].0, &transcript, settings(ids[i], &wanted))
    });
    Pair { nodes, within: SOON }
}

/// What a node requires of one that has this address.
type Require = fn(Ipv4Addr) -> Value;

fn nobody(_: Ipv4Addr) -> Value {
    Value::Null
}

fn whoever_is_there(address: Ipv4Addr) -> Value {
    endpoint(address).into()
}

fn the_follower(address: Ipv4Addr) -> Value {
    json!([FOLLOWER, endpoint(address)])
}

/// The chooser requires the follower's endpoint.
pub(crate) fn partition_by_endpoint() {
    partition([whoever_is_there, nobody], 400);
}

/// The follower requires the chooser's endpoint.
pub(crate) fn partition_by_the_follower() {
    partition([nobody, whoever_is_there], 1_300);
}

/// Both require the other's endpoint.
pub(crate) fn partition_by_both() {
    partition([whoever_is_there; 2], 2_600);
}

/// The chooser requires the follower by its id.
pub(crate) fn partition_by_id() {
    partition([the_follower, nobody], 3_700);
}

/// The network falls in two for longer than a peer is waited for, by so many milliseconds, and heals.
fn partition(require: [Require; 2], longer: u64) {
    let network = Network::new().unwrap();
    let hosts = hosts(&network);
    let pair = start(&hosts, [CHOOSER, FOLLOWER], require);
    pair.meet_first();
    pair.talk(10);
    let marks = pair.nodes.each_ref().map(Node::mark);
    network.cut_off(&[&hosts[1].0]).unwrap();
    let began = Instant::now();
    let [a, b] = &pair.nodes;
    for (one, other, mark) in [(a, b, marks[0]), (b, a, marks[1])] {
        let exit = json!({ "event": "EXIT", "peer": other.id, "reason": "expired" });
        one.hears(mark, exit, 3 * EXPIRED);
    }
    until(began + 3 * EXPIRED + Duration::from_millis(longer));
    let marks = pair.nodes.each_ref().map(Node::mark);
    network.heal(&[&hosts[1].0]).unwrap();
    pair.meet(marks);
    pair.talk(10);
    pair.nodes.iter().for_each(Node::assert_nothing_wrong);
}

/// The chooser is behind a firewall that lets no connection in, and requires the other.
pub(crate) fn behind_a_firewall_chooser() {
    behind_a_firewall([CHOOSER, FOLLOWER]);
}

/// The follower is.
pub(crate) fn behind_a_firewall_follower() {
    behind_a_firewall([FOLLOWER, CHOOSER]);
}

fn behind_a_firewall(ids: [&str; 2]) {
    let network = Network::new().unwrap();
    let hosts = hosts(&network);
    hosts[0].0.drop_connections().unwrap();
    start(&hosts, ids, [whoever_is_there, nobody]).live();
}

/// The one that is required has another address, of which nobody tells the other one: it dials that
/// one itself, where it was.
pub(crate) fn the_required_one_moves() {
    for ids in [[CHOOSER, FOLLOWER], [FOLLOWER, CHOOSER]] {
        let network = Network::new().unwrap();
        let hosts = hosts(&network);
        let pair = start(&hosts, ids, [whoever_is_there, nobody]);
        pair.meet_first();
        pair.talk(10);
        let marks = pair.nodes.each_ref().map(Node::mark);
        let moving = &hosts[1].0;
        moving.ip("addr flush dev eth0 scope global").unwrap();
        moving.add_address("eth0", network.next_address()).unwrap();
        pair.meet(marks);
        pair.talk(10);
    }
}

/// Neither has a UDP socket, and each notices every end of the other.
pub(crate) fn without_udp() {
    let network = Network::new().unwrap();
    let hosts = hosts(&network);
    let mut pair = start(&hosts, [CHOOSER, FOLLOWER], [whoever_is_there, nobody]);
    pair.meet_first();
    for (host, _) in &hosts {
        for table in ["/proc/net/udp", "/proc/net/udp6"] {
            let mut list = Command::new("cat");
            list.arg(table);
            let listed = host.command(&list).output().unwrap().stdout;
            // The first line is that of the titles.
            assert_eq!(String::from_utf8(listed).unwrap().lines().count(), 1, "{table}");
        }
    }
    pair.live();
}
