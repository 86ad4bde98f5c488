//! How peers meet: ENTER, and the answer to a HELLO.

use zre_proto::message::{Command, Hello, Message};
use zre_proto::{Config, Content, Event, Output};

use crate::common::{endpoint, id};
use crate::solo::{Solo, hello};

#[test]
fn a_beacon_is_answered_by_a_link_and_when_that_is_up_by_a_hello() {
    let mut solo = Solo::new();
    solo.beacon(2);
    assert_eq!(solo.trace(), ["connect 2"]);
    solo.beacon(2);
    assert!(solo.trace().is_empty(), "a beacon of a known node is nothing new");
    solo.up(2);
    assert_eq!(solo.trace(), ["send 2 hello 1"]);
}

#[test]
fn a_peer_enters_with_its_hello_and_then_joins_each_group_in_it() {
    let mut solo = Solo::new();
    solo.beacon(2);
    solo.up(2);
    solo.trace();
    let place = endpoint(2).to_string();
    let groups = vec![b"chat".as_slice(), b"files", b"chat"];
    solo.hello_with(2, &Hello { groups, status: 3, ..hello(&place) });
    assert_eq!(solo.trace(), ["ENTER 2", "JOIN 2 chat", "JOIN 2 files"]);
    solo.say(2, Command::Join { group: b"late", status: 4 });
    assert_eq!(solo.trace(), ["JOIN 2 late"], "the count goes on from the HELLO's");
}

#[test]
fn enter_tells_what_the_peer_said_about_itself() {
    let mut solo = Solo::new();
    let place = endpoint(2).to_string();
    // The name is cut inside a character, as pyre does it; one header comes twice.
    let headers = vec![(b"k".as_slice(), b"first".as_slice()), (b"k", b"second"), (b"l", b"x")];
    solo.hello_with(2, &Hello { name: b"b\xc3", headers, ..hello(&place) });
    assert!(solo.events().is_empty(), "it cannot be answered yet");
    solo.up(2);
    let outputs = solo.outputs();
    let Some(Output::Event(Event::Enter { peer, name, headers, endpoint: at })) = outputs.last()
    else {
        panic!("{outputs:?}")
    };
    assert_eq!((*peer, &**name, *at), (id(2), "b\u{FFFD}", endpoint(2)));
    let headers: Vec<_> = headers.iter().map(|(k, v)| (&**k, &**v)).collect();
    assert_eq!(headers, [("k", "first"), ("l", "x")]);
    let info = solo.engine.peer(id(2)).unwrap();
    assert_eq!((&*info.name, info.endpoint, info.headers.len()), ("b\u{FFFD}", endpoint(2), 2));
}

#[test]
fn commands_before_hello_are_dropped() {
    let mut solo = Solo::new();
    solo.beacon(2);
    solo.up(2);
    solo.trace();
    for n in [2, 3] {
        solo.reconnect(n);
        for command in [Command::Whisper, Command::Ping, Command::Join { group: b"a", status: 1 }] {
            solo.say(n, command);
        }
    }
    assert!(solo.trace().is_empty());
    assert_eq!(solo.engine.stats().before_hello, 6);
    solo.hello(2);
    assert_eq!(solo.trace(), ["ENTER 2"]);
}

#[test]
fn a_hello_with_another_sequence_than_1_is_not_taken() {
    for sequence in [0, 2, 65535] {
        let mut solo = Solo::new();
        solo.beacon(2);
        solo.trace();
        let conn = solo.reconnect(2);
        let place = endpoint(2).to_string();
        let message = Message { sequence, command: Command::Hello(hello(&place)) };
        solo.raw(2, conn, &message.encode(), Content::none());
        assert_eq!(solo.trace(), ["close mailbox 1"], "HELLO {sequence}");
        solo.hello(2);
        assert!(solo.trace().is_empty(), "the link is not up, after HELLO {sequence}");
        solo.up(2);
        assert_eq!(solo.trace(), ["send 2 hello 1", "ENTER 2"], "after HELLO {sequence}");
    }
}

#[test]
fn a_second_hello_inside_the_sequence_ends_the_peer() {
    let mut solo = Solo::met();
    solo.say(2, Command::Hello(hello(&endpoint(2).to_string())));
    assert_eq!(solo.trace(), ["EXIT 2 rejected", "close 2", "close mailbox 1"]);
}

#[test]
fn a_hello_before_the_beacon_is_answered_by_exactly_one_hello() {
    let mut solo = Solo::new();
    solo.hello(2);
    assert_eq!(solo.trace(), ["connect 2"]);
    solo.up(2);
    assert_eq!(solo.trace(), ["send 2 hello 1", "ENTER 2"]);
    solo.wait_with_beacons(20, &[2]);
    assert!(solo.trace().is_empty());
}

#[test]
fn a_host_name_in_a_hello_stands_for_the_address_it_came_from() {
    let mut solo = Solo::new();
    solo.hello_with(2, &hello("tcp://some-laptop:49152"));
    assert_eq!(solo.trace(), ["connect 2"]);
    solo.up(2);
    assert_eq!(solo.trace(), ["send 2 hello 1", "ENTER 2"]);
}

#[test]
fn a_hello_without_a_usable_endpoint_is_dropped_unless_a_beacon_told_the_place() {
    for bad in ["", "nonsense", "tcp://10.0.0.2:0", "udp://10.0.0.2:9"] {
        let mut solo = Solo::new();
        solo.hello_with(2, &hello(bad));
        assert_eq!(solo.trace(), ["close mailbox 1"], "{bad}");
        solo.beacon(2);
        assert_eq!(solo.trace(), ["connect 2"], "{bad}");
        solo.hello_with(2, &hello(bad));
        assert!(solo.trace().is_empty(), "{bad}: the link is not up");
        solo.up(2);
        assert_eq!(solo.trace(), ["send 2 hello 1", "ENTER 2"], "{bad}");
    }
}

#[test]
fn a_peer_that_never_says_hello_is_dropped_unheard_and_tried_again_by_its_next_beacon() {
    let mut solo = Solo::new();
    solo.beacon(2);
    solo.up(2);
    solo.trace();
    solo.wait_with_beacons(29, &[2]);
    solo.wait(999);
    assert!(solo.trace().is_empty(), "a beacon does not stand for a HELLO");
    solo.wait(1);
    let reason = "UNREACHABLE 2 it does not greet back";
    assert_eq!(solo.trace(), [reason, "close 2"]);
    solo.beacon(2);
    assert!(solo.trace().is_empty(), "not without a pause");
    solo.wait(1_000);
    solo.beacon(2);
    assert_eq!(solo.trace(), ["connect 2"]);
}

#[test]
fn own_beacons_and_own_ids_are_ignored_wherever_they_say_they_are() {
    let mut solo = Solo::new();
    solo.beacon_at(1, endpoint(1));
    solo.beacon_at(1, endpoint(2));
    solo.goodbye(1);
    solo.hello(1);
    assert!(solo.trace().is_empty());
    assert_eq!(solo.engine.stats().own, 3);
    assert_eq!(solo.engine.next_deadline(), None);
}

#[test]
fn a_node_that_says_it_is_where_we_are_is_tried_as_any_other() {
    let mut solo = Solo::new();
    solo.beacon_at(2, endpoint(1));
    assert_eq!(solo.trace(), ["connect 2 at tcp://10.0.0.1:49152"], "so does one behind NAT");
    solo.hello_with(3, &hello(&endpoint(1).to_string()));
    let trace = solo.trace();
    assert_eq!(trace, ["close 2 at tcp://10.0.0.1:49152", "connect 3 at tcp://10.0.0.1:49152"]);
    assert_eq!(solo.engine.stats().own, 0);
}

#[test]
fn a_hello_out_of_the_blue_means_exit_enter_and_exactly_one_hello_back() {
    for seconds in [0, 1, 11, 60] {
        let mut solo = Solo::met();
        solo.wait_with_beacons(seconds, &[2]);
        assert!(solo.trace().is_empty());
        solo.hello(2);
        let trace = solo.trace();
        assert_eq!(trace, ["EXIT 2 restarted", "close 2", "connect 2"], "after {seconds} s");
        solo.whisper(2, "held");
        assert!(solo.trace().is_empty());
        solo.up(2);
        assert_eq!(solo.trace(), ["send 2 hello 1", "ENTER 2", "WHISPER 2 held"]);
        solo.wait_with_beacons(20, &[2]);
        assert!(solo.trace().is_empty(), "one HELLO is enough");
    }
}

#[test]
fn a_hello_that_may_answer_ours_is_put_to_the_test_and_pingok_settles_it() {
    for seconds in [0, 9, 60] {
        let mut solo = Solo::unanswered();
        solo.wait_with_beacons(seconds, &[2]);
        assert!(solo.trace().is_empty());
        let place = endpoint(2).to_string();
        solo.hello_with(2, &Hello { groups: vec![b"a"], status: 1, ..hello(&place) });
        let tested = ["EXIT 2 restarted", "send 2 ping 2"];
        assert_eq!(solo.trace(), tested, "no HELLO, after {seconds} s: it may have crossed ours");
        solo.whisper(2, "one");
        solo.say(2, Command::Join { group: b"b", status: 2 });
        solo.say(2, Command::Leave { group: b"a", status: 3 });
        assert!(solo.trace().is_empty(), "it would not hear what it is sent, if it has lost us");
        solo.ping_ok(2);
        let told = ["ENTER 2", "JOIN 2 a", "WHISPER 2 one", "JOIN 2 b", "LEAVE 2 a"];
        assert_eq!(solo.trace(), told, "all of it, in order");
        solo.whisper(2, "two");
        assert_eq!(solo.trace(), ["WHISPER 2 two"], "from now on at once");
        solo.ping_ok(2);
        solo.up(2);
        solo.wait_with_beacons(9, &[2]);
        assert!(solo.trace().is_empty(), "it knows us");
    }
}

#[test]
fn a_hello_that_may_answer_ours_is_answered_by_one_hello_if_there_is_no_pingok() {
    let mut solo = Solo::testing();
    let old = solo.link(2);
    solo.whisper(2, "one");
    solo.wait(999);
    assert!(solo.trace().is_empty());
    solo.wait(1);
    assert_eq!(solo.trace(), ["close 2", "connect 2"], "it has lost us");
    solo.whisper(2, "two");
    solo.link_up(2, old);
    assert!(solo.trace().is_empty());
    solo.up(2);
    let entered = ["send 2 hello 1", "ENTER 2", "WHISPER 2 one", "WHISPER 2 two"];
    assert_eq!(solo.trace(), entered);
    solo.wait_with_beacons(20, &[2]);
    assert!(solo.trace().is_empty());
}

#[test]
fn a_hello_that_may_answer_ours_and_then_a_broken_link_is_answered_by_one_hello_at_once() {
    let mut solo = Solo::testing();
    solo.whisper(2, "held");
    solo.lost(2);
    assert_eq!(solo.trace(), ["connect 2"]);
    solo.up(2);
    assert_eq!(solo.trace(), ["send 2 hello 1", "ENTER 2", "WHISPER 2 held"]);
    solo.wait_with_beacons(20, &[2]);
    assert!(solo.trace().is_empty());
}

#[test]
fn a_hello_while_another_is_put_to_the_test_is_answered_at_once() {
    let mut solo = Solo::testing();
    solo.whisper(2, "of the one before");
    solo.wait(500);
    solo.hello(2);
    let relinked = ["close 2", "connect 2"];
    assert_eq!(solo.trace(), relinked, "one of the two cannot be the answer to ours");
    solo.up(2);
    assert_eq!(solo.trace(), ["send 2 hello 1", "ENTER 2"]);
    solo.wait_with_beacons(20, &[2]);
    assert!(solo.trace().is_empty());
}

#[test]
fn a_hello_after_a_proof_that_did_not_come_is_put_to_the_test_however_often_it_comes() {
    let mut solo = Solo::testing();
    solo.wait(1_000);
    solo.up(2);
    assert_eq!(solo.events(), ["ENTER 2"]);
    solo.hello(2);
    assert_eq!(solo.trace(), ["EXIT 2 restarted", "send 2 ping 2"]);
    solo.wait(1_500);
    solo.hello(2);
    let tested = ["send 2 ping 3"];
    assert_eq!(solo.trace(), tested, "a proof may take longer than its HELLOs are apart");
    solo.wait(1_999);
    assert!(solo.trace().is_empty(), "the last HELLO gets all of the time");
    solo.ping_ok(2);
    assert_eq!(solo.trace(), ["ENTER 2"]);
}

#[test]
fn a_hello_from_elsewhere_is_never_put_to_the_test() {
    for testing in [false, true] {
        let mut solo = if testing { Solo::testing() } else { Solo::unanswered() };
        solo.hello_with(2, &hello("tcp://10.0.0.2:50000"));
        let trace = solo.trace();
        let moved = "connect 2 at tcp://10.0.0.2:50000";
        assert_eq!(trace.last().unwrap(), moved, "{trace:?}");
        assert_eq!(trace.contains(&"EXIT 2 restarted".to_owned()), !testing, "{trace:?}");
        solo.up(2);
        assert_eq!(solo.trace(), ["send 2 hello 1", "ENTER 2"]);
    }
}

#[test]
fn a_pingok_in_time_stands_for_the_answer_to_our_hello() {
    let mut solo = Solo::unanswered();
    solo.wait(5_000);
    assert_eq!(solo.trace(), ["send 2 ping 2", "EVASIVE 2"]);
    solo.ping_ok(2);
    assert_eq!(solo.trace(), ["RETURNED 2"]);
    solo.hello(2);
    let asked = ["EXIT 2 restarted", "send 2 ping 3"];
    assert_eq!(solo.trace(), asked, "that answered another question");
    solo.ping_ok(2);
    assert_eq!(solo.trace(), ["ENTER 2"]);
    solo.hello(2);
    let restart = ["EXIT 2 restarted", "close 2", "connect 2"];
    assert_eq!(solo.trace(), restart, "nothing of ours is left to be answered");
}

#[test]
fn a_pingok_that_comes_too_late_is_no_proof() {
    let mut solo = Solo::testing();
    solo.wait(1_000);
    assert_eq!(solo.trace(), ["close 2", "connect 2"]);
    solo.ping_ok(2);
    assert!(solo.trace().is_empty(), "it says nothing about our last HELLO");
    solo.up(2);
    assert_eq!(solo.trace(), ["send 2 hello 1", "ENTER 2"]);
    solo.ping_ok(2);
    solo.hello(2);
    let tested = ["EXIT 2 restarted", "send 2 ping 2"];
    assert_eq!(solo.trace(), tested, "our last HELLO may still be answered");
    solo.wait(1_999);
    assert!(solo.trace().is_empty(), "a proof may take longer than we think");
    solo.wait(1);
    assert_eq!(solo.trace(), ["close 2", "connect 2"]);
}

/// Node 2 is present and says HELLO, and does not prove that it knows us: after how many
/// milliseconds it is greeted. Then it is present again.
fn greeted_after(solo: &mut Solo) -> u128 {
    solo.hello(2);
    assert_eq!(solo.events(), ["EXIT 2 restarted"]);
    let start = solo.millis();
    while solo.trace().is_empty() {
        solo.wait_with_beacons(1, &[2]);
    }
    let after = solo.millis() - start;
    solo.up(2);
    assert_eq!(solo.trace(), ["send 2 hello 1", "ENTER 2"]);
    after
}

#[test]
fn the_wait_for_a_proof_is_doubled_three_times_and_a_proof_makes_it_short_again() {
    let mut solo = Solo::unanswered();
    for expected in [1, 2, 4, 8, 8, 8] {
        assert_eq!(greeted_after(&mut solo), 1_000 * expected);
    }
    solo.hello(2);
    solo.ping_ok(2);
    assert_eq!(solo.events(), ["EXIT 2 restarted", "ENTER 2"]);
    // The next one is answered at once.
    solo.hello(2);
    solo.up(2);
    assert_eq!(solo.events(), ["EXIT 2 restarted", "ENTER 2"]);
    assert_eq!(greeted_after(&mut solo), 1_000);
}

#[test]
fn a_long_wait_for_a_proof_is_short_again_after_a_while_without_a_hello() {
    // Ten seconds, and once more the proof time that would be next.
    for (seconds, expected) in [(14, 4_000), (15, 1_000)] {
        let mut solo = Solo::unanswered();
        assert_eq!((greeted_after(&mut solo), greeted_after(&mut solo)), (1_000, 2_000));
        solo.wait_with_beacons(seconds, &[2]);
        assert!(solo.trace().is_empty());
        assert_eq!(greeted_after(&mut solo), expected, "after {seconds} s");
    }
}

#[test]
fn a_peer_that_says_hello_faster_than_any_proof_is_greeted_all_the_same() {
    for pause in [100, 700, 1_500, 3_000, 7_900] {
        let mut solo = Solo::met();
        let mut greeted = solo.millis();
        while solo.millis() < 300_000 {
            solo.hello(2);
            solo.wait(pause);
            if solo.trace().iter().any(|line| line == "connect 2") {
                greeted = solo.millis();
                solo.up(2);
            }
            let since = solo.millis() - greeted;
            assert!(since < 30_000, "no HELLO for {since} ms, with one in {pause} ms from it");
        }
        assert!(solo.engine.stats().hellos_sent <= solo.engine.stats().hellos_received + 1);
    }
}

#[test]
fn a_peer_that_loses_us_again_and_again_is_greeted_every_time() {
    let mut solo = Solo::met();
    for turn in 0..12 {
        // It gives up what it hears nothing from after ten seconds, and our beacon brings it back.
        let mut greeted = false;
        for _ in 0..3 {
            solo.hello(2);
            solo.wait(10_000);
            if solo.trace().iter().any(|line| line == "connect 2") {
                greeted = true;
                solo.up(2);
            }
        }
        assert!(greeted, "turn {turn}: it waits for our HELLO for 30 s");
    }
}

#[test]
fn peers_beyond_the_limit_are_ignored_and_counted_until_there_is_room() {
    let mut solo = Solo::with(Config { max_peers: 2, ..Config::new(id(1), endpoint(1)) });
    solo.meet(2);
    solo.beacon(3);
    solo.trace();
    solo.beacon(4);
    assert!(solo.trace().is_empty());
    assert_eq!(solo.engine.stats().candidates_refused, 1);
    solo.lost(3);
    assert!(solo.trace().is_empty(), "it is remembered");
    solo.beacon(4);
    assert_eq!(solo.trace(), ["connect 4"], "of those that are only remembered there is no need");
}

#[test]
fn a_hello_beyond_the_limit_takes_the_room_of_the_oldest_that_has_said_none() {
    let mut solo = Solo::with(Config { max_peers: 4, ..Config::new(id(1), endpoint(1)) });
    solo.meet(2);
    solo.beacon(4);
    solo.up(4);
    solo.wait(1_000);
    solo.beacon(8);
    solo.wait(1_000);
    solo.beacon(3);
    solo.trace();
    // One that can be connected to is there.
    for (n, oldest) in [(5, 8), (6, 3), (9, 4)] {
        solo.hello(n);
        let [close, connect] = [format!("close {oldest}"), format!("connect {n}")];
        assert_eq!(solo.trace(), [close, connect], "beacons are cheap to forge");
    }
    assert_eq!(solo.engine.stats().candidates_refused, 0, "all were taken");
    solo.hello(7);
    assert!(solo.trace().is_empty(), "who has said HELLO stays, reached or not");
    assert_eq!(solo.engine.stats().candidates_refused, 1);
    solo.up(5);
    solo.up(6);
    solo.up(9);
    solo.whisper(2, "here");
    assert_eq!(solo.events(), ["ENTER 5", "ENTER 6", "ENTER 9", "WHISPER 2 here"]);
}

#[test]
fn a_header_that_is_set_is_seen_by_peers_met_from_then_on_and_by_no_others() {
    let mut solo = Solo::met();
    let action = zre_proto::Action::SetHeader { name: "k", value: "v" };
    assert_eq!(solo.act(action), Ok(()));
    assert!(solo.outputs().is_empty());
    solo.beacon(3);
    solo.up(3);
    let outputs = solo.outputs();
    let [Output::Connect { .. }, Output::Send { header, .. }] = &*outputs else {
        panic!("{outputs:?}")
    };
    let message = Message::decode(header, &zre_proto::MessageLimits::default()).unwrap();
    let Command::Hello(hello) = message.command else { panic!("{message:?}") };
    let version = env!("CARGO_PKG_VERSION").as_bytes();
    let headers = [(b"X-ZYRE".as_slice(), version), (b"k".as_slice(), b"v".as_slice())];
    assert_eq!(hello.headers, headers);
    assert_eq!(hello.endpoint, endpoint(1).to_string().as_bytes());
    assert_eq!(hello.name, b"010101");
}

#[test]
fn a_new_own_endpoint_is_told_to_peers_met_from_then_on() {
    let mut solo = Solo::met();
    solo.handle(zre_proto::Input::Moved(endpoint(9)));
    assert_eq!(solo.trace(), ["MOVED to tcp://10.0.0.9:49152"]);
    solo.beacon(3);
    solo.up(3);
    let outputs = solo.outputs();
    let Some(Output::Send { header, .. }) = outputs.get(1) else { panic!("{outputs:?}") };
    let message = Message::decode(header, &zre_proto::MessageLimits::default()).unwrap();
    let Command::Hello(hello) = message.command else { panic!("{message:?}") };
    assert_eq!(hello.endpoint, endpoint(9).to_string().as_bytes());
}

#[test]
fn every_peer_is_told_the_endpoint_by_which_it_reaches_us() {
    let mut solo = Solo::met();
    solo.beacon(3);
    let own_endpoint = "tcp://192.168.7.1:49152".parse().unwrap();
    let conn = solo.link(3);
    solo.trace();
    let (peer, two_way) = (id(3), false);
    solo.handle(zre_proto::Input::Connected { peer, conn, two_way, own_endpoint });
    let outputs = solo.outputs();
    let [Output::Send { header, .. }] = &*outputs else { panic!("{outputs:?}") };
    let message = Message::decode(header, &zre_proto::MessageLimits::default()).unwrap();
    let Command::Hello(hello) = message.command else { panic!("{message:?}") };
    assert_eq!(hello.endpoint, b"tcp://192.168.7.1:49152");
    assert_eq!(solo.engine.endpoint(), endpoint(1));
}

#[test]
fn all_peers_are_told_together_without_those_that_are_not_present() {
    let mut solo = Solo::held();
    assert_eq!(solo.engine.peers_info().count(), 0, "node 2 has not entered");
    for n in [4, 3] {
        solo.meet(n);
    }
    solo.say(4, Command::Join { group: b"a", status: 1 });
    let all: Vec<_> = solo.engine.peers_info().collect();
    let one_by_one = [3, 4].map(|n| solo.engine.peer(id(n)).unwrap());
    assert_eq!(all, one_by_one, "in the order of their ids");
    assert_eq!(all[1].groups.len(), 1);
}
