//! Captured messages.

use serde_json::Value;
use testkit::{hex, vectors};
use zre_proto::PeerId;
use zre_proto::gossip::{Message, Tuple, TupleError};

/// One captured message.
#[derive(Clone, Debug)]
pub(crate) struct Captured {
    pub(crate) ms: u64,
    pub(crate) from: String,
    pub(crate) to: String,
    pub(crate) frame: Vec<u8>,
}

impl Captured {
    pub(crate) fn tuple(&self) -> Option<Tuple> {
        match Message::decode(&self.frame) {
            Ok(Message::Publish { key, value, .. }) => Tuple::read(key, value).ok(),
            _ => None,
        }
    }

    /// Whether a hub has said it.
    pub(crate) fn is_of_hub(&self) -> bool {
        self.from.ends_with(":5999")
    }
}

fn text(value: &Value) -> String {
    value.as_str().unwrap().to_owned()
}

/// Each scenario by its name.
pub(crate) fn scenarios() -> Vec<(String, Vec<Captured>)> {
    let captured = |entry: &Value| Captured {
        ms: entry["ms"].as_u64().unwrap(),
        from: text(&entry["from"]),
        to: text(&entry["to"]),
        frame: hex::decode(&text(&entry["hex"])),
    };
    let scenario = |entry: &Value| {
        let messages = entry["messages"].as_array().unwrap().iter().map(captured).collect();
        (text(&entry["name"]), messages)
    };
    vectors::gossip().iter().map(scenario).collect()
}

#[test]
fn every_captured_message_decodes_and_encodes_back() {
    let mut count = 0;
    for scenario in vectors::gossip() {
        for entry in scenario["messages"].as_array().unwrap() {
            count += 1;
            let frame = hex::decode(&text(&entry["hex"]));
            let message = Message::decode(&frame).unwrap();
            assert_eq!(message.encode(), frame);
            let name = match message {
                Message::Hello => "HELLO",
                Message::Publish { key, value, ttl } => {
                    assert_eq!(key, text(&entry["key"]).as_bytes());
                    assert_eq!(value, text(&entry["value"]).as_bytes());
                    assert_eq!(u64::from(ttl), entry["ttl"].as_u64().unwrap());
                    "PUBLISH"
                }
                Message::Ping => "PING",
                Message::Pong => "PONG",
                Message::Invalid => "INVALID",
            };
            assert_eq!(name, text(&entry["name"]));
        }
    }
    assert_eq!(count, 213);
}

#[test]
fn every_captured_tuple_is_read_or_known_to_be_useless_and_told_as_it_was() {
    let (mut told, mut with_key) = (0, 0);
    for (name, messages) in scenarios() {
        for Captured { frame, .. } in messages {
            let Ok(Message::Publish { key, value, .. }) = Message::decode(&frame) else { continue };
            match Tuple::read(key, value) {
                Ok(tuple) => {
                    assert_eq!((tuple.key().as_bytes(), tuple.value().as_bytes()), (key, value));
                    let peer: PeerId = std::str::from_utf8(key).unwrap().parse().unwrap();
                    assert_eq!(tuple.peer, peer);
                    told += 1;
                    with_key += usize::from(tuple.endpoint.key().is_some());
                }
                Err(error) => {
                    assert_eq!((&*name, error), ("no-endpoint", TupleError::Endpoint));
                }
            }
        }
    }
    assert_eq!((told, with_key), (176, 4));
}
