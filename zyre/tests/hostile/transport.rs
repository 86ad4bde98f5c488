//! Bytes that are not ZMTP, or too much of it.

use std::time::{Duration, Instant};

use serde_json::json;

use testkit::attacks::transport;
use testkit::wire::{COMMAND, Hello, MORE, WHISPER, announcement, frame, greeting, ready};

use crate::attack_run::{AttackRun, closed};
use crate::common::{Member, on, soon};

/// Opens a connection for each of these, all at once; each must be closed within the time.
async fn all_closed(run: &AttackRun, attacks: Vec<Vec<u8>>, within: Duration) {
    let start = Instant::now();
    let mut tasks = Vec::new();
    for bytes in attacks {
        let mut dealer = run.route().connect().await.unwrap();
        tasks.push(tokio::spawn(async move {
            dealer.write(&bytes).await;
            closed(dealer).await;
        }));
    }
    for task in tasks {
        soon(task).await.unwrap();
    }
    assert!(start.elapsed() < within, "closed after {:?}", start.elapsed());
}

pub(crate) async fn a_failed_handshake_is_counted_at_once() {
    let mut run = AttackRun::begin().await;
    all_closed(&run, vec![vec![0; 100]], Duration::from_secs(3)).await;
    run.counted("handshakes_failed", 1).await;
    run.end().await;
}

pub(crate) async fn tcp_garbage_is_closed() {
    let mut run = AttackRun::begin().await;
    let attacks = [transport::garbage(), transport::odd_greetings()].concat();
    let count = attacks.len() as u64;
    all_closed(&run, attacks, Duration::from_secs(5)).await;
    // A version later than ours is greeted as ours.
    run.counted("handshakes_failed", count - 1).await;
    run.end().await;
}

pub(crate) async fn half_greetings_and_silence_are_closed_by_the_deadline() {
    let mut run = AttackRun::begin().await;
    let whole = [greeting(17), ready("DEALER", &[1; 17])].concat();
    let halves: Vec<_> = (0..whole.len()).map(|length| whole[..length].to_vec()).collect();
    let count = halves.len() as u64;
    // The deadline is 300 ms; it would be 20 s if nobody had set it.
    all_closed(&run, halves, Duration::from_secs(3)).await;
    // The good peer and the node have one connection, which either of them has accepted.
    let connections = run.stats().await["connections"].as_u64().unwrap();
    assert!(connections <= 1, "only the good peer: {connections}");
    run.counted("handshakes_failed", count).await;
    run.end().await;
}

pub(crate) async fn more_silent_connections_than_handshakes_are_allowed_keep_nobody_out() {
    let mut run = AttackRun::with(json!({ "handshake": 20_000, "handshakes": 16 })).await;
    let mut silent = Vec::new();
    for _ in 0..100 {
        silent.push(run.route().connect().await.unwrap());
    }
    let mut new = Member::start(on(run.beacon_port)).await;
    let start = Instant::now();
    new.enter(run.victim.id).await;
    assert!(start.elapsed() < Duration::from_secs(3), "ENTER after {:?}", start.elapsed());
    run.counted("handshakes_failed", 100 - 16).await;
    soon(new.node.stop()).await;
    run.end().await;
}

pub(crate) async fn announced_frames_beyond_the_limit_are_closed_before_anything_is_allocated() {
    let mut run = AttackRun::begin().await;
    let mut count = 0;
    for length in [(64 << 20) + 1, 1 << 31, 1 << 32, 1 << 46, (1 << 63) - 1, 1 << 63, u64::MAX] {
        for flags in [0, MORE, COMMAND] {
            let mut dealer = run.dealer().await;
            dealer.write(&announcement(flags, length)).await;
            closed(dealer).await;
            count += 1;
        }
    }
    // One byte too many, in two frames.
    let mut dealer = run.dealer().await;
    dealer.write(&frame(MORE, b"x")).await;
    dealer.write(&announcement(0, 64 << 20)).await;
    closed(dealer).await;
    // One frame too many.
    let mut dealer = run.dealer().await;
    dealer.write(&frame(MORE, b"").repeat(4096)).await;
    dealer.write(&frame(0, b"")).await;
    closed(dealer).await;
    run.counted("connections_broken", count + 2).await;
    run.end().await;
}

pub(crate) async fn frames_that_are_announced_and_never_come_cost_no_memory() {
    let mut run = AttackRun::with(json!({ "handshake": 5000 })).await;
    let mut open = Vec::new();
    for _ in 0..100 {
        let mut dealer = run.dealer().await;
        dealer.write(&announcement(0, 1 << 20)).await;
        dealer.write(&[7; 1000]).await;
        open.push(dealer);
    }
    assert!(!open[0].closed(Duration::from_millis(300)).await);
    run.end().await;
    drop(open);
}

pub(crate) async fn a_stranger_may_not_send_more_than_a_hello() {
    let mut run = AttackRun::begin().await;
    let mut stranger = run.dealer().await;
    stranger.write(&announcement(0, (1 << 20) + 1)).await;
    closed(stranger).await;
    run.counted("connections_broken", 1).await;
    // A peer may.
    let mut ghost = run.ghost().await;
    let large = vec![7; 2 << 20];
    ghost.send(WHISPER, &[], &[&large]).await;
    while ghost.read().await.unwrap().last() != Some(&large) {}
    run.end().await;
}

pub(crate) async fn idle_strangers_do_not_keep_the_places_of_peers() {
    let mut run = AttackRun::with(json!({ "strangers": 4, "handshake": 20_000 })).await;
    let mut idle = Vec::new();
    for _ in 0..15 {
        idle.push(run.dealer().await);
    }
    // The oldest have made room, long before their time is over.
    run.counted("connections_idle", 11).await;
    for oldest in idle.drain(..11) {
        closed(oldest).await;
    }
    let start = Instant::now();
    let new = Member::start(on(run.beacon_port)).await;
    run.victim.report("ENTER").await;
    assert!(start.elapsed() < Duration::from_secs(2), "ENTER after {:?}", start.elapsed());
    soon(new.node.stop()).await;
    run.end().await;
}

pub(crate) async fn an_oversize_ready_is_closed() {
    let run = AttackRun::begin().await;
    // Sooner than the deadline of 300 ms would do it, were they waited for one by one.
    all_closed(&run, transport::large_ready(), Duration::from_secs(3)).await;
    run.end().await;
}

pub(crate) async fn messages_before_ready_are_closed() {
    let mut run = AttackRun::begin().await;
    let attacks = transport::early();
    let count = attacks.len() as u64;
    all_closed(&run, attacks, Duration::from_secs(3)).await;
    run.counted("handshakes_failed", count).await;
    assert_eq!(run.entered(), 0);
    run.end().await;
}

pub(crate) async fn routing_ids_that_are_not_those_of_nodes_are_closed() {
    let mut run = AttackRun::begin().await;
    let ids = transport::routing_ids();
    let count = ids.len() as u64;
    for id in ids {
        let mut dealer = run.route().greet(&id).await.unwrap();
        dealer.send(&[&Hello::new("tcp://127.0.0.1:9").encode()]).await;
        closed(dealer).await;
    }
    run.counted("connections_foreign", count).await;
    assert_eq!(run.entered(), 0);
    run.end().await;
}

pub(crate) async fn connections_that_never_say_hello_are_closed_in_the_time_of_a_handshake() {
    let mut run = AttackRun::begin().await;
    let mut idle = Vec::new();
    for _ in 0..15 {
        idle.push(run.dealer().await);
    }
    for connection in idle {
        closed(connection).await;
    }
    run.counted("connections_idle", 15).await;
    run.end().await;
}

/// A stranger that was greeted may have entered us, and has the time of any peer that is silent.
pub(crate) async fn a_stranger_that_was_greeted_is_not_closed_as_idle() {
    let mut run = AttackRun::begin().await;
    let id = run.follower();
    let mut greeted = run.two_way(id).await;
    assert_eq!(testkit::wire::number(&greeted.read().await.unwrap()), Some(testkit::wire::HELLO));
    // It is older than this one, which is closed as idle.
    closed(run.dealer().await).await;
    closed(run.dealer().await).await;
    assert!(!greeted.closed(Duration::from_millis(1)).await);
    assert_eq!(run.stats().await["connections_idle"], 2);
    run.end().await;
}
