//! Which nodes are alive, and which peers each has been told of.
//!
//! Rule 6: nobody is EXITed, called EVASIVE or UNREACHABLE who is alive and awake, and every node
//! that has ended is EXITed by all in time, for the reason that is true. Rule 4: before it says
//! that a node has stopped, all that the node had said has come.

mod keys;

use std::collections::BTreeMap;
use std::time::Duration;

use zyre::{ExitReason, PeerId};

use super::circle::Circle;
use super::kinds::Kind;
use super::protocol::{Counted, How};
use super::trust::{Met, Parting};
use testkit::ledger::{Fate, Rule, Violation};

/// How long after a node has stopped its last peer may hear of it.
const STOP_BOUND: Duration = Duration::from_secs(1);

/// How long after a node, or its process, has died its last peer may hear of it.
const CRASH_BOUND: Duration = Duration::from_secs(2);

/// How late reports of different processes may be.
const REPORTED: Duration = Duration::from_secs(1);

/// How much the clocks of two processes may differ, and how long a time may be in coming.
const SKEW: Duration = Duration::from_millis(50);

/// How long after a stall of one of them two nodes may still take each other for something else
/// than they are: EVASIVE comes after 5 s, SILENT a second later.
const DISTURBED: Duration = Duration::from_secs(8);

/// How long ended lives are remembered.
const REMEMBERED: Duration = Duration::from_secs(60);

/// One node from its start to its end.
#[derive(Debug)]
pub(super) struct Life {
    pub(super) name: String,
    pub(super) slot: usize,
    pub(super) process: u64,
    pub(super) kind: Kind,
    /// The nodes that it may meet.
    pub(super) circle: Circle,
    /// Of a secure node.
    pub(super) key: Option<String>,
    pub(super) up: Duration,
    /// The last time that it was stalled.
    pub(super) stall: Option<(Duration, Duration)>,
    pub(super) end: Option<End>,
    pub(super) counted: Counted,
    /// Peers between ENTER and EXIT, and when they entered.
    present: BTreeMap<PeerId, Duration>,
    /// How many whispers each peer had been sent that was present when the node was stopped.
    said: BTreeMap<PeerId, u32>,
}

/// How and when a life ended.
#[derive(Clone, Copy, Debug)]
pub(super) struct End {
    how: How,
    begun: Duration,
    done: Option<Duration>,
    /// Its process was killed before it was done.
    interrupted: bool,
}

/// An EXIT that is judged when all reports of its time have come.
#[derive(Debug)]
pub(super) struct Exit {
    pub(super) node: PeerId,
    pub(super) peer: PeerId,
    pub(super) at: Duration,
    pub(super) reason: String,
    /// All whispers of the peer before this number had come, if the node tells.
    pub(super) heard: Option<u32>,
}

/// Something that a node was told of a peer, and that is wrong of one that is alive and awake.
/// Judged when all reports of its time have come.
#[derive(Debug)]
pub(super) struct Complaint {
    pub(super) node: PeerId,
    pub(super) peer: PeerId,
    pub(super) at: Duration,
    pub(super) what: String,
}

/// All lives of a run.
#[derive(Debug, Default)]
pub(super) struct Lives {
    lives: BTreeMap<PeerId, Life>,
    exits: Vec<Exit>,
    complaints: Vec<Complaint>,
    pub(super) enters: u64,
    /// EXITs by reason.
    pub(super) reasons: BTreeMap<String, u64>,
    /// EXITs of nodes that are none of ours.
    pub(super) strangers: u64,
    /// The nodes are secure ones, and goodbyes are forged.
    secure: bool,
    meetings: Vec<Met>,
    partings: Vec<Parting>,
}

impl Life {
    /// When it was last known to do nothing; the past as long as it never was.
    fn stalled_until(&self) -> Duration {
        self.stall.map_or(Duration::ZERO, |(_, until)| until)
    }

    /// Returns whether it is alive, and has not been stalled for the time `since`.
    pub(super) fn is_awake(&self, now: Duration, since: Duration) -> bool {
        self.end.is_none() && (self.stall.is_none() || self.stalled_until() + since < now)
    }

    /// Returns whether it had begun to end at this time.
    fn had_ended(&self, at: Duration) -> bool {
        self.end.is_some_and(|end| end.begun <= at + SKEW)
    }

    /// Returns whether it was stalled shortly before this time, or is since.
    fn was_disturbed(&self, at: Duration) -> bool {
        self.stall.is_some_and(|(_, until)| until + DISTURBED > at)
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
    /// The nodes are secure ones, or not.
    pub(super) fn of(secure: bool) -> Self {
        Self { secure, ..Self::default() }
    }

    pub(super) fn get(&self, id: PeerId) -> Option<&Life> {
        self.lives.get(&id)
    }

    pub(super) fn get_mut(&mut self, id: PeerId) -> Option<&mut Life> {
        self.lives.get_mut(&id)
    }

    /// Returns the nodes that have not begun to end.
    pub(super) fn alive(&self) -> impl Iterator<Item = (PeerId, &Life)> {
        self.lives.iter().filter(|(_, life)| life.end.is_none()).map(|(id, life)| (*id, life))
    }

    /// The name of a node, for people.
    pub(super) fn name(&self, id: PeerId) -> String {
        let short = id.default_name();
        self.get(id).map_or_else(|| short.clone(), |life| format!("{} ({short})", life.name))
    }

    pub(super) fn up(
        &mut self,
        id: PeerId,
        name: String,
        slot: usize,
        process: u64,
        kind: Kind,
        up: Duration,
    ) {
        let (stall, end, counted, present, said) = Default::default();
        let (circle, key) = (Circle::Plain, None);
        let life =
            Life { name, slot, process, kind, circle, key, up, stall, end, counted, present, said };
        self.lives.insert(id, life);
    }

    pub(super) fn ending(&mut self, id: PeerId, how: How, at: Duration) {
        if let Some(life) = self.lives.get_mut(&id) {
            life.end.get_or_insert(End { how, begun: at, done: None, interrupted: false });
        }
    }

    pub(super) fn ended(&mut self, id: PeerId, at: Duration, said: BTreeMap<PeerId, u32>) {
        let Some(life) = self.lives.get_mut(&id) else { return };
        life.said = said;
        if let Some(end) = &mut life.end {
            end.done.get_or_insert(at);
        }
    }

    /// A process was killed: so were its nodes that had not ended.
    pub(super) fn killed(&mut self, process: u64, at: Duration) {
        for life in self.lives.values_mut().filter(|life| life.process == process) {
            let (how, interrupted) = (How::Kill, false);
            let end = life.end.get_or_insert(End { how, begun: at, done: None, interrupted });
            end.interrupted |= end.done.is_none() && end.how != How::Kill;
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
    pub(super) fn exit(&mut self, exit: Exit) -> Option<Violation> {
        let Exit { node, peer, at, .. } = exit;
        *self.reasons.entry(exit.reason.clone()).or_default() += 1;
        let entered = self.lives.get_mut(&node)?.present.remove(&peer);
        let late =
            entered.and_then(|entered| self.due(node, peer, entered)).filter(|due| at > *due);
        self.exits.push(exit);
        let end = self.get(peer)?.describe();
        late.map(|due| {
            let what = format!("EXIT {:.3?} too late; the peer: {end}", at.saturating_sub(due));
            violation(Rule::Life, node, peer, at, what)
        })
    }

    /// A node was told something of a peer.
    pub(super) fn complain(&mut self, complaint: Complaint) {
        self.complaints.push(complaint);
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
        let is_ripe = |exit: &mut Exit| exit.at + REPORTED < now;
        let ripe: Vec<Exit> = self.exits.extract_if(.., is_ripe).collect();
        for exit in ripe {
            found.extend(self.judge(&exit));
        }
        let is_ripe = |complaint: &mut Complaint| complaint.at + REPORTED < now;
        let ripe: Vec<Complaint> = self.complaints.extract_if(.., is_ripe).collect();
        found.extend(ripe.iter().filter_map(|complaint| self.judge_complaint(complaint)));
        found.extend(self.check_keys(now));
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
        let Exit { node, peer, at, reason, .. } = exit;
        let lost = match reason.as_str() {
            "sequence gap" => Some(Rule::Delivery),
            "status mismatch" => Some(Rule::Agreement),
            "overflow" | "rejected" => Some(Rule::Life),
            _ => None,
        };
        if let Some(rule) = lost {
            return Some(violation(rule, *node, *peer, *at, format!("EXIT, {reason}")));
        }
        if reason == ExitReason::Distrusted.as_str() {
            return self.judge_distrust(exit);
        }
        let Some(life) = self.get(*peer) else {
            self.strangers += 1;
            return None;
        };
        let own = self.get(*node).filter(|own| !own.had_ended(*at))?;
        if !life.had_ended(*at) {
            if may_part(exit, life, own)
                || self.are_parted(*node, *peer, *at)
                || self.is_said_goodbye_for(exit, life, own)
            {
                return None;
            }
            let what = format!("EXIT, {reason}, of a peer that was not gone: {}", life.describe());
            let what = format!("{what}; the node itself: {}", own.describe());
            return Some(violation(Rule::Life, *node, *peer, *at, what));
        }
        if self.is_said_goodbye_for(exit, life, own) || self.are_parted(*node, *peer, *at) {
            return None;
        }
        let (rule, what) = wrong_end(exit, life, own)?;
        Some(violation(rule, *node, *peer, *at, what))
    }

    /// EVASIVE, SILENT or UNREACHABLE of a peer that was there and awake.
    fn judge_complaint(&self, complaint: &Complaint) -> Option<Violation> {
        let Complaint { node, peer, at, what } = complaint;
        let (life, own) = (self.get(*peer)?, self.get(*node)?);
        let lives = |life: &Life| !life.had_ended(*at) && !life.was_disturbed(*at);
        let parted = self.are_parted(*node, *peer, *at);
        (lives(life) && lives(own) && !parted).then(|| {
            let what = format!("{what}, of a peer that is alive and awake: {}", life.describe());
            violation(Rule::Life, *node, *peer, *at, what)
        })
    }
}

/// Whether two nodes that live may lose each other. The release before gives up a handshake after
/// 5 s: if one of the two was stalled in the midst of it, they part when it goes on, and meet again.
fn may_part(exit: &Exit, life: &Life, own: &Life) -> bool {
    let old = [life, own].iter().any(|life| life.kind == Kind::Old);
    let disturbed = life.was_disturbed(exit.at) || own.was_disturbed(exit.at);
    old && disturbed && exit.reason == ExitReason::LinkLost.as_str()
}

/// What is wrong about the EXIT of a peer that has really ended.
fn wrong_end(exit: &Exit, life: &Life, own: &Life) -> Option<(Rule, String)> {
    let end = life.end.filter(|end| !end.interrupted)?;
    let fate = if end.how == How::Stop { Fate::Stopped } else { Fate::Died };
    let disturbed = life.was_disturbed(end.begun) || own.was_disturbed(end.begun);
    let reasons = fate.reasons(disturbed);
    let reason = reasons.iter().find(|reason| reason.as_str() == exit.reason);
    let said = life.said.get(&exit.node).copied().unwrap_or_default();
    // The release before says goodbye by a beacon alone, which the end of its connections may
    // overtake.
    let silent = life.kind == Kind::Old && exit.reason == ExitReason::LinkLost.as_str();
    match (reason, exit.heard) {
        (None, _) if silent => None,
        (None, _) => {
            let what = format!("EXIT, {}, of a peer that ended: {}", exit.reason, life.describe());
            Some((Rule::Life, what))
        }
        (Some(ExitReason::Goodbye), Some(heard)) if heard < said => {
            let end = life.describe();
            let what =
                format!("EXIT, and of {said} whispers those from {heard} on have not come: {end}");
            Some((Rule::Delivery, what))
        }
        (Some(_), _) => None,
    }
}

fn violation(rule: Rule, node: PeerId, peer: PeerId, at: Duration, what: String) -> Violation {
    Violation { rule, node, peer, what, at, history: Vec::new() }
}

#[cfg(test)]
mod tests;
