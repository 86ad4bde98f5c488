//! Where a node may be: how many of its addresses are kept, which of them are dialled, and when.

use std::net::SocketAddr;

use zre_proto::{Action, Config, Endpoint, Input, Loss, Output, UnreachableReason};

use crate::common::{endpoint, id};
use crate::solo::{Solo, hello};

/// Another address of node 2.
fn place(n: u8) -> Endpoint {
    Endpoint::new(SocketAddr::from(([172, 16, 0, n], 49152)))
}

/// One of the other family.
fn place_v6() -> Endpoint {
    "tcp://[2001:db8::2]:49152".parse().unwrap()
}

/// Another kind of discovery than beacons says where node 2 is.
fn discover(solo: &mut Solo, endpoint: Endpoint) {
    solo.handle(Input::Candidate { peer: id(2), endpoint });
}

fn require(solo: &mut Solo, endpoint: Endpoint) {
    assert_eq!(solo.act(Action::Require { peer: id(2), endpoint }), Ok(()));
}

fn connect(endpoint: Endpoint) -> String {
    format!("connect 2 at {endpoint}")
}

/// A dial to node 2 is refused.
fn refuse(solo: &mut Solo, endpoint: Endpoint) {
    let conn = solo.link_at(2, endpoint);
    solo.link_lost(2, conn);
}

#[test]
fn two_addresses_are_dialled_at_a_time_and_the_next_one_when_one_of_them_fails() {
    let mut solo = Solo::new();
    solo.beacon(2);
    discover(&mut solo, place(1));
    assert_eq!(solo.trace(), ["connect 2".to_owned(), connect(place(1))]);
    solo.beacon_at(2, place_v6());
    assert!(solo.trace().is_empty());
    refuse(&mut solo, endpoint(2));
    assert_eq!(solo.trace(), [connect(place_v6())]);
}

#[test]
fn whichever_is_up_first_is_used_and_the_other_dials_are_given_up() {
    for first in [true, false] {
        let mut solo = Solo::new();
        solo.beacon(2);
        discover(&mut solo, place(1));
        solo.trace();
        let (up, closed) =
            if first { (endpoint(2), " at tcp://172.16.0.1:49152") } else { (place(1), "") };
        let conn = solo.link_at(2, up);
        solo.link_up(2, conn);
        assert_eq!(solo.trace(), [format!("close 2{closed}"), "send 2 hello 1".to_owned()]);
        solo.hello(2);
        assert_eq!(solo.engine.peer(id(2)).unwrap().endpoint, up);
    }
}

#[test]
fn of_each_source_and_family_only_the_last_address_is_remembered() {
    let mut solo = Solo::new();
    solo.beacon(2);
    discover(&mut solo, place(1));
    // They wait, and each takes the place of the one before.
    for n in 2..50 {
        solo.beacon_at(2, place(n));
    }
    solo.trace();
    for dialled in [endpoint(2), place(1)] {
        refuse(&mut solo, dialled);
    }
    assert_eq!(solo.trace(), [connect(place(49))]);
    refuse(&mut solo, place(49));
    assert!(solo.trace().is_empty());
}

#[test]
fn eight_addresses_are_kept_and_of_those_that_are_required_the_last() {
    let mut solo = Solo::new();
    (1..=12).for_each(|n| {
        require(&mut solo, place(n));
        solo.wait(1);
    });
    let mut dialled = Vec::new();
    for _ in 0..100 {
        for line in solo.trace() {
            if let Some(place) = line.strip_prefix("connect 2 at ") {
                let place: Endpoint = place.parse().unwrap();
                refuse(&mut solo, place);
                dialled.push(place);
            }
        }
        solo.wait(100);
    }
    dialled.sort_unstable();
    dialled.dedup();
    // The first two were being dialled.
    let expected: Vec<_> = [1, 2].into_iter().chain(7..=12).map(place).collect();
    assert_eq!(dialled, expected);
}

#[test]
fn claims_of_a_forger_take_no_place_of_what_is_required_or_being_dialled() {
    let mut solo = Solo::new();
    require(&mut solo, endpoint(2));
    discover(&mut solo, place(1));
    for n in 2..=100 {
        solo.wait(1);
        solo.beacon_at(2, place(n));
        solo.wait(1);
        discover(&mut solo, place(100 + n));
    }
    let begun = ["connect 2".to_owned(), connect(place(1))];
    assert_eq!(solo.trace(), begun, "two at a time");
    refuse(&mut solo, endpoint(2));
    let trace = solo.trace();
    assert_eq!(trace, ["UNREACHABLE 2 refused".to_owned(), connect(place(200))]);
    solo.wait(1_000);
    assert!(solo.trace().is_empty(), "both places are taken");
    refuse(&mut solo, place(1));
    assert_eq!(solo.trace(), ["connect 2"], "what is required failed once, and has waited");
}

#[test]
fn claims_of_a_forger_dial_nothing_and_end_nothing_while_the_peer_is_present() {
    let mut solo = Solo::met();
    for n in 0..200 {
        solo.beacon_at(2, place(n));
        discover(&mut solo, place(n));
        solo.wait(100);
        solo.trace().iter().for_each(|line| {
            assert!(line.starts_with("send 2 ping "), "{line}");
            solo.ping_ok(2);
        });
    }
    let stats = solo.engine.stats();
    assert_eq!((stats.dials, solo.engine.peers().count()), (1, 1));
}

#[test]
fn an_address_that_was_good_is_dialled_first_when_the_peer_is_lost() {
    let mut solo = Solo::met();
    discover(&mut solo, place(1));
    solo.ping_ok(2);
    solo.wait(1_000);
    solo.mailbox_lost(2);
    solo.lost(2);
    assert_eq!(solo.events(), ["EXIT 2 link lost"]);
    // The path is dead, and another one is tried at once. Now the node is heard again.
    solo.beacon_at(2, place_v6());
    assert_eq!(solo.trace(), [connect(place_v6())]);
    solo.beacon(2);
    solo.wait(1);
    discover(&mut solo, place(4));
    assert!(solo.trace().is_empty(), "two are under way");
    refuse(&mut solo, place_v6());
    assert_eq!(solo.trace(), ["connect 2"], "it was there before");
}

#[test]
fn addresses_that_were_good_do_not_keep_out_a_new_one_when_the_node_is_there_no_more() {
    let mut solo = Solo::new();
    for n in 1..=4 {
        require(&mut solo, place(n));
        solo.hello_with(2, &hello(&place(n).to_string()));
        let conn = solo.link_at(2, place(n));
        solo.link_up(2, conn);
        solo.link_lost(2, conn);
    }
    require(&mut solo, place(5));
    for _ in 0..2 {
        // Nobody answers at the others.
        solo.wait(10_000);
        solo.dials(2).into_iter().for_each(|conn| solo.link_lost(2, conn));
    }
    let trace = solo.trace();
    assert!(trace.contains(&connect(place(5))), "{trace:?}");
}

#[test]
fn a_dead_path_is_left_for_another_address_at_once() {
    let mut solo = Solo::met();
    discover(&mut solo, place(1));
    solo.ping_ok(2);
    solo.trace();
    solo.mailbox_lost(2);
    solo.lost(2);
    assert_eq!(solo.trace(), ["EXIT 2 link lost".to_owned(), connect(place(1))]);
}

#[test]
fn an_address_that_fails_waits_longer_each_time_and_is_tried_only_when_it_is_claimed() {
    let mut solo = Solo::new();
    solo.beacon(2);
    for pause in [1_000, 2_000, 4_000, 8_000, 16_000, 32_000, 60_000, 60_000] {
        assert_eq!(solo.trace(), ["connect 2"], "{pause} ms");
        solo.lost(2);
        solo.trace();
        for _ in 0..pause / 1_000 {
            solo.wait(999);
            solo.beacon(2);
            assert!(solo.trace().is_empty(), "{pause} ms");
            solo.wait(1);
        }
        assert!(solo.trace().is_empty(), "no timer dials it, {pause} ms");
        solo.beacon(2);
    }
}

#[test]
fn the_pause_is_short_again_when_the_node_was_met() {
    let mut solo = Solo::new();
    solo.beacon(2);
    for pause in [1_000, 2_000, 4_000] {
        solo.lost(2);
        solo.wait(pause);
        solo.beacon(2);
    }
    solo.up(2);
    solo.hello(2);
    solo.lost(2);
    solo.mailbox_lost(2);
    assert_eq!(solo.events(), ["UNREACHABLE 2 refused", "ENTER 2", "EXIT 2 link lost"]);
    solo.wait(1_000);
    solo.beacon(2);
    solo.lost(2);
    solo.trace();
    solo.wait(1_000);
    solo.beacon(2);
    assert_eq!(solo.trace(), ["connect 2"]);
}

#[test]
fn what_is_required_is_dialled_by_the_clock_and_at_each_of_its_addresses() {
    let mut solo = Solo::new();
    require(&mut solo, place(1));
    require(&mut solo, place(2));
    require(&mut solo, place(3));
    assert_eq!(solo.trace(), [connect(place(1)), connect(place(2))]);
    refuse(&mut solo, place(1));
    let trace = solo.trace();
    assert_eq!(trace, ["UNREACHABLE 2 refused".to_owned(), connect(place(3))]);
    refuse(&mut solo, place(2));
    refuse(&mut solo, place(3));
    assert!(solo.trace().is_empty());
    solo.wait(999);
    assert!(solo.trace().is_empty());
    solo.wait(1);
    assert_eq!(solo.trace().len(), 2);
}

#[test]
fn a_node_at_our_own_endpoint_is_dialled_when_it_is_required() {
    let mut solo = Solo::new();
    require(&mut solo, endpoint(1));
    assert_eq!(solo.trace(), [connect(endpoint(1))], "it may be behind NAT, as we are");
    solo.failed(2, UnreachableReason::AnotherNode);
    assert_eq!(solo.trace(), ["UNREACHABLE 2 another node answers"]);
}

#[test]
fn what_is_not_claimed_for_thirty_seconds_is_forgotten() {
    let mut solo = Solo::new();
    solo.beacon(2);
    solo.lost(2);
    solo.wait_with_beacons(10, &[2]);
    for _ in 0..4 {
        let dialled = solo.trace().contains(&"connect 2".to_owned());
        if dialled {
            solo.lost(2);
        }
        solo.wait_with_beacons(10, &[2]);
    }
    assert!(solo.engine.next_deadline().is_some(), "it lives as long as it is claimed");
    solo.trace();
    solo.wait(29_999);
    assert!(solo.engine.next_deadline().is_some());
    solo.wait(1);
    assert_eq!(solo.engine.next_deadline(), None);
    solo.beacon(2);
    assert_eq!(solo.trace(), ["connect 2"], "as if it was never heard of");
}

#[test]
fn a_node_that_cannot_be_met_is_named_once_for_each_reason() {
    use UnreachableReason::{AnotherNode, Failed, NoAnswer, NoDescriptors, NoRoute, Refused};
    let mut solo = Solo::new();
    let reasons = [Refused, NoAnswer, NoRoute, AnotherNode, NoDescriptors, Failed];
    for turn in 0..3 {
        for why in reasons {
            solo.wait_with_beacons(61, &[2]);
            // It is claimed again while it is dialled.
            assert!(solo.trace().contains(&"connect 2".to_owned()), "{turn}: {why}");
            solo.failed(2, why);
            let told = [format!("UNREACHABLE 2 {why}")];
            assert_eq!(solo.trace(), &told[..usize::from(turn == 0)], "{turn}: {why}");
        }
    }
}

#[test]
fn a_node_that_was_met_is_named_again_when_it_is_unreachable_again() {
    let mut solo = Solo::new();
    require(&mut solo, endpoint(2));
    solo.lost(2);
    assert_eq!(solo.events(), ["UNREACHABLE 2 refused"]);
    solo.wait(1_000);
    solo.up(2);
    solo.hello(2);
    solo.lost(2);
    solo.mailbox_lost(2);
    assert_eq!(solo.events(), ["ENTER 2", "EXIT 2 link lost"]);
    solo.wait(1_000);
    solo.lost(2);
    assert_eq!(solo.events(), ["UNREACHABLE 2 refused"]);
}

#[test]
fn a_node_that_is_heard_once_and_cannot_be_reached_is_not_worth_a_word() {
    let mut solo = Solo::new();
    solo.beacon(2);
    solo.wait(10_000);
    solo.failed(2, UnreachableReason::NoAnswer);
    assert_eq!(solo.trace(), ["connect 2"]);
}

#[test]
fn a_node_that_is_refused_at_once_between_two_beacons_is_named_as_well() {
    let mut solo = Solo::new();
    solo.beacon(2);
    solo.lost(2);
    assert_eq!(solo.trace(), ["connect 2"], "it may have been its last beacon");
    solo.wait(1_000);
    solo.beacon(2);
    solo.lost(2);
    assert_eq!(solo.trace(), ["connect 2", "UNREACHABLE 2 refused"]);
}

#[test]
fn a_node_that_accepts_and_ends_the_connection_each_time_is_tried_less_and_less_often() {
    let mut solo = Solo::new();
    for second in 0..120 {
        solo.beacon(2);
        if solo.trace().contains(&"connect 2".to_owned()) {
            solo.up(2);
            solo.lost(2);
            let told: &[&str] =
                if second == 1 { &["UNREACHABLE 2 it does not greet back"] } else { &[] };
            assert_eq!(solo.events(), told, "{second} s");
        }
        solo.wait(1_000);
    }
    assert_eq!(solo.engine.stats().dials, 7, "at 0, 1, 3, 7, 15, 31 and 63 seconds");
}

#[test]
fn a_claim_at_an_endpoint_where_another_is_dialled_waits_until_that_is_over() {
    let mut solo = Solo::new();
    solo.beacon(2);
    solo.beacon_at(3, endpoint(2));
    solo.wait_with_beacons(5, &[2]);
    solo.beacon_at(3, endpoint(2));
    assert_eq!(solo.trace(), ["connect 2"], "two links to one ROUTER have one routing id");
    solo.failed(2, UnreachableReason::AnotherNode);
    solo.trace();
    solo.wait(2_000);
    solo.beacon_at(3, endpoint(2));
    assert_eq!(solo.trace(), ["connect 3 at tcp://10.0.0.2:49152"], "after a pause");
}

#[test]
fn a_connection_of_the_peer_itself_ends_the_dials_elsewhere() {
    let mut solo = Solo::new();
    solo.beacon_at(2, place(1));
    discover(&mut solo, place(2));
    solo.trace();
    solo.hello_with(2, &hello(&place(3).to_string()));
    let given_up = [1, 2].map(|n| format!("close 2 at {}", place(n)));
    assert_eq!(solo.trace(), [&given_up[..], &[connect(place(3))]].concat());
}

#[test]
fn a_dial_that_began_before_a_hello_and_fails_after_it_is_made_again_at_once() {
    for required in [false, true] {
        let mut solo = Solo::new();
        if required {
            require(&mut solo, endpoint(2));
        } else {
            solo.beacon(2);
        }
        solo.wait_with_beacons(1, &[2]);
        assert_eq!(solo.trace(), ["connect 2"]);
        solo.hello(2);
        solo.whisper(2, "held");
        solo.lost(2);
        assert_eq!(solo.trace(), ["connect 2"], "it is there now, whatever was before");
        let mut refused_again = Solo::new();
        std::mem::swap(&mut refused_again, &mut solo);
        refused_again.lost(2);
        let told = ["UNREACHABLE 2 refused", "close mailbox 1"];
        assert_eq!(refused_again.trace(), told, "this one began when it had said where it is");
    }
    let mut solo = Solo::new();
    solo.beacon(2);
    solo.hello(2);
    solo.whisper(2, "held");
    solo.lost(2);
    solo.up(2);
    assert_eq!(
        solo.trace(),
        ["connect 2", "connect 2", "send 2 hello 1", "ENTER 2", "WHISPER 2 held"]
    );
}

#[test]
fn a_node_that_says_hello_without_its_place_is_looked_for_again_at_each_that_was_claimed() {
    let mut solo = Solo::new();
    solo.beacon(2);
    discover(&mut solo, place(1));
    solo.hello_with(2, &hello("nonsense"));
    assert_eq!(solo.trace(), ["connect 2".to_owned(), connect(place(1))]);
    refuse(&mut solo, endpoint(2));
    assert_eq!(solo.trace(), ["connect 2"]);
    refuse(&mut solo, endpoint(2));
    assert_eq!(
        solo.trace(),
        ["UNREACHABLE 2 refused"],
        "it is not there, but the other dial goes on"
    );
    let conn = solo.link_at(2, place(1));
    solo.link_up(2, conn);
    assert_eq!(solo.trace(), ["send 2 hello 1", "ENTER 2"]);
}

#[test]
fn a_node_that_cannot_be_reached_where_its_hello_says_is_tried_where_it_is_claimed_besides() {
    let mut solo = Solo::new();
    solo.hello(2);
    solo.beacon_at(2, place(1));
    assert_eq!(solo.trace(), ["connect 2"], "what others say may be forged");
    solo.lost(2);
    assert_eq!(solo.trace(), [connect(place(1))], "but now there is no other");
    solo.up(2);
    assert_eq!(solo.trace(), ["send 2 hello 1", "ENTER 2"]);
}

#[test]
fn claims_do_not_push_out_nodes_that_are_dialled_and_take_the_room_of_those_that_are_remembered() {
    let mut solo = Solo::with(Config { max_peers: 3, ..Config::new(id(1), endpoint(1)) });
    solo.meet(2);
    solo.beacon(3);
    solo.beacon(4);
    solo.trace();
    solo.beacon(5);
    assert!(solo.trace().is_empty());
    assert_eq!(solo.engine.stats().candidates_refused, 1);
    solo.lost(4);
    solo.beacon(5);
    assert_eq!(solo.trace(), ["connect 5"]);
}

#[test]
fn a_link_that_leads_to_nobody_is_left_for_another_address_after_ten_seconds() {
    for known_before in [true, false] {
        let mut solo = Solo::new();
        solo.beacon(2);
        solo.up(2);
        if known_before {
            discover(&mut solo, place(1));
        }
        solo.trace();
        solo.wait(9_999);
        assert!(solo.trace().is_empty(), "it may answer yet");
        solo.wait(1);
        if !known_before {
            assert!(solo.trace().is_empty(), "there is no other way");
            discover(&mut solo, place(1));
        }
        assert_eq!(solo.trace(), ["close 2".to_owned(), connect(place(1))]);
    }
}

#[test]
fn a_loss_is_told_of_a_dial_that_was_closed_without_harm() {
    let mut solo = Solo::new();
    solo.beacon_at(2, place(1));
    let old = solo.link(2);
    solo.hello(2);
    solo.up(2);
    assert_eq!(solo.events(), ["ENTER 2"]);
    let why = Loss::Failed(UnreachableReason::Refused);
    solo.handle(Input::Lost { peer: id(2), conn: old, why });
    solo.whisper(2, "here");
    assert_eq!(solo.trace(), ["WHISPER 2 here"]);
}

/// What was dialled since this was last asked: where, and whether it is known to have failed only.
fn dialled(solo: &mut Solo) -> Vec<(Endpoint, bool)> {
    let dial = |output| match output {
        Output::Connect { endpoint, failed_before, .. } => Some((endpoint, failed_before)),
        _ => None,
    };
    solo.outputs().into_iter().filter_map(dial).collect()
}

#[test]
fn an_address_that_has_only_failed_is_dialled_as_such() {
    let mut solo = Solo::new();
    solo.beacon(2);
    assert_eq!(dialled(&mut solo), [(endpoint(2), false)]);
    solo.failed(2, UnreachableReason::NoAnswer);
    solo.wait_with_beacons(2, &[2]);
    assert_eq!(dialled(&mut solo), [(endpoint(2), true)]);
    // Another one of the same node has not failed.
    discover(&mut solo, place(1));
    assert_eq!(dialled(&mut solo), [(place(1), false)]);
    let conn = solo.link_at(2, endpoint(2));
    solo.link_up(2, conn);
    solo.hello(2);
    assert_eq!(solo.events().last().map(String::as_str), Some("ENTER 2"));
    solo.lost(2);
    solo.link_lost(2, conn);
    solo.outputs();
    solo.wait_with_beacons(2, &[2]);
    assert_eq!(dialled(&mut solo), [(endpoint(2), false)], "it was there a moment ago");
}

#[test]
fn an_address_that_another_says_it_is_at_is_not_held_against_the_node_that_is_there() {
    let there = endpoint(2).to_string();
    let mut solo = Solo::new();
    for round in 0..6 {
        solo.trace();
        solo.wait_with_beacons(2, &[2]);
        assert!(solo.trace().contains(&"connect 2".to_owned()), "round {round}: it is tried again");
        // Behind NAT, say; and it is tried as well.
        solo.hello_with(3, &hello(&there));
        let tried = solo.trace();
        assert!(tried.contains(&"close 2".to_owned()), "round {round}: {tried:?}");
        assert!(tried.contains(&format!("connect 3 at {there}")), "round {round}: {tried:?}");
        solo.failed(3, UnreachableReason::AnotherNode);
    }
}
