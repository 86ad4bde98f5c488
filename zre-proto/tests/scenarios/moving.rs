//! Peers at other endpoints, other peers at their endpoints, and restarts.

use std::net::SocketAddr;

use zre_proto::{Action, Endpoint, Input};

use crate::common::{endpoint, id};
use crate::solo::{Solo, hello};
use crate::two_way::all_met;

/// Another port on the host of node 2.
fn elsewhere() -> Endpoint {
    Endpoint::new(SocketAddr::from(([10, 0, 0, 2], 50000)))
}

/// A two-way peer that was met in any way, and that others have told of as well, or the application.
fn all_met_and_told() -> impl Iterator<Item = Solo> {
    let told: [fn(&mut Solo); 3] = [
        |_| {},
        |solo| solo.handle(Input::Rumour { peer: id(2), endpoint: endpoint(2) }),
        |solo| {
            let required = Action::Require { peer: id(2), endpoint: endpoint(2) };
            solo.act(required).expect("it may be required");
        },
    ];
    told.into_iter().flat_map(|tell| {
        all_met().map(move |(mut solo, _)| {
            tell(&mut solo);
            solo
        })
    })
}

const CONNECT_ELSEWHERE: &str = "connect 2 at tcp://10.0.0.2:50000";

#[test]
fn a_forged_beacon_does_not_cut_a_link_that_works() {
    let mut solo = Solo::met();
    solo.beacon_at(2, elsewhere());
    solo.beacon_at(2, endpoint(9));
    assert_eq!(solo.trace(), ["send 2 ping 2"]);
    solo.ping_ok(2);
    solo.wait_with_beacons(10, &[2]);
    solo.whisper(2, "here");
    assert_eq!(solo.trace(), ["WHISPER 2 here"]);
}

#[test]
fn a_moved_peer_that_does_not_answer_at_the_old_endpoint_is_looked_for_at_the_other() {
    let mut solo = Solo::met();
    for _ in 0..10 {
        solo.beacon_at(2, elsewhere());
        solo.wait(999);
    }
    assert_eq!(solo.trace(), ["send 2 ping 2"], "though its link holds");
    solo.wait(10);
    let gone = ["EXIT 2 link lost", "close 2", "close mailbox 1"];
    assert_eq!(solo.trace(), [&gone[..], &[CONNECT_ELSEWHERE]].concat());
}

/// Its host has another address now, and lets us dial it; perhaps it cannot dial us.
#[test]
fn a_peer_that_says_goodbye_and_is_heard_elsewhere_is_met_there_in_time() {
    for mut solo in all_met_and_told().chain([Solo::met()]) {
        solo.wait_with_beacons(10, &[2]);
        solo.whisper(2, "last");
        solo.trace();
        solo.goodbye(2);
        solo.beacon_at(2, elsewhere());
        solo.wait(999);
        assert_eq!(solo.events(), [""; 0]);
        solo.wait(1);
        let trace = solo.trace();
        assert_eq!(trace[0], "EXIT 2 link lost");
        assert!(trace.contains(&CONNECT_ELSEWHERE.to_owned()), "{trace:?}");
    }
}

/// Anybody can say goodbye in its name.
#[test]
fn a_peer_that_answers_or_is_heard_where_it_was_has_said_no_goodbye() {
    for answers in [true, false] {
        for mut solo in all_met_and_told().chain([Solo::met()]) {
            solo.wait_with_beacons(10, &[2]);
            solo.goodbye(2);
            solo.beacon_at(2, elsewhere());
            if answers {
                solo.ping_ok(2);
            } else {
                solo.beacon(2);
            }
            solo.wait_with_beacons(4, &[2]);
            let events = solo.events();
            assert!(events.iter().all(|event| !event.contains("EXIT")), "{events:?}");
        }
    }
}

/// It has moved, and does not know that.
#[test]
fn a_two_way_peer_that_is_heard_elsewhere_and_no_more_where_it_was_is_looked_for_there() {
    for said_something in [true, false] {
        for mut solo in all_met_and_told() {
            solo.wait_with_beacons(10, &[2]);
            solo.wait(900);
            if said_something {
                solo.whisper(2, "last");
            }
            solo.trace();
            for second in 1..=10 {
                solo.beacon_at(2, elsewhere());
                solo.wait(1_000);
                let is_gone = solo.events().contains(&"EXIT 2 link lost".to_owned());
                assert_eq!(is_gone, second == 10, "second {second}");
            }
        }
    }
}

/// It has several addresses, and does not read: it is still heard where it was, or says so.
#[test]
fn a_two_way_peer_that_does_not_answer_and_is_heard_where_it_was_has_not_moved() {
    for is_heard in [true, false] {
        for (mut solo, _) in all_met() {
            solo.beacon(2);
            solo.trace();
            solo.beacon_at(2, elsewhere());
            assert_eq!(solo.trace().len(), 1, "a PING");
            for _ in 0..20 {
                solo.wait(1_000);
                if is_heard {
                    solo.beacon(2);
                } else {
                    solo.ping_ok(2);
                }
                solo.beacon_at(2, elsewhere());
            }
            let events = solo.events();
            assert!(events.iter().all(|event| !event.contains("EXIT")), "{events:?}");
        }
    }
}

/// Where packets are lost, beacons are missed and an answer is late; what it says meanwhile counts.
#[test]
fn a_two_way_peer_whose_answer_is_late_and_that_says_something_has_not_moved() {
    for mut solo in all_met_and_told() {
        solo.wait_with_beacons(10, &[2]);
        solo.wait(900);
        solo.beacon_at(2, elsewhere());
        for n in 0..50 {
            solo.wait(100);
            // Once a second, and not when the answer is waited for.
            if n % 10 == 3 {
                solo.whisper(2, "here");
                solo.beacon_at(2, elsewhere());
            }
        }
        solo.ping_ok(2);
        let events = solo.events();
        assert!(events.iter().all(|event| !event.contains("EXIT")), "{events:?}");
    }
}

/// The address at which it was met is gone, and others stay: it is asked once whether it is still
/// there, not with each beacon.
#[test]
fn a_two_way_peer_that_is_missed_where_it_was_is_asked_once() {
    for answers in [true, false] {
        for mut solo in all_met_and_told() {
            solo.beacon(2);
            solo.beacon_at(2, elsewhere());
            solo.ping_ok(2);
            solo.wait_with_beacons(3, &[2]);
            solo.trace();
            let mut pings = 0;
            for second in 1..=20 {
                solo.wait(1_000);
                solo.beacon_at(2, elsewhere());
                let trace = solo.trace();
                let asked = trace.iter().filter(|line| line.contains("ping")).count();
                pings += asked;
                if asked > 0 && answers {
                    solo.ping_ok(2);
                }
                let is_gone = trace.contains(&"EXIT 2 link lost".to_owned());
                assert_eq!(is_gone, !answers && second == 13, "second {second}: {trace:?}");
            }
            assert_eq!(pings, 1, "answers: {answers}");
        }
    }
}

#[test]
fn a_goodbye_is_asked_about_though_the_peer_may_have_moved() {
    let mut solo = Solo::met();
    solo.beacon_at(2, elsewhere());
    solo.goodbye(2);
    assert_eq!(solo.trace(), ["send 2 ping 2", "send 2 ping 3"]);
    solo.wait(1_000);
    assert_eq!(solo.events(), ["EXIT 2 goodbye"]);
}

#[test]
fn a_moved_peer_is_looked_for_at_its_other_endpoint_when_its_link_is_lost() {
    let mut solo = Solo::met();
    solo.beacon_at(2, elsewhere());
    assert_eq!(solo.trace(), ["send 2 ping 2"]);
    solo.mailbox_lost(2);
    solo.lost(2);
    assert_eq!(solo.trace(), ["EXIT 2 link lost", CONNECT_ELSEWHERE]);
    solo.up(2);
    solo.hello_with(2, &hello(&elsewhere().to_string()));
    assert_eq!(solo.trace(), ["send 2 hello 1", "ENTER 2"]);
}

#[test]
fn a_peer_that_is_said_to_be_at_two_endpoints_is_looked_for_at_both() {
    for found_first in [false, true] {
        let mut solo = Solo::new();
        solo.beacon(2);
        let first = solo.link(2);
        solo.beacon_at(2, elsewhere());
        let other = solo.link(2);
        assert_eq!(solo.trace(), ["connect 2", CONNECT_ELSEWHERE]);
        let (wrong, right) = if found_first { (other, first) } else { (first, other) };
        solo.link_lost(2, wrong);
        assert!(solo.trace().is_empty(), "each endpoint is tried once");
        solo.link_up(2, right);
        solo.hello(2);
        assert_eq!(solo.trace(), ["send 2 hello 1", "ENTER 2"]);
    }
}

#[test]
fn a_peer_that_is_found_at_one_endpoint_is_no_longer_looked_for_at_the_other() {
    let mut solo = Solo::new();
    solo.beacon(2);
    let first = solo.link(2);
    solo.beacon_at(2, elsewhere());
    solo.trace();
    solo.link_up(2, first);
    assert_eq!(solo.trace(), ["close 2 at tcp://10.0.0.2:50000", "send 2 hello 1"]);
}

#[test]
fn an_endpoint_that_its_own_beacons_contradict_is_not_remembered() {
    let mut solo = Solo::met();
    solo.beacon_at(2, endpoint(9));
    assert_eq!(solo.trace(), ["send 2 ping 2"]);
    solo.wait_with_beacons(30, &[2]);
    assert!(solo.trace().is_empty(), "not even if it does not read just now");
    solo.lost(2);
    solo.mailbox_lost(2);
    let trace = solo.trace();
    assert_eq!(trace, ["EXIT 2 link lost"], "the beacon of endpoint 9 was forged");
}

#[test]
fn a_hello_from_a_new_endpoint_moves_the_link() {
    let mut solo = Solo::met();
    solo.hello_with(2, &hello(&elsewhere().to_string()));
    let expected = ["EXIT 2 restarted", "close 2", CONNECT_ELSEWHERE];
    assert_eq!(solo.trace(), expected);
    solo.up(2);
    assert_eq!(solo.trace(), ["send 2 hello 1", "ENTER 2"]);
    solo.wait(100);
    assert!(solo.trace().is_empty());
}

#[test]
fn a_hello_from_a_new_endpoint_moves_a_link_that_is_not_connected_yet() {
    let mut solo = Solo::new();
    solo.beacon_at(2, endpoint(9));
    solo.trace();
    solo.hello(2);
    let trace = solo.trace();
    let moved = ["close 2 at tcp://10.0.0.9:49152", "connect 2"];
    assert_eq!(trace, moved, "nobody is at endpoint 9");
    solo.up(2);
    assert_eq!(solo.trace(), ["send 2 hello 1", "ENTER 2"]);
    assert_eq!(solo.engine.peer(id(2)).unwrap().endpoint, endpoint(2));
}

#[test]
fn a_restart_with_the_same_id_is_one_exit_and_one_enter_in_either_order_of_hello_and_loss() {
    let cases = [endpoint(2), elsewhere()].map(|place| [(place, true), (place, false)]);
    for (place, hello_first) in cases.concat() {
        for unanswered in [false, true] {
            let mut solo = if unanswered { Solo::unanswered() } else { Solo::met() };
            let (old, old_conn) = (solo.link(2), solo.conn(2));
            solo.wait_with_beacons(3, &[2]);
            if hello_first {
                solo.hello_with(2, &hello(&place.to_string()));
            }
            solo.conn_lost(2, old_conn);
            solo.link_lost(2, old);
            if !hello_first {
                solo.hello_with(2, &hello(&place.to_string()));
            }
            let trace = solo.trace();
            let case = format!(
                "at {place}, HELLO first: {hello_first}, ours unanswered: {unanswered}: {trace:?}"
            );
            let count = |word: &str| trace.iter().filter(|line| line.starts_with(word)).count();
            assert_eq!((count("EXIT 2"), count("ENTER 2")), (1, 0), "{case}");
            assert_eq!(count("connect 2"), 1, "{case}");
            assert!(trace.last().unwrap().starts_with("connect 2"), "{case}");
            solo.up(2);
            assert_eq!(solo.trace(), ["send 2 hello 1", "ENTER 2"], "{case}");
            solo.wait_with_beacons(2, &[]);
            assert!(solo.trace().is_empty(), "{case}");
        }
    }
}

#[test]
fn a_restart_that_leaves_the_old_link_hanging_is_greeted_at_once_or_after_a_second() {
    for (mut solo, expected) in [(Solo::met(), 0), (Solo::unanswered(), 1_000)] {
        solo.wait_with_beacons(3, &[2]);
        solo.hello(2);
        let start = solo.millis();
        let mut trace = solo.trace();
        while !trace.contains(&"connect 2".to_owned()) {
            solo.wait(1);
            trace.extend(solo.trace());
        }
        assert_eq!(solo.millis() - start, expected);
        assert!(trace.ends_with(&["close 2", "connect 2"].map(str::to_owned)), "{trace:?}");
        solo.up(2);
        assert_eq!(solo.trace(), ["send 2 hello 1", "ENTER 2"]);
    }
}

#[test]
fn a_new_node_on_the_endpoint_of_a_lost_one_is_dialled_at_once() {
    let mut solo = Solo::met();
    solo.lost(2);
    solo.beacon_at(3, endpoint(2));
    assert_eq!(solo.trace(), ["connect 3 at tcp://10.0.0.2:49152"]);
    solo.whisper(2, "last");
    solo.wait(200);
    let gone = ["WHISPER 2 last", "EXIT 2 link lost", "close mailbox 1"];
    assert_eq!(solo.trace(), gone, "a claim ends nobody");
}

#[test]
fn a_new_node_on_the_endpoint_of_a_link_that_hangs_replaces_it_after_ten_seconds() {
    let mut solo = Solo::met();
    solo.beacon_at(3, endpoint(2));
    assert_eq!(solo.trace(), ["send 2 ping 2"], "anybody can send a beacon");
    solo.wait_with_beacons(9, &[2]);
    solo.beacon_at(3, endpoint(2));
    solo.wait(999);
    assert!(solo.trace().is_empty(), "it may not read just now");
    solo.wait(1);
    assert_eq!(solo.trace(), ["EXIT 2 replaced", "close 2", "close mailbox 1"]);
    solo.wait(1_000);
    solo.beacon_at(3, endpoint(2));
    assert_eq!(solo.trace(), ["connect 3 at tcp://10.0.0.2:49152"]);
}

#[test]
fn a_new_node_on_the_endpoint_of_a_link_that_breaks_then_replaces_it() {
    let mut solo = Solo::met();
    solo.beacon_at(3, endpoint(2));
    solo.lost(2);
    solo.mailbox_lost(2);
    assert_eq!(solo.events(), ["EXIT 2 replaced"]);
}

#[test]
fn a_forged_node_on_the_endpoint_of_a_peer_that_answers_does_no_harm() {
    let mut solo = Solo::met();
    for _ in 0..5 {
        solo.beacon_at(3, endpoint(2));
        solo.ping_ok(2);
        solo.wait(1_000);
    }
    let trace = solo.trace();
    assert_eq!(trace.len(), 3, "it is asked with pauses");
    assert!(trace.iter().all(|line| line.starts_with("send 2 ping")), "{trace:?}");
}

#[test]
fn a_hello_of_a_new_node_on_the_endpoint_of_another_replaces_that_if_it_does_not_object() {
    let mut solo = Solo::met();
    solo.hello_with(3, &hello(&endpoint(2).to_string()));
    assert_eq!(solo.trace(), ["send 2 ping 2"]);
    solo.wait(1_000);
    let old = ["EXIT 2 replaced", "close 2", "close mailbox 1"];
    let new = ["connect 3 at tcp://10.0.0.2:49152"];
    assert_eq!(solo.trace(), [&old[..], &new].concat());
    solo.up(3);
    assert_eq!(solo.trace(), ["send 3 hello 1", "ENTER 3"]);
}

#[test]
fn a_node_that_never_said_hello_is_replaced_unheard() {
    let mut solo = Solo::new();
    solo.beacon(2);
    solo.up(2);
    solo.trace();
    solo.beacon_at(3, endpoint(2));
    assert!(solo.trace().is_empty(), "it may just be answering");
    solo.wait(10_000);
    solo.beacon_at(3, endpoint(2));
    let expected = ["close 2", "connect 3 at tcp://10.0.0.2:49152"];
    assert_eq!(solo.trace(), expected);
}

#[test]
fn a_peer_that_moves_to_the_endpoint_of_another_replaces_that() {
    let mut solo = Solo::met();
    solo.meet(3);
    solo.hello_with(3, &hello(&endpoint(2).to_string()));
    assert_eq!(solo.trace(), ["send 2 ping 2"]);
    solo.wait(1_000);
    assert_eq!(solo.events(), ["EXIT 3 restarted", "EXIT 2 replaced"]);
    solo.up(3);
    assert_eq!(solo.trace(), ["send 3 hello 1", "ENTER 3"]);
}

#[test]
fn a_peer_whose_hello_leads_to_the_endpoint_of_another_replaces_that() {
    let mut solo = Solo::met();
    solo.beacon(3);
    solo.trace();
    solo.hello_with(3, &hello(&endpoint(2).to_string()));
    assert_eq!(solo.trace(), ["send 2 ping 2"]);
    solo.wait(1_000);
    let gone = ["close 3", "EXIT 2 replaced", "close 2", "close mailbox 1"];
    assert_eq!(solo.trace(), [&gone[..], &["connect 3 at tcp://10.0.0.2:49152"]].concat());
    solo.up(3);
    assert_eq!(solo.trace(), ["send 3 hello 1", "ENTER 3"]);
}
