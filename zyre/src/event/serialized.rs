//! Tests of the form that events have by `serde`.

use serde_json::{json, to_value};
use zre_proto::PeerId;

use super::Event;

#[test]
fn an_event_says_what_it_is() {
    let peer = PeerId::new([7; 16]);
    let whisper = Event::Whisper { peer, name: "alice".into(), content: ["a", "b"].into() };
    let told = json!({
        "event": "whisper", "peer": peer.to_string(), "name": "alice", "content": ["a", "b"],
    });
    assert_eq!(to_value(whisper).unwrap(), told);
    let hub: zre_proto::HostEndpoint = "hub.example:7".parse().unwrap();
    let told = json!({"event": "hub_reached", "hub": "tcp://hub.example:7"});
    assert_eq!(to_value(Event::HubReached { hub }).unwrap(), told);
}

#[test]
#[cfg(feature = "curve")]
fn a_key_is_what_people_see() {
    let text = "rq:rM>}U?@Lns47E1%kR.o@n%FcmmsL/@{H8]yf7";
    let key: crate::PublicKey = text.parse().unwrap();
    let address = ([10, 0, 0, 7], 49152).into();
    let told = json!({"event": "stranger", "key": text, "address": "10.0.0.7:49152"});
    assert_eq!(to_value(Event::Stranger { key, address }).unwrap(), told);
    assert_eq!(serde_json::from_value::<crate::PublicKey>(json!(text)).unwrap(), key);
    assert!(serde_json::from_value::<crate::PublicKey>(json!("0".repeat(40))).is_err());
}

#[test]
#[cfg(feature = "files")]
fn what_is_told_of_files_has_its_numbers() {
    let peer = PeerId::new([7; 16]);
    let reason = filemq::Refusal::NoRoom { needed: 5, free: 3 };
    let fate = filemq::Fate::Passing;
    let told = json!({
        "event": "refused", "peer": peer.to_string(), "name": "/a",
        "reason": {"no_room": {"needed": 5, "free": 3}}, "fate": "passing",
    });
    assert_eq!(to_value(Event::Refused { peer, name: "/a".into(), reason, fate }).unwrap(), told);
    let (name, path) = ("/a".into(), "in/a".into());
    let told = json!({
        "event": "deliver", "peer": peer.to_string(), "name": "/a", "path": "in/a", "size": 9,
    });
    assert_eq!(to_value(Event::Deliver { peer, name, path, size: 9 }).unwrap(), told);
}
