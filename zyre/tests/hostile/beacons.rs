//! Datagrams that are no beacons, and beacons that lie.

use std::time::Duration;

use zyre::PeerId;

use crate::common::raw::{beacon, broadcast};
use crate::common::{free_port, until};
use crate::siege::Siege;

/// A claim that is not refuted is believed after a second.
const PROOF: Duration = Duration::from_millis(1400);

#[tokio::test]
async fn datagrams_that_are_no_beacons_are_ignored() {
    let mut siege = Siege::begin().await;
    let port = siege.beacon_port;
    let before = siege.stats().await["beacons"].as_u64().unwrap();
    let mut sent = 0;
    for length in 0..=64 {
        for version in [0, 1, 2, 3, 4, 255] {
            if matches!((version, length), (1, 22) | (3, 54)) {
                continue;
            }
            let mut datagram = beacon(version, PeerId::new([7; 16]), 9);
            datagram.resize(length, 7);
            broadcast(port, &datagram);
            sent += 1;
        }
        broadcast(port, &vec![0; length]);
        broadcast(port, &vec![b'Z'; length]);
        tokio::task::yield_now().await;
    }
    let last = beacon(1, PeerId::new([8; 16]), 0);
    broadcast(port, &last);
    siege.counted("beacons", before + 1).await;
    let heard = siege.stats().await["beacons"].as_u64().unwrap() - before;
    assert!(heard < 10, "{heard} of {sent} datagrams were taken for beacons");
    assert_eq!(siege.entered(), 0);
    siege.end().await;
}

#[tokio::test]
async fn beacons_with_the_node_s_own_id_or_endpoint_are_ignored() {
    let mut siege = Siege::begin().await;
    let (port, id) = (siege.beacon_port, siege.victim.id);
    let mailbox = siege.victim.endpoint.address().port();
    let before = siege.stats().await["own"].as_u64().unwrap();
    broadcast(port, &beacon(1, id, mailbox));
    broadcast(port, &beacon(1, id, 9));
    broadcast(port, &beacon(1, id, 0));
    for _ in 0..20 {
        let stranger = siege.stranger();
        broadcast(port, &beacon(1, stranger, mailbox));
    }
    siege.counted("own", before + 22).await;
    assert_eq!(siege.entered(), 0);
    siege.end().await;
}

#[tokio::test]
async fn a_forged_goodbye_does_not_cut_the_good_peer() {
    let siege = Siege::begin().await;
    broadcast(siege.beacon_port, &beacon(1, siege.good(), 0));
    siege.hold(PROOF).await;
    for _ in 0..50 {
        broadcast(siege.beacon_port, &beacon(1, siege.good(), 0));
        siege.hold(Duration::from_millis(5)).await;
    }
    siege.hold(PROOF).await;
    siege.end().await;
}

#[tokio::test]
async fn forged_beacons_that_move_the_good_peer_elsewhere_do_not_cut_it() {
    let mut siege = Siege::begin().await;
    let before = siege.stats().await["beacons"].as_u64().unwrap();
    // To where nobody listens, and to where somebody listens who is no node.
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let somebody = listener.local_addr().unwrap().port();
    for port in [free_port(), somebody, 9] {
        for _ in 0..10 {
            broadcast(siege.beacon_port, &beacon(1, siege.good(), port));
        }
    }
    siege.counted("beacons", before + 30).await;
    siege.hold(PROOF).await;
    let came = tokio::time::timeout(Duration::from_millis(1), listener.accept()).await;
    assert!(came.is_err(), "nobody went there");
    siege.end().await;
}

#[tokio::test]
async fn forged_beacons_of_new_nodes_on_the_good_peer_s_endpoint_do_not_cut_it() {
    let mut siege = Siege::begin().await;
    let port = siege.good_endpoint().address().port();
    for _ in 0..20 {
        let stranger = siege.stranger();
        broadcast(siege.beacon_port, &beacon(1, stranger, port));
        siege.hold(Duration::from_millis(20)).await;
    }
    siege.hold(PROOF).await;
    assert_eq!(siege.entered(), 0);
    siege.end().await;
}

#[tokio::test]
async fn thousands_of_forged_beacons_keep_no_real_node_out() {
    let mut siege = Siege::begin().await;
    // Nobody listens there: each is tried, and given up at once.
    let nowhere = free_port();
    for i in 0..3000 {
        let stranger = siege.stranger();
        broadcast(siege.beacon_port, &beacon(1, stranger, nowhere));
        if i % 50 == 0 {
            siege.hold(Duration::from_millis(1)).await;
        }
    }
    let new = crate::common::Member::start(crate::common::on(siege.beacon_port)).await;
    until("ENTER", || new.node.peers().contains(&siege.victim.id)).await;
    siege.victim.report("ENTER").await;
    crate::common::soon(new.node.stop()).await;
    siege.end().await;
}

#[tokio::test]
async fn forged_beacons_that_lead_to_silence_keep_no_real_node_out() {
    let mut siege = Siege::with(serde_json::json!({ "peers": 32 })).await;
    let mut silent = Vec::new();
    for _ in 0..64 {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let stranger = siege.stranger();
        let port = listener.local_addr().unwrap().port();
        broadcast(siege.beacon_port, &beacon(1, stranger, port));
        silent.push(listener);
    }
    siege.counted("candidates_refused", 1).await;
    let new = crate::common::Member::start(crate::common::on(siege.beacon_port)).await;
    let entered = || new.node.peers().contains(&siege.victim.id);
    let start = std::time::Instant::now();
    until("ENTER", entered).await;
    assert!(start.elapsed() < Duration::from_secs(3), "ENTER after {:?}", start.elapsed());
    crate::common::soon(new.node.stop()).await;
    siege.end().await;
}
