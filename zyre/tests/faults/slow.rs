//! Peers that are slow or stand still, and applications that do not read: nobody else suffers,
//! and memory is bounded.

use std::time::Duration;

use serde_json::json;
use testkit::network::Network;
use testkit::wait::blocking_until;

use crate::common::median;
use crate::fault::{Fault, changes};
use crate::node::Node;

/// What an allocator and a debug build take besides, in KiB.
const SLACK: u64 = 16 * 1024;

/// Three nodes that know each other.
fn three(title: &str) -> (Network, [Node; 3], Fault) {
    let network = Network::new().unwrap();
    let nodes = ["a", "b", "c"].map(|name| network.host(name).unwrap()).each_ref().map(Node::start);
    let fault = Fault::in_silence(title, &nodes.each_ref());
    (network, nodes, fault)
}

/// Lets the node shout a number of messages, and waits until it has.
fn shout(node: &Node, count: u64, per_second: u64, bytes: u64) {
    let mark = node.tell(&format!("shout {count} {per_second} {bytes}")).unwrap();
    node.wait(mark, "shouted");
}

/// How many messages of one node the application of another has taken since its ENTER.
fn taken(at: &Node, of: &Node) -> u64 {
    at.ask("state")["ledger"][&of.id]["count"].as_u64().unwrap_or(0)
}

fn grown(node: &Node, before: u64) -> u64 {
    node.resident().saturating_sub(before)
}

/// One message a second is read of the 1,000 that come. The slow one is given up, the other
/// misses nothing; and when the slow one wakes up, it is back.
pub(crate) fn one_a_second() {
    const SECONDS: u64 = 20;
    let (_network, [a, b, c], fault) = three("reads 1/s of 1,000/s for 20 s");
    let before = [a.resident(), c.resident()];
    c.ask("pace 1000");
    shout(&a, SECONDS * 1000, 1000, 4096);
    blocking_until("all shouts at b", || taken(&b, &a) == SECONDS * 1000);
    let (at_a, at_c) = (grown(&a, before[0]), grown(&c, before[1]));
    println!("faults: shouting to one that reads 1/s: {at_a} KiB more there, {at_c} KiB here");
    assert!(at_a < 16 * 1024 + SLACK, "{at_a} KiB more at the one that shouts");
    assert!(at_c < 64 * 1024 + SLACK, "{at_c} KiB more at the one that reads");
    c.ask("pace 0");
    fault.over(&[&a, &b, &c], Duration::from_secs(20), (&[1, 1, 2], 3));
    assert_eq!(fault.events(&b, &a.id), [""; 0]);
    assert_eq!(fault.events(&a, &c.id), ["EXIT overflow", "ENTER", "JOIN"]);
}

/// A peer stands still and is shouted at: what waits for it is bounded, then it is ended, it
/// alone; and when it goes on, it is back.
pub(crate) fn overflows() {
    // For 15 s: within 6 s as much waits as may wait for a WHISPER, and 5 s later that is enough.
    const SHOUTS: u64 = 3000;
    let (_network, [a, b, c], fault) = three("SIGSTOP, and 200 x 16 KiB/s");
    let before = a.resident();
    c.suspend();
    shout(&a, SHOUTS, 200, 16 << 10);
    blocking_until("all shouts at b", || taken(&b, &a) == SHOUTS);
    let more = grown(&a, before);
    println!("faults: shouting to one that stands still: {more} KiB more");
    assert!(more < 32 * 1024 + SLACK, "{more} KiB more");
    assert_eq!(fault.events(&a, &c.id), ["EVASIVE", "SILENT", "EXIT overflow"]);
    assert_eq!(fault.events(&b, &a.id), [""; 0]);
    c.resume();
    fault.over(&[&a, &b, &c], Duration::from_secs(20), (&[1, 1, 2], 3));
}

/// An application takes no event for a while: its node takes what its limit allows, the rest
/// waits at the sender, and nothing is lost.
pub(crate) fn reads_nothing() {
    const SHOUTS: u64 = 8_800;
    let (_network, [a, b, c], fault) = three("reads nothing for 15 s");
    let before = c.resident();
    c.ask("pace never");
    shout(&a, SHOUTS, 1500, 8192);
    // With the shouting, longer than it takes to call a peer silent: nobody may.
    fault.lasts(9);
    let received = c.ask("state")["received"].as_u64().unwrap();
    let more = grown(&c, before);
    println!("faults: reads nothing: {received} of {SHOUTS} taken in, {more} KiB more");
    assert!(received < SHOUTS, "all was taken in");
    assert!(more < 64 * 1024 + SLACK, "{more} KiB more");
    c.ask("pace 0");
    blocking_until("all shouts at c", || taken(&c, &a) == SHOUTS);
    assert_eq!(taken(&b, &a), SHOUTS);
    fault.over(&[&a, &b, &c], Duration::from_secs(5), (&[0; 3], 0));
    for (at, of) in [(&a, &c), (&b, &c), (&c, &a), (&c, &b)] {
        assert_eq!(changes(&fault.events(at, &of.id)), [""; 0]);
    }
}

/// How long shouts take to one peer while another stands still, and while it does not: in turn,
/// so that whatever else the machine does concerns both.
pub(crate) fn delays_nobody() {
    const ROUNDS: usize = 7;
    const SHOUTS: u64 = 800;
    let (_network, [a, b, c], _fault) = three("delays nobody");
    let mut sent = 0;
    let mut p99 = || {
        b.ask("heard");
        shout(&a, SHOUTS, 400, 4096);
        sent += SHOUTS;
        blocking_until("all shouts at b", || taken(&b, &a) == sent);
        let heard = b.ask("heard");
        assert_eq!(heard["count"], SHOUTS);
        Duration::from_micros(heard["p99"].as_u64().unwrap())
    };
    let (mut calm, mut stalled) = (Vec::new(), Vec::new());
    for _ in 0..ROUNDS {
        calm.push(p99());
        c.suspend();
        stalled.push(p99());
        c.resume();
        let all = taken(&b, &a);
        blocking_until("the stalled one", || taken(&c, &a) == all);
    }
    println!("faults: p99 of a SHOUT to b: {calm:?}\n    while c stands still: {stalled:?}");
    let (calm, stalled) = (median(calm), median(stalled));
    println!("    medians: {calm:?} and {stalled:?}");
    let most = calm.mul_f64(1.2) + Duration::from_millis(1);
    assert!(stalled <= most, "p99 of {stalled:?} instead of {calm:?}");
    assert_eq!(json!([a.ask("state")["wrong"], c.ask("state")["wrong"]]), json!([[], []]));
}
