//! PUB and SUB without sockets: what is said, what is heard, in both dialects.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "helpers of tests")]

mod common;

use std::time::Instant;

use bytes::Bytes;
use proptest::collection::vec;
use proptest::prelude::*;
use zmtp::{Config, Connection, Encoder, Event, Limits, SocketType, Subscriptions};

use common::{Outputs, command, encode, frame, opening};

/// The opening of such a socket that speaks ZMTP 3.`minor`.
fn opening_of(kind: SocketType, minor: u8) -> Vec<u8> {
    let mut opening = opening(&Config::new(kind));
    opening[11] = minor;
    opening
}

/// A connection of ours past its handshake with that remote; what it has sent since READY.
fn met(config: &Config, remote: SocketType, minor: u8) -> (Connection, Encoder, Vec<u8>) {
    let mut connection = Connection::new(config, Instant::now());
    assert_eq!(Outputs::of(&mut connection).sent, opening(config));
    let mut outputs = Outputs::after(&mut connection, &opening_of(remote, minor));
    let sent = std::mem::take(&mut outputs.sent);
    let (peer, encoder) = outputs.ready();
    assert_eq!((peer.major, peer.minor), (3, minor));
    (connection, encoder, sent)
}

/// What a publisher hears, in short.
fn heard(connection: &mut Connection, bytes: &[u8]) -> Vec<String> {
    let Outputs { events, error, .. } = Outputs::after(connection, bytes);
    assert_eq!(error, None);
    let text = |bytes: &Bytes| String::from_utf8_lossy(bytes).into_owned();
    let short = |event| match event {
        Event::Subscribe(prefix) => format!("+{}", text(&prefix)),
        Event::Cancel(prefix) => format!("-{}", text(&prefix)),
        Event::Message(message) => {
            format!("={}", message.frames().iter().map(text).collect::<Vec<_>>().join("|"))
        }
        other => panic!("{other:?}"),
    };
    events.into_iter().map(short).collect()
}

#[test]
fn a_sub_says_what_it_wants_as_the_remote_understands_it() {
    for kind in [SocketType::Sub, SocketType::XSub] {
        let config = Config::new(kind).with_subscriptions(&[b"a", b""]);
        let (mut sub, _, sent) = met(&config, SocketType::Pub, 1);
        assert_eq!(sent, [command("SUBSCRIBE", b"a"), command("SUBSCRIBE", b"")].concat());
        sub.cancel(b"a");
        sub.subscribe(&[7; 300]);
        let later = [command("CANCEL", b"a"), command("SUBSCRIBE", &[7; 300])].concat();
        assert_eq!(Outputs::of(&mut sub).sent, later);

        let (mut sub, _, sent) = met(&config, SocketType::XPub, 0);
        assert_eq!(sent, [frame(0, b"\x01a"), frame(0, b"\x01")].concat());
        sub.cancel(b"a");
        sub.subscribe(&[7; 300]);
        let long = [&[1][..], &[7; 300]].concat();
        assert_eq!(Outputs::of(&mut sub).sent, [frame(0, b"\0a"), frame(2, &long)].concat());
    }
}

#[test]
fn others_say_nothing_of_subscriptions() {
    let config = Config::new(SocketType::Pub).with_subscriptions(&[b"a"]);
    let (mut publisher, _, sent) = met(&config, SocketType::Sub, 1);
    publisher.subscribe(b"b");
    assert!(sent.is_empty() && Outputs::of(&mut publisher).sent.is_empty());
    let mut early = Connection::new(&Config::new(SocketType::Sub), Instant::now());
    let opening = Outputs::of(&mut early).sent.len();
    early.subscribe(b"b");
    assert!(opening > 64 && Outputs::of(&mut early).sent.is_empty(), "before READY");
}

#[test]
fn a_publisher_hears_both_dialects_from_all_versions() {
    let said = [
        command("SUBSCRIBE", b"a"),
        frame(0, b"\x01b"),
        command("CANCEL", b"a"),
        frame(0, b"\0b"),
        frame(0, b"\x01"),
        command("SUBSCRIBE", b""),
    ];
    for kind in [SocketType::Pub, SocketType::XPub] {
        for minor in [0, 1] {
            let (mut publisher, _, _) = met(&Config::new(kind), SocketType::XSub, minor);
            assert_eq!(heard(&mut publisher, &said.concat()), ["+a", "+b", "-a", "-b", "+", "+"]);
        }
    }
}

#[test]
fn other_messages_are_for_an_xpub_and_a_pub_drops_them() {
    let said = [
        frame(0, b"hello"),
        frame(0, b""),
        [frame(1, b"\x01a"), frame(0, b"more")].concat(),
        frame(0, b"\x01a"),
    ];
    let (mut publisher, _, _) = met(&Config::new(SocketType::Pub), SocketType::XSub, 1);
    assert_eq!(heard(&mut publisher, &said.concat()), ["+a"]);
    let (mut publisher, _, _) = met(&Config::new(SocketType::XPub), SocketType::XSub, 1);
    let said = heard(&mut publisher, &said.concat());
    assert_eq!(said, ["=hello", "=", "=\u{1}a|more", "+a"]);
}

#[test]
fn subscriptions_are_nothing_to_others() {
    let said = [command("SUBSCRIBE", b"a"), frame(0, b"\x01b"), command("CANCEL", b"a")].concat();
    for (ours, theirs) in
        [(SocketType::Router, SocketType::Dealer), (SocketType::Sub, SocketType::Pub)]
    {
        let (mut connection, _, _) = met(&Config::new(ours), theirs, 1);
        assert_eq!(heard(&mut connection, &said), ["=\u{1}b"]);
    }
}

#[test]
fn two_of_ours_understand_each_other() {
    let config = Config::new(SocketType::Sub).with_subscriptions(&[b"a"]);
    let (mut sub, _, said) = met(&config, SocketType::Pub, 1);
    let (mut publisher, mut encoder, _) = met(&Config::new(SocketType::Pub), SocketType::Sub, 1);
    assert_eq!(heard(&mut publisher, &said), ["+a"]);
    let message = encode(&mut encoder, &["abc".into()]);
    assert_eq!(heard(&mut sub, &message), ["=abc"]);
}

fn prefix() -> impl Strategy<Value = Vec<u8>> {
    vec(prop_oneof![Just(0_u8), Just(1), Just(255), any::<u8>()], 0..6)
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: 1000, failure_persistence: None, ..ProptestConfig::default()
    })]

    /// The same as a list that is looked through.
    #[test]
    fn subscriptions_match_as_a_list_would(
        changes in vec((any::<bool>(), prefix()), 0..40),
        frames in vec(prefix(), 1..20),
    ) {
        let limits = Limits { subscriptions: 12, subscription_bytes: 30, ..Limits::default() };
        let mut ours = Subscriptions::default();
        let mut list: Vec<Vec<u8>> = Vec::new();
        for (subscribe, prefix) in changes {
            let known = list.contains(&prefix);
            if subscribe {
                let taken = ours.subscribe(&prefix, &limits);
                let mut different = list.clone();
                different.sort();
                different.dedup();
                let bytes = different.iter().map(Vec::len).sum::<usize>() + prefix.len();
                let fits = known || (different.len() < 12 && bytes <= 30);
                prop_assert_eq!(taken.is_ok(), fits);
                prop_assert_eq!(taken.is_ok_and(|new| new), fits && !known);
                if fits {
                    list.push(prefix);
                }
            } else {
                if let Some(at) = list.iter().position(|one| *one == prefix) {
                    list.remove(at);
                }
                prop_assert_eq!(ours.cancel(&prefix), known && !list.contains(&prefix));
            }
            prop_assert_eq!(ours.is_empty(), list.is_empty());
            for frame in &frames {
                let wanted = list.iter().any(|prefix| frame.starts_with(prefix));
                prop_assert_eq!(ours.matches(frame), wanted, "{:?} in {:?}", frame, list);
            }
        }
    }
}
