//! Datagrams that are no beacons, and beacons that lie.

use std::time::Duration;

use testkit::attacks::beacons::malformed_datagrams;
use testkit::wire::beacon;
use zyre::PeerId;

use crate::attack_run::AttackRun;
use crate::common::{free_port, until};

/// A claim that is not refuted is believed after a second.
const PROOF: Duration = Duration::from_millis(1400);

pub(crate) async fn datagrams_that_are_no_beacons_are_ignored() {
    let mut run = AttackRun::begin().await;
    let before = run.stats().await["beacons"].as_u64().unwrap();
    let datagrams = malformed_datagrams(PeerId::new([7; 16]));
    for datagram in &datagrams {
        run.broadcast(datagram);
        tokio::task::yield_now().await;
    }
    let last = beacon(1, PeerId::new([8; 16]), 0);
    run.broadcast(&last);
    run.counted("beacons", before + 1).await;
    let heard = run.stats().await["beacons"].as_u64().unwrap() - before;
    assert!(heard < 10, "{heard} of {} were taken for beacons", datagrams.len());
    assert_eq!(run.entered(), 0);
    run.end().await;
}

/// By its id alone it knows itself: its endpoint may be that of another behind the same NAT, and is
/// tried as any other. What it reaches there is itself.
pub(crate) async fn beacons_with_the_node_s_own_id_or_endpoint_lead_to_nobody() {
    let mut run = AttackRun::begin().await;
    let id = run.victim.id;
    let mailbox = run.victim.endpoint.address().port();
    let before = run.stats().await;
    let before = |what: &str| before[what].as_u64().unwrap();
    run.broadcast(&beacon(1, id, mailbox));
    run.broadcast(&beacon(1, id, 9));
    run.broadcast(&beacon(1, id, 0));
    run.counted("own", before("own") + 2).await;
    assert_eq!(run.stats().await["connections"], before("connections"), "itself is not tried");
    for _ in 0..20 {
        let stranger = run.stranger();
        run.broadcast(&beacon(1, stranger, mailbox));
    }
    run.counted("beacons", before("beacons") + 23).await;
    // One is tried at a time, and each comes back.
    run.counted("connections", before("connections") + 1).await;
    run.hold(PROOF).await;
    assert_eq!(run.entered(), 0);
    run.end().await;
}

pub(crate) async fn a_forged_goodbye_does_not_cut_the_good_peer() {
    let run = AttackRun::begin().await;
    run.broadcast(&beacon(1, run.good(), 0));
    run.hold(PROOF).await;
    for _ in 0..50 {
        run.broadcast(&beacon(1, run.good(), 0));
        run.hold(Duration::from_millis(5)).await;
    }
    run.hold(PROOF).await;
    run.end().await;
}

pub(crate) async fn forged_beacons_that_move_the_good_peer_elsewhere_do_not_cut_it() {
    let mut run = AttackRun::begin().await;
    let before = run.stats().await["beacons"].as_u64().unwrap();
    // To a port where nothing listens, and to one where something listens that is no node.
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let listening = listener.local_addr().unwrap().port();
    for port in [free_port(), listening, 9] {
        for _ in 0..10 {
            run.broadcast(&beacon(1, run.good(), port));
        }
    }
    run.counted("beacons", before + 30).await;
    run.hold(PROOF).await;
    let came = tokio::time::timeout(Duration::from_millis(1), listener.accept()).await;
    assert!(came.is_err(), "nobody went there");
    run.end().await;
}

pub(crate) async fn forged_beacons_of_new_nodes_on_the_good_peer_s_endpoint_do_not_cut_it() {
    let mut run = AttackRun::begin().await;
    let port = run.good_endpoint().address().port();
    for _ in 0..20 {
        let stranger = run.stranger();
        run.broadcast(&beacon(1, stranger, port));
        run.hold(Duration::from_millis(20)).await;
    }
    run.hold(PROOF).await;
    assert_eq!(run.entered(), 0);
    run.end().await;
}

pub(crate) async fn thousands_of_forged_beacons_keep_no_real_node_out() {
    let mut run = AttackRun::begin().await;
    // Nobody listens there: each is tried, and given up at once.
    let nowhere = free_port();
    for i in 0..3000 {
        let stranger = run.stranger();
        run.broadcast(&beacon(1, stranger, nowhere));
        if i % 50 == 0 {
            run.hold(Duration::from_millis(1)).await;
        }
    }
    let new = crate::common::Member::start(crate::common::on(run.beacon_port)).await;
    until("ENTER", || new.node.peers().contains(&run.victim.id)).await;
    run.victim.report("ENTER").await;
    crate::common::soon(new.node.stop()).await;
    run.end().await;
}

pub(crate) async fn forged_beacons_that_lead_to_silence_keep_no_real_node_out() {
    let mut run = AttackRun::with(serde_json::json!({ "peers": 32 })).await;
    let mut silent = Vec::new();
    for _ in 0..64 {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let stranger = run.stranger();
        let port = listener.local_addr().unwrap().port();
        run.broadcast(&beacon(1, stranger, port));
        silent.push(listener);
    }
    run.counted("candidates_refused", 1).await;
    let new = crate::common::Member::start(crate::common::on(run.beacon_port)).await;
    let entered = || new.node.peers().contains(&run.victim.id);
    let start = std::time::Instant::now();
    until("ENTER", entered).await;
    assert!(start.elapsed() < Duration::from_secs(3), "ENTER after {:?}", start.elapsed());
    crate::common::soon(new.node.stop()).await;
    run.end().await;
}
