//! Bytes captured from real nodes (C Zyre, pyre, zyre.js): each decodes to what it says, and
//! encodes back to the same bytes.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "helpers of tests")]

use serde_json::Value;
use testkit::{hex, vectors};
use zre_proto::message::{Command, Hello, Message};
use zre_proto::{Beacon, MessageLimits, PeerId};

fn text(value: &Value) -> &str {
    value.as_str().unwrap()
}

fn number(value: &Value) -> u64 {
    value.as_u64().unwrap()
}

/// Bytes as the vectors write them: as text, or as `hex:` where they are not UTF-8.
fn bytes(value: &Value) -> Vec<u8> {
    let text = text(value);
    text.strip_prefix("hex:").map_or_else(|| text.as_bytes().to_vec(), hex::decode)
}

fn assert_hello(name: &str, hello: &Hello<'_>, decoded: &Value) {
    assert_eq!(hello.endpoint, bytes(&decoded["endpoint"]), "{name}");
    let groups: Vec<_> = decoded["groups"].as_array().unwrap().iter().map(bytes).collect();
    assert_eq!(hello.groups, groups, "{name}");
    assert_eq!(u64::from(hello.status), number(&decoded["status"]), "{name}");
    assert_eq!(hello.name, bytes(&decoded["name"]), "{name}");
    let headers = decoded["headers"].as_array().unwrap().iter();
    let headers: Vec<_> = headers.map(|pair| (bytes(&pair[0]), bytes(&pair[1]))).collect();
    let heard: Vec<_> = hello.headers.iter().map(|(k, v)| (k.to_vec(), v.to_vec())).collect();
    assert_eq!(heard, headers, "{name}");
}

fn assert_group(name: &str, group: &[u8], status: Option<u8>, decoded: &Value) {
    assert_eq!(group, bytes(&decoded["group"]), "{name}");
    assert_eq!(status.map(u64::from), decoded["status"].as_u64(), "{name}");
}

/// The header frame says what `decoded` says, and is encoded to the same bytes.
fn assert_message(name: &str, header: &[u8], decoded: &Value) {
    let message = Message::decode(header, &MessageLimits::default())
        .unwrap_or_else(|error| panic!("{name}: {error}"));
    assert_eq!(u64::from(message.sequence), number(&decoded["sequence"]), "{name}");
    assert_eq!(u64::from(header[2]), number(&decoded["id"]), "{name}");
    let command = match &message.command {
        Command::Hello(hello) => {
            assert_hello(name, hello, decoded);
            "HELLO"
        }
        Command::Whisper => "WHISPER",
        Command::Shout { group } => {
            assert_group(name, group, None, decoded);
            "SHOUT"
        }
        Command::Join { group, status } => {
            assert_group(name, group, Some(*status), decoded);
            "JOIN"
        }
        Command::Leave { group, status } => {
            assert_group(name, group, Some(*status), decoded);
            "LEAVE"
        }
        Command::Ping => "PING",
        Command::PingOk => "PING-OK",
        Command::Elect { group, challenger } => {
            assert_group(name, group, None, decoded);
            assert_eq!(*challenger, bytes(&decoded["challenger_id"]), "{name}");
            "ELECT"
        }
        Command::Leader { group, leader } => {
            assert_group(name, group, None, decoded);
            assert_eq!(*leader, bytes(&decoded["leader_id"]), "{name}");
            "LEADER"
        }
        Command::Goodbye => "GOODBYE",
    };
    assert_eq!(command, text(&decoded["command"]), "{name}");
    assert_eq!(message.encode().as_slice(), header, "{name}");
}

#[test]
fn every_captured_beacon_decodes_and_encodes_back() {
    let beacons = vectors::zre("beacon", "");
    assert_eq!(beacons.len(), 8);
    for entry in beacons {
        let (name, decoded) = (text(&entry["name"]), &entry["decoded"]);
        let datagram = vectors::bytes(&entry);
        let beacon = Beacon::decode(&datagram).unwrap_or_else(|error| panic!("{name}: {error}"));
        assert_eq!(beacon.peer.to_string(), text(&decoded["uuid"]), "{name}");
        assert_eq!(u64::from(beacon.port), number(&decoded["port"]), "{name}");
        assert_eq!(beacon.is_goodbye(), name.contains("going-away"), "{name}");
        let key = decoded.get("public_key").map(|key| hex::decode(text(key)));
        assert_eq!(beacon.public_key.map(|key| key.as_bytes().to_vec()), key, "{name}");
        assert_eq!(beacon.public_key.is_some(), number(&decoded["version"]) == 3, "{name}");
        assert_eq!(beacon.encode(), datagram, "{name}");
    }
}

#[test]
fn every_captured_message_decodes_and_encodes_back() {
    let messages = vectors::zre("zre", "");
    assert_eq!(messages.len(), 56);
    for entry in messages {
        let header = vectors::bytes(&entry);
        assert_message(text(&entry["name"]), &header, &entry["decoded"]);
    }
}

#[test]
fn every_message_of_captured_elections_decodes_and_encodes_back() {
    let elections = vectors::election();
    let mut count = 0;
    for election in &elections {
        for message in election["messages"].as_array().unwrap() {
            let name = format!("{} at {}", election["name"], message["ms"]);
            assert_message(&name, &vectors::bytes(message), &message["decoded"]);
            for id in ["challenger_id", "leader_id"].map(|id| &message["decoded"][id]) {
                let digits = id.as_str().unwrap_or("777BC365CF3D44679DBD76CDB012F376").as_bytes();
                let of = PeerId::from_upper_hex(digits).unwrap();
                assert_eq!(of.to_upper_hex(), digits, "{name}");
            }
            count += 1;
        }
    }
    assert_eq!((elections.len(), count), (9, 215));
}

#[test]
fn text_that_is_cut_inside_a_character_is_kept_as_bytes() {
    let cut = vectors::zre("zre", "badutf8");
    assert!(cut.len() >= 2);
    let broken = cut.iter().find(|entry| entry["decoded"]["command"] == "HELLO").unwrap();
    let header = vectors::bytes(broken);
    let message = Message::decode(&header, &MessageLimits::default()).unwrap();
    let Command::Hello(hello) = message.command else { panic!("{message:?}") };
    assert_eq!(hello.headers, [(b"X-UNI".as_slice(), b"h\xc3".as_slice())]);
    assert!(std::str::from_utf8(hello.headers[0].1).is_err());
}

/// The first message on a captured connection: greeting (64), READY command, then one short frame.
fn first_frame(stream: &[u8]) -> &[u8] {
    let ready = &stream[64..];
    assert_eq!(ready[0], 4, "a short command");
    let message = &ready[2 + usize::from(ready[1])..];
    assert_eq!(message[0], 0, "a short last frame");
    &message[2..2 + usize::from(message[1])]
}

#[test]
fn the_first_message_on_every_captured_connection_is_a_hello() {
    let streams = vectors::zre("zmtp", "zmtp-stream-dealer");
    assert_eq!(streams.len(), 3);
    for entry in streams {
        let stream = vectors::bytes(&entry);
        let hello = &entry["decoded"]["hello"];
        assert_eq!(text(&hello["command"]), "HELLO");
        assert_message(text(&entry["name"]), first_frame(&stream), hello);
    }
}
