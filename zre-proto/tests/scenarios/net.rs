//! A network of nodes on virtual time, with delays, breaking links, crashes and silence.
//!
//! It does what a driver does with the outputs of an engine, between engines. Every run with the
//! same seed is the same run. Instead of delays it can try every order in which things happen:
//! [`Orders`].

mod happening;
mod wire;

use std::collections::BTreeMap;
use std::net::{IpAddr, SocketAddr};
use std::time::{Duration, Instant};

use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use zre_proto::message::{Command, Message};
use zre_proto::{
    Action, Beacon, Config, ConnId, Content, Endpoint, Engine, Input, InterfaceId, Loss,
    MessageLimits, Output, PeerId, UnreachableReason,
};

use self::happening::{Channel, Happening};
use self::wire::{ACCEPTOR, DIALLER, End, Wire, end_of};
use crate::common::{Promises, endpoint, id};
use crate::orders::Orders;
use crate::solo::describe_event;

/// How long a connection to a host that does not answer is tried.
const CONNECT_TIMEOUT: u64 = 10_000;

/// The same where it is not worth more.
const BRIEF_CONNECT_TIMEOUT: u64 = 2_500;

/// How long a connection that was accepted may be silent before the driver closes it.
const STRANGER_TIMEOUT: u64 = 20_000;

/// The state machine of a node: an engine, or a model of another implementation.
pub(crate) trait Mind {
    fn handle(&mut self, now: Instant, input: Input<'_>);
    fn act(&mut self, now: Instant, action: Action<'_>);
    fn handle_timeout(&mut self, now: Instant);
    fn poll_output(&mut self) -> Option<Output>;
    fn next_deadline(&self) -> Option<Instant>;
    /// To be called when all outputs were taken.
    fn check(&mut self) {}
    fn watch(&mut self, _output: &Output) {}
    /// Whether it is in an election that nothing can end that others may say.
    fn waits_for_ever(&self) -> bool {
        false
    }
}

/// An engine, and a watch on its promises.
struct Watched(Engine, Promises);

impl Mind for Watched {
    fn handle(&mut self, now: Instant, input: Input<'_>) {
        self.1.input(&input);
        self.0.handle(now, input);
    }

    fn act(&mut self, now: Instant, action: Action<'_>) {
        // A refused WHISPER is one that does not arrive.
        let _ = self.0.act(now, action);
    }

    fn handle_timeout(&mut self, now: Instant) {
        self.0.handle_timeout(now);
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

/// Nodes and the connections between them. A node has a number, which its id and endpoint follow
/// from unless it is told otherwise.
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
    /// Decides what is first of all that may happen at the same time; else it is what was sent
    /// first.
    pub(crate) orders: Option<Orders<Channel>>,
    /// Whether engines that are started know two-way connections.
    pub(crate) two_way: bool,
    /// Whether nodes that are started send beacons.
    pub(crate) beacons: bool,
    /// The addresses of the names that resolve.
    pub(crate) names: BTreeMap<String, Vec<Endpoint>>,
    /// What keeps node 1 from node 2, if anything does.
    pub(crate) wall: Option<Wall>,
    /// HELLOs that all nodes have sent.
    pub(crate) hellos: usize,
    /// Connections that all nodes have dialled.
    pub(crate) connects: usize,
}

/// Nodes 1 and 2 have a firewall between them, which lets only the dials of node 2 pass.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Wall {
    /// Dials of node 1 are refused.
    Refuses,
    /// What node 1 sends to open a connection is dropped.
    Drops,
}

struct Node {
    id: PeerId,
    endpoint: Endpoint,
    /// Another of its addresses, where it can be dialled as well.
    other_endpoint: Option<Endpoint>,
    mind: Box<dyn Mind>,
    /// Whether it is an engine, which tells its id to those that dial it, and asks it of those that
    /// it has dialled.
    is_engine: bool,
    two_way: bool,
    /// When it was started: what was sent to the node before that is not for this one.
    life: u64,
    /// Nothing comes from it or to it, and nobody is told.
    mute: bool,
    /// Behind NAT: the address that others see. Nobody can dial it, and beacons do not pass.
    seen_as: Option<IpAddr>,
    log: Vec<String>,
    /// The wire of each of its connections.
    conns: BTreeMap<ConnId, u64>,
}

impl Node {
    fn deadline(&self) -> Option<Instant> {
        self.mind.next_deadline().filter(|_| self.life != 0)
    }
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
            orders: None,
            two_way: false,
            beacons: true,
            names: BTreeMap::new(),
            wall: None,
            hellos: 0,
            connects: 0,
        }
    }

    /// A network of engines with the numbers 1 to `count`, each with a beacon.
    pub(crate) fn of(count: u8, two_way: bool, seed: u64) -> Self {
        let mut net = Self { two_way, ..Self::new(seed) };
        (1..=count).for_each(|n| net.start(n));
        net
    }

    pub(crate) fn start(&mut self, n: u8) {
        self.start_as(n, id(n), endpoint(n));
    }

    /// Starts an engine as node `n`, in the place of one that was there before.
    pub(crate) fn start_as(&mut self, n: u8, id: PeerId, endpoint: Endpoint) {
        let engine = Engine::new(Config::new(id, endpoint)).unwrap();
        self.start_mind(n, id, endpoint, Box::new(Watched(engine, Promises::new(id))));
        let two_way = self.two_way;
        let node = self.nodes.get_mut(&n).into_iter();
        node.for_each(|node| (node.is_engine, node.two_way) = (true, two_way));
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
        let node = Node {
            id,
            endpoint,
            other_endpoint: None,
            mind,
            is_engine: false,
            two_way: false,
            life,
            mute: false,
            seen_as: None,
            log,
            conns: BTreeMap::new(),
        };
        self.nodes.insert(n, node);
        if self.beacons {
            let phase = self.rng.random_range(0..1000);
            self.at(self.now + phase, Happening::Tick { node: n, life });
        }
    }

    /// Puts node `n` behind NAT: its connections come from this address, nobody can dial it, and
    /// no beacon passes.
    pub(crate) fn hide(&mut self, n: u8, address: IpAddr) {
        self.nodes.get_mut(&n).into_iter().for_each(|node| node.seen_as = Some(address));
    }

    /// The process of node `n` ends without a word, and its connections are reset.
    pub(crate) fn crash(&mut self, n: u8) {
        let Some(node) = self.nodes.get(&n) else { return };
        let life = node.life;
        for (wire, end) in self.ends_where(|_, end| (end.node, end.life) == (n, life)) {
            self.close(wire, end);
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
        for to in self.others(n) {
            self.beacon(n, to);
        }
    }

    /// Node `to` will hear a beacon of node `n`, from each of its addresses.
    pub(crate) fn beacon(&mut self, n: u8, to: u8) {
        let Some(node) = self.nodes.get(&n) else { return };
        let (peer, endpoints) = (node.id, [Some(node.endpoint), node.other_endpoint]);
        for endpoint in endpoints.into_iter().flatten() {
            self.later(Happening::Candidate { to, peer, endpoint });
        }
    }

    /// Gives node `n` a second address.
    pub(crate) fn add_endpoint(&mut self, n: u8, endpoint: Endpoint) {
        self.nodes.get_mut(&n).into_iter().for_each(|node| node.other_endpoint = Some(endpoint));
    }

    /// The host of node `n` is cut off: nothing comes from it or to it, and nobody is told.
    pub(crate) fn mute(&mut self, n: u8) {
        self.nodes.get_mut(&n).into_iter().for_each(|node| node.mute = true);
    }

    /// The host of node `n` can be reached again.
    pub(crate) fn unmute(&mut self, n: u8) {
        self.nodes.get_mut(&n).into_iter().for_each(|node| node.mute = false);
    }

    /// All links of one node to another are reset, and what is on the way is lost: of two-way
    /// connections, both directions.
    pub(crate) fn cut(&mut self, from: u8, to: u8) {
        for (wire, end) in self.ends_where(|wire, end| {
            let [one, other] = wire.nodes();
            let both = (one, other) == (Some(from), Some(to))
                || wire.two_way && (one, other) == (Some(to), Some(from));
            both && (end.node == from || end.node == to)
        }) {
            self.queue.retain(|_, entry| {
                !matches!(entry, Happening::Arrive { wire: w, end: e, .. } if (*w, *e) == (wire, end))
            });
            let breaks = self.orders.is_some() || self.rng.random();
            if breaks && self.wires.get(&wire).is_some_and(|it| it.two_way) {
                self.later(Happening::Broken { wire, end });
            }
            self.later_on(wire, end, Happening::End { wire, end });
        }
    }

    /// The same at some later moment.
    pub(crate) fn cut_later(&mut self, from: u8, to: u8) {
        self.later(Happening::Cut { from, to });
    }

    /// Node `n` is told that the queue to another was full: it gives up the other.
    pub(crate) fn forget(&mut self, n: u8, other: u8) {
        let Some(life) = self.nodes.get(&n).map(|node| node.life) else { return };
        let Some(peer) = self.nodes.get(&other).map(|node| node.id) else { return };
        let ours = self.ends_where(|wire, end| {
            let speaks = wire.two_way || matches!(end.conn, ConnId::Dialled(_));
            (end.node, end.life, end.peer) == (n, life, Some(peer)) && end.up && speaks
        });
        let Some(&(wire, end)) = ours.last() else { return };
        let conn = self.wires[&wire].ends[end].map(|end| end.conn);
        let Some(conn) = conn else { return };
        self.tell(n, Input::Lost { peer, conn, why: Loss::Overflow });
    }

    pub(crate) fn act(&mut self, n: u8, action: Action<'_>) {
        self.drive(n, |mind, now| mind.act(now, action));
    }

    /// What the application of node `n` heard since this was last asked.
    pub(crate) fn log(&mut self, n: u8) -> Vec<String> {
        self.nodes.get_mut(&n).map(|node| std::mem::take(&mut node.log)).unwrap_or_default()
    }

    /// Whether node `n` is in an election that nothing can end that others may say.
    pub(crate) fn waits_for_ever(&self, n: u8) -> bool {
        self.nodes.get(&n).is_some_and(|node| node.mind.waits_for_ever())
    }

    /// Connections that are up at both ends.
    pub(crate) fn connections(&self) -> usize {
        let open = |end: &Option<End>| end.is_some_and(|end| end.up && !end.ended);
        self.wires.values().filter(|wire| wire.ends.iter().all(open)).count()
    }

    /// Ends of connections that one side has, and the other has no more or not yet.
    pub(crate) fn loose_ends(&self) -> usize {
        let open = |end: &&Option<End>| end.is_some_and(|end| !end.ended);
        self.wires.values().filter(|wire| wire.ends.iter().filter(open).count() == 1).count()
    }

    /// Whether a WHISPER from each node to the other arrives, and nothing else happens meanwhile.
    pub(crate) fn talk(&mut self, one: u8, other: u8) -> bool {
        let quiet = [one, other].iter().all(|n| self.log(*n).is_empty());
        for (from, to) in [(one, other), (other, one)] {
            let peer = self.nodes[&to].id;
            self.act(from, Action::Whisper { peer, content: "hi".into() });
        }
        self.run(3 * self.delay.1);
        let heard = |net: &mut Self, at, from: u8| net.log(at) == [format!("WHISPER {from} hi")];
        let names = [one, other].map(|n| self.nodes[&n].id.as_bytes()[0]);
        quiet & heard(self, other, names[0]) & heard(self, one, names[1])
    }

    /// Lets some milliseconds pass.
    pub(crate) fn run(&mut self, millis: u64) {
        let until = self.now + millis;
        let mut steps = 0;
        while let Some(next) = self.next().filter(|next| *next <= until) {
            steps = if next > self.now { 0 } else { steps + 1 };
            assert!(steps < 10_000, "endless work at {next} ms");
            self.now = self.now.max(next);
            if let Some(happening) = self.take_next() {
                self.happen(happening);
            } else {
                let due = |node: &Node| node.mind.next_deadline() <= Some(self.instant());
                let due =
                    self.nodes.iter().find(|(_, node)| node.deadline().is_some() && due(node));
                let n = due.map(|(n, _)| *n);
                n.into_iter().for_each(|n| self.drive(n, |mind, now| mind.handle_timeout(now)));
            }
        }
        self.now = until;
    }

    /// Takes out of the queue what happens now.
    fn take_next(&mut self) -> Option<Happening> {
        let due = self.queue.range(..=(self.now, u64::MAX));
        let next = match &mut self.orders {
            None => due.map(|(key, _)| *key).next()?,
            Some(orders) => {
                let mut first = BTreeMap::new();
                for (key, happening) in due {
                    let (channel, node) = happening.channel(&self.wires)?;
                    first.entry(channel).or_insert((*key, node));
                }
                let ways: Vec<_> =
                    first.iter().map(|(channel, (_, node))| (*channel, *node)).collect();
                if ways.is_empty() {
                    return None;
                }
                match orders.choose(&ways) {
                    Some(channel) => first[&channel].0,
                    None => {
                        self.queue.clear();
                        return None;
                    }
                }
            }
        };
        self.queue.remove(&next)
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

    /// The ends that are not over, in the order in which their connections were dialled.
    fn ends_where(&self, matches: impl Fn(&Wire, &End) -> bool) -> Vec<(u64, usize)> {
        let ends = self.wires.iter().flat_map(|(number, wire)| {
            let open = |(_, end): &(usize, &Option<End>)| {
                end.is_some_and(|end| !end.ended && matches(wire, &end))
            };
            let ends: Vec<_> =
                wire.ends.iter().enumerate().filter(open).map(|(end, _)| (*number, end)).collect();
            ends
        });
        ends.collect()
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

    /// On its way to one end, behind all that was sent there on the wire before.
    fn later_on(&mut self, wire: u64, end: usize, happening: Happening) {
        let arrival = self.now + self.some_delay();
        let Some(to) = self.wires.get_mut(&wire) else { return };
        to.last[end] = to.last[end].max(arrival);
        let last = to.last[end];
        self.at(last, happening);
    }

    fn end_mut(&mut self, wire: u64, end: usize) -> Option<&mut End> {
        self.wires.get_mut(&wire)?.ends[end].as_mut().filter(|end| !end.ended)
    }

    /// One end closes the connection.
    fn close(&mut self, wire: u64, end: usize) {
        let Some(closed) = self.end_mut(wire, end) else { return };
        closed.ended = true;
        let n = closed.node;
        let other = 1 - end;
        let Some(closed) = self.wires.get_mut(&wire) else { return };
        closed.waiting.clear();
        let two_way = closed.two_way;
        if self.nodes.get(&n).is_some_and(|node| node.mute) || closed.ends[other].is_none() {
            return;
        }
        self.later_on(wire, other, Happening::End { wire, end: other });
        if two_way && (self.orders.is_some() || self.rng.random()) {
            // What is written there may fail before all has been read.
            self.later(Happening::Broken { wire, end: other });
        }
    }

    /// The node at an end, if it is the same one as ever, can be reached, and still has the
    /// connection; what the connection is to it, and with whom.
    fn end(&self, wire: u64, end: usize) -> Option<End> {
        self.own_end(wire, end).filter(|end| !self.nodes[&end.node].mute)
    }

    /// The same, whether or not the node can be reached.
    fn own_end(&self, wire: u64, end: usize) -> Option<End> {
        let end = self.wires.get(&wire)?.ends[end].filter(|end| !end.ended)?;
        self.nodes.get(&end.node).filter(|node| node.life == end.life)?;
        Some(end)
    }

    fn happen(&mut self, happening: Happening) {
        match happening {
            Happening::Tick { node: n, life } => self.tick(n, life),
            Happening::Candidate { to, peer, endpoint } => {
                self.tell(to, Input::Candidate { peer, endpoint });
            }
            Happening::Goodbye { to, peer } => {
                let beacon = Beacon { peer, port: 0, public_key: None };
                let source = ([10, 0, 0, 0], 5670).into();
                self.tell(to, Input::Beacon { beacon, source, interface: InterfaceId(1) });
            }
            Happening::Dial { wire, endpoint } => self.dial(wire, endpoint),
            Happening::Resolved { to, endpoint } => {
                let addresses = self.names.get(&endpoint.to_string()).cloned().unwrap_or_default();
                let (endpoint, addresses) = (&endpoint, &*addresses);
                self.tell(to, Input::Resolved { endpoint, addresses });
            }
            Happening::Failed { wire, why } => self.lost(wire, DIALLER, Loss::Failed(why)),
            Happening::Up { wire, end } => self.connected(wire, end),
            Happening::Arrive { wire, end, header, content } => {
                let Some(End { node, peer: Some(peer), conn, .. }) = self.end(wire, end) else {
                    return;
                };
                self.end_mut(wire, end).into_iter().for_each(|end| end.heard = true);
                let limits = MessageLimits::default();
                // What arrives was written anew from what was read.
                let header = Message::decode(&header, &limits).unwrap().encode();
                let source = self.wires[&wire].source;
                self.tell(node, Input::Message { peer, conn, source, header: &header, content });
            }
            Happening::Broken { wire, end } => {
                let Some(End { node, peer: Some(peer), conn, up: true, .. }) = self.end(wire, end)
                else {
                    return;
                };
                self.tell(node, Input::Broken { peer, conn });
            }
            Happening::End { wire, end } => {
                let up = self.end(wire, end).is_some_and(|end| end.up);
                let failed = Loss::Failed(UnreachableReason::Refused);
                self.lost(wire, end, if up { Loss::Ended } else { failed });
            }
            Happening::Cut { from, to } => self.cut(from, to),
            Happening::Patience { wire } => {
                if self.end(wire, ACCEPTOR).is_some_and(|end| !end.heard) {
                    self.later_on(wire, DIALLER, Happening::End { wire, end: DIALLER });
                    self.lost(wire, ACCEPTOR, Loss::Ended);
                }
            }
        }
    }

    /// One end learns that a connection is no more.
    fn lost(&mut self, wire: u64, end: usize, why: Loss) {
        let is_own = matches!(why, Loss::Failed(UnreachableReason::NoAnswer));
        let at = if is_own { self.own_end(wire, end) } else { self.end(wire, end) };
        let Some(End { node, peer, conn, up, .. }) = at else { return };
        self.end_mut(wire, end).into_iter().for_each(|end| end.ended = true);
        // Nobody has heard of a connection that was accepted and ends before its handshake does.
        if up || end == DIALLER {
            self.tell(
                node,
                match peer {
                    Some(peer) => Input::Lost { peer, conn, why },
                    None => Input::ScoutLost { conn, why },
                },
            );
        }
    }

    /// A second has passed for a node: it sends its beacon.
    fn tick(&mut self, n: u8, life: u64) {
        let Some(node) = self.nodes.get(&n).filter(|node| node.life == life) else { return };
        let mute = node.mute;
        self.at(self.now + 1_000, Happening::Tick { node: n, life });
        let hidden =
            |net: &Self, n| net.nodes.get(&n).is_some_and(|it: &Node| it.seen_as.is_some());
        for to in self.others(n) {
            if !mute && !hidden(self, n) && !hidden(self, to) {
                self.beacon(n, to);
            }
        }
    }

    /// A dial arrives at the host it was made to.
    fn dial(&mut self, wire: u64, endpoint: Endpoint) {
        let Some(End { node: from, peer, .. }) = self.own_end(wire, DIALLER) else { return };
        let dialler = &self.nodes[&from];
        let (is_engine, two_way, sender) = (dialler.is_engine, dialler.two_way, dialler.id);
        let failed = |why| Happening::Failed { wire, why };
        let brief = self.wires[&wire].brief;
        let timeout = if brief { BRIEF_CONNECT_TIMEOUT } else { CONNECT_TIMEOUT };
        if dialler.mute {
            return self.at(self.now + timeout, failed(UnreachableReason::NoAnswer));
        }
        let at = |node: &Node| node.endpoint == endpoint || node.other_endpoint == Some(endpoint);
        let mut there = self.nodes.iter().filter(|(_, node)| at(node));
        let Some((&to, there)) = there.find(|(n, node)| **n == from || node.seen_as.is_none())
        else {
            return self.later(failed(UnreachableReason::Refused));
        };
        let wall = self.wall.filter(|_| (from, to) == (1, 2));
        if there.mute || wall == Some(Wall::Drops) {
            return self.at(self.now + timeout, failed(UnreachableReason::NoAnswer));
        }
        if there.life == 0 || wall == Some(Wall::Refuses) {
            return self.later(failed(UnreachableReason::Refused));
        }
        if is_engine && there.is_engine && peer.is_some_and(|peer| there.id != peer) {
            // Its mailbox tells who it is; perhaps the dialler itself.
            return self.later(failed(UnreachableReason::AnotherNode));
        }
        let accepted = End {
            node: to,
            life: there.life,
            conn: ConnId::Accepted(wire),
            peer: Some(sender),
            up: false,
            heard: false,
            ended: false,
        };
        let both = two_way && there.two_way;
        if !there.is_engine {
            // A ROUTER of libzmq gives up a connection for a new one of the same id.
            let old = self.ends_where(|_, end| {
                (end.node, end.peer) == (to, Some(sender))
                    && matches!(end.conn, ConnId::Accepted(_))
            });
            old.into_iter().for_each(|(wire, end)| self.close(wire, end));
        }
        let Some(it) = self.wires.get_mut(&wire) else { return };
        it.ends[ACCEPTOR] = Some(accepted);
        it.two_way = both;
        if let Some(node) = self.nodes.get_mut(&to) {
            node.conns.insert(ConnId::Accepted(wire), wire);
        }
        // Each end is ready when the other's READY has come.
        self.later_on(wire, DIALLER, Happening::Up { wire, end: DIALLER });
        self.later_on(wire, ACCEPTOR, Happening::Up { wire, end: ACCEPTOR });
    }

    /// The handshake is over at one end.
    fn connected(&mut self, wire: u64, end: usize) {
        let Some(End { node, mut peer, conn, .. }) = self.end(wire, end) else { return };
        if peer.is_none() {
            // The mailbox of an engine tells whose it is.
            let there = self.wires[&wire].nodes()[ACCEPTOR].and_then(|n| self.nodes.get(&n));
            peer = there.filter(|node| node.is_engine).map(|node| node.id);
            self.end_mut(wire, end).into_iter().for_each(|end| end.peer = peer);
        }
        let Some(up) = self.end_mut(wire, end) else { return };
        up.up = true;
        let Some(it) = self.wires.get_mut(&wire) else { return };
        let two_way = it.two_way;
        if end == DIALLER {
            for (header, content) in std::mem::take(&mut it.waiting) {
                let end = ACCEPTOR;
                self.later_on(wire, end, Happening::Arrive { wire, end, header, content });
            }
        } else if self.nodes[&node].is_engine {
            self.at(self.now + STRANGER_TIMEOUT, Happening::Patience { wire });
        }
        if end == DIALLER || two_way {
            let own_endpoint = self.nodes[&node].endpoint;
            self.tell(
                node,
                match peer {
                    Some(peer) => Input::Connected { peer, conn, two_way, own_endpoint },
                    None => Input::ScoutUp { conn, own_endpoint },
                },
            );
        }
    }

    /// Tells a node something, and carries out what it wants done.
    fn tell(&mut self, n: u8, input: Input<'_>) {
        self.drive(n, |mind, now| mind.handle(now, input));
    }

    fn drive(&mut self, n: u8, work: impl FnOnce(&mut dyn Mind, Instant)) {
        let now = self.instant();
        let Some(node) = self.nodes.get_mut(&n).filter(|node| node.life != 0) else { return };
        work(&mut *node.mind, now);
        let life = node.life;
        while let Some(output) = self.nodes.get_mut(&n).and_then(|node| node.mind.poll_output()) {
            self.nodes.get_mut(&n).into_iter().for_each(|node| node.mind.watch(&output));
            self.carry_out(n, life, output);
        }
        self.nodes.get_mut(&n).into_iter().for_each(|node| node.mind.check());
    }

    fn carry_out(&mut self, n: u8, life: u64, output: Output) {
        match output {
            Output::Connect { peer, conn, endpoint, failed_before, .. } => {
                let peer = Some(peer);
                self.open(endpoint, End::dialler(n, life, conn, peer), failed_before);
            }
            Output::Scout { conn, endpoint, failed_before } => {
                self.open(endpoint, End::dialler(n, life, conn, None), failed_before);
            }
            Output::Identified { conn, peer } => {
                let wire = self.nodes[&n].conns[&conn];
                let end = self.end_mut(wire, DIALLER).into_iter();
                end.for_each(|end| end.peer = Some(peer));
            }
            Output::Resolve { endpoint } => self.later(Happening::Resolved { to: n, endpoint }),
            Output::Send { conn, header, content } => self.send(n, conn, &header, content),
            Output::Close { conn } => {
                if let Some(wire) = self.nodes[&n].conns.get(&conn) {
                    self.close(*wire, end_of(conn));
                }
            }
            Output::Event(event) => {
                let Some(node) = self.nodes.get_mut(&n) else { return };
                node.log.push(describe_event(&event));
            }
        }
    }

    /// A node dials: a peer, or whoever is there.
    fn open(&mut self, endpoint: Endpoint, dialler: End, brief: bool) {
        self.connects += 1;
        self.count += 1;
        let wire = self.count;
        let Some(node) = self.nodes.get_mut(&dialler.node) else { return };
        node.conns.insert(dialler.conn, wire);
        let ip = node.seen_as.unwrap_or_else(|| node.endpoint.address().ip());
        let source = SocketAddr::new(ip, 50_000);
        let new = Wire {
            ends: [Some(dialler), None],
            source,
            brief,
            two_way: false,
            waiting: Vec::new(),
            last: [0; 2],
        };
        self.wires.insert(wire, new);
        self.later(Happening::Dial { wire, endpoint });
    }

    fn send(&mut self, n: u8, conn: ConnId, header: &[u8], content: Content) {
        let message = Message::decode(header, &MessageLimits::default()).unwrap();
        self.hellos += usize::from(matches!(message.command, Command::Hello(_)));
        let Some(node) = self.nodes.get(&n) else { return };
        let (wire, mute) = (node.conns[&conn], node.mute);
        let Some(End { up, .. }) = self.end_mut(wire, end_of(conn)) else { return };
        let (up, end, header) = (*up, 1 - end_of(conn), header.to_vec());
        let Some(it) = self.wires.get_mut(&wire) else { return };
        if !up {
            it.waiting.push((header, content));
        } else if !mute {
            self.later_on(wire, end, Happening::Arrive { wire, end, header, content });
        }
    }
}
