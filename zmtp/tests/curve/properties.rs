//! For any messages, and for any bytes instead of them.

use bytes::{Bytes, BytesMut};
use proptest::prelude::*;
use testkit::curve::{Client, Traffic, frame, greeting, metadata};
use zmtp::{Error, Limits};

use crate::ours::{Ours, router};

/// A server of ours that is ready, and what its client does.
fn ready(limits: &Limits) -> (Ours, Traffic) {
    let (mut client, mut ours) = (Client::new(), Ours::new(&router()));
    ours.take_greeting();
    ours.receive(&greeting("CURVE", 0, 1));
    ours.receive(&frame(4, &client.hello(1)));
    client.take_welcome(&ours.take_frame().unwrap().1);
    let initiate = client.initiate(metadata("DEALER", b"dealer"));
    ours.receive(&frame(4, &client.seal_initiate(&initiate)));
    ours.connection.set_limits(limits.clone());
    assert!(ours.connection.is_ready());
    ours.take_frame();
    (ours, client.traffic())
}

/// Sizes around every edge: short and long headers, copied and shared bodies.
fn body() -> impl Strategy<Value = Bytes> {
    let size = prop_oneof![
        6 => 0..40usize,
        3 => 215..260usize,
        2 => 4060..4100usize,
        1 => 60_000..70_000usize,
    ];
    (size, any::<u8>()).prop_map(|(size, byte)| vec![byte; size].into())
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: 25, failure_persistence: None, ..ProptestConfig::default()
    })]

    #[test]
    fn messages_come_out_as_they_went_in(
        sent in prop::collection::vec(prop::collection::vec(body(), 1..5), 1..8),
        chunk in prop_oneof![1..60usize, 100..5000usize, 60_000..70_000usize],
    ) {
        let (mut ours, mut traffic) = ready(&Limits::default());
        let mut wire = Vec::new();
        for frames in &sent {
            for (at, body) in frames.iter().enumerate() {
                let more = u8::from(at + 1 < frames.len());
                wire.extend(frame(0, &traffic.message(more, body)));
            }
        }
        for part in wire.chunks(chunk) {
            ours.receive(part);
        }
        prop_assert_eq!(&ours.error, &None);
        prop_assert_eq!(ours.messages.len(), sent.len());
        for (received, sent) in ours.messages.iter().zip(&sent) {
            prop_assert_eq!(received.frames(), &sent[..]);
        }
        prop_assert!(ours.connection.receive_buffer().is_empty());
        // And the other way.
        let mut encoder = ours.encoder.take().unwrap();
        for frames in &sent {
            let mut wire = BytesMut::new();
            encoder.encode(&frames[0], &frames[1..], &mut wire);
            prop_assert_eq!(wire.len(), encoder.byte_len(&frames[0], &frames[1..]));
            for (at, body) in frames.iter().enumerate() {
                let header = if wire[0] & 2 == 0 { 2 } else { 9 };
                let whole = wire.split_to(header + 33 + body.len());
                let (flags, data) = traffic.open(&whole[header..]);
                prop_assert_eq!(flags, u8::from(at + 1 < frames.len()));
                prop_assert_eq!(&data, body);
            }
            prop_assert!(wire.is_empty());
        }
    }

    #[test]
    fn arbitrary_bytes_end_it_and_never_panic(
        bytes in prop::collection::vec(any::<u8>(), 1..400),
        as_message in any::<bool>(),
    ) {
        let (mut ours, _) = ready(&Limits::default());
        let wire = match as_message {
            true => frame(0, &[b"\x07MESSAGE", &bytes[..]].concat()),
            false => bytes,
        };
        for part in wire.chunks(7) {
            ours.receive(part);
        }
        // Or it waits for the rest of a longer frame.
        ours.receive(&vec![0; 70_000]);
        let waits = ours.connection.read_hint() > 0 && ours.error.is_none();
        prop_assert!(ours.error.is_some() || waits);
        prop_assert!(ours.messages.is_empty());
    }

    #[test]
    fn announced_sizes_cost_nothing(size in any::<u64>(), come in 0..20_000usize) {
        let (mut ours, _) = ready(&Limits::default());
        let mut wire = [&[2][..], &size.to_be_bytes()].concat();
        wire.extend(vec![0; come]);
        for chunk in wire.chunks(1000) {
            ours.receive(chunk);
        }
        let capacity = ours.connection.receive_buffer().capacity();
        prop_assert!(capacity <= 2 * wire.len() + 1024, "{} for {}", capacity, wire.len());
        let most = Limits::default().frame as u64 + 33;
        if size > most {
            let limit = Limits::default().frame;
            prop_assert_eq!(ours.error, Some(Error::FrameTooLarge { announced: size - 33, limit }));
        }
    }
}

#[test]
fn limits_are_those_of_the_data() {
    let limits = Limits { frame: 100, message: 150, frames: 2, command: 50, ..Limits::default() };
    let after = |frames: &[(u8, usize)]| {
        let (mut ours, mut traffic) = ready(&limits);
        for (flags, size) in frames {
            let mut data = vec![b'x'; *size];
            if flags & 2 != 0 {
                data[0] = 1;
            }
            ours.receive(&frame(0, &traffic.message(*flags, &data)));
        }
        ours.error
    };
    assert_eq!(after(&[(1, 100), (0, 50)]), None);
    assert_eq!(after(&[(0, 101)]), Some(Error::FrameTooLarge { announced: 101, limit: 100 }));
    let too_large = |announced| Some(Error::MessageTooLarge { announced, limit: 150 });
    assert_eq!(after(&[(1, 100), (0, 51)]), too_large(151));
    // Small enough for a command, so only known when it is opened.
    assert_eq!(after(&[(1, 80), (1, 40), (0, 0)]), Some(Error::TooManyFrames { limit: 2 }));
    assert_eq!(after(&[(2, 50)]), None);
    assert_eq!(after(&[(2, 51)]), Some(Error::FrameTooLarge { announced: 51, limit: 50 }));
    assert_eq!(after(&[(3, 10)]), Some(Error::Flags(3)), "a command with more to come");
    assert_eq!(after(&[(1, 10), (2, 10), (0, 10)]), None, "a command between frames");
}

#[test]
fn an_error_that_is_sealed_is_the_remotes() {
    let (mut ours, mut traffic) = ready(&Limits::default());
    ours.receive(&frame(0, &traffic.message(2, b"\x05ERROR\x03why")));
    assert_eq!(ours.error, Some(Error::Refused("why".into())));
}
