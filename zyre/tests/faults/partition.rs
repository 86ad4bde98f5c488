//! The network falls in two, and heals.

use std::thread::sleep;
use std::time::Duration;

use crate::fault::Fault;
use crate::network::Network;
use crate::node::Node;

pub(crate) fn of_5_s() {
    let events = partition(5);
    assert!(events.iter().all(|event| !event.starts_with("EXIT")), "{events:?}");
}

pub(crate) fn of_20_s() {
    let events = partition(20);
    assert!(events.iter().all(|event| !event.starts_with("EXIT")), "{events:?}");
}

pub(crate) fn of_60_s() {
    let events = partition(60);
    assert_eq!(events, ["EVASIVE", "SILENT", "EXIT expired", "ENTER", "JOIN"]);
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
    sleep(Duration::from_secs(seconds));
    network.heal(&far);
    fault.over(&nodes, Duration::from_secs(20), (&[2; 4], 3));
    fault.events(nodes[0], &nodes[2].id)
}
