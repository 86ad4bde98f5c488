//! A ZMTP connection from its first octet on.

use zmtp::{Config, Limits, SocketType};

use crate::heard::{Heard, dealer, frame, opening, router};
use crate::setting;
use crate::vectors::captured;

/// Whatever comes first, and however it goes on: limits hold, and what was heard is encoded to
/// what is heard again.
pub fn target(data: &[u8]) {
    let ([chosen], octets) = setting(data);
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
        0 | 1 => router(),
        2 => dealer(),
        _ => dealer().with_remote("meant"),
    };
    let config = config.with_limits(before);
    let heard = Heard::with_limits_when_ready(&config, &limits, octets);

    for message in &heard.messages {
        assert!(message.len() <= limits.frames && message.octets() <= limits.message);
        assert!(message.frames().iter().all(|frame| frame.len() <= limits.frame));
    }
    heard.assert_encodes();
}

/// What real nodes send, and a whole conversation.
pub fn seeds() -> Vec<Vec<u8>> {
    let mut seeds = captured("zmtp", "zmtp-stream-");
    seeds.extend(captured("zmtp", "zmtp-curve-"));
    let said = [frame(4, b"\x04PING\0\0now"), frame(1, b"head"), frame(0, b"tail"), frame(0, b"")];
    for sender in [dealer(), router(), Config::new(SocketType::Rep)] {
        seeds.push([&opening(&sender)[..], &said.concat()].concat());
    }
    (0..16).flat_map(|with| seeds.iter().map(move |seed| [&[with], &seed[..]].concat())).collect()
}
