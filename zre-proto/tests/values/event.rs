//! What can be asked of any event.

use std::sync::Arc;

use zre_proto::{Content, Event, ExitReason, PeerId, UnreachableReason};

#[test]
fn every_event_of_a_peer_tells_which_and_only_messages_have_content() {
    let peer = PeerId::new([7; 16]);
    let (name, group): (Arc<str>, Arc<str>) = ("n".into(), "g".into());
    let content = Content::from("c");
    let endpoint = "tcp://10.0.0.1:1".parse().unwrap();
    let named = || name.clone();
    let messages = [
        Event::Whisper { peer, name: named(), content: content.clone() },
        Event::Shout { peer, name: named(), group: group.clone(), content: content.clone() },
    ];
    for event in &messages {
        assert_eq!((event.peer(), event.content()), (Some(peer), Some(&content)), "{event:?}");
    }
    let others = [
        Event::Enter { peer, name: named(), headers: Arc::default(), endpoint },
        Event::Exit { peer, name: named(), reason: ExitReason::Goodbye },
        Event::Join { peer, name: named(), group: group.clone() },
        Event::Leave { peer, name: named(), group },
        Event::Evasive { peer, name: named() },
        Event::Silent { peer, name: named() },
        Event::Returned { peer, name: named() },
        Event::Unreachable { peer, endpoint, why: UnreachableReason::Refused },
    ];
    for event in &others {
        assert_eq!((event.peer(), event.content()), (Some(peer), None), "{event:?}");
    }
    for event in [Event::Moved { endpoint }, Event::Stop] {
        assert_eq!((event.peer(), event.content()), (None, None), "{event:?}");
    }
}

#[test]
fn each_reason_why_a_node_cannot_be_met_has_words_of_its_own() {
    use UnreachableReason::{
        AnotherNode, Failed, NoAnswer, NoDescriptors, NoHello, NoRoute, Refused,
    };
    let all = [
        (Refused, "refused"),
        (NoAnswer, "no answer"),
        (NoRoute, "no route"),
        (AnotherNode, "another node answers"),
        (NoHello, "it does not greet back"),
        (NoDescriptors, "no descriptors left"),
        (Failed, "failed"),
    ];
    for (why, words) in all {
        assert_eq!((why.as_str(), why.to_string()), (words, words.to_owned()), "{why:?}");
    }
}
