//! What was counted.

use std::collections::BTreeMap;

use zre_proto::{Content, Event, Header, Stats};

/// Names of ZRE's commands, by their numbers.
pub(super) const COMMANDS: [&str; 11] = [
    "?", "HELLO", "WHISPER", "SHOUT", "JOIN", "LEAVE", "PING", "PING-OK", "ELECT", "LEADER",
    "GOODBYE",
];
pub(super) const HELLO: usize = 1;
pub(super) const JOIN: usize = 4;
pub(super) const PING: usize = 6;

/// What was counted.
#[derive(Clone, Debug, Default)]
pub(super) struct Counts {
    /// Processes started.
    pub(super) nodes: u64,
    /// Inputs to engines.
    pub(super) inputs: u64,
    /// Beacons sent, each one datagram to all.
    pub(super) beacons: u64,
    /// Deliveries of beacons that were lost, and that arrived.
    pub(super) beacons_lost: u64,
    pub(super) beacons_heard: u64,
    /// Things that arrived on connections.
    pub(super) segments: u64,
    /// Connections that engines wanted, those of them that have led to nothing, and those that
    /// came to mailboxes.
    pub(super) dials: u64,
    pub(super) dials_failed: u64,
    pub(super) accepted: u64,
    /// Ends of connections, and peers between ENTER and EXIT, when the run was over.
    pub(super) connections: u64,
    pub(super) present: u64,
    /// Times that engines were told of bytes that move.
    pub(super) progress: u64,
    /// Messages on the wire, and their bytes with ZMTP's framing, by command.
    pub(super) messages: [u64; COMMANDS.len()],
    pub(super) bytes: [u64; COMMANDS.len()],
    pub(super) enters: u64,
    /// Of these, on a connection that carries both directions.
    pub(super) two_way: u64,
    pub(super) exits: BTreeMap<&'static str, u64>,
    pub(super) unreachable: BTreeMap<&'static str, u64>,
    pub(super) evasive: u64,
    pub(super) silent: u64,
    pub(super) returned: u64,
    pub(super) whispers: u64,
    pub(super) shouts: u64,
    /// Whispers to peers that had left.
    pub(super) refused: u64,
    pub(super) overflows: u64,
    pub(super) before_hello: u64,
    pub(super) malformed: u64,
    pub(super) intruding: u64,
    /// Beacons of nodes that a secure node does not trust.
    pub(super) strangers: u64,
    pub(super) other_security: u64,
    pub(super) key_conflicts: u64,
}

impl Counts {
    pub(super) fn message(&mut self, header: &Header, content: &Content) {
        let framed = |bytes: usize| bytes as u64 + if bytes > 255 { 9 } else { 2 };
        let kind = header.get(2).map_or(0, |id| usize::from(*id));
        let kind = if kind < COMMANDS.len() { kind } else { 0 };
        let frames = content.frames().iter().map(|frame| framed(frame.len())).sum::<u64>();
        self.messages[kind] += 1;
        self.bytes[kind] += framed(header.len()) + frames;
    }

    /// What an application is told.
    pub(super) fn event(&mut self, event: &Event) {
        match event {
            Event::Enter { .. } => self.enters += 1,
            Event::Exit { reason, .. } => *self.exits.entry(reason.as_str()).or_default() += 1,
            Event::Unreachable { why, .. } => {
                *self.unreachable.entry(why.as_str()).or_default() += 1;
            }
            Event::Evasive { .. } => self.evasive += 1,
            Event::Silent { .. } => self.silent += 1,
            Event::Returned { .. } => self.returned += 1,
            Event::Whisper { .. } => self.whispers += 1,
            Event::Shout { .. } => self.shouts += 1,
            _ => {}
        }
    }

    /// Connections that a pair has, when the run was over.
    pub(super) fn connections_of_a_pair(&self) -> f64 {
        // Both ends are counted, and both sides of a pair.
        self.connections as f64 / self.present.max(1) as f64
    }

    /// HELLOs that one ENTER has taken.
    pub(super) fn hellos_of_an_enter(&self) -> f64 {
        self.messages[HELLO] as f64 / self.enters.max(1) as f64
    }

    pub(super) const fn add_engine(&mut self, stats: &Stats) {
        self.dials += stats.dials;
        self.dials_failed += stats.dials_failed;
        self.two_way += stats.two_way;
        self.overflows += stats.overflows;
        self.before_hello += stats.before_hello;
        self.malformed += stats.malformed;
        self.intruding += stats.intruding;
        self.other_security += stats.other_security;
        self.key_conflicts += stats.key_conflicts;
    }

    pub(super) fn add(&mut self, other: &Self) {
        for (sum, more) in [
            (&mut self.nodes, other.nodes),
            (&mut self.inputs, other.inputs),
            (&mut self.beacons, other.beacons),
            (&mut self.beacons_lost, other.beacons_lost),
            (&mut self.beacons_heard, other.beacons_heard),
            (&mut self.segments, other.segments),
            (&mut self.dials, other.dials),
            (&mut self.dials_failed, other.dials_failed),
            (&mut self.accepted, other.accepted),
            (&mut self.connections, other.connections),
            (&mut self.present, other.present),
            (&mut self.progress, other.progress),
            (&mut self.enters, other.enters),
            (&mut self.two_way, other.two_way),
            (&mut self.evasive, other.evasive),
            (&mut self.silent, other.silent),
            (&mut self.returned, other.returned),
            (&mut self.whispers, other.whispers),
            (&mut self.shouts, other.shouts),
            (&mut self.refused, other.refused),
            (&mut self.overflows, other.overflows),
            (&mut self.before_hello, other.before_hello),
            (&mut self.malformed, other.malformed),
            (&mut self.intruding, other.intruding),
            (&mut self.strangers, other.strangers),
            (&mut self.other_security, other.other_security),
            (&mut self.key_conflicts, other.key_conflicts),
        ] {
            *sum += more;
        }
        for kind in 0..COMMANDS.len() {
            self.messages[kind] += other.messages[kind];
            self.bytes[kind] += other.bytes[kind];
        }
        for (sum, more) in
            [(&mut self.exits, &other.exits), (&mut self.unreachable, &other.unreachable)]
        {
            for (reason, count) in more {
                *sum.entry(reason).or_default() += count;
            }
        }
    }

    pub(super) fn all_messages(&self) -> u64 {
        self.messages.iter().sum()
    }

    pub(super) fn all_bytes(&self) -> u64 {
        self.bytes.iter().sum()
    }
}
