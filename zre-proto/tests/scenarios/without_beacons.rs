//! Networks of nodes that send no beacons, and know endpoints of each other.

use zre_proto::{Action, Endpoint};

use crate::c_like::CLike;
use crate::common::{endpoint, id};
use crate::crossing::{IDS, assert_met, every_order, pair};
use crate::net::{Net, Wall};

/// How soon two that can reach each other have met.
const SOON: u64 = 3_000;

/// How long they are cut off from each other: longer than they wait for each other.
const CUT_OFF: u64 = 45_000;

fn require(net: &mut Net, n: u8, endpoint: Endpoint) {
    net.act(n, Action::RequireEndpoint { endpoint: endpoint.into(), peer: None });
}

/// Nodes without beacons, which know two-way connections or not.
fn nodes(count: u8, two_way: bool, seed: u64) -> Net {
    let mut net = Net::new(seed);
    (net.beacons, net.two_way) = (false, two_way);
    (1..=count).for_each(|n| net.start(n));
    net
}

/// Who of nodes 1 and 2 requires the other.
const WHO: [&[u8]; 3] = [&[1], &[2], &[1, 2]];

#[test]
fn two_that_require_each_others_endpoints_meet_once_in_every_order() {
    for ids in IDS {
        for two_way in [[true, true], [true, false], [false, true], [false, false]] {
            for who in WHO {
                let make = || {
                    let mut net = pair(1, ids, two_way);
                    who.iter().for_each(|n| require(&mut net, *n, endpoint(3 - n)));
                    net
                };
                let connections = if two_way == [true; 2] { 1 } else { 2 };
                let count = every_order(make, |net| assert_met(net, ids, connections));
                assert!(count > 0);
            }
        }
    }
}

#[test]
fn two_that_were_cut_off_for_long_meet_within_three_seconds_after_that() {
    for two_way in [true, false] {
        for who in WHO {
            for phase in 0..20 {
                let mut net = nodes(2, two_way, phase);
                who.iter().for_each(|n| require(&mut net, *n, endpoint(3 - n)));
                net.run(SOON);
                net.mute(2);
                net.run(CUT_OFF + 200 * phase);
                for (n, other) in [(1, 2), (2, 1)] {
                    let log = net.log(n);
                    assert!(log.contains(&format!("EXIT {other} expired")), "{log:?}");
                }
                net.unmute(2);
                net.run(SOON);
                let case = format!("two-way: {two_way}, {who:?}, phase {phase}");
                for (n, other) in [(1, 2), (2, 1)] {
                    let log = net.log(n);
                    assert_eq!(log.last(), Some(&format!("ENTER {other}")), "{case}: {log:?}");
                }
                assert!(net.talk(1, 2), "{case}");
            }
        }
    }
}

#[test]
fn nodes_that_are_given_one_list_with_all_of_them_meet_and_know_themselves() {
    for two_way in [true, false] {
        let mut net = nodes(8, two_way, 7);
        for n in 1..=8 {
            (1..=8).for_each(|other| require(&mut net, n, endpoint(other)));
        }
        net.run(SOON);
        for n in 1..=8 {
            let mut log = net.log(n);
            log.sort();
            let own = format!("UNREACHABLE {} it is this node itself", endpoint(n));
            let others = (1..=8).filter(|other| *other != n);
            let mut expected: Vec<_> = others.map(|other| format!("ENTER {other}")).collect();
            expected.push(own);
            assert_eq!(log, expected);
        }
        let connections = if two_way { 28 } else { 56 };
        assert_eq!(net.connections(), connections);
        net.run(60_000);
        assert!((1..=8).all(|n| net.log(n).is_empty()), "all is well");
    }
}

#[test]
fn a_node_that_restarts_with_a_new_id_is_met_again() {
    for two_way in [true, false] {
        let mut net = nodes(2, two_way, 1);
        require(&mut net, 1, endpoint(2));
        net.run(SOON);
        net.crash(2);
        net.run(100);
        net.start_as(2, id(7), endpoint(2));
        net.run(SOON);
        assert_eq!(net.log(1), ["ENTER 2", "EXIT 2 link lost", "ENTER 7"]);
        assert_eq!(net.log(2).last().unwrap(), "ENTER 1");
        assert!(net.talk(1, 2));
    }
}

#[test]
fn a_node_behind_a_firewall_is_met_if_it_requires_the_other() {
    for wall in [Wall::Refuses, Wall::Drops] {
        for ids in IDS {
            for who in [&[2][..], &[1, 2]] {
                let mut net = pair(1, ids, [true; 2]);
                (net.wall, net.delay) = (Some(wall), (0, 3));
                who.iter().for_each(|n| require(&mut net, *n, endpoint(3 - n)));
                net.run(SOON);
                for (n, other) in [(1, ids[1]), (2, ids[0])] {
                    let log = net.log(n);
                    assert!(log.contains(&format!("ENTER {other}")), "{wall:?}, {who:?}: {log:?}");
                }
                assert!(net.talk(1, 2), "{wall:?}, {who:?}");
            }
        }
    }
}

#[test]
fn a_host_name_leads_to_the_first_of_its_addresses_where_anybody_is() {
    let mut net = nodes(2, true, 1);
    let name = "tcp://pool.example:49152";
    let endpoint_of_pool = name.parse().unwrap();
    net.names.insert(name.to_owned(), [9, 1, 2].map(endpoint).into());
    net.act(1, Action::RequireEndpoint { endpoint: endpoint_of_pool, peer: None });
    net.run(SOON);
    assert_eq!(net.log(1), ["ENTER 2"]);
    // It moves, and its name with it.
    net.crash(2);
    net.start_as(3, id(3), endpoint(3));
    net.names.insert(name.to_owned(), vec![endpoint(3)]);
    net.run(SOON);
    assert_eq!(net.log(1), ["EXIT 2 link lost", "ENTER 3"]);
}

/// An engine, node 1, that requires the endpoint of a node as the C library makes them, node 2.
fn with_c(seed: u64) -> Net {
    let mut net = nodes(1, true, seed);
    CLike::start(&mut net, 2);
    require(&mut net, 1, endpoint(2));
    net.run(SOON);
    assert_eq!((net.log(1), net.log(2)), (vec!["ENTER 2".into()], vec!["ENTER 1".into()]));
    net
}

#[test]
fn a_node_that_does_not_tell_its_id_is_met_at_its_endpoint() {
    for seed in 0..20 {
        let mut net = with_c(seed);
        assert_eq!((net.hellos, net.connections(), net.connects), (2, 2, 2));
        assert!(net.talk(1, 2));
        net.run(60_000);
        assert!(net.log(1).is_empty());
    }
}

#[test]
fn a_node_that_does_not_tell_its_id_is_met_again_after_it_was_cut_off_and_after_a_restart() {
    for seed in 0..20 {
        let mut net = with_c(seed);
        net.mute(2);
        net.run(CUT_OFF + 137 * seed);
        net.unmute(2);
        net.run(SOON);
        assert_eq!(net.log(1).last().unwrap(), "ENTER 2", "seed {seed}");
        assert_eq!(net.log(2).last().unwrap(), "ENTER 1", "seed {seed}");
        assert!(net.talk(1, 2), "seed {seed}");
        net.crash(2);
        net.run(500);
        CLike::start(&mut net, 2);
        net.run(SOON);
        assert_eq!(net.log(1), ["EXIT 2 link lost", "ENTER 2"], "seed {seed}");
    }
}

#[test]
fn a_second_address_of_a_node_that_does_not_tell_its_id_ends_nothing_for_good() {
    for seed in 0..20 {
        let mut net = with_c(seed);
        net.add_endpoint(2, endpoint(9));
        require(&mut net, 1, endpoint(9));
        // Its ROUTER has one place for us, which the second connection takes.
        net.run(SOON);
        assert_eq!(net.log(1), ["EXIT 2 link lost", "ENTER 2"], "seed {seed}");
        net.run(120_000);
        assert!(net.log(1).is_empty(), "seed {seed}");
        net.log(2);
        assert!(net.talk(1, 2), "seed {seed}");
    }
}
