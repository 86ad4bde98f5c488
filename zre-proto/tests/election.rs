//! Captured elections of C Zyre, played again with an engine in the place of one of the nodes: what
//! the others have said to that node is said to the engine.

#![allow(clippy::unwrap_used, clippy::panic, reason = "helpers of tests")]

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use serde_json::Value;
use testkit::vectors;
use zre_proto::message::{Command, Message};
use zre_proto::{
    Action, Config, ConnId, Content, Endpoint, Engine, Event, Input, MessageLimits, Output, PeerId,
};

/// An engine in the place of a captured node.
struct Replay<'a> {
    engine: Engine,
    now: Instant,
    nodes: BTreeMap<&'a str, PeerId>,
    links: BTreeMap<ConnId, PeerId>,
    own_endpoint: Endpoint,
    /// ELECT and LEADER that the engine has sent, by receiver: the sequence number and the id.
    votes: BTreeMap<PeerId, Vec<Vote>>,
    told: Vec<Option<PeerId>>,
}

/// A message of an election.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Vote {
    sequence: u16,
    is_leader: bool,
    id: PeerId,
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap()
}

fn vote(header: &[u8]) -> Option<Vote> {
    let Message { sequence, command } = Message::decode(header, &MessageLimits::default()).unwrap();
    let (is_leader, id) = match command {
        Command::Elect { group: b"G", challenger } => (false, challenger),
        Command::Leader { group: b"G", leader } => (true, leader),
        _ => return None,
    };
    Some(Vote { sequence, is_leader, id: PeerId::from_upper_hex(id).unwrap() })
}

impl<'a> Replay<'a> {
    fn new(entry: &'a Value, name: &str, contests: bool) -> Self {
        let nodes = entry["nodes"].as_array().unwrap().iter();
        let nodes: BTreeMap<&str, PeerId> =
            nodes.map(|node| (text(&node["name"]), text(&node["uuid"]).parse().unwrap())).collect();
        let own_endpoint: Endpoint = "tcp://10.88.0.9:49152".parse().unwrap();
        let mut engine = Engine::new(Config::new(nodes[name], own_endpoint)).unwrap();
        let now = Instant::now();
        let action = if contests { Action::Contest("G") } else { Action::Join("G") };
        engine.act(now, action).unwrap();
        let (links, votes, told) = Default::default();
        Self { engine, now, nodes, links, own_endpoint, votes, told }
    }

    fn run(mut self, entry: &Value, name: &str) -> Self {
        let start = self.now;
        let mut sequences = BTreeMap::new();
        for message in entry["messages"].as_array().unwrap() {
            if text(&message["to"]) != name {
                continue;
            }
            let at = start + Duration::from_micros((message["ms"].as_f64().unwrap() * 1e3) as u64);
            self.wait_until(at);
            let peer = self.nodes[text(&message["from"])];
            // One connection for each peer, numbered by the peers.
            let conn = ConnId::Accepted(u64::from(peer.as_bytes()[0]));
            let source = ([10, 88, 0, 1], 50_000).into();
            // Messages that say nothing of elections were not kept, and leave gaps.
            let sequence = sequences.entry(peer).or_insert(0);
            *sequence += 1;
            let bytes = vectors::bytes(message);
            let command = Message::decode(&bytes, &MessageLimits::default()).unwrap().command;
            let header = &Message { sequence: *sequence, command }.encode();
            let content = Content::none();
            self.engine.handle(at, Input::Message { peer, conn, source, header, content });
            self.obey();
        }
        self.wait_until(self.now + Duration::from_millis(200));
        self
    }

    fn wait_until(&mut self, at: Instant) {
        while let Some(next) = self.engine.next_deadline().filter(|next| *next <= at) {
            self.now = self.now.max(next);
            self.engine.handle_timeout(self.now);
            self.obey();
        }
        self.now = at;
    }

    fn obey(&mut self) {
        while let Some(output) = self.engine.poll_output() {
            match output {
                Output::Connect { peer, conn, .. } => {
                    self.links.insert(conn, peer);
                    let own_endpoint = self.own_endpoint;
                    let up = Input::Connected { peer, conn, two_way: false, own_endpoint };
                    self.engine.handle(self.now, up);
                }
                Output::Send { conn, header, .. } => {
                    self.votes.entry(self.links[&conn]).or_default().extend(vote(&header));
                }
                Output::Event(Event::Leader { leader, .. }) => self.told.push(leader),
                Output::Event(_) | Output::Close { .. } => {}
                other => panic!("nobody is required: {other:?}"),
            }
        }
    }
}

fn election(name: &str) -> Value {
    vectors::election().into_iter().find(|entry| entry["name"] == name).unwrap()
}

/// What a captured node has said to another one.
fn said(entry: &Value, from: &str, to: &str) -> Vec<Vote> {
    let messages = entry["messages"].as_array().unwrap().iter();
    let own = messages.filter(|it| it["from"] == from && it["to"] == to);
    own.filter_map(|it| vote(&vectors::bytes(it))).collect()
}

#[test]
fn a_member_that_does_not_contest_says_what_one_of_the_c_library_has_said() {
    let entry = election("one-contests");
    for name in ["b", "c"] {
        let mut replay = Replay::new(&entry, name, false).run(&entry, name);
        for (other, id) in replay.nodes.iter().filter(|(other, _)| **other != name) {
            let votes = said(&entry, name, other);
            assert!(votes.len() >= 2, "{name} to {other}");
            assert_eq!(replay.votes.remove(id), Some(votes), "{name} to {other}");
        }
        assert_eq!(replay.told, [Some(replay.nodes["a"])], "{name}: once");
    }
}

#[test]
fn a_node_in_the_place_of_a_captured_one_has_the_leader_that_was_told_last() {
    for name in ["three-start", "three-join", "late-joiner", "one-contests", "leader-leaves"] {
        let entry = election(name);
        for node in entry["nodes"].as_array().unwrap() {
            let of = text(&node["name"]);
            if name == "leader-leaves" && of == "c" {
                // It leaves, which is not for the others to say.
                continue;
            }
            let contests = name != "one-contests" || of == "a";
            let replay = Replay::new(&entry, of, contests).run(&entry, of);
            let last = node["told"].as_array().unwrap().last().map(|id| text(id).parse().unwrap());
            assert_eq!(replay.engine.leader("G"), last, "{name}, {of}");
            assert_eq!(replay.engine.stats().leaders_disputed, 0);
        }
    }
}
