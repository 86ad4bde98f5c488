//! A server of CURVE: what a client may send, and what it may seal.

use testkit::curve::{self as by_hand, Client};

use crate::heard::{Heard, dealer, frame, opening, router};
use crate::secured::{Begin, Secured, frames, server};
use crate::setting;

const GREETING: usize = 64;

/// Nobody gets in without a proof of its key; and who does is heard as with NULL, whatever it says
/// of itself and whatever it sends.
pub fn target(data: &[u8]) {
    let ([begin], bytes) = setting(data);
    let begin = Begin::ALL[usize::from(begin) % Begin::ALL.len()];
    let (mut ours, mut theirs) = (Secured::new(&server()), Client::new());
    ours.receive(&by_hand::greeting("CURVE", 0, 1));
    if begin == Begin::Greeting {
        ours.receive(bytes);
        return assert!(ours.introduced.is_none());
    }
    ours.receive(&frame(4, &theirs.hello(1)));
    theirs.take_welcome(&ours.answer());
    if begin == Begin::Second {
        ours.receive(bytes);
        return assert!(ours.introduced.is_none());
    }
    let metadata = match begin {
        Begin::Metadata => bytes.to_vec(),
        _ => by_hand::metadata("DEALER", b"dealer"),
    };
    let initiate = theirs.seal_initiate(&theirs.initiate(metadata.clone()));
    ours.receive(&by_hand::frame(4, &initiate));
    let greeting = &opening(&dealer())[..GREETING];
    let ready = by_hand::frame(4, &[b"\x05READY", &metadata[..]].concat());
    let plain = [greeting, &ready].concat();
    match begin {
        Begin::Traffic => {
            ours.receive(bytes);
            assert!(ours.messages.is_empty() && ours.frames.is_empty());
        }
        Begin::Sealed => {
            let (mut traffic, mut null) = (theirs.traffic(), plain);
            for (frame, flags, data) in frames(bytes) {
                null.extend(frame);
                ours.receive(&by_hand::frame(0, &traffic.message(flags, &data)));
            }
            assert_same(&ours, &Heard::from(&router(), &null));
        }
        _ => assert_same(&ours, &Heard::from(&router(), &plain)),
    }
}

/// What is heard through CURVE is what is heard with NULL.
pub(crate) fn assert_same(ours: &Secured, null: &Heard) {
    let mut peer = ours.ready.clone();
    if let Some(peer) = &mut peer {
        peer.keys = None;
    }
    assert_eq!(peer, null.ready);
    assert_eq!(ours.messages, null.messages);
    assert_eq!(ours.error, null.error);
}

/// Commands that are right up to a point, metadata, and messages.
pub fn seeds() -> Vec<Vec<u8>> {
    let hello = frame(4, &Client::new().hello(1)).to_vec();
    let bodies: [Vec<u8>; 8] = [
        hello,
        by_hand::frame(4, &[&b"\x08INITIATE"[..], &[7; 300]].concat()),
        b"\x04\x0a\x05ERROR\x03400".to_vec(),
        by_hand::metadata("DEALER", b"identity"),
        [by_hand::metadata("REQ", b""), by_hand::property("X-Proof", &[7; 32])].concat(),
        by_hand::frame(0, &[&b"\x07MESSAGE"[..], &[0; 40]].concat()),
        b"\x01\x02hi\x00\x05there\x02\x0a\x04PING\0\0now!\x00\x00".to_vec(),
        b"\x02\x04\x05ERRO\x02\x06\x05ERROR\x00\x01x".to_vec(),
    ];
    (0..Begin::ALL.len() as u8)
        .flat_map(|begin| bodies.iter().map(move |body| [&[begin], &body[..]].concat()))
        .collect()
}
