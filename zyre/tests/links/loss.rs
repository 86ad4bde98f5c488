//! A network that loses packets: nobody who lives is ended for it.

use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant};

use serde_json::json;
use testkit::network::Network;
use testkit::transcript::Transcript;

use crate::node::{Node, from_environment, until};

/// How often each node shouts, in ms.
const CHATTER: u64 = 1000;

/// The most packets, in percent, that may be lost without anybody being parted.
const BEARABLE: u8 = 10;

/// Where more are lost, this many minutes of pairs may cost one pair its connection.
const PAIR_MINUTES: u64 = 1000;

/// Nodes on two hosts, between which packets are lost each way, start all at once. Who has
/// entered stays, and misses no message. `LINKS_NODES`, `LINKS_LOSS` in percent and
/// `LINKS_SECONDS` ask for more. Where very many packets are lost a few pairs may part, when one of
/// both has heard nothing on their connection for as long as it may last.
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
    let mut met = 0;
    let mut parted: BTreeMap<BTreeSet<String>, Vec<String>> = BTreeMap::new();
    for node in &nodes {
        met += node.reports(node.born, &json!({ "event": "ENTER" })).len();
        for exit in node.reports(node.born, &json!({ "event": "EXIT" })) {
            let text = |field: &str| exit.report[field].as_str().unwrap_or_default().to_owned();
            let pair = BTreeSet::from([node.id.clone(), text("peer")]);
            parted.entry(pair).or_default().push(text("reason"));
        }
        node.assert_nothing_wrong();
    }
    let enters = nodes.len() * (nodes.len() - 1);
    let pair_minutes = (enters as u64 / 2) * time.as_secs() / 60;
    println!("links: {met} of {enters} ENTERs in {time:?}, {} pairs parted", parted.len());
    let allowed = if percent > BEARABLE { pair_minutes / PAIR_MINUTES } else { 0 };
    assert!(parted.len() as u64 <= allowed, "in {pair_minutes} pair-minutes: {parted:?}");
    for (pair, reasons) in &parted {
        assert!(reasons.contains(&"expired".to_owned()), "{pair:?} heard each other: {reasons:?}");
    }
    // One that has no luck with the first packets takes a few seconds.
    assert!(met * 10 >= enters * 9, "{met} of {enters} have met");
}
