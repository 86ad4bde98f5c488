//! A node as the C library makes them, as far as it matters to one that talks with it: it answers
//! every HELLO while it is ready, its links reconnect by themselves, and beacons are no life.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;
use std::time::{Duration, Instant};

use zre_proto::message::{Command, Hello, Message};
use zre_proto::{
    Action, ConnId, Content, Endpoint, Event, ExitReason, Headers, Input, Loss, MessageLimits,
    Output, PeerId,
};

use crate::common::{endpoint, id};
use crate::net::{Mind, Net};

const EVASIVE: Duration = Duration::from_secs(5);
const EXPIRED: Duration = Duration::from_secs(30);
const REAP: Duration = Duration::from_secs(1);
const RECONNECT: Duration = Duration::from_millis(100);

#[derive(Debug)]
pub(crate) struct CLike {
    endpoint: Endpoint,
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
    sent: u16,
    received: u16,
    heard: Instant,
    asked: Instant,
}

impl CLike {
    /// Starts one as node `n`.
    pub(crate) fn start(net: &mut Net, n: u8) {
        let mind = Self {
            endpoint: endpoint(n),
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
            sent: 0,
            received: 0,
            heard: now,
            asked: now,
        };
        self.peers.insert(peer, new);
        self.connect(peer);
        let own = self.endpoint.to_string();
        let hello = Hello { endpoint: own.as_bytes(), name: b"c", ..Hello::default() };
        self.send(peer, Command::Hello(hello), Content::none());
    }

    fn forget(&mut self, peer: PeerId, reason: ExitReason) {
        let Some(gone) = self.peers.remove(&peer) else { return };
        self.outputs.push_back(Output::Close { conn: gone.link });
        if gone.ready {
            self.event(Event::Exit { peer, name: "engine".into(), reason });
        }
    }

    fn message(&mut self, now: Instant, peer: PeerId, header: &[u8], content: Content) {
        let Ok(message) = Message::decode(header, &MessageLimits::default()) else { return };
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
        }
        let Some(from) = self.peers.get_mut(&peer).filter(|peer| peer.ready) else { return };
        from.received = from.received.wrapping_add(1);
        if from.received != message.sequence {
            return self.forget(peer, ExitReason::SequenceGap);
        }
        from.heard = now;
        match message.command {
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
            if due(self.peers.get(&peer).map(|peer| peer.heard + EXPIRED)) {
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
        if let Action::Whisper { peer, content } = action
            && self.peers.get(&peer).is_some_and(|peer| peer.ready)
        {
            self.send(peer, Command::Whisper, content);
        }
    }

    fn handle_timeout(&mut self, now: Instant) {
        self.time(now);
    }

    fn poll_output(&mut self) -> Option<Output> {
        self.outputs.pop_front()
    }

    fn next_deadline(&self) -> Option<Instant> {
        let peers = self.peers.values();
        peers
            .flat_map(|peer| [Some(peer.heard + EXPIRED), Some(peer.ask()), peer.reconnect])
            .flatten()
            .min()
    }
}
