//! What is sent arrives: every kind of content, frame by frame.

#![cfg(test)]

mod common;

use bytes::Bytes;
use common::{Member, pair, until};
use zyre::{Content, Limits};

async fn arrives(a: &Member, b: &mut Member, content: impl Into<Content>, frames: &[&[u8]]) {
    let content = content.into();
    a.node.whisper(b.id(), content.clone()).unwrap();
    let came = b.whisper(a.id()).await;
    let shown = format!("{content:?} as {came:?}");
    assert_eq!(came, content, "{shown}");
    assert_eq!(came.frames().iter().map(|f| &f[..]).collect::<Vec<_>>(), frames, "{shown}");
}

#[tokio::test]
async fn every_conversion_arrives_as_its_frames() {
    let (a, mut b) = pair().await;
    let (a, b) = (&a, &mut b);
    let text = String::from("héllo");
    let hello = text.as_bytes();
    arrives(a, b, "héllo", &[hello]).await;
    arrives(a, b, &text, &[hello]).await;
    arrives(a, b, text.clone(), &[hello]).await;
    arrives(a, b, hello, &[hello]).await;
    arrives(a, b, vec![1_u8, 0, 255], &[&[1, 0, 255]]).await;
    arrives(a, b, vec![9_u8; 3].into_boxed_slice(), &[&[9; 3]]).await;
    arrives(a, b, b"abc", &[b"abc"]).await;
    arrives(a, b, Bytes::from_static(b"abc"), &[b"abc"]).await;
    arrives(a, b, &Bytes::from_static(b"abc"), &[b"abc"]).await;
    arrives(a, b, ["k", "v"], &[b"k", b"v"]).await;
    arrives(a, b, [b"k".to_vec(), vec![]], &[b"k", b""]).await;
    arrives(a, b, vec!["k", "v", "w"], &[b"k", b"v", b"w"]).await;
    arrives(a, b, vec![String::from("k"), String::from("v")], &[b"k", b"v"]).await;
    arrives(a, b, vec![vec![1_u8], vec![2, 3]], &[&[1], &[2, 3]]).await;
    arrives(a, b, vec![&b"k"[..], b"v"], &[b"k", b"v"]).await;
    arrives(a, b, vec![Bytes::from_static(b"k"), Bytes::new()], &[b"k", b""]).await;
    arrives(a, b, ["one", "two"].into_iter().collect::<Content>(), &[b"one", b"two"]).await;
    let parts = [Content::from("one"), ["two", "three"].into()];
    arrives(a, b, parts.into_iter().collect::<Content>(), &[b"one", b"two", b"three"]).await;
}

#[tokio::test]
async fn empty_frames_arrive_as_empty_frames() {
    let (a, mut b) = pair().await;
    arrives(&a, &mut b, "", &[b""]).await;
    arrives(&a, &mut b, ["", "", ""], &[b"", b"", b""]).await;
    arrives(&a, &mut b, ["", "x", ""], &[b"", b"x", b""]).await;
}

#[tokio::test]
async fn frames_around_the_lengths_where_the_wire_changes_arrive_whole() {
    let (a, mut b) = pair().await;
    for length in [1, 254, 255, 256, 257, 4095, 8192, 65_535, 65_536, 1 << 20] {
        let body: Vec<u8> = (0..length).map(|i| (i * 31 % 251) as u8).collect();
        arrives(&a, &mut b, body.clone(), &[&body]).await;
        arrives(&a, &mut b, [body.clone(), vec![7], body.clone()], &[&body, &[7], &body]).await;
    }
}

#[tokio::test]
async fn as_many_frames_as_the_limit_allows_arrive() {
    let (a, mut b) = pair().await;
    let frames = Limits::default().message_frames - 1;
    let content: Content = (0..frames).map(|n| n.to_string()).collect();
    a.node.whisper(b.id(), content.clone()).unwrap();
    assert_eq!(b.whisper(a.id()).await, content);
}

#[tokio::test]
async fn a_shout_brings_every_member_the_same_frames() {
    let port = common::free_port();
    let mut members = Vec::new();
    for _ in 0..3 {
        members.push(Member::start(common::on(port).join("g")).await);
    }
    let sender = members.remove(0);
    until("the group", || sender.node.peers_in("g").len() == 2).await;
    let large = vec![5_u8; 300_000];
    sender.node.shout("g", [vec![], large.clone(), b"end".to_vec()]).unwrap();
    for member in &mut members {
        let (group, content) = member.shout(sender.id()).await;
        assert_eq!(group, "g");
        assert_eq!(content, [vec![], large.clone(), b"end".to_vec()].into());
    }
}

/// For applications that already hold messages of that crate.
#[cfg(feature = "zeromq")]
#[test]
fn content_converts_from_and_to_messages_of_the_zeromq_crate() {
    let mut message = zeromq::ZmqMessage::from("one");
    message.push_back(vec![].into());
    message.push_back(vec![0xFF].into());
    let content = Content::from(message.clone());
    assert_eq!(content, Content::from(vec![b"one".to_vec(), vec![], vec![0xFF]]));
    assert_eq!(zeromq::ZmqMessage::try_from(content).unwrap().into_vec(), message.into_vec());
    assert!(zeromq::ZmqMessage::try_from(Content::none()).is_err());
}
