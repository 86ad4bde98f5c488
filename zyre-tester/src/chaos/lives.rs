//! Who is alive, and whom each node has been told of.
//!
//! Rule 6: nobody is EXITed who is alive, and every node that has ended is EXITed by all in time.

use std::collections::BTreeMap;
use std::time::Duration;

use zyre::PeerId;

use super::protocol::{Counted, How};
use crate::ledger::{Rule, Violation};

/// How long after a node has stopped its last peer may hear of it.
const STOP_BOUND: Duration = Duration::from_secs(1);

/// How long after a node, or its process, has died its last peer may hear of it.
const CRASH_BOUND: Duration = Duration::from_secs(2);

/// How late reports of different processes may be.
const REPORTED: Duration = Duration::from_secs(1);

/// How much the clocks of two processes may differ, and how long a time may be in coming.
const SKEW: Duration = Duration::from_millis(50);

/// How long ended lives are remembered.
const REMEMBERED: Duration = Duration::from_secs(60);

/// One node from its start to its end.
#[derive(Debug)]
pub(super) struct Life {
    pub(super) name: String,
    pub(super) slot: usize,
    pub(super) process: u64,
    pub(super) up: Duration,
    /// The last time that it was stalled.
    pub(super) stall: Option<(Duration, Duration)>,
    pub(super) end: Option<End>,
    pub(super) counted: Counted,
    /// Peers between ENTER and EXIT, and when they entered.
    present: BTreeMap<PeerId, Duration>,
}

/// How and when a life ended.
#[derive(Clone, Copy, Debug)]
pub(super) struct End {
    how: How,
    begun: Duration,
    done: Option<Duration>,
}

/// An EXIT that is judged when all reports of its time have come.
#[derive(Debug)]
struct Exit {
    node: PeerId,
    peer: PeerId,
    at: Duration,
    reason: String,
}

/// All lives of a run.
#[derive(Debug, Default)]
pub(super) struct Lives {
    lives: BTreeMap<PeerId, Life>,
    exits: Vec<Exit>,
    pub(super) enters: u64,
    /// EXITs by reason.
    pub(super) reasons: BTreeMap<String, u64>,
    /// EXITs of nodes that are none of ours.
    pub(super) strangers: u64,
}

impl Life {
    /// When it was last known to do nothing; the past as long as it never was.
    fn stalled_until(&self) -> Duration {
        self.stall.map_or(Duration::ZERO, |(_, until)| until)
    }

    /// Alive, and not stalled for so long.
    pub(super) fn is_awake(&self, now: Duration, since: Duration) -> bool {
        self.end.is_none() && (self.stall.is_none() || self.stalled_until() + since < now)
    }

    fn describe(&self) -> String {
        match (self.end, self.stall) {
            (Some(end), _) => format!("{:?} at {:.3?}, done {:.3?}", end.how, end.begun, end.done),
            (None, Some((from, until))) => format!("stalled from {from:.3?} to {until:.3?}"),
            (None, None) => "alive".into(),
        }
    }
}

impl Lives {
    pub(super) fn get(&self, id: PeerId) -> Option<&Life> {
        self.lives.get(&id)
    }

    pub(super) fn get_mut(&mut self, id: PeerId) -> Option<&mut Life> {
        self.lives.get_mut(&id)
    }

    /// Who has not begun to end.
    pub(super) fn alive(&self) -> impl Iterator<Item = (PeerId, &Life)> {
        self.lives.iter().filter(|(_, life)| life.end.is_none()).map(|(id, life)| (*id, life))
    }

    /// The name of a node, for people.
    pub(super) fn name(&self, id: PeerId) -> String {
        let short = id.default_name();
        self.get(id).map_or_else(|| short.clone(), |life| format!("{} ({short})", life.name))
    }

    pub(super) fn up(&mut self, id: PeerId, name: String, slot: usize, process: u64, at: Duration) {
        let (counted, present) = Default::default();
        let life = Life { name, slot, process, up: at, stall: None, end: None, counted, present };
        self.lives.insert(id, life);
    }

    pub(super) fn ending(&mut self, id: PeerId, how: How, at: Duration) {
        if let Some(life) = self.lives.get_mut(&id) {
            life.end.get_or_insert(End { how, begun: at, done: None });
        }
    }

    pub(super) fn ended(&mut self, id: PeerId, at: Duration) {
        if let Some(end) = self.lives.get_mut(&id).and_then(|life| life.end.as_mut()) {
            end.done.get_or_insert(at);
        }
    }

    /// A process was killed: so were its nodes that had not ended.
    pub(super) fn killed(&mut self, process: u64, at: Duration) {
        for life in self.lives.values_mut().filter(|life| life.process == process) {
            let end = life.end.get_or_insert(End { how: How::Kill, begun: at, done: None });
            end.done.get_or_insert(at);
        }
    }

    pub(super) fn enter(&mut self, node: PeerId, peer: PeerId, at: Duration) {
        self.enters += 1;
        if let Some(life) = self.lives.get_mut(&node) {
            life.present.insert(peer, at);
        }
    }

    /// A node was told that a peer is gone. Too late is said at once, too early later.
    pub(super) fn exit(
        &mut self,
        node: PeerId,
        peer: PeerId,
        at: Duration,
        reason: String,
    ) -> Option<Violation> {
        *self.reasons.entry(reason.clone()).or_default() += 1;
        let entered = self.lives.get_mut(&node)?.present.remove(&peer);
        let late =
            entered.and_then(|entered| self.due(node, peer, entered)).filter(|due| at > *due);
        self.exits.push(Exit { node, peer, at, reason });
        let end = self.get(peer)?.describe();
        late.map(|due| {
            let what = format!("EXIT {:.3?} too late; the peer: {end}", at.saturating_sub(due));
            violation(Rule::Life, node, peer, at, what)
        })
    }

    /// When a node has to have heard at last that a peer has ended; `None` if it has not ended.
    fn due(&self, node: PeerId, peer: PeerId, entered: Duration) -> Option<Duration> {
        let (node, peer) = (self.get(node)?, self.get(peer)?);
        let end = peer.end?;
        let bound = if end.how == How::Stop { STOP_BOUND } else { CRASH_BOUND };
        Some(end.done?.max(entered).max(node.stalled_until()) + bound)
    }

    /// Time has passed: judges EXITs, and looks for those that have not come.
    pub(super) fn check(&mut self, now: Duration) -> Vec<Violation> {
        let mut found = Vec::new();
        let (ripe, rest) =
            std::mem::take(&mut self.exits).into_iter().partition(|exit| exit.at + REPORTED < now);
        self.exits = rest;
        let ripe: Vec<Exit> = ripe;
        for exit in ripe {
            found.extend(self.judge(&exit));
        }
        let mut missing = Vec::new();
        for (node, life) in self.alive() {
            for (peer, entered) in &life.present {
                if self.due(node, *peer, *entered).is_some_and(|due| due + REPORTED < now) {
                    missing.push((node, *peer));
                }
            }
        }
        for (node, peer) in missing {
            if let Some(life) = self.lives.get_mut(&node) {
                // Said once.
                life.present.remove(&peer);
            }
            let end = self.get(peer).map(Life::describe).unwrap_or_default();
            let what = format!("no EXIT though the peer has ended: {end}");
            found.push(violation(Rule::Life, node, peer, now, what));
        }
        self.lives.retain(|_, life| {
            life.end.and_then(|end| end.done).is_none_or(|done| done + REMEMBERED > now)
        });
        found
    }

    fn judge(&mut self, exit: &Exit) -> Option<Violation> {
        let Exit { node, peer, at, reason } = exit;
        let lost = match reason.as_str() {
            "sequence gap" => Some(Rule::Delivery),
            "status mismatch" => Some(Rule::Agreement),
            "overflow" | "rejected" => Some(Rule::Life),
            _ => None,
        };
        if let Some(rule) = lost {
            return Some(violation(rule, *node, *peer, *at, format!("EXIT, {reason}")));
        }
        let Some(life) = self.get(*peer) else {
            self.strangers += 1;
            return None;
        };
        let ended = |life: &Life| life.end.is_some_and(|end| end.begun <= *at + SKEW);
        if ended(life) || self.get(*node).is_none_or(ended) {
            return None;
        }
        let own = self.get(*node).map(Life::describe).unwrap_or_default();
        let what = format!("EXIT, {reason}, of a peer that was not gone: {}", life.describe());
        Some(violation(Rule::Life, *node, *peer, *at, format!("{what}; the node itself: {own}")))
    }
}

fn violation(rule: Rule, node: PeerId, peer: PeerId, at: Duration, what: String) -> Violation {
    Violation { rule, node, peer, what, at, history: Vec::new() }
}
