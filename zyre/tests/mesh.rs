//! Nodes find each other.

#![cfg(test)]

mod common;

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use common::{Member, free_port, on, pair, soon, until};
use zyre::{Event, ExitReason, PeerId};

const NODES: usize = 20;

/// What one node heard of another.
#[derive(Debug, Default, PartialEq, Eq)]
struct Heard {
    enters: usize,
    name: String,
    number: Option<String>,
    groups: BTreeSet<String>,
}

fn expected(i: usize) -> Heard {
    let groups = ["all".to_owned(), format!("third-{}", i % 3)].into();
    Heard { enters: 1, name: format!("node {i}"), number: Some(i.to_string()), groups }
}

fn hear(heard: &mut BTreeMap<PeerId, Heard>, event: Event) {
    match event {
        Event::Enter { peer, name, headers, .. } => {
            let entry = heard.entry(peer).or_default();
            entry.enters += 1;
            entry.name = name.to_string();
            entry.number = headers.get("X-NUMBER").cloned();
        }
        Event::Join { peer, group, .. } => {
            assert!(heard.entry(peer).or_default().groups.insert(group.to_string()), "JOIN twice");
        }
        other => panic!("unexpected: {other:?}"),
    }
}

/// All are announced by the first beacon, which has gone out when a node is there: who comes later is
/// heard by those that are there, and hears none of them. So of two that start at one time one dials.
#[tokio::test]
async fn of_twenty_nodes_that_start_one_after_another_one_of_two_dials() {
    let port = free_port();
    let mut members = Vec::new();
    for _ in 0..NODES {
        members.push(Member::start(on(port).beacon_interval(Duration::from_secs(60))).await);
    }
    for member in &members {
        until("each to know all others", || member.node.peers().len() == NODES - 1).await;
    }
    let taken: u64 = members.iter().map(|it| it.node.stats().network.connections).sum();
    assert_eq!(taken, (NODES * (NODES - 1) / 2) as u64, "connections");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn twenty_nodes_enter_each_other_once_with_name_headers_and_groups() {
    let port = free_port();
    let starts: Vec<_> = (0..NODES)
        .map(|i| {
            let builder = on(port)
                .name(format!("node {i}"))
                .header("X-NUMBER", i.to_string())
                .join("all")
                .join(format!("third-{}", i % 3));
            tokio::spawn(Member::start(builder))
        })
        .collect();
    let mut members = Vec::new();
    for start in starts {
        members.push(soon(start).await.expect("it starts"));
    }
    let numbers: BTreeMap<PeerId, usize> =
        members.iter().enumerate().map(|(i, member)| (member.id(), i)).collect();

    let mut heard: Vec<BTreeMap<PeerId, Heard>> = Vec::new();
    for member in &mut members {
        let mut of_one: BTreeMap<PeerId, Heard> = BTreeMap::new();
        while of_one.len() < NODES - 1 || of_one.values().any(|heard| heard.groups.len() < 2) {
            hear(&mut of_one, member.next().await);
        }
        heard.push(of_one);
    }
    // Two more beacons of everybody change nothing.
    let beacons = |member: &Member| member.node.stats().network.beacons;
    let before: Vec<u64> = members.iter().map(beacons).collect();
    for (member, before) in members.iter().zip(before) {
        until("beacons", || beacons(member) >= before + 2 * NODES as u64).await;
    }
    for (i, member) in members.iter_mut().enumerate() {
        for event in member.rest() {
            hear(&mut heard[i], event);
        }
        assert_eq!(heard[i].len(), NODES - 1);
        for (peer, heard) in &heard[i] {
            assert_eq!(*heard, expected(numbers[peer]), "at node {i}");
        }
        let others: Vec<PeerId> = numbers.keys().copied().filter(|id| *id != member.id()).collect();
        assert_eq!(member.node.peers(), others);
        assert_eq!(member.node.peers_in("all"), others);
        let third: Vec<PeerId> = others.iter().copied().filter(|id| numbers[id] % 3 == 1).collect();
        assert_eq!(member.node.peers_in("third-1"), third);
        let stats = member.node.stats().protocol;
        assert_eq!((stats.hellos_sent, stats.hellos_received), (19, 19), "one HELLO each way");
    }
}

/// The whole life of two nodes.
async fn two_nodes_meet_talk_and_part() {
    let (mut a, mut b) = pair().await;
    b.node.join("chat").unwrap();
    assert_eq!(a.join(b.id()).await, "chat");
    a.node.shout("chat", "to all").unwrap();
    a.node.whisper(b.id(), "to you").unwrap();
    let (group, content) = b.shout(a.id()).await;
    assert_eq!((&*group, content.to_text()), ("chat", "to all".to_owned()));
    assert_eq!(b.whisper(a.id()).await.to_text(), "to you");
    b.node.whisper(a.id(), "and back").unwrap();
    assert_eq!(a.whisper(b.id()).await.to_text(), "and back");
    soon(a.node.stop()).await;
    assert_eq!(b.exit(a.id()).await, ExitReason::Goodbye);
    assert!(b.node.peers().is_empty());
}

#[tokio::test(flavor = "current_thread")]
async fn two_nodes_on_a_runtime_of_one_thread() {
    two_nodes_meet_talk_and_part().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_nodes_on_a_runtime_of_many_threads() {
    two_nodes_meet_talk_and_part().await;
}

#[tokio::test]
async fn nodes_on_different_beacon_ports_do_not_meet() {
    let (port, other) = (free_port(), free_port());
    let mut lonely = Member::start(on(other)).await;
    let (mut a, mut b) = common::pair_of(on(port), on(port)).await;
    until("three own beacons", || lonely.node.stats().network.beacons >= 3).await;
    assert_eq!(lonely.rest(), []);
    assert_eq!((a.rest(), b.rest()), (vec![], vec![]));
}
