//! Octets that are not ZMTP, or too much of it.

use std::time::{Duration, Instant};

use serde_json::json;

use crate::common::raw::{COMMAND, Dealer, MORE, announcement, command, frame, greeting, hello};
use crate::common::raw::{WHISPER, message, property, ready};
use crate::common::{Member, on, soon};
use crate::siege::Siege;

/// Opens a connection for each of these, all at once; each must be closed within the time.
async fn all_closed(siege: &Siege, attacks: Vec<Vec<u8>>, within: Duration) {
    let start = Instant::now();
    let mut tasks = Vec::new();
    for octets in attacks {
        let mut dealer = Dealer::silent(siege.victim.endpoint).await;
        tasks.push(tokio::spawn(async move {
            dealer.write(&octets).await;
            dealer.closed().await;
        }));
    }
    for task in tasks {
        soon(task).await.unwrap();
    }
    assert!(start.elapsed() < within, "closed after {:?}", start.elapsed());
}

#[tokio::test]
async fn a_failed_handshake_is_counted_at_once() {
    let mut siege = Siege::begin().await;
    all_closed(&siege, vec![vec![0; 100]], Duration::from_secs(3)).await;
    siege.counted("handshakes_failed", 1).await;
    siege.end().await;
}

#[tokio::test]
async fn tcp_garbage_is_closed() {
    let mut siege = Siege::begin().await;
    let mut attacks = vec![
        b"GET / HTTP/1.1\r\nHost: node\r\n\r\n".to_vec(),
        b"SSH-2.0-OpenSSH_9.9\r\n".to_vec(),
        vec![0; 1000],
        vec![0xFF; 1000],
        [&[0xFF; 9][..], &[0x7F; 100]].concat(),
    ];
    let mut noise = 0x2545_F491_4F6C_DD1D_u64;
    for length in 1..60 {
        let octets = (0..length * 4).map(|_| {
            noise ^= noise << 13;
            noise ^= noise >> 7;
            noise ^= noise << 17;
            noise as u8
        });
        attacks.push(octets.collect());
    }
    // A good greeting, and then something else.
    for octets in [&[0xFF; 200][..], &[0; 200], b"\x04\x05READX", b"\x04\x00", b"\x08\x01a"] {
        attacks.push([&greeting(17)[..], octets].concat());
    }
    // Mechanisms that nobody has asked for, and versions that nobody speaks.
    for (place, octets) in [(12, &b"CURVE"[..]), (12, b"PLAIN"), (12, &[b'x'; 20]), (10, &[1])] {
        let mut odd = greeting(17);
        odd[place..place + octets.len()].copy_from_slice(octets);
        attacks.push([odd, ready("DEALER", &[1; 17])].concat());
    }
    let count = attacks.len() as u64;
    all_closed(&siege, attacks, Duration::from_secs(5)).await;
    siege.counted("handshakes_failed", count).await;
    siege.end().await;
}

#[tokio::test]
async fn half_greetings_and_silence_are_closed_by_the_deadline() {
    let mut siege = Siege::begin().await;
    let whole = [greeting(17), ready("DEALER", &[1; 17])].concat();
    let halves: Vec<_> = (0..whole.len()).map(|length| whole[..length].to_vec()).collect();
    let count = halves.len() as u64;
    // The deadline is 300 ms; it would be 5 s if nobody had set it.
    all_closed(&siege, halves, Duration::from_secs(3)).await;
    assert_eq!(siege.stats().await["connections"], 1, "only the good peer");
    siege.counted("handshakes_failed", count).await;
    siege.end().await;
}

#[tokio::test]
async fn more_silent_connections_than_handshakes_are_allowed_keep_nobody_out() {
    let mut siege = Siege::with(json!({ "handshake": 20_000, "handshakes": 16 })).await;
    let mut silent = Vec::new();
    for _ in 0..100 {
        silent.push(Dealer::silent(siege.victim.endpoint).await);
    }
    let mut new = Member::start(on(siege.beacon_port)).await;
    let start = Instant::now();
    new.enter(siege.victim.id).await;
    assert!(start.elapsed() < Duration::from_secs(3), "ENTER after {:?}", start.elapsed());
    siege.counted("handshakes_failed", 100 - 16).await;
    soon(new.node.stop()).await;
    siege.end().await;
}

#[tokio::test]
async fn announced_frames_beyond_the_limit_are_closed_before_anything_is_allocated() {
    let mut siege = Siege::begin().await;
    let mut count = 0;
    for length in [(64 << 20) + 1, 1 << 31, 1 << 32, 1 << 46, (1 << 63) - 1, 1 << 63, u64::MAX] {
        for flags in [0, MORE, COMMAND] {
            let mut dealer = siege.dealer().await;
            dealer.write(&announcement(flags, length)).await;
            dealer.closed().await;
            count += 1;
        }
    }
    // One octet too many, in two frames.
    let mut dealer = siege.dealer().await;
    dealer.write(&frame(MORE, b"x")).await;
    dealer.write(&announcement(0, 64 << 20)).await;
    dealer.closed().await;
    // One frame too many.
    let mut dealer = siege.dealer().await;
    dealer.write(&frame(MORE, b"").repeat(4096)).await;
    dealer.write(&frame(0, b"")).await;
    dealer.closed().await;
    siege.counted("connections_broken", count + 2).await;
    siege.end().await;
}

#[tokio::test]
async fn frames_that_are_announced_and_never_come_cost_no_memory() {
    let mut siege = Siege::with(json!({ "handshake": 5000 })).await;
    let mut open = Vec::new();
    for _ in 0..100 {
        let mut dealer = siege.dealer().await;
        dealer.write(&announcement(0, 1 << 20)).await;
        dealer.write(&[7; 1000]).await;
        open.push(dealer);
    }
    assert!(open[0].stays_open(Duration::from_millis(300)).await);
    siege.end().await;
    drop(open);
}

#[tokio::test]
async fn a_stranger_may_not_send_more_than_a_hello() {
    let mut siege = Siege::begin().await;
    let mut stranger = siege.dealer().await;
    stranger.write(&announcement(0, (1 << 20) + 1)).await;
    stranger.closed().await;
    siege.counted("connections_broken", 1).await;
    // A peer may.
    let mut ghost = siege.ghost().await;
    let large = vec![7; 2 << 20];
    ghost.send(WHISPER, &[], &[&large]).await;
    while ghost.read().await.last() != Some(&large) {}
    siege.end().await;
}

#[tokio::test]
async fn idle_strangers_do_not_keep_the_places_of_peers() {
    let mut siege = Siege::with(json!({ "connections": 16, "handshake": 5000 })).await;
    let mut idle = Vec::new();
    for _ in 0..15 {
        idle.push(siege.dealer().await);
    }
    let start = Instant::now();
    let new = Member::start(on(siege.beacon_port)).await;
    siege.victim.report("ENTER").await;
    assert!(start.elapsed() < Duration::from_secs(2), "ENTER after {:?}", start.elapsed());
    siege.counted("connections_idle", 11).await;
    soon(new.node.stop()).await;
    siege.end().await;
}

#[tokio::test]
async fn an_oversize_ready_is_closed() {
    let siege = Siege::begin().await;
    let large = property("X-Large", &vec![0; 70_000]);
    let many = property("X-Many", b"").repeat(10_000);
    let mut attacks = vec![command("READY", &large), command("READY", &many)];
    attacks.extend([1 << 17, 1 << 31, 1 << 46, u64::MAX].map(|n| announcement(COMMAND, n)));
    let lying = [&[5][..], b"READY", &[11], b"Socket-Type", &u32::MAX.to_be_bytes()].concat();
    attacks.push(frame(COMMAND, &lying));
    let attacks = attacks.into_iter().map(|ready| [greeting(17), ready].concat()).collect();
    // Sooner than the deadline of 300 ms would do it, were they waited for one by one.
    all_closed(&siege, attacks, Duration::from_secs(3)).await;
    siege.end().await;
}

#[tokio::test]
async fn messages_before_ready_are_closed() {
    let mut siege = Siege::begin().await;
    let hello = message(&[&hello(1, "tcp://127.0.0.1:9", "early")]);
    let whisper = message(&[&[0xAA, 0xA1, 2, 2, 0, 2], b"early"]);
    let attacks: Vec<_> =
        [hello, whisper].into_iter().map(|early| [greeting(17), early].concat()).collect();
    all_closed(&siege, attacks, Duration::from_secs(3)).await;
    siege.counted("handshakes_failed", 2).await;
    assert_eq!(siege.entered(), 0);
    siege.end().await;
}

#[tokio::test]
async fn routing_ids_that_are_not_those_of_nodes_are_closed() {
    let mut siege = Siege::begin().await;
    let mut ids: Vec<Vec<u8>> =
        [0, 1, 5, 15, 16, 18, 32, 255].map(|length| vec![1; length]).to_vec();
    ids.extend([0, 2, 255].map(|first| [&[first][..], &[9; 16]].concat()));
    let count = ids.len() as u64;
    for id in ids {
        let mut dealer = Dealer::connect(siege.victim.endpoint, &id).await;
        dealer.send(&[&hello(1, "tcp://127.0.0.1:9", "odd")]).await;
        dealer.closed().await;
    }
    siege.counted("connections_foreign", count).await;
    assert_eq!(siege.entered(), 0);
    siege.end().await;
}

#[tokio::test]
async fn connections_that_never_say_hello_keep_nobody_out() {
    let mut siege = Siege::with(json!({ "connections": 16, "handshake": 300 })).await;
    let mut idle = Vec::new();
    for _ in 0..15 {
        idle.push(siege.dealer().await);
    }
    let mut new = Member::start(on(siege.beacon_port)).await;
    new.enter(siege.victim.id).await;
    siege.victim.report("ENTER").await;
    soon(new.node.stop()).await;
    siege.end().await;
}
