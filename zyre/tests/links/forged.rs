//! What others say in a peer's name while much is on its way to it, so that it cannot answer soon.

use std::io::{Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpStream, UdpSocket};

use serde_json::json;
use testkit::network::{Host, Network};
use testkit::transcript::Transcript;
use testkit::wait::DEADLINE;
use testkit::wire::{self, Hello};
use zyre::{BEACON_PORT, Endpoint, PeerId};

use crate::node::Node;
use crate::pair::Pair;

const MIB: u64 = 1 << 20;
const COUNT: u64 = 16;

/// The line takes seven seconds for that.
const KILOBITS: u32 = 20_000;

/// A node that does not exist.
const STRANGER: PeerId = PeerId::new([0xAB; 16]);

/// The property of READY by which a node says that it takes both directions on one connection.
const TWO_WAY: &str = "X-ZRE-Two-Way";

/// What is said in the names of both nodes.
#[derive(Clone, Copy)]
enum Forgery {
    /// Goodbye, by beacons.
    Goodbye,
    /// That another node has the endpoint, by beacons.
    Neighbour,
    /// Connections to the other node.
    Connections,
}

pub(crate) fn goodbye() {
    while_16_mib_are_under_way(&[Forgery::Goodbye]);
}

pub(crate) fn neighbour() {
    while_16_mib_are_under_way(&[Forgery::Neighbour]);
}

pub(crate) fn connections() {
    while_16_mib_are_under_way(&[Forgery::Connections]);
}

pub(crate) fn all_at_once() {
    while_16_mib_are_under_way(&[Forgery::Goodbye, Forgery::Neighbour, Forgery::Connections]);
}

/// Messages of 1 MiB go from `a` to `b`. Meanwhile a third host, and processes on the hosts of
/// both, speak in their names.
fn while_16_mib_are_under_way(forgeries: &[Forgery]) {
    let network = Network::new().unwrap();
    let hosts = ["a", "b", "intruder"].map(|name| network.host(name).unwrap());
    hosts[0].limit_rate("eth0", KILOBITS).unwrap();
    let transcript = Transcript::new();
    let nodes = [&hosts[0], &hosts[1]].map(|host| Node::start(host, &transcript, json!({})));
    let pair = Pair { nodes, within: DEADLINE };
    pair.meet_first();
    let marks = pair.nodes.each_ref().map(Node::mark);
    let [a, b] = &pair.nodes;
    a.tell(&format!("send {} {COUNT} {MIB}", b.id)).unwrap();
    // Held open until the end.
    let mut open = Vec::new();
    for (number, host) in [(1, &hosts[2]), (4, &hosts[1]), (7, &hosts[0])] {
        b.hears(marks[1], json!({ "event": "message", "number": number }), DEADLINE);
        for (peer, victim) in [(a, b), (b, a)] {
            let (id, mailbox) = known(peer);
            for forgery in forgeries {
                match forgery {
                    Forgery::Goodbye => broadcast(host, &wire::beacon(1, id, 0)),
                    Forgery::Neighbour => {
                        broadcast(host, &wire::beacon(1, STRANGER, mailbox.port()));
                    }
                    Forgery::Connections => open.extend(connections_from(host, peer, victim)),
                }
            }
        }
    }
    let last = b.hears(marks[1], json!({ "event": "last", "peer": a.id }), DEADLINE);
    assert_eq!(last.report["count"], COUNT);
    assert_eq!(last.report["bytes"], COUNT * MIB);
    pair.talk(100);
    b.assert_nothing_wrong();
    pair.assert_calm_since(marks);
}

/// Sends a beacon to all nodes.
fn broadcast(host: &Host, beacon: &[u8]) {
    const NETWORK: Ipv4Addr = Ipv4Addr::new(10, 77, 0, 255);
    let socket = host.enter(|| UdpSocket::bind((Ipv4Addr::UNSPECIFIED, 0))).unwrap().unwrap();
    socket.set_broadcast(true).unwrap();
    // The line may lose one.
    for _ in 0..3 {
        socket.send_to(beacon, (NETWORK, BEACON_PORT)).unwrap();
    }
}

/// Connects to the victim in the peer's name: as a node that takes one connection each way and
/// says HELLO, and as one that takes both on one, which says HELLO or waits for it.
fn connections_from(host: &Host, peer: &Node, victim: &Node) -> [TcpStream; 3] {
    let (id, _) = known(peer);
    let identity =
        [wire::property("Socket-Type", b"DEALER"), wire::property("Identity", &id.routing_id())];
    let capable = [&identity[..], &[wire::property(TWO_WAY, b"1")]].concat();
    let hello = wire::message(&[&Hello::new(&peer.endpoint).encode()]);
    let said = [(&identity[..], &hello[..]), (&capable, &hello), (&capable, b"")];
    said.map(|(properties, hello)| {
        let to = known(victim).1;
        let connected = host.enter(|| TcpStream::connect_timeout(&to, DEADLINE)).unwrap();
        let mut stream = connected.unwrap();
        stream.set_read_timeout(Some(DEADLINE)).unwrap();
        let ready = wire::command("READY", &properties.concat());
        stream.write_all(&[&wire::greeting(17), &ready, hello].concat()).unwrap();
        stream.read_exact(&mut [0; 64]).expect("the greeting of the victim");
        stream
    })
}

/// What everybody knows of a node: its id, and where its mailbox is.
fn known(node: &Node) -> (PeerId, SocketAddr) {
    let endpoint: Endpoint = node.endpoint.parse().unwrap();
    (node.id.parse().unwrap(), endpoint.address())
}
