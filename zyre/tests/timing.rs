//! How fast coming and going are noticed. One test at a time: a quiet host is what they ask for.

#![cfg(test)]

mod common;

use std::process::ExitCode;
use std::time::{Duration, Instant};

use common::child::{self, Child};
use common::{Member, free_port, median, on, soon, until};
use serde_json::json;
use testkit::harness::Harness;
use testkit::{async_tests, harness, role};
use tokio::sync::mpsc;
use zyre::{Event, Events, ExitReason, Node, PeerId};

/// How many nodes are there before one comes and goes.
const OTHERS: usize = 5;

fn main() -> ExitCode {
    role::play(|_, settings| harness::block_on_one_thread(child::echo(settings)));
    let tests = async_tests![
        enter_comes_within_100_ms_and_goodbye_within_50_ms_at_all_peers,
        exit_of_a_killed_process_comes_within_a_second,
        a_killed_node_back_on_its_mailbox_port_is_exit_then_enter_within_2500_ms,
        a_node_that_stops_always_says_goodbye,
    ];
    Harness::default().at_once(1).then(tests).exit_code()
}

/// Events with the time of their arrival at the application.
fn observe(mut events: Events) -> mpsc::UnboundedReceiver<(Instant, Event)> {
    let (sender, observed) = mpsc::unbounded_channel();
    tokio::spawn(async move {
        while let Some(event) = events.recv().await {
            let _ = sender.send((Instant::now(), event));
        }
    });
    observed
}

type Observed = mpsc::UnboundedReceiver<(Instant, Event)>;

async fn entered(observed: &mut Observed, id: PeerId) -> Instant {
    loop {
        let (at, event) = soon(observed.recv()).await.expect("it runs");
        match event {
            Event::Enter { peer, .. } if peer == id => return at,
            Event::Exit { .. } => panic!("unexpected: {event:?}"),
            _ => {}
        }
    }
}

async fn exited(observed: &mut Observed, id: PeerId) -> (Instant, ExitReason) {
    loop {
        let (at, event) = soon(observed.recv()).await.expect("it runs");
        match event {
            Event::Exit { peer, reason, .. } if peer == id => return (at, reason),
            Event::Exit { .. } => panic!("unexpected: {event:?}"),
            _ => {}
        }
    }
}

async fn enter_comes_within_100_ms_and_goodbye_within_50_ms_at_all_peers() {
    let port = free_port();
    let mut others: Vec<(Node, Observed)> = Vec::new();
    for _ in 0..OTHERS {
        let Member { node, events } = Member::start(on(port)).await;
        others.push((node, observe(events)));
    }
    for (_, observed) in &mut others {
        for _ in 1..OTHERS {
            assert!(matches!(soon(observed.recv()).await, Some((_, Event::Enter { .. }))));
        }
    }
    let (mut discovery, mut goodbye) = (Vec::new(), Vec::new());
    for round in 0..20 {
        // Not in step with the beacons of the others.
        tokio::time::sleep(Duration::from_millis(30 + 13 * round)).await;
        let start = Instant::now();
        let new = Member::start(on(port)).await;
        let mut last = start;
        for (_, observed) in &mut others {
            last = last.max(entered(observed, new.id()).await);
        }
        discovery.push(last - start);

        let start = Instant::now();
        soon(new.node.stop()).await;
        let mut last = start;
        for (_, observed) in &mut others {
            let (at, reason) = exited(observed, new.id()).await;
            assert_eq!(reason, ExitReason::Goodbye);
            last = last.max(at);
        }
        goodbye.push(last - start);
    }
    let (worst_in, worst_out) = (discovery.iter().max().copied(), goodbye.iter().max().copied());
    let (discovery, goodbye) = (median(discovery), median(goodbye));
    println!("ENTER at all 5 others: median {discovery:?}, worst {worst_in:?}");
    println!("EXIT at all 5 others: median {goodbye:?}, worst {worst_out:?}");
    assert!(discovery <= Duration::from_millis(100), "ENTER after {discovery:?}");
    assert!(goodbye <= Duration::from_millis(50), "EXIT after {goodbye:?}");
}

async fn exit_of_a_killed_process_comes_within_a_second() {
    let port = free_port();
    let watcher = Member::start(on(port)).await;
    let mut observed = observe(watcher.events);
    let mut times = Vec::new();
    for _ in 0..5 {
        let victim = Child::start("echo", json!({ "port": port })).await;
        let id = victim.id;
        entered(&mut observed, id).await;
        let start = Instant::now();
        drop(victim);
        let (at, reason) = exited(&mut observed, id).await;
        assert_eq!(reason, ExitReason::LinkLost);
        times.push(at - start);
    }
    println!("EXIT of a killed process: {times:?}");
    assert!(times.iter().all(|time| *time <= Duration::from_secs(1)), "EXIT after {times:?}");
    assert!(watcher.node.peers().is_empty());
}

async fn a_killed_node_back_on_its_mailbox_port_is_exit_then_enter_within_2500_ms() {
    let (port, mailbox) = (free_port(), free_port());
    let settings = json!({ "port": port, "mailbox": mailbox });
    let watcher = Member::start(on(port)).await;
    let mut observed = observe(watcher.events);
    let mut victim = Child::start("echo", settings.clone()).await;
    entered(&mut observed, victim.id).await;
    let mut times = Vec::new();
    for _ in 0..3 {
        let (old, endpoint) = (victim.id, victim.endpoint);
        let start = Instant::now();
        drop(victim);
        victim = Child::start("echo", settings.clone()).await;
        assert_ne!(victim.id, old);
        assert_eq!(victim.endpoint, endpoint);
        let (gone, _) = exited(&mut observed, old).await;
        let back = entered(&mut observed, victim.id).await;
        assert!(gone <= back);
        times.push(back - start);
    }
    println!("EXIT and ENTER of a restarted process: {times:?}");
    let most = Duration::from_millis(2500);
    assert!(times.iter().all(|time| *time <= most), "ENTER after {times:?}");
    assert_eq!(watcher.node.peers(), [victim.id]);
}

async fn a_node_that_stops_always_says_goodbye() {
    let port = free_port();
    let mut watchers = Vec::new();
    for _ in 0..OTHERS {
        watchers.push(Member::start(on(port)).await);
    }
    let mut reasons = Vec::new();
    for round in 0..100 {
        let member = Member::start(on(port)).await;
        let id = member.id();
        for watcher in &mut watchers {
            watcher.enter(id).await;
        }
        until("the others", || member.node.peers().len() == OTHERS).await;
        if round % 2 == 0 {
            soon(member.node.stop()).await;
        } else {
            drop(member.node);
        }
        for watcher in &mut watchers {
            reasons.push(watcher.exit(id).await);
        }
    }
    let other = reasons.iter().filter(|reason| **reason != ExitReason::Goodbye).count();
    assert_eq!(other, 0, "of {} EXITs", reasons.len());
}
