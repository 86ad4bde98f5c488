//! What an application knows by its events alone, and what it must never hear.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::{Instant, SystemTime};

use serde_json::{Map, Value, json};
use testkit::heard;
use testkit::ledger::{Heard, Numbers, Presence};
use zyre::{Content, Event, Liveness, PeerId};

/// A message: its number among those of its sender, when it was sent, and so much more that it
/// has this many bytes.
pub(crate) fn message(number: u64, bytes: usize) -> Vec<u8> {
    let mut content = [number.to_be_bytes(), now().to_be_bytes()].concat();
    content.resize(bytes.max(content.len()), 0);
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

/// What has come of a peer since its ENTER.
#[derive(Default)]
struct Received {
    numbers: Numbers,
    /// When its last message came.
    last: Option<Instant>,
    count: u64,
}

#[derive(Default)]
pub(crate) struct Ledger {
    presence: Presence,
    received: BTreeMap<PeerId, Received>,
    /// What must not happen, and did.
    pub(crate) wrong: Vec<String>,
    /// How long messages took, in µs, since that was last asked.
    delays: Vec<u64>,
}

impl Ledger {
    /// Takes down an event.
    pub(crate) fn hear(&mut self, event: &Event) {
        let heard = heard!(zyre::Event, event);
        let mut wrong = self.presence.hear(&heard).err().map(|breach| breach.to_string());
        match heard {
            Heard::Enter { peer, .. } | Heard::Exit { peer, .. } => {
                self.received.remove(&peer);
            }
            Heard::Shout { peer, content, .. } => {
                let (number, sent) = parts(content);
                self.delays.push(now().saturating_sub(sent));
                let received = self.received.entry(peer).or_default();
                received.last = Some(Instant::now());
                received.count += 1;
                let disorder = received.numbers.next(number).err();
                wrong = wrong.or_else(|| disorder.map(|disorder| disorder.to_string()));
            }
            _ => {}
        }
        if let Some(wrong) = wrong {
            self.wrong.push(format!("{wrong}: {event:?}").chars().take(200).collect());
        }
    }

    /// Returns what was heard of each present peer.
    pub(crate) fn describe(&self) -> Value {
        let describe = |(peer, groups): (PeerId, &BTreeSet<Arc<str>>)| {
            let received = self.received.get(&peer);
            let silent = received.and_then(|received| received.last);
            let silent = silent.and_then(|last| u64::try_from(last.elapsed().as_millis()).ok());
            let groups: Vec<_> = groups.iter().map(|group| &**group).collect();
            let count = received.map_or(0, |received| received.count);
            let quiet = self.presence.liveness(peer) != Some(Liveness::Present);
            let peer = peer.to_string();
            (peer, json!({ "groups": groups, "silent": silent, "quiet": quiet, "count": count }))
        };
        Value::Object(self.presence.peers().map(describe).collect::<Map<_, _>>())
    }

    /// How long messages took, in µs, since that was last asked.
    pub(crate) fn take_delays(&mut self) -> Value {
        let mut delays = std::mem::take(&mut self.delays);
        delays.sort_unstable();
        let at = |percent: usize| delays.get(delays.len() * percent / 100);
        json!({ "count": delays.len(), "median": at(50), "p99": at(99), "worst": delays.last() })
    }
}
