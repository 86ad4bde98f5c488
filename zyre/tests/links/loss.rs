//! A network that loses packets: nobody who lives is ended for it.

use std::time::{Duration, Instant};

use serde_json::json;
use testkit::network::Network;
use testkit::transcript::Transcript;

use crate::node::{Node, from_environment, until};

/// How often each node shouts, in ms.
const CHATTER: u64 = 1000;

/// Nodes on two hosts, between which packets are lost each way, start all at once. Who has
/// entered stays, and misses no message. `LINKS_NODES`, `LINKS_LOSS` in percent and
/// `LINKS_SECONDS` ask for more.
pub(crate) fn ends_nobody() {
    let count = from_environment("LINKS_NODES", 12);
    let percent = from_environment("LINKS_LOSS", 10).try_into().expect("percents");
    let time = Duration::from_secs(from_environment("LINKS_SECONDS", 20));
    let network = Network::new().unwrap();
    let hosts = ["a", "b"].map(|name| network.host(name).unwrap());
    for host in &hosts {
        host.lose("eth0", percent).unwrap();
    }
    let end = Instant::now() + time;
    let on = hosts.iter().cycle().zip(0..count);
    let transcript = Transcript::new();
    let start = |host| Node::start(host, &transcript, json!({}));
    let nodes: Vec<_> = on.map(|(host, _)| start(host)).collect();
    for node in &nodes {
        node.ask(&format!("shout {CHATTER}"));
    }
    until(end);
    let (mut met, mut ended) = (0, Vec::new());
    for node in &nodes {
        met += node.reports(node.born, &json!({ "event": "ENTER" })).len();
        let exits = node.reports(node.born, &json!({ "event": "EXIT" })).into_iter();
        ended.extend(exits.map(|seen| seen.report["reason"].to_string()));
        node.assert_nothing_wrong();
    }
    let pairs = nodes.len() * (nodes.len() - 1);
    println!("links: {met} of {pairs} ENTERs in {time:?}");
    assert!(ended.is_empty(), "{} EXITs of nodes that run: {ended:?}", ended.len());
    // One that has no luck with the first packets takes a few seconds.
    assert!(met * 10 >= pairs * 9, "{met} of {pairs} have met");
}
