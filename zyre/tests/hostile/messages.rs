//! ZMTP that is right, with ZRE in it that is not.

use std::time::Duration;

use serde_json::json;
use testkit::attacks::{hellos, messages};
use testkit::wire::{Hello, JOIN, LEAVE, PING, SHOUT, WHISPER, header, membership, string};

use crate::attack_run::{AttackRun, closed};

const NOWHERE: &str = "tcp://127.0.0.1:9";

/// Every message but HELLO that has fields, whole.
fn with_fields(sequence: u16) -> Vec<Vec<u8>> {
    let mut whole = messages::whole(sequence);
    whole.retain(|message| message.len() > header(PING, sequence, &[]).len());
    whole
}

/// Sends each as the first message of a new connection, which must be closed for it.
async fn all_closed(run: &mut AttackRun, headers: Vec<Vec<u8>>) {
    for header in headers {
        let mut dealer = run.dealer().await;
        dealer.send(&[&header]).await;
        closed(dealer).await;
    }
}

pub(crate) async fn every_message_cut_short_before_hello_closes_its_connection() {
    let mut run = AttackRun::begin().await;
    let mut cut = Vec::new();
    for whole in with_fields(1).into_iter().chain([Hello::new(NOWHERE).encode()]) {
        cut.extend(messages::cut(whole));
    }
    let count = cut.len() as u64;
    all_closed(&mut run, cut).await;
    run.counted("malformed", count).await;
    assert_eq!(run.entered(), 0);
    run.end().await;
}

pub(crate) async fn every_message_cut_short_after_hello_ends_its_sender_only() {
    let mut run = AttackRun::begin().await;
    let ping = header(PING, 2, &[]);
    let whispers = header(WHISPER, 2, &[]);
    for whole in with_fields(2).into_iter().chain([ping, whispers]) {
        // Of those without fields every byte counts; of the others one in three will do.
        for length in (0..whole.len()).step_by(if whole.len() > 6 { 3 } else { 1 }) {
            let mut ghost = run.ghost().await;
            ghost.dealer.send(&[&whole[..length], b"content"]).await;
            run.exit(ghost.id, "rejected").await;
            closed(ghost.dealer).await;
        }
    }
    run.end().await;
}

pub(crate) async fn messages_before_hello_are_ignored() {
    let mut run = AttackRun::begin().await;
    let mut dealer = run.dealer().await;
    let mut headers = messages::whole(1);
    headers.push(header(42, 1, &[]));
    for header in &headers {
        dealer.send(&[header, b"content"]).await;
    }
    run.counted("before_hello", headers.len() as u64).await;
    assert_eq!(run.entered(), 0);
    assert!(!dealer.closed(Duration::from_millis(20)).await, "it may yet say HELLO");
    run.end().await;
}

pub(crate) async fn what_is_not_zre_is_ignored_and_unknown_messages_only_count() {
    let mut run = AttackRun::begin().await;
    let mut ghost = run.ghost().await;
    for foreign in [&[0xAA, 0xA2, 2, 2, 0, 2][..], &[0; 6], &[0xAA, 0xA1, 2, 1, 0, 2], &[255; 99]] {
        ghost.dealer.send(&[foreign, b"content"]).await;
    }
    run.counted("foreign", 4).await;
    for id in [0, 11, 42, 255] {
        ghost.send(id, b"what is this", &[b"content"]).await;
    }
    run.counted("unused", 4).await;
    // No gap: it is heard, and answered with the same.
    ghost.send(WHISPER, &[], &[b"still here"]).await;
    while ghost.read().await.unwrap().last().map(Vec::as_slice) != Some(b"still here") {}
    // WHISPER and SHOUT without content, and PING with some, are nothing to fall over.
    ghost.send(WHISPER, &[], &[]).await;
    ghost.send(SHOUT, &string(b"ghosts"), &[]).await;
    ghost.send(PING, &[], &[b"content"]).await;
    ghost.send(WHISPER, &[], &[b"and still"]).await;
    while ghost.read().await.unwrap().last().map(Vec::as_slice) != Some(b"and still") {}
    run.end().await;
}

pub(crate) async fn a_hello_with_another_sequence_than_1_closes_its_connection() {
    let mut run = AttackRun::begin().await;
    let hellos = hellos::sequences();
    let count = hellos.len() as u64;
    all_closed(&mut run, hellos).await;
    run.counted("malformed", count).await;
    assert_eq!(run.entered(), 0);
    run.end().await;
}

pub(crate) async fn a_hello_with_false_counts_or_beyond_the_limits_closes_its_connection() {
    let mut run = AttackRun::begin().await;
    let false_counts = hellos::false_counts();
    let count = false_counts.len() as u64;
    all_closed(&mut run, false_counts).await;
    run.counted("malformed", count).await;
    // More entries than are allowed, and more than a MiB, of which the beginning is enough.
    all_closed(&mut run, hellos::too_large()).await;
    run.counted("malformed", count + 2).await;
    run.counted("connections_broken", 2).await;
    assert_eq!(run.entered(), 0);
    run.end().await;
}

pub(crate) async fn a_hello_without_a_usable_endpoint_closes_its_connection() {
    let mut run = AttackRun::begin().await;
    let endpoints = ["", "nonsense", "tcp://", "tcp://:", "tcp://127.0.0.1:0", "tcp://a:99999"];
    let hellos = endpoints.map(|endpoint| Hello::new(endpoint).encode()).to_vec();
    all_closed(&mut run, hellos).await;
    run.counted("malformed", 6).await;
    assert_eq!(run.entered(), 0);
    run.end().await;
}

/// The endpoint may be that of another behind the same NAT: it is tried, and leads back. The id is
/// the node's own.
pub(crate) async fn a_hello_with_the_node_s_own_endpoint_or_id_leads_to_nobody() {
    let mut run = AttackRun::with(json!({ "handshake": 5000 })).await;
    let own = run.victim.endpoint.to_string();
    let before = run.stats().await["connections"].as_u64().unwrap();
    let mut dealer = run.dealer().await;
    dealer.send(&[&Hello::new(&own).encode()]).await;
    // It can reach the node, and the node cannot reach it.
    closed(dealer).await;
    run.counted("connections", before + 2).await;
    let before = run.stats().await["own"].as_u64().unwrap();
    let mut twin = run.dealer_as(run.victim.id).await;
    twin.send(&[&Hello::new(NOWHERE).encode()]).await;
    twin.send(&[&header(WHISPER, 2, &[]), b"content"]).await;
    run.counted("own", before + 2).await;
    assert_eq!(run.entered(), 0);
    run.end().await;
}

pub(crate) async fn a_gap_in_the_sequence_or_the_status_ends_its_sender_only() {
    let mut run = AttackRun::begin().await;
    for sequence in [0, 1, 3, 65_535] {
        let mut ghost = run.ghost().await;
        ghost.dealer.send(&[&header(WHISPER, sequence, &[]), b"gap"]).await;
        run.exit(ghost.id, "sequence gap").await;
    }
    // HELLO had status 1.
    for (id, status) in [(JOIN, 1), (JOIN, 3), (LEAVE, 0), (LEAVE, 255)] {
        let mut ghost = run.ghost().await;
        let message = membership(id, 2, b"group", status);
        ghost.dealer.send(&[&message]).await;
        run.exit(ghost.id, "status mismatch").await;
    }
    run.end().await;
}
