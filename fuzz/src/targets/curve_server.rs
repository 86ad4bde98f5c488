//! A server of CURVE: what a client may send, and what it may seal.

use testkit::curve::{self as by_hand, Client};

use crate::heard::{Heard, dealer, frame, router};
use crate::secured::{self, Begin, Secured, frames, server, with_null};
use crate::setting;

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
    let plain = with_null(&dealer(), &metadata);
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
            ours.assert_same(&Heard::from(&router(), &null));
        }
        _ => ours.assert_same(&Heard::from(&router(), &plain)),
    }
}

/// Commands that are right up to a point, metadata, and messages.
pub fn seeds() -> Vec<Vec<u8>> {
    secured::seeds([
        frame(4, &Client::new().hello(1)).to_vec(),
        by_hand::frame(4, &[&b"\x08INITIATE"[..], &[7; 300]].concat()),
        by_hand::metadata("DEALER", b"identity"),
        [by_hand::metadata("REQ", b""), by_hand::property("X-Proof", &[7; 32])].concat(),
    ])
}
