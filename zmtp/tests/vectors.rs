//! What libzmq really sends: captured from Zyre (C), pyre and zyre.js, see `vectors/zre.json`.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "helpers of tests")]

mod common;

use bytes::Bytes;
use common::{encode, messages, opening, ready, refusal, router, unhex};
use serde_json::Value;
use std::time::Instant;
use zmtp::{Config, Connection, Error, Event, SocketType};

/// The entries about ZMTP whose name starts like that: name, octets, what they mean.
fn vectors(prefix: &str) -> Vec<(String, Vec<u8>, Value)> {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../vectors/zre.json");
    let all: Value = serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap();
    let found: Vec<_> = all
        .as_array()
        .unwrap()
        .iter()
        .filter(|v| v["kind"] == "zmtp" && v["name"].as_str().unwrap().starts_with(prefix))
        .map(|v| {
            let text = |key: &str| v[key].as_str().unwrap().to_owned();
            (text("name"), unhex(&text("hex")), v["decoded"].clone())
        })
        .collect();
    assert!(!found.is_empty(), "no vectors {prefix}*");
    found
}

fn config(kind: &str, identity: &[u8]) -> Config {
    let kind = SocketType::from_name(kind.as_bytes()).unwrap();
    Config::new(kind).with_identity(identity.to_vec())
}

#[test]
fn greetings_are_ours_octet_by_octet() {
    for (name, octets, _) in vectors("zmtp-greeting-") {
        let ours = match name.contains("dealer") {
            true => config("DEALER", &[1; 17]),
            false => config("ROUTER", b""),
        };
        assert_eq!(opening(&ours)[..64], octets, "{name}");
    }
}

#[test]
fn readys_are_ours_octet_by_octet_and_mean_what_they_say() {
    for (name, octets, decoded) in vectors("zmtp-ready-") {
        let properties = &decoded["properties"];
        let kind = properties["Socket-Type"].as_str().unwrap();
        let identity = unhex(properties["Identity"].as_str().unwrap());
        let sender = config(kind, &identity);
        assert_eq!(opening(&sender)[64..], octets, "{name}");

        let mut stream = common::greeting();
        stream.extend(&octets);
        let mut connection = Connection::new(&router(), Instant::now());
        connection.buffer().extend_from_slice(&stream);
        let Ok(Some(Event::Ready(peer, _))) = connection.poll_event() else { panic!("{name}") };
        assert_eq!((peer.socket_type.name(), &peer.identity[..]), (kind, &identity[..]), "{name}");
        assert_eq!((peer.major, peer.minor), (3, 1));
    }
}

#[test]
fn frames_make_messages_and_messages_make_the_same_frames() {
    for (name, octets, decoded) in vectors("zmtp-frames-") {
        let (mut connection, mut encoder, _) = ready(&router());
        connection.buffer().extend_from_slice(&octets);
        let received = messages(&mut connection);
        let [message] = &received[..] else { panic!("{name}") };
        let content: Vec<&str> = decoded["zre"]["content"]
            .as_array()
            .unwrap()
            .iter()
            .filter_map(Value::as_str)
            .collect();
        assert_eq!(message.frames()[1..], content, "{name}");
        assert!(message.frames()[0].starts_with(&[0xaa, 0xa1]));
        assert_eq!(encode(&mut encoder, message.frames()), octets, "{name}");
    }
}

#[test]
fn whole_streams_are_understood_however_they_are_cut() {
    for (name, octets, decoded) in vectors("zmtp-stream-") {
        for cut in 1..octets.len() {
            let us = if name.contains("dealer") { router() } else { common::dealer() };
            let mut connection = Connection::new(&us, Instant::now());
            let mut seen = Vec::new();
            for part in octets.chunks(cut) {
                connection.buffer().extend_from_slice(part);
                let (events, error) = common::events(&mut connection);
                assert_eq!(error, None, "{name} cut at {cut}");
                seen.extend(events);
            }
            match &seen[..] {
                [Event::Ready(peer, _), Event::Message(hello)] => {
                    assert_eq!(peer.identity.len(), 17);
                    let endpoint = decoded["hello"]["endpoint"].as_str().unwrap();
                    let hello = &hello.frames()[0];
                    assert!(hello.windows(endpoint.len()).any(|w| w == endpoint.as_bytes()));
                }
                [Event::Ready(peer, _)] => {
                    assert_eq!(peer.socket_type, SocketType::Router);
                    assert_eq!(peer.identity, Bytes::new());
                    assert_eq!(opening(&router()), octets, "{name}: all that a ROUTER ever sends");
                }
                other => panic!("{name} cut at {cut}: {other:?}"),
            }
        }
    }
}

#[test]
fn curve_is_another_mechanism() {
    for (name, octets, _) in vectors("zmtp-curve-greeting-") {
        assert_eq!(refusal(&octets), Some(Error::Mechanism("CURVE".into())), "{name}");
    }
}
