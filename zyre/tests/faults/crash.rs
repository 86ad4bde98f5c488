//! Processes that are suspended, killed, or out of descriptors.

use std::thread::sleep;
use std::time::Duration;

use serde_json::json;

use crate::fault::{Fault, changes};
use crate::network::Network;
use crate::node::Node;

pub(crate) fn suspended_3_s() {
    assert_eq!(changes(&suspended(3)), [""; 0]);
}

pub(crate) fn suspended_10_s() {
    let events = suspended(10);
    assert_eq!(events[..2], ["EVASIVE", "SILENT"]);
    assert_eq!(changes(&events), [""; 0]);
}

pub(crate) fn suspended_40_s() {
    let events = suspended(40);
    assert_eq!(events[..2], ["EVASIVE", "SILENT"]);
    assert_eq!(changes(&events), ["EXIT expired", "ENTER", "JOIN"]);
}

/// SIGSTOP and SIGCONT. Returns what another node heard about the suspended one.
fn suspended(seconds: u64) -> Vec<String> {
    let network = Network::new();
    let nodes = network.hosts(["a", "b", "c"]).each_ref().map(Node::start);
    let nodes = nodes.each_ref();
    let fault = Fault::among(&format!("SIGSTOP for {seconds} s"), &nodes);
    nodes[2].suspend();
    nodes[1].join();
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
    let network = Network::new();
    let [a, b, c] = network.hosts(["a", "b", "c"]);
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

/// The process has no descriptor left when somebody new comes. Those whom it knows stay, and it
/// does not spin; as soon as there are descriptors, it meets the new one.
pub(crate) fn out_of_descriptors() {
    const SECONDS: u64 = 10;
    let network = Network::new();
    let [a, b, c, d] = network.hosts(["a", "b", "c", "d"]);
    let (a, b) = (Node::start(&a), Node::start(&b));
    let c = Node::start_with(&c, json!({ "files": 64 }));
    let fault = Fault::among("no descriptors for 10 s", &[&a, &b, &c]);
    let taken = c.ask("files take")["count"].as_u64().unwrap();
    assert!((1..64).contains(&taken), "{taken} descriptors");
    let before = c.computed();
    let d = Node::start(&d);
    sleep(Duration::from_secs(SECONDS));
    let computed = c.computed() - before;
    println!("faults: without descriptors it computed for {computed:?} of {SECONDS} s");
    assert!(computed < Duration::from_secs(2), "it computed for {computed:?}");
    assert_eq!(changes(&fault.events(&a, &c.id)), [""; 0]);
    assert_eq!(changes(&fault.events(&c, &d.id)), [""; 0]);
    c.ask("files give");
    // It tries with every beacon of the new one.
    let storm = (&[1, 1, 1, 3][..], SECONDS + 4);
    fault.over(&[&a, &b, &c, &d], Duration::from_secs(10), storm);
    assert_eq!(fault.events(&c, &d.id), ["ENTER", "JOIN"]);
}
