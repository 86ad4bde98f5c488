//! What a remote may try, and what it gets for it.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "helpers of tests")]

mod common;

use std::time::{Duration, Instant};

use bytes::Bytes;
use zmtp::{Config, Connection, Error, Event, Limits, SocketType};

use common::{
    Outputs, command, dealer, frame, greeting, opening, property, ready, refusal, router,
};

fn with(start: &[u8], then: &[u8]) -> Vec<u8> {
    [start, then].concat()
}

/// A greeting and a READY with these properties.
fn meet(properties: &[Vec<u8>]) -> Vec<u8> {
    with(&greeting(), &command("READY", &properties.concat()))
}

fn changed(at: usize, byte: u8) -> Vec<u8> {
    let mut bytes = opening(&dealer());
    bytes[at] = byte;
    bytes
}

#[test]
fn greetings() {
    let version = |major| Some(Error::Version { major });
    let table: Vec<(&str, Vec<u8>, Option<Error>)> = vec![
        ("ZMTP 1.0", vec![1, 0], version(1)),
        ("a browser", b"GET / HTTP/1.1\r\n".to_vec(), version(1)),
        ("signature without end", changed(9, 0), version(1)),
        ("ZMTP 2.0", changed(10, 1), version(1)),
        ("major 2", changed(10, 2), version(2)),
        ("major 0", changed(10, 0), version(0)),
        ("major 4", changed(10, 4), None),
        ("minor 0", changed(11, 0), None),
        ("minor 77", changed(11, 77), None),
        ("padding", changed(4, 0xaa), None),
        ("as-server", changed(32, 1), None),
        ("filler", changed(50, 9), None),
        ("PLAIN", changed(12, b'P'), Some(Error::Mechanism("PULL".into()))),
        ("NULLX", changed(16, b'X'), Some(Error::Mechanism("NULLX".into()))),
        ("not text", changed(12, 7), Some(Error::Mechanism("\u{2407}ULL".into()))),
    ];
    for (what, bytes, expected) in table {
        assert_eq!(refusal(&bytes), expected, "{what}");
    }
    // Told as soon as it is known.
    assert_eq!(refusal(&[0]), version(1));
    assert_eq!(refusal(&changed(10, 2)[..11]), version(2));
    assert!(matches!(refusal(&changed(31, 1)[..32]), Some(Error::Mechanism(_))));
}

#[test]
fn before_ready() {
    let message = with(&greeting(), &frame(0, b"hello"));
    assert_eq!(refusal(&message), Some(Error::Premature("a message")));
    let ping = with(&greeting(), &command("PING", &[0, 0]));
    assert_eq!(refusal(&ping), Some(Error::Premature("another command")));
    for flags in [8, 0x80, 5, 7] {
        assert_eq!(refusal(&with(&greeting(), &[flags])), Some(Error::Flags(flags)));
    }
    let refused = with(&greeting(), &command("ERROR", b"\x06no\nway"));
    assert_eq!(refusal(&refused), Some(Error::Refused("no\u{240a}way".into())));
    let cut_short = with(&greeting(), &command("ERROR", b"\xffno"));
    assert_eq!(refusal(&cut_short), Some(Error::Refused("no".into())));
    let silent = with(&greeting(), &command("ERROR", b""));
    assert_eq!(refusal(&silent), Some(Error::Malformed("ERROR")));
    for body in [&b""[..], b"\x00", b"\x06READY", b"\xff"] {
        let bytes = with(&greeting(), &frame(4, body));
        assert_eq!(refusal(&bytes), Some(Error::Malformed("command")), "{body:?}");
    }
}

#[test]
fn metadata() {
    let kind = |k: &str| property("Socket-Type", k.as_bytes());
    let dealer = || kind("DEALER");
    let incompatible = |theirs| Some(Error::Incompatible { ours: SocketType::Router, theirs });
    let table: Vec<(_, Vec<Vec<u8>>, _)> = vec![
        (
            "any order, others",
            vec![property("Identity", b"a"), property("X-Y", b""), dealer()],
            None,
        ),
        ("REQ", vec![kind("REQ")], None),
        ("ROUTER", vec![kind("ROUTER")], None),
        ("none", vec![], Some(Error::SocketType(String::new()))),
        (
            "lower case",
            vec![property("socket-type", b"DEALER")],
            Some(Error::SocketType("".into())),
        ),
        ("unknown", vec![kind("DEALERS")], Some(Error::SocketType("DEALERS".into()))),
        ("endless", vec![kind(&"D".repeat(999))], Some(Error::SocketType("D".repeat(32)))),
        ("REP", vec![kind("REP")], incompatible(SocketType::Rep)),
        ("SUB", vec![kind("SUB")], incompatible(SocketType::Sub)),
        ("255", vec![dealer(), property("Identity", &[1; 255])], None),
        ("256", vec![dealer(), property("Identity", &[1; 256])], Some(Error::IdentityTooLong(256))),
        ("no name", vec![dealer(), property("", b"x")], Some(Error::Malformed("READY"))),
    ];
    for (what, properties, expected) in table {
        assert_eq!(refusal(&meet(&properties)), expected, "{what}");
    }
    // Cut anywhere but between two properties.
    let whole = [dealer(), property("Identity", b"abc")].concat();
    for cut in 1..whole.len() {
        let bytes = with(&greeting(), &command("READY", &whole[..cut]));
        let expected = (cut != dealer().len()).then_some(Error::Malformed("READY"));
        assert_eq!(refusal(&bytes), expected, "cut at {cut}");
    }
    let mut huge = property("X", b"");
    huge[2..6].copy_from_slice(&[0xff; 4]);
    assert_eq!(refusal(&meet(&[dealer(), huge])), Some(Error::Malformed("READY")));
}

#[test]
fn identities_as_libzmq_reads_them() {
    let identity = |name: &str| {
        let bytes = meet(&[property("Socket-Type", b"DEALER"), property(name, b"me")]);
        let mut connection = Connection::new(&router(), Instant::now());
        Outputs::after(&mut connection, &bytes).ready().0.identity
    };
    assert_eq!(identity("Identity"), "me");
    assert_eq!(identity("identity"), "", "another case is another property");
}

#[test]
fn our_own_identity_is_checked_too() {
    let config = dealer().with_identity(vec![1; 256]);
    let mut connection = Connection::new(&config, Instant::now());
    assert_eq!(connection.poll_output().unwrap_err(), Error::IdentityTooLong(256));
}

#[test]
fn our_own_properties_are_checked_too() {
    let long = format!("X-{}", "n".repeat(254));
    for (name, shown) in [("Identity", "Identity"), ("", ""), (&long, &long[..255])] {
        let config = dealer().with_property(name.to_owned(), "1");
        let mut connection = Connection::new(&config, Instant::now());
        let error = connection.poll_output().unwrap_err();
        assert_eq!(error, Error::Property(shown.to_owned()), "nothing is sent before it");
    }
    let config = dealer().with_property("X-A", vec![1; 1025]).with_property("X-A", "1");
    assert!(Outputs::of(&mut Connection::new(&config, Instant::now())).error.is_none());
}

#[test]
fn properties_are_found_by_their_exact_names() {
    let peer = |properties: &[Vec<u8>]| {
        let bytes = meet(&[&[property("Socket-Type", b"DEALER")][..], properties].concat());
        Outputs::after(&mut Connection::new(&router(), Instant::now()), &bytes).ready().0
    };
    let told = peer(&[
        property("X-A", b"1"),
        property("x-b", b"2"),
        property("Resource", b"3"),
        property("X-A", b""),
        property("X-\u{e9}\n", &[0xff]),
    ]);
    assert_eq!(told.property("X-A").unwrap(), "", "the later one holds");
    assert_eq!(told.property("X-\u{e9}\n").unwrap(), &[0xff][..]);
    for name in ["x-a", "X-B", "x-b", "Resource", "Socket-Type", "X-", ""] {
        assert_eq!(told.property(name), None, "{name}");
    }
    // As many as a handshake has room for: little is kept.
    let many: Vec<_> = (0..4000).map(|nth| property(&format!("X-{nth}"), b"")).collect();
    let told = peer(&many);
    assert_eq!((0..4000).filter(|nth| told.property(&format!("X-{nth}")).is_some()).count(), 16);
}

#[test]
fn what_we_announce_is_what_a_remote_of_ours_finds() {
    let name = format!("X-{}", "n".repeat(253));
    let config = dealer().with_property("X-One", "1").with_property(name.clone(), vec![7; 1024]);
    let mut router = Connection::new(&router(), Instant::now());
    let (peer, _) = Outputs::after(&mut router, &opening(&config)).ready();
    assert_eq!(peer.identity, "dealer");
    assert_eq!(peer.property("X-One").unwrap(), "1");
    assert_eq!(peer.property(&name).unwrap(), &[7; 1024][..]);
    assert_eq!(peer.property("X-Two"), None);
}

#[test]
fn a_wrong_socket_type_is_told_so() {
    let mut connection = Connection::new(&router(), Instant::now());
    Outputs::of(&mut connection);
    let last = Outputs::after(&mut connection, &meet(&[property("Socket-Type", b"SUB")]));
    assert!(last.error.is_some());
    assert_eq!(last.sent, command("ERROR", b"\x13Invalid socket type"));
    assert!(Outputs::of(&mut connection).sent.is_empty(), "once");
}

#[test]
fn a_handshake_has_a_deadline_however_it_dribbles() {
    let start = Instant::now();
    let limits = Limits { handshake_time: Duration::from_millis(100), ..Limits::default() };
    let mut connection = Connection::new(&router().with_limits(limits), start);
    let deadline = connection.next_deadline().unwrap();
    Outputs::of(&mut connection);
    assert_eq!(deadline, start + Duration::from_millis(100));
    // One byte a millisecond: the greeting comes through, READY does not.
    for (ms, byte) in opening(&dealer()).into_iter().take(100).enumerate() {
        connection.handle_timeout(start + Duration::from_millis(ms as u64));
        connection.receive_buffer().extend_from_slice(&[byte]);
        assert!(connection.poll_output().unwrap().is_none());
    }
    connection.handle_timeout(deadline);
    assert_eq!(connection.poll_output().unwrap_err(), Error::HandshakeTimeout);

    let (mut connection, ..) = ready(&router());
    assert_eq!(connection.next_deadline(), None);
    connection.handle_timeout(start + Duration::from_secs(1_000_000));
    assert!(connection.poll_output().unwrap().is_none());
}

#[test]
fn a_handshake_has_a_size() {
    let too_large = Some(Error::HandshakeTooLarge { limit: 65_536 });
    // A READY of a megabyte is refused by its header.
    let megabyte = meet(&[property("Socket-Type", b"DEALER"), property("X", &[0; 1 << 20])]);
    assert_eq!(refusal(&megabyte[..64 + 9]), too_large);
    for size in [u64::MAX, 1 << 63, 1 << 46, 65_536 - 64 - 9 + 1] {
        let bytes = with(&greeting(), &with(&[6], &size.to_be_bytes()));
        assert_eq!(refusal(&bytes), too_large, "{size}");
    }
    let fill = 65_536 - meet(&[property("Socket-Type", b"DEALER"), property("X", &[0; 300])]).len();
    let exactly = |more: usize| {
        meet(&[property("Socket-Type", b"DEALER"), property("X", &vec![0; 300 + fill + more])])
    };
    assert_eq!(exactly(0).len(), 65_536);
    assert_eq!(refusal(&exactly(0)), None);
    assert_eq!(refusal(&exactly(1)), too_large);
}

/// Error and the messages before it, for bytes after the handshake.
fn after_ready(config: &Config, bytes: &[u8]) -> (usize, Option<Error>) {
    let (mut connection, ..) = ready(config);
    let Outputs { events, error, .. } = Outputs::after(&mut connection, bytes);
    if error.is_some() {
        assert_eq!(connection.receive_buffer().capacity(), 0, "a dead connection holds nothing");
    }
    (events.len(), error)
}

#[test]
fn sizes_are_checked_when_they_are_announced() {
    let limit = Limits::default().frame;
    for announced in [u64::MAX, 1 << 63, (1 << 63) - 1, 1 << 46, limit as u64 + 1] {
        for flags in [2, 3] {
            let bytes = with(&[flags], &announced.to_be_bytes());
            let expected = Some(Error::FrameTooLarge { announced, limit });
            assert_eq!(after_ready(&router(), &bytes), (0, expected));
        }
        let bytes = with(&[6], &announced.to_be_bytes());
        let expected = Some(Error::FrameTooLarge { announced, limit: 65_536 });
        assert_eq!(after_ready(&router(), &bytes), (0, expected));
    }
    // The largest that is allowed waits for its bytes, without taking room for them.
    let (mut connection, ..) = ready(&router());
    connection.receive_buffer().extend_from_slice(&with(&[2], &(limit as u64).to_be_bytes()));
    assert!(connection.poll_output().unwrap().is_none());
    assert!(connection.receive_buffer().capacity() < 1024);
    assert_eq!(connection.read_hint(), 1 << 20);
}

#[test]
fn messages_have_a_size_and_a_number_of_frames() {
    let limits = Limits { frame: 100, message: 150, frames: 3, ..Limits::default() };
    let config = router().with_limits(limits);
    let table: Vec<(&str, Vec<usize>, Option<Error>)> = vec![
        ("all they can", vec![100, 50], None),
        ("three frames", vec![0, 100, 50], None),
        (
            "one byte more",
            vec![100, 51],
            Some(Error::MessageTooLarge { announced: 151, limit: 150 }),
        ),
        (
            "the last one",
            vec![50, 50, 51],
            Some(Error::MessageTooLarge { announced: 151, limit: 150 }),
        ),
        ("a frame", vec![101], Some(Error::FrameTooLarge { announced: 101, limit: 100 })),
        ("second frame", vec![0, 101], Some(Error::FrameTooLarge { announced: 101, limit: 100 })),
        ("four frames", vec![0, 0, 0, 0], Some(Error::TooManyFrames { limit: 3 })),
    ];
    for (what, sizes, expected) in table {
        let last = sizes.len() - 1;
        let bytes: Vec<u8> = sizes
            .iter()
            .enumerate()
            .flat_map(|(i, size)| frame(u8::from(i < last), &vec![7; *size]))
            .collect();
        let count = usize::from(expected.is_none());
        assert_eq!(after_ready(&config, &bytes), (count, expected), "{what}");
    }
    for (message, frames) in [(0, 1), (64, 0), (64, 1)] {
        let config = router().with_limits(Limits { message, frames, ..Limits::default() });
        let bytes = with(&frame(1, b"a"), &frame(0, b"b"));
        assert!(after_ready(&config, &bytes).1.is_some());
    }
    let none = router().with_limits(Limits { frames: 0, ..Limits::default() });
    assert!(after_ready(&none, &frame(0, b"")).1.is_some());
}

#[test]
fn frames_4096_but_not_4097() {
    let bytes = |frames: usize| with(&frame(1, b"").repeat(frames - 1), &frame(0, b""));
    assert_eq!(after_ready(&router(), &bytes(4096)), (1, None));
    let expected = Some(Error::TooManyFrames { limit: 4096 });
    assert_eq!(after_ready(&router(), &bytes(4097)), (0, expected));
}

#[test]
fn long_form_is_fine_for_short_sizes() {
    let bytes = [frame(3, b"a"), frame(2, b"")].concat();
    let (mut connection, ..) = ready(&router());
    assert_eq!(Outputs::after(&mut connection, &bytes).messages()[0].frames(), ["a", ""]);
    let after = Outputs::after(&mut connection, &frame(6, b"\x04PING\0\0long"));
    assert_eq!((after.events.len(), after.sent), (0, command("PONG", b"long")));
}

#[test]
fn pings_are_answered_and_a_flood_of_them_is_not() {
    let (mut connection, ..) = ready(&router());
    let context = &[9; 16];
    let pings = [command("PING", &[0, 0]), command("PING", &with(&[1, 2], context))].concat();
    let after = Outputs::after(&mut connection, &pings);
    let both = [command("PONG", b""), command("PONG", context)].concat();
    assert_eq!((after.events.len(), after.sent), (0, both));

    let flood = command("PING", &[0, 0, 1]).repeat(100_000);
    let after = Outputs::after(&mut connection, &flood);
    assert_eq!((after.events.len(), after.sent), (0, command("PONG", &[1]).repeat(4)));

    for data in [&[][..], &[0], &[0; 2 + 17]] {
        let expected = Some(Error::Malformed("PING"));
        assert_eq!(after_ready(&router(), &command("PING", data)), (0, expected));
    }
}

#[test]
fn commands_after_ready() {
    let ignored = [
        command("PONG", &[1; 300]),
        command("SUBSCRIBE", b"all"),
        command("READY", b"\xff"),
        command("WHAT", b""),
    ]
    .concat();
    // libzmq may put a PING between two frames of a message.
    let bytes = [&ignored[..], &frame(1, b"a"), &ignored, &frame(0, b"b"), &ignored].concat();
    let (mut connection, ..) = ready(&router());
    let received = Outputs::after(&mut connection, &bytes).messages();
    assert_eq!(received.len(), 1);
    assert_eq!(received[0].frames(), ["a", "b"]);

    let error = command("ERROR", b"\x03bye");
    assert_eq!(after_ready(&router(), &error), (0, Some(Error::Refused("bye".into()))));
    for flags in [5, 7, 8, 0x10, 0xff] {
        let bytes = with(&frame(0, b"ok"), &[flags]);
        assert_eq!(after_ready(&router(), &bytes), (1, Some(Error::Flags(flags))));
    }
    let empty = frame(4, b"");
    assert_eq!(after_ready(&router(), &empty), (0, Some(Error::Malformed("command"))));
}

#[test]
fn a_million_tiny_frames_are_one_pass() {
    // Quadratic work would take minutes.
    let started = Instant::now();
    let (mut connection, ..) = ready(&router());
    let frames = frame(0, b"").repeat(1_000_000);
    assert_eq!(Outputs::after(&mut connection, &frames).messages().len(), 1_000_000);

    // 1,000 messages of 1,000 frames, in pieces that cut most messages many times.
    let message = with(&frame(1, b"x").repeat(999), &frame(0, b"y"));
    let mut count = 0;
    for part in message.repeat(1000).chunks(17) {
        let messages = Outputs::after(&mut connection, part).messages();
        count += messages.iter().map(|m| m.len()).sum::<usize>();
    }
    assert_eq!(count, 1_000_000);

    // One large frame, byte by byte at its end: the header is all that is looked at again.
    let large = frame(2, &vec![3; 4 << 20]);
    let (most, rest) = large.split_at(large.len() - 200_000);
    connection.receive_buffer().extend_from_slice(most);
    for byte in rest {
        assert!(connection.poll_output().unwrap().is_none());
        connection.receive_buffer().extend_from_slice(&[*byte]);
    }
    assert_eq!(Outputs::of(&mut connection).messages()[0].byte_len(), 4 << 20);
    assert!(started.elapsed() < common::DEADLINE);
}

#[test]
fn a_small_message_does_not_keep_the_receive_buffer() {
    let (mut connection, ..) = ready(&router());
    let wire = [frame(1, b"head"), frame(0, b"content"), frame(0, b"alone")].concat();
    connection.receive_buffer().extend_from_slice(&wire);
    let at = connection.receive_buffer().as_ptr() as usize;
    let buffer = at..at + connection.receive_buffer().capacity();
    for message in Outputs::of(&mut connection).messages() {
        for frame in message.frames() {
            assert!(!buffer.contains(&(frame.as_ptr() as usize)));
        }
    }
    // Nothing else holds it either: it can be had back whole.
    assert!(connection.receive_buffer().try_reclaim(wire.len()));
}

#[test]
fn a_large_frame_is_not_copied() {
    let (mut connection, ..) = ready(&router());
    let wire = frame(2, &vec![5; 10_000]);
    connection.receive_buffer().extend_from_slice(&wire);
    let body = connection.receive_buffer()[9..].as_ptr();
    let received = Outputs::of(&mut connection).messages();
    assert_eq!(received[0].frames()[0].as_ptr(), body);
    assert_eq!(received[0].frames()[0], Bytes::from(vec![5; 10_000]));
}

#[test]
fn a_remote_with_another_identity_than_was_meant_is_a_stranger() {
    let cases: [(&[u8], &[u8], bool); 4] =
        [(b"a", b"a", true), (b"b", b"a", false), (b"", b"a", true), (b"b", b"", true)];
    for (told, meant, fits) in cases {
        let router = Config::new(SocketType::Router).with_identity(told.to_vec());
        let dealer = Config::new(SocketType::Dealer).with_remote(meant.to_vec());
        let mut router = Connection::new(&router, Instant::now());
        let mut dealer = Connection::new(&dealer, Instant::now());
        let Outputs { events, error, .. } =
            Outputs::after(&mut dealer, &Outputs::of(&mut router).sent);
        assert_eq!(matches!(events[..], [Event::Ready(..)]), fits, "{told:?} {meant:?}");
        assert_eq!(error, (!fits).then_some(Error::Stranger), "{told:?} {meant:?}");
    }
}
