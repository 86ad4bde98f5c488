//! Nodes on a network that loses and delays.

use std::time::Duration;

use crate::fault::{Fault, assert_lost_and_met_again, changes};
use crate::node::Node;
use crate::relay::BadNetwork;

/// The network turns bad while they talk, and good again.
pub(crate) fn turns_bad() {
    let network = BadNetwork::new(&["a", "b", "c"]);
    let nodes: Vec<_> = network.hosts.iter().map(Node::start).collect();
    let nodes: Vec<_> = nodes.iter().collect();
    let fault = Fault::among("20 % lost, 200 ms late, for 30 s", &nodes);
    network.harm(20, 200);
    nodes[1].join();
    fault.lasts(30);
    network.harm(0, 0);
    fault.over(&nodes, Duration::from_secs(30), (&[2; 3], 4));
    for at in &nodes {
        for of in nodes.iter().filter(|of| of.id != at.id) {
            let events = fault.events(at, &of.id);
            let joins = if of.name == "b" { &["JOIN"][..] } else { &[] };
            assert_eq!(changes(&events), joins, "{} of {}", at.name, of.name);
        }
    }
}

/// They find each other although it is bad from the start.
pub(crate) fn is_bad() {
    let network = BadNetwork::new(&["a", "b", "c"]);
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
    let network = BadNetwork::new(&["a", "b", "c"]);
    let nodes: Vec<_> = network.hosts.iter().map(Node::start).collect();
    let nodes: Vec<_> = nodes.iter().collect();
    let fault = Fault::among("TCP dropped for 60 s", &nodes);
    network.drop_tcp();
    // Longer than it takes to expire, and then to find nobody.
    fault.lasts(60);
    network.harm(0, 0);
    fault.over(&nodes, Duration::from_secs(30), (&[2; 3], 3));
    let lost = ["EVASIVE", "SILENT", "EXIT expired", "UNREACHABLE no answer"];
    // One does not share a connection, the other does.
    for of in &nodes[1..] {
        assert_lost_and_met_again(&fault.events(nodes[0], &of.id), &lost);
    }
}

/// The same while nobody says a word: only the kernel can notice, by its keep-alive.
pub(crate) fn drops_tcp_in_silence() {
    let network = BadNetwork::new(&["a", "b", "c"]);
    let nodes: Vec<_> = network.hosts.iter().map(Node::start).collect();
    let nodes: Vec<_> = nodes.iter().collect();
    let fault = Fault::in_silence("TCP dropped for 70 s in silence", &nodes);
    network.drop_tcp();
    fault.lasts(70);
    network.harm(0, 0);
    fault.over(&nodes, Duration::from_secs(30), (&[2; 3], 3));
    for of in &nodes[1..] {
        let lost = ["EXIT link lost", "UNREACHABLE no answer"];
        assert_lost_and_met_again(&fault.events(nodes[0], &of.id), &lost);
    }
}

pub(crate) fn one_way_for_3_s() {
    for events in one_way(3) {
        assert_eq!(changes(&events), [""; 0]);
    }
}

/// As long as a partition from which all come back: see there.
pub(crate) fn one_way_for_12_s() {
    for events in one_way(12) {
        assert_eq!(events, ["EVASIVE", "SILENT", "RETURNED"]);
    }
}

pub(crate) fn one_way_for_60_s() {
    let [of_mute @ .., of_a, of_b] = one_way(60);
    for events in of_mute {
        assert_lost_and_met_again(&events, &["EVASIVE", "SILENT", "EXIT expired"]);
    }
    // The mute one hears that it is given up, unless it gives up first.
    for events in [of_a, of_b] {
        let expired = events.contains(&"EXIT expired".to_owned());
        let exit = if expired { "EXIT expired" } else { "EXIT link lost" };
        assert_lost_and_met_again(&events, &["EVASIVE", "SILENT", exit]);
    }
}

/// Nothing that one host sends arrives, and all that is sent to it. Returns what others heard
/// about it, and it about them: first one that shares a connection with it, then one that does not.
fn one_way(seconds: u64) -> [Vec<String>; 4] {
    let network = BadNetwork::new(&["a", "b", "c"]);
    let nodes: Vec<_> = network.hosts.iter().map(Node::start).collect();
    let nodes: Vec<_> = nodes.iter().collect();
    let fault = Fault::among(&format!("one way lost for {seconds} s"), &nodes);
    network.mute(2);
    fault.lasts(seconds);
    network.harm(0, 0);
    // As long as nobody is given up, nobody has to say HELLO.
    let hellos = if seconds < 30 { 0 } else { 3 };
    fault.over(&nodes, Duration::from_secs(20), (&[1, 1, 2], hellos));
    let [a, b, mute] = nodes[..] else { unreachable!("three nodes") };
    [(a, mute), (b, mute), (mute, a), (mute, b)].map(|(at, of)| fault.events(at, &of.id))
}
