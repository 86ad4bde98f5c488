//! Processes that are suspended, killed, or out of descriptors.

use std::thread::sleep;
use std::time::Duration;

use serde_json::json;

use crate::fault::Fault;
use crate::network::Network;
use crate::node::Node;

pub(crate) fn suspended_3_s() {
    let events = suspended(3);
    assert_eq!(events, [""; 0]);
}

pub(crate) fn suspended_10_s() {
    let events = suspended(10);
    assert_eq!(events, ["EVASIVE", "SILENT"]);
}

pub(crate) fn suspended_40_s() {
    let events = suspended(40);
    assert_eq!(events, ["EVASIVE", "SILENT", "EXIT expired", "ENTER", "JOIN"]);
}

/// SIGSTOP and SIGCONT. Returns what another node heard about the suspended one.
fn suspended(seconds: u64) -> Vec<String> {
    let network = Network::new();
    let nodes = network.hosts(["a", "b", "c"]).each_ref().map(Node::start);
    let nodes = nodes.each_ref();
    let fault = Fault::among(&format!("SIGSTOP for {seconds} s"), &nodes);
    nodes[2].suspend();
    sleep(Duration::from_secs(seconds));
    nodes[2].resume();
    fault.over(&nodes, Duration::from_secs(20), (&[1, 1, 2], 3));
    fault.events(nodes[0], &nodes[2].id)
}

/// SIGKILL, and at once a new process on the same mailbox port.
pub(crate) fn killed_and_restarted() {
    let network = Network::new();
    let [a, b, c] = network.hosts(["a", "b", "c"]);
    let (a, b) = (Node::start(&a), Node::start(&b));
    let mut c = Node::start_with(&c, json!({ "mailbox": 50_000 }));
    let fault = Fault::among("SIGKILL and restart", &[&a, &b, &c]);
    let old = c.id.clone();
    c.restart();
    assert_ne!(c.id, old);
    fault.over(&[&a, &b, &c], Duration::from_secs(10), (&[1, 1, 2], 3));
    assert_eq!(fault.events(&a, &old), ["EXIT link lost"]);
    assert_eq!(fault.events(&a, &c.id), ["ENTER", "JOIN"]);
}
