//! Two-way connections: chosen by the HELLO of the node with the smaller id, the chooser, and never
//! changed.

use zre_proto::message::{Command, Hello, Message};
use zre_proto::{
    Action, Config, ConnId, Content, Header, Input, LinkKind, Liveness, Loss, MessageLimits, Output,
};

use crate::common::{endpoint, id};
use crate::solo::{Solo, hello};

/// Node 1, which chooses: all others have larger ids.
pub(crate) fn chooser() -> Solo {
    Solo::new()
}

/// Node 9, which follows all that have smaller ids.
pub(crate) fn follower() -> Solo {
    Solo::with(Config::new(id(9), endpoint(9)))
}

/// How node 2 comes to have a two-way connection with us.
pub(crate) type Way = fn(&mut Solo) -> ConnId;

pub(crate) const WAYS: [Way; 2] = [dialled, |solo| solo.accept(2)];

/// We dial node 2. Forgets the trace of it.
pub(crate) fn dialled(solo: &mut Solo) -> ConnId {
    solo.beacon(2);
    solo.trace();
    solo.up_two_way(2)
}

/// Where something is said or closed: nothing more for a connection that we have dialled.
pub(crate) fn by(conn: ConnId) -> String {
    match conn {
        ConnId::Dialled(_) => String::new(),
        ConnId::Accepted(number) => format!(" by mailbox {number}"),
    }
}

pub(crate) fn close(conn: ConnId) -> String {
    match conn {
        ConnId::Dialled(_) => "close 2".to_owned(),
        ConnId::Accepted(number) => format!("close mailbox {number}"),
    }
}

/// The chooser or the follower, which has met node 2, and the connection.
pub(crate) fn met(chooses: bool, way: Way) -> (Solo, ConnId) {
    let mut solo = if chooses { chooser() } else { follower() };
    let conn = way(&mut solo);
    solo.hello_on(2, conn);
    assert_eq!(solo.events(), ["ENTER 2"]);
    (solo, conn)
}

/// The same in every way in which they can meet.
pub(crate) fn all_met() -> impl Iterator<Item = (Solo, ConnId)> {
    [true, false].into_iter().flat_map(|chooses| WAYS.map(|way| met(chooses, way)))
}

pub(crate) fn header(sequence: u16, command: Command<'_>) -> Header {
    Message { sequence, command }.encode()
}

/// A HELLO of node 2.
pub(crate) fn hello_2() -> Header {
    header(1, Command::Hello(hello(&endpoint(2).to_string())))
}

// Rules 1 and 2: who they are for.

#[test]
fn with_a_node_that_does_not_know_them_there_is_a_connection_each_way() {
    let solo = Solo::met();
    assert_eq!(solo.engine.peer(id(2)).unwrap().link, LinkKind::OneEachWay);
    assert_eq!(solo.engine.speaks_on(id(2)), Some(solo.link(2)));
    assert_eq!(solo.engine.stats().two_way, 0);
    let conn = solo.conn(2);
    assert!(solo.engine.hears(id(2), conn) && conn != solo.link(2));
}

#[test]
fn how_a_peer_is_connected_is_told() {
    for (solo, conn) in all_met() {
        let dialled = matches!(conn, ConnId::Dialled(_));
        let kind = if dialled { LinkKind::Dialled } else { LinkKind::Accepted };
        assert_eq!(solo.engine.peer(id(2)).unwrap().link, kind);
        assert_eq!(solo.engine.speaks_on(id(2)), Some(conn));
        assert!(solo.engine.hears(id(2), conn));
        assert_eq!(solo.engine.stats().two_way, 1);
    }
}

#[test]
fn a_connection_that_leads_back_to_us_is_closed() {
    let mut solo = chooser();
    solo.accept(1);
    assert_eq!(solo.trace(), ["close mailbox 1"]);
    assert_eq!(solo.engine.stats().own, 1);
}

// Rules 3 and 4: the chooser speaks first.

#[test]
fn the_chooser_says_hello_on_the_first_connection_that_is_up() {
    for way in WAYS {
        let mut solo = chooser();
        let conn = way(&mut solo);
        assert_eq!(solo.trace(), [format!("send 2 hello 1{}", by(conn))]);
        solo.wait_with_beacons(9, &[2]);
        assert!(solo.trace().is_empty(), "it waits for the answer");
    }
}

#[test]
fn the_follower_says_nothing_before_it_is_spoken_to() {
    for way in WAYS {
        let mut solo = follower();
        way(&mut solo);
        assert_eq!(solo.act(Action::Join("a")), Ok(()));
        solo.wait_with_beacons(9, &[2]);
        // Whoever has connected may be another than the one that sends beacons.
        let mut trace = solo.trace();
        trace.retain(|line| line != "connect 2");
        assert!(trace.is_empty(), "{trace:?}");
    }
}

#[test]
fn a_silent_connection_does_not_keep_the_follower_from_dialling() {
    let mut solo = follower();
    let stranger = solo.accept(2);
    solo.beacon(2);
    assert_eq!(solo.trace(), ["connect 2"]);
    let conn = solo.up_two_way(2);
    solo.hello_on(2, conn);
    assert_eq!(solo.trace(), ["send 2 hello 1".to_owned(), close(stranger), "ENTER 2".to_owned()]);
}

#[test]
fn the_chooser_gives_up_its_dials_for_a_connection_that_came_in() {
    let mut solo = chooser();
    solo.beacon(2);
    solo.beacon_at(2, endpoint(7));
    assert_eq!(solo.trace(), ["connect 2", "connect 2 at tcp://10.0.0.7:49152"]);
    solo.accept(2);
    let given_up = ["close 2", "close 2 at tcp://10.0.0.7:49152"];
    assert_eq!(solo.trace(), [&given_up[..], &["send 2 hello 1 by mailbox 1"]].concat());
    solo.wait_with_beacons(9, &[2]);
    assert!(solo.trace().is_empty(), "and dials no more");
}

#[test]
fn the_chooser_lets_a_second_connection_be_while_it_waits_for_the_answer() {
    let mut solo = chooser();
    let first = solo.accept(2);
    solo.trace();
    solo.accept(2);
    solo.wait(2_499);
    assert!(solo.trace().is_empty(), "it has spoken on the first one");
    solo.hello_on(2, first);
    assert_eq!(solo.trace(), ["close mailbox 2", "ENTER 2"]);
}

#[test]
fn a_connection_one_way_is_not_used_beside_one_that_knows_more() {
    let mut solo = follower();
    solo.beacon(2);
    solo.accept(2);
    solo.trace();
    // Something else is at that endpoint, and does not tell its routing id.
    solo.up(2);
    assert_eq!(solo.trace(), ["close 2"]);
}

#[test]
fn connections_on_which_nothing_was_said_are_closed_when_the_peer_is_met_one_way() {
    let mut solo = follower();
    solo.beacon(2);
    solo.up(2);
    let conn = solo.accept(2);
    solo.trace();
    let other = solo.reconnect(2);
    solo.raw(2, other, &hello_2(), Content::none());
    assert_eq!(solo.trace(), ["ENTER 2".to_owned(), close(conn)]);
}

// Rules 5 and 6: the follower answers, and both know each other.

#[test]
fn the_follower_answers_on_the_same_connection_and_closes_all_others() {
    for answered in 0..3 {
        let mut solo = follower();
        solo.beacon(2);
        solo.beacon_at(2, endpoint(7));
        let conns = [solo.accept(2), solo.accept(2), dialled_already(&mut solo)];
        solo.trace();
        solo.hello_on(2, conns[answered]);
        let mut trace = solo.trace();
        let answer = format!("send 2 hello 1{}", by(conns[answered]));
        assert_eq!(trace.pop().as_deref(), Some("ENTER 2"), "{answered}");
        assert!(trace.contains(&answer), "{answered}: {trace:?}");
        // The other two, and the dial that was under way.
        let closed = trace.iter().filter(|line| line.starts_with("close")).count();
        assert_eq!((closed, trace.len()), (3, 4), "{answered}: {trace:?}");
        assert!(!trace.contains(&close(conns[answered])), "{answered}: {trace:?}");
    }
}

/// The first of two dials to node 2 is up.
fn dialled_already(solo: &mut Solo) -> ConnId {
    let conn = solo.link_at(2, endpoint(2));
    solo.two_way_up(2, conn);
    conn
}

#[test]
fn a_peer_enters_at_the_follower_with_its_answer_and_at_the_chooser_when_that_has_come() {
    let mut solo = follower();
    let conn = solo.accept(2);
    let place = endpoint(2).to_string();
    let groups = vec![b"a".as_slice()];
    let greeting = Command::Hello(Hello { groups, status: 1, ..hello(&place) });
    solo.raw(2, conn, &header(1, greeting.clone()), Content::none());
    assert_eq!(solo.trace(), ["send 2 hello 1 by mailbox 1", "ENTER 2", "JOIN 2 a"]);

    let mut solo = chooser();
    let conn = solo.accept(2);
    assert_eq!(solo.trace(), ["send 2 hello 1 by mailbox 1"]);
    solo.raw(2, conn, &header(1, greeting), Content::none());
    assert_eq!(solo.trace(), ["ENTER 2", "JOIN 2 a"]);
}

#[test]
fn the_connection_is_both_directions_and_each_has_a_sequence_of_its_own() {
    for (mut solo, conn) in all_met() {
        solo.whisper(2, "two");
        solo.say(2, Command::Ping);
        solo.say(2, Command::Join { group: b"a", status: 1 });
        let pinged = format!("send 2 ping-ok 2{}", by(conn));
        assert_eq!(solo.trace(), ["WHISPER 2 two", &pinged, "JOIN 2 a"]);
        assert_eq!(solo.act(Action::Whisper { peer: id(2), content: "x".into() }), Ok(()));
        assert_eq!(solo.act(Action::Shout { group: "a", content: "x".into() }), Ok(()));
        let sent = ["whisper 3", "shout 4"].map(|what| format!("send 2 {what}{}", by(conn)));
        assert_eq!(solo.trace(), sent);
    }
}

#[test]
fn joins_while_the_answer_is_waited_for_are_sent_behind_hello() {
    let mut solo = chooser();
    solo.accept(2);
    assert_eq!(solo.act(Action::Join("a")), Ok(()));
    assert_eq!(solo.trace(), ["send 2 hello 1 by mailbox 1", "send 2 join 2 by mailbox 1"]);
}

#[test]
fn what_a_hello_on_a_two_way_connection_says_of_its_endpoint_is_told_and_need_not_be_true() {
    for (chooses, own) in [(true, endpoint(1)), (false, endpoint(9))] {
        for place in [own, endpoint(7)] {
            let mut solo = if chooses { chooser() } else { follower() };
            let conn = solo.accept(2);
            let greeting = header(1, Command::Hello(hello(&place.to_string())));
            solo.raw(2, conn, &greeting, Content::none());
            assert_eq!(solo.events(), ["ENTER 2"]);
            assert_eq!(solo.engine.peer(id(2)).unwrap().endpoint, place);
            assert_eq!(solo.engine.stats().dials, 0, "it is connected");
        }
    }
}

#[test]
fn a_beacon_of_a_two_way_peer_from_elsewhere_is_life_and_asked_about_once() {
    for (mut solo, _) in all_met() {
        solo.beacon_at(2, endpoint(20));
        assert_eq!(solo.trace().len(), 1, "a PING");
        solo.ping_ok(2);
        for _ in 0..60 {
            solo.wait(1_000);
            solo.beacon_at(2, endpoint(20));
        }
        assert!(solo.trace().is_empty(), "it may have several");
        // Now it has moved, and does not answer any more on the connection from where it was.
        for _ in 0..10 {
            solo.beacon_at(2, endpoint(21));
            solo.wait(1_000);
        }
        let trace = solo.trace();
        assert!(trace.contains(&"EXIT 2 link lost".to_owned()), "{trace:?}");
        assert!(trace.last().unwrap().starts_with("connect 2 at"), "{trace:?}");
    }
}

#[test]
fn a_two_way_peer_that_is_heard_at_several_addresses_is_asked_once_about_each() {
    for several in [vec![20], vec![20, 21, 22]] {
        for (mut solo, conn) in all_met() {
            for second in 0..60 {
                solo.beacon(2);
                several.iter().for_each(|n| solo.beacon_at(2, endpoint(*n)));
                let pings = if second == 0 { 1 } else { 0 };
                assert_eq!(solo.trace().len(), pings, "{several:?}, {second} s");
                (0..pings).for_each(|_| solo.ping_ok(2));
                solo.wait(1_000);
            }
            solo.link_lost(2, conn);
            let trace = solo.trace();
            let elsewhere = |line: &String| line.starts_with("connect 2 at tcp://10.0.0.2");
            assert!(trace.iter().any(elsewhere), "each is a candidate: {trace:?}");
        }
    }
}

#[test]
fn a_two_way_peer_is_at_no_endpoint_and_nobody_takes_its_place() {
    for (mut solo, _) in all_met() {
        solo.beacon_at(3, endpoint(2));
        assert_eq!(solo.trace(), ["connect 3 at tcp://10.0.0.2:49152"]);
        solo.up(3);
        solo.hello_with(3, &hello(&endpoint(2).to_string()));
        assert_eq!(solo.events(), ["ENTER 3"]);
        solo.whisper(2, "here");
        assert_eq!(solo.trace(), ["WHISPER 2 here"]);
    }
}

// Rule 7: the connection ends before the answer.

#[test]
fn a_choice_that_ends_before_the_answer_is_followed_by_the_next_connection_that_is_up() {
    let mut solo = chooser();
    let first = solo.accept(2);
    let second = solo.accept(2);
    let third = solo.accept(2);
    solo.trace();
    solo.link_lost(2, first);
    assert_eq!(solo.trace(), ["send 2 hello 1 by mailbox 3"], "the newest; nobody was told of it");
    solo.link_lost(2, second);
    solo.hello_on(2, third);
    assert_eq!(solo.trace(), ["ENTER 2"]);
}

#[test]
fn a_choice_that_ends_before_the_answer_is_followed_by_a_dial() {
    let mut solo = chooser();
    solo.beacon(2);
    let conn = solo.accept(2);
    assert_eq!(solo.trace(), ["connect 2", "close 2", "send 2 hello 1 by mailbox 1"]);
    solo.wait_with_beacons(1, &[2]);
    solo.link_lost(2, conn);
    assert_eq!(solo.trace(), ["connect 2"], "at the address that is claimed");
    solo.up_two_way(2);
    assert_eq!(solo.trace(), ["send 2 hello 1"]);
}

#[test]
fn a_choice_that_breaks_before_the_answer_is_over_at_once() {
    let mut solo = chooser();
    let conn = solo.accept(2);
    solo.accept(2);
    solo.trace();
    solo.handle(Input::Broken { peer: id(2), conn });
    assert_eq!(solo.trace(), ["close mailbox 1", "send 2 hello 1 by mailbox 2"]);
}

#[test]
fn a_newer_connection_takes_the_place_of_a_choice_that_is_not_answered_for_long() {
    for (comes_at, taken_after) in [(0, 2_500), (5_000, 2_500), (9_000, 1_000), (15_000, 0)] {
        let mut solo = chooser();
        solo.accept(2);
        solo.trace();
        solo.wait(comes_at);
        solo.accept(2);
        if taken_after > 0 {
            solo.wait(taken_after - 1);
            assert!(solo.trace().is_empty(), "the answer may be on its way");
            solo.wait(1);
        }
        assert_eq!(solo.trace(), ["close mailbox 1", "send 2 hello 1 by mailbox 2"]);
        let conn = ConnId::Accepted(2);
        solo.hello_on(2, conn);
        assert_eq!(solo.trace(), ["ENTER 2"]);
    }
}

#[test]
fn a_choice_is_waited_for_if_the_connections_that_came_after_it_were_closed() {
    let mut solo = chooser();
    let first = solo.accept(2);
    let second = solo.accept(2);
    solo.trace();
    solo.wait(2_000);
    solo.link_lost(2, second);
    solo.wait(7_999);
    assert!(solo.trace().is_empty(), "it has heard HELLO, or it would not have closed the second");
    solo.accept(2);
    solo.wait(1);
    assert_eq!(solo.trace(), ["close mailbox 1", "send 2 hello 1 by mailbox 3"]);
    assert!(solo.is_open(first).is_none());
}

// Rule 8: how long each waits.

#[test]
fn the_follower_closes_its_dial_without_a_hello_after_ten_seconds_and_dials_less_and_less_often() {
    let mut solo = follower();
    solo.beacon(2);
    for pause in [1, 2, 4, 8, 16] {
        assert_eq!(solo.trace(), ["connect 2"], "pause {pause}");
        solo.up_two_way(2);
        solo.wait_with_beacons(9, &[2]);
        solo.wait(999);
        assert!(solo.trace().is_empty());
        solo.wait(1);
        let mut trace = solo.trace();
        assert_eq!(trace.remove(0), "close 2");
        let told: &[&str] =
            if pause == 1 { &["UNREACHABLE 2 it does not greet back"] } else { &[] };
        assert_eq!(trace, told, "once");
        solo.beacon(2);
        assert!(solo.trace().is_empty(), "not without a pause");
        solo.wait_with_beacons(pause - 1, &[2]);
        assert!(solo.trace().is_empty(), "pause {pause}");
        solo.wait_with_beacons(1, &[2]);
    }
}

#[test]
fn the_follower_waits_on_a_connection_that_came_in_as_long_as_it_lasts() {
    let mut solo = follower();
    let conn = solo.accept(2);
    assert_eq!(solo.engine.next_deadline(), None, "the driver ends those of strangers");
    solo.wait(19_000);
    solo.hello_on(2, conn);
    assert_eq!(solo.events(), ["ENTER 2"]);
}

#[test]
fn the_chooser_waits_thirty_seconds_for_the_answer() {
    for way in WAYS {
        let mut solo = chooser();
        let conn = way(&mut solo);
        solo.trace();
        solo.wait(29_999);
        assert!(solo.trace().is_empty());
        solo.wait(1);
        let mut trace = solo.trace();
        assert_eq!(trace.pop().unwrap(), close(conn), "a follower that never answers");
        // Of a stranger nobody has said where it is.
        let dialled = matches!(conn, ConnId::Dialled(_));
        let told: &[&str] = if dialled { &["UNREACHABLE 2 it does not greet back"] } else { &[] };
        assert_eq!(trace, told);
        solo.wait(60_000);
        assert_eq!(solo.engine.next_deadline(), None, "nothing is left of it");
    }
}

// Liveness.

#[test]
fn a_quiet_two_way_peer_is_asked_and_its_answer_brings_it_back() {
    for (mut solo, conn) in all_met() {
        solo.wait(6_000);
        let asked = format!("send 2 ping 2{}", by(conn));
        assert_eq!(solo.trace(), [&asked[..], "EVASIVE 2", "SILENT 2"]);
        solo.ping_ok(2);
        assert_eq!(solo.trace(), ["RETURNED 2"]);
        assert_eq!(solo.engine.peer(id(2)).unwrap().liveness, Liveness::Present);
        solo.wait(30_000);
        let trace = solo.trace();
        let exit = ["EXIT 2 expired".to_owned(), close(conn)];
        assert!(trace.ends_with(&exit), "{trace:?}");
    }
}

#[test]
fn hello_tells_the_endpoint_of_the_connection_on_which_it_is_said() {
    let mut solo = chooser();
    let own_endpoint = "tcp://192.168.7.1:5000".parse().unwrap();
    let (peer, conn) = (id(2), ConnId::Accepted(7));
    let connected = Input::Connected { peer, conn, two_way: true, own_endpoint };
    solo.engine.handle(solo.now(), connected);
    let Some(Output::Send { conn: ConnId::Accepted(7), header, .. }) = solo.engine.poll_output()
    else {
        panic!("HELLO is said")
    };
    let message = Message::decode(&header, &MessageLimits::default()).unwrap();
    let Command::Hello(hello) = message.command else { panic!("{message:?}") };
    assert_eq!(hello.endpoint, b"tcp://192.168.7.1:5000");
}

#[test]
fn a_dial_that_was_given_up_and_is_up_all_the_same_is_of_no_account() {
    let mut solo = chooser();
    solo.beacon(2);
    let dial = solo.link(2);
    let conn = solo.accept(2);
    solo.trace();
    solo.two_way_up(2, dial);
    assert!(solo.trace().is_empty(), "it was closed");
    solo.handle(Input::Lost { peer: id(2), conn: dial, why: Loss::Ended });
    solo.hello_on(2, conn);
    assert_eq!(solo.trace(), ["ENTER 2"]);
}

#[test]
fn a_connection_on_which_hello_is_waited_for_never_continues_another() {
    for chooses in [true, false] {
        let mut solo = if chooses { chooser() } else { follower() };
        // It speaks as one that has a connection each way, and we find that it could have one.
        solo.hello(2);
        let conn = solo.up_two_way(2);
        solo.trace();
        solo.raw(2, conn, &header(2, Command::Whisper), "x".into());
        assert_eq!(solo.events(), Vec::<String>::new(), "nothing else than HELLO is first");
        assert_eq!(solo.is_open(conn), None);
    }
}
