//! A picture as JSON, and as numbers.
//!
//! Times are microseconds since 1970. Text is as it came from the network: it is anybody's.

use std::cmp::Reverse;
use std::collections::BTreeMap;

use serde_json::{Value, json};
use zyre::metrics::{MetricKind, MetricsText};

use super::Picture;
use super::counts::{OTHERS, event_names};
use super::key::Key;
use super::node::Node;
use super::talk::Progress;
use super::transfer::Transfer;
use super::warning::Warning;
use crate::presence::Presence;
use crate::rate::{MEAN, Rate};

/// How many groups are shown: those with the most members.
const GROUPS: usize = 100;

/// How many ways are shown: those with the highest rates.
const WAYS: usize = 400;

/// How many groups have figures of their own in the metrics.
const METRIC_GROUPS: usize = 20;

impl Picture {
    /// Returns the whole picture at a moment.
    #[must_use]
    pub fn json(&self, now: i64) -> Value {
        let nodes: Vec<Value> = self.nodes.iter().map(|(key, node)| who(key, node)).collect();
        let warnings: Vec<Value> = self.warnings.newest_first().map(warning).collect();
        json!({
            "at": now,
            "collector": self.collector.as_deref(),
            "nodes": nodes,
            "warnings": warnings,
            "transfers": self.transfers_json(),
            "figures": self.figures(now),
        })
    }

    /// Returns what has changed since a version; `None` if only the whole picture tells. Figures change all
    /// the time, and are in it if `figures` says so.
    #[must_use]
    pub fn delta(&self, since: u64, now: i64, figures: bool) -> Option<Value> {
        let oldest = self.forgotten.front().map_or(0, |(version, _)| *version);
        if self.forgotten.len() == super::FORGOTTEN && since < oldest {
            return None;
        }
        let nodes: Vec<Value> = self
            .nodes
            .iter()
            .filter(|(_, node)| node.changed > since)
            .map(|(key, node)| who(key, node))
            .collect();
        let forgotten: Vec<&str> = self
            .forgotten
            .iter()
            .filter(|(version, key)| *version > since && !self.nodes.contains_key(key))
            .map(|(_, key)| &**key)
            .collect();
        let changed = |one: &&Warning| one.changed > since;
        let warnings: Vec<Value> =
            self.warnings.newest_first().filter(changed).map(warning).collect();
        let mut delta = json!({
            "at": now,
            "collector": self.collector.as_deref(),
            "nodes": nodes,
            "forgotten": forgotten,
            "warnings": warnings,
        });
        if self.transfers.changed > since {
            delta["transfers"] = self.transfers_json();
        }
        if figures {
            delta["figures"] = self.figures(now);
        }
        Some(delta)
    }

    /// Returns what is known of one node.
    #[must_use]
    pub fn node_json(&self, key: &str, now: i64) -> Option<Value> {
        let (key, node) = self.nodes.get_key_value(key)?;
        let mut json = who(key, node);
        let peers: Vec<Value> = node.peers.iter().map(|peer| self.name_json(peer)).collect();
        // Who says that this node is there.
        let known_to: Vec<Value> = self
            .nodes
            .iter()
            .filter(|(_, other)| other.is_there() && other.peers.contains(key))
            .map(|(other, _)| self.name_json(other))
            .collect();
        json["headers"] = json!(node.headers);
        json["peers"] = json!(peers);
        json["known_to"] = json!(known_to);
        json["last"] = json!(node.last);
        json["correlation"] = json!(node.correlation);
        json["seconds"] = seconds(&node.rate, now);
        Some(json)
    }

    /// Returns the name of a node, and its key.
    #[must_use]
    pub fn name_json(&self, key: &str) -> Value {
        let name = self.nodes.get(key).map_or_else(|| key.to_owned(), Node::label);
        json!({ "id": key, "name": name })
    }

    /// Returns the name of the node that a correlation id stands for, and its key.
    #[must_use]
    pub fn resolve_json(&self, correlation: u16, source: Option<&str>) -> Value {
        self.name_json(&self.resolve(correlation, source))
    }

    fn transfers_json(&self) -> Value {
        let one = |transfer: &Transfer| {
            json!({
                "from": self.name_json(&transfer.from),
                "to": self.name_json(&transfer.to),
                "name": transfer.name,
                "bytes": transfer.bytes,
                "total": transfer.total,
                "at": transfer.at,
                "state": match transfer.progress {
                    Progress::Going => "going",
                    Progress::Sent => "sent",
                    Progress::Delivered => "delivered",
                    Progress::Failed => "failed",
                },
            })
        };
        self.transfers.newest_first().map(one).collect()
    }

    /// Returns what changes all the time.
    fn figures(&self, now: i64) -> Value {
        let by_node: BTreeMap<&str, Value> = self
            .nodes
            .iter()
            .map(|(key, node)| {
                let rate = rounded(&node.rate, now);
                let figures = json!([
                    rate,
                    node.lines,
                    node.warnings,
                    node.sent,
                    node.heard,
                    node.peers.len()
                ]);
                (&**key, figures)
            })
            .collect();
        let names = event_names();
        let events: BTreeMap<&str, u64> =
            names.iter().map(String::as_str).zip(self.counts.events).collect();
        let shouts = self.traffic.shouts.iter().map(|((from, group), way)| {
            (rounded(&way.rate, now), json!([&**from, group, rounded(&way.rate, now), way.total]))
        });
        let whispers = self.traffic.whispers.iter().map(|((from, to), way)| {
            (rounded(&way.rate, now), json!([&**from, &**to, rounded(&way.rate, now), way.total]))
        });
        json!({
            "present": self.present(),
            "lines": self.counts.lines,
            "rate": rounded(&self.rate, now),
            "seconds": seconds(&self.rate, now),
            "enters": self.counts.enters,
            "exits": self.counts.exits,
            "events": events,
            "warnings": self.counts.warnings,
            "errors": self.counts.errors,
            "lost": self.counts.lost,
            "crowded": self.counts.crowded,
            "nodes": by_node,
            "groups": self.groups_json(now),
            "shouts": busiest(shouts),
            "whispers": busiest(whispers),
        })
    }

    fn groups_json(&self, now: i64) -> Value {
        let mut members: BTreeMap<&str, usize> = BTreeMap::new();
        let names = self.nodes.values().flat_map(|node| &node.groups);
        names.for_each(|name| *members.entry(name).or_default() += 1);
        let mut groups: Vec<(&str, usize)> = members.into_iter().collect();
        groups.sort_by_key(|(_, members)| Reverse(*members));
        groups.truncate(GROUPS);
        groups.sort_unstable();
        let one = |(name, members): (&str, usize)| {
            let count = self.counts.groups.get(name);
            let leader = self.leaders.get(name);
            json!({
                "name": name,
                "members": members,
                "messages": count.map_or(0, |count| count.messages),
                "rate": count.map_or(0.0, |count| rounded(&count.rate, now)),
                "leader": leader.map(|leader| self.name_json(leader)),
            })
        };
        groups.into_iter().map(one).collect()
    }

    /// Returns the number of nodes that are there.
    #[must_use]
    pub fn present(&self) -> usize {
        self.nodes.values().filter(|node| node.is_there()).count()
    }

    /// Adds the numbers for monitoring.
    pub fn metrics(&self, text: &mut MetricsText, now: i64) {
        use MetricKind::{Counter, Gauge};
        text.family("zyre_logger_nodes", Gauge, "Nodes, by how alive they seem.");
        let states = [Presence::Present, Presence::Evasive, Presence::Silent, Presence::Unseen];
        for state in states {
            let count = self.nodes.values().filter(|node| node.presence() == state).count();
            text.sample(&[("liveness", state.as_str())], count);
        }
        let counts = &self.counts;
        text.figure("zyre_logger_enters_total", Counter, "Times that a node came.", counts.enters);
        text.family("zyre_logger_exits_total", Counter, "Times that a node went, by the reason.");
        for (reason, count) in &counts.exits {
            text.sample(&[("reason", reason)], count);
        }
        text.family("zyre_logger_lines_total", Counter, "Lines of the log, by event.");
        for (name, count) in event_names().iter().zip(counts.events) {
            text.sample(&[("event", name)], count);
        }
        text.family("zyre_logger_grave_lines_total", Counter, "Lines that are no information.");
        text.sample(&[("level", "warning")], counts.warnings);
        text.sample(&[("level", "error")], counts.errors);
        text.figure("zyre_logger_lost_lines_total", Counter, "Lines that were lost.", counts.lost);
        let rate = rounded(&self.rate, now);
        text.figure("zyre_logger_lines_per_second", Gauge, "Lines, over the last 10 s.", rate);
        // The first that came keep their figures: a name that changes is of no use to anybody.
        let help = "Messages to a group, each once; those beyond 20 groups together.";
        text.family("zyre_logger_group_messages_total", Counter, help);
        let mut rest = 0;
        for (name, count) in &counts.groups {
            if count.order < METRIC_GROUPS && name.len() <= 64 {
                text.sample(&[("group", name)], count.messages);
            } else {
                rest += count.messages;
            }
        }
        text.sample(&[("group", OTHERS)], rest);
    }
}

/// Returns who a node is, and how it stands.
fn who(key: &Key, node: &Node) -> Value {
    json!({
        "id": &**key,
        "name": node.label(),
        "endpoint": node.endpoint,
        "state": node.presence().as_str(),
        "key": node.key,
        "entered": node.entered,
        "gone": node.gone.as_ref().map(|(at, _)| at),
        "reason": node.gone.as_ref().map(|(_, reason)| reason),
        "groups": node.groups,
    })
}

fn warning(warning: &Warning) -> Value {
    let name = |(key, name): &(Key, String)| json!({ "id": &**key, "name": name });
    json!({
        "id": warning.id,
        "at": warning.at,
        "last": warning.last,
        "level": if warning.is_error { "error" } else { "warning" },
        "by": name(&warning.by),
        "about": warning.about.as_ref().map(name),
        "text": warning.text,
        "times": warning.times,
    })
}

/// Returns the mean of the last seconds, to a tenth.
fn rounded(rate: &Rate, now: i64) -> f64 {
    (rate.mean_at(now, MEAN) * 10.0).round() / 10.0
}

/// Returns the counts of the last seconds that are over, the oldest first.
fn seconds(rate: &Rate, now: i64) -> Value {
    let mut rate = rate.clone();
    rate.advance(now);
    let history = rate.history();
    json!(&history[..history.len() - 1])
}

/// Returns the busiest of those whose rate is above zero.
fn busiest(ways: impl Iterator<Item = (f64, Value)>) -> Value {
    let mut ways: Vec<(f64, Value)> = ways.filter(|(rate, _)| *rate > 0.0).collect();
    ways.sort_by(|(a, _), (b, _)| b.total_cmp(a));
    ways.truncate(WAYS);
    ways.into_iter().map(|(_, way)| way).collect()
}
