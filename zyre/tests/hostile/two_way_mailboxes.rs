//! Mailboxes that a beacon leads to, that answer in the name of the node that should be there, take
//! both directions on one connection, and then do not do as they should.

use std::time::Duration;

use serde_json::json;
use testkit::wire::connection::Connection;
use testkit::wire::mailbox::Mailbox;
use testkit::wire::{self, GOODBYE, Hello, WHISPER, beacon, frame, header, two_way};
use zyre::PeerId;

use crate::attack_run::{AttackRun, GoodPeer, NOWHERE, closed_in_silence, greeted, hello};
use crate::common::DEADLINE;

/// In this time the node would have said what it says at once.
const AT_ONCE: Duration = Duration::from_millis(100);

/// Longer than the node waits for an answer of the good peer.
const PROOF: Duration = Duration::from_millis(1500);

/// A mailbox that is said to be that of a node, and the first connection of the node under attack
/// to it, past the handshake. The good peer may come too, and is served the same.
async fn lured(run: &AttackRun, id: PeerId, answers_as: PeerId, properties: &[u8]) -> Connection {
    let mailbox = Mailbox::open(run.route().from, DEADLINE).unwrap();
    run.broadcast(&beacon(1, id, mailbox.address.port()));
    loop {
        match mailbox.greet_with(&answers_as.routing_id(), properties).await {
            Ok(connection) if connection.other() == Some(run.victim.id) => return connection,
            Ok(_) => {}
            Err(error) => panic!("nobody comes: {error}"),
        }
    }
}

pub(crate) async fn a_dialled_node_that_says_nothing_is_left_in_time() {
    let mut run = AttackRun::begin().await;
    let id = run.stranger();
    closed_in_silence(lured(&run, id, id, &two_way()).await).await;
    let id = run.follower();
    let mut greeted_one = lured(&run, id, id, &two_way()).await;
    assert!(greeted(&mut greeted_one).await);
    // It has more time: it may have met the node.
    assert!(!greeted_one.closed(2 * AT_ONCE).await);
    assert_eq!(run.entered(), 0);
    run.end().await;
}

pub(crate) async fn a_dialled_node_that_breaks_the_protocol_is_left_at_once() {
    let mut run = AttackRun::with(json!({ "handshake": 20_000 })).await;
    for said in [
        frame(0xF8, b"no such flags"),
        wire::announcement(0, 1 << 31),
        wire::message(&[&header(WHISPER, 1, &[]), b"too soon"]),
        wire::message(&[&header(GOODBYE, 1, &[])]),
        wire::message(&[&Hello::new("").encode()]),
        wire::message(&[&Hello { sequence: 2, ..Hello::new(NOWHERE) }.encode()]),
    ] {
        for id in run.both() {
            let mut connection = lured(&run, id, id, &two_way()).await;
            if id > run.victim.id {
                assert!(greeted(&mut connection).await);
            }
            connection.write(&said).await;
            closed_in_silence(connection).await;
        }
    }
    assert_eq!(run.entered(), 0);
    run.end().await;
}

pub(crate) async fn a_dialled_node_that_is_another_one_is_told_nothing() {
    let mut run = AttackRun::with(json!({ "handshake": 20_000 })).await;
    for other in [run.good(), run.victim.id, run.stranger(), run.follower()] {
        for id in run.both() {
            let mut connection = lured(&run, id, other, &two_way()).await;
            connection.send(&[&hello()]).await;
            closed_in_silence(connection).await;
        }
    }
    assert_eq!(run.entered(), 0);
    run.end().await;
}

pub(crate) async fn a_dialled_node_with_the_endpoint_of_another_takes_nobody_s_place() {
    for kind in GoodPeer::ALL {
        let mut run = AttackRun::beside(kind, json!({ "handshake": 5000 })).await;
        for endpoint in [run.victim.endpoint, run.good_endpoint()] {
            for id in run.both() {
                let mut connection = lured(&run, id, id, &two_way()).await;
                connection.send(&[&Hello::new(&endpoint.to_string()).encode()]).await;
                run.enter(id).await;
                drop(connection);
                run.exit(id, "link lost").await;
            }
        }
        run.hold(PROOF).await;
        run.end().await;
    }
}
