//! A node as the C library makes them, as far as it matters to one that talks with it: it answers
//! every HELLO while it is ready, its links reconnect by themselves, beacons are no life, and it elects
//! leaders.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::Arc;
use std::time::{Duration, Instant};

use zre_proto::message::{Command, Hello, Message};
use zre_proto::{
    Action, ConnId, Content, Endpoint, Event, ExitReason, Headers, Input, Loss, MessageLimits,
    Output, PeerId,
};

use crate::c_election::{CElection, Say};
use crate::common::{endpoint, id};
use crate::net::{Mind, Net};

const EVASIVE: Duration = Duration::from_secs(5);
const EXPIRED: Duration = Duration::from_secs(30);
const REAP: Duration = Duration::from_secs(1);
const RECONNECT: Duration = Duration::from_millis(100);

#[derive(Debug)]
pub(crate) struct CLike {
    id: PeerId,
    endpoint: Endpoint,
    groups: BTreeMap<String, CElection>,
    status: u8,
    /// As pyre and zyre.js do, it takes ELECT and LEADER for an error in the sequence.
    knows_elections: bool,
    /// A peer that is quiet is noticed so much late.
    reap_late: Duration,
    peers: BTreeMap<PeerId, Peer>,
    outputs: VecDeque<Output>,
    last_link: u64,
}

#[derive(Debug)]
struct Peer {
    endpoint: Endpoint,
    link: ConnId,
    /// When the link is tried again, if it is lost.
    reconnect: Option<Instant>,
    ready: bool,
    groups: BTreeSet<String>,
    sent: u16,
    received: u16,
    heard: Instant,
    asked: Instant,
}

impl CLike {
    /// Starts one as node `n`.
    pub(crate) fn start(net: &mut Net, n: u8) {
        Self::start_with(net, n, true, 0);
    }

    /// Starts one that takes elections for errors, or not, and notices so many milliseconds late
    /// that a peer is quiet.
    pub(crate) fn start_with(net: &mut Net, n: u8, knows_elections: bool, late: u64) {
        let mind = Self {
            id: id(n),
            endpoint: endpoint(n),
            groups: BTreeMap::new(),
            status: 0,
            knows_elections,
            reap_late: Duration::from_millis(late),
            peers: BTreeMap::new(),
            outputs: VecDeque::new(),
            last_link: 0,
        };
        net.start_mind(n, id(n), endpoint(n), Box::new(mind));
    }

    fn event(&mut self, event: Event) {
        self.outputs.push_back(Output::Event(event));
    }

    /// Opens the link of a peer.
    fn connect(&mut self, peer: PeerId) {
        let Some(to) = self.peers.get_mut(&peer) else { return };
        self.last_link += 1;
        to.link = ConnId::Dialled(self.last_link);
        to.reconnect = None;
        self.outputs.push_back(Output::Connect {
            peer,
            conn: to.link,
            endpoint: to.endpoint,
            interface: None,
            failed_before: false,
        });
    }

    fn send(&mut self, peer: PeerId, command: Command<'_>, content: Content) {
        // What is sent while the link reconnects is lost here: a gap, where libzmq would keep it.
        let Some(to) = self.peers.get_mut(&peer) else { return };
        to.sent = to.sent.wrapping_add(1);
        let header = Message { sequence: to.sent, command }.encode();
        self.outputs.push_back(Output::Send { conn: to.link, header, content });
    }

    fn require(&mut self, now: Instant, peer: PeerId, endpoint: Endpoint) {
        let new = Peer {
            endpoint,
            link: ConnId::Dialled(0),
            reconnect: None,
            ready: false,
            groups: BTreeSet::new(),
            sent: 0,
            received: 0,
            heard: now,
            asked: now,
        };
        self.peers.insert(peer, new);
        self.connect(peer);
        let own = self.endpoint.to_string();
        let groups: Vec<String> = self.groups.keys().cloned().collect();
        let hello = Hello {
            endpoint: own.as_bytes(),
            groups: groups.iter().map(String::as_bytes).collect(),
            status: self.status,
            name: b"c",
            ..Hello::default()
        };
        self.send(peer, Command::Hello(hello), Content::none());
    }

    fn forget(&mut self, peer: PeerId, reason: ExitReason) {
        let shared: Vec<(String, usize)> =
            self.groups.keys().map(|group| (group.clone(), self.members(group).len())).collect();
        let Some(gone) = self.peers.remove(&peer) else { return };
        self.outputs.push_back(Output::Close { conn: gone.link });
        if gone.ready {
            self.event(Event::Exit { peer, name: "engine".into(), reason });
        }
        for (group, members) in shared {
            let Some(election) = self.groups.get(&group).filter(|it| it.contests) else { continue };
            if election.is_running() || election.leader == Some(peer) {
                // It counts before it removes the one that has gone.
                self.elect_anew(&group, members == 1);
            }
        }
    }

    fn members(&self, group: &str) -> Vec<PeerId> {
        let members = self.peers.iter().filter(|(_, peer)| peer.groups.contains(group));
        members.map(|(id, _)| *id).collect()
    }

    /// A round begins, if there is anybody to elect with.
    fn elect_anew(&mut self, group: &str, is_alone: bool) {
        let members = self.members(group);
        let Some(election) = self.groups.get_mut(group) else { return };
        if is_alone {
            election.is_alone();
            let (group, leader) = (group.into(), Some(self.id));
            return self.event(Event::Leader { group, leader, mine: true });
        }
        let says = election.start(&members);
        self.say(group, says);
    }

    fn say(&mut self, group: &str, says: Vec<Say>) {
        for say in says {
            let (to, of) = match say {
                Say::Elect(to, id) | Say::Leader(to, id) => (to, id.to_upper_hex()),
            };
            let group = group.as_bytes();
            let command = match say {
                Say::Elect(..) => Command::Elect { group, challenger: &of },
                Say::Leader(..) => Command::Leader { group, leader: &of },
            };
            self.send(to, command, Content::none());
        }
    }

    /// A peer is in a group.
    fn joined(&mut self, peer: PeerId, group: &str) {
        let Some(to) = self.peers.get_mut(&peer) else { return };
        to.groups.insert(group.to_owned());
        self.event(Event::Join { peer, name: "engine".into(), group: group.into() });
        if self.groups.get(group).is_some_and(|election| election.contests) {
            self.elect_anew(group, false);
        }
    }

    fn left(&mut self, peer: PeerId, group: &str) {
        let Some(to) = self.peers.get_mut(&peer) else { return };
        to.groups.remove(group);
        self.event(Event::Leave { peer, name: "engine".into(), group: group.into() });
        let leads = |it: &CElection| it.contests && it.leader == Some(peer);
        if self.groups.get(group).is_some_and(leads) {
            self.elect_anew(group, self.members(group).is_empty());
        }
    }

    fn vote(&mut self, peer: PeerId, command: &Command<'_>) {
        let (Command::Elect { group, challenger: of } | Command::Leader { group, leader: of }) =
            command
        else {
            return;
        };
        if !self.knows_elections {
            return self.forget(peer, ExitReason::SequenceGap);
        }
        let (group, of) =
            (std::str::from_utf8(group).unwrap(), PeerId::from_upper_hex(of).unwrap());
        let members = self.members(group);
        let Some(election) = self.groups.get_mut(group) else { return };
        if let Command::Elect { .. } = command {
            let says = election.elect(&members, peer, of);
            return self.say(group, says);
        }
        let (says, ended) = election.leader(&members, of);
        let (mine, known) = (of == self.id, self.peers.contains_key(&of));
        if ended && known {
            election.leader = Some(of);
        }
        self.say(group, says);
        if ended && (mine || known) {
            self.event(Event::Leader { group: group.into(), leader: Some(of), mine });
        }
    }

    /// Tells all peers that this node is in a group, or in it no more.
    fn tell_all(&mut self, command: &Command<'_>) {
        for peer in self.peers.keys().copied().collect::<Vec<_>>() {
            self.send(peer, command.clone(), Content::none());
        }
    }

    fn message(&mut self, now: Instant, peer: PeerId, header: &[u8], content: Content) {
        let Ok(message) = Message::decode(header, &MessageLimits::default()) else { return };
        let mut greeted = Vec::new();
        if let Command::Hello(hello) = &message.command {
            if self.peers.get(&peer).is_some_and(|peer| peer.ready) {
                self.forget(peer, ExitReason::Restarted);
            }
            if !self.peers.contains_key(&peer) {
                let announced = std::str::from_utf8(hello.endpoint).unwrap().parse().unwrap();
                self.require(now, peer, announced);
            }
            let Some(ready) = self.peers.get_mut(&peer) else { return };
            (ready.ready, ready.received) = (true, 0);
            let (name, headers) = ("engine".into(), Arc::new(Headers::new()));
            let endpoint = ready.endpoint;
            self.event(Event::Enter { peer, name, headers, endpoint });
            greeted.extend(hello.groups.iter().map(|it| String::from_utf8_lossy(it).into_owned()));
        }
        let Some(from) = self.peers.get_mut(&peer).filter(|peer| peer.ready) else { return };
        from.received = from.received.wrapping_add(1);
        if from.received != message.sequence {
            return self.forget(peer, ExitReason::SequenceGap);
        }
        from.heard = now;
        for group in greeted {
            self.joined(peer, &group);
        }
        let text = |group: &[u8]| String::from_utf8_lossy(group).into_owned();
        match message.command {
            Command::Join { group, .. } => self.joined(peer, &text(group)),
            Command::Leave { group, .. } => self.left(peer, &text(group)),
            command @ (Command::Elect { .. } | Command::Leader { .. }) => self.vote(peer, &command),
            Command::Ping => self.send(peer, Command::PingOk, Content::none()),
            Command::Whisper => {
                self.event(Event::Whisper { peer, name: "engine".into(), content });
            }
            _ => {}
        }
    }

    fn time(&mut self, now: Instant) {
        let due = |at: Option<Instant>| at.is_some_and(|at| at <= now);
        for peer in self.peers.keys().copied().collect::<Vec<_>>() {
            if due(self.peers.get(&peer).and_then(|peer| peer.reconnect)) {
                self.connect(peer);
            }
            if due(self.peers.get(&peer).map(|peer| peer.heard + EXPIRED + self.reap_late)) {
                self.forget(peer, ExitReason::Expired);
            }
            if due(self.peers.get(&peer).map(Peer::ask)) {
                self.peers.get_mut(&peer).into_iter().for_each(|peer| peer.asked = now);
                self.send(peer, Command::Ping, Content::none());
            }
        }
    }
}

impl Peer {
    /// When it is asked next whether it is alive.
    fn ask(&self) -> Instant {
        (self.heard + EVASIVE).max(self.asked + REAP)
    }
}

impl Mind for CLike {
    fn handle(&mut self, now: Instant, input: Input<'_>) {
        match input {
            Input::Candidate { peer, endpoint } if !self.peers.contains_key(&peer) => {
                self.require(now, peer, endpoint);
            }
            Input::Beacon { beacon, .. } if beacon.is_goodbye() => {
                self.forget(beacon.peer, ExitReason::Goodbye);
            }
            Input::Message { peer, header, content, .. } => {
                self.message(now, peer, header, content);
            }
            Input::Lost { peer, why: Loss::Overflow, .. } => {
                self.forget(peer, ExitReason::Expired);
            }
            Input::Lost { peer, conn, .. } => {
                let lost = self.peers.get_mut(&peer).filter(|peer| peer.link == conn);
                lost.into_iter().for_each(|peer| peer.reconnect = Some(now + RECONNECT));
            }
            _ => {}
        }
    }

    fn act(&mut self, _now: Instant, action: Action<'_>) {
        match action {
            Action::Whisper { peer, content }
                if self.peers.get(&peer).is_some_and(|peer| peer.ready) =>
            {
                self.send(peer, Command::Whisper, content);
            }
            Action::Join(group) | Action::Contest(group) => {
                let joins = !self.groups.contains_key(group);
                let me = self.id;
                let election =
                    self.groups.entry(group.to_owned()).or_insert_with(|| CElection::new(me));
                election.contests |= matches!(action, Action::Contest(_));
                if joins {
                    self.status += 1;
                    let (group, status) = (group.as_bytes(), self.status);
                    self.tell_all(&Command::Join { group, status });
                }
            }
            Action::Leave(group) if self.groups.remove(group).is_some() => {
                self.status += 1;
                let (group, status) = (group.as_bytes(), self.status);
                self.tell_all(&Command::Leave { group, status });
            }
            _ => {}
        }
    }

    fn handle_timeout(&mut self, now: Instant) {
        self.time(now);
    }

    fn poll_output(&mut self) -> Option<Output> {
        self.outputs.pop_front()
    }

    fn waits_for_ever(&self) -> bool {
        self.groups.iter().any(|(group, it)| it.waits_for_ever(self.members(group).len()))
    }

    fn next_deadline(&self) -> Option<Instant> {
        let peers = self.peers.values();
        peers
            .flat_map(|peer| {
                [Some(peer.heard + EXPIRED + self.reap_late), Some(peer.ask()), peer.reconnect]
            })
            .flatten()
            .min()
    }
}
