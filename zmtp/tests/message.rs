//! Messages as values.

use bytes::Bytes;
use zmtp::Message;

const FRAMES: [Bytes; 3] =
    [Bytes::from_static(b"a"), Bytes::from_static(b""), Bytes::from_static(b"bc")];

#[test]
fn however_a_message_is_made_it_has_the_same_frames() {
    let listed = Message::from(FRAMES.to_vec());
    assert_eq!(listed.frames(), FRAMES);
    assert_eq!((listed.len(), listed.byte_len(), listed.is_empty()), (3, 3, false));
    assert_eq!(FRAMES.into_iter().collect::<Message>(), listed);
    let [first, second, _] = FRAMES;
    let two = Message::from([first.clone(), second.clone()]);
    assert_eq!(Message::from(vec![first.clone(), second]), two);
    assert_eq!(Message::from(first.clone()), Message::from(vec![first]));
    assert!(Message::default().is_empty());
    assert_eq!(Message::default(), Message::from(Vec::new()));
}

#[test]
fn a_message_is_taken_apart_without_a_copy() {
    let large = Bytes::from(vec![7; 1000]);
    let message = Message::from(vec![large.clone(), Bytes::new(), large.clone()]);
    let mut frames = message.clone().into_frames();
    assert_eq!(frames.len(), 3);
    assert_eq!(frames.next().map(|frame| frame.as_ptr()), Some(large.as_ptr()));
    assert_eq!(frames.len(), 2);
    assert_eq!(message.into_iter().collect::<Vec<_>>(), [large.clone(), Bytes::new(), large]);
}

#[test]
fn a_log_line_with_a_message_says_its_size_and_not_its_bytes() {
    let message = Message::from(Bytes::from(vec![0; 100_000]));
    assert_eq!(format!("{message:?}"), "Message(1 frames, 100000 bytes)");
}
