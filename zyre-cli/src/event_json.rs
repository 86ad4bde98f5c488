//! Events as JSON objects, one a line, for programs: what `zyre peer` and `zyre watch --json` print.

use serde_json::{Value, json};
use zyre::{Content, Event, PeerId};

/// Returns the object that tells of an event; `None` for the end, and for what only other commands need.
pub(crate) fn describe(event: &Event) -> Option<Value> {
    Some(match event {
        Event::Enter { peer, name, headers, endpoint, key } => json!({
            "event": "ENTER", "peer": id(*peer), "name": **name, "headers": **headers,
            "address": endpoint.to_string(), "key": key.map(|key| key.to_string()),
        }),
        Event::Exit { peer, name, reason } => json!({
            "event": "EXIT", "peer": id(*peer), "name": **name, "reason": reason.as_str(),
        }),
        Event::Join { peer, name, group } => json!({
            "event": "JOIN", "peer": id(*peer), "name": **name, "group": **group,
        }),
        Event::Leave { peer, name, group } => json!({
            "event": "LEAVE", "peer": id(*peer), "name": **name, "group": **group,
        }),
        Event::Whisper { peer, name, content } => json!({
            "event": "WHISPER", "peer": id(*peer), "name": **name, "content": text(content),
        }),
        Event::Shout { peer, name, group, content } => json!({
            "event": "SHOUT", "peer": id(*peer), "name": **name, "group": **group,
            "content": text(content),
        }),
        Event::Evasive { peer, name } => json!({
            "event": "EVASIVE", "peer": id(*peer), "name": **name,
        }),
        Event::Silent { peer, name } => json!({
            "event": "SILENT", "peer": id(*peer), "name": **name,
        }),
        Event::Returned { peer, name } => json!({
            "event": "RETURNED", "peer": id(*peer), "name": **name,
        }),
        Event::Unreachable { peer, endpoint, why } => json!({
            "event": "UNREACHABLE", "peer": id(*peer), "endpoint": endpoint.to_string(),
            "why": why.as_str(),
        }),
        Event::EndpointUnreachable { endpoint, why } => json!({
            "event": "UNREACHABLE", "endpoint": endpoint.to_string(), "why": why.as_str(),
        }),
        Event::Leader { group, leader, mine } => leads(group, *leader, *mine),
        Event::KeyChanged { peer, name, before, key } => json!({
            "event": "KEY CHANGED", "peer": id(*peer), "name": **name,
            "before": before.to_string(), "key": key.to_string(),
        }),
        Event::Stranger { key, address } => json!({
            "event": "STRANGER", "key": key.to_string(), "address": address.to_string(),
        }),
        Event::IdInUse { endpoint } => json!({
            "event": "ID IN USE", "endpoint": endpoint.to_string(),
        }),
        Event::HubUnreachable { hub, why } => json!({
            "event": "HUB UNREACHABLE", "hub": hub.to_string(), "why": **why,
        }),
        Event::HubReached { hub } => json!({"event": "HUB REACHED", "hub": hub.to_string()}),
        Event::Moved { endpoint } => json!({"event": "MOVED", "address": endpoint.to_string()}),
        // STOPPED says it.
        _ => return None,
    })
}

/// Returns the object that says who leads a group.
pub(crate) fn leads(group: &str, leader: Option<PeerId>, mine: bool) -> Value {
    json!({"event": "LEADER", "group": group, "leader": leader.map(id), "mine": mine})
}

/// Returns an id as it stands in objects.
pub(crate) fn id(peer: PeerId) -> String {
    peer.to_string()
}

/// Returns the frames of a message; those that are not UTF-8 as `hex:...`.
pub(crate) fn text(content: &Content) -> Vec<String> {
    let frame = |frame: &[u8]| match std::str::from_utf8(frame) {
        Ok(text) => text.to_owned(),
        Err(_) => frame.iter().fold("hex:".to_owned(), |hex, byte| format!("{hex}{byte:02x}")),
    };
    content.frames().iter().map(|bytes| frame(bytes)).collect()
}

#[cfg(test)]
mod tests {
    use zyre::UnreachableReason;

    use super::*;

    #[test]
    fn a_return_and_a_node_that_cannot_be_met_have_lines() {
        let peer = PeerId::new([0xAB; 16]);
        let returned = describe(&Event::Returned { peer, name: "n".into() });
        assert_eq!(
            returned,
            Some(json!({ "event": "RETURNED", "peer": peer.to_string(), "name": "n" }))
        );
        let endpoint = "tcp://10.0.0.7:49152".parse().unwrap();
        let why = UnreachableReason::NoAnswer;
        let unreachable = describe(&Event::Unreachable { peer, endpoint, why });
        let expected = json!({
            "event": "UNREACHABLE", "peer": peer.to_string(),
            "endpoint": "tcp://10.0.0.7:49152", "why": "no answer",
        });
        assert_eq!(unreachable, Some(expected));
    }

    #[test]
    fn a_leader_and_none_have_lines() {
        let peer = PeerId::new([0xAB; 16]);
        let told = |leader| describe(&Event::Leader { group: "g".into(), leader, mine: false });
        let line =
            |leader| json!({"event": "LEADER", "group": "g", "leader": leader, "mine": false});
        assert_eq!(told(Some(peer)), Some(line(Value::from(peer.to_string()))));
        assert_eq!(told(None), Some(line(Value::Null)));
    }

    #[test]
    fn an_id_that_is_used_twice_has_a_line() {
        let endpoint = "tcp://10.0.0.7:49152".parse().unwrap();
        let told = describe(&Event::IdInUse { endpoint });
        let expected = json!({ "event": "ID IN USE", "endpoint": "tcp://10.0.0.7:49152" });
        assert_eq!(told, Some(expected));
    }
}
