//! The network falls in two, and heals.

use std::time::Duration;

use testkit::network::Network;

use crate::fault::{Fault, changes};
use crate::node::Node;

pub(crate) fn of_5_s() {
    for events in partition(5) {
        // A peer that was last asked just before has time enough.
        assert_eq!(changes(&events), [""; 0]);
    }
}

/// Over before TCP sends anew what was lost after 13.6 s, or a bit more where it is slow. The time
/// after that comes close to the 30 s after which a peer is given up.
pub(crate) fn of_12_s() {
    for events in partition(12) {
        assert_eq!(events, ["EVASIVE", "SILENT", "RETURNED"]);
    }
}

pub(crate) fn of_60_s() {
    for events in partition(60) {
        assert_eq!(events, ["EVASIVE", "SILENT", "EXIT expired", "ENTER", "JOIN"]);
    }
}

/// Two and two. Returns what two of them heard about one on the other side: with the first it shares
/// a connection, with the second not.
fn partition(seconds: u64) -> [Vec<String>; 2] {
    let network = Network::new().unwrap();
    let hosts = ["a", "b", "c", "d"].map(|name| network.host(name).unwrap());
    let nodes = hosts.each_ref().map(Node::start);
    let nodes = nodes.each_ref();
    let fault = Fault::among(&format!("partition of {seconds} s"), &nodes);
    let far = [&hosts[2], &hosts[3]];
    network.cut_off(&far).unwrap();
    nodes[1].join();
    nodes[3].join();
    fault.lasts(seconds);
    network.heal(&far).unwrap();
    fault.over(&nodes, Duration::from_secs(20), (&[2; 4], 3));
    let [a, b, c, _] = nodes;
    [a, b].map(|node| fault.events(node, &c.id))
}
