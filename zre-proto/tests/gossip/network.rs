//! Networks of nodes that gossip, on virtual time. Who is told of a node, and can reach it, meets it:
//! that is the engine's part.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::time::{Duration, Instant};

use zre_proto::PeerId;
use zre_proto::gossip::{Config, ConnId, Gossip, Output, Remote};

use crate::solo::{endpoint, id};

/// What a message takes on its way.
const DELAY: Duration = Duration::from_millis(1);

pub(crate) struct Network {
    now: Instant,
    nodes: BTreeMap<u16, Node>,
    /// What is on its way: when, to whom, on which connection, and what.
    on_the_way: VecDeque<(Instant, u16, ConnId, Vec<u8>)>,
    /// Pairs of nodes that do not reach each other.
    cut: BTreeSet<(u16, u16)>,
    /// Who was ever looked for, and by whom.
    pub(crate) looked_for: Vec<(u16, u16)>,
    last: u64,
}

struct Node {
    gossip: Gossip,
    present: BTreeSet<u16>,
    /// The node at the other end of each connection, and the connection's number there.
    conns: BTreeMap<ConnId, (u16, ConnId)>,
    hubs: Vec<u16>,
}

fn number(peer: PeerId) -> u16 {
    u16::from(peer.as_bytes()[15])
}

impl Network {
    pub(crate) fn new() -> Self {
        Self {
            now: Instant::now(),
            nodes: BTreeMap::new(),
            on_the_way: VecDeque::new(),
            cut: BTreeSet::new(),
            looked_for: Vec::new(),
            last: 0,
        }
    }

    /// A node starts, and connects to these hubs.
    pub(crate) fn start(&mut self, n: u16, hubs: &[u16]) {
        let gossip = Gossip::new(Config::new(id(n)));
        let node =
            Node { gossip, present: BTreeSet::new(), conns: BTreeMap::new(), hubs: hubs.to_vec() };
        self.nodes.insert(n, node);
        self.connect_all();
    }

    /// A node ends, and all see it.
    pub(crate) fn stop(&mut self, n: u16) {
        let Some(node) = self.nodes.remove(&n) else { return };
        for (other, conn) in node.conns.into_values() {
            let Some(other) = self.nodes.get_mut(&other) else { continue };
            other.conns.remove(&conn);
            other.gossip.handle_disconnected(self.now, conn);
        }
        let others: Vec<u16> = self.nodes.keys().copied().collect();
        for other in others {
            self.change(other, |present| present.remove(&n));
        }
    }

    /// Nothing goes from one of these sides to the other any more.
    pub(crate) fn cut(&mut self, one: &[u16], other: &[u16]) {
        for (a, b) in one.iter().flat_map(|a| other.iter().map(move |b| (*a, *b))) {
            self.cut.extend([(a, b), (b, a)]);
            for (from, to) in [(a, b), (b, a)] {
                self.change(from, |present| present.remove(&to));
                let Some(node) = self.nodes.get_mut(&from) else { continue };
                let lost: Vec<ConnId> =
                    node.conns.iter().filter(|(_, it)| it.0 == to).map(|(conn, _)| *conn).collect();
                for conn in lost {
                    node.conns.remove(&conn);
                    node.gossip.handle_disconnected(self.now, conn);
                }
            }
        }
    }

    pub(crate) fn heal(&mut self) {
        self.cut.clear();
        self.connect_all();
    }

    /// What a driver does: connects to hubs that it is not connected to.
    fn connect_all(&mut self) {
        let wanted: Vec<(u16, u16)> = self
            .nodes
            .iter()
            .flat_map(|(n, node)| node.hubs.iter().map(move |hub| (*n, *hub)))
            .filter(|(n, hub)| !self.cut.contains(&(*n, *hub)) && self.nodes.contains_key(hub))
            .filter(|(n, hub)| self.nodes[n].conns.values().all(|(other, _)| other != hub))
            .collect();
        for (n, hub) in wanted {
            self.last += 2;
            let [here, there] = [ConnId(self.last), ConnId(self.last + 1)];
            for (node, conn, remote, other) in
                [(hub, there, Remote::Client, (n, here)), (n, here, Remote::Hub, (hub, there))]
            {
                let at = self.nodes.get_mut(&node).unwrap();
                at.conns.insert(conn, other);
                let own = Some(endpoint(node));
                at.gossip.handle_connected(self.now, conn, remote, own, false);
            }
        }
    }

    fn change(&mut self, n: u16, change: impl FnOnce(&mut BTreeSet<u16>) -> bool) {
        let Some(node) = self.nodes.get_mut(&n) else { return };
        if change(&mut node.present) {
            let present = node.present.iter().map(|n| (id(*n), endpoint(*n)));
            node.gossip.handle_presence(self.now, present);
        }
    }

    /// Does what the machines say.
    fn settle(&mut self) {
        loop {
            let mut met = Vec::new();
            for (n, node) in &mut self.nodes {
                while let Some(output) = node.gossip.poll_output() {
                    match output {
                        Output::Send { conn, frame } => {
                            node.gossip.handle_flushed(self.now, conn);
                            let Some((to, there)) = node.conns.get(&conn) else { continue };
                            self.on_the_way.push_back((self.now + DELAY, *to, *there, frame));
                        }
                        Output::Rumour { peer, .. } => met.push((*n, number(peer))),
                        Output::Close { conn, why } => panic!("{n} {conn:?}: {why}"),
                    }
                }
            }
            if met.is_empty() {
                return;
            }
            for (one, other) in met {
                self.looked_for.push((one, other));
                if self.nodes.contains_key(&other) && !self.cut.contains(&(one, other)) {
                    self.change(one, |present| present.insert(other));
                    self.change(other, |present| present.insert(one));
                }
            }
        }
    }

    /// Lets time pass.
    pub(crate) fn run(&mut self, time: Duration) {
        let end = self.now + time;
        loop {
            self.settle();
            let arrival = self.on_the_way.front().map(|(at, ..)| *at);
            let deadlines = self.nodes.values().filter_map(|node| node.gossip.next_deadline());
            let Some(next) = deadlines.chain(arrival).min().filter(|next| *next <= end) else {
                break;
            };
            self.now = self.now.max(next);
            let arrived = self.on_the_way.iter().take_while(|(at, ..)| *at <= self.now).count();
            for (_, to, conn, frame) in self.on_the_way.drain(..arrived) {
                if let Some(node) = self.nodes.get_mut(&to) {
                    node.gossip.handle_message(self.now, conn, &[frame]);
                }
            }
            for node in self.nodes.values_mut() {
                if node.gossip.next_deadline().is_some_and(|at| at <= self.now) {
                    node.gossip.handle_timeout(self.now);
                }
            }
        }
        self.now = end;
    }

    /// Messages that all nodes have sent.
    pub(crate) fn sent(&self) -> u64 {
        self.nodes.values().map(|node| node.gossip.stats().sent).sum()
    }

    #[track_caller]
    pub(crate) fn assert_all_meet(&self) {
        let all: BTreeSet<u16> = self.nodes.keys().copied().collect();
        for (n, node) in &self.nodes {
            let mut known = node.present.clone();
            known.insert(*n);
            assert_eq!(known, all, "at {n}");
        }
    }
}
