//! ZMTP that is right, with messages in it that are not.

use std::sync::Arc;
use std::time::Duration;

use super::attack::{Attack, Done};
use super::hellos;
use super::target::{GROUP, Target, linger, many};
use crate::wire::{
    ELECT, GOODBYE, Hello, JOIN, LEADER, LEAVE, PING, PING_OK, SHOUT, WHISPER, header, longstr,
    membership, string,
};

/// How long all connections of an attack may take.
const ALL: Duration = Duration::from_secs(10);

pub(super) const ATTACKS: &[Attack] = &[
    Attack::new("hello-truncated", "HELLO cut short at every byte", |target| {
        Box::pin(strangers(target, cut(Hello::new("tcp://127.0.0.1:9").encode())))
    }),
    Attack::new("hello-endpoint", "HELLO with no endpoint, or a useless one", |target| {
        Box::pin(strangers(target, hellos::endpoints()))
    }),
    Attack::new("hello-own", "HELLO with the victim's own endpoint, or id", |target| {
        Box::pin(own(target))
    }),
    Attack::new("hello-counts", "HELLO with strings and counts past the end", |target| {
        Box::pin(strangers(target, hellos::false_counts()))
    }),
    Attack::new("hello-sequence", "HELLO with a sequence number other than 1", |target| {
        Box::pin(strangers(target, hellos::sequences()))
    }),
    Attack::new("hello-65537-groups", "HELLO with more groups or bytes than allowed", |target| {
        Box::pin(strangers(target, hellos::too_large()))
    }),
    Attack::new("hello-largest", "5 peers with 4,000 long groups come and go", |target| {
        Box::pin(hellos::largest(target))
    }),
    Attack::new("hello-text", "names, groups and headers that are not UTF-8", |target| {
        Box::pin(hellos::text(target))
    }),
    Attack::new("hello-again", "a peer says HELLO 1,000 times on one link", |target| {
        Box::pin(hellos::again(target))
    }),
    Attack::new("before-hello", "every message without a HELLO before it", |target| {
        Box::pin(strangers(target, whole(1)))
    }),
    Attack::new("message-truncated", "every message of a peer cut short", |target| {
        Box::pin(ghosts(target, whole(2).into_iter().flat_map(cut).collect(), &[b"content"]))
    }),
    Attack::new("message-past-end", "group names longer than their message", |target| {
        Box::pin(ghosts(target, past_end(), &[b"content"]))
    }),
    Attack::new("message-unknown", "ids, versions and signatures that are not ZRE", |target| {
        Box::pin(ghosts(target, unknown(), &[b"content"]))
    }),
    Attack::new("message-filemq", "FILEMQ, good and malformed, to a mailbox of ZRE", |target| {
        Box::pin(filemq(target))
    }),
    Attack::new("content-none", "WHISPER and SHOUT without content", |target| {
        let shout = header(SHOUT, 2, &string(GROUP.as_bytes()));
        Box::pin(ghosts(target, vec![header(WHISPER, 2, &[]), shout], &[]))
    }),
    Attack::new("sequence", "gaps, repeats and wraps in the sequence", |target| {
        let wrong = [0, 1, 3, 4, 255, 256, 32_768, 65_534, 65_535];
        let wrong = wrong.map(|sequence| header(PING, sequence, &[])).to_vec();
        Box::pin(ghosts(target, wrong, &[]))
    }),
    Attack::new("status", "JOIN and LEAVE with a wrong status", |target| {
        Box::pin(ghosts(target, statuses(), &[]))
    }),
];

/// Returns every beginning of a message but the whole.
pub fn cut(message: Vec<u8>) -> Vec<Vec<u8>> {
    (0..message.len()).map(|length| message[..length].to_vec()).collect()
}

/// Returns one of each message but HELLO, whole.
pub fn whole(sequence: u16) -> Vec<Vec<u8>> {
    let group = string(b"group");
    let id = string(&[b'A'; 32]);
    vec![
        header(WHISPER, sequence, &[]),
        header(SHOUT, sequence, &group),
        membership(JOIN, sequence, b"group", 2),
        membership(LEAVE, sequence, b"group", 2),
        header(PING, sequence, &[]),
        header(PING_OK, sequence, &[]),
        header(ELECT, sequence, &[&group[..], &id].concat()),
        header(LEADER, sequence, &[&group[..], &id].concat()),
        header(GOODBYE, sequence, &[]),
    ]
}

fn past_end() -> Vec<Vec<u8>> {
    let ids = [SHOUT, JOIN, LEAVE, ELECT, LEADER];
    let long = |id| header(id, 2, &[&[255][..], b"short"].concat());
    let second = |id| header(id, 2, &[&string(b"group")[..], &[255], b"short"].concat());
    ids.into_iter().map(long).chain([ELECT, LEADER].map(second)).collect()
}

fn unknown() -> Vec<Vec<u8>> {
    let mut all: Vec<_> = [0, 11, 42, 128, 255].map(|id| header(id, 2, b"what is this")).to_vec();
    for (place, byte) in [(0, 0), (0, 0xFF), (1, 0xA0), (1, 0xA2), (3, 0), (3, 1), (3, 3)] {
        let mut message = header(WHISPER, 2, &[]);
        message.splice(place..=place, [byte]);
        all.push(message);
    }
    all.extend([vec![], vec![0xAA], vec![0xAA, 0xA1], vec![0; 6], vec![255; 99]]);
    all
}

fn statuses() -> Vec<Vec<u8>> {
    // HELLO had status 1.
    let joins = [0, 1, 3, 4, 128, 255].map(|status| membership(JOIN, 2, b"group", status));
    let leaves = [0, 1, 3, 4, 128, 255].map(|status| membership(LEAVE, 2, b"ghosts", status));
    joins.into_iter().chain(leaves).collect()
}

/// Sends each as the first message of a new connection.
async fn strangers(target: Arc<Target>, messages: Vec<Vec<u8>>) -> Result<Done, String> {
    let (count, messages) = (messages.len(), Arc::new(messages));
    let closed = many(count, 16, ALL, move |i| {
        let (target, messages) = (Arc::clone(&target), Arc::clone(&messages));
        async move {
            let mut dealer = target.dealer().await.ok()?;
            dealer.send(&[&messages[i], b"content"]).await;
            dealer.send(&[&messages[i]]).await;
            Some(dealer.closed(Duration::from_millis(100)).await)
        }
    });
    let closed: Vec<bool> = closed.await.into_iter().flatten().collect();
    if closed.is_empty() {
        return Err("no connection to the victim came about".into());
    }
    let shut = closed.iter().filter(|closed| **closed).count();
    Done::said(format!("{} of {count} sent, {shut} closed within 100 ms", closed.len()))
}

/// Sends each as the second message of a new peer.
async fn ghosts(
    target: Arc<Target>,
    messages: Vec<Vec<u8>>,
    content: &'static [&'static [u8]],
) -> Result<Done, String> {
    let (count, messages) = (messages.len(), Arc::new(messages));
    let heard = many(count, 8, ALL, move |i| {
        let (target, messages) = (Arc::clone(&target), Arc::clone(&messages));
        async move {
            let mut ghost = target.ghost().await?;
            let message: &[u8] = &messages[i];
            ghost.dealer.send(&[&[message], content].concat()).await;
            ghost.skip();
            Ok::<bool, String>(ghost.is_heard().await)
        }
    });
    let heard = heard.await;
    let met = heard.iter().filter(|heard| heard.is_ok()).count();
    let still = heard.iter().filter(|heard| matches!(heard, Ok(true))).count();
    if let (0, Some(Err(error))) = (met, heard.into_iter().next()) {
        return Err(error);
    }
    Done::said(format!("{met} of {count} sent, {still} senders still heard"))
}

async fn own(target: Arc<Target>) -> Result<Done, String> {
    let own = Hello::new(&format!("tcp://{}", target.mailbox)).encode();
    let nowhere = Hello::new("tcp://127.0.0.1:9").encode();
    let mut sent = 0;
    for (routing_id, hello) in [
        (target.stranger().routing_id(), &own),
        (target.id.routing_id(), &own),
        (target.id.routing_id(), &nowhere),
    ] {
        for _ in 0..10 {
            let Ok(mut dealer) = target.route(target.here).greet(&routing_id).await else {
                continue;
            };
            dealer.send(&[hello]).await;
            sent += usize::from(dealer.send(&[&header(WHISPER, 2, &[]), b"content"]).await);
        }
    }
    linger(Duration::from_secs(1)).await;
    Done::said(format!("{sent} sent"))
}

async fn filemq(target: Arc<Target>) -> Result<Done, String> {
    let ohai = |version: &[u8]| [&[0xAA, 0xA3, 1, 6][..], b"FILEMQ", version].concat();
    let path = |bytes: &[u8]| [&[0xAA, 0xA3, 5][..], &longstr(bytes), &[0; 8]].concat();
    let chunk = |name: &[u8], offset: u64, length: u32| {
        let head = [&[0xAA, 0xA3, 8][..], &[0; 8], &[1], &longstr(name)].concat();
        let rest = [&offset.to_be_bytes()[..], &[0, 0, 0, 0, 0], &length.to_be_bytes()].concat();
        [head, rest, b"content".to_vec()].concat()
    };
    let mut messages = vec![
        ohai(&[0, 2]),
        ohai(&[0, 1]),
        ohai(&[1]),
        ohai(&[0, 2])[..7].to_vec(),
        path(b"/"),
        path(&[b'x'; 200_000]),
        [&[0xAA, 0xA3, 5][..], &u32::MAX.to_be_bytes()].concat(),
        chunk(b"/../outside", 0, 7),
        chunk(b"/far", u64::MAX, 7),
        chunk(b"/long", 0, u32::MAX),
        vec![0xAA, 0xA4, 1],
    ];
    messages.extend([4, 6, 9, 10, 11, 0x20, 128, 129].map(|id| vec![0xAA, 0xA3, id]));
    messages.push([&[0xAA, 0xA3, 7][..], &[255; 16]].concat());
    ghosts(Arc::clone(&target), messages.clone(), &[]).await?;
    strangers(target, messages).await
}

#[cfg(test)]
mod tests {
    use zre_proto::message::{DecodeError, Message, MessageLimits};

    use super::{Hello, cut, whole};

    /// What is to be bent is straight at first.
    #[test]
    fn whole_messages_are_good() {
        let limits = MessageLimits::default();
        let hello = Hello::new("tcp://127.0.0.1:9").encode();
        for message in whole(2).into_iter().chain([hello]) {
            assert!(Message::decode(&message, &limits).is_ok(), "{message:?}");
            for short in cut(message) {
                assert_eq!(Message::decode(&short, &limits), Err(DecodeError::Truncated));
            }
        }
    }
}
