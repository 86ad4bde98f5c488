//! ZMTP that is right, with ZRE in it that is not.

use std::time::Duration;

use zyre::PeerId;

use crate::common::raw::{PING, WHISPER, header, hello, longstr, string};
use crate::siege::Siege;

const NOWHERE: &str = "tcp://127.0.0.1:9";

/// Every message but HELLO that has fields, whole.
fn with_fields(sequence: u16) -> Vec<Vec<u8>> {
    let group = string("group");
    let status = [&group[..], &[1]].concat();
    let elect = [&group[..], &string(&"A".repeat(32))].concat();
    [(3, &group), (4, &status), (5, &status), (8, &elect), (9, &elect)]
        .map(|(id, fields)| header(id, sequence, fields))
        .to_vec()
}

/// Sends each as the first message of a new connection, which must be closed for it.
async fn all_closed(siege: &mut Siege, headers: Vec<Vec<u8>>) {
    for header in headers {
        let mut dealer = siege.dealer().await;
        dealer.send(&[&header]).await;
        dealer.closed().await;
    }
}

#[tokio::test]
async fn every_message_cut_short_before_hello_closes_its_connection() {
    let mut siege = Siege::begin().await;
    let mut cut = Vec::new();
    for whole in with_fields(1).into_iter().chain([hello(1, NOWHERE, "cut")]) {
        cut.extend((0..whole.len()).map(|length| whole[..length].to_vec()));
    }
    let count = cut.len() as u64;
    all_closed(&mut siege, cut).await;
    siege.counted("malformed", count).await;
    assert_eq!(siege.entered(), 0);
    siege.end().await;
}

#[tokio::test]
async fn every_message_cut_short_after_hello_ends_its_sender_only() {
    let mut siege = Siege::begin().await;
    let ping = header(PING, 2, &[]);
    let whispers = header(WHISPER, 2, &[]);
    for whole in with_fields(2).into_iter().chain([ping, whispers]) {
        // Of those without fields every octet counts; of the others one in three will do.
        for length in (0..whole.len()).step_by(if whole.len() > 6 { 3 } else { 1 }) {
            let mut ghost = siege.ghost().await;
            ghost.dealer.send(&[&whole[..length], b"content"]).await;
            siege.exit(ghost.id, "rejected").await;
            ghost.dealer.closed().await;
        }
    }
    siege.end().await;
}

#[tokio::test]
async fn messages_before_hello_are_ignored() {
    let mut siege = Siege::begin().await;
    let mut dealer = siege.dealer().await;
    let mut headers = with_fields(1);
    headers.extend([2, 6, 7, 10, 42].map(|id| header(id, 1, &[])));
    for header in &headers {
        dealer.send(&[header, b"content"]).await;
    }
    siege.counted("before_hello", headers.len() as u64).await;
    assert_eq!(siege.entered(), 0);
    assert!(dealer.stays_open(Duration::from_millis(20)).await, "it may yet say HELLO");
    siege.end().await;
}

#[tokio::test]
async fn what_is_not_zre_is_ignored_and_unknown_messages_only_count() {
    let mut siege = Siege::begin().await;
    let mut ghost = siege.ghost().await;
    for foreign in [&[0xAA, 0xA2, 2, 2, 0, 2][..], &[0; 6], &[0xAA, 0xA1, 2, 1, 0, 2], &[255; 99]] {
        ghost.dealer.send(&[foreign, b"content"]).await;
    }
    siege.counted("foreign", 4).await;
    for id in [0, 11, 42, 255] {
        ghost.send(id, b"what is this", &[b"content"]).await;
    }
    siege.counted("unused", 4).await;
    // No gap: it is heard, and answered with the same.
    ghost.send(WHISPER, &[], &[b"still here"]).await;
    while ghost.read().await.last().map(Vec::as_slice) != Some(b"still here") {}
    // WHISPER and SHOUT without content, and PING with some, are nothing to fall over.
    ghost.send(WHISPER, &[], &[]).await;
    ghost.send(3, &string("ghosts"), &[]).await;
    ghost.send(PING, &[], &[b"content"]).await;
    ghost.send(WHISPER, &[], &[b"and still"]).await;
    while ghost.read().await.last().map(Vec::as_slice) != Some(b"and still") {}
    siege.end().await;
}

#[tokio::test]
async fn a_hello_with_another_sequence_than_1_closes_its_connection() {
    let mut siege = Siege::begin().await;
    let hellos = [0, 2, 3, 256, 65_535].map(|sequence| hello(sequence, NOWHERE, "late")).to_vec();
    all_closed(&mut siege, hellos).await;
    siege.counted("malformed", 5).await;
    assert_eq!(siege.entered(), 0);
    siege.end().await;
}

#[tokio::test]
async fn a_hello_with_false_counts_or_beyond_the_limits_closes_its_connection() {
    let mut siege = Siege::begin().await;
    let hello = |groups: &[u8], headers: &[u8]| {
        let fields = [&string(NOWHERE)[..], groups, &[0], &string("false"), headers].concat();
        header(1, 1, &fields)
    };
    let none = 0_u32.to_be_bytes();
    let mut hellos = Vec::new();
    for count in [1, 2, 65_537, 1 << 20, 1 << 31, u32::MAX] {
        let count = count.to_be_bytes();
        hellos.push(hello(&count, &none));
        hellos.push(hello(&none, &count));
        let one = [&count[..], &longstr("group")].concat();
        if count != 1_u32.to_be_bytes() {
            hellos.push(hello(&one, &none));
        }
    }
    for length in [1000, 1 << 31, u32::MAX] {
        let long = [&1_u32.to_be_bytes()[..], &length.to_be_bytes(), b"short"].concat();
        hellos.push(hello(&long, &none));
    }
    // More entries than are allowed and more than a MiB, all of it really there.
    let groups = [&65_537_u32.to_be_bytes()[..], &none.repeat(65_537)].concat();
    hellos.push(hello(&groups, &none));
    let large = [&1_u32.to_be_bytes()[..], &longstr(&"x".repeat(1 << 20))].concat();
    hellos.push(hello(&large, &none));
    let count = hellos.len() as u64;
    all_closed(&mut siege, hellos).await;
    // Of the last one the beginning is enough.
    siege.counted("malformed", count - 1).await;
    siege.counted("connections_broken", 1).await;
    assert_eq!(siege.entered(), 0);
    siege.end().await;
}

#[tokio::test]
async fn a_hello_without_a_usable_endpoint_closes_its_connection() {
    let mut siege = Siege::begin().await;
    let endpoints = ["", "nonsense", "tcp://", "tcp://:", "tcp://127.0.0.1:0", "tcp://a:99999"];
    let hellos = endpoints.map(|endpoint| hello(1, endpoint, "nowhere")).to_vec();
    all_closed(&mut siege, hellos).await;
    siege.counted("malformed", 6).await;
    assert_eq!(siege.entered(), 0);
    siege.end().await;
}

#[tokio::test]
async fn a_hello_with_the_node_s_own_endpoint_or_id_is_ignored() {
    let mut siege = Siege::begin().await;
    let own = siege.victim.endpoint.to_string();
    let mut dealer = siege.dealer().await;
    dealer.send(&[&hello(1, &own, "mirror")]).await;
    siege.counted("own", 1).await;
    let id: PeerId = siege.victim.id;
    let mut twin =
        crate::common::raw::Dealer::connect(siege.victim.endpoint, &id.routing_id()).await;
    twin.send(&[&hello(1, NOWHERE, "twin")]).await;
    twin.send(&[&header(WHISPER, 2, &[]), b"content"]).await;
    siege.counted("own", 3).await;
    assert_eq!(siege.entered(), 0);
    siege.end().await;
}

#[tokio::test]
async fn a_gap_in_the_sequence_or_the_status_ends_its_sender_only() {
    let mut siege = Siege::begin().await;
    for sequence in [0, 1, 3, 65_535] {
        let mut ghost = siege.ghost().await;
        ghost.dealer.send(&[&header(WHISPER, sequence, &[]), b"gap"]).await;
        siege.exit(ghost.id, "sequence gap").await;
    }
    // HELLO had status 1.
    for (id, status) in [(4, 1), (4, 3), (5, 0), (5, 255)] {
        let mut ghost = siege.ghost().await;
        ghost.send(id, &[&string("group")[..], &[status]].concat(), &[]).await;
        siege.exit(ghost.id, "status mismatch").await;
    }
    siege.end().await;
}
