//! Content from what applications hold, and back.

use bytes::Bytes;
use zre_proto::Content;

fn frames(content: &Content) -> Vec<&[u8]> {
    content.frames().iter().map(|frame| &frame[..]).collect()
}

#[test]
fn whatever_holds_bytes_is_one_frame() {
    let text = String::from("abc");
    let bytes = Bytes::from_static(b"abc");
    let one: [Content; 9] = [
        "abc".into(),
        (&text).into(),
        text.clone().into(),
        b"abc".into(),
        (&b"abc"[..]).into(),
        b"abc".to_vec().into(),
        Box::<[u8]>::from(*b"abc").into(),
        (&bytes).into(),
        bytes.clone().into(),
    ];
    for content in &one {
        assert_eq!(frames(content), [b"abc"]);
        assert_eq!(content, &one[0]);
    }
    assert_eq!(one[8].frames()[0].as_ptr(), bytes.as_ptr(), "shared, not copied");
}

#[test]
fn lists_are_as_many_frames_as_they_have_entries() {
    let strings = vec!["a".to_owned(), String::new()];
    assert_eq!(frames(&strings.into()), [&b"a"[..], b""]);
    assert_eq!(frames(&vec!["a", "b"].into()), [b"a", b"b"]);
    assert_eq!(frames(&vec![&b"a"[..], b"b"].into()), [b"a", b"b"]);
    assert_eq!(frames(&vec![Bytes::from_static(b"a")].into()), [b"a"]);
    let nothing: Vec<Bytes> = Vec::new();
    assert_eq!(Content::from(nothing), Content::none());
    let one: Content = ["a"].into_iter().collect();
    assert_eq!(one, "a".into(), "however it was made");
    let joined: Content =
        [Content::from("a"), Content::none(), ["b", "c"].into()].into_iter().collect();
    assert_eq!(joined, ["a", "b", "c"].into());
    assert_ne!(joined, ["ab", "c"].into(), "where a frame ends matters");
}

#[test]
fn the_first_frame_is_empty_if_there_is_none() {
    assert_eq!(Content::none().first(), b"");
    assert_eq!(Content::from(["a", "b"]).first(), b"a");
}

#[test]
fn a_log_line_with_content_stays_a_line() {
    let shown = |content: Content| format!("{content:?}");
    assert_eq!(shown(Content::none()), "Content(no frame)");
    assert_eq!(shown("a\nb".into()), "Content(b\"a\\nb\")");
    assert_eq!(shown("x".repeat(64).into()), format!("Content(b\"{}\")", "x".repeat(64)));
    assert_eq!(shown("x".repeat(65).into()), "Content(1 frames, 65 bytes)");
    assert_eq!(shown(["ab", "c"].into()), "Content(2 frames, 3 bytes)");
}

#[cfg(feature = "zeromq")]
#[test]
fn messages_of_the_zeromq_crate_convert_frame_by_frame() {
    let mut message = zeromq::ZmqMessage::from("a");
    message.push_back("b".into());
    let content = Content::from(message.clone());
    assert_eq!(content, ["a", "b"].into());
    assert_eq!(zeromq::ZmqMessage::try_from(content).unwrap().into_vec(), message.into_vec());
    assert!(zeromq::ZmqMessage::try_from(Content::none()).is_err(), "one has at least one frame");
}
