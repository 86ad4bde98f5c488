//! What can be asked of any event.

use std::sync::Arc;

use zre_proto::{Content, Event, ExitReason, PeerId};

#[test]
fn every_event_of_a_peer_tells_which_and_only_messages_have_content() {
    let peer = PeerId::new([7; 16]);
    let (name, group): (Arc<str>, Arc<str>) = ("n".into(), "g".into());
    let content = Content::from("c");
    let endpoint = "tcp://10.0.0.1:1".parse().unwrap();
    let path = std::path::PathBuf::from("a");
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
        Event::Deliver { peer, name: named(), path: path.clone(), size: 1 },
        Event::Retract { peer, name: named(), path },
        Event::Receiving { peer, name: named(), octets: 1, total: None, rate: 0 },
        Event::Sending { peer, name: named(), octets: 1, total: Some(2), rate: 0 },
        Event::Sent { peer, name: named(), size: 1 },
    ];
    for event in &others {
        assert_eq!((event.peer(), event.content()), (Some(peer), None), "{event:?}");
    }
    for event in [Event::Moved { endpoint }, Event::Stop] {
        assert_eq!((event.peer(), event.content()), (None, None), "{event:?}");
    }
}
