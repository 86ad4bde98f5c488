//! What was counted, and what goes into the fingerprint of a run.

use std::collections::BTreeMap;

use zre_proto::{Action, Content, Event, ExitReason, Header, Input, PeerId, Stats};

use super::chance::Digest;

/// Names of ZRE's commands, by their numbers.
pub(super) const COMMANDS: [&str; 8] =
    ["?", "HELLO", "WHISPER", "SHOUT", "JOIN", "LEAVE", "PING", "PING-OK"];

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
    pub(super) connects: u64,
    /// Messages on the wire, and their octets with ZMTP's framing, by command.
    pub(super) messages: [u64; 8],
    pub(super) octets: [u64; 8],
    pub(super) enters: u64,
    pub(super) exits: BTreeMap<&'static str, u64>,
    pub(super) whispers: u64,
    pub(super) shouts: u64,
    /// Whispers to peers that had left.
    pub(super) refused: u64,
    pub(super) overflows: u64,
    pub(super) before_hello: u64,
    pub(super) malformed: u64,
    pub(super) intruding: u64,
}

impl Counts {
    pub(super) fn message(&mut self, header: &Header, content: &Content) {
        let framed = |octets: usize| octets as u64 + if octets > 255 { 9 } else { 2 };
        let kind = header.get(2).map_or(0, |id| usize::from(*id));
        let kind = if kind < COMMANDS.len() { kind } else { 0 };
        let frames = content.frames().iter().map(|frame| framed(frame.len())).sum::<u64>();
        self.messages[kind] += 1;
        self.octets[kind] += framed(header.len()) + frames;
    }

    pub(super) fn exit(&mut self, reason: ExitReason) {
        *self.exits.entry(reason.as_str()).or_default() += 1;
    }

    pub(super) const fn add_engine(&mut self, stats: &Stats) {
        self.overflows += stats.overflows;
        self.before_hello += stats.before_hello;
        self.malformed += stats.malformed;
        self.intruding += stats.intruding;
    }

    pub(super) fn add(&mut self, other: &Self) {
        for (sum, more) in [
            (&mut self.nodes, other.nodes),
            (&mut self.inputs, other.inputs),
            (&mut self.beacons, other.beacons),
            (&mut self.beacons_lost, other.beacons_lost),
            (&mut self.beacons_heard, other.beacons_heard),
            (&mut self.segments, other.segments),
            (&mut self.connects, other.connects),
            (&mut self.enters, other.enters),
            (&mut self.whispers, other.whispers),
            (&mut self.shouts, other.shouts),
            (&mut self.refused, other.refused),
            (&mut self.overflows, other.overflows),
            (&mut self.before_hello, other.before_hello),
            (&mut self.malformed, other.malformed),
            (&mut self.intruding, other.intruding),
        ] {
            *sum += more;
        }
        for kind in 0..COMMANDS.len() {
            self.messages[kind] += other.messages[kind];
            self.octets[kind] += other.octets[kind];
        }
        for (reason, count) in &other.exits {
            *self.exits.entry(reason).or_default() += count;
        }
    }

    pub(super) fn all_messages(&self) -> u64 {
        self.messages.iter().sum()
    }

    pub(super) fn all_octets(&self) -> u64 {
        self.octets.iter().sum()
    }
}

impl Digest {
    fn peer(&mut self, peer: PeerId) {
        let (words, _) = peer.as_bytes().as_chunks::<8>();
        words.iter().for_each(|word| self.word(u64::from_le_bytes(*word)));
    }

    fn content(&mut self, content: &Content) {
        content.frames().iter().for_each(|frame| self.octets(frame));
    }

    /// What an engine is told.
    pub(super) fn input(&mut self, input: &Input<'_>) {
        match input {
            Input::Candidate { peer, endpoint } => {
                self.word(1 | u64::from(endpoint.address().port()) << 8);
                self.peer(*peer);
            }
            Input::Goodbye { peer } => {
                self.word(2);
                self.peer(*peer);
            }
            Input::Message { peer, conn, header, content, .. } => {
                self.word(3 | conn.0 << 8);
                self.peer(*peer);
                self.octets(header);
                self.content(content);
            }
            Input::MailboxLost { conn, .. } => self.word(4 | conn.0 << 8),
            Input::LinkUp { link, .. } => self.word(5 | link.0 << 8),
            Input::LinkLost { link, overflow, .. } => {
                self.word(6 | u64::from(*overflow) << 7 | link.0 << 8);
            }
            Input::Paused(paused) => self.word(7 | u64::from(*paused) << 8),
            Input::Moved(endpoint) => self.word(8 | u64::from(endpoint.address().port()) << 8),
            Input::Action(action) => self.action(action),
            Input::Time => self.word(10),
        }
    }

    fn action(&mut self, action: &Action<'_>) {
        match action {
            Action::Join(group) | Action::Leave(group) => self.octets(group.as_bytes()),
            Action::Whisper { content, .. } | Action::Shout { content, .. } => {
                self.content(content)
            }
            _ => self.word(9),
        }
    }

    /// What an application is told.
    pub(super) fn event(&mut self, event: &Event) {
        let kind = match event {
            Event::Enter { .. } => 1,
            Event::Exit { reason, .. } => 2 | (*reason as u64) << 8,
            Event::Join { .. } => 3,
            Event::Leave { .. } => 4,
            Event::Whisper { .. } => 5,
            Event::Shout { .. } => 6,
            Event::Evasive { .. } => 7,
            Event::Silent { .. } => 8,
            Event::Moved { .. } => 9,
            _ => 10,
        };
        self.word(kind << 4);
        if let Some(peer) = event.peer() {
            self.peer(peer);
        }
    }
}
