//! The attacks of the list, on a node with one peer. Those that are made of mass are run on one
//! with ten, by `zyre-tester hostile`.

use std::sync::Arc;
use std::time::Duration;

use serde_json::json;
use testkit::attacks;

use crate::attack_run::{AttackRun, GoodPeer};

/// How long one attack may go on.
const LONGEST: Duration = Duration::from_secs(30);

/// Runs the attacks whose names begin so; the good peer must not notice.
async fn withstands(names: &[&str]) {
    withstands_beside(GoodPeer::Chooser, names).await;
}

async fn withstands_beside(kind: GoodPeer, names: &[&str]) {
    attack(AttackRun::beside(kind, json!({ "handshake": 300 })).await, names).await;
}

async fn attack(run: AttackRun, names: &[&str]) {
    let names: Vec<String> = names.iter().map(ToString::to_string).collect();
    let target = run.target();
    for attack in attacks::chosen(&names).unwrap() {
        let attacking = (attack.run)(Arc::clone(&target));
        let done = tokio::time::timeout(LONGEST, attacking).await;
        let done = done.unwrap_or_else(|_| panic!("{} does not end", attack.name));
        let done = done.unwrap_or_else(|error| panic!("{}: {error}", attack.name));
        println!("{}: {}", attack.name, done.note);
        run.hold(Duration::from_millis(50)).await;
    }
    run.end().await;
}

pub(crate) async fn attacks_by_beacons() {
    withstands(&["beacon-secure", "beacon-own", "beacon-moved", "beacon-usurped"]).await;
}

pub(crate) async fn attacks_by_connections() {
    withstands(&["tcp", "greeting", "command", "routing-id", "frame-unsent", "ready"]).await;
}

pub(crate) async fn attacks_by_mailboxes() {
    withstands(&["mailbox"]).await;
}

pub(crate) async fn attacks_by_hellos() {
    withstands(&["hello", "before-hello"]).await;
}

pub(crate) async fn attacks_by_messages() {
    withstands(&["message-truncated", "message-past-end", "message-unknown"]).await;
    withstands(&["message-filemq", "content-none", "sequence", "status", "content-frames"]).await;
}

pub(crate) async fn attacks_by_contents() {
    withstands(&["membership", "text-not-utf8", "election", "zmtp-pings"]).await;
}

pub(crate) async fn attacks_by_impostors() {
    withstands(&["impostor-idle", "impostor-moved", "impostor-malformed"]).await;
    withstands(&["impostor-messages", "impostor-endpoint"]).await;
}

pub(crate) async fn attacks_by_gossip_clients() {
    let run = AttackRun::gossiping(json!({ "handshake": 300 })).await;
    attack(run, &["gossip-malformed", "gossip-lies", "gossip-flood"]).await;
}

pub(crate) async fn attacks_by_a_gossip_hub() {
    let run = AttackRun::gossiping(json!({ "handshake": 300 })).await;
    attack(run, &["gossip-hub"]).await;
}

pub(crate) async fn attacks_on_two_way_connections() {
    withstands(&["two-way-ready", "two-way-first", "two-way-early", "two-way-waiting"]).await;
    withstands(&["two-way-elsewhere", "two-way-hello-again", "two-way-endpoint"]).await;
    withstands(&["two-way-and-plain", "two-way-broken-off"]).await;
}

pub(crate) async fn attacks_by_two_way_impostors() {
    for kind in GoodPeer::ALL {
        withstands_beside(kind, &["two-way-impostor"]).await;
    }
}

pub(crate) async fn attacks_by_two_way_mailboxes() {
    withstands(&["two-way-mailbox"]).await;
}
