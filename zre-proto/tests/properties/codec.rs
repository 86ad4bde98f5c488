//! The codecs: no bytes break them, and what they write they read.

use proptest::collection::vec;
use proptest::prelude::*;
use zre_proto::message::{Command, DecodeError, Hello, MAX_STRING, Message};
use zre_proto::{Beacon, MessageLimits, PeerId, PublicKey};

/// The text of a message; a [`Message`] borrows from it.
#[derive(Clone, Debug)]
struct Text {
    id: u8,
    sequence: u16,
    status: u8,
    strings: [Vec<u8>; 2],
    groups: Vec<Vec<u8>>,
    headers: Vec<(Vec<u8>, Vec<u8>)>,
}

impl Text {
    fn message(&self) -> Message<'_> {
        let [group, other] = &self.strings;
        let command = match self.id {
            1 => Command::Hello(Hello {
                endpoint: group,
                groups: self.groups.iter().map(Vec::as_slice).collect(),
                status: self.status,
                name: other,
                headers: self.headers.iter().map(|(k, v)| (&**k, &**v)).collect(),
            }),
            2 => Command::Whisper,
            3 => Command::Shout { group },
            4 => Command::Join { group, status: self.status },
            5 => Command::Leave { group, status: self.status },
            6 => Command::Ping,
            7 => Command::PingOk,
            8 => Command::Elect { group, challenger: other },
            9 => Command::Leader { group, leader: other },
            _ => Command::Goodbye,
        };
        Message { sequence: self.sequence, command }
    }
}

fn string() -> impl Strategy<Value = Vec<u8>> {
    prop_oneof![4 => vec(any::<u8>(), 0..12), 1 => vec(any::<u8>(), MAX_STRING)]
}

fn text() -> impl Strategy<Value = Text> {
    let lists =
        (vec(vec(any::<u8>(), 0..300), 0..5), vec((string(), vec(any::<u8>(), 0..300)), 0..5));
    (1_u8..=10, any::<u16>(), any::<u8>(), [string(), string()], lists).prop_map(
        |(id, sequence, status, strings, (groups, headers))| Text {
            id,
            sequence,
            status,
            strings,
            groups,
            headers,
        },
    )
}

fn decode(header: &[u8]) -> Result<Message<'_>, DecodeError> {
    Message::decode(header, &MessageLimits::default())
}

fn config() -> ProptestConfig {
    ProptestConfig { cases: 2000, failure_persistence: None, ..ProptestConfig::default() }
}

proptest! {
    #![proptest_config(config())]

    #[test]
    fn no_datagram_breaks_the_beacon(mut datagram in vec(any::<u8>(), 0..80), ours in any::<bool>()) {
        if ours && datagram.len() > 3 {
            datagram[..3].copy_from_slice(b"ZRE");
            datagram[3] &= 3;
        }
        if let Ok(beacon) = Beacon::decode(&datagram) {
            prop_assert_eq!(beacon.encode(), datagram);
        }
    }

    #[test]
    fn every_beacon_is_read_as_it_was_written(
        id in any::<[u8; 16]>(),
        port in any::<u16>(),
        public_key in proptest::option::of(any::<[u8; 32]>()),
    ) {
        let public_key = public_key.map(PublicKey::new);
        let beacon = Beacon { peer: PeerId::new(id), port, public_key };
        let datagram = beacon.encode();
        prop_assert!(datagram.len() < Beacon::MAX_LEN);
        prop_assert_eq!(Beacon::decode(&datagram), Ok(beacon));
        prop_assert!((0..datagram.len()).all(|cut| Beacon::decode(&datagram[..cut]).is_err()));
        prop_assert!(Beacon::decode(&[&*datagram, &[0]].concat()).is_err());
    }

    #[test]
    fn no_bytes_break_the_decoder(mut header in vec(any::<u8>(), 0..200), ours in any::<bool>()) {
        if ours && header.len() > 3 {
            header[..2].copy_from_slice(&[0xAA, 0xA1]);
            header[2] &= 15;
            header[3] = 2;
        }
        if let Ok(message) = decode(&header) {
            // Bytes behind the last field are ignored; all others come back.
            let again = message.encode();
            prop_assert_eq!(&again[..], &header[..again.len()]);
        }
    }

    #[test]
    fn a_changed_byte_does_not_break_the_decoder(text in text(), at in any::<usize>(), to: u8) {
        let mut header = text.message().encode();
        let at = at % header.len();
        header[at] = to;
        if let Ok(message) = decode(&header) {
            let again = message.encode();
            prop_assert_eq!(&again[..], &header[..again.len()]);
        }
    }

    #[test]
    fn every_message_is_read_as_it_was_written(text in text(), behind in vec(any::<u8>(), 0..4)) {
        let message = text.message();
        let mut header = message.encode();
        prop_assert_eq!(decode(&header), Ok(text.message()));
        header.extend_from_slice(&behind);
        prop_assert_eq!(decode(&header), Ok(message), "bytes behind the last field are ignored");
    }

    #[test]
    fn every_message_that_is_cut_short_is_called_truncated(text in text()) {
        let header = text.message().encode();
        for cut in 0..header.len() {
            prop_assert_eq!(decode(&header[..cut]), Err(DecodeError::Truncated), "cut at {}", cut);
        }
    }

    #[test]
    fn text_too_long_for_its_field_is_cut_and_nothing_else_is_lost(more in 1_usize..300) {
        let long = vec![b'x'; MAX_STRING + more];
        let join = Message { sequence: 7, command: Command::Join { group: &long, status: 9 } };
        let header = join.encode();
        let cut = Command::Join { group: &long[..MAX_STRING], status: 9 };
        prop_assert_eq!(decode(&header), Ok(Message { sequence: 7, command: cut }));
    }
}

/// HELLO up to the count of groups, or up to the count of headers.
fn hello_before(count: &str) -> Vec<u8> {
    let mut header = vec![0xAA, 0xA1, 1, 2, 0, 1, 0];
    if count == "headers" {
        header.extend([0, 0, 0, 0, 0, 0]); // No groups, status, an empty name.
    }
    header
}

/// The most memory, in kibibytes, that this process had reserved at any time.
#[cfg(target_os = "linux")]
fn peak_kib() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmPeak:")).unwrap();
    line.trim().trim_end_matches(" kB").parse().unwrap()
}

#[cfg(not(target_os = "linux"))]
const fn peak_kib() -> u64 {
    0
}

#[test]
fn a_false_count_or_length_is_refused_and_costs_no_memory() {
    const GIB: u64 = 1024 * 1024; // In kibibytes.
    let all = [0xFF; 4];
    let one = [0, 0, 0, 1];
    let boundless = MessageLimits { entries: usize::MAX, bytes: usize::MAX };
    let before = peak_kib();
    for field in ["groups", "headers"] {
        let false_count = [hello_before(field), all.to_vec()].concat();
        assert_eq!(decode(&false_count), Err(DecodeError::TooLarge), "{field}");
        // Without limits, a list with this number of entries would take 64 GiB and more.
        let error = Message::decode(&false_count, &boundless);
        assert_eq!(error, Err(DecodeError::Truncated), "{field}");
        let key: &[u8] = if field == "headers" { &[0] } else { &[] };
        let false_length = [&hello_before(field), &one[..], key, &all, b"short"].concat();
        assert_eq!(decode(&false_length), Err(DecodeError::Truncated), "{field}");
        let error = Message::decode(&false_length, &boundless);
        assert_eq!(error, Err(DecodeError::Truncated), "{field}");
    }
    assert!(peak_kib() - before < 8 * GIB, "{before} KiB became {} KiB", peak_kib());
}

#[test]
fn the_limits_hold_for_groups_and_headers_together_and_for_the_whole_header() {
    let hello = Message {
        sequence: 1,
        command: Command::Hello(Hello {
            groups: vec![b"a", b"b"],
            headers: vec![(b"k", b"v")],
            ..Hello::default()
        }),
    };
    let header = hello.encode();
    let limited = |entries, bytes| Message::decode(&header, &MessageLimits { entries, bytes });
    assert_eq!(limited(3, header.len()), Ok(hello.clone()));
    assert_eq!(limited(2, header.len()), Err(DecodeError::TooLarge));
    assert_eq!(limited(3, header.len() - 1), Err(DecodeError::TooLarge));
}

#[test]
fn other_protocols_other_versions_and_unknown_messages_are_told_apart() {
    let cases: [(&[u8], DecodeError); 4] = [
        (&[0xAA, 0xA2, 1, 2, 0, 1], DecodeError::Signature),
        (&[0xAA, 0xA1, 6, 1, 0, 1], DecodeError::Version(1)),
        (&[0xAA, 0xA1, 42, 2, 1, 2], DecodeError::UnknownId { id: 42, sequence: 258 }),
        (&[0xAA, 0xA1, 0, 2, 0, 3], DecodeError::UnknownId { id: 0, sequence: 3 }),
    ];
    for (header, error) in cases {
        assert_eq!(decode(header), Err(error), "{header:?}");
    }
}
