//! Whole nodes meet, part and come back.

use std::net::SocketAddr;

use zre_proto::{Action, Endpoint};

use crate::c_like::CLike;
use crate::common::{endpoint, id};
use crate::net::Net;

/// Two nodes that have met, by a connection for both directions or by one each way, with nothing in
/// their logs.
fn pair(two_way: bool, seed: u64) -> Net {
    let mut net = Net::of(2, two_way, seed);
    net.run(3_000);
    assert_eq!(net.log(1), ["ENTER 2"]);
    assert_eq!(net.log(2), ["ENTER 1"]);
    assert_eq!(net.hellos, 2, "one HELLO each way");
    assert_eq!(net.connections(), if two_way { 1 } else { 2 });
    net
}

/// Seeds, each with and without two-way connections.
fn seeds(count: u64) -> impl Iterator<Item = (bool, u64)> {
    (0..count).flat_map(|seed| [(false, seed), (true, seed)])
}

#[test]
fn two_nodes_that_discover_each_other_at_any_time_say_one_hello_each() {
    for (two_way, seed) in seeds(500) {
        let mut net = Net::new(seed);
        net.two_way = two_way;
        // Beacons cross links and HELLOs in any order.
        net.delay = (0, seed % 1_200);
        net.start(1);
        net.start(2);
        net.run(9_000);
        assert_eq!(net.hellos, 2, "two-way {two_way}, seed {seed}");
        assert_eq!((net.log(1), net.log(2)), (vec!["ENTER 2".into()], vec!["ENTER 1".into()]));
    }
}

#[test]
fn many_nodes_make_a_full_mesh_and_shouts_reach_the_group() {
    for (two_way, connections) in [(false, 12 * 11), (true, 12 * 11 / 2)] {
        let mut net = Net::of(12, two_way, 7);
        net.run(3_000);
        assert_eq!((net.hellos, net.connections()), (12 * 11, connections));
        (1..=12).for_each(|n| assert_eq!(net.log(n).len(), 11));
        (1..=6).for_each(|n| net.act(n, Action::Join("even handed")));
        net.run(100);
        (1..=12).for_each(|n| drop(net.log(n)));
        net.act(12, Action::Shout { group: "even handed", content: "hi".into() });
        net.run(100);
        for n in 1..=12 {
            let expected: &[&str] = if n <= 6 { &["SHOUT 12 even handed hi"] } else { &[] };
            assert_eq!(net.log(n), expected, "node {n}");
        }
    }
}

#[test]
fn nodes_that_hear_each_others_beacons_say_nothing_more() {
    for two_way in [false, true] {
        let mut net = pair(two_way, 1);
        net.run(120_000);
        assert!(net.log(1).is_empty() && net.log(2).is_empty());
        assert_eq!((net.hellos, net.connects), (2, if two_way { 1 } else { 2 }));
        assert!(net.talk(1, 2));
    }
}

#[test]
fn a_cut_link_is_reported_at_once_and_the_next_beacon_brings_the_peer_back() {
    for (two_way, seed) in seeds(200) {
        for both in [true, false] {
            let mut net = pair(two_way, seed);
            net.cut(1, 2);
            if both {
                net.cut(2, 1);
            }
            net.run(210);
            let log = net.log(1);
            assert_eq!(
                log.first().map(String::as_str),
                Some("EXIT 2 link lost"),
                "two-way {two_way}, seed {seed}"
            );
            net.run(3_000);
            net.log(1);
            net.log(2);
            assert!(net.talk(1, 2), "two-way {two_way}, seed {seed}");
            assert!(net.hellos <= 6, "two-way {two_way}, seed {seed}: {} HELLOs", net.hellos);
        }
    }
}

#[test]
fn a_node_that_leaves_is_gone_at_once_and_its_late_beacon_is_not_heard_of() {
    for (two_way, seed) in seeds(100) {
        let mut net = pair(two_way, seed);
        net.leave(2);
        net.run(10);
        assert_eq!(net.log(1), ["EXIT 2 goodbye"], "two-way {two_way}, seed {seed}");
        net.late_beacon(2);
        net.run(20_000);
        assert!(net.log(1).is_empty(), "two-way {two_way}, seed {seed}");
    }
}

#[test]
fn a_forged_goodbye_ends_nothing() {
    for (two_way, seed) in seeds(100) {
        let mut net = pair(two_way, seed);
        net.forge_goodbye(2);
        net.run(5_000);
        assert!(net.log(1).is_empty(), "two-way {two_way}, seed {seed}");
        assert!(net.talk(1, 2));
    }
}

#[test]
fn a_crash_is_noticed_at_once() {
    for (two_way, seed) in seeds(10) {
        let mut net = pair(two_way, seed);
        net.crash(2);
        net.run(10);
        assert_eq!(net.log(1), ["EXIT 2 link lost"], "two-way {two_way}, seed {seed}");
    }
}

#[test]
fn a_host_that_is_cut_off_is_asked_called_silent_and_given_up() {
    for two_way in [false, true] {
        let mut net = pair(two_way, 4);
        net.mute(2);
        net.run(7_500);
        assert_eq!(net.log(1), ["EVASIVE 2", "SILENT 2"]);
        net.run(25_000);
        assert_eq!(net.log(1), ["EXIT 2 expired"]);
    }
}

#[test]
fn a_restart_with_a_new_id_on_the_same_port_ends_the_old_node_and_brings_the_new_one() {
    for (two_way, seed) in seeds(200) {
        for reset in [true, false] {
            let mut net = pair(two_way, seed);
            // Without a reset the old host just fell silent, and another took its address.
            if reset {
                net.crash(2)
            } else {
                net.mute(2)
            }
            net.start_as(2, id(3), endpoint(2));
            net.run(4_000);
            let log = net.log(1);
            if two_way && !reset {
                // Nobody takes the place of a two-way peer, which may be anywhere.
                net.run(30_000);
                let rest = net.log(1);
                let silent = ["EVASIVE 2", "SILENT 2", "EXIT 2 expired"];
                assert_eq!(
                    (log, rest),
                    (vec!["ENTER 3".to_owned()], silent.map(String::from).into())
                );
                net.log(2);
                assert!(net.talk(1, 2), "seed {seed}");
                continue;
            }
            let [exit, enter] = &*log else { panic!("two-way {two_way}, seed {seed}: {log:?}") };
            let gone = ["EXIT 2 link lost", "EXIT 2 replaced"].contains(&exit.as_str());
            assert!(gone && enter == "ENTER 3", "two-way {two_way}, seed {seed}: {log:?}");
            assert!(reset || exit == "EXIT 2 replaced", "two-way {two_way}, seed {seed}: {log:?}");
            net.log(2);
            assert!(net.talk(1, 2), "two-way {two_way}, seed {seed}");
        }
    }
}

#[test]
fn a_restart_with_the_same_id_on_any_port_ends_in_presence_with_few_hellos() {
    let elsewhere = Endpoint::new(SocketAddr::from(([10, 0, 0, 2], 50000)));
    for (two_way, seed) in seeds(200) {
        for place in [endpoint(2), elsewhere] {
            for reset in [true, false] {
                let mut net = pair(two_way, seed);
                net.delay = (0, 1 + seed % 400);
                if reset {
                    net.crash(2)
                } else {
                    net.mute(2)
                }
                net.log(2);
                net.start_as(2, id(2), place);
                net.run(10_000);
                let case = format!("two-way {two_way}, seed {seed} at {place}, reset {reset}");
                let (one, two) = (net.log(1), net.log(2));
                assert_eq!(one.last().map(String::as_str), Some("ENTER 2"), "{case}: {one:?}");
                assert_eq!(two.last().map(String::as_str), Some("ENTER 1"), "{case}: {two:?}");
                net.delay = (0, 3);
                assert!(net.talk(1, 2), "{case}");
                assert!(net.hellos <= 8, "{case}: {} HELLOs", net.hellos);
            }
        }
    }
}

#[test]
fn what_is_said_at_once_to_a_peer_that_had_lost_us_and_enters_again_arrives() {
    for (c_like, two_way) in [(false, false), (false, true), (true, false)] {
        for seed in 0..100 {
            let mut net = Net::of(1, two_way, seed);
            if c_like {
                CLike::start(&mut net, 2);
            } else {
                net.start(2);
            }
            net.run(3_000);
            assert_eq!(net.log(1), ["ENTER 2"]);
            for turn in 0..5 {
                net.forget(2, 1);
                let mut log = Vec::new();
                for _ in 0..30_000 {
                    net.run(1);
                    log.extend(net.log(1));
                    if log.last().is_some_and(|line| line == "ENTER 2") {
                        break;
                    }
                }
                let case = format!("C: {c_like}, two-way {two_way}, seed {seed}, turn {turn}");
                assert_eq!(log.len(), 2, "{case}: one EXIT and one ENTER: {log:?}");
                net.log(2);
                net.act(1, Action::Whisper { peer: id(2), content: "hi".into() });
                net.run(20);
                let heard = net.log(2);
                assert_eq!(heard.last().map(String::as_str), Some("WHISPER 1 hi"), "{case}");
            }
        }
    }
}

#[test]
fn a_seed_replays_a_run() {
    let run = |seed| {
        let mut net = Net::of(4, true, seed);
        net.delay = (0, 500);
        net.run(2_000);
        net.cut(1, 2);
        net.forget(3, 4);
        net.run(10_000);
        (1..=4).map(|n| net.log(n)).collect::<Vec<_>>()
    };
    assert_eq!(run(5), run(5));
    assert_ne!(run(5), run(6));
}
