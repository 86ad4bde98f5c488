//! Lines that take less than nodes send.

use serde_json::json;
use testkit::network::Network;
use testkit::transcript::Transcript;
use testkit::wait::DEADLINE;

use crate::node::{CHOOSER, FOLLOWER, Node, from_environment};
use crate::pair::Pair;

/// What the line takes each way.
const KILOBITS: u32 = 20_000;

const MESSAGE: usize = 100_000;

/// What may wait for the peer: less than the line takes in the time that a node has to stop.
const QUEUE: usize = 1_000_000;

/// Messages that have come each way before one of the nodes stops: the queues are full then.
const BEFORE: usize = 10;

pub(crate) fn last_message_of_the_chooser() {
    last_message_arrives(CHOOSER, FOLLOWER);
}

pub(crate) fn last_message_of_the_follower() {
    last_message_arrives(FOLLOWER, CHOOSER);
}

/// Both send all the time. The node of the first id stops, and the last that was accepted from it
/// arrives, before its end is told. `LINKS_RUNS` says how often that is tried.
fn last_message_arrives(stops: &str, stays: &str) {
    let network = Network::new().unwrap();
    let hosts = ["stops", "stays"].map(|name| network.host(name).unwrap());
    for host in &hosts {
        host.limit_rate("eth0", KILOBITS).unwrap();
    }
    let transcript = Transcript::new();
    let start =
        |host, id: &str| Node::start(host, &transcript, json!({ "id": id, "link_bytes": QUEUE }));
    let nodes = [start(&hosts[0], stops), start(&hosts[1], stays)];
    let mut pair = Pair { nodes, within: DEADLINE };
    pair.meet_first();
    for run in 1..=from_environment("LINKS_RUNS", 1) {
        let [leaver, other] = &mut pair.nodes;
        let mark = other.mark();
        for (node, to) in [(&*leaver, &*other), (other, leaver)] {
            node.ask(&format!("stream {} {MESSAGE}", to.id));
        }
        for (node, of) in [(&*leaver, &*other), (other, leaver)] {
            let enough = json!({ "event": "message", "peer": of.id, "number": BEFORE });
            node.hears(mark, enough, DEADLINE);
        }
        let accepted = leaver.ask("stop")["accepted"].clone();
        let exit = json!({ "event": "EXIT", "peer": leaver.id });
        let exit = other.hears(mark, exit, DEADLINE);
        let last = other.reports(mark, &json!({ "event": "last", "peer": leaver.id }));
        let messages = other.reports(mark, &json!({ "event": "message", "peer": leaver.id }));
        let arrived = messages.len();
        let [last] = &last[..] else { panic!("run {run}: {arrived} of {accepted} have come") };
        assert_eq!(last.report["count"], accepted, "run {run}");
        assert_eq!(exit.report["reason"], "goodbye", "run {run}");
        leaver.assert_nothing_wrong();
        other.assert_nothing_wrong();
        // Nothing is on its way any more: the other's stream has ended with its peer.
        leaver.blocking_end().unwrap();
        other.ask("end");
        leaver.start_again();
        let born = leaver.born;
        pair.meet([born, exit.after]);
    }
}
