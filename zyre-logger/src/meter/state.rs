//! What the meter knows: bounded, whatever comes and for however long.

use std::collections::{BTreeMap, VecDeque};
use std::mem;

use zyre::Printable;

use super::node::Node;
use crate::presence::Presence;
use crate::rate::Rate;
use crate::{CollectorEvent, Directory, Level, LogEvent, Record, Resolution, text};

/// How many nodes are shown; those that have gone make room for others.
const NODES: usize = 2_000;

/// How many warnings are kept.
const WARNINGS: usize = 100;

/// Kinds of events.
const KINDS: usize = 7;

/// A warning or an error, fit for a terminal.
#[derive(Clone, Debug)]
pub(super) struct Warning {
    /// When it came, in microseconds since 1970.
    pub(super) at: i64,
    /// Whether it is worse than a warning.
    pub(super) error: bool,
    /// The node that wrote it, and the node that it is about.
    pub(super) who: String,
    /// The text.
    pub(super) text: String,
}

/// Everything that is shown.
#[derive(Clone, Debug, Default)]
pub(super) struct State {
    now: i64,
    directory: Directory,
    /// The collector's own node, if it is known.
    own: Option<String>,
    /// By id, or by `#` and the correlation id as long as that is all that is known.
    nodes: BTreeMap<String, Node>,
    rate: Rate,
    /// Lines by kind of event.
    kinds: [u64; KINDS],
    warnings: VecDeque<Warning>,
    lines: u64,
    dropped: u64,
    lost: u64,
    /// Nodes for which there was no room.
    more: u64,
}

impl State {
    /// Moves on to the moment `now`.
    pub(super) fn tick(&mut self, now: i64) {
        self.now = self.now.max(now);
        self.rate.advance(self.now);
        for node in self.nodes.values_mut() {
            node.rate.advance(self.now);
        }
    }

    /// Takes in an event.
    pub(super) fn hear(&mut self, event: &CollectorEvent) {
        match event {
            CollectorEvent::Line(record) => self.line(record),
            CollectorEvent::Own { peer } => self.own = Some(peer.clone()),
            CollectorEvent::Seen(interval) => {
                self.directory.add(interval.clone());
                self.directory.limit(Directory::LIVE);
                let unseen = self.nodes.remove(&unknown(interval.correlation));
                if let Some(node) = self.node(&interval.peer) {
                    node.seen(interval);
                    if let Some(unseen) = unseen {
                        node.merge(&unseen);
                    }
                }
            }
            CollectorEvent::Gone { peer, at } => {
                if let Some(node) = self.nodes.get_mut(peer) {
                    node.presence = Presence::Gone;
                    node.groups.clear();
                    node.last = node.last.max(*at);
                }
            }
            CollectorEvent::Evasive { peer } => self.set_presence(peer, Presence::Evasive),
            CollectorEvent::Silent { peer } => self.set_presence(peer, Presence::Silent),
            CollectorEvent::Returned { peer } => self.set_presence(peer, Presence::Present),
            // What it tells has come by the others.
            CollectorEvent::Change(_) => {}
            CollectorEvent::Dropped => self.dropped += 1,
        }
    }

    fn set_presence(&mut self, peer: &str, presence: Presence) {
        if let Some(node) = self.nodes.get_mut(peer) {
            node.presence = presence;
        }
    }

    /// Counts lines that could not be taken in.
    pub(super) const fn lose(&mut self, lines: u64) {
        self.lost += lines;
    }

    /// Adds a warning of the program itself.
    pub(super) fn warn(&mut self, text: &str) {
        self.push(Warning {
            at: self.now,
            error: true,
            who: "zyre-logger".to_owned(),
            text: text::data(text),
        });
    }

    /// Takes in who joined or left a group before what is shown began.
    pub(super) fn prepare(&mut self, record: &Record) {
        let id = if record.peer == 0 { record.node } else { record.peer };
        let key = self.key(id, record, None);
        if let Some(node) = self.nodes.get_mut(&key) {
            node.moved(record.event, &record.data);
        }
    }

    fn line(&mut self, record: &Record) {
        self.now = self.now.max(record.received);
        self.lines += 1;
        self.rate.add(record.received, self.now);
        if let Some(count) = self.kinds.get_mut(usize::from(u8::from(record.event))) {
            *count += 1;
        }
        let source = record.source.map(|source| source.to_string());
        let key = self.key(record.node, record, source.as_deref());
        let now = self.now;
        let directory = mem::take(&mut self.directory);
        if let Some(node) = self.node(&key) {
            node.wrote(record, now);
            if node.name.is_empty() {
                let name = directory.name(record.node, record.received, source.as_deref());
                node.name = text::name(&name);
            }
        }
        self.directory = directory;
        if matches!(record.event, LogEvent::Join | LogEvent::Leave) {
            let about = if record.peer == 0 { key } else { self.key(record.peer, record, None) };
            // Others speak of a node for a while after it has gone.
            if let Some(node) = self.nodes.get_mut(&about).filter(|n| n.presence != Presence::Gone)
            {
                node.moved(record.event, &record.data);
            }
        }
        if record.level != Level::Info {
            let (node, peer) = (
                self.directory.name(record.node, record.received, source.as_deref()),
                self.directory.name(record.peer, record.received, None),
            );
            let who = if peer.is_empty() { node } else { format!("{node} → {peer}") };
            self.push(Warning {
                at: record.received,
                error: record.level == Level::Error,
                who: Printable::new(&who).max_chars(64).to_string(),
                text: match record.event {
                    LogEvent::None => text::data(&record.data),
                    event => format!("{event} {}", text::data(&record.data)),
                },
            });
        }
    }

    fn push(&mut self, warning: Warning) {
        if self.warnings.len() == WARNINGS {
            self.warnings.pop_front();
        }
        self.warnings.push_back(warning);
    }

    /// Returns the key that a node is kept under.
    fn key(&self, correlation: u16, record: &Record, source: Option<&str>) -> String {
        match self.directory.resolve(correlation, record.received, source) {
            Resolution::Node(interval) => interval.peer.clone(),
            Resolution::Unknown | Resolution::Several(_) => unknown(correlation),
        }
    }

    /// Returns the node with this key; `None` if it is new and there is no room.
    fn node(&mut self, key: &str) -> Option<&mut Node> {
        if !self.nodes.contains_key(key) && self.nodes.len() >= NODES && !self.make_room() {
            self.more += 1;
            return None;
        }
        Some(self.nodes.entry(key.to_owned()).or_default())
    }

    /// Forgets the node that has been gone, or unseen, for the longest time.
    fn make_room(&mut self) -> bool {
        let oldest = self
            .nodes
            .iter()
            .filter(|(_, node)| node.presence >= Presence::Unseen)
            .min_by_key(|(_, node)| (node.presence != Presence::Gone, node.last))
            .map(|(key, _)| key.clone());
        oldest.is_some_and(|key| self.nodes.remove(&key).is_some())
    }

    /// Returns the moment that is shown, in microseconds since 1970.
    pub(super) const fn now(&self) -> i64 {
        self.now
    }

    /// Returns the nodes with their keys.
    pub(super) fn nodes(&self) -> impl Iterator<Item = (&str, &Node)> {
        self.nodes.iter().map(|(key, node)| (key.as_str(), node))
    }

    /// Returns the nodes but the collector itself: that it notes who comes is no news.
    pub(super) fn others(&self) -> impl Iterator<Item = &Node> {
        let others = self.nodes().filter(|(key, _)| self.own.as_deref() != Some(*key));
        others.map(|(_, node)| node)
    }

    /// Returns the number of nodes that are present.
    pub(super) fn present(&self) -> usize {
        self.nodes.values().filter(|node| node.presence < Presence::Unseen).count()
    }

    /// Returns the number of nodes that are present and have written no line: they keep no log.
    pub(super) fn silent(&self) -> usize {
        let is_silent = |node: &&Node| node.presence < Presence::Unseen && node.lines == 0;
        self.others().filter(is_silent).count()
    }

    /// Returns the rate of all lines.
    pub(super) const fn rate(&self) -> &Rate {
        &self.rate
    }

    /// Returns the number of lines of a kind.
    pub(super) fn kind(&self, event: LogEvent) -> u64 {
        self.kinds.get(usize::from(u8::from(event))).copied().unwrap_or(0)
    }

    /// Returns the last warnings and errors, the newest last.
    pub(super) const fn warnings(&self) -> &VecDeque<Warning> {
        &self.warnings
    }

    /// Returns the number of lines taken in.
    pub(super) const fn lines(&self) -> u64 {
        self.lines
    }

    /// Returns how much came that is not of the protocol.
    pub(super) const fn dropped(&self) -> u64 {
        self.dropped
    }

    /// Returns the number of lines that could not be taken in.
    pub(super) const fn lost(&self) -> u64 {
        self.lost
    }

    /// Returns whether there are more nodes than are kept.
    pub(super) const fn is_crowded(&self) -> bool {
        self.more > 0
    }
}

fn unknown(correlation: u16) -> String {
    format!("#{correlation:04x}")
}

#[cfg(test)]
mod tests;
