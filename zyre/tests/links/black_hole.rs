//! A path that swallows what is large; and a peer that only does not read, which looks alike.

use std::time::{Duration, Instant};

use serde_json::{Value, json};
use testkit::network::{Host, Network};
use testkit::transcript::Transcript;
use testkit::wait::DEADLINE;

use crate::node::{Node, until};
use crate::pair::Pair;

/// The time after which a peer is evasive here, in ms.
const EVASIVE: u64 = 2000;
/// The time after which a peer is given up here, in ms.
const EXPIRED: u64 = 6000;

/// The time within which a peer that does not get what is sent to it must be evasive.
const NOTICED: Duration = Duration::from_secs(10);
/// The time within which it must be given up.
const OVER: Duration = Duration::from_secs(EXPIRED / 1000 + 10);

const MIB: u64 = 1 << 20;

/// Two nodes that have met, on these hosts.
fn pair(hosts: &[Host; 2], mut settings: Value) -> Pair {
    settings["evasive"] = EVASIVE.into();
    settings["expired"] = EXPIRED.into();
    let transcript = Transcript::new();
    let nodes = hosts.each_ref().map(|host| Node::start(host, &transcript, settings.clone()));
    let pair = Pair { nodes, within: DEADLINE };
    pair.meet_first();
    pair
}

/// Beacons and small messages get through, a large one does not, nor what comes behind it.
pub(crate) fn is_noticed() {
    let network = Network::new().unwrap();
    let hosts = ["a", "b"].map(|name| network.host(name).unwrap());
    let pair = pair(&hosts, json!({}));
    pair.talk(10);
    hosts[1].drop_larger(1000).unwrap();
    pair.talk(10);
    let [a, b] = &pair.nodes;
    let mark = a.tell(&format!("send {} 1 20000", b.id)).unwrap();
    let evasive = json!({ "event": "EVASIVE", "peer": b.id });
    a.hears(mark, evasive, NOTICED);
    let left = OVER.saturating_sub(mark.at.elapsed());
    a.hears(mark, json!({ "event": "EXIT", "peer": b.id }), left);
    assert!(b.reports(mark, &json!({ "event": "last" })).is_empty(), "it was swallowed");
}

/// The application of a peer takes no event for longer than all times: it is not ended, and all
/// that was sent arrives when it goes on.
pub(crate) fn not_reading_is_no_end() {
    const COUNT: u64 = 40;
    let network = Network::new().unwrap();
    let hosts = ["a", "b"].map(|name| network.host(name).unwrap());
    let pair = pair(&hosts, json!({ "events": 10, "event_bytes": MIB }));
    let marks = pair.nodes.each_ref().map(Node::mark);
    let [a, b] = &pair.nodes;
    b.ask("pace never");
    a.tell(&format!("send {} {COUNT} {MIB}", b.id)).unwrap();
    until(Instant::now() + OVER);
    let exit = json!({ "event": "EXIT" });
    assert!(a.reports(marks[0], &exit).is_empty(), "it was ended for not reading");
    b.ask("pace full");
    let last = b.hears(marks[1], json!({ "event": "last", "peer": a.id }), DEADLINE);
    assert_eq!(last.report["count"], COUNT);
    b.assert_nothing_wrong();
    // Whether it was called evasive meanwhile is another question.
    for (node, mark) in pair.nodes.iter().zip(marks) {
        assert!(node.reports(mark, &exit).is_empty(), "{}", node.name());
    }
    pair.talk(10);
}
