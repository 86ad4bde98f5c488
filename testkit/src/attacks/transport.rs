//! Bytes that are not ZMTP, or too much of it.

use std::sync::Arc;
use std::time::Duration;

use super::attack::{Attack, Done};
use super::target::{Target, linger, many};
use crate::wire::{
    COMMAND, LONG, MORE, announcement, command, frame, greeting, handshake, noise, property, ready,
};

/// How long connections are made.
const CONNECTING: Duration = Duration::from_secs(8);

pub(super) const ATTACKS: &[Attack] = &[
    Attack::new("tcp-garbage", "HTTP, SSH, zeros, noise", |target| {
        Box::pin(each(target, garbage()))
    }),
    Attack::new("greeting-odd", "mechanisms and versions that nobody speaks", |target| {
        Box::pin(each(target, odd_greetings()))
    }),
    Attack::new("command-odd", "commands and flags that do not exist, or not here", |target| {
        Box::pin(each(target, odd_commands()))
    }),
    Attack::new("routing-id-odd", "routing ids and socket types that no node has", |target| {
        Box::pin(each(target, odd_ids()))
    }),
    Attack::new("message-before-ready", "messages in the place of READY", |target| {
        Box::pin(each(target, early()))
    }),
    Attack::new("frame-2^31", "frames of 2^31 bytes are announced", |target| {
        Box::pin(announced(target, 1 << 31))
    }),
    Attack::new("frame-2^46", "frames of 2^46 bytes are announced", |target| {
        Box::pin(announced(target, 1 << 46))
    }),
    Attack::new("frame-2^63-1", "frames of 2^63-1 bytes are announced", |target| {
        Box::pin(announced(target, (1 << 63) - 1))
    }),
    Attack::new("frame-2^64-1", "frames of 2^64-1 bytes are announced", |target| {
        Box::pin(announced(target, u64::MAX))
    }),
    Attack::new("frame-unsent", "100 frames of 60 MiB are announced and do not come", |target| {
        Box::pin(unsent(target))
    }),
    Attack::new("frame-half", "8 strangers send all but the last byte of 60 MiB", |target| {
        Box::pin(halves(target))
    }),
    Attack::new("ready-megabyte", "READY with a megabyte of properties", |target| {
        Box::pin(each(target, large_ready()))
    }),
];

/// Sends each on a connection of its own.
async fn each(target: Arc<Target>, attacks: Vec<Vec<u8>>) -> Result<Done, String> {
    let attacks = Arc::new(attacks);
    let (count, shared) = (attacks.len(), Arc::clone(&attacks));
    let closed = many(count, 32, CONNECTING, move |i| {
        let (target, attacks) = (Arc::clone(&target), Arc::clone(&shared));
        async move {
            let mut dealer = target.route(target.here).connect().await.ok()?;
            dealer.write(&attacks[i]).await;
            Some(dealer.closed(Duration::from_millis(200)).await)
        }
    });
    let closed: Vec<bool> = closed.await.into_iter().flatten().collect();
    if closed.is_empty() {
        return Err("no connection to the victim came about".into());
    }
    let closed = closed.into_iter().filter(|closed| *closed).count();
    Done::said(format!("{count} connections, {closed} closed within 200 ms"))
}

/// Returns bytes that are not ZMTP, and a good greeting followed by such.
pub fn garbage() -> Vec<Vec<u8>> {
    let mut attacks = vec![
        b"GET / HTTP/1.1\r\nHost: node\r\n\r\n".to_vec(),
        b"SSH-2.0-OpenSSH_9.9\r\n".to_vec(),
        vec![0; 1000],
        vec![0xFF; 1000],
        [&[0xFF; 9][..], &[0x7F; 100]].concat(),
        noise(1 << 20),
    ];
    attacks.extend((1..60).map(|length| noise(length * 4)));
    // A good greeting, and then something else.
    for bytes in [&[0xFF; 200][..], &[0; 200], b"\x04\x05READX", b"\x04\x00", b"\x08\x01a"] {
        attacks.push([&greeting(17)[..], bytes].concat());
    }
    attacks
}

/// Returns greetings with a mechanism or a version that no node speaks.
pub fn odd_greetings() -> Vec<Vec<u8>> {
    let mut attacks = Vec::new();
    let odd: [(usize, &[u8]); 9] = [
        (0, &[0]),
        (9, &[0]),
        (10, &[0]),
        (10, &[1]),
        (10, &[2]),
        (10, &[255]),
        (12, b"CURVE"),
        (12, b"PLAIN"),
        (12, &[b'x'; 20]),
    ];
    for (place, bytes) in odd {
        let mut greeting = greeting(17);
        greeting.splice(place..place + bytes.len(), bytes.iter().copied());
        attacks.push([greeting, ready("DEALER", &[1; 17])].concat());
    }
    // The way of version 1: length and identity.
    attacks.push([&[18, 0][..], &[1; 17], &[2, 0, b'x']].concat());
    attacks
}

fn odd_commands() -> Vec<Vec<u8>> {
    let mut odd = vec![
        command("ERROR", b"\x05sorry"),
        command("SUBSCRIBE", b""),
        command("CANCEL", b"x"),
        command("JOIN", b"group"),
        command("READY", b""),
        command("PING", b""),
        command("PING", &[0, 1]),
        command("PING", &[7; 5000]),
        command("", b""),
        frame(COMMAND, b""),
        frame(COMMAND, b"\xFFshort"),
        frame(COMMAND | MORE, b"\x04PING\0\0"),
        frame(COMMAND, &noise(60_000)),
    ];
    odd.extend([8, 16, 32, 64, 128, 255].map(|flags| vec![flags, 1, b'x']));
    odd.push(vec![LONG, 0, 0]);
    // Once instead of READY, and once after it.
    let late = odd.iter().map(|bytes| [handshake(STRANGER), bytes.clone()].concat());
    let early = odd.iter().map(|bytes| [greeting(17), bytes.clone()].concat());
    late.chain(early).collect()
}

/// A node that there is not.
const STRANGER: zre_proto::PeerId = zre_proto::PeerId::new([0xEE; 16]);

/// Returns routing ids that no node has.
pub fn routing_ids() -> Vec<Vec<u8>> {
    [0, 1, 5, 15, 16, 18, 32, 255].map(|length| vec![1; length]).to_vec()
}

/// Returns handshakes with a routing id or socket type that no node has, and a HELLO.
fn odd_ids() -> Vec<Vec<u8>> {
    let hello = crate::wire::Hello::new("tcp://127.0.0.1:9").encode();
    let message = crate::wire::message(&[&hello]);
    let ids = routing_ids();
    let of_dealers = ids.iter().map(|id| [greeting(id.len()), ready("DEALER", id)].concat());
    let types = ["REQ", "REP", "PUB", "SUB", "ROUTER", "PAIR", "", "NONSENSE", "dealer"];
    let others = types.map(|name| [greeting(17), ready(name, &[1; 17])].concat());
    let none = [greeting(0), command("READY", b"")].concat();
    let twice = property("Socket-Type", b"DEALER").repeat(2);
    let twice = [greeting(0), command("READY", &twice)].concat();
    let all = of_dealers.chain(others).chain([none, twice]);
    all.map(|bytes| [bytes, message.clone()].concat()).collect()
}

/// Returns messages in the place of READY.
pub fn early() -> Vec<Vec<u8>> {
    let hello = crate::wire::Hello::new("tcp://127.0.0.1:9").encode();
    let whisper = crate::wire::header(crate::wire::WHISPER, 2, &[]);
    let messages: [&[&[u8]]; 3] = [&[&hello], &[&whisper, b"early"], &[b""]];
    messages.map(|frames| [greeting(17), crate::wire::message(frames)].concat()).to_vec()
}

/// Returns READY commands that are too large, or lie about their size.
pub fn large_ready() -> Vec<Vec<u8>> {
    let type_and_id = [property("Socket-Type", b"DEALER"), property("Identity", &[1; 17])].concat();
    let one = property("X-Large", &vec![7; 1 << 20]);
    let many = property("X-Many", b"").repeat((1 << 20) / 11);
    let lying = [&b"\x0BSocket-Type"[..], &u32::MAX.to_be_bytes()].concat();
    let mut attacks: Vec<_> = [
        [type_and_id.clone(), one.clone()].concat(),
        [one, type_and_id.clone()].concat(),
        [type_and_id.clone(), many].concat(),
        lying,
        [type_and_id, vec![255; 300]].concat(),
    ]
    .iter()
    .map(|data| command("READY", data))
    .collect();
    attacks.extend([1 << 17, 1 << 31, 1 << 46, u64::MAX].map(|n| announcement(COMMAND, n)));
    attacks.into_iter().map(|ready| [greeting(17), ready].concat()).collect()
}

async fn announced(target: Arc<Target>, length: u64) -> Result<Done, String> {
    let mut attacks = Vec::new();
    for flags in [0, MORE, COMMAND] {
        let head = announcement(flags, length);
        attacks.push([greeting(17), head.clone()].concat());
        attacks.push([handshake(STRANGER), head.clone()].concat());
        attacks.push([handshake(STRANGER), frame(MORE, b"x"), head, vec![7; 4096]].concat());
    }
    // And from one that has said HELLO.
    let mut ghost = target.ghost().await?;
    ghost.dealer.write(&announcement(0, length)).await;
    each(target, attacks).await
}

async fn unsent(target: Arc<Target>) -> Result<Done, String> {
    let mut open = Vec::new();
    for _ in 0..100 {
        let dealer = target.dealer().await;
        let mut dealer = dealer.map_err(|error| format!("no connection: {error}"))?;
        dealer.write(&announcement(0, 60 << 20)).await;
        dealer.write(&[7; 1000]).await;
        open.push(dealer);
    }
    linger(Duration::from_millis(500)).await;
    Done::holding("", open)
}

async fn halves(target: Arc<Target>) -> Result<Done, String> {
    let shared = Arc::clone(&target);
    let sent = many(8, 4, CONNECTING, move |_| {
        let target = Arc::clone(&shared);
        async move {
            let mut dealer = target.dealer().await.ok()?;
            dealer.write(&announcement(0, 60 << 20)).await;
            let some = vec![7; 1 << 20];
            let mut taken = 0;
            while taken < 60 && dealer.write(&some[taken / 59..]).await {
                taken += 1;
            }
            Some((taken, dealer))
        }
    });
    let sent: Vec<_> = sent.await.into_iter().flatten().collect();
    let taken: usize = sent.iter().map(|(taken, _)| taken).sum();
    Done::holding(format!("{taken} MiB were taken"), sent)
}
