//! Nodes on a network that loses and delays.

use std::thread::sleep;
use std::time::Duration;

use crate::fault::Fault;
use crate::node::Node;
use crate::relay::BadNetwork;

/// The network turns bad while they talk, and good again.
pub(crate) fn turns_bad() {
    let Some(network) = BadNetwork::new(&["a", "b", "c"]) else { return };
    let nodes: Vec<_> = network.hosts.iter().map(Node::start).collect();
    let nodes: Vec<_> = nodes.iter().collect();
    let fault = Fault::among("20 % lost, 200 ms late, for 30 s", &nodes);
    network.harm(20, 200);
    nodes[1].join();
    sleep(Duration::from_secs(30));
    network.harm(0, 0);
    fault.over(&nodes, Duration::from_secs(30), (&[2; 3], 4));
}

/// They find each other although it is bad from the start.
pub(crate) fn is_bad() {
    let Some(network) = BadNetwork::new(&["a", "b", "c"]) else { return };
    network.harm(20, 200);
    let nodes: Vec<_> = network.hosts.iter().map(Node::start).collect();
    let nodes: Vec<_> = nodes.iter().collect();
    let mut fault = Fault::new("20 % lost, 200 ms late");
    // TCP may take long for a message here.
    fault.silence = Duration::from_secs(10);
    fault.over(&nodes, Duration::from_secs(60), (&[2; 3], 6));
}

/// TCP is dropped, and beacons pass: a firewall, or a full table of connections. Nobody may stay
/// listed for its beacons alone.
pub(crate) fn drops_tcp() {
    let Some(network) = BadNetwork::new(&["a", "b", "c"]) else { return };
    let nodes: Vec<_> = network.hosts.iter().map(Node::start).collect();
    let nodes: Vec<_> = nodes.iter().collect();
    let fault = Fault::among("TCP dropped for 70 s", &nodes);
    network.drop_tcp();
    sleep(Duration::from_secs(70));
    let events = fault.events(nodes[0], &nodes[1].id);
    assert!(events.iter().any(|event| event.starts_with("EXIT")), "no EXIT: {events:?}");
    network.harm(0, 0);
    fault.over(&nodes, Duration::from_secs(20), (&[2; 3], 10));
}
