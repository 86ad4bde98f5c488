//! What an application knows by its events alone, and what it must never hear.

use std::collections::{BTreeMap, BTreeSet};
use std::time::{Instant, SystemTime};

use serde_json::{Map, Value, json};
use zyre::{Content, Event, PeerId};

/// A message: its number among those of its sender, when it was sent, and so much more that it
/// has this many octets.
pub(crate) fn message(number: u64, octets: usize) -> Vec<u8> {
    let mut content = [number.to_be_bytes(), now().to_be_bytes()].concat();
    content.resize(octets.max(content.len()), 0);
    content
}

/// The number and the time in a message.
fn parts(content: &Content) -> (u64, u64) {
    let part = |place: usize| content.first()[place..place + 8].try_into().unwrap();
    (u64::from_be_bytes(part(0)), u64::from_be_bytes(part(8)))
}

/// µs on a clock that all processes of the machine share.
fn now() -> u64 {
    let time = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap();
    u64::try_from(time.as_micros()).unwrap()
}

/// A peer as its events tell of it.
#[derive(Default)]
struct Known {
    groups: BTreeSet<String>,
    /// The number of its next message, once one has come.
    next: Option<u64>,
    /// When its last message came.
    last: Option<Instant>,
    count: u64,
}

impl Known {
    fn describe(&self) -> Value {
        let silent = self.last.map(|last| last.elapsed().as_millis());
        let silent = silent.and_then(|ms| u64::try_from(ms).ok());
        json!({ "groups": self.groups, "silent": silent, "count": self.count })
    }
}

#[derive(Default)]
pub(crate) struct Ledger {
    peers: BTreeMap<PeerId, Known>,
    /// What must not happen, and did.
    pub(crate) wrong: Vec<String>,
    /// How long messages took, in µs, since that was last asked.
    delays: Vec<u64>,
}

impl Ledger {
    /// Takes down an event.
    pub(crate) fn hear(&mut self, event: &Event) {
        let right = match event {
            Event::Enter { peer, .. } => self.peers.insert(*peer, Known::default()).is_none(),
            Event::Exit { peer, .. } => self.peers.remove(peer).is_some(),
            Event::Join { peer, group, .. } => {
                let known = self.peers.get_mut(peer);
                known.is_some_and(|known| known.groups.insert(group.to_string()))
            }
            Event::Leave { peer, group, .. } => {
                let known = self.peers.get_mut(peer);
                known.is_some_and(|known| known.groups.remove(&**group))
            }
            Event::Shout { peer, content, .. } => self.shout(*peer, content),
            _ => true,
        };
        if !right {
            self.wrong.push(format!("{event:?}").chars().take(200).collect());
        }
    }

    /// Whether the message is the next one of its sender.
    fn shout(&mut self, peer: PeerId, content: &Content) -> bool {
        let (number, sent) = parts(content);
        self.delays.push(now().saturating_sub(sent));
        let Some(known) = self.peers.get_mut(&peer) else { return false };
        known.last = Some(Instant::now());
        known.count += 1;
        known.next.replace(number + 1).is_none_or(|expected| expected == number)
    }

    pub(crate) fn describe(&self) -> Value {
        let peers = self.peers.iter().map(|(id, known)| (id.to_string(), known.describe()));
        Value::Object(peers.collect::<Map<_, _>>())
    }

    /// How long messages took, in µs, since that was last asked.
    pub(crate) fn take_delays(&mut self) -> Value {
        let mut delays = std::mem::take(&mut self.delays);
        delays.sort_unstable();
        let at = |percent: usize| delays.get(delays.len() * percent / 100);
        json!({ "count": delays.len(), "median": at(50), "p99": at(99), "worst": delays.last() })
    }
}
