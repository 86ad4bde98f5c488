//! The attacks of the list on a secure node, by strangers and by insiders.

use std::sync::Arc;
use std::time::Duration;

use serde_json::json;
use testkit::attacks::{self, SecureTarget};
use testkit::network_key::{NetworkKey, WORDS};
use testkit::wire::secure::draw_keys;
use zyre::{Identity, Trust};

use crate::attack_run::{AttackRun, GoodPeer};
use crate::common::child::text;

/// How long one attack may go on.
const LONGEST: Duration = Duration::from_secs(30);

/// A node of a network that also trusts the key of its good peer, and that of somebody evil.
async fn begin() -> AttackRun {
    let (insider, good) = (draw_keys(), Identity::create().unwrap());
    let key = *good.public_key().as_bytes();
    let listed = zre_proto::PublicKey::new(insider.public).to_string();
    let settings = json!({ "handshake": 300, "trusted": [listed, good.public_key().to_string()] });
    let trust = Trust::network(WORDS.parse().unwrap());
    let secure = |builder: zyre::Builder| builder.secure(good, trust);
    let mut run = AttackRun::built(GoodPeer::Chooser, settings, secure).await;
    let stats = run.stats().await;
    let victim: zre_proto::PublicKey = text(&stats, "key").parse().unwrap();
    let network = NetworkKey::of([0; 16]);
    run.secure = Some(SecureTarget { key: *victim.as_bytes(), insider, network, good: vec![key] });
    run
}

async fn withstands(names: &[&str]) {
    let run = begin().await;
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

pub(crate) async fn attacks_by_strangers_on_a_secure_node() {
    withstands(&["secure-strangers", "secure-beacons", "secure-goodbyes"]).await;
}

pub(crate) async fn attacks_without_a_key_on_a_secure_node() {
    withstands(&["secure-downgrade"]).await;
}

pub(crate) async fn attacks_by_insiders_on_a_secure_node() {
    withstands(&["secure-insider", "secure-squat", "secure-unmarked", "secure-boast"]).await;
    withstands(&["secure-mailbox", "secure-frames"]).await;
}
