//! The attacks of the list on a secure node, by strangers and by insiders.

use std::net::Ipv4Addr;
use std::sync::Arc;
use std::time::Duration;

use serde_json::{Value, json};
use testkit::attacks::{self, SecureTarget};
use testkit::curve::Keys;
use testkit::network_key::{NetworkKey, WORDS};
use testkit::wire::mailbox::Mailbox;
use zyre::{Builder, Identity, Trust};

use crate::attack_run::{AttackRun, GoodPeer};
use crate::common::DEADLINE;
use crate::common::child::text;

/// How long one attack may go on.
const LONGEST: Duration = Duration::from_secs(30);

/// A node of a network that also trusts the key of its good peer, and that of somebody evil, whose gossip
/// hub it is a client of.
async fn begin(mut settings: Value, build: impl FnOnce(Builder) -> Builder) -> AttackRun {
    let (insider, good) = (Keys::draw(), Identity::create().unwrap());
    let key = *good.public_key().as_bytes();
    let listed = zre_proto::PublicKey::new(insider.public).to_string();
    let lies = Mailbox::open(Ipv4Addr::LOCALHOST, DEADLINE).unwrap().secured(Some(insider));
    settings["handshake"] = 300.into();
    settings["trusted"] = json!([listed, good.public_key().to_string()]);
    settings["gossip_listen"] = "127.0.0.1:0".into();
    settings["gossip_connect"] = format!("tcp://{}|{listed}", lies.address).into();
    let trust = Trust::network(WORDS.parse().unwrap());
    let secure = |builder: Builder| build(builder.secure(good, trust));
    let mut run = AttackRun::built(GoodPeer::Chooser, settings, secure).await;
    run.lies = Some(Arc::new(lies));
    let stats = run.stats().await;
    let victim: zre_proto::PublicKey = text(&stats, "key").parse().unwrap();
    let network = NetworkKey::of([0; 16]);
    run.secure = Some(SecureTarget {
        key: *victim.as_bytes(),
        insider,
        network,
        good: vec![key],
        peer: Arc::default(),
    });
    run
}

async fn withstands(names: &[&str]) {
    let run = begin(json!({}), |builder| builder).await;
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

pub(crate) async fn attacks_by_insiders_on_the_gossip_of_a_secure_node() {
    withstands(&["gossip-malformed", "gossip-lies"]).await;
    withstands(&["gossip-hub-malformed", "gossip-hub-lies"]).await;
}

/// Runs attacks on a node that exchanges files with its good peer.
#[cfg(feature = "files")]
async fn withstands_sharing(names: &[&str]) {
    use testkit::file_flow::Folders;

    let home = tempfile::tempdir().unwrap();
    let victims = home.path().join("victim");
    let (victim, _) = attacks::make_home(&victims).unwrap();
    let good = Folders::make(&home.path().join("good")).unwrap();
    let shares = |builder: Builder| builder.share(&good.shared, &good.received);
    let mut run = begin(json!({ "home": victims }), shares).await;
    let flow = crate::files::share(&mut run, victims, [victim, good]).await;
    run.measure();
    let target = run.target();
    for name in names {
        crate::files::attack(&run, &target, &flow, name).await;
    }
    drop(flow);
    run.end().await;
}

#[cfg(feature = "files")]
pub(crate) async fn attacks_on_all_doors_of_a_secure_node() {
    withstands_sharing(&["secure-doors-clear", "secure-doors-strangers"]).await;
    withstands_sharing(&["secure-hub-downgrade"]).await;
}

#[cfg(feature = "files")]
pub(crate) async fn attacks_by_insiders_on_the_files_of_a_secure_node() {
    withstands_sharing(&["file-client-not-agreed", "file-client-paths", "file-client-calls"]).await;
    withstands_sharing(&["file-client-tickets", "file-client-names"]).await;
    withstands_sharing(&["file-server-order", "file-server-paths", "file-server-unasked"]).await;
}
