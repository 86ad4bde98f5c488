//! Two-way connections in the name of another node.

use std::time::{Duration, Instant};

use serde_json::json;
use testkit::wire::dealer::Route;
use testkit::wire::ghost::Ghost;
use testkit::wire::mailbox::Mailbox;
use testkit::wire::{self, GOODBYE, Hello, JOIN, PING_OK, WHISPER, header, membership, two_way};

use crate::attack_run::{AttackRun, GoodPeer, closed, closed_in_silence, greeted, hello};
use crate::common::DEADLINE;

/// In this time the node would have said what it says at once.
const AT_ONCE: Duration = Duration::from_millis(100);

/// Longer than the node waits for an answer of the good peer.
const PROOF: Duration = Duration::from_millis(1500);

pub(crate) async fn silence_in_the_good_peer_s_name_is_closed_in_silence() {
    for kind in GoodPeer::ALL {
        let mut run = AttackRun::beside(kind, json!({ "handshake": 5000 })).await;
        for _ in 0..10 {
            closed_in_silence(run.two_way(run.good()).await).await;
        }
        run.refused(10).await;
        // More at a time than are put to the test.
        let mut many = Vec::new();
        for _ in 0..20 {
            many.push(run.two_way(run.good()).await);
        }
        for connection in many {
            closed_in_silence(connection).await;
        }
        run.refused(30).await;
        run.hold(PROOF).await;
        run.end().await;
    }
}

pub(crate) async fn what_is_said_in_the_good_peer_s_name_is_not_believed() {
    let life = [
        hello(),
        membership(JOIN, 2, b"forged", 2),
        header(WHISPER, 3, &[]),
        header(PING_OK, 4, &[]),
        header(GOODBYE, 5, &[]),
    ];
    for kind in GoodPeer::ALL {
        let mut run = AttackRun::beside(kind, json!({ "handshake": 5000 })).await;
        let whole = life.each_ref().map(|header| wire::message(&[header, b"forged"])).concat();
        let alone =
            [GOODBYE, WHISPER, PING_OK, JOIN].map(|id| wire::message(&[&header(id, 1, &[])]));
        for said in alone.into_iter().chain([whole.clone(), whole]) {
            let mut impostor = run.two_way(run.good()).await;
            impostor.write(&said).await;
            closed_in_silence(impostor).await;
        }
        run.refused(6).await;
        run.hold(PROOF).await;
        assert_eq!(run.entered(), 0);
        run.end().await;
    }
}

pub(crate) async fn the_good_peer_does_not_believe_an_impostor_of_the_node() {
    for kind in GoodPeer::ALL {
        let run = AttackRun::beside(kind, json!({ "handshake": 5000 })).await;
        let to = run.good_endpoint().address();
        let route = Route { to, ..run.route() };
        for said in [vec![], wire::message(&[&hello()]), wire::message(&[&header(GOODBYE, 1, &[])])]
        {
            let mut impostor = route.greet_two_way(run.victim.id).await.unwrap();
            impostor.write(&said).await;
            if kind == GoodPeer::Plain && said.is_empty() {
                // It knows nothing of two-way connections: for it this one is idle.
                continue;
            }
            closed_in_silence(impostor).await;
        }
        run.hold(PROOF).await;
        run.end().await;
    }
}

/// A connection that says nothing does not speak for a node that says HELLO.
pub(crate) async fn silence_in_the_name_of_a_plain_node_does_not_keep_it_out() {
    let mut run = AttackRun::with(json!({ "handshake": 20_000 })).await;
    for id in run.both() {
        let mut silent = Vec::new();
        for _ in 0..10 {
            silent.push(run.two_way(id).await);
        }
        let start = Instant::now();
        let mut plain = Ghost::meet(run.route(), id).await.unwrap();
        run.enter(id).await;
        assert!(start.elapsed() < Duration::from_secs(5), "ENTER after {:?}", start.elapsed());
        assert!(plain.is_heard().await);
    }
    run.end().await;
}

/// A follower that answers, though late, is not thrown out by a HELLO of one direction.
pub(crate) async fn a_plain_hello_in_the_name_of_a_follower_that_answers_changes_nothing() {
    let mut run = AttackRun::with(json!({ "handshake": 20_000 })).await;
    let id = run.follower();
    let mut follower = run.two_way(id).await;
    assert!(greeted(&mut follower).await);
    let mut forger = run.dealer_as(id).await;
    forger.send(&[&hello()]).await;
    // It is asked.
    assert_eq!(wire::number(&follower.read().await.unwrap()), Some(wire::PING));
    follower.send(&[&hello()]).await;
    follower.send(&[&header(PING_OK, 2, &[])]).await;
    run.enter(id).await;
    closed_in_silence(forger).await;
    run.counted("intruding", 1).await;
    assert!(!follower.closed(AT_ONCE).await, "it is a peer");
    run.end().await;
}

/// Nor do many of them for one that says HELLO on another two-way connection.
pub(crate) async fn silence_in_the_name_of_a_chooser_does_not_keep_it_out() {
    let mut run = AttackRun::with(json!({ "handshake": 20_000 })).await;
    let id = run.stranger();
    let mut silent = Vec::new();
    for _ in 0..10 {
        silent.push(run.two_way(id).await);
    }
    assert!(run.two_way_ghost(id).await.is_heard().await);
    run.end().await;
}

/// A follower can only wait. Those that were there before it, and do not answer, have their time.
pub(crate) async fn silence_in_the_name_of_a_follower_delays_it_only() {
    let mut run = AttackRun::with(json!({ "handshake": 20_000 })).await;
    let id = run.follower();
    let mut silent = Vec::new();
    for _ in 0..10 {
        silent.push(run.two_way(id).await);
    }
    let start = Instant::now();
    assert!(run.two_way_ghost(id).await.is_heard().await);
    assert!(start.elapsed() < Duration::from_secs(15), "ENTER after {:?}", start.elapsed());
    run.end().await;
}

/// A node that is reached where somebody says, in its name, that it is, and that knows two-way
/// connections, is greeted: it has not said that.
pub(crate) async fn a_plain_hello_in_the_name_of_another_does_not_keep_it_out() {
    let mut run = AttackRun::with(json!({ "handshake": 20_000 })).await;
    for id in run.both() {
        let mailbox = Mailbox::open(run.route().from, DEADLINE).unwrap();
        let mut forger = run.dealer_as(id).await;
        forger.send(&[&Hello::new(&format!("tcp://{}", mailbox.address)).encode()]).await;
        let mut reached = mailbox.greet_with(&id.routing_id(), &two_way()).await.unwrap();
        if id < run.victim.id {
            reached.send(&[&hello()]).await;
            assert!(greeted(&mut reached).await);
        } else {
            assert!(greeted(&mut reached).await);
            reached.send(&[&hello()]).await;
        }
        run.enter(id).await;
        closed(forger).await;
    }
    run.end().await;
}
