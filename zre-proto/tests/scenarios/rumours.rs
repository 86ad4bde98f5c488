//! Where others say that a node is, once and not again: looked for by the clock, for a while; and
//! where it was met, it is looked for again when it is lost.

use std::net::SocketAddr;

use zre_proto::{Endpoint, Input, Output, UnreachableReason};

use crate::common::{endpoint, id};
use crate::solo::Solo;

/// Another address of node 2.
fn place(n: u8) -> Endpoint {
    Endpoint::new(SocketAddr::from(([172, 16, 0, n], 49152)))
}

fn rumour(solo: &mut Solo, n: u8, endpoint: Endpoint) {
    solo.handle(Input::Rumour { peer: id(n), endpoint });
}

/// Node 2 is met where it was said to be.
fn met() -> Solo {
    let mut solo = Solo::new();
    rumour(&mut solo, 2, endpoint(2));
    solo.up(2);
    solo.hello(2);
    assert_eq!(solo.events(), ["ENTER 2"]);
    solo
}

/// Node 2 is met where its application knew it to be.
fn met_without_beacons() -> Solo {
    let mut solo = Solo::new();
    solo.handle(Input::Candidate { peer: id(2), endpoint: endpoint(2) });
    solo.up(2);
    solo.hello(2);
    assert_eq!(solo.events(), ["ENTER 2"]);
    solo
}

/// Node 2 is lost as when its process dies.
fn lose(solo: &mut Solo) {
    solo.mailbox_lost(2);
    solo.lost(2);
    assert_eq!(solo.events(), ["EXIT 2 link lost"]);
}

#[test]
fn it_is_dialled_without_being_told_again_ever_more_rarely_and_then_forgotten() {
    let mut solo = Solo::new();
    rumour(&mut solo, 2, endpoint(2));
    for pause in [1_000, 2_000, 4_000, 8_000, 16_000, 32_000, 60_000, 60_000, 60_000] {
        assert_eq!(solo.trace(), ["connect 2"], "{pause} ms");
        solo.lost(2);
        solo.trace();
        solo.wait(pause - 1);
        assert!(solo.trace().is_empty(), "{pause} ms");
        solo.wait(1);
    }
    // That was four minutes.
    assert_eq!(solo.trace(), ["connect 2"]);
    solo.lost(2);
    solo.wait(10 * 60_000);
    assert!(solo.trace().is_empty());
    assert!(!solo.engine.has_heard_of(id(2)));
    assert_eq!(solo.engine.next_deadline(), None);
}

#[test]
fn it_is_told_once_that_a_node_of_which_there_is_a_rumour_cannot_be_met() {
    let mut solo = Solo::new();
    rumour(&mut solo, 2, endpoint(2));
    for _ in 0..4 {
        solo.lost(2);
        solo.wait(60_000);
    }
    let told = solo.events();
    assert_eq!(told, ["UNREACHABLE 2 refused"]);
}

#[test]
fn a_node_that_was_met_is_looked_for_each_second_when_it_is_lost() {
    let mut solo = met();
    lose(&mut solo);
    for _ in 0..590 {
        solo.wait(1_000);
        assert_eq!(solo.trace(), ["connect 2"]);
        solo.lost(2);
        // It was there and is not: no news.
        assert!(solo.trace().is_empty());
    }
    // It comes back.
    solo.wait(1_000);
    solo.up(2);
    solo.hello(2);
    assert_eq!(solo.events(), ["ENTER 2"]);
    assert_eq!(solo.engine.peers().collect::<Vec<_>>(), [id(2)]);
}

#[test]
fn one_that_does_not_come_back_is_looked_for_ever_more_rarely_and_forgotten_after_a_day() {
    let mut solo = met();
    lose(&mut solo);
    let mut dialled = 0;
    for _ in 0..26 * 60 {
        for _ in 0..60 {
            solo.wait(1_000);
            if !solo.trace().is_empty() {
                dialled += 1;
                solo.lost(2);
                solo.trace();
            }
        }
    }
    let (steady, rare) = (600, 24 * 60 - 10);
    assert!((steady + rare - 50..=steady + rare + 50).contains(&dialled), "{dialled}");
    assert!(!solo.engine.has_heard_of(id(2)));
}

#[test]
fn a_dial_to_one_that_is_lost_is_not_waited_for_as_long_as_others() {
    let mut solo = met();
    lose(&mut solo);
    solo.wait(1_000);
    let connect = solo.outputs().into_iter().rev().find_map(|output| match output {
        Output::Connect { failed_before, .. } => Some(failed_before),
        _ => None,
    });
    assert_eq!(connect, Some(true));
}

#[test]
fn one_that_expired_is_looked_for_too() {
    let mut solo = met();
    solo.wait(31_000);
    assert_eq!(solo.events(), ["EVASIVE 2", "SILENT 2", "EXIT 2 expired"]);
    solo.wait(1_000);
    assert_eq!(solo.dials(2).len(), 1);
}

#[test]
fn one_that_says_goodbye_is_not_looked_for() {
    let mut solo = met();
    solo.say(2, zre_proto::message::Command::Goodbye);
    assert_eq!(solo.events(), ["EXIT 2 goodbye"]);
    solo.wait(60_000);
    assert!(solo.dials(2).is_empty());
    assert!(!solo.engine.has_heard_of(id(2)));
}

#[test]
fn a_peer_that_was_found_otherwise_is_looked_for_if_there_is_a_rumour_of_it() {
    let mut solo = Solo::met();
    rumour(&mut solo, 2, endpoint(2));
    assert!(solo.trace().is_empty());
    lose(&mut solo);
    solo.wait(1_000);
    assert_eq!(solo.dials(2).len(), 1);
    // Without one its beacons tell.
    let mut solo = Solo::met();
    lose(&mut solo);
    solo.wait(60_000);
    assert!(solo.dials(2).is_empty());
}

/// Nobody may say again where it is, and it does not know where this node is now.
#[test]
fn one_that_this_node_has_left_is_looked_for_unless_its_beacons_tell() {
    for has_beacons in [false, true] {
        let mut solo = if has_beacons { Solo::met() } else { met_without_beacons() };
        solo.left(2, solo.link(2));
        solo.mailbox_lost(2);
        assert_eq!(solo.events(), ["EXIT 2 link lost"]);
        let mut dials = Vec::new();
        for _ in 0..3 {
            solo.wait(1_000);
            dials.push(solo.dials(2).len());
            solo.trace();
        }
        assert_eq!(dials.iter().any(|dials| *dials > 0), !has_beacons, "{dials:?}");
    }
}

#[test]
fn one_that_was_left_and_met_again_is_lost_like_any_other() {
    let mut solo = met_without_beacons();
    solo.left(2, solo.link(2));
    solo.mailbox_lost(2);
    solo.wait(1_000);
    solo.up(2);
    solo.hello(2);
    assert_eq!(solo.events(), ["EXIT 2 link lost", "ENTER 2"]);
    lose(&mut solo);
    solo.wait(60_000);
    assert!(solo.dials(2).is_empty());
}

#[test]
fn where_this_node_has_moved_what_it_looks_for_is_tried_soon_and_as_long_as_if_it_was_new() {
    let mut solo = Solo::new();
    rumour(&mut solo, 2, endpoint(2));
    for pause in [1_000, 2_000, 4_000, 8_000, 16_000, 32_000, 60_000, 60_000, 60_000] {
        solo.lost(2);
        solo.wait(pause);
    }
    solo.lost(2);
    solo.trace();
    solo.handle(Input::Moved(place(7)));
    for pause in [1_000, 1_000, 2_000, 4_000, 8_000, 16_000, 32_000, 60_000, 60_000] {
        solo.wait(pause - 1);
        assert!(solo.dials(2).is_empty(), "{pause} ms");
        solo.wait(1);
        assert_eq!(solo.dials(2).len(), 1, "{pause} ms");
        solo.lost(2);
        solo.trace();
    }
}

#[test]
fn a_rumour_is_no_sign_of_life() {
    let mut solo = met();
    let mut told = Vec::new();
    for _ in 0..32 {
        solo.wait(1_000);
        rumour(&mut solo, 2, endpoint(2));
        rumour(&mut solo, 2, place(1));
        told.extend(solo.events());
    }
    assert_eq!(told, ["EVASIVE 2", "SILENT 2", "EXIT 2 expired"]);
}

#[test]
fn rumours_of_a_present_peer_elsewhere_change_nothing_and_take_no_place_of_where_it_was_met() {
    let mut solo = met();
    (1..100).for_each(|n| rumour(&mut solo, 2, place(n)));
    assert!(solo.trace().is_empty());
    solo.say(2, zre_proto::message::Command::Ping);
    solo.trace();
    lose(&mut solo);
    // The last of the others is tried as well.
    solo.wait(1_000);
    let dialled: Vec<_> = [endpoint(2), place(99)].map(|place| solo.link_at(2, place)).to_vec();
    assert_eq!(dialled.len(), 2);
}

#[test]
fn where_another_node_answers_it_is_a_rumour_like_any_other() {
    let mut solo = met();
    lose(&mut solo);
    solo.wait(1_000);
    solo.trace();
    for pause in [2_000, 4_000, 8_000] {
        solo.failed(2, UnreachableReason::AnotherNode);
        solo.trace();
        solo.wait(pause - 1);
        assert!(solo.trace().is_empty(), "{pause}");
        solo.wait(1);
        assert_eq!(solo.trace(), ["connect 2"], "{pause}");
    }
}

#[test]
fn where_another_peer_is_met_it_is_not_asked_for_each_second() {
    let mut solo = met();
    lose(&mut solo);
    solo.beacon_at(3, endpoint(2));
    solo.up(3);
    let at = endpoint(2).to_string();
    solo.hello_with(3, &crate::solo::hello(&at));
    solo.trace();
    let mut pings = 0;
    for _ in 0..60 {
        solo.wait(1_000);
        solo.beacon_at(3, endpoint(2));
        for line in solo.trace() {
            assert!(line.starts_with("send 3 ping"), "{line}");
            pings += 1;
            solo.ping_ok(3);
        }
    }
    assert!(pings < 10, "{pings}");
}
