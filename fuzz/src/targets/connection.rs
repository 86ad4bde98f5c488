//! A ZMTP connection from its first byte on.

use std::collections::BTreeSet;

use zmtp::{Config, Limits, SocketType, Subscriptions};

use crate::heard::{Heard, dealer, frame, opening, router};
use crate::setting;
use crate::vectors::captured;

/// Whatever comes first, and however it goes on: limits hold, and what was heard is encoded to
/// what is heard again.
pub fn target(data: &[u8]) {
    let ([chosen], bytes) = setting(data);
    let default = Limits::default();
    let small = Limits { frame: 60, message: 100, frames: 3, command: 60, ..default.clone() };
    // Those before it is ready, and those from then on.
    let [before, limits] = match chosen & 9 {
        0 => [default.clone(), default],
        1 => [small.clone(), small],
        8 => [default, small],
        _ => [small, default],
    };
    let config = match chosen >> 1 & 3 {
        0 => router(),
        1 => Config::new([SocketType::Pub, SocketType::XPub][usize::from(chosen >> 4 & 1)]),
        2 => dealer(),
        _ => dealer().with_remote("meant"),
    };
    let config = config.with_limits(before);
    let heard = Heard::with_limits_when_ready(&config, &limits, bytes);

    for message in &heard.messages {
        assert!(message.len() <= limits.frames && message.byte_len() <= limits.message);
        assert!(message.frames().iter().all(|frame| frame.len() <= limits.frame));
    }
    assert!(heard.messages.is_empty() || config.socket_type != SocketType::Pub);
    remembered(&heard, &limits);
    heard.assert_encodes();
}

/// However much is subscribed to, what is remembered of it has bounds, and is what is wanted.
fn remembered(heard: &Heard, limits: &Limits) {
    let limits = Limits { subscriptions: 3, subscription_bytes: 8, ..limits.clone() };
    let mut remembered = Subscriptions::default();
    let mut list: Vec<&[u8]> = Vec::new();
    for (wanted, prefix) in &heard.subscriptions {
        if *wanted {
            if remembered.subscribe(prefix, &limits).is_ok() {
                list.push(prefix);
            }
        } else if let Some(at) = list.iter().position(|known| known == prefix) {
            list.remove(at);
            remembered.cancel(prefix);
        } else {
            assert!(!remembered.cancel(prefix));
        }
        let different: BTreeSet<_> = list.iter().collect();
        assert!(different.len() <= 3 && different.len() == remembered.len());
        assert!(different.iter().map(|prefix| prefix.len()).sum::<usize>() <= 8);
        for (_, frame) in &heard.subscriptions {
            let wanted = list.iter().any(|prefix| frame.starts_with(prefix));
            assert_eq!(remembered.matches(frame), wanted, "{frame:?}");
        }
    }
}

/// What real nodes send, and a whole conversation.
pub fn seeds() -> Vec<Vec<u8>> {
    let mut seeds = captured("zmtp", "zmtp-stream-");
    seeds.extend(captured("zmtp", "zmtp-curve-"));
    let said = [frame(4, b"\x04PING\0\0now"), frame(1, b"head"), frame(0, b"tail"), frame(0, b"")];
    for sender in [dealer(), router(), Config::new(SocketType::Rep)] {
        seeds.push([&opening(&sender)[..], &said.concat()].concat());
    }
    let subscribing = [
        &opening(&Config::new(SocketType::XSub))[..],
        &frame(4, b"\x09SUBSCRIBEab"),
        &frame(0, b"\x01abc"),
        &frame(4, b"\x06CANCELab"),
        &frame(0, b"\x01"),
        &frame(0, b"\0abc"),
        &frame(0, b"message"),
    ];
    seeds.push(subscribing.concat());
    (0..32).flat_map(|with| seeds.iter().map(move |seed| [&[with], &seed[..]].concat())).collect()
}
