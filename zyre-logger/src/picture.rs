//! What a recording says of the network at a moment.
//!
//! A [`Picture`] is a fold: it takes what is on the tape, one [`Item`] after the other, and nothing else.
//! It has no clock and asks nobody. So all that have read a recording up to the same place have the same picture,
//! whether that was while it happened or years later.
//!
//! ```text
//!  tape ── Item ──> Picture::apply ──> Picture::json(now), Delta, metrics
//! ```
//!
//! Every collection in it has a bound.

mod book;
mod counts;
mod json;
mod key;
mod node;
mod talk;
mod traffic;
mod transfer;
mod warning;

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use self::book::Book;
use self::counts::Counts;
pub(crate) use self::counts::event_names;
pub use self::key::Key;
use self::node::Node;
use self::talk::{Statement, Talk};
use self::traffic::Traffic;
use self::transfer::Transfers;
use self::warning::Warnings;
use crate::presence::Presence;
use crate::rate::Rate;
use crate::store::Item;
use crate::{Change, Entered, Level, LogEvent, Record, What};

/// How many nodes are known; those that have gone make room for others.
const NODES: usize = 2_000;

/// How many groups have a leader that is remembered.
const LEADERS: usize = 256;

/// How many nodes that were forgotten are remembered, so that who follows can be told.
const FORGOTTEN: usize = 256;

/// What an item was about, for those who count by the time.
#[derive(Clone, Debug, Default)]
pub struct Heard {
    /// Who has written the line.
    pub writer: Option<Key>,
    /// The group that a message was sent to; each message once.
    pub group: Option<String>,
}

/// The network, as far as a recording tells.
#[derive(Clone, Debug, Default)]
pub struct Picture {
    /// When the last item came.
    at: i64,
    /// Grows with each item.
    version: u64,
    /// The collector's own node.
    collector: Option<Key>,
    nodes: BTreeMap<Key, Node>,
    book: Book,
    /// Nodes that had to make room, and when, by version.
    forgotten: VecDeque<(u64, Key)>,
    rate: Rate,
    counts: Counts,
    traffic: Traffic,
    leaders: BTreeMap<String, Key>,
    transfers: Transfers,
    warnings: Warnings,
}

impl Picture {
    /// Takes in what comes next.
    pub fn apply(&mut self, item: &Item) -> Heard {
        self.version += 1;
        self.at = self.at.max(item.at());
        match item {
            Item::Line(stored) => self.line(&stored.record),
            Item::Change(change) => {
                self.change(change);
                Heard::default()
            }
        }
    }

    /// Returns when the last item came, in microseconds since 1970.
    #[must_use]
    pub const fn at(&self) -> i64 {
        self.at
    }

    /// Returns how many items were taken in.
    #[must_use]
    pub const fn version(&self) -> u64 {
        self.version
    }

    /// Forgets what was counted, and what was said: what came until now was only to know who is there.
    pub fn begin_counting(&mut self) {
        self.rate = Rate::default();
        self.counts = Counts::default();
        self.traffic = Traffic::default();
        self.transfers = Transfers::default();
        self.warnings = Warnings::default();
        self.nodes.values_mut().for_each(Node::begin_counting);
    }

    fn change(&mut self, change: &Change) {
        let key = change.peer.as_str();
        match &change.what {
            What::Begun => self.begin(key),
            What::Entered(entered) => self.enter(key, entered),
            What::Evasive => self.set_presence(key, Presence::Evasive),
            What::Silent => self.set_presence(key, Presence::Silent),
            What::Returned => self.set_presence(key, Presence::Present),
            What::Gone { reason } => {
                if self.collector.as_deref() != Some(key) {
                    self.counts.exit(reason);
                }
                self.exit(key, reason);
            }
            What::Lost { lines } => self.counts.lost += lines,
        }
    }

    /// Nobody is known to the collector that begins, and what became of those of the last one is not.
    fn begin(&mut self, key: &str) {
        let there = |(key, node): (&Key, &Node)| node.is_there().then(|| key.clone());
        let left: Vec<Key> = self.nodes.iter().filter_map(there).collect();
        for key in left {
            self.exit(&key, "not watched");
        }
        self.collector = Some(key.into());
    }

    fn enter(&mut self, key: &str, entered: &Entered) {
        if self.collector.as_deref() != Some(key) {
            self.counts.enters += 1;
        }
        let unseen = self.nodes.remove(unknown(entered.correlation).as_str());
        if unseen.is_some() {
            let key: Key = unknown(entered.correlation).into();
            self.traffic.forget(&BTreeSet::from([key.clone()]));
            self.forget(key);
        }
        let (at, version) = (self.at, self.version);
        let Some(key) = self.ensure(key) else { return };
        let Some(node) = self.nodes.get_mut(&key) else { return };
        node.enter(entered, at, version);
        if let Some(unseen) = unseen {
            node.merge(&unseen);
        }
        self.book.add(&key, entered.correlation, node.host());
    }

    fn exit(&mut self, key: &str, reason: &str) {
        let (at, version) = (self.at, self.version);
        if let Some(node) = self.nodes.get_mut(key) {
            node.exit(reason, at, version);
        }
        self.leaders.retain(|_, leader| **leader != *key);
    }

    fn set_presence(&mut self, key: &str, presence: Presence) {
        let version = self.version;
        if let Some(node) = self.nodes.get_mut(key).filter(|node| node.is_there()) {
            node.set_presence(presence, version);
        }
    }

    fn line(&mut self, record: &Record) -> Heard {
        let at = record.received;
        self.rate.add(at, self.at);
        self.counts.line(record);
        let source = record.source.map(|source| source.to_string());
        let writer = self.resolve(record.node, source.as_deref());
        let about = (record.peer != 0).then(|| self.resolve(record.peer, None));
        let Some(writer) = self.ensure(&writer) else { return Heard::default() };
        if let Some(node) = self.nodes.get_mut(&writer) {
            node.wrote(record, self.at);
        }
        let group = self.tell(record, &writer, about.as_ref());
        if record.level != Level::Info {
            self.warn(record, &writer, about.as_ref());
        }
        Heard { writer: Some(writer), group }
    }

    /// Takes in what a line tells. Returns the group that a message was sent to.
    fn tell(&mut self, record: &Record, writer: &Key, about: Option<&Key>) -> Option<String> {
        match record.event {
            LogEvent::Enter | LogEvent::Exit => {
                let node = self.nodes.get_mut(writer)?;
                node.meets(about?, record.event == LogEvent::Enter);
            }
            LogEvent::Join | LogEvent::Leave => self.membership(record, writer, about),
            LogEvent::Send => return self.send(&record.data, writer, about),
            LogEvent::Recv => return self.receive(&record.data, writer, about?),
            LogEvent::None => self.statement(&record.data, writer, about),
            LogEvent::Other(_) | _ => {}
        }
        None
    }

    /// Of a node that the collector has met only the collector's word counts: lines of others may be old, and
    /// come later than what they tell has ended.
    fn membership(&mut self, record: &Record, writer: &Key, about: Option<&Key>) {
        let by_collector = self.collector.as_ref().is_none_or(|collector| collector == writer);
        let version = self.version;
        let Some(node) = self.nodes.get_mut(about.unwrap_or(writer)) else { return };
        let counts = match node.presence() {
            Presence::Gone => false,
            Presence::Unseen => true,
            _ => by_collector,
        };
        if counts {
            node.moved(record.event == LogEvent::Join, &record.data, version);
        }
    }

    fn send(&mut self, data: &str, writer: &Key, about: Option<&Key>) -> Option<String> {
        let at = self.at;
        self.nodes.get_mut(writer)?.sent += 1;
        match Talk::read(data) {
            Talk::Shout(group) => {
                self.traffic.shout(writer, group, at);
                self.counts.message(group, at);
                Some(group.to_owned())
            }
            Talk::Whisper => {
                let peer = about?;
                // One that writes lines tells itself what it has received.
                if self.nodes.get(peer).is_none_or(|peer| peer.heard == 0) {
                    self.traffic.whisper(writer, peer, at);
                }
                None
            }
        }
    }

    fn receive(&mut self, data: &str, writer: &Key, sender: &Key) -> Option<String> {
        let at = self.at;
        self.nodes.get_mut(writer)?.heard += 1;
        match Talk::read(data) {
            Talk::Whisper => {
                self.traffic.whisper(sender, writer, at);
                None
            }
            Talk::Shout(group) => {
                let tells_itself = self.nodes.get(sender).is_some_and(|sender| sender.sent > 0);
                let is_there = |key: &Key| self.nodes.get(key).is_some_and(Node::is_there);
                // Of one that tells nothing, the word of one receiver stands for all.
                if tells_itself || !self.traffic.hears(sender, group, writer, is_there) {
                    return None;
                }
                self.traffic.shout(sender, group, at);
                self.counts.message(group, at);
                Some(group.to_owned())
            }
        }
    }

    fn statement(&mut self, data: &str, writer: &Key, about: Option<&Key>) {
        let name = about.and_then(|about| self.nodes.get(about)).map_or("", |node| &node.name);
        match Statement::read(data, name) {
            Some(Statement::Leads { group, nobody }) => {
                let group = group.to_owned();
                if nobody {
                    self.leaders.remove(&group);
                } else if self.leaders.len() < LEADERS || self.leaders.contains_key(&group) {
                    self.leaders.insert(group, about.unwrap_or(writer).clone());
                }
            }
            Some(Statement::Transfer(line)) => {
                if let Some(peer) = about {
                    self.transfers.take(writer, peer, &line, self.at, self.version);
                }
            }
            None => {}
        }
    }

    fn warn(&mut self, record: &Record, writer: &Key, about: Option<&Key>) {
        let name = |key: &Key| self.nodes.get(key).map_or_else(|| key.to_string(), Node::label);
        let text = match record.event {
            LogEvent::None => record.data.clone(),
            event => format!("{event} {}", record.data),
        };
        let about = about.map(|about| (about.clone(), name(about)));
        let by = (writer.clone(), name(writer));
        self.warnings.add(record, by, about, text, self.version);
    }

    /// Returns the key of the node that a correlation id stands for now.
    fn resolve(&self, correlation: u16, source: Option<&str>) -> Key {
        let found = self.book.resolve(correlation, source, self.at, |key| self.nodes.get(key));
        found.unwrap_or_else(|| unknown(correlation).into())
    }

    /// Makes room for a node, unless it is known. Returns its key; `None` if there is no room.
    fn ensure(&mut self, key: &str) -> Option<Key> {
        if let Some((key, _)) = self.nodes.get_key_value(key) {
            return Some(key.clone());
        }
        if self.nodes.len() >= NODES {
            self.make_room();
        }
        if self.nodes.len() >= NODES {
            self.counts.crowded += 1;
            return None;
        }
        let key: Key = key.into();
        self.nodes.insert(key.clone(), Node::new(self.version));
        Some(key)
    }

    /// Forgets the nodes that have been gone for the longest time, and then those that were never met: some at
    /// once, so that this is rare.
    fn make_room(&mut self) {
        let mut away: Vec<_> = self
            .nodes
            .iter()
            .filter(|(_, node)| !node.is_there())
            .map(|(key, node)| (node.presence() != Presence::Gone, node.last, key.clone()))
            .collect();
        away.sort_unstable();
        away.truncate(NODES / 16);
        let keys: BTreeSet<Key> = away.into_iter().map(|(.., key)| key).collect();
        self.book.remove(&keys);
        self.traffic.forget(&keys);
        for key in keys {
            self.nodes.remove(&key);
            self.forget(key);
        }
    }

    fn forget(&mut self, key: Key) {
        if self.forgotten.len() == FORGOTTEN {
            self.forgotten.pop_front();
        }
        self.forgotten.push_back((self.version, key));
    }
}

fn unknown(correlation: u16) -> String {
    format!("#{correlation:04x}")
}

#[cfg(test)]
mod tests;
