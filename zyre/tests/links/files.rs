//! Files of a group, on several networks and by both families: each member gets them, by the address
//! by which it is a peer.

use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use testkit::network::{Host, Network};
use testkit::transcript::Transcript;

use crate::c_node::link_local;
use crate::node::{Node, until};

/// How soon a small file comes to a peer.
const SOON: Duration = Duration::from_secs(5);

/// Starts a node that shares files below a directory.
fn start(
    host: &Host,
    transcript: &Arc<Transcript>,
    folder: &Path,
    interface: &str,
    two_way: bool,
) -> Node {
    let share: Value = folder.join(&host.name).to_str().unwrap().into();
    let settings = json!({ "interface": interface, "share": share, "two_way": two_way });
    Node::start(host, transcript, settings)
}

/// The name of a node that was given none, which its folder has.
fn default_name(id: &str) -> String {
    id.parse::<zyre::PeerId>().unwrap().default_name()
}

/// One publishes a file for the group, and the others get it.
pub(crate) fn all_get_it(folder: &Path, from: &Node, others: &[(&Host, &Node)]) {
    all_get(&from.id, SOON, folder, from, others);
}

/// The same, with a file of this name, and within this time.
pub(crate) fn all_get(
    name: &str,
    within: Duration,
    folder: &Path,
    from: &Node,
    others: &[(&Host, &Node)],
) {
    for (_, other) in others {
        other.meets(&from.id, other.born, SOON);
    }
    let file = folder.join(name);
    std::fs::write(&file, "hello").unwrap();
    let name = format!("/{name}.txt");
    from.ask(&format!("publish {} {name}", file.display()));
    for (host, other) in others {
        let received = folder.join(&host.name).join("received").join(default_name(&from.id));
        let received = received.join(name.trim_start_matches('/'));
        let end = Instant::now() + within;
        while std::fs::read_to_string(&received).ok().as_deref() != Some("hello") {
            let all = other.transcript();
            assert!(Instant::now() < end, "{} has no {}:\n{all}", host.name, received.display());
            until(Instant::now() + Duration::from_millis(20));
        }
    }
}

pub(crate) fn on_two_networks() {
    for two_way in [true, false] {
        let folder = tempfile::tempdir().unwrap();
        let (near, far) = (Network::new().unwrap(), Network::with_prefix([10, 78, 0]).unwrap());
        let (x, y) = (near.host("x").unwrap(), far.host("y").unwrap());
        let middle = near.host("middle").unwrap();
        far.plug(&middle, "eth1").unwrap();
        let transcript = Transcript::new();
        let start = |host| start(host, &transcript, folder.path(), "*", two_way);
        let nodes = [&middle, &x, &y].map(start);
        all_get_it(folder.path(), &nodes[0], &[(&x, &nodes[1]), (&y, &nodes[2])]);
        for other in &nodes[1..] {
            all_get_it(folder.path(), other, &[(&middle, &nodes[0])]);
        }
    }
}

pub(crate) fn by_link_local_addresses() {
    for two_way in [true, false] {
        let folder = tempfile::tempdir().unwrap();
        let network = Network::new().unwrap();
        let hosts = ["a", "b"].map(|name| network.host(name).unwrap());
        for host in &hosts {
            host.ip("-4 addr flush dev eth0").unwrap();
            link_local(host);
        }
        let transcript = Transcript::new();
        let start = |host| start(host, &transcript, folder.path(), "*", two_way);
        let [a, b] = hosts.each_ref().map(start);
        all_get_it(folder.path(), &a, &[(&hosts[1], &b)]);
        all_get_it(folder.path(), &b, &[(&hosts[0], &a)]);
    }
}

/// One has a second address, and lives only there.
pub(crate) fn by_a_second_address() {
    for two_way in [true, false] {
        let folder = tempfile::tempdir().unwrap();
        let network = Network::new().unwrap();
        let [a, b] = ["a", "b"].map(|name| network.host(name).unwrap());
        b.add_address("eth0", [10, 77, 0, 102].into()).unwrap();
        let transcript = Transcript::new();
        let start = |host, at| start(host, &transcript, folder.path(), at, two_way);
        let (first, second) = (start(&a, "eth0"), start(&b, "10.77.0.102"));
        all_get_it(folder.path(), &first, &[(&b, &second)]);
        all_get_it(folder.path(), &second, &[(&a, &first)]);
    }
}

/// The network on which they have met goes, and they meet on the other one.
pub(crate) fn after_a_network_is_gone() {
    let folder = tempfile::tempdir().unwrap();
    let (near, far) = (Network::new().unwrap(), Network::with_prefix([10, 78, 0]).unwrap());
    let hosts = ["a", "b"].map(|name| near.host(name).unwrap());
    for host in &hosts {
        far.plug(host, "eth1").unwrap();
    }
    let transcript = Transcript::new();
    let start = |host| start(host, &transcript, folder.path(), "*", true);
    let [a, b] = hosts.each_ref().map(start);
    all_get_it(folder.path(), &a, &[(&hosts[1], &b)]);
    let met = b.hears(b.born, json!({ "event": "ENTER" }), SOON).report;
    let text = met["text"].as_str().unwrap();
    let used = if text.contains("tcp://10.78.0.") { "eth1" } else { "eth0" };
    let mark = b.mark();
    hosts[0].ip(&format!("link set {used} down")).unwrap();
    b.hears(mark, json!({ "event": "ENTER", "peer": a.id }), SOON);
    all_get_it(folder.path(), &b, &[(&hosts[0], &a)]);
}
