//! A network of nodes on virtual time, with delays, breaking links, crashes and silence.
//!
//! It does what a driver does with the outputs of an engine, between engines. Every run with the
//! same seed is the same run.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::time::{Duration, Instant};

use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use zre_proto::message::{Command, Message};
use zre_proto::{
    Action, Config, ConnId, Content, Endpoint, Engine, Input, LinkId, MessageLimits, Output,
    PeerId, Refused,
};

use crate::common::{Promises, endpoint, id};
use crate::solo::describe_event;

/// How long a connection to a host that does not answer is tried.
const CONNECT_TIMEOUT: u64 = 5_000;

/// The state machine of a node: an engine, or a model of another implementation.
pub(crate) trait Mind {
    fn handle(&mut self, now: Instant, input: Input<'_>) -> Result<(), Refused>;
    fn poll_output(&mut self) -> Option<Output>;
    fn next_deadline(&self) -> Option<Instant>;
    /// To be called when all outputs were taken.
    fn check(&mut self) {}
    fn watch(&mut self, _output: &Output) {}
}

/// An engine, and a watch on its promises.
struct Watched(Engine, Promises);

impl Mind for Watched {
    fn handle(&mut self, now: Instant, input: Input<'_>) -> Result<(), Refused> {
        self.1.input(&input);
        self.0.handle(now, input)
    }

    fn poll_output(&mut self) -> Option<Output> {
        self.0.poll_output()
    }

    fn next_deadline(&self) -> Option<Instant> {
        self.0.next_deadline()
    }

    fn check(&mut self) {
        self.1.agree_with(&self.0);
    }

    fn watch(&mut self, output: &Output) {
        self.1.output(output);
    }
}

/// Nodes and the links between them. A node has a number, which its id and endpoint follow from
/// unless it is told otherwise.
pub(crate) struct Net {
    start: Instant,
    /// Milliseconds since the start.
    now: u64,
    nodes: BTreeMap<u8, Node>,
    wires: BTreeMap<u64, Wire>,
    queue: BTreeMap<(u64, u64), Happening>,
    count: u64,
    rng: StdRng,
    /// The shortest and the longest time that anything takes on its way, in milliseconds.
    pub(crate) delay: (u64, u64),
    /// What keeps node 1 from node 2, if anything does.
    pub(crate) wall: Option<Wall>,
    /// HELLOs that all nodes have sent.
    pub(crate) hellos: usize,
    /// Links that all nodes have opened.
    pub(crate) connects: usize,
}

/// Nodes 1 and 2 have a firewall between them, which lets only the links of node 2 pass.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Wall {
    /// Links of node 1 are refused.
    Refuses,
    /// What node 1 sends to open a link is dropped.
    Drops,
}

struct Node {
    id: PeerId,
    endpoint: Endpoint,
    mind: Box<dyn Mind>,
    /// When it was started: what was sent to the node before that is not for this one.
    life: u64,
    /// Nothing comes from it or to it, and nobody is told.
    mute: bool,
    log: Vec<String>,
    /// The wire of each of its links.
    links: BTreeMap<LinkId, u64>,
}

impl Node {
    fn deadline(&self) -> Option<Instant> {
        self.mind.next_deadline().filter(|_| self.life != 0)
    }
}

/// A link of one node, and the mailbox connection of another that it becomes.
#[derive(Debug)]
struct Wire {
    from: (u8, u64),
    /// The sender's id and address.
    sender: (PeerId, IpAddr),
    link: LinkId,
    /// To whom it was opened.
    peer: PeerId,
    to: Option<(u8, u64)>,
    /// What was sent before it was connected.
    waiting: Vec<(Vec<u8>, Content)>,
    up: bool,
    /// Closed or broken as its sender knows.
    ended: bool,
    /// What still arrives is not taken any more.
    deaf: bool,
    /// When the last thing on it arrives: nothing overtakes.
    last: u64,
}

enum Happening {
    Tick { node: u8, life: u64 },
    Candidate { to: u8, peer: PeerId, endpoint: Endpoint },
    Goodbye { to: u8, peer: PeerId },
    Dial(u64, Endpoint),
    Up(u64),
    Lost(u64),
    Arrive(u64, Vec<u8>, Content),
    End(u64),
}

impl Net {
    pub(crate) fn new(seed: u64) -> Self {
        Self {
            start: Instant::now(),
            now: 0,
            nodes: BTreeMap::new(),
            wires: BTreeMap::new(),
            queue: BTreeMap::new(),
            count: 0,
            rng: StdRng::seed_from_u64(seed),
            delay: (1, 3),
            wall: None,
            hellos: 0,
            connects: 0,
        }
    }

    /// A network of engines with the numbers 1 to `count`, each with a beacon.
    pub(crate) fn of(count: u8, seed: u64) -> Self {
        let mut net = Self::new(seed);
        (1..=count).for_each(|n| net.start(n));
        net
    }

    pub(crate) fn start(&mut self, n: u8) {
        self.start_as(n, id(n), endpoint(n));
    }

    /// Starts an engine as node `n`, in the place of one that was there before.
    pub(crate) fn start_as(&mut self, n: u8, id: PeerId, endpoint: Endpoint) {
        let engine = Engine::new(Config::new(id, endpoint)).unwrap();
        self.start_mind(n, id, endpoint, Box::new(Watched(engine, Promises::default())));
    }

    pub(crate) fn start_mind(
        &mut self,
        n: u8,
        id: PeerId,
        endpoint: Endpoint,
        mind: Box<dyn Mind>,
    ) {
        let log = self.nodes.remove(&n).map_or_else(Vec::new, |node| node.log);
        self.count += 1;
        let life = self.count;
        self.nodes
            .insert(n, Node { id, endpoint, mind, life, mute: false, log, links: BTreeMap::new() });
        let phase = self.rng.random_range(0..1000);
        self.at(self.now + phase, Happening::Tick { node: n, life });
    }

    /// The process of node `n` ends without a word, and its connections are reset.
    pub(crate) fn crash(&mut self, n: u8) {
        let Some(node) = self.nodes.get(&n) else { return };
        let life = node.life;
        let ours: Vec<u64> = self.wires_where(|wire| wire.from == (n, life));
        let theirs: Vec<u64> = self.wires_where(|wire| wire.to == Some((n, life)));
        for wire in ours {
            self.close(wire);
        }
        for wire in theirs {
            self.later(Happening::Lost(wire));
        }
        // What arrives from now on is for another life.
        self.nodes.get_mut(&n).into_iter().for_each(|node| node.life = 0);
    }

    /// The node stops and says goodbye by beacon, and when that has arrived its process ends.
    pub(crate) fn leave(&mut self, n: u8) {
        self.act(n, Action::Stop);
        self.forge_goodbye(n);
        self.run(self.delay.1);
        self.crash(n);
    }

    /// Anybody says goodbye in the name of node `n`.
    pub(crate) fn forge_goodbye(&mut self, n: u8) {
        let Some(peer) = self.nodes.get(&n).map(|node| node.id) else { return };
        for to in self.others(n) {
            self.later(Happening::Goodbye { to, peer });
        }
    }

    /// A beacon of node `n` that was on its way for long.
    pub(crate) fn late_beacon(&mut self, n: u8) {
        let Some((peer, endpoint)) = self.nodes.get(&n).map(|node| (node.id, node.endpoint)) else {
            return;
        };
        for to in self.others(n) {
            self.later(Happening::Candidate { to, peer, endpoint });
        }
    }

    /// The host of node `n` is cut off: nothing comes from it or to it, and nobody is told.
    pub(crate) fn mute(&mut self, n: u8) {
        self.nodes.get_mut(&n).into_iter().for_each(|node| node.mute = true);
    }

    /// All links between two nodes are reset, and what is on the way is lost.
    pub(crate) fn cut(&mut self, from: u8, to: u8) {
        let both = |wire: &Wire| wire.from.0 == from && wire.to.is_some_and(|(n, _)| n == to);
        for wire in self.wires_where(both) {
            self.queue.retain(|_, entry| !matches!(entry, Happening::Arrive(w, ..) if *w == wire));
            self.later(Happening::Lost(wire));
            self.later_on(wire, Happening::End(wire));
        }
    }

    /// Node `n` is told that the queue of its link to another was full: it gives up the other.
    pub(crate) fn forget(&mut self, n: u8, other: u8) {
        let Some(life) = self.nodes.get(&n).map(|node| node.life) else { return };
        let newest = self.wires.values().rfind(|wire| {
            wire.from == (n, life) && wire.to.is_none_or(|(to, _)| to == other) && !wire.ended
        });
        let Some(link) = newest.map(|wire| wire.link) else { return };
        let Some(peer) = self.nodes.get(&other).map(|node| node.id) else { return };
        self.tell(n, Input::LinkLost { peer, link, overflow: true });
    }

    pub(crate) fn act(&mut self, n: u8, action: Action<'_>) {
        self.tell(n, Input::Action(action));
    }

    /// What the application of node `n` heard since this was last asked.
    pub(crate) fn log(&mut self, n: u8) -> Vec<String> {
        self.nodes.get_mut(&n).map(|node| std::mem::take(&mut node.log)).unwrap_or_default()
    }

    /// Whether a WHISPER from each node to the other arrives, and nothing else happens meanwhile.
    pub(crate) fn talk(&mut self, one: u8, other: u8) -> bool {
        let quiet = [one, other].iter().all(|n| self.log(*n).is_empty());
        for (from, to) in [(one, other), (other, one)] {
            let peer = self.nodes[&to].id;
            self.tell(from, Input::Action(Action::Whisper { peer, content: "hi".into() }));
        }
        self.run(3 * self.delay.1);
        let heard = |net: &mut Self, at, from: u8| net.log(at) == [format!("WHISPER {from} hi")];
        let names = [one, other].map(|n| self.nodes[&n].id.as_bytes()[0]);
        quiet & heard(self, other, names[0]) & heard(self, one, names[1])
    }

    /// Lets so many milliseconds pass.
    pub(crate) fn run(&mut self, millis: u64) {
        let until = self.now + millis;
        let mut steps = 0;
        while let Some(next) = self.next().filter(|next| *next <= until) {
            steps = if next > self.now { 0 } else { steps + 1 };
            assert!(steps < 10_000, "endless work at {next} ms");
            self.now = self.now.max(next);
            if self.queue.first_key_value().is_some_and(|((at, _), _)| *at <= self.now) {
                if let Some((_, happening)) = self.queue.pop_first() {
                    self.happen(happening);
                }
            } else {
                let due = |node: &Node| node.mind.next_deadline() <= Some(self.instant());
                let due =
                    self.nodes.iter().find(|(_, node)| node.deadline().is_some() && due(node));
                let n = due.map(|(n, _)| *n);
                n.into_iter().for_each(|n| self.tell(n, Input::Time));
            }
        }
        self.now = until;
    }

    /// When something happens next.
    fn next(&self) -> Option<u64> {
        let deadlines = self.nodes.values().filter_map(Node::deadline);
        // A deadline is never met too early: round up.
        let deadlines = deadlines
            .map(|at| (at - self.start.min(at)).as_micros().div_ceil(1000) as u64)
            .map(|at| at.max(self.now));
        let queued = self.queue.first_key_value().map(|((at, _), _)| *at);
        deadlines.chain(queued).min()
    }

    fn instant(&self) -> Instant {
        self.start + Duration::from_millis(self.now)
    }

    fn others(&self, n: u8) -> Vec<u8> {
        self.nodes.keys().copied().filter(|other| *other != n).collect()
    }

    fn wires_where(&self, matches: impl Fn(&Wire) -> bool) -> Vec<u64> {
        let found = self.wires.iter().filter(|(_, wire)| !wire.ended && matches(wire));
        found.map(|(wire, _)| *wire).collect()
    }

    fn at(&mut self, at: u64, happening: Happening) {
        self.count += 1;
        self.queue.insert((at, self.count), happening);
    }

    fn some_delay(&mut self) -> u64 {
        self.rng.random_range(self.delay.0..=self.delay.1)
    }

    fn later(&mut self, happening: Happening) {
        let delay = self.some_delay();
        self.at(self.now + delay, happening);
    }

    /// On its way to the mailbox, behind all that was sent on the wire before.
    fn later_on(&mut self, wire: u64, happening: Happening) {
        let arrival = self.now + self.some_delay();
        let Some(to) = self.wires.get_mut(&wire) else { return };
        to.last = to.last.max(arrival);
        let last = to.last;
        self.at(last, happening);
    }

    /// The sender closes its link.
    fn close(&mut self, wire: u64) {
        let Some(closed) = self.wires.get_mut(&wire).filter(|wire| !wire.ended) else { return };
        closed.ended = true;
        closed.waiting.clear();
        let (n, _) = closed.from;
        if self.nodes.get(&n).is_some_and(|node| node.mute) {
            return;
        }
        self.later_on(wire, Happening::End(wire));
    }

    /// The receiver of a wire, if it is the same one as ever and can be reached, and the sender.
    fn receiver(&self, wire: u64) -> Option<(u8, (PeerId, IpAddr))> {
        let wire = self.wires.get(&wire).filter(|wire| !wire.deaf)?;
        let (to, life) = wire.to?;
        self.nodes.get(&to).filter(|node| node.life == life && !node.mute)?;
        Some((to, wire.sender))
    }

    /// The sender of a wire, its link, and to whom, if the sender still has the link.
    fn sender(&self, wire: u64) -> Option<(u8, LinkId, PeerId)> {
        let wire = self.wires.get(&wire).filter(|wire| !wire.ended)?;
        let (from, life) = wire.from;
        self.nodes.get(&from).filter(|node| node.life == life && !node.mute)?;
        Some((from, wire.link, wire.peer))
    }

    fn happen(&mut self, happening: Happening) {
        match happening {
            Happening::Tick { node: n, life } => self.tick(n, life),
            Happening::Candidate { to, peer, endpoint } => {
                self.tell(to, Input::Candidate { peer, endpoint });
            }
            Happening::Goodbye { to, peer } => self.tell(to, Input::Goodbye { peer }),
            Happening::Dial(wire, endpoint) => self.dial(wire, endpoint),
            Happening::Up(wire) => self.connected(wire),
            Happening::Lost(wire) => {
                let Some((from, link, peer)) = self.sender(wire) else { return };
                self.wires.get_mut(&wire).into_iter().for_each(|wire| wire.ended = true);
                self.tell(from, Input::LinkLost { peer, link, overflow: false });
            }
            Happening::Arrive(wire, header, content) => {
                let Some((to, (peer, source))) = self.receiver(wire) else { return };
                let limits = MessageLimits::default();
                // What arrives was written anew from what was read.
                let header = Message::decode(&header, &limits).unwrap().encode();
                let conn = ConnId(wire);
                self.tell(to, Input::Message { peer, conn, source, header: &header, content });
            }
            Happening::End(wire) => {
                let Some((to, (peer, _))) = self.receiver(wire) else { return };
                self.wires.get_mut(&wire).into_iter().for_each(|wire| wire.deaf = true);
                self.tell(to, Input::MailboxLost { peer, conn: ConnId(wire) });
            }
        }
    }

    /// A second has passed for a node: it sends its beacon.
    fn tick(&mut self, n: u8, life: u64) {
        let Some(node) = self.nodes.get(&n).filter(|node| node.life == life) else { return };
        let (peer, endpoint, mute) = (node.id, node.endpoint, node.mute);
        self.at(self.now + 1_000, Happening::Tick { node: n, life });
        for to in self.others(n) {
            if !mute {
                self.later(Happening::Candidate { to, peer, endpoint });
            }
        }
    }

    /// A link arrives at the host it was opened to.
    fn dial(&mut self, wire: u64, endpoint: Endpoint) {
        let Some((from, ..)) = self.sender(wire) else { return };
        let there = self.nodes.iter().find(|(n, node)| **n != from && node.endpoint == endpoint);
        let wall = self.wall.filter(|_| from == 1 && there.is_some_and(|(to, _)| *to == 2));
        match there.map(|(n, node)| (*n, node.life, node.mute || wall == Some(Wall::Drops))) {
            _ if wall == Some(Wall::Refuses) => self.later(Happening::Lost(wire)),
            Some((_, _, true)) => self.at(self.now + CONNECT_TIMEOUT, Happening::Lost(wire)),
            Some((to, life, false)) if life != 0 => {
                self.wires.get_mut(&wire).into_iter().for_each(|wire| wire.to = Some((to, life)));
                self.later(Happening::Up(wire));
            }
            _ => self.later(Happening::Lost(wire)),
        }
    }

    fn connected(&mut self, wire: u64) {
        let Some((from, link, peer)) = self.sender(wire) else { return };
        let Some(up) = self.wires.get_mut(&wire) else { return };
        up.up = true;
        for (header, content) in std::mem::take(&mut up.waiting) {
            self.later_on(wire, Happening::Arrive(wire, header, content));
        }
        self.tell(from, Input::LinkUp { peer, link });
    }

    /// Tells a node something, and carries out what it wants done.
    fn tell(&mut self, n: u8, input: Input<'_>) {
        let now = self.instant();
        let Some(node) = self.nodes.get_mut(&n).filter(|node| node.life != 0) else { return };
        // A refused WHISPER is one that does not arrive.
        let _ = node.mind.handle(now, input);
        let life = node.life;
        while let Some(output) = self.nodes.get_mut(&n).and_then(|node| node.mind.poll_output()) {
            self.nodes.get_mut(&n).into_iter().for_each(|node| node.mind.watch(&output));
            self.carry_out(n, life, output);
        }
        self.nodes.get_mut(&n).into_iter().for_each(|node| node.mind.check());
    }

    fn carry_out(&mut self, n: u8, life: u64, output: Output) {
        match output {
            Output::Connect { peer, link, endpoint } => {
                self.connects += 1;
                self.count += 1;
                let number = self.count;
                let Some(node) = self.nodes.get_mut(&n) else { return };
                node.links.insert(link, number);
                let wire = Wire {
                    from: (n, life),
                    sender: (node.id, node.endpoint.address().ip()),
                    link,
                    peer,
                    to: None,
                    waiting: Vec::new(),
                    up: false,
                    ended: false,
                    deaf: false,
                    last: 0,
                };
                self.wires.insert(number, wire);
                self.later(Happening::Dial(number, endpoint));
            }
            Output::Send { link, header, content } => self.send(n, link, &header, content),
            Output::CloseLink { link } => {
                if let Some(wire) = self.nodes[&n].links.get(&link) {
                    self.close(*wire);
                }
            }
            Output::CloseMailbox { conn: ConnId(wire) } => {
                self.wires.get_mut(&wire).into_iter().for_each(|wire| wire.deaf = true);
                if !self.nodes[&n].mute {
                    self.later(Happening::Lost(wire));
                }
            }
            Output::Event(event) => {
                let Some(node) = self.nodes.get_mut(&n) else { return };
                node.log.push(describe_event(&event));
            }
        }
    }

    fn send(&mut self, n: u8, link: LinkId, header: &[u8], content: Content) {
        let message = Message::decode(header, &MessageLimits::default()).unwrap();
        self.hellos += usize::from(matches!(message.command, Command::Hello(_)));
        let Some(node) = self.nodes.get(&n) else { return };
        let (number, mute) = (node.links[&link], node.mute);
        let Some(wire) = self.wires.get_mut(&number).filter(|wire| !wire.ended) else { return };
        if !wire.up {
            wire.waiting.push((header.to_vec(), content));
        } else if !mute {
            self.later_on(number, Happening::Arrive(number, header.to_vec(), content));
        }
    }
}
