//! What libzmq really sends: captured from Zyre (C), pyre and zyre.js, see `vectors/zre.json`.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "helpers of tests")]

mod common;

use std::time::Instant;

use bytes::Bytes;
use serde_json::Value;
use testkit::hex;
use zmtp::{Config, Connection, Error, Event, SocketType};

use common::{Outputs, encode, opening, ready, refusal, router};

/// The entries about ZMTP whose name starts like that: name, bytes, what they mean.
fn vectors(prefix: &str) -> Vec<(String, Vec<u8>, Value)> {
    let name = |entry: &Value| entry["name"].as_str().unwrap().to_owned();
    let entries = testkit::vectors::zre("zmtp", prefix).into_iter();
    entries.map(|v| (name(&v), testkit::vectors::bytes(&v), v["decoded"].clone())).collect()
}

fn config(kind: &str, identity: &[u8]) -> Config {
    let kind = SocketType::from_name(kind.as_bytes()).unwrap();
    Config::new(kind).with_identity(identity.to_vec())
}

#[test]
fn greetings_are_ours_byte_by_byte() {
    for (name, bytes, _) in vectors("zmtp-greeting-") {
        let ours = match name.contains("dealer") {
            true => config("DEALER", &[1; 17]),
            false => config("ROUTER", b""),
        };
        assert_eq!(opening(&ours)[..64], bytes, "{name}");
    }
}

#[test]
fn readys_are_ours_byte_by_byte_and_mean_what_they_say() {
    for (name, bytes, decoded) in vectors("zmtp-ready-") {
        let properties = &decoded["properties"];
        let kind = properties["Socket-Type"].as_str().unwrap();
        let identity = hex::decode(properties["Identity"].as_str().unwrap());
        let sender = config(kind, &identity);
        assert_eq!(opening(&sender)[64..], bytes, "{name}");

        let mut stream = common::greeting();
        stream.extend(&bytes);
        let mut connection = Connection::new(&router(), Instant::now());
        let (peer, _) = Outputs::after(&mut connection, &stream).ready();
        assert_eq!((peer.socket_type.name(), &peer.identity[..]), (kind, &identity[..]), "{name}");
        assert_eq!((peer.major, peer.minor), (3, 1));
    }
}

#[test]
fn frames_make_messages_and_messages_make_the_same_frames() {
    for (name, bytes, decoded) in vectors("zmtp-frames-") {
        let (mut connection, mut encoder, _) = ready(&router());
        let received = Outputs::after(&mut connection, &bytes).messages();
        let [message] = &received[..] else { panic!("{name}") };
        let content: Vec<&str> = decoded["zre"]["content"]
            .as_array()
            .unwrap()
            .iter()
            .filter_map(Value::as_str)
            .collect();
        assert_eq!(message.frames()[1..], content, "{name}");
        assert!(message.frames()[0].starts_with(&[0xaa, 0xa1]));
        assert_eq!(encode(&mut encoder, message.frames()), bytes, "{name}");
    }
}

#[test]
fn whole_streams_are_understood_however_they_are_cut() {
    for (name, bytes, decoded) in vectors("zmtp-stream-") {
        for cut in 1..bytes.len() {
            let us = if name.contains("dealer") { router() } else { common::dealer() };
            let mut connection = Connection::new(&us, Instant::now());
            let mut seen = Vec::new();
            for part in bytes.chunks(cut) {
                let Outputs { events, error, .. } = Outputs::after(&mut connection, part);
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
                    assert_eq!(opening(&router()), bytes, "{name}: all that a ROUTER ever sends");
                }
                other => panic!("{name} cut at {cut}: {other:?}"),
            }
        }
    }
}

#[test]
fn curve_is_another_mechanism() {
    for (name, bytes, _) in vectors("zmtp-curve-greeting-") {
        assert_eq!(refusal(&bytes), Some(Error::Mechanism("CURVE".into())), "{name}");
    }
}
