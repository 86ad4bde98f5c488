//! The network falls in two, and heals.

use std::thread::sleep;
use std::time::Duration;

use crate::fault::{Fault, changes};
use crate::network::Network;
use crate::node::Node;

pub(crate) fn of_5_s() {
    assert_eq!(changes(&partition(5)), [""; 0]);
}

pub(crate) fn of_20_s() {
    let events = partition(20);
    assert_eq!(events[..2], ["EVASIVE", "SILENT"]);
    assert_eq!(changes(&events), [""; 0]);
}

pub(crate) fn of_60_s() {
    let events = partition(60);
    assert_eq!(events[..2], ["EVASIVE", "SILENT"]);
    assert_eq!(changes(&events), ["EXIT expired", "ENTER", "JOIN"]);
}

/// Two and two. Returns what one of them heard about one of the other side.
fn partition(seconds: u64) -> Vec<String> {
    let network = Network::new();
    let hosts = network.hosts(["a", "b", "c", "d"]);
    let nodes = hosts.each_ref().map(Node::start);
    let nodes = nodes.each_ref();
    let fault = Fault::among(&format!("partition of {seconds} s"), &nodes);
    let far = [&hosts[2], &hosts[3]];
    network.cut_off(&far);
    nodes[1].join();
    nodes[3].join();
    sleep(Duration::from_secs(seconds));
    network.heal(&far);
    fault.over(&nodes, Duration::from_secs(20), (&[2; 4], 3));
    fault.events(nodes[0], &nodes[2].id)
}
