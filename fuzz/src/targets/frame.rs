//! ZMTP frames, as messages and within limits.

use zmtp::{Config, Limits};

use super::command::{Meaning, PONGS, meaning, pong};
use crate::heard::{Heard, dealer, frame, opening, router};
use crate::setting;
use crate::vectors::captured;

/// Frames make the messages that RFC 37 says, and none beyond a limit.
pub fn target(data: &[u8]) {
    let ([chosen], bytes) = setting(data);
    let config = router().with_limits(limits(chosen));
    let heard = Heard::from(&config, &[&opening(&dealer()), bytes].concat());

    let expected = Expected::of(bytes, &config);
    assert_eq!(heard.error.is_some(), expected.ended, "{:?}", heard.error);
    let messages: Vec<_> = heard.messages.iter().map(|message| message.frames().to_vec()).collect();
    assert_eq!(messages, expected.messages);
    assert_eq!(heard.sent, if expected.ended { Vec::new() } else { expected.pongs });
    heard.assert_encodes();
}

fn limits(chosen: u8) -> Limits {
    let default = Limits::default();
    match chosen % 4 {
        0 => default,
        1 => Limits { frame: 16, message: 40, frames: 3, command: 20, ..default },
        2 => Limits { frame: 300, message: 20, frames: 1, command: 300, ..default },
        _ => Limits { frame: 0, message: 0, frames: 2, command: 0, ..default },
    }
}

/// What a connection has to make of frames. The simplest way to read them, to compare with.
#[derive(Default)]
struct Expected {
    messages: Vec<Vec<Vec<u8>>>,
    pongs: Vec<u8>,
    /// Something was wrong, and nothing came after it.
    ended: bool,
}

impl Expected {
    fn of(mut bytes: &[u8], config: &Config) -> Self {
        let mut expected = Self::default();
        let (mut message, mut asked) = (Vec::new(), 0);
        while let [flags, rest @ ..] = bytes {
            let (more, long, command) = (flags & 1 != 0, flags & 2 != 0, flags & 4 != 0);
            if *flags > 7 || (more && command) {
                expected.ended = true;
                break;
            }
            let Some((size, rest)) = rest.split_at_checked(if long { 8 } else { 1 }) else { break };
            let size = size.iter().fold(0_u64, |size, byte| size << 8 | u64::from(*byte));
            if !allowed(size, command, &message, &config.limits) {
                expected.ended = true;
                break;
            }
            let Some((body, rest)) = rest.split_at_checked(size as usize) else { break };
            bytes = rest;
            if command {
                match meaning(body) {
                    Meaning::Ping(context) if asked < PONGS => {
                        asked += 1;
                        expected.pongs.extend(pong(context));
                    }
                    Meaning::Refused | Meaning::Malformed => {
                        expected.ended = true;
                        break;
                    }
                    _ => {}
                }
                continue;
            }
            message.push(body.to_vec());
            if !more {
                expected.messages.push(std::mem::take(&mut message));
            }
        }
        expected
    }
}

/// Whether a frame of this size may follow those of the message so far.
fn allowed(size: u64, command: bool, message: &[Vec<u8>], limits: &Limits) -> bool {
    if command {
        return size <= limits.command as u64;
    }
    let sum = message.iter().map(|body| body.len() as u64).sum::<u64>();
    size <= limits.frame as u64
        && message.len() < limits.frames
        && size.checked_add(sum).is_some_and(|sum| sum <= limits.message as u64)
}

/// Messages of real nodes, and sizes around every edge.
pub fn seeds() -> Vec<Vec<u8>> {
    let mut seeds = captured("zmtp", "zmtp-frames-");
    let parts: [(u8, &[u8]); 6] =
        [(1, b""), (1, b"two"), (4, b"\x04PING\0\0"), (3, &[7; 300]), (6, b"\x01a"), (0, b"end")];
    seeds.push(parts.iter().flat_map(|(flags, body)| frame(*flags, body)).collect());
    seeds.push([&frame(3, &[1; 4090])[..], &frame(2, &[2; 4097]), &frame(0, b"")].concat());
    for size in [0, 255, 256, 4096, 4097, 64 << 20, (64 << 20) + 1, 1 << 46, 1 << 63, u64::MAX] {
        seeds.push([&[2][..], &size.to_be_bytes(), b"begin"].concat());
    }
    (0..4).flat_map(|with| seeds.iter().map(move |seed| [&[with], &seed[..]].concat())).collect()
}
