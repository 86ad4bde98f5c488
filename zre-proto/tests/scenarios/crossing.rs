//! Dials that cross: whatever comes first, two nodes meet once, and on one connection.

use std::net::{IpAddr, SocketAddr};

use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use zre_proto::{Action, Endpoint};

use crate::common::{endpoint, id};
use crate::net::{Net, Wall};
use crate::orders::Orders;

/// The ids of nodes 1 and 2: the one with the smaller id chooses.
pub(crate) const IDS: [[u8; 2]; 2] = [[1, 2], [2, 1]];

/// Where node 2 seems to be from, if it is behind NAT.
const NAT: IpAddr = IpAddr::V4(std::net::Ipv4Addr::new(192, 0, 2, 1));

/// Nodes 1 and 2, which know two-way connections or not, and send no beacons by themselves.
pub(crate) fn pair(seed: u64, ids: [u8; 2], two_way: [bool; 2]) -> Net {
    let mut net = Net::new(seed);
    (net.beacons, net.delay) = (false, (0, 0));
    for n in [1, 2] {
        net.two_way = two_way[usize::from(n) - 1];
        net.start_as(n, id(ids[usize::from(n) - 1]), endpoint(n));
    }
    net
}

/// Runs what is made in every order in which it can happen. Returns how many there are.
pub(crate) fn every_order(make: impl Fn() -> Net, check: impl Fn(&mut Net)) -> usize {
    let mut orders = Orders::default();
    let mut count = 0;
    loop {
        let mut net = make();
        net.orders = Some(orders);
        net.run(0);
        orders = net.orders.take().unwrap();
        if !orders.is_known() {
            count += 1;
            check(&mut net);
        }
        if !orders.advance() {
            return count;
        }
    }
}

/// Both have met, by so many connections, and said one HELLO each.
pub(crate) fn assert_met(net: &mut Net, ids: [u8; 2], connections: usize) {
    let [one, two] = ids.map(|n| vec![format!("ENTER {n}")]);
    assert_eq!((net.log(1), net.log(2)), (two, one));
    assert_eq!(net.hellos, 2, "one HELLO each way");
    assert_eq!((net.connections(), net.loose_ends()), (connections, 0));
    assert!(net.talk(1, 2));
}

fn elsewhere(n: u8) -> Endpoint {
    Endpoint::new(SocketAddr::from(([172, 16, 0, n], 49152)))
}

#[test]
fn dials_that_cross_in_any_order_leave_one_connection_and_one_hello_each_way() {
    for ids in IDS {
        let make = || {
            let mut net = pair(0, ids, [true; 2]);
            net.beacon(1, 2);
            net.beacon(2, 1);
            net
        };
        let count = every_order(make, |net| assert_met(net, ids, 1));
        assert!(count > 500, "{count} orders");
    }
}

#[test]
fn dials_of_nodes_of_two_kinds_that_cross_in_any_order_leave_one_connection_each_way() {
    for ids in IDS {
        for two_way in [[true, false], [false, true], [false, false]] {
            let make = || {
                let mut net = pair(0, ids, two_way);
                net.beacon(1, 2);
                net.beacon(2, 1);
                net
            };
            let count = every_order(make, |net| assert_met(net, ids, 2));
            assert!(count > 20, "{count} orders");
        }
    }
}

#[test]
fn a_dial_at_each_of_two_addresses_and_one_that_crosses_leave_one_connection() {
    for ids in IDS {
        let make = || {
            let mut net = pair(0, ids, [true; 2]);
            net.add_endpoint(2, elsewhere(2));
            net.beacon(2, 1);
            net
        };
        let count = every_order(make, |net| assert_met(net, ids, 1));
        assert!(count > 1_000, "{count} orders");
    }
}

/// Nodes 1 and 2 meet on a network with these ids, where everything takes up to six milliseconds.
fn some_order(seed: u64, ids: [u8; 2], two_way: [bool; 2]) -> Net {
    let mut rng = StdRng::seed_from_u64(seed);
    let mut net = pair(seed, ids, two_way);
    net.delay = (0, 6);
    for n in [1, 2] {
        if rng.random() {
            net.add_endpoint(n, elsewhere(n));
        }
    }
    for _ in 0..rng.random_range(1..=6) {
        let (n, to) = if rng.random() { (1, 2) } else { (2, 1) };
        net.beacon(n, to);
        net.run(rng.random_range(0..=6));
    }
    net.run(100);
    net
}

#[test]
fn dials_that_cross_with_any_delays_leave_one_connection_and_one_hello_each_way() {
    for seed in 0..2_000 {
        for ids in IDS {
            let mut net = some_order(seed, ids, [true; 2]);
            assert_met(&mut net, ids, 1);
            // And nothing more comes of it.
            net.run(60_000);
            let quiet = ["EVASIVE", "SILENT", "EXIT"];
            for n in [1, 2] {
                let log = net.log(n);
                assert!(
                    log.iter().all(|line| quiet.iter().any(|it| line.starts_with(it))),
                    "{log:?}"
                );
            }
        }
    }
}

#[test]
fn dials_of_nodes_of_two_kinds_that_cross_with_any_delays_leave_one_connection_each_way() {
    for seed in 0..500 {
        for ids in IDS {
            for two_way in [[true, false], [false, true], [false, false]] {
                assert_met(&mut some_order(seed, ids, two_way), ids, 2);
            }
        }
    }
}

/// Both hear beacons again, and meet in the end, whatever was before.
fn assert_meet_again(net: &mut Net, ids: [u8; 2], case: &str) {
    for _ in 0..5 {
        net.run(1_000);
        net.beacon(1, 2);
        net.beacon(2, 1);
    }
    net.run(1_000);
    let [one, two] = [net.log(1), net.log(2)];
    for (log, other) in [(&one, ids[1]), (&two, ids[0])] {
        let enter = format!("ENTER {other}");
        let exit = format!("EXIT {other} link lost");
        let twice = [&enter[..], &exit, &enter];
        assert!(*log == twice[..1] || *log == twice, "{case}: {one:?}, {two:?}");
    }
    assert_eq!((net.connections(), net.loose_ends()), (1, 0), "{case}: {one:?}, {two:?}");
    assert!(net.talk(1, 2), "{case}: {one:?}, {two:?}");
}

#[test]
fn a_connection_that_breaks_at_any_moment_is_replaced() {
    for ids in IDS {
        let make = || {
            let mut net = pair(0, ids, [true; 2]);
            net.beacon(2, 1);
            net.cut_later(1, 2);
            net
        };
        let count = every_order(make, |net| {
            net.delay = (0, 3);
            assert_meet_again(net, ids, "");
        });
        assert!(count > 20, "{count} orders");
    }
}

#[test]
fn dials_that_cross_and_break_at_any_moment_are_replaced() {
    for seed in 0..2_000 {
        for ids in IDS {
            let mut rng = StdRng::seed_from_u64(seed);
            let mut net = pair(seed, ids, [true; 2]);
            net.delay = (0, 6);
            net.beacon(1, 2);
            net.beacon(2, 1);
            net.run(rng.random_range(0..40));
            net.cut(1, 2);
            assert_meet_again(&mut net, ids, &format!("seed {seed}"));
        }
    }
}

#[test]
fn a_firewall_that_lets_only_one_side_connect_is_none() {
    for ids in IDS {
        for wall in [Wall::Refuses, Wall::Drops] {
            let make = || {
                let mut net = pair(0, ids, [true; 2]);
                net.wall = Some(wall);
                net.beacon(1, 2);
                net.beacon(2, 1);
                net
            };
            let count = every_order(make, |net| assert_met(net, ids, 1));
            assert!(count > 1, "{count} orders");
        }
    }
}

#[test]
fn a_node_behind_nat_meets_one_that_it_can_dial_whatever_endpoint_it_tells() {
    for ids in IDS {
        // Its own address is nobody's here, or that of the other.
        for place in [endpoint(2), endpoint(1)] {
            let make = || {
                let mut net = Net::new(0);
                (net.beacons, net.delay, net.two_way) = (false, (0, 0), true);
                net.start_as(1, id(ids[0]), endpoint(1));
                net.start_as(2, id(ids[1]), place);
                net.hide(2, NAT);
                net.act(2, Action::Require { peer: id(ids[0]), endpoint: endpoint(1) });
                net
            };
            every_order(make, |net| {
                assert_met(net, ids, 1);
                // What it tells of itself is not tried while it is present.
                assert_eq!(net.connects, 1);
            });
        }
    }
}

#[test]
fn two_nodes_behind_nat_with_the_same_inner_endpoint_both_meet_one_that_they_can_dial() {
    for ids in [[1, 2, 3], [2, 1, 3], [3, 1, 2]] {
        let make = || {
            let mut net = Net::new(0);
            (net.beacons, net.delay, net.two_way) = (false, (0, 0), true);
            net.start_as(1, id(ids[0]), endpoint(1));
            for n in [2, 3] {
                net.start_as(n, id(ids[usize::from(n) - 1]), elsewhere(9));
                net.hide(n, NAT);
                net.act(n, Action::Require { peer: id(ids[0]), endpoint: endpoint(1) });
            }
            net
        };
        let count = every_order(make, |net| {
            let mut log = net.log(1);
            log.sort();
            let mut entered = [ids[1], ids[2]].map(|n| format!("ENTER {n}"));
            entered.sort();
            assert_eq!(log, entered);
            for n in [2, 3] {
                assert_eq!(net.log(n), [format!("ENTER {}", ids[0])]);
            }
            assert_eq!((net.hellos, net.connections(), net.loose_ends()), (4, 2, 0));
            assert!(net.talk(1, 2) && net.talk(1, 3));
        });
        assert!(count > 1, "{count} orders");
    }
}

#[test]
fn a_node_behind_nat_that_knows_no_two_way_connections_is_not_met_and_both_hear_why() {
    for ids in IDS {
        // Its own address is nobody's here, or that of the other.
        for (place, why) in [(endpoint(2), "refused"), (endpoint(1), "another node answers")] {
            for two_way in [[true, false], [false, true]] {
                let mut net = pair(1, ids, two_way);
                net.two_way = two_way[1];
                net.start_as(2, id(ids[1]), place);
                net.hide(2, NAT);
                net.delay = (0, 3);
                net.act(2, Action::Require { peer: id(ids[0]), endpoint: endpoint(1) });
                net.run(120_000);
                assert_eq!(net.log(1), [format!("UNREACHABLE {} {why}", ids[1])]);
                let unmet = format!("UNREACHABLE {} it does not greet back", ids[0]);
                assert_eq!(net.log(2), [unmet]);
                assert!(net.connects < 30, "{} dials", net.connects);
            }
        }
    }
}
