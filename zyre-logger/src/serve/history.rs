//! What a recording says of its whole time: who was there from when to when, and how much was said.

use std::collections::{BTreeMap, VecDeque};

use serde_json::{Value, json};

use super::bins::Bins;
use crate::moment::SECOND;
use crate::picture::{Heard, Key};
use crate::store::Item;
use crate::{Change, What};

/// How many sessions that have ended are remembered.
const SESSIONS: usize = 4_000;

/// How many times that a session fell silent, or came back, are remembered.
const MARKS: usize = 32;

/// How many groups and nodes have rates of their own.
const GROUPS: usize = 64;
const NODES: usize = 300;

/// How many of them are told at once: those with the most in that time.
const SHOWN: usize = 12;

/// The time that a node was there.
#[derive(Clone, Debug)]
struct Session {
    name: String,
    from: i64,
    to: Option<i64>,
    reason: String,
    /// When it was evasive, silent, or present again.
    marks: Vec<(i64, &'static str)>,
}

/// The whole time of a recording.
#[derive(Debug, Default)]
pub(super) struct History {
    first: Option<i64>,
    last: i64,
    there: BTreeMap<Key, Session>,
    ended: VecDeque<(Key, Session)>,
    /// Lines, by the number of the event.
    events: [Bins; 8],
    groups: BTreeMap<String, Bins>,
    nodes: BTreeMap<Key, Bins>,
}

impl History {
    /// Takes in what comes next, and what the picture says it is about.
    pub(super) fn apply(&mut self, item: &Item, heard: &Heard) {
        let at = item.at();
        self.first.get_or_insert(at);
        self.last = self.last.max(at);
        match item {
            Item::Change(change) => self.change(change),
            Item::Line(stored) => {
                let kind = usize::from(u8::from(stored.record.event)).min(self.events.len() - 1);
                self.events[kind].add(at);
                if let Some(group) = &heard.group {
                    add(&mut self.groups, group, GROUPS, at);
                }
                if let Some(writer) = &heard.writer {
                    add(&mut self.nodes, writer, NODES, at);
                }
            }
        }
    }

    fn change(&mut self, change: &Change) {
        let (at, key) = (change.at, change.peer.as_str());
        match &change.what {
            What::Begun => {
                let all: Vec<Key> = self.there.keys().cloned().collect();
                all.iter().for_each(|key| self.end(key, at, "not watched"));
            }
            What::Entered(entered) => {
                let new = || Session {
                    name: entered.name.clone(),
                    from: at,
                    to: None,
                    reason: String::new(),
                    marks: Vec::new(),
                };
                self.there.entry(key.into()).or_insert_with(new);
            }
            What::Gone { reason } => self.end(key, at, reason),
            What::Evasive => self.mark(key, at, "evasive"),
            What::Silent => self.mark(key, at, "silent"),
            What::Returned => self.mark(key, at, "present"),
            What::Lost { .. } => {}
        }
    }

    fn mark(&mut self, key: &str, at: i64, state: &'static str) {
        if let Some(session) = self.there.get_mut(key)
            && session.marks.len() < MARKS
        {
            session.marks.push((at, state));
        }
    }

    fn end(&mut self, key: &str, at: i64, reason: &str) {
        let Some((key, mut session)) = self.there.remove_entry(key) else { return };
        session.to = Some(at);
        session.reason = reason.to_owned();
        if self.ended.len() == SESSIONS {
            self.ended.pop_front();
        }
        self.ended.push_back((key, session));
    }

    /// Returns the first and the last moment; `None` if nothing came.
    pub(super) fn span(&self) -> Option<(i64, i64)> {
        Some((self.first?, self.last))
    }

    /// Returns who was there in a time.
    pub(super) fn sessions(&self, from: i64, to: i64) -> Value {
        let ended = self.ended.iter().map(|(key, session)| (key, session));
        let overlap = |(_, session): &(&Key, &Session)| {
            session.from <= to && session.to.is_none_or(|end| end >= from)
        };
        let all = ended.chain(&self.there).filter(overlap);
        let one = |(key, session): (&Key, &Session)| {
            json!({
                "id": &**key,
                "name": session.name,
                "from": session.from,
                "to": session.to,
                "reason": session.reason,
                "marks": session.marks,
            })
        };
        json!({ "span": self.span(), "sessions": all.map(one).collect::<Vec<_>>() })
    }

    /// Returns how much was said in a time, in parts that are as short as is remembered.
    pub(super) fn rates(&self, from: i64, to: i64) -> Value {
        let (from, to) = (from.div_euclid(SECOND), to.div_euclid(SECOND));
        let width = Bins::width_for(self.last.div_euclid(SECOND), from, to);
        let names = crate::picture::event_names();
        let counts = |bins: &Bins| bins.counts(width, from, to);
        let events: BTreeMap<&str, Vec<u32>> =
            names.iter().map(String::as_str).zip(self.events.iter().map(counts)).collect();
        let most = |all: Vec<(&str, Vec<u32>)>| -> Value {
            let mut all: Vec<(u64, &str, Vec<u32>)> = all
                .into_iter()
                .map(|(name, counts)| (counts.iter().map(|n| u64::from(*n)).sum(), name, counts))
                .filter(|(sum, ..)| *sum > 0)
                .collect();
            all.sort_by(|a, b| b.0.cmp(&a.0).then(a.1.cmp(b.1)));
            all.truncate(SHOWN);
            all.into_iter().map(|(_, name, counts)| json!([name, counts])).collect()
        };
        let groups = self.groups.iter().map(|(name, bins)| (name.as_str(), counts(bins)));
        let nodes = self.nodes.iter().map(|(key, bins)| (&**key, counts(bins)));
        json!({
            "from": from.div_euclid(width) * width * SECOND,
            "width": width,
            "events": events,
            "groups": most(groups.collect()),
            "nodes": most(nodes.collect()),
        })
    }
}

/// Counts for a name; if there are too many, the one that was not heard for the longest time makes room.
fn add<K>(all: &mut BTreeMap<K, Bins>, name: &K, most: usize, at: i64)
where
    K: Ord + Clone,
{
    if let Some(bins) = all.get_mut(name) {
        bins.add(at);
        return;
    }
    if all.len() >= most {
        let oldest = all.iter().min_by_key(|(_, bins)| bins.last()).map(|(name, _)| name.clone());
        oldest.map(|oldest| all.remove(&oldest));
    }
    all.entry(name.clone()).or_default().add(at);
}
