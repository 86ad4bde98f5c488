//! The history that chaos has written: a line of JSON for everything that the application of a node
//! was told, and for what became of the node.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::File;
use std::io::{BufRead, BufReader};
use std::ops::RangeInclusive;
use std::path::Path;

use serde::Deserialize;
use zyre_logger::{LogEvent, correlation_id};

/// What a node has recorded so shortly before it died (while it was not stalled) need not have left
/// it: it has queues in the node, in the kernel, and in its application.
pub(super) const LAST_MOMENT: i64 = 500_000;

/// How late an application may take an event that its node has recorded, if it is not stalled.
const LATE: i64 = 3_000_000;

/// A line of the file; times are microseconds since 1970.
#[derive(Debug, Deserialize)]
struct Line {
    time: i64,
    #[serde(default)]
    node: String,
    #[serde(flatten)]
    event: Event,
}

#[derive(Debug, Deserialize)]
#[serde(tag = "event", rename_all = "lowercase")]
enum Event {
    Order { name: String },
    Start { name: String, endpoint: String },
    Enter { peer: String, name: String, endpoint: String },
    Exit { peer: String, endpoint: String, reason: String },
    Stall { until: i64 },
    Wake,
    Stop,
    Crash,
    Kill,
    End { recorded: u64, dropped: u64 },
    Over,
}

/// An ENTER or EXIT, as an application was told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Told {
    /// When, in microseconds since 1970.
    pub(super) at: i64,
    /// ENTER or EXIT.
    pub(super) event: LogEvent,
    /// The id of the peer.
    pub(super) peer: String,
    /// The correlation id of its endpoint.
    pub(super) correlation: u16,
    /// The peer's name, or the reason.
    pub(super) data: String,
}

/// One node from its start to its end.
#[derive(Clone, Debug, Default)]
pub(super) struct Life {
    /// Its id.
    pub(super) id: String,
    /// Its name.
    pub(super) name: String,
    /// The correlation id of its endpoint.
    pub(super) correlation: u16,
    /// When it started.
    pub(super) start: i64,
    /// When it began to end.
    pub(super) end: Option<i64>,
    /// It was not stopped, but died.
    pub(super) died: bool,
    /// When it did nothing.
    stalls: Vec<(i64, i64)>,
    /// In order.
    pub(super) told: Vec<Told>,
    /// Lines of its log, if it lived to tell.
    pub(super) recorded: u64,
    /// Those of them that found no room.
    pub(super) dropped: u64,
}

/// All lives.
#[derive(Clone, Debug, Default)]
pub(super) struct History {
    /// In order of their starts.
    pub(super) lives: Vec<Life>,
    /// Nodes that a process was told to start and that were never heard of, by name: it was killed.
    pub(super) unborn: BTreeSet<String>,
    /// When nodes were killed.
    pub(super) kills: BTreeSet<i64>,
    by_id: BTreeMap<String, usize>,
    over: bool,
}

impl History {
    /// Reads a file.
    ///
    /// # Errors
    /// If it cannot be read, or is not the whole history of a run.
    pub(super) fn read(path: &Path) -> Result<Self, String> {
        let failed =
            |error: String| format!("{} is no history to compare with: {error}", path.display());
        let mut history = Self::default();
        let file = File::open(path).map_err(|error| failed(error.to_string()))?;
        for (number, line) in (1..).zip(BufReader::new(file).lines()) {
            let at = |error: &dyn std::fmt::Display| failed(format!("line {number}: {error}"));
            let line = line.map_err(|error| at(&error))?;
            let line = serde_json::from_str(&line).map_err(|error| at(&error))?;
            history.add(line).map_err(|error| at(&error))?;
        }
        if !history.over {
            return Err(failed("chaos has not come to its end".to_owned()));
        }
        Ok(history)
    }

    fn add(&mut self, line: Line) -> Result<(), &'static str> {
        let Line { time, node, event } = line;
        match event {
            Event::Order { name } => {
                self.unborn.insert(name);
            }
            Event::Over => self.over = true,
            Event::Start { name, endpoint } => {
                self.unborn.remove(&name);
                self.by_id.insert(node.clone(), self.lives.len());
                let correlation = correlation_id(&endpoint);
                let life = Life { id: node, name, correlation, start: time, ..Life::default() };
                self.lives.push(life);
            }
            event => {
                let life = self.by_id.get(&node).and_then(|index| self.lives.get_mut(*index));
                let life = life.ok_or("a node that has not started")?;
                if matches!(event, Event::Kill) {
                    self.kills.insert(time);
                }
                life.add(time, event);
            }
        }
        Ok(())
    }

    /// The name of a node of chaos.
    pub(super) fn name(&self, id: &str) -> Option<&str> {
        self.by_id.get(id).and_then(|index| self.lives.get(*index)).map(|life| life.name.as_str())
    }

    /// Whether this is the id of a node of chaos, not of a stranger: a collector.
    fn is_ours(&self, id: &str) -> bool {
        self.by_id.contains_key(id)
    }

    /// When a collector was present at a node, as its application was told.
    fn collected(&self, life: &Life) -> Vec<(i64, i64)> {
        let mut times = Vec::new();
        for told in &life.told {
            if self.is_ours(&told.peer) || self.unborn.contains(&told.data) {
                continue;
            }
            match (told.event, times.last_mut()) {
                (LogEvent::Exit, Some((_, until))) => *until = told.at,
                (LogEvent::Enter, _) => times.push((told.at, i64::MAX)),
                _ => {}
            }
        }
        times
    }

    /// Why what a node has recorded at a time need not have been collected, if so.
    pub(super) fn excuse(&self, life: &Life, at: i64) -> Option<Excuse> {
        let last = life.last_moment()?;
        if life.died && at >= last {
            return Some(Excuse::LastMoment);
        }
        // It is kept for a collector, and lost if none comes, or none that is reached in time.
        let met = self.collected(life).iter().any(|(from, until)| *from < last && *until > at);
        (!met).then_some(Excuse::NoCollector)
    }
}

/// Why a line may be missing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Excuse {
    /// The node died at once.
    LastMoment,
    /// The node ended before it met a collector.
    NoCollector,
}

impl Life {
    fn add(&mut self, time: i64, event: Event) {
        match event {
            Event::Enter { peer, name, endpoint } => {
                self.tell(time, LogEvent::Enter, peer, &endpoint, name);
            }
            Event::Exit { peer, endpoint, reason } => {
                self.tell(time, LogEvent::Exit, peer, &endpoint, reason);
            }
            Event::Stall { until } => self.stalls.push((time, until)),
            Event::Wake => {
                if let Some((_, until)) = self.stalls.last_mut() {
                    *until = time;
                }
            }
            Event::Stop => {
                self.end.get_or_insert(time);
            }
            Event::Crash | Event::Kill => {
                // Also if it was stopping.
                self.died = true;
                self.end = Some(self.end.map_or(time, |end| end.min(time)));
            }
            Event::End { recorded, dropped } => {
                (self.recorded, self.dropped) = (recorded, dropped);
            }
            Event::Order { .. } | Event::Start { .. } | Event::Over => {}
        }
    }

    fn tell(&mut self, at: i64, event: LogEvent, peer: String, endpoint: &str, data: String) {
        self.told.push(Told { at, event, peer, correlation: correlation_id(endpoint), data });
    }

    /// When the last moment of a node begins: [`LAST_MOMENT`] before its end, not counting stalls.
    fn last_moment(&self) -> Option<i64> {
        Some(self.awake_before(self.end?, LAST_MOMENT))
    }

    /// The last moment of a node that has died.
    pub(super) fn dying(&self) -> Option<RangeInclusive<i64>> {
        let end = self.end.filter(|_| self.died)?;
        Some(self.last_moment()?..=end)
    }

    /// When the node can have recorded, at the earliest, what its application was told at a time.
    pub(super) fn earliest(&self, at: i64) -> i64 {
        self.awake_before(at, LATE)
    }

    /// Returns the moment from which the node was awake for the time `long` until `at`.
    fn awake_before(&self, at: i64, long: i64) -> i64 {
        let mut from = at - long;
        for (begin, end) in self.stalls.iter().rev().filter(|(begin, _)| *begin < at) {
            if *end <= from {
                break;
            }
            from -= end.min(&at) - begin;
        }
        from
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stalls_are_no_time_to_send() {
        let mut life = Life { end: Some(20_000_000), died: true, ..Life::default() };
        assert_eq!(life.last_moment(), Some(19_500_000));
        life.stalls = vec![(1_000_000, 5_000_000), (12_000_000, 20_000_000)];
        assert_eq!(life.last_moment(), Some(11_500_000));
        life.stalls[1] = (12_000_000, 19_900_000);
        assert_eq!(life.last_moment(), Some(11_600_000));
        life.stalls[1] = (12_000_000, 19_500_000);
        assert_eq!(life.last_moment(), Some(19_500_000));
        assert_eq!(life.dying(), Some(19_500_000..=20_000_000));
        life.died = false;
        assert_eq!(life.dying(), None);
    }
}
