//! A client of CURVE: what a server may send, and what it may seal.

use testkit::curve::{self as by_hand, Server};

use crate::heard::{Heard, dealer, frame, router};
use crate::secured::{self, Begin, Secured, client, frames, with_null};
use crate::setting;

/// No server but the expected one gets anywhere; and that one is heard as with NULL, whatever it
/// says of itself and whatever it sends.
pub fn target(data: &[u8]) {
    let ([begin], bytes) = setting(data);
    let begin = Begin::ALL[usize::from(begin) % Begin::ALL.len()];
    let (mut ours, mut theirs) = (Secured::new(&client()), Server::new());
    theirs.take_hello(&ours.answer());
    ours.receive(&by_hand::greeting("CURVE", 0, 1));
    if begin == Begin::Greeting {
        ours.receive(bytes);
        return assert!(ours.introduced.is_none() && ours.answer().is_empty());
    }
    ours.receive(&by_hand::frame(4, &theirs.welcome()));
    theirs.take_initiate(&ours.answer());
    if begin == Begin::Second {
        ours.receive(bytes);
        return assert!(ours.introduced.is_none());
    }
    let metadata = match begin {
        Begin::Metadata => bytes.to_vec(),
        _ => by_hand::metadata("ROUTER", b""),
    };
    ours.receive(&by_hand::frame(4, &theirs.ready(1, &metadata)));
    let plain = with_null(&router(), &metadata);
    match begin {
        Begin::Traffic => {
            ours.receive(bytes);
            assert!(ours.messages.is_empty() && ours.frames.is_empty());
        }
        Begin::Sealed => {
            let (mut traffic, mut wire) = (theirs.traffic(), plain);
            for (frame, flags, data) in frames(bytes) {
                wire.extend(frame);
                ours.receive(&by_hand::frame(0, &traffic.message(flags, &data)));
            }
            ours.assert_same(&Heard::from(&dealer(), &wire));
        }
        _ => ours.assert_same(&Heard::from(&dealer(), &plain)),
    }
    assert!(ours.answer().is_empty(), "a client says nothing of its own after INITIATE");
}

/// Commands that are right up to a point, metadata, and messages.
pub fn seeds() -> Vec<Vec<u8>> {
    secured::seeds([
        frame(4, &Server::new().welcome()).to_vec(),
        by_hand::frame(4, &[&b"\x05READY"[..], &[7; 60]].concat()),
        by_hand::metadata("ROUTER", b"identity"),
        [by_hand::metadata("REP", b""), by_hand::property("X-Proof", &[7; 32])].concat(),
    ])
}
