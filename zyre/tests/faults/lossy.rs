//! Nodes on a network that loses and delays.

use std::thread::sleep;
use std::time::Duration;

use crate::fault::{Fault, changes};
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

pub(crate) fn one_way_for_3_s() {
    let Some([of_mute, of_others]) = one_way(3) else { return };
    assert_eq!((changes(&of_mute), changes(&of_others)), (vec![], vec![]));
}

pub(crate) fn one_way_for_20_s() {
    let Some([of_mute, of_others]) = one_way(20) else { return };
    assert_eq!(of_mute[..2], ["EVASIVE", "SILENT"]);
    assert_eq!((changes(&of_mute), changes(&of_others)), (vec![], vec![]));
}

pub(crate) fn one_way_for_60_s() {
    let Some([of_mute, of_others]) = one_way(60) else { return };
    assert_eq!(of_mute[..2], ["EVASIVE", "SILENT"]);
    assert_eq!(changes(&of_mute), ["EXIT expired", "ENTER", "JOIN"]);
    // The mute one is told by a reset, which may get lost, or learns it when all is over.
    let of_others = changes(&of_others);
    assert!(["EXIT link lost", "EXIT restarted"].contains(&of_others[0]), "{of_others:?}");
    assert_eq!(of_others[1..], ["ENTER", "JOIN"]);
}

/// Nothing that one host sends arrives, and all that is sent to it. Returns what another one heard
/// about it, and it about that one; nothing where there can be no such network.
fn one_way(seconds: u64) -> Option<[Vec<String>; 2]> {
    let network = BadNetwork::new(&["a", "b", "c"])?;
    let nodes: Vec<_> = network.hosts.iter().map(Node::start).collect();
    let nodes: Vec<_> = nodes.iter().collect();
    let fault = Fault::among(&format!("one way lost for {seconds} s"), &nodes);
    network.mute(2);
    nodes[1].join();
    sleep(Duration::from_secs(seconds));
    network.harm(0, 0);
    // As long as nobody is given up, nobody has to say HELLO. Then the mute one tries again and
    // again, for it hears beacons.
    let hellos = if seconds < 30 { 0 } else { seconds / 3 };
    fault.over(&nodes, Duration::from_secs(20), (&[1, 1, 2], hellos));
    Some([fault.events(nodes[0], &nodes[2].id), fault.events(nodes[2], &nodes[0].id)])
}
