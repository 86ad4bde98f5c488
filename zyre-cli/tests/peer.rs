//! `zyre peer`: a node behind a line protocol.

#![cfg(test)]

use std::process::Command;
use std::time::Duration;

use serde_json::{Value, json};
use testkit::child::Child;
use testkit::wait::{blocking_until, free_port};

/// Starts one on loopback that hears nobody's beacons.
fn alone(more: &[&str]) -> Child {
    let port = free_port().to_string();
    let mut command = Command::new(env!("CARGO_BIN_EXE_zyre"));
    command.args(["peer", "--interface", "lo", "--port", &port]).args(more);
    Child::start("zyre", &mut command).unwrap()
}

fn hears(node: &Child, report: &Value) -> Value {
    node.blocking_expect(node.transcript().start(), report).unwrap().report
}

#[test]
fn a_node_with_a_given_id_is_met_at_its_endpoint() {
    const ID: &str = "5eed0000000040008000000000000007";
    let required = alone(&["--id", ID]);
    let started = hears(&required, &json!({ "event": "STARTED", "peer": ID }));
    let requires = alone(&["--name", "requires"]);
    let endpoint = started["endpoint"].as_str().unwrap();
    requires.say(format!("require {ID} {endpoint}")).unwrap();
    hears(&requires, &json!({ "event": "ENTER", "peer": ID, "address": endpoint }));
    hears(&required, &json!({ "event": "ENTER", "name": "requires" }));
}

#[test]
fn what_cannot_be_required_is_an_error() {
    const ID: &str = "5eed0000000040008000000000000007";
    let wrong = [
        "require x tcp://127.0.0.1:9".to_owned(),
        format!("require {ID} nowhere"),
        "require nowhere".to_owned(),
        "require".to_owned(),
        "forget nowhere".to_owned(),
    ];
    for wrong in wrong {
        let node = alone(&[]);
        node.say(wrong).unwrap();
        hears(&node, &json!({ "event": "ERROR" }));
    }
}

#[test]
fn without_beacons_nodes_meet_by_an_endpoint_alone_until_it_is_forgotten() {
    let silent = |more: &[&str]| alone(&[&["--no-beacon"], more].concat());
    let mailbox = free_port().to_string();
    let endpoint = format!("tcp://localhost:{mailbox}");
    let required = silent(&["--mailbox", &mailbox, "--name", "required"]);
    let started = hears(&required, &json!({ "event": "STARTED" }));
    let from_start = silent(&["--require", &format!("localhost:{mailbox}")]);
    hears(&from_start, &json!({ "event": "ENTER", "name": "required" }));
    let later = silent(&[]);
    later.say(format!("require {endpoint}")).unwrap();
    hears(&later, &json!({ "event": "ENTER", "name": "required" }));
    let listed = |node: &Child| {
        let mark = node.tell("required").unwrap();
        node.blocking_expect(mark, &json!({ "event": "REQUIRED" })).unwrap().report
    };
    let expected = json!([{
        "endpoint": endpoint, "peer": started["peer"], "present": true, "problem": null,
    }]);
    assert_eq!(listed(&later)["required"], expected);
    later.say(format!("forget {endpoint}")).unwrap();
    assert_eq!(listed(&later)["required"], json!([]));
    assert_eq!(listed(&from_start)["required"].as_array().unwrap().len(), 1);
}

#[test]
fn who_is_at_no_endpoint_is_told_with_the_reason() {
    let endpoint = format!("tcp://127.0.0.1:{}", free_port());
    let node = alone(&["--no-beacon", "--require", &endpoint]);
    hears(&node, &json!({ "event": "UNREACHABLE", "endpoint": endpoint, "why": "refused" }));
}

#[test]
fn a_script_waits_until_what_it_sends_is_taken() {
    // Twice what may wait for a peer.
    const COUNT: usize = 32;
    const BYTES: usize = 1_000_000;
    /// Long enough for all that must not be refused.
    const LITTLE: Duration = Duration::from_secs(1);
    let receiver = alone(&["--join", "g"]);
    let started = hears(&receiver, &json!({ "event": "STARTED" }));
    let [id, endpoint] = ["peer", "endpoint"].map(|field| started[field].as_str().unwrap());
    let sender = alone(&[]);
    sender.say(format!("require {id} {endpoint}")).unwrap();
    hears(&sender, &json!({ "event": "JOIN", "peer": id, "group": "g" }));
    let count = |node: &Child, event: &str| {
        node.reports(node.transcript().start(), &json!({ "event": event })).len()
    };
    receiver.suspend();
    let text = "x".repeat(BYTES);
    std::thread::scope(|scope| {
        // It is not read either while it waits.
        scope.spawn(|| {
            for (command, to) in [("whisper", id), ("shout", "g")] {
                for _ in 0..COUNT {
                    sender.say(format!("ready {to} {BYTES}\n{command} {to} {text}")).unwrap();
                }
            }
        });
        blocking_until("some wait", || count(&sender, "READY") > COUNT / 4);
        std::thread::sleep(LITTLE);
        receiver.resume();
        blocking_until("all whispers", || count(&receiver, "WHISPER") == COUNT);
        blocking_until("all shouts", || count(&receiver, "SHOUT") == COUNT);
    });
    hears(&sender, &json!({ "event": "READY", "peer": id, "bytes": BYTES }));
    hears(&sender, &json!({ "event": "READY", "group": "g", "bytes": BYTES }));
    assert_eq!(count(&sender, "ERROR") + count(&sender, "EXIT"), 0);
}

#[test]
fn who_is_not_there_is_never_ready_and_an_empty_group_is() {
    const ID: &str = "5eed0000000040008000000000000007";
    let node = alone(&[]);
    node.say("ready nobody 1000").unwrap();
    hears(&node, &json!({ "event": "READY", "group": "nobody", "bytes": 1000 }));
    for wrong in [format!("ready {ID} 1000"), "ready nobody much".to_owned()] {
        let mark = node.tell(&wrong).unwrap();
        node.blocking_expect(mark, &json!({ "event": "ERROR" })).unwrap();
    }
}
