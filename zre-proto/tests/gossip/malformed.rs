//! What is wrong ends its connection, and nothing else; what is of no use is ignored.

use zre_proto::gossip::{CloseReason, DecodeError, MAX_MESSAGE, Message, Remote};

use crate::solo::{Solo, publish, tuple};

fn wrong() -> Vec<(Vec<Vec<u8>>, DecodeError)> {
    let hello = Message::Hello.encode();
    let told = publish(&tuple(2));
    let with = |at: usize, byte: u8| {
        let mut frame = hello.clone();
        frame[at] = byte;
        vec![frame]
    };
    let value = |length: usize| {
        let mut frame = vec![0xAA, 0xA0, 2, 1, 0];
        frame.extend(u32::try_from(length).unwrap().to_be_bytes());
        frame.resize(frame.len() + length + 4, b'x');
        vec![frame]
    };
    vec![
        (vec![], DecodeError::Frames(0)),
        (vec![vec![]], DecodeError::Truncated),
        (with(0, 0xAB), DecodeError::Signature),
        (with(1, 0xA1), DecodeError::Signature),
        (with(2, 0), DecodeError::UnknownId(0)),
        (with(2, 6), DecodeError::UnknownId(6)),
        (with(3, 2), DecodeError::Version(2)),
        (vec![hello.clone(), hello.clone()], DecodeError::Frames(2)),
        (vec![hello.clone(), vec![]], DecodeError::Frames(2)),
        (vec![[&hello[..], &[0]].concat()], DecodeError::Trailing),
        (vec![told[..told.len() - 1].to_vec()], DecodeError::Truncated),
        (value(1024), DecodeError::TooLarge),
        (value(1 << 20), DecodeError::TooLarge),
        (vec![vec![0; MAX_MESSAGE]], DecodeError::Signature),
    ]
}

#[test]
fn every_kind_ends_its_connection_only() {
    for remote in [Remote::Client, Remote::Hub] {
        for (frames, error) in wrong() {
            let mut solo = Solo::new();
            let good = solo.client();
            let bad = match remote {
                Remote::Client => solo.client(),
                Remote::Hub => solo.hub(),
            };
            solo.hear(bad, &frames);
            assert_eq!(solo.closed(), [(bad, CloseReason::Malformed(error))], "{error}");
            // What else it says is not heard.
            solo.tell(bad, 3);
            assert!(solo.trace().is_empty());
            solo.tell(good, 4);
            assert_eq!(solo.trace(), ["rumour 4"]);
            assert_eq!(solo.gossip.stats().malformed, 1);
        }
    }
}

#[test]
fn tuples_of_no_use_are_ignored_and_not_passed_on() {
    let mut solo = Solo::new();
    let [client, other] = [solo.client(), solo.client()];
    let hub = solo.hub();
    let key = tuple(2).key();
    let long = format!("tcp://{}:1", "a".repeat(300));
    let mut count = 0;
    for conn in [client, hub] {
        for (key, value) in [
            ("", "tcp://10.0.0.2:49152"),
            ("not-a-uuid", "tcp://10.0.0.2:49152"),
            (&*key, ""),
            (&key, "ipc:///tmp/node"),
            (&key, "inproc://node"),
            (&key, "tcp://host:49152"),
            (&key, &long),
            (&key, "tcp://10.0.0.2:49152|key"),
        ] {
            let (key, value) = (key.as_bytes(), value.as_bytes());
            solo.say(conn, &Message::Publish { key, value, ttl: 0 });
            assert!(solo.trace().is_empty());
            count += 1;
        }
    }
    // This is longer than what the encoder writes.
    let mut frame = vec![0xAA, 0xA0, 2, 1, 32];
    frame.extend(key.as_bytes());
    frame.extend(900_u32.to_be_bytes());
    frame.resize(frame.len() + 904, b'1');
    solo.hear(client, &[frame]);
    assert!(solo.trace().is_empty());
    assert_eq!(solo.gossip.stats().useless, count + 1);
    // The connections are as good as before.
    solo.tell(client, 2);
    assert_eq!(
        solo.trace(),
        ["rumour 2".to_owned(), format!("send 2 to {}", other.0), format!("send 2 to {}", hub.0)]
    );
}

#[test]
fn what_the_other_side_does_not_say_is_ignored() {
    let mut solo = Solo::new();
    let client = solo.client();
    let hub = solo.hub();
    for message in [Message::Pong, Message::Invalid] {
        solo.say(client, &message);
    }
    for message in [Message::Hello, Message::Ping] {
        solo.say(hub, &message);
    }
    assert!(solo.trace().is_empty());
    assert_eq!(solo.gossip.stats().unused, 4);
}

#[test]
fn a_ttl_is_read_and_told_to_nobody() {
    let mut solo = Solo::new();
    let [client, _other] = [solo.client(), solo.client()];
    let (key, value) = (tuple(2).key(), tuple(2).value());
    let (key, value) = (key.as_bytes(), value.as_bytes());
    solo.say(client, &Message::Publish { key, value, ttl: 500 });
    // `describe` accepts no other than 0.
    assert_eq!(solo.trace(), ["rumour 2", "send 2 to 2"]);
}
