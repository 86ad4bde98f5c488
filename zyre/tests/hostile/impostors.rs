//! Connections in the name of the good peer.

use std::time::Duration;

use testkit::wire::mailbox::Mailbox;
use testkit::wire::{GOODBYE, Hello, JOIN, PING_OK, SHOUT, WHISPER, header, membership};

use crate::attack_run::{AttackRun, closed};
use crate::common::DEADLINE;

pub(crate) async fn messages_in_the_good_peer_s_name_that_do_not_fit_close_only_their_connection() {
    let mut run = AttackRun::begin().await;
    // Far from where the good peer's sequence will be.
    let sequence = 60_000;
    let messages = [
        header(WHISPER, sequence, &[]),
        membership(JOIN, sequence, b"group", 77),
        header(GOODBYE, sequence, &[]),
        header(PING_OK, sequence, &[]),
        header(SHOUT, sequence, &[]),
        header(WHISPER, sequence, &[])[..5].to_vec(),
        Hello { sequence: 2, ..Hello::new("tcp://127.0.0.1:9") }.encode(),
        Hello::new("tcp://127.0.0.1:9").encode()[..20].to_vec(),
        vec![],
    ];
    for message in &messages {
        let mut dealer = run.dealer_as(run.good()).await;
        dealer.send(&[message, b"forged"]).await;
        closed(dealer).await;
    }
    run.counted("intruding", 9).await;
    run.end().await;
}

/// Longer than the victim waits for an answer of the good peer.
const LATER: Duration = Duration::from_millis(1500);

pub(crate) async fn a_hello_in_the_good_peer_s_name_changes_nothing() {
    for elsewhere in [false, true] {
        let run = AttackRun::begin().await;
        let trap = Mailbox::open(run.route().from, DEADLINE).unwrap().address;
        let place =
            if elsewhere { format!("tcp://{trap}") } else { run.good_endpoint().to_string() };
        let mut forger = run.dealer_as(run.good()).await;
        forger.send(&[&Hello::new(&place).encode()]).await;
        run.hold(LATER).await;
        run.end().await;
    }
}

pub(crate) async fn a_stranger_s_hello_from_the_good_peer_s_endpoint_changes_nothing() {
    let mut run = AttackRun::begin().await;
    let mut usurper = run.dealer().await;
    usurper.send(&[&Hello::new(&run.good_endpoint().to_string()).encode()]).await;
    run.hold(LATER).await;
    run.end().await;
}

pub(crate) async fn idle_connections_in_the_good_peer_s_name_change_nothing() {
    let mut run = AttackRun::begin().await;
    for _ in 0..50 {
        let dealer = run.dealer_as(run.good()).await;
        drop(dealer);
    }
    let open = run.dealer_as(run.good()).await;
    run.counted("connections", 51).await;
    run.end().await;
    drop(open);
}
