//! What an application hears, told as it comes.
//!
//! A peer's last message of a stream is told as `last`, with the number and the bytes of all
//! that have come; large messages one by one, as `message` or `shouted`; and as `wrong` what comes
//! twice, late or after a gap.

use std::collections::BTreeMap;

use serde_json::json;
use testkit::ledger::Numbers;
use testkit::role;
use zyre::{Content, Event, PeerId};

use crate::stream::parts;

/// From this size on messages are told one by one.
const LARGE: usize = 64 * 1024;

/// What has come of a peer since its ENTER.
#[derive(Default)]
struct Received {
    shouts: Numbers,
    /// Messages of the stream that has not come to its end yet, and their bytes.
    count: u64,
    bytes: usize,
}

#[derive(Default)]
pub(crate) struct Listener {
    received: BTreeMap<PeerId, Received>,
}

impl Listener {
    pub(crate) fn hear(&mut self, event: &Event) {
        match event {
            Event::Whisper { peer, content, .. } => self.whisper(*peer, content),
            Event::Shout { peer, content, .. } => self.shout(*peer, content),
            Event::Exit { peer, .. } => {
                self.received.remove(peer);
                tell(event);
            }
            _ => tell(event),
        }
    }

    fn whisper(&mut self, peer: PeerId, content: &Content) {
        let received = self.received.entry(peer).or_default();
        let ((number, is_last), bytes) = (parts(content), content.first().len());
        if number != received.count {
            wrong(peer, format!("message {number} instead of {}", received.count));
        }
        received.count = number + 1;
        received.bytes += bytes;
        let peer = peer.to_string();
        if bytes >= LARGE {
            role::report(&json!({ "event": "message", "peer": peer, "number": number }));
        }
        if is_last {
            let (count, bytes) = (received.count, received.bytes);
            role::report(&json!({ "event": "last", "peer": peer, "count": count, "bytes": bytes }));
            (received.count, received.bytes) = (0, 0);
        }
    }

    fn shout(&mut self, peer: PeerId, content: &Content) {
        let received = self.received.entry(peer).or_default();
        let number = parts(content).0;
        if let Err(disorder) = received.shouts.next(number) {
            wrong(peer, disorder.to_string());
        }
        if content.first().len() >= LARGE {
            let peer = peer.to_string();
            role::report(&json!({ "event": "shouted", "peer": peer, "number": number }));
        }
    }
}

fn wrong(peer: PeerId, what: String) {
    role::report(&json!({ "event": "wrong", "peer": peer.to_string(), "what": what }));
}

/// Tells of an event other than a message, by its name.
fn tell(event: &Event) {
    let text = format!("{event:?}");
    let name = text.split(|c: char| !c.is_alphanumeric()).next().unwrap_or_default();
    let reason = match event {
        Event::Exit { reason, .. } => reason.as_str(),
        _ => "",
    };
    let peer = event.peer().map(|peer| peer.to_string());
    let name = name.to_uppercase();
    role::report(&json!({ "event": name, "peer": peer, "reason": reason, "text": text }));
}
