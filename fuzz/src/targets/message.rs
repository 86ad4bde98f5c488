//! Headers of ZRE messages, and the endpoints and ids in them.

use std::fmt::{Debug, Display};
use std::net::SocketAddr;
use std::str::FromStr;

use zre_proto::message::{Command, DecodeError, Message};
use zre_proto::{Endpoint, MessageLimits, PeerId};

use crate::vectors::captured;

const SMALL: MessageLimits = MessageLimits { entries: 2, bytes: 64 };

/// What is a message is encoded to the bytes it was read from, and fits the limits. Reading it
/// takes no more memory than it has bytes.
pub fn target(data: &[u8]) {
    endpoint(data);
    id(data);
    let mut decoded = Err(DecodeError::Signature);
    let memory = allocation_counter::measure(|| {
        decoded = Message::decode(data, &MessageLimits::default());
    });
    // A group of no bytes takes four, and in memory a pointer and a length; lists grow by doubling.
    let bound = 1024 + 24 * data.len() as u64;
    assert!(memory.bytes_max <= bound, "{} for {}", memory.bytes_max, data.len());

    let small = Message::decode(data, &SMALL);
    let Ok(message) = decoded else {
        assert!(small.is_err());
        return;
    };
    let entries = match &message.command {
        Command::Hello(hello) => hello.groups.len() + hello.headers.len(),
        _ => 0,
    };
    let fits = data.len() <= SMALL.bytes && entries <= SMALL.entries;
    assert_eq!(small.as_ref().ok(), fits.then_some(&message));

    let again = message.encode();
    assert_eq!(again[..], data[..again.len()], "bytes behind the last field are ignored");
    let short = Message::decode(&again[..again.len() - 1], &MessageLimits::default());
    assert_eq!(short, Err(DecodeError::Truncated));
    assert_eq!(Message::decode(&again, &MessageLimits::default()), Ok(message.clone()));
    if let Command::Hello(hello) = message.command {
        endpoint(hello.endpoint);
    }
}

/// An endpoint as a HELLO announces it is one that can be connected to, or none.
fn endpoint(text: &[u8]) {
    let source = SocketAddr::from(([10, 0, 0, 1], 5670));
    if let Some(endpoint) = Endpoint::announced(text, source) {
        let address = endpoint.address();
        assert!(address.port() != 0 && !address.ip().is_unspecified());
        for text in [endpoint.to_string(), endpoint.wire_form()] {
            assert_eq!(Endpoint::announced(text.as_bytes(), source), Some(endpoint), "{text}");
        }
    }
    assert_spells::<Endpoint>(text);
}

fn id(bytes: &[u8]) {
    if let Some(id) = PeerId::from_routing_id(bytes) {
        // The first byte may be any.
        assert_eq!(id.routing_id()[1..], bytes[1..]);
    }
    assert_spells::<PeerId>(bytes);
}

/// What was read from text is read again from its own spelling.
pub(super) fn assert_spells<T: FromStr<Err: Display> + Display + Debug + PartialEq>(text: &[u8]) {
    let Ok(text) = str::from_utf8(text) else { return };
    match text.parse::<T>() {
        Ok(value) => assert_eq!(value.to_string().parse().ok(), Some(value)),
        // A log must not be drowned by it.
        Err(error) => assert!(error.to_string().len() < 8192),
    }
}

/// Headers of real nodes, endpoints and ids.
pub fn seeds() -> Vec<Vec<u8>> {
    let mut seeds = captured("zre", "");
    let texts = [
        "tcp://10.77.0.1:49152",
        "tcp://laptop.local:49152",
        "tcp://*:65535",
        "tcp://0.0.0.0:1",
        "tcp://[fe80::1%2]:7",
        "a9c4aa78fc2649b7b00db24ba3d37a22",
        "a9c4aa78-fc26-49b7-b00d-b24ba3d37a22",
    ];
    seeds.extend(texts.iter().map(|text| text.as_bytes().to_vec()));
    seeds.push(PeerId::new([7; 16]).routing_id().to_vec());
    seeds
}
