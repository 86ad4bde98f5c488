//! Messages in bulk, to a peer or to the group, by an application that waits until they are taken,
//! or does not.

use serde_json::json;
use testkit::network::Network;
use testkit::transcript::{Mark, Transcript};
use testkit::wait::DEADLINE;
use zyre::{ActionError, PeerId};

use crate::node::Node;
use crate::pair::Pair;
use crate::stream::message;

/// The group that every node is in.
pub(crate) const GROUP: &str = "all";

/// What the line takes: a good Wi-Fi.
const KILOBITS: u32 = 20_000;

const MESSAGE: u64 = 1_000_000;

/// More than the mark, where a WHISPER is refused, and less than the limit, where a SHOUT ends its
/// member. The line takes 12 seconds for that.
const COUNT: u64 = 30;

/// More than the limit. The line takes 19 seconds for that.
const TOO_MANY: u64 = 48;

/// To whom messages are sent, and how.
pub(crate) struct Bulk {
    /// `None`: to the group.
    pub(crate) peer: Option<PeerId>,
    pub(crate) count: u64,
    pub(crate) bytes: usize,
    /// Whether each waits until it is taken.
    pub(crate) waits: bool,
}

/// How many were accepted, and how many refused since too much waited.
#[derive(Default)]
pub(crate) struct Outcome {
    pub(crate) accepted: u64,
    pub(crate) full: u64,
}

impl Bulk {
    /// Sends all, or until the peer is gone. What is accepted is numbered from 0 on.
    pub(crate) async fn send(self, node: &zyre::Node) -> Outcome {
        let mut outcome = Outcome::default();
        for _ in 0..self.count {
            if self.waits {
                // Who is gone is told of by what follows.
                let _ = match self.peer {
                    Some(peer) => node.ready(peer, self.bytes).await,
                    None => node.ready_in(GROUP, self.bytes).await,
                };
            }
            let content = message(outcome.accepted, false, self.bytes);
            let sent = match self.peer {
                Some(peer) => node.whisper(peer, content),
                None => node.shout(GROUP, content),
            };
            match sent {
                Ok(()) => outcome.accepted += 1,
                Err(ActionError::Full(_)) => outcome.full += 1,
                Err(_gone) => break,
            }
        }
        outcome
    }
}

pub(crate) fn whispers_that_wait() {
    let bulk = Run::begin().send("whispers", COUNT, "wait");
    assert_eq!((bulk.accepted, bulk.full), (COUNT, 0));
    bulk.all_arrive();
}

pub(crate) fn shouts_that_wait() {
    let bulk = Run::begin().send("shouts", TOO_MANY, "wait");
    assert_eq!((bulk.accepted, bulk.full), (TOO_MANY, 0));
    bulk.all_arrive();
}

/// A WHISPER that does not wait is refused in time: none that was accepted is lost.
pub(crate) fn whispers_that_do_not_wait() {
    let bulk = Run::begin().send("whispers", COUNT, "hurry");
    assert!(bulk.full > 0 && bulk.accepted > 1, "{} of {COUNT} accepted", bulk.accepted);
    assert_eq!(bulk.accepted + bulk.full, COUNT);
    bulk.all_arrive();
}

/// SHOUTs that do not wait, as many as may wait for a member and no more.
pub(crate) fn shouts_that_do_not_wait() {
    let bulk = Run::begin().send("shouts", COUNT, "hurry");
    assert_eq!((bulk.accepted, bulk.full), (COUNT, 0));
    bulk.all_arrive();
}

/// More of them: the member is ended, and both are told. What it has heard before was in order.
pub(crate) fn too_many_shouts() {
    let run = Run::begin().send("shouts", TOO_MANY, "hurry");
    assert_eq!((run.accepted, run.full), (TOO_MANY, 0));
    let [a, b] = &run.pair.nodes;
    let exit = json!({ "event": "EXIT", "peer": b.id, "reason": "overflow" });
    let overflow = a.hears(run.marks[0], exit, DEADLINE);
    let exit = b.hears(run.marks[1], json!({ "event": "EXIT", "peer": a.id }), DEADLINE);
    let arrived = b.reports(run.marks[1], &json!({ "event": "shouted", "peer": a.id }));
    let numbers: Vec<_> = arrived.iter().map(|seen| seen.report["number"].as_u64()).collect();
    assert!(numbers.iter().copied().eq((0..).map(Some).take(numbers.len())), "{numbers:?}");
    // Both live.
    run.pair.meet([overflow.after, exit.after]);
    run.pair.talk(10);
}

/// Two nodes, the second of which is behind the line, and what the first has sent.
struct Run {
    _network: Network,
    pair: Pair,
    marks: [Mark; 2],
    kind: &'static str,
    accepted: u64,
    full: u64,
}

impl Run {
    fn begin() -> Self {
        let network = Network::new().unwrap();
        let hosts = ["sender", "receiver"].map(|name| network.host(name).unwrap());
        hosts[0].limit_rate("eth0", KILOBITS).unwrap();
        let transcript = Transcript::new();
        let nodes = hosts.each_ref().map(|host| Node::start(host, &transcript, json!({})));
        let pair = Pair { nodes, within: DEADLINE };
        pair.meet_first();
        for (node, of) in [(0, 1), (1, 0)].map(|(i, j)| (&pair.nodes[i], &pair.nodes[j])) {
            node.hears(node.born, json!({ "event": "JOIN", "peer": of.id }), DEADLINE);
        }
        let marks = pair.nodes.each_ref().map(Node::mark);
        Self { _network: network, pair, marks, kind: "", accepted: 0, full: 0 }
    }

    /// Sends by the command `whispers` or `shouts`, and waits until the last was accepted or refused.
    fn send(self, kind: &'static str, count: u64, how: &str) -> Self {
        let [a, b] = &self.pair.nodes;
        let answer = a.ask(&format!("{kind} {} {count} {MESSAGE} {how}", b.id));
        println!("{kind}, {how}: {answer}");
        let [accepted, full] = ["accepted", "full"].map(|field| answer[field].as_u64().unwrap());
        Self { kind, accepted, full, ..self }
    }

    /// All that was accepted arrives, and nobody is ended.
    fn all_arrive(&self) {
        let [a, b] = &self.pair.nodes;
        let kind = if self.kind == "shouts" { "shouted" } else { "message" };
        let report = |number| json!({ "event": kind, "peer": a.id, "number": number });
        b.hears(self.marks[1], report(self.accepted - 1), DEADLINE);
        let arrived = b.reports(self.marks[1], &json!({ "event": kind, "peer": a.id }));
        assert_eq!(arrived.len() as u64, self.accepted);
        b.assert_nothing_wrong();
        self.pair.assert_calm_since(self.marks);
    }
}
