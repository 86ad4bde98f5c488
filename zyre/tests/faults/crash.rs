//! Processes that are suspended, killed, or out of descriptors.

use std::time::Duration;

use serde_json::json;
use testkit::network::Network;

use crate::fault::{Fault, changes};
use crate::node::Node;

pub(crate) fn suspended_2_s() {
    for events in suspended(2) {
        assert_eq!(events, [""; 0]);
    }
}

pub(crate) fn suspended_10_s() {
    for events in suspended(10) {
        assert_eq!(events, ["EVASIVE", "SILENT", "RETURNED"]);
    }
}

pub(crate) fn suspended_40_s() {
    for events in suspended(40) {
        assert_eq!(events, ["EVASIVE", "SILENT", "EXIT expired", "ENTER", "JOIN"]);
    }
}

/// SIGSTOP and SIGCONT. Returns what two other nodes heard about the suspended one: with the first
/// it shares a connection, with the second not.
fn suspended(seconds: u64) -> [Vec<String>; 2] {
    let network = Network::new().unwrap();
    let nodes = ["a", "b", "c"].map(|name| network.host(name).unwrap()).each_ref().map(Node::start);
    let nodes = nodes.each_ref();
    let fault = Fault::among(&format!("SIGSTOP for {seconds} s"), &nodes);
    nodes[2].suspend();
    nodes[1].join();
    fault.lasts(seconds);
    nodes[2].resume();
    fault.over(&nodes, Duration::from_secs(20), (&[1, 1, 2], 3));
    let [a, b, c] = nodes;
    [a, b].map(|node| fault.events(node, &c.id))
}

/// SIGKILL, and at once a new process on the same mailbox port.
pub(crate) fn killed_and_restarted() {
    let network = Network::new().unwrap();
    let [a, b, c] = ["a", "b", "c"].map(|name| network.host(name).unwrap());
    let (a, b) = (Node::start(&a), Node::start(&b));
    let mut c = Node::start_with(&c, json!({ "mailbox": 50_000 }));
    let fault = Fault::among("SIGKILL and restart", &[&a, &b, &c]);
    let old = c.id.clone();
    c.restart();
    assert_ne!(c.id, old);
    fault.over(&[&a, &b, &c], Duration::from_secs(10), (&[1, 1, 2], 3));
    for at in [&a, &b] {
        assert_eq!(fault.events(at, &old), ["EXIT link lost"]);
        assert_eq!(fault.events(at, &c.id), ["ENTER", "JOIN"]);
    }
}

/// The same with the id that the application has kept.
pub(crate) fn killed_and_restarted_with_its_id() {
    restarted_with_its_id("same id", 50_000);
}

/// And on another port: its beacons tell of another endpoint than the one that is known.
pub(crate) fn killed_and_restarted_with_its_id_elsewhere() {
    restarted_with_its_id("same id, other port", 50_001);
}

fn restarted_with_its_id(title: &str, port: u16) {
    const ID: &str = "5eed0000000040008000000000000001";
    let network = Network::new().unwrap();
    let [a, b, c] = ["a", "b", "c"].map(|name| network.host(name).unwrap());
    let (a, b) = (Node::start(&a), Node::start(&b));
    let mut c = Node::start_with(&c, json!({ "mailbox": 50_000, "id": ID }));
    let fault = Fault::among(&format!("SIGKILL and restart, {title}"), &[&a, &b, &c]);
    c.restart_with(json!({ "mailbox": port, "id": ID }));
    assert_eq!(c.id, ID);
    fault.over(&[&a, &b, &c], Duration::from_secs(10), (&[1, 1, 2], 3));
    for at in [&a, &b] {
        assert_eq!(fault.events(at, ID), ["EXIT link lost", "ENTER", "JOIN"]);
    }
    let endpoint = c.ask("state")["endpoint"].clone();
    assert!(endpoint.as_str().unwrap().ends_with(&port.to_string()), "{endpoint}");
}

/// The process has no descriptor left when a new node comes. The peers that it knows stay, and it
/// does not spin; its application is told why it does not meet the new one, and as soon as there are
/// descriptors, it does.
pub(crate) fn out_of_descriptors() {
    const SECONDS: u64 = 10;
    let network = Network::new().unwrap();
    let [a, b, c, d] = ["a", "b", "c", "d"].map(|name| network.host(name).unwrap());
    let (a, b) = (Node::start(&a), Node::start(&b));
    let c = Node::start_with(&c, json!({ "files": 64 }));
    let fault = Fault::among("no descriptors for 10 s", &[&a, &b, &c]);
    let taken = c.ask("files take")["count"].as_u64().unwrap();
    assert!((1..64).contains(&taken), "{taken} descriptors");
    let before = c.computed();
    let d = Node::start(&d);
    // What it computes meanwhile is measured.
    fault.lasts(SECONDS);
    let computed = c.computed() - before;
    println!("faults: without descriptors it computed for {computed:?} of {SECONDS} s");
    assert!(computed < Duration::from_secs(2), "it computed for {computed:?}");
    assert_eq!(changes(&fault.events(&a, &c.id)), [""; 0]);
    let told = "UNREACHABLE no descriptors left";
    assert_eq!(fault.events(&c, &d.id), [told]);
    c.ask("files give");
    fault.over(&[&a, &b, &c, &d], Duration::from_secs(10), (&[1, 1, 1, 3], 3));
    assert_eq!(fault.events(&c, &d.id), [told, "ENTER", "JOIN"]);
}
