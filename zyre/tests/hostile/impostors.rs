//! Connections in the name of the good peer.

use std::time::Duration;

use crate::common::raw::{Dealer, Ghost, WHISPER, header, hello, string};
use crate::siege::Siege;

#[tokio::test]
async fn messages_in_the_good_peer_s_name_that_do_not_fit_close_only_their_connection() {
    let mut siege = Siege::begin().await;
    let routing_id = siege.good().routing_id();
    // Far from where the good peer's sequence will be.
    let sequence = 60_000;
    let messages = [
        header(WHISPER, sequence, &[]),
        header(4, sequence, &[&string("group")[..], &[77]].concat()),
        header(10, sequence, &[]),
        header(7, sequence, &[]),
        header(3, sequence, &[]),
        header(WHISPER, sequence, &[])[..5].to_vec(),
        hello(2, "tcp://127.0.0.1:9", "good"),
        hello(1, "tcp://127.0.0.1:9", "good")[..20].to_vec(),
        vec![],
    ];
    for message in &messages {
        let mut dealer = Dealer::connect(siege.victim.endpoint, &routing_id).await;
        dealer.send(&[message, b"forged"]).await;
        dealer.closed().await;
    }
    siege.counted("intruding", 9).await;
    siege.end().await;
}

/// Longer than the victim waits for an answer of the good peer.
const LATER: Duration = Duration::from_millis(1500);

#[tokio::test]
async fn a_hello_in_the_good_peer_s_name_changes_nothing() {
    for elsewhere in [false, true] {
        let siege = Siege::begin().await;
        let trap = Ghost::listen().await;
        let trap = trap.local_addr().unwrap();
        let place =
            if elsewhere { format!("tcp://{trap}") } else { siege.good_endpoint().to_string() };
        let mut forger = Dealer::connect(siege.victim.endpoint, &siege.good().routing_id()).await;
        forger.send(&[&hello(1, &place, "forged")]).await;
        siege.hold(LATER).await;
        siege.end().await;
    }
}

#[tokio::test]
async fn a_stranger_s_hello_from_the_good_peer_s_endpoint_changes_nothing() {
    let mut siege = Siege::begin().await;
    let mut usurper = siege.dealer().await;
    usurper.send(&[&hello(1, &siege.good_endpoint().to_string(), "usurper")]).await;
    siege.hold(LATER).await;
    siege.end().await;
}

#[tokio::test]
async fn idle_connections_in_the_good_peer_s_name_change_nothing() {
    let mut siege = Siege::begin().await;
    let routing_id = siege.good().routing_id();
    for _ in 0..50 {
        let dealer = Dealer::connect(siege.victim.endpoint, &routing_id).await;
        drop(dealer);
    }
    let open = Dealer::connect(siege.victim.endpoint, &routing_id).await;
    siege.counted("connections", 52).await;
    siege.end().await;
    drop(open);
}
