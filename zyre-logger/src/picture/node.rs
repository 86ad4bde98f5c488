//! One node.

use std::collections::{BTreeMap, BTreeSet};

use super::key::Key;
use crate::presence::Presence;
use crate::rate::Rate;
use crate::{Entered, Level, Record};

/// How many groups of a node are remembered.
const GROUPS: usize = 64;

/// How many peers of a node are remembered.
const PEERS: usize = 2_000;

/// What is known of a node.
#[derive(Clone, Debug, Default)]
pub(super) struct Node {
    pub(super) name: String,
    pub(super) endpoint: String,
    pub(super) key: Option<String>,
    pub(super) headers: BTreeMap<String, String>,
    presence: Presence,
    /// When it entered, and when and why it has gone.
    pub(super) entered: Option<i64>,
    pub(super) gone: Option<(i64, String)>,
    pub(super) groups: BTreeSet<String>,
    /// The nodes that it says are there.
    pub(super) peers: BTreeSet<Key>,
    pub(super) correlation: u16,
    pub(super) lines: u64,
    pub(super) warnings: u64,
    /// Messages that it says it has sent, and received.
    pub(super) sent: u64,
    pub(super) heard: u64,
    pub(super) rate: Rate,
    /// When something was last heard of it.
    pub(super) last: i64,
    /// The version of the picture that has last changed who it is.
    pub(super) changed: u64,
}

impl Node {
    pub(super) fn new(version: u64) -> Self {
        Self { changed: version, ..Self::default() }
    }

    /// Returns how it stands.
    pub(super) const fn presence(&self) -> Presence {
        self.presence
    }

    /// Returns whether it is there, as far as the collector knows.
    pub(super) const fn is_there(&self) -> bool {
        matches!(self.presence, Presence::Present | Presence::Evasive | Presence::Silent)
    }

    pub(super) fn gone_at(&self) -> Option<i64> {
        self.gone.as_ref().map(|(at, _)| *at)
    }

    /// Returns the address of its endpoint, as lines have it.
    pub(super) fn host(&self) -> &str {
        crate::node_interval::host(&self.endpoint)
    }

    /// Returns what it is called.
    pub(super) fn label(&self) -> String {
        if self.name.is_empty() { format!("#{:04x}", self.correlation) } else { self.name.clone() }
    }

    /// Forgets what was counted.
    pub(super) fn begin_counting(&mut self) {
        self.rate = Rate::default();
        (self.lines, self.warnings, self.sent, self.heard) = Default::default();
    }

    pub(super) fn enter(&mut self, entered: &Entered, at: i64, version: u64) {
        self.name.clone_from(&entered.name);
        self.endpoint.clone_from(&entered.endpoint);
        self.key.clone_from(&entered.key);
        self.headers.clone_from(&entered.headers);
        self.correlation = entered.correlation;
        if !self.is_there() {
            self.groups.clear();
            self.peers.clear();
            self.entered = Some(at);
        }
        self.gone = None;
        self.last = self.last.max(at);
        self.set_presence(Presence::Present, version);
    }

    pub(super) fn exit(&mut self, reason: &str, at: i64, version: u64) {
        self.gone = Some((at, reason.to_owned()));
        self.groups.clear();
        self.peers.clear();
        self.last = self.last.max(at);
        self.set_presence(Presence::Gone, version);
    }

    pub(super) const fn set_presence(&mut self, presence: Presence, version: u64) {
        self.presence = presence;
        self.changed = version;
    }

    /// Notes a line of the node.
    pub(super) fn wrote(&mut self, record: &Record, now: i64) {
        self.correlation = record.node;
        self.lines += 1;
        self.warnings += u64::from(record.level != Level::Info);
        self.rate.add(record.received, now);
        self.last = self.last.max(record.received);
    }

    /// Notes that it has met a node, or lost it.
    pub(super) fn meets(&mut self, peer: &Key, is_there: bool) {
        if !is_there {
            self.peers.remove(peer);
        } else if self.peers.len() < PEERS {
            self.peers.insert(peer.clone());
        }
    }

    /// Notes that it has joined or left a group.
    pub(super) fn moved(&mut self, joined: bool, group: &str, version: u64) {
        let has_changed = if !joined {
            self.groups.remove(group)
        } else {
            self.groups.len() < GROUPS && self.groups.insert(group.to_owned())
        };
        if has_changed {
            self.changed = version;
        }
    }

    /// Takes over what is known of another, which turned out to be this node.
    pub(super) fn merge(&mut self, other: &Self) {
        self.lines += other.lines;
        self.warnings += other.warnings;
        self.sent += other.sent;
        self.heard += other.heard;
        self.rate.merge(&other.rate);
        self.peers.extend(other.peers.iter().cloned());
        self.last = self.last.max(other.last);
    }
}
