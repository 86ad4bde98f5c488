//! ZMTP commands between the frames of a message.

use bytes::Bytes;
use zmtp::{Config, Error, SocketType};

use crate::heard::{Heard, dealer, frame, opening, router};

/// PONGs that may wait to be sent.
pub(crate) const PONGS: usize = 4;

/// What a connection has to make of a command.
pub(crate) enum Meaning<'a> {
    /// It is answered with the same context.
    Ping(&'a [u8]),
    /// A prefix is wanted, or no more: only to a publisher.
    Subscription(bool, &'a [u8]),
    Refused,
    Malformed,
    Nothing,
}

/// By RFC 37, written down once more.
pub(crate) fn meaning(body: &[u8]) -> Meaning<'_> {
    let Some((&name, rest)) = body.split_first() else { return Meaning::Malformed };
    let Some((name, data)) = rest.split_at_checked(name.into()) else { return Meaning::Malformed };
    match (name, data) {
        (b"", _) | (b"ERROR", []) => Meaning::Malformed,
        (b"ERROR", _) => Meaning::Refused,
        (b"PING", [_, _, context @ ..]) if context.len() <= 16 => Meaning::Ping(context),
        (b"PING", _) => Meaning::Malformed,
        (b"SUBSCRIBE", prefix) => Meaning::Subscription(true, prefix),
        (b"CANCEL", prefix) => Meaning::Subscription(false, prefix),
        _ => Meaning::Nothing,
    }
}

/// The PONG to that context, as a frame.
pub(crate) fn pong(context: &[u8]) -> Vec<u8> {
    frame(4, &[b"\x04PONG", context].concat()).to_vec()
}

/// Commands, each after a byte with its length, come in the middle of a message: PINGs are
/// answered, errors end the connection, a publisher hears of subscriptions, and the message is
/// whole in the end.
pub fn target(data: &[u8]) {
    sent(&dealer(), &router(), data);
    sent(&Config::new(SocketType::XSub), &Config::new(SocketType::XPub), data);
}

fn sent(sender: &Config, receiver: &Config, mut data: &[u8]) {
    let mut bytes = opening(sender);
    bytes.extend_from_slice(&frame(1, b"first"));
    let (mut pongs, mut contexts, mut ended) = (Vec::new(), 0, None);
    let mut subscriptions: Vec<(bool, Bytes)> = Vec::new();
    while let Some((&length, rest)) = data.split_first() {
        let (body, rest) = rest.split_at(rest.len().min(length.into()));
        data = rest;
        bytes.extend_from_slice(&frame(if length % 2 == 0 { 4 } else { 6 }, body));
        match meaning(body) {
            Meaning::Ping(context) if ended.is_none() => {
                if contexts < PONGS {
                    pongs.extend(pong(context));
                }
                contexts += 1;
            }
            Meaning::Subscription(wanted, prefix)
                if ended.is_none() && receiver.socket_type == SocketType::XPub =>
            {
                subscriptions.push((wanted, Bytes::copy_from_slice(prefix)));
            }
            wrong @ (Meaning::Refused | Meaning::Malformed) if ended.is_none() => {
                ended = Some(wrong);
            }
            _ => {}
        }
    }
    bytes.extend_from_slice(&frame(0, b"last"));

    let heard = Heard::from(receiver, &bytes);
    assert_eq!(heard.subscriptions, subscriptions);
    match (&ended, &heard.error) {
        (None, None) => {
            assert_eq!(heard.messages.len(), 1);
            assert_eq!(heard.messages[0].frames(), ["first", "last"]);
            assert_eq!(heard.sent, pongs);
        }
        (Some(Meaning::Refused), Some(Error::Refused(reason))) => {
            assert!(reason.chars().count() <= 255);
        }
        (Some(Meaning::Malformed), Some(Error::Malformed(_))) => {}
        _ => panic!("{heard:?}"),
    }
    assert!(heard.error.is_none() || (heard.messages.is_empty() && heard.sent.is_empty()));
}

/// Each command there is, and some that there are not.
pub fn seeds() -> Vec<Vec<u8>> {
    let commands: [&[u8]; 9] = [
        b"\x04PING\0\0",
        b"\x04PING\0\x01sixteen octets..",
        b"\x04PING\0\x01seventeen octets.",
        b"\x04PONGcontext",
        b"\x05ERROR\x06reason",
        b"\x05ERROR\xff\x1b[2J",
        b"\x05READY\x0bSocket-Type\0\0\0\x06DEALER",
        b"\x09SUBSCRIBEa",
        b"\x09CANCEL",
    ];
    let seed = |body: &[u8]| [&[body.len() as u8], body].concat();
    let mut seeds: Vec<_> = commands.iter().map(|body| seed(body)).collect();
    seeds.push(seed(commands[0]).repeat(6));
    seeds
}
