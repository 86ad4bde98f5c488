//! Whole nodes meet, part and come back.

use std::net::SocketAddr;

use zre_proto::{Action, Endpoint};

use crate::c_like::CLike;
use crate::common::{endpoint, id};
use crate::net::Net;

/// Two nodes that have met, with nothing in their logs.
fn pair(seed: u64) -> Net {
    let mut net = Net::of(2, seed);
    net.run(3_000);
    assert_eq!(net.log(1), ["ENTER 2"]);
    assert_eq!(net.log(2), ["ENTER 1"]);
    assert_eq!(net.hellos, 2, "one HELLO each way");
    net
}

#[test]
fn two_nodes_that_discover_each_other_at_any_time_say_one_hello_each() {
    for seed in 0..500 {
        let mut net = Net::new(seed);
        // Beacons cross links and HELLOs in any order.
        net.delay = (0, seed % 1_200);
        net.start(1);
        net.start(2);
        net.run(9_000);
        assert_eq!(net.hellos, 2, "seed {seed}");
        assert_eq!((net.log(1), net.log(2)), (vec!["ENTER 2".into()], vec!["ENTER 1".into()]));
    }
}

#[test]
fn many_nodes_make_a_full_mesh_and_shouts_reach_the_group() {
    let mut net = Net::of(12, 7);
    net.run(3_000);
    assert_eq!(net.hellos, 12 * 11);
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

#[test]
fn nodes_that_hear_each_others_beacons_say_nothing_more() {
    let mut net = pair(1);
    net.run(120_000);
    assert!(net.log(1).is_empty() && net.log(2).is_empty());
    assert_eq!(net.hellos, 2);
    assert!(net.talk(1, 2));
}

#[test]
fn a_cut_link_is_reported_at_once_and_the_next_beacon_brings_the_peer_back() {
    for seed in 0..200 {
        for both in [true, false] {
            let mut net = pair(seed);
            net.cut(1, 2);
            if both {
                net.cut(2, 1);
            }
            net.run(210);
            let log = net.log(1);
            assert_eq!(log.first().map(String::as_str), Some("EXIT 2 link lost"), "seed {seed}");
            net.run(3_000);
            net.log(1);
            net.log(2);
            assert!(net.talk(1, 2), "seed {seed}");
            assert!(net.hellos <= 6, "seed {seed}: {} HELLOs", net.hellos);
        }
    }
}

#[test]
fn a_node_that_leaves_is_gone_at_once_and_its_late_beacon_is_not_heard_of() {
    for seed in 0..100 {
        let mut net = pair(seed);
        net.leave(2);
        net.run(10);
        assert_eq!(net.log(1), ["EXIT 2 goodbye"], "seed {seed}");
        net.late_beacon(2);
        net.run(20_000);
        assert!(net.log(1).is_empty(), "seed {seed}");
    }
}

#[test]
fn a_forged_goodbye_ends_nothing() {
    for seed in 0..100 {
        let mut net = pair(seed);
        net.forge_goodbye(2);
        net.run(5_000);
        assert!(net.log(1).is_empty(), "seed {seed}");
        assert!(net.talk(1, 2));
    }
}

#[test]
fn a_crash_is_noticed_at_once() {
    let mut net = pair(3);
    net.crash(2);
    net.run(10);
    assert_eq!(net.log(1), ["EXIT 2 link lost"]);
}

#[test]
fn a_host_that_is_cut_off_is_asked_called_silent_and_given_up() {
    let mut net = pair(4);
    net.mute(2);
    net.run(7_500);
    assert_eq!(net.log(1), ["EVASIVE 2", "SILENT 2"]);
    net.run(25_000);
    assert_eq!(net.log(1), ["EXIT 2 expired"]);
}

#[test]
fn a_restart_with_a_new_id_on_the_same_port_ends_the_old_node_and_brings_the_new_one() {
    for seed in 0..200 {
        for reset in [true, false] {
            let mut net = pair(seed);
            // Without a reset the old host just fell silent, and another took its address.
            if reset {
                net.crash(2)
            } else {
                net.mute(2)
            }
            net.start_as(2, id(3), endpoint(2));
            net.run(4_000);
            let log = net.log(1);
            let [exit, enter] = &*log else { panic!("seed {seed}: {log:?}") };
            let gone = ["EXIT 2 link lost", "EXIT 2 replaced"].contains(&exit.as_str());
            assert!(gone && enter == "ENTER 3", "seed {seed}: {log:?}");
            assert!(reset || exit == "EXIT 2 replaced", "seed {seed}: {log:?}");
            net.log(2);
            assert!(net.talk(1, 2), "seed {seed}");
        }
    }
}

#[test]
fn a_restart_with_the_same_id_on_any_port_ends_in_presence_with_few_hellos() {
    let elsewhere = Endpoint::new(SocketAddr::from(([10, 0, 0, 2], 50000)));
    for seed in 0..200 {
        for place in [endpoint(2), elsewhere] {
            for reset in [true, false] {
                let mut net = pair(seed);
                net.delay = (0, 1 + seed % 400);
                if reset {
                    net.crash(2)
                } else {
                    net.mute(2)
                }
                net.log(2);
                net.start_as(2, id(2), place);
                net.run(10_000);
                let case = format!("seed {seed} at {place}, reset {reset}");
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
    for c_like in [false, true] {
        for seed in 0..100 {
            let mut net = Net::of(1, seed);
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
                let case = format!("C: {c_like}, seed {seed}, turn {turn}");
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
        let mut net = Net::of(4, seed);
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
