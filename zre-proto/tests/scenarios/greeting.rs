//! How peers meet: ENTER, and the answer to a HELLO.

use zre_proto::message::{Command, Hello, Message};
use zre_proto::{Config, Content, Event, Output};

use crate::common::{endpoint, id};
use crate::solo::{Solo, hello};

#[test]
fn a_beacon_is_answered_by_a_link_and_a_hello() {
    let mut solo = Solo::new();
    solo.beacon(2);
    assert_eq!(solo.trace(), ["connect 2", "send 2 hello 1"]);
    solo.beacon(2);
    assert!(solo.trace().is_empty(), "a beacon of a known node is nothing new");
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
        assert_eq!(solo.trace(), ["ENTER 2"], "after HELLO {sequence}");
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
    assert_eq!(solo.trace(), ["connect 2", "send 2 hello 1", "ENTER 2"]);
    solo.up(2);
    solo.wait_with_beacons(20, &[2]);
    assert!(solo.trace().is_empty());
}

#[test]
fn a_host_name_in_a_hello_stands_for_the_address_it_came_from() {
    let mut solo = Solo::new();
    solo.hello_with(2, &hello("tcp://some-laptop:49152"));
    assert_eq!(solo.trace(), ["connect 2", "send 2 hello 1", "ENTER 2"]);
}

#[test]
fn a_hello_without_a_usable_endpoint_is_dropped_unless_a_beacon_told_the_place() {
    for bad in ["", "nonsense", "tcp://10.0.0.2:0", "udp://10.0.0.2:9"] {
        let mut solo = Solo::new();
        solo.hello_with(2, &hello(bad));
        assert_eq!(solo.trace(), ["close mailbox 1"], "{bad}");
        solo.beacon(2);
        solo.hello_with(2, &hello(bad));
        assert_eq!(solo.events(), ["ENTER 2"], "{bad}");
    }
}

#[test]
fn a_peer_that_never_says_hello_is_dropped_unheard_and_tried_again_by_its_next_beacon() {
    let mut solo = Solo::new();
    solo.beacon(2);
    solo.up(2);
    solo.trace();
    solo.wait(4_000);
    solo.beacon(2);
    solo.wait(5_999);
    assert!(solo.trace().is_empty(), "a beacon does not stand for a HELLO");
    solo.wait(1);
    assert_eq!(solo.trace(), ["close 2"]);
    solo.beacon(2);
    assert_eq!(solo.trace(), ["connect 2", "send 2 hello 1"]);
}

#[test]
fn own_beacons_own_endpoints_and_own_ids_are_ignored() {
    let mut solo = Solo::new();
    solo.beacon_at(1, endpoint(1));
    solo.beacon_at(1, endpoint(2));
    solo.beacon_at(2, endpoint(1));
    solo.goodbye(1);
    solo.hello(1);
    solo.hello_with(2, &hello(&endpoint(1).to_string()));
    assert!(solo.trace().is_empty());
    assert_eq!(solo.engine.stats().own, 5);
    assert_eq!(solo.engine.next_deadline(), None);
}

#[test]
fn a_hello_out_of_the_blue_means_exit_enter_and_exactly_one_hello_back() {
    let mut solo = Solo::met();
    solo.wait_with_beacons(11, &[2]);
    assert!(solo.trace().is_empty());
    solo.hello(2);
    let restart = ["EXIT 2 restarted", "close 2", "connect 2", "send 2 hello 1", "ENTER 2"];
    let mut expected = vec!["close mailbox 1"];
    expected.extend(restart);
    assert_eq!(solo.trace(), expected);
    solo.up(2);
    solo.wait_with_beacons(20, &[2]);
    assert!(solo.trace().is_empty(), "one HELLO is enough");
}

#[test]
fn a_second_hello_soon_after_ours_is_put_to_the_test_and_pingok_settles_it() {
    let mut solo = Solo::met();
    solo.wait(500);
    solo.hello(2);
    let tested = ["close mailbox 1", "EXIT 2 restarted", "ENTER 2", "send 2 ping 2"];
    assert_eq!(solo.trace(), tested, "no HELLO: it may have crossed ours");
    solo.ping_ok(2);
    solo.wait_with_beacons(9, &[2]);
    assert!(solo.trace().is_empty(), "it knows us");
}

#[test]
fn a_second_hello_soon_after_ours_is_answered_by_one_hello_if_there_is_no_pingok() {
    let mut solo = Solo::met();
    solo.hello(2);
    solo.trace();
    solo.wait(999);
    assert!(solo.trace().is_empty());
    solo.wait(1);
    assert_eq!(solo.trace(), ["close 2", "connect 2", "send 2 hello 1"], "it has lost us");
    solo.up(2);
    solo.wait_with_beacons(20, &[2]);
    assert!(solo.trace().is_empty());
}

#[test]
fn a_second_hello_and_then_a_broken_link_is_answered_by_one_hello_at_once() {
    let mut solo = Solo::met();
    solo.hello(2);
    solo.trace();
    solo.lost(2);
    assert_eq!(solo.trace(), ["close 2", "connect 2", "send 2 hello 1"]);
    solo.up(2);
    solo.wait_with_beacons(20, &[2]);
    assert!(solo.trace().is_empty());
}

#[test]
fn peers_beyond_the_limit_are_ignored_and_counted_until_there_is_room() {
    let mut solo = Solo::with(Config { max_peers: 2, ..Config::new(id(1), endpoint(1)) });
    solo.meet(2);
    solo.beacon(3);
    solo.trace();
    solo.beacon(4);
    solo.hello(5);
    assert!(solo.trace().is_empty());
    assert_eq!(solo.engine.stats().candidates_refused, 2);
    solo.lost(3);
    assert_eq!(solo.trace(), ["close 3"]);
    solo.beacon(4);
    assert_eq!(solo.trace(), ["connect 4", "send 4 hello 1"]);
}

#[test]
fn a_header_that_is_set_is_seen_by_peers_met_from_then_on_and_by_no_others() {
    let mut solo = Solo::met();
    let action = zre_proto::Action::SetHeader { name: "k", value: "v" };
    assert_eq!(solo.act(action), Ok(()));
    assert!(solo.outputs().is_empty());
    solo.beacon(3);
    let outputs = solo.outputs();
    let [Output::Connect { .. }, Output::Send { header, .. }] = &*outputs else {
        panic!("{outputs:?}")
    };
    let message = Message::decode(header, &zre_proto::MessageLimits::default()).unwrap();
    let Command::Hello(hello) = message.command else { panic!("{message:?}") };
    assert_eq!(hello.headers, [(b"k".as_slice(), b"v".as_slice())]);
    assert_eq!(hello.endpoint, endpoint(1).to_string().as_bytes());
    assert_eq!(hello.name, b"010101");
}

#[test]
fn a_new_own_endpoint_is_told_to_peers_met_from_then_on() {
    let mut solo = Solo::met();
    assert_eq!(solo.handle(zre_proto::Input::Moved(endpoint(9))), Ok(()));
    assert!(solo.outputs().is_empty());
    solo.beacon(3);
    let outputs = solo.outputs();
    let Some(Output::Send { header, .. }) = outputs.get(1) else { panic!("{outputs:?}") };
    let announced = endpoint(9).to_string();
    let found = header.windows(announced.len()).any(|part| part == announced.as_bytes());
    assert!(found, "{header:?}");
    solo.beacon_at(4, endpoint(9));
    assert!(solo.trace().is_empty(), "that is us");
}
