//! Those who do not read are waited for, or given up; nobody else suffers.

#![cfg(test)]

mod common;

use std::process::ExitCode;
use std::time::{Duration, Instant};

use common::child::{self, Child};
use common::{DEADLINE, Member, free_port, on, pair_of, route, soon, until, until_some};
use serde_json::{Value, json};
use testkit::wire::ghost::Ghost;
use testkit::{async_tests, harness, role, tests};
use tokio::time::timeout;
use zyre::{Content, Event, ExitReason, Limits, PeerId};

fn main() -> ExitCode {
    role::play(|_, settings| harness::block_on_one_thread(hoard(settings)));
    let mut tests = async_tests![
        an_application_that_does_not_read_takes_bounded_memory_and_loses_nothing,
        a_peer_that_does_not_read_overflows_and_only_that_peer_is_ended,
        what_a_peer_is_ready_for_is_taken_up_to_the_mark_in_messages_and_in_bytes,
        quiet_peers_expire_again_after_that_with_many_threads_too,
        a_silent_peer_is_evasive_then_silent_then_expired_and_one_that_answers_is_not,
    ];
    tests.extend(tests![quiet_peers_expire_again_after_the_one_that_was_waited_for_has_gone]);
    harness::run(tests)
}

/// A role: a node whose application takes no event until it is told `read`.
async fn hoard(settings: &Value) {
    let mut commands = role::commands();
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
        let beacons = node.stats().network.beacons;
        role::report(&json!({
            "event": command,
            "whispers": whispers,
            "exits": exits,
            "peers": peers,
            "received": received,
            "beacons": beacons,
        }));
    }
}

/// Asks until the answer is good.
async fn ask_until(child: &mut Child, what: &str, mut good: impl FnMut(&Value) -> bool) -> Value {
    until_some(what, async || Some(child.ask("ask").await).filter(|answer| good(answer))).await
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

async fn an_application_that_does_not_read_takes_bounded_memory_and_loses_nothing() {
    const WHISPERS: u64 = 20_000;
    const BYTES: usize = 4096;
    let port = free_port();
    let settings = json!({
        "port": port, "interval": 100, "evasive": 400, "expired": 600,
        "events": 1000, "event_bytes": 1 << 20, "whispers": WHISPERS,
    });
    let mut reader = Child::start("hoard", settings).await;
    let quick = || on(port).beacon_interval(Duration::from_millis(100));
    let limits = Limits { link_messages: 1 << 20, link_bytes: 1 << 30, ..Limits::default() };
    let (mut sender, mut other) = pair_of(quick().limits(limits), quick()).await;
    for member in [&mut sender, &mut other] {
        until("the child", || member.node.peers().len() == 2).await;
    }
    let both = |answer: &Value| answer["peers"].as_array().unwrap().len() == 2;
    ask_until(&mut reader, "both peers", both).await;

    let before = reader.resident();
    for n in 0..WHISPERS {
        let mut content = vec![0; BYTES];
        content[..8].copy_from_slice(&n.to_be_bytes());
        sender.node.whisper(reader.id, content).unwrap();
    }
    let received = until_it_stands_still(&mut reader).await;
    assert!(received < WHISPERS / 2, "{received} of {WHISPERS} were taken in");
    // For a second, by the beacons of both: longer than it takes to give up a quiet peer.
    let beacons = |answer: &Value| answer["beacons"].as_u64().unwrap();
    let enough = beacons(&reader.ask("ask").await) + 20;
    ask_until(&mut reader, "beacons", |answer| beacons(answer) >= enough).await;
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

async fn a_peer_that_does_not_read_overflows_and_only_that_peer_is_ended() {
    let port = free_port();
    let limits = Limits { link_messages: 200, link_bytes: 1 << 20, ..Limits::default() };
    let (mut a, mut b) = pair_of(on(port).limits(limits), on(port)).await;
    let mut ghost =
        Ghost::meet_with_small_mailbox(route(&a.node), PeerId::new([7; 16])).await.unwrap();
    a.enter(ghost.id).await;
    let mut sent = 0_u64;
    let start = Instant::now();
    loop {
        let content = vec![0_u8; 16 << 10];
        if let Err(refused) = a.node.whisper(ghost.id, content) {
            assert_eq!(refused, zyre::ActionError::Full(ghost.id));
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
    assert!(sent >= 64, "the mark of the queue is not less than a MiB: {sent}");
    let room = a.node.room(ghost.id).unwrap();
    assert!(room.bytes < 17 << 10, "{room:?}");
    assert_eq!(a.node.stats().protocol.overflows, 0, "who only whispers ends nobody");
    assert_eq!(a.node.peers().len(), 2);
    // A SHOUT does not wait, and goes beyond the mark.
    let group = a.node.peer(ghost.id).unwrap().groups[0].clone();
    for shouted in 0.. {
        if a.node.peer(ghost.id).is_none() {
            assert!(shouted > 48, "the limit is twice the mark: {shouted}");
            break;
        }
        a.node.shout(&group, vec![0_u8; 16 << 10]).unwrap();
    }
    assert_eq!(a.exit(ghost.id).await, ExitReason::Overflow);
    assert_eq!(a.node.stats().protocol.overflows, 1);
    assert_eq!(a.node.peers(), [b.id()]);
    // Its connection to the mailbox is closed as well: so it learns of it.
    assert!(ghost.dealer.closed(DEADLINE).await);
    a.node.whisper(b.id(), "still there").unwrap();
    assert_eq!(b.whisper(a.id()).await.to_text(), "still there");
    assert_eq!(b.rest(), []);
}

async fn what_a_peer_is_ready_for_is_taken_up_to_the_mark_in_messages_and_in_bytes() {
    let small = Limits { link_messages: 1000, link_bytes: 30_000, ..Limits::default() };
    let frames = |count: usize, bytes: usize| -> Content {
        std::iter::repeat_n(vec![0; bytes], count).collect()
    };
    let contents = [frames(1, 0), frames(1, 1), frames(40, 200), frames(4000, 0), frames(2000, 8)];
    let large = [frames(1000, 300), frames(1, 1 << 20), frames(1, 20 << 20), frames(4000, 4000)];
    let cases = contents.iter().map(|it| (small.clone(), it));
    let cases = cases.chain(contents.iter().chain(&large).map(|it| (Limits::default(), it)));
    for (limits, content) in cases {
        let (messages, bytes) = (limits.link_messages, content.byte_len());
        let case =
            format!("{} frames, {bytes} bytes, mark {}", content.frames().len(), limits.link_bytes);
        let mut a = Member::start(on(free_port()).limits(limits.clone())).await;
        let ghost = Ghost::meet_with_small_mailbox(route(&a.node), PeerId::new([7; 16]));
        let ghost = ghost.await.unwrap();
        a.enter(ghost.id).await;
        let node = &a.node;
        let ready = async || timeout(Duration::ZERO, node.ready(ghost.id, bytes)).await.is_ok();
        let mut sent = 0;
        // Nothing makes room any more when the kernel is full.
        let mut refused = 0;
        while refused < 100 {
            let room = node.room(ghost.id).unwrap();
            let room = room.messages > 0 && room.bytes >= bytes + 100;
            let ready = ready().await;
            let whispered = node.whisper(ghost.id, content.clone());
            sent += usize::from(whispered.is_ok());
            refused += usize::from(whispered.is_err());
            assert!(ready || !room, "{case}: there is room behind {sent}");
            assert!(!ready || whispered.is_ok(), "{case}: not taken, behind {sent}");
        }
        let room = node.room(ghost.id).unwrap();
        if bytes + 9 * content.frames().len() + 100 < limits.link_bytes / messages {
            assert_eq!(room.messages, 0, "{case}: the count is the limit");
        }
        // The kernel takes a MiB ahead, of messages of ten bytes and more.
        assert!(sent > 0 && sent < 200_000, "{case}: {sent}");
        assert_eq!(a.node.peers(), [ghost.id], "{case}: a WHISPER ends nobody");
    }
}

fn quiet_peers_expire_again_after_the_one_that_was_waited_for_has_gone() {
    harness::block_on_one_thread(the_pause_ends_with_its_connection());
}

async fn quiet_peers_expire_again_after_that_with_many_threads_too() {
    the_pause_ends_with_its_connection().await;
}

async fn the_pause_ends_with_its_connection() {
    let limits =
        Limits { events: 10, link_messages: 200, link_bytes: 1 << 20, ..Limits::default() };
    let builder = on(free_port())
        .limits(limits)
        .evasive_timeout(Duration::from_millis(100))
        .silent_timeout(Duration::from_millis(100))
        .expired_timeout(Duration::from_millis(500));
    let mut node = Member::start(builder).await;
    // One that talks, and does not listen, to an application that does not listen either.
    let mut talker =
        Ghost::meet_with_small_mailbox(route(&node.node), PeerId::new([7; 16])).await.unwrap();
    let id = talker.id;
    node.enter(id).await;
    for _ in 0..100 {
        talker.send(testkit::wire::WHISPER, &[], &[b"wait for me"]).await;
    }
    until("the pause", || node.node.stats().protocol.received > 8).await;
    let group = node.node.peer(id).unwrap().groups[0].clone();
    let overflow = || {
        node.node.shout(&group, vec![0; 256 << 10]).unwrap();
        node.node.peer(id).is_none()
    };
    until("overflow", overflow).await;
    let received = node.node.stats().protocol.received;
    assert!(received < 60, "the application has room for 10: {received}");
    assert_eq!(node.exit(id).await, ExitReason::Overflow);

    let silent =
        Ghost::meet_with_small_mailbox(route(&node.node), PeerId::new([8; 16])).await.unwrap();
    node.enter(silent.id).await;
    let start = Instant::now();
    assert_eq!(node.exit(silent.id).await, ExitReason::Expired);
    assert!(start.elapsed() < Duration::from_secs(5), "after {:?}", start.elapsed());
}

async fn a_silent_peer_is_evasive_then_silent_then_expired_and_one_that_answers_is_not() {
    let builder = on(free_port())
        .evasive_timeout(Duration::from_millis(200))
        .silent_timeout(Duration::from_millis(200))
        .expired_timeout(Duration::from_millis(1500));
    let mut node = Member::start(builder).await;
    let mut ghost =
        Ghost::meet_with_small_mailbox(route(&node.node), PeerId::new([7; 16])).await.unwrap();
    node.enter(ghost.id).await;
    assert!(matches!(node.next().await, Event::Join { .. }));
    assert_eq!(ghost.read().await.unwrap().len(), 1, "HELLO");
    // It answers twice, and then no more.
    for _ in 0..2 {
        let ping = ghost.read().await.unwrap();
        assert_eq!(ping[0][..4], [0xAA, 0xA1, testkit::wire::PING, 2]);
        assert!(matches!(node.next().await, Event::Evasive { .. }));
        ghost.send(testkit::wire::PING_OK, &[], &[]).await;
        assert!(matches!(node.next().await, Event::Returned { .. }));
    }
    let start = Instant::now();
    assert!(matches!(node.next().await, Event::Evasive { .. }));
    assert!(matches!(node.next().await, Event::Silent { .. }));
    assert_eq!(node.node.peer(ghost.id).unwrap().liveness, zyre::Liveness::Silent);
    assert!(matches!(node.next().await, Event::Exit { reason: ExitReason::Expired, .. }));
    let took = start.elapsed();
    assert!(took > Duration::from_millis(1300) && took < Duration::from_secs(5), "{took:?}");
}
