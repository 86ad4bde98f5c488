//! Files of hosts that let no connection in: it is enough that one of two can dial the other.

use std::cell::Cell;
use std::net::Ipv4Addr;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use serde_json::{Value, json};
use tempfile::TempDir;
use testkit::network::{Home, Host, Network};
use testkit::transcript::Transcript;

use crate::files::all_get;
use crate::node::{CHOOSER, FOLLOWER, Node};

/// The ports of a node that others are told of.
const MAILBOX: u16 = 50_000;
const FILES: u16 = 50_001;

/// How soon a small file comes to a peer.
const SOON: Duration = Duration::from_secs(5);

/// As long as the side that has not dialled waits for the other, and some more.
const PATIENCE: Duration = Duration::from_secs(8);

/// As long as a dial that nothing answers lasts at most, after that.
const TOLD: Duration = Duration::from_secs(20);

struct Sharers {
    folder: TempDir,
    transcript: Arc<Transcript>,
    /// How many files each has published.
    round: Cell<u32>,
}

impl Sharers {
    fn new() -> Self {
        let (folder, round) = (tempfile::tempdir().unwrap(), Cell::new(0));
        Self { folder, transcript: Transcript::new(), round }
    }

    fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// Starts a node that shares files, with these settings.
    fn start(&self, host: &Host, mut settings: Value) -> Node {
        settings["share"] = self.folder().join(&host.name).to_str().unwrap().into();
        Node::start(host, &self.transcript, settings)
    }

    /// The group's files of each get to the other, within this time.
    fn both_ways(&self, within: Duration, [a, b]: [(&Host, &Node); 2]) {
        // Not one that is there already.
        let round = self.round.get();
        self.round.set(round + 1);
        for (from, to) in [(a, b), (b, a)] {
            all_get(&format!("{round}-{}", from.1.id), within, self.folder(), from.1, &[to]);
        }
    }
}

fn hosts(network: &Network) -> [Host; 2] {
    ["a", "b"].map(|name| network.host(name).unwrap())
}

pub(crate) fn behind_a_firewall_chooser() {
    behind_a_firewall([CHOOSER, FOLLOWER]);
}

pub(crate) fn behind_a_firewall_follower() {
    behind_a_firewall([FOLLOWER, CHOOSER]);
}

/// The node of the first id is behind a firewall. When the other one has restarted all goes on.
fn behind_a_firewall(ids: [&str; 2]) {
    let (network, sharers) = (Network::new().unwrap(), Sharers::new());
    let hosts = hosts(&network);
    hosts[0].drop_connections().unwrap();
    let start = |i: usize| sharers.start(&hosts[i], json!({ "id": ids[i] }));
    let (inside, mut outside) = (start(0), start(1));
    sharers.both_ways(SOON, [(&hosts[0], &inside), (&hosts[1], &outside)]);
    let mark = inside.mark();
    outside.kill();
    outside.start_again();
    inside.meets(&outside.id, mark, PATIENCE);
    sharers.both_ways(SOON, [(&hosts[0], &inside), (&hosts[1], &outside)]);
}

/// Both are secure nodes, and one is behind a firewall.
#[cfg(feature = "curve")]
pub(crate) fn of_secure_nodes_behind_a_firewall() {
    let (network, sharers) = (Network::new().unwrap(), Sharers::new());
    let hosts = hosts(&network);
    hosts[0].drop_connections().unwrap();
    let key = zyre::NetworkKey::generate().unwrap().words().to_string();
    let start = |i: usize| sharers.start(&hosts[i], json!({ "network": key }));
    let (inside, outside) = (start(0), start(1));
    sharers.both_ways(SOON, [(&hosts[0], &inside), (&hosts[1], &outside)]);
}

/// A network with a node outside of all homes that can be required.
struct Outside {
    network: Network,
    host: Host,
    address: Ipv4Addr,
}

impl Outside {
    fn new() -> Self {
        let network = Network::with_prefix([10, 78, 0]).unwrap();
        let host = Host::new("out").unwrap();
        let address = network.plug(&host, "eth0").unwrap();
        Self { network, host, address }
    }
}

/// What a node in a home is started with.
fn requires(id: &str, other: &str, address: Ipv4Addr) -> Value {
    json!({ "id": id, "require": [other, format!("tcp://{address}:{MAILBOX}")] })
}

pub(crate) fn behind_a_router() {
    for [inside, outside] in [[CHOOSER, FOLLOWER], [FOLLOWER, CHOOSER]] {
        let (place, sharers) = (Outside::new(), Sharers::new());
        let home = place.network.home("in").unwrap();
        let outer = sharers.start(&place.host, json!({ "id": outside, "mailbox": MAILBOX }));
        let inner = sharers.start(&home.host, requires(inside, outside, place.address));
        sharers.both_ways(SOON, [(&home.host, &inner), (&place.host, &outer)]);
    }
}

/// Two hosts with the same address behind routers of their own are two.
pub(crate) fn of_two_alike() {
    const MIDDLE: &str = "88888888000040008000000000000003";
    let (place, sharers) = (Outside::new(), Sharers::new());
    let homes = ["in1", "in2"].map(|name| place.network.home(name).unwrap());
    let outer = sharers.start(&place.host, json!({ "id": MIDDLE, "mailbox": MAILBOX }));
    let start = |i: usize, id| sharers.start(&homes[i].host, requires(id, MIDDLE, place.address));
    let inner = [start(0, CHOOSER), start(1, FOLLOWER)];
    for (home, node) in homes.iter().zip(&inner) {
        sharers.both_ways(SOON, [(&home.host, node), (&place.host, &outer)]);
    }
}

/// Both are in homes, one of which lets connections in by forwarded ports.
pub(crate) fn behind_a_forwarded_port() {
    let (network, sharers) = (Network::with_prefix([10, 78, 0]).unwrap(), Sharers::new());
    let homes = ["in", "out"].map(|name| network.home(name).unwrap());
    for port in [MAILBOX, FILES] {
        homes[1].router.forward_port("wan", port, Home::ADDRESS).unwrap();
    }
    let outer = sharers.start(
        &homes[1].host,
        json!({
            "id": CHOOSER, "mailbox": MAILBOX, "file_port": FILES, "advertise_file_port": FILES,
            "advertise": format!("tcp://{}:{MAILBOX}", homes[1].outside),
        }),
    );
    let inner = sharers.start(&homes[0].host, requires(FOLLOWER, CHOOSER, homes[1].outside));
    sharers.both_ways(SOON, [(&homes[0].host, &inner), (&homes[1].host, &outer)]);
}

/// Lets connections in to the mailbox only.
fn let_in_only_to_the_mailbox(host: &Host) {
    host.nft(&format!(
        "table inet firewall {{
            chain input {{
                type filter hook input priority filter
                iifname != lo meta l4proto tcp tcp dport != {MAILBOX} ct state new drop
            }}
        }}"
    ))
    .unwrap();
}

/// Starts two without beacons, of which the first dials the second.
fn first_dials(sharers: &Sharers, hosts: &[(Host, Ipv4Addr); 2]) -> [Node; 2] {
    let settings = |id: &str| json!({ "id": id, "beacon": false, "mailbox": MAILBOX });
    let second = sharers.start(&hosts[1].0, settings(FOLLOWER));
    let mut first = settings(CHOOSER);
    first["require"] = json!([FOLLOWER, format!("tcp://{}:{MAILBOX}", hosts[1].1)]);
    [sharers.start(&hosts[0].0, first), second]
}

fn hosts_with_addresses(network: &Network) -> [(Host, Ipv4Addr); 2] {
    ["a", "b"].map(|name| {
        let host = Host::new(name).unwrap();
        let address = network.plug(&host, "eth0").unwrap();
        (host, address)
    })
}

/// The one that has dialled cannot reach the file server of the other, which can reach its.
pub(crate) fn by_the_other_side() {
    let (network, sharers) = (Network::new().unwrap(), Sharers::new());
    let hosts = hosts_with_addresses(&network);
    let_in_only_to_the_mailbox(&hosts[1].0);
    let [first, second] = first_dials(&sharers, &hosts);
    sharers.both_ways(PATIENCE, [(&hosts[0].0, &first), (&hosts[1].0, &second)]);
}

/// Neither can reach the other's file server, and both are told; and when one can, that it is so.
pub(crate) fn that_nobody_can_fetch() {
    let (network, sharers) = (Network::new().unwrap(), Sharers::new());
    let hosts = hosts_with_addresses(&network);
    hosts.iter().for_each(|(host, _)| let_in_only_to_the_mailbox(host));
    let [first, second] = first_dials(&sharers, &hosts);
    let sides = [(&first, &second), (&second, &first)];
    for (one, other) in sides {
        let told = json!({ "event": "FILESERVERUNREACHABLE", "peer": other.id });
        one.hears(one.born, told, TOLD);
    }
    let marks = [first.mark(), second.mark()];
    hosts[1].0.nft("flush ruleset").unwrap();
    for ((one, other), mark) in sides.into_iter().zip(marks) {
        let told = json!({ "event": "FILESERVERREACHED", "peer": other.id });
        one.hears(mark, told, TOLD);
    }
    sharers.both_ways(SOON, [(&hosts[0].0, &first), (&hosts[1].0, &second)]);
}
