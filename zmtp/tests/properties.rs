//! For any bytes and any messages.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "helpers of tests")]

mod common;

use std::time::Instant;

use bytes::Bytes;
use proptest::prelude::*;
use zmtp::{Connection, Event, FrameHeader, Limits};

use common::{Outputs, dealer, encode, opening, ready, router};

/// Sizes around every edge: short and long headers, copied and shared bodies.
fn body() -> impl Strategy<Value = Bytes> {
    let size = prop_oneof![
        6 => 0..40usize,
        2 => 250..260usize,
        1 => 2040..2056usize,
        2 => 4090..4100usize,
        1 => 8190..8200usize,
        1 => 60_000..70_000usize,
    ];
    (size, any::<u8>()).prop_map(|(size, byte)| vec![byte; size].into())
}

fn message() -> impl Strategy<Value = Vec<Bytes>> {
    prop_oneof![
        8 => prop::collection::vec(body(), 1..5),
        1 => prop::collection::vec(body(), 5..60),
    ]
}

/// Receives `chunk` without more room than it needs.
fn feed(connection: &mut Connection, chunk: &[u8]) {
    let buffer = connection.receive_buffer();
    buffer.reserve(chunk.len());
    buffer.extend_from_slice(chunk);
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: 400, failure_persistence: None, ..ProptestConfig::default()
    })]

    #[test]
    fn arbitrary_bytes_never_panic(
        bytes in prop::collection::vec(any::<u8>(), 0..400),
        start in 0..5usize,
    ) {
        // From nothing; after greetings; after the handshake; with the first bytes made likely.
        let mut fresh = Connection::new(&router(), Instant::now());
        let mut bytes = bytes;
        match start {
            0 => {}
            1 => feed(&mut fresh, &opening(&dealer())[..64]),
            2 => {
                feed(&mut fresh, &opening(&dealer())[..64]);
                bytes.splice(0..0, b"\x04\xff\x05READY".iter().copied());
            }
            _ => feed(&mut fresh, &opening(&dealer())),
        }
        if start == 4 {
            for byte in &mut bytes {
                *byte &= 7;
            }
        }
        let mut sent = 0;
        for chunk in bytes.chunks(7) {
            feed(&mut fresh, chunk);
            let before = fresh.read_hint();
            let outputs = Outputs::of(&mut fresh);
            prop_assert!(before <= 1 << 20);
            sent += outputs.sent.len();
            if let Some(error) = outputs.error {
                prop_assert_eq!(fresh.poll_output().unwrap_err(), error);
                prop_assert!(fresh.receive_buffer().is_empty());
                break;
            }
        }
        prop_assert!(sent < 1000 + 10 * bytes.len());
    }

    #[test]
    fn messages_come_out_as_they_went_in(
        sent in prop::collection::vec(message(), 1..12),
        chunk in prop_oneof![1..9usize, 10..5000usize, 60_000..70_000usize],
    ) {
        let (mut connection, mut encoder, _) = ready(&router());
        let wire: Vec<u8> = sent.iter().flat_map(|frames| encode(&mut encoder, frames)).collect();
        let mut received = Vec::new();
        for part in wire.chunks(chunk) {
            feed(&mut connection, part);
            received.extend(Outputs::of(&mut connection).messages());
        }
        prop_assert_eq!(received.len(), sent.len());
        for (received, sent) in received.iter().zip(&sent) {
            prop_assert_eq!(received.frames(), &sent[..]);
            prop_assert_eq!(received.byte_len(), sent.iter().map(Bytes::len).sum::<usize>());
        }
        prop_assert!(connection.receive_buffer().is_empty());
    }

    #[test]
    fn the_encoder_says_its_length(frames in message()) {
        let (_, mut encoder, _) = ready(&router());
        let wire = encode(&mut encoder, &frames);
        prop_assert_eq!(wire.len(), encoder.byte_len(&frames[0], &frames[1..]));
    }

    #[test]
    fn announced_sizes_cost_nothing(size in any::<u64>(), flags in 0..4u8, come in 0..20_000usize) {
        // All that a hostile header can do is wait for bytes that really come.
        let (mut connection, _, _) = ready(&router());
        let mut wire = vec![flags | 2];
        wire.extend(size.to_be_bytes());
        wire.extend(vec![0; come]);
        for chunk in wire.chunks(1000) {
            feed(&mut connection, chunk);
            if Outputs::of(&mut connection).error.is_some() {
                break;
            }
        }
        let capacity = connection.receive_buffer().capacity();
        prop_assert!(capacity <= 2 * wire.len() + 1024, "{} for {}", capacity, wire.len());
        if size > Limits::default().frame as u64 {
            prop_assert!(!connection.is_ready());
        }
    }

    #[test]
    fn headers_are_as_short_as_they_can_be(size in any::<usize>(), more in any::<bool>()) {
        let header = FrameHeader::message(size, more);
        prop_assert_eq!(header.len(), if size < 256 { 2 } else { 9 });
        prop_assert_eq!(header[0] & 1 == 1, more);
    }
}

#[test]
fn a_ready_event_comes_once_and_first() {
    let mut connection = Connection::new(&router(), Instant::now());
    let mut wire = opening(&dealer());
    wire.extend(common::frame(0, b"x"));
    feed(&mut connection, &wire);
    let Outputs { events: seen, error, .. } = Outputs::of(&mut connection);
    assert!(matches!(&seen[..], [Event::Ready(..), Event::Message(_)]), "{seen:?}");
    assert_eq!(error, None);
}
