//! How it gets round.

use std::time::Duration;

use crate::network::Network;

const SECOND: Duration = Duration::from_secs(1);

#[test]
fn late_nodes_at_the_ends_of_a_chain_of_three_hubs_meet() {
    let mut net = Network::new();
    net.start(1, &[]);
    net.start(2, &[1]);
    net.start(3, &[2]);
    net.run(30 * SECOND);
    net.start(4, &[1]);
    net.run(30 * SECOND);
    net.start(5, &[3]);
    net.run(SECOND);
    net.assert_all_meet();
}

#[test]
fn fifty_nodes_at_hubs_in_a_ring_meet_and_then_are_quiet() {
    let mut net = Network::new();
    for n in 1..=5 {
        net.start(n, &[if n == 1 { 5 } else { n - 1 }]);
    }
    for n in 6..=50 {
        net.start(n, &[1 + n % 5, 1 + n % 3]);
        net.run(SECOND);
    }
    net.assert_all_meet();
    net.run(60 * SECOND);
    let before = net.sent();
    net.run(10 * SECOND);
    let said = net.sent() - before;
    // A PING and a PONG in 400 ms on each of at most 95 connections.
    assert!(said <= 95 * 25 * 2, "{said}");
}

#[test]
fn a_hub_that_starts_again_is_told_all() {
    let mut net = Network::new();
    net.start(1, &[]);
    (2..=5).for_each(|n| net.start(n, &[1]));
    net.run(SECOND);
    net.assert_all_meet();
    net.stop(1);
    net.run(100 * SECOND);
    net.start(9, &[]);
    // The same endpoint, another id.
    net.stop(9);
    net.start(1, &[]);
    net.run(SECOND);
    net.start(6, &[1]);
    net.run(SECOND);
    net.assert_all_meet();
}

#[test]
fn a_partition_of_hubs_heals_with_those_who_came_meanwhile() {
    let mut net = Network::new();
    net.start(1, &[]);
    net.start(2, &[1]);
    net.start(3, &[1]);
    net.start(4, &[2]);
    net.run(SECOND);
    net.assert_all_meet();
    net.cut(&[1, 3, 5], &[2, 4, 6]);
    net.start(5, &[1]);
    net.start(6, &[2]);
    net.run(15 * 60 * SECOND);
    net.heal();
    net.run(SECOND);
    net.assert_all_meet();
}

#[test]
fn who_has_gone_is_not_looked_for_by_newcomers() {
    let mut net = Network::new();
    net.start(1, &[3]);
    net.start(2, &[1]);
    net.start(3, &[2]);
    net.start(4, &[1, 2, 3]);
    net.run(SECOND);
    net.assert_all_meet();
    net.stop(4);
    net.run(Duration::from_millis(10));
    net.looked_for.clear();
    for n in 5..20 {
        net.start(n, &[1 + n % 3]);
        net.run(70 * SECOND);
    }
    net.assert_all_meet();
    assert!(net.looked_for.iter().all(|(_, other)| *other != 4), "{:?}", net.looked_for);
}
