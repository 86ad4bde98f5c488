//! The attacks of the list on the file sharing of a node, which exchanges files with its good peer all
//! the time.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use serde_json::json;
use testkit::attacks::{self, FileTarget, Target};
use testkit::file_flow::{FileFlow, Folders};

use crate::attack_run::{AttackRun, GoodPeer};
use crate::common::{until, until_some};

/// How long one attack may go on.
const LONGEST: Duration = Duration::from_secs(60);

/// How long a good file may take: a second of it is the rest that a file has before it is published,
/// and a flood shares two processors with the node.
const SLOWEST: Duration = Duration::from_secs(20);

/// What an attack may cost while it goes on, in KiB, with what the heap has kept of those before.
const MOST_KIB: u64 = 320 * 1024;

/// What may be left of it, in KiB.
const KEPT_KIB: u64 = 20 * 1024;

/// How often a node may have kept more than that: what a heap keeps is no leak if the same attacks
/// take no more of it another time.
const MOST_ROUNDS: usize = 4;

/// Runs the attacks whose names begin so.
async fn withstands(names: &[&str]) {
    let home = tempfile::tempdir().unwrap();
    let victims = home.path().join("victim");
    let (victim, _) = attacks::make_home(&victims).unwrap();
    let good = Folders::make(&home.path().join("good")).unwrap();
    let settings = json!({ "handshake": 2000, "home": victims });
    let shares = |builder: zyre::Builder| builder.share(&good.shared, &good.received);
    let mut run = AttackRun::built(GoodPeer::Chooser, settings, shares).await;
    let flow = share(&mut run, victims, [victim, good]).await;
    // What is needed once is kept.
    run.measure();
    // One for all: no attacker comes twice under one name.
    let target = run.target();
    for round in 1.. {
        for name in names {
            attack(&run, &target, &flow, name).await;
        }
        until_some("a file to come", async || (flow.found().whole > 0).then_some(())).await;
        let kept = run.grown();
        if kept < KEPT_KIB {
            break;
        }
        assert!(round < MOST_ROUNDS, "{kept} KiB more in each round");
        run.measure();
    }
    drop(flow);
    run.end().await;
}

/// Tells the attacks where the node's file server is, and begins an exchange of files.
pub(crate) async fn share(
    run: &mut AttackRun,
    home: PathBuf,
    [victim, good]: [Folders; 2],
) -> FileFlow {
    let header = run.header("X-FILEMQ").expect("the node shares files");
    let port = header.rsplit_once(':').and_then(|(_, port)| port.parse().ok()).expect("a port");
    let server = std::net::SocketAddr::new(run.route().to.ip(), port);
    run.files = Some(FileTarget::new(server, home).unwrap());
    let flow = FileFlow::begin([victim, good]);
    let mut whole = 0;
    until("files to come before any attack", || {
        whole += flow.found().whole;
        whole >= 2
    })
    .await;
    flow
}

pub(crate) async fn attack(run: &AttackRun, target: &Arc<Target>, flow: &FileFlow, name: &str) {
    for attack in attacks::chosen(&[name.to_owned()]).unwrap() {
        let start = std::time::Instant::now();
        let done = tokio::time::timeout(LONGEST, (attack.run)(Arc::clone(target))).await;
        let done = done.unwrap_or_else(|_| panic!("{} does not end", attack.name));
        let done = done.unwrap_or_else(|error| panic!("{}: {error}", attack.name));
        let (took, grown) = (start.elapsed(), run.grown());
        run.hold(Duration::from_millis(50)).await;
        let found = flow.found();
        println!(
            "{}: {}; {took:.1?}, {grown} KiB more, {} files, the slowest {:.1?}",
            attack.name, done.note, found.whole, found.slowest
        );
        assert_eq!(found.wrong, Vec::<String>::new(), "{}", attack.name);
        assert!(found.slowest < SLOWEST, "{}: {:?}", attack.name, found.slowest);
        assert!(grown < MOST_KIB, "{}: {grown} KiB", attack.name);
    }
}

pub(crate) async fn attacks_by_clients_that_break_the_protocol() {
    withstands(&[
        "file-client-malformed",
        "file-client-early",
        "file-client-not-agreed",
        "file-client-numbers",
        "file-client-resume",
        "file-client-credit",
        "file-client-paths",
    ])
    .await;
}

pub(crate) async fn attacks_by_clients_that_take_much() {
    withstands(&[
        "file-client-flood",
        "file-client-cache",
        "file-client-half",
        "file-client-deaf",
        "file-client-leaves",
        "file-client-idle",
    ])
    .await;
}

pub(crate) async fn attacks_by_clients_in_the_name_of_others() {
    withstands(&["file-client-tickets", "file-client-names", "file-client-calls"]).await;
}

pub(crate) async fn attacks_by_servers_that_break_the_protocol() {
    withstands(&["file-server-malformed", "file-server-order", "file-server-numbers"]).await;
    withstands(&["file-server-paths", "file-server-unasked"]).await;
}

pub(crate) async fn attacks_by_servers_that_lie() {
    withstands(&["file-server-sizes", "file-server-too-much", "file-server-credit"]).await;
    withstands(&["file-server-slow", "file-server-deaf"]).await;
}

pub(crate) async fn attacks_by_servers_that_send_much() {
    withstands(&["file-server-offers"]).await;
    withstands(&["file-server-deletes"]).await;
    withstands(&["file-server-names", "file-server-empty"]).await;
}
