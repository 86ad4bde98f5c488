//! Connections in the name of the good peer.

use crate::common::raw::{Dealer, WHISPER, header, hello, string};
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
