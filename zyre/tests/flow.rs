//! Those who do not read are waited for, or given up; nobody else suffers.

#![cfg(test)]

mod common;

use std::time::{Duration, Instant};

use common::child::{self, Child};
use common::raw::Ghost;
use common::{DEADLINE, Member, free_port, on, pair_of, soon, until};
use serde_json::{Value, json};
use zyre::{Event, ExitReason, Limits, PeerId};

#[tokio::test]
#[ignore = "a process that other tests start"]
async fn child() {
    if let Some((_, settings)) = child::task() {
        hoard(&settings).await;
    }
}

/// Task of a child: a node whose application takes no event until it is told `read`.
async fn hoard(settings: &Value) {
    let mut commands = child::commands();
    let (node, mut events) = child::start(settings).await;
    while let Some(command) = commands.recv().await {
        let mut exits = Vec::new();
        let mut whispers = 0_u64;
        // Until the last one of those that are to come.
        while command == "read" && Some(whispers) != settings["whispers"].as_u64() {
            match events.recv().await {
                Some(Event::Whisper { content, .. }) => {
                    assert_eq!(content.first()[..8], whispers.to_be_bytes());
                    whispers += 1;
                }
                Some(Event::Exit { peer, reason, .. }) => {
                    exits.push(json!([peer.to_string(), reason.as_str()]));
                }
                Some(_) => {}
                None => return,
            }
        }
        let peers: Vec<_> = node.peers().iter().map(PeerId::to_string).collect();
        let received = node.stats().protocol.received;
        child::say(&json!({
            "event": command,
            "whispers": whispers,
            "exits": exits,
            "peers": peers,
            "received": received,
        }));
    }
}

/// Asks until the answer is good.
async fn ask_until(child: &mut Child, what: &str, mut good: impl FnMut(&Value) -> bool) -> Value {
    let start = Instant::now();
    loop {
        let answer = child.ask("ask").await;
        if good(&answer) {
            return answer;
        }
        assert!(start.elapsed() < DEADLINE, "waited in vain for {what}: {answer}");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

/// Asks until the child receives nothing more.
async fn until_it_stands_still(child: &mut Child) -> u64 {
    let (mut last, mut since) = (0, Instant::now());
    ask_until(child, "the pause", |answer| {
        let received = answer["received"].as_u64().unwrap();
        if received != last {
            (last, since) = (received, Instant::now());
        }
        since.elapsed() > Duration::from_millis(300)
    })
    .await;
    last
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_application_that_does_not_read_takes_bounded_memory_and_loses_nothing() {
    const WHISPERS: u64 = 20_000;
    const OCTETS: usize = 4096;
    let port = free_port();
    let settings = json!({
        "port": port, "interval": 100, "evasive": 400, "expired": 600,
        "events": 1000, "event_octets": 1 << 20, "whispers": WHISPERS,
    });
    let mut reader = Child::start("hoard", settings).await;
    let quick = || on(port).beacon_interval(Duration::from_millis(100));
    let limits = Limits { link_messages: 1 << 20, link_octets: 1 << 30, ..Limits::default() };
    let (mut sender, mut other) = pair_of(quick().limits(limits), quick()).await;
    for member in [&mut sender, &mut other] {
        until("the child", || member.node.peers().len() == 2).await;
    }
    let both = |answer: &Value| answer["peers"].as_array().unwrap().len() == 2;
    ask_until(&mut reader, "both peers", both).await;

    let before = reader.resident();
    for n in 0..WHISPERS {
        let mut content = vec![0; OCTETS];
        content[..8].copy_from_slice(&n.to_be_bytes());
        sender.node.whisper(reader.id, content).unwrap();
    }
    let received = until_it_stands_still(&mut reader).await;
    assert!(received < WHISPERS / 2, "{received} of {WHISPERS} were taken in");
    // Longer than it takes to give up a quiet peer.
    tokio::time::sleep(Duration::from_millis(1000)).await;
    let grown = reader.resident() - before.min(reader.resident());
    println!("{received} messages read, {grown} KiB more of {} KiB", WHISPERS * 4);
    assert!(grown < 20 * 1024, "{grown} KiB");
    assert!(both(&reader.ask("ask").await), "nobody is given up");

    // One leaves meanwhile: that does not wait for the application.
    let gone = other.id();
    soon(other.node.stop()).await;
    let one = json!([sender.id().to_string()]);
    ask_until(&mut reader, "EXIT", |answer| answer["peers"] == one).await;
    let report = reader.ask("read").await;
    assert_eq!(report["whispers"], WHISPERS, "each of them, in order");
    assert_eq!(report["exits"], json!([[gone.to_string(), "goodbye"]]));
    assert_eq!(sender.exit(gone).await, ExitReason::Goodbye);
    assert_eq!(sender.node.peers(), [reader.id], "the sender has waited");
    assert!(sender.rest().iter().all(|event| !matches!(event, Event::Exit { .. })));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_peer_that_does_not_read_overflows_and_only_that_peer_is_ended() {
    let port = free_port();
    let limits = Limits { link_messages: 200, link_octets: 1 << 20, ..Limits::default() };
    let (mut a, mut b) = pair_of(on(port).limits(limits), on(port)).await;
    let ghost = Ghost::meet(a.node.endpoint(), PeerId::new([7; 16])).await;
    a.enter(ghost.id).await;
    let mut sent = 0_u64;
    let start = Instant::now();
    loop {
        let content = vec![0_u8; 16 << 10];
        if let Err(refused) = a.node.whisper(ghost.id, content) {
            assert_eq!(refused, zyre::Refused::UnknownPeer(ghost.id));
            break;
        }
        sent += 1;
        assert!(start.elapsed() < DEADLINE, "{sent} messages and no overflow");
        // The other peer hears what it is told meanwhile, and answers.
        if sent.is_multiple_of(8) {
            a.node.whisper(b.id(), sent.to_be_bytes().to_vec()).unwrap();
            assert_eq!(b.whisper(a.id()).await.first(), sent.to_be_bytes());
            b.node.whisper(a.id(), "heard").unwrap();
            let event = a.next().await;
            if let Event::Exit { peer, reason, .. } = event {
                panic!("EXIT of {peer} while it was sent to: {reason}");
            }
        }
    }
    assert_eq!(a.exit(ghost.id).await, ExitReason::Overflow);
    assert!(sent >= 64, "the limit of the queue is not less than a MiB: {sent}");
    assert_eq!(a.node.stats().protocol.overflows, 1);
    assert_eq!(a.node.peers(), [b.id()]);
    // Its connection to the mailbox is closed as well: so it learns of it.
    ghost.dealer.closed().await;
    a.node.whisper(b.id(), "still there").unwrap();
    assert_eq!(b.whisper(a.id()).await.to_text(), "still there");
    assert_eq!(b.rest(), []);
}

#[tokio::test(flavor = "current_thread")]
async fn quiet_peers_expire_again_after_the_one_that_was_waited_for_has_gone() {
    the_pause_ends_with_its_connection().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn quiet_peers_expire_again_after_that_with_many_threads_too() {
    the_pause_ends_with_its_connection().await;
}

async fn the_pause_ends_with_its_connection() {
    let limits =
        Limits { events: 10, link_messages: 200, link_octets: 1 << 20, ..Limits::default() };
    let builder = on(free_port())
        .limits(limits)
        .evasive(Duration::from_millis(100))
        .silent(Duration::from_millis(100))
        .expired(Duration::from_millis(500));
    let mut node = Member::start(builder).await;
    // One that talks, and does not listen, to an application that does not listen either.
    let mut talker = Ghost::meet(node.node.endpoint(), PeerId::new([7; 16])).await;
    let id = talker.id;
    node.enter(id).await;
    for _ in 0..100 {
        talker.send(common::raw::WHISPER, &[], &[b"wait for me"]).await;
    }
    until("the pause", || node.node.stats().protocol.received > 8).await;
    until("overflow", || node.node.whisper(id, vec![0; 256 << 10]).is_err()).await;
    let received = node.node.stats().protocol.received;
    assert!(received < 60, "the application has room for 10: {received}");
    assert_eq!(node.exit(id).await, ExitReason::Overflow);

    let silent = Ghost::meet(node.node.endpoint(), PeerId::new([8; 16])).await;
    node.enter(silent.id).await;
    let start = Instant::now();
    assert_eq!(node.exit(silent.id).await, ExitReason::Expired);
    assert!(start.elapsed() < Duration::from_secs(5), "after {:?}", start.elapsed());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_silent_peer_is_evasive_then_silent_then_expired_and_one_that_answers_is_not() {
    let builder = on(free_port())
        .evasive(Duration::from_millis(200))
        .silent(Duration::from_millis(200))
        .expired(Duration::from_millis(1500));
    let mut node = Member::start(builder).await;
    let mut ghost = Ghost::meet(node.node.endpoint(), PeerId::new([7; 16])).await;
    node.enter(ghost.id).await;
    assert!(matches!(node.next().await, Event::Join { .. }));
    assert_eq!(ghost.read().await.len(), 1, "HELLO");
    // It answers twice, and then no more.
    for _ in 0..2 {
        assert!(matches!(node.next().await, Event::Evasive { .. }));
        let ping = ghost.read().await;
        assert_eq!(ping[0][..4], [0xAA, 0xA1, common::raw::PING, 2]);
        ghost.send(common::raw::PING_OK, &[], &[]).await;
    }
    let start = Instant::now();
    assert!(matches!(node.next().await, Event::Evasive { .. }));
    assert!(matches!(node.next().await, Event::Silent { .. }));
    assert_eq!(node.node.peer(ghost.id).unwrap().liveness, zyre::Liveness::Silent);
    assert!(matches!(node.next().await, Event::Exit { reason: ExitReason::Expired, .. }));
    let took = start.elapsed();
    assert!(took > Duration::from_millis(1300) && took < Duration::from_secs(5), "{took:?}");
}
