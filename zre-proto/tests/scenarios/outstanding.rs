//! What was sent and not answered, bytes that move, and how a peer returns.

use zre_proto::message::Command;
use zre_proto::{Action, Beacon, ConnId, Input, InterfaceId, Liveness};

use crate::common::{endpoint, id};
use crate::solo::Solo;

/// Something that asks for an answer is sent to node 2.
type Sent = (&'static str, fn(&mut Solo));

const SENT: [Sent; 4] = [
    ("whisper", |solo| whisper(solo)),
    ("shout", |solo| {
        let shout = Action::Shout { group: "a", content: "x".into() };
        assert_eq!(solo.act(shout), Ok(()));
    }),
    ("join", |solo| assert_eq!(solo.act(Action::Join("b")), Ok(()))),
    ("leave", |solo| assert_eq!(solo.act(Action::Leave("c")), Ok(()))),
];

fn whisper(solo: &mut Solo) {
    let whisper = Action::Whisper { peer: id(2), content: "x".into() };
    assert_eq!(solo.act(whisper), Ok(()));
}

/// An engine that is in group c and has met node 2, which is in group a: with one connection each
/// way, or one for both.
fn met(two_way: bool) -> Solo {
    let mut solo = Solo::new();
    assert_eq!(solo.act(Action::Join("c")), Ok(()));
    if two_way {
        let conn = solo.accept(2);
        solo.hello_on(2, conn);
    } else {
        solo.meet(2);
    }
    solo.say(2, Command::Join { group: b"a", status: 1 });
    solo.trace();
    solo
}

/// The connections on which node 2 is heard and spoken to.
fn conns(solo: &Solo) -> [ConnId; 2] {
    [solo.conn(2), solo.engine.speaks_on(id(2)).unwrap()]
}

#[test]
fn who_does_not_answer_is_evasive_and_silent_and_expires_when_nothing_comes_on_its_connection() {
    for two_way in [false, true] {
        for (what, send) in SENT {
            let mut solo = met(two_way);
            solo.wait_with_beacons(60, &[2]);
            assert!(solo.trace().is_empty(), "nothing was sent");
            send(&mut solo);
            solo.trace();
            let mut happened = Vec::new();
            for second in 1..=70 {
                solo.wait(1_000);
                happened.extend(solo.events().into_iter().map(|line| (second, line)));
                if second <= 40 {
                    // The answer may be behind it.
                    solo.say(2, Command::Ping);
                }
                if second < 70 {
                    solo.beacon(2);
                }
            }
            let expected = [(5, "EVASIVE 2"), (6, "SILENT 2"), (70, "EXIT 2 expired")];
            let expected = expected.map(|(at, line)| (at, line.to_owned()));
            assert_eq!(happened, expected, "{what}, two-way: {two_way}");
        }
    }
}

#[test]
fn a_peer_is_asked_once_in_half_its_time_after_what_was_sent_and_its_answer_settles_it() {
    for (what, send) in SENT {
        let mut solo = met(false);
        solo.wait_with_beacons(10, &[2]);
        send(&mut solo);
        solo.trace();
        solo.wait_with_beacons(2, &[2]);
        solo.wait(499);
        assert!(solo.trace().is_empty(), "{what}");
        solo.wait(1);
        assert_eq!(solo.trace(), ["send 2 ping 3"], "{what}");
        solo.beacon(2);
        solo.wait(999);
        solo.ping_ok(2);
        solo.wait_with_beacons(60, &[2]);
        assert!(solo.trace().is_empty(), "{what}");
    }
}

#[test]
fn what_asks_for_no_answer_is_not_waited_for() {
    let mut solo = met(false);
    // HELLO was said before; PING-OK; and a PING that was never answered.
    solo.say(2, Command::Ping);
    solo.goodbye(2);
    solo.beacon_at(2, endpoint(7));
    solo.ping_ok(2);
    solo.trace();
    solo.wait_with_beacons(60, &[2]);
    assert!(solo.trace().is_empty());
}

#[test]
fn an_answer_is_one_to_what_was_sent_before_the_question() {
    let mut solo = met(false);
    whisper(&mut solo);
    solo.wait_with_beacons(4, &[2]);
    assert_eq!(solo.trace(), ["send 2 whisper 2", "send 2 ping 3"]);
    solo.wait(500);
    whisper(&mut solo);
    solo.trace();
    solo.wait(100);
    solo.ping_ok(2);
    // Two and a half seconds after the second one.
    solo.wait_with_beacons(2, &[2]);
    solo.wait(399);
    assert!(solo.trace().is_empty());
    solo.wait(1);
    assert_eq!(solo.trace(), ["send 2 ping 5"], "that one was not answered");
}

#[test]
fn a_flow_of_messages_is_asked_about_every_two_and_a_half_seconds_at_most() {
    let mut solo = met(true);
    for _ in 0..600 {
        whisper(&mut solo);
        solo.wait(100);
        for line in solo.trace() {
            if line.starts_with("send 2 ping ") {
                solo.ping_ok(2);
            }
        }
    }
    let pings = solo.engine.stats().pings_sent;
    assert!((23..=24).contains(&pings), "{pings} in a minute");
    assert!(solo.trace().is_empty());
}

#[test]
fn while_the_kernel_takes_what_waits_the_peer_need_not_answer() {
    for two_way in [false, true] {
        let mut solo = met(two_way);
        let [_, speaks] = conns(&solo);
        whisper(&mut solo);
        solo.trace();
        for _ in 0..100 {
            solo.wait(2_499);
            solo.progress(2, speaks, [false, true]);
        }
        assert!(solo.trace().is_empty(), "not one question in {} s", solo.millis() / 1_000);
        solo.wait(2_500);
        assert_eq!(solo.events(), Vec::<String>::new());
        assert_eq!(solo.engine.stats().pings_sent, 1);
        solo.wait(2_500);
        assert_eq!(solo.events(), ["EVASIVE 2"]);
        solo.progress(2, speaks, [false, true]);
        assert_eq!(solo.events(), ["RETURNED 2"], "it reads");
    }
}

#[test]
fn bytes_that_arrive_are_life_and_no_answer() {
    let mut solo = met(false);
    let [hears, _] = conns(&solo);
    // Part of a large message.
    for _ in 0..100 {
        solo.wait(2_499);
        solo.progress(2, hears, [true, false]);
    }
    assert!(solo.trace().is_empty(), "without a beacon");
    whisper(&mut solo);
    solo.trace();
    for _ in 0..4 {
        solo.wait(1_000);
        solo.progress(2, hears, [true, false]);
    }
    assert_eq!(solo.trace(), ["send 2 ping 3"]);
}

#[test]
fn bytes_on_another_connection_count_for_nothing() {
    let mut solo = met(false);
    let [hears, speaks] = conns(&solo);
    for _ in 0..40 {
        solo.wait(1_000);
        for conn in [ConnId::Accepted(77), ConnId::Dialled(77)] {
            solo.progress(2, conn, [true, true]);
        }
        // Nor does what we send on it say anything about what it hears, nor the other way round.
        solo.progress(2, hears, [false, true]);
        solo.progress(2, speaks, [true, false]);
    }
    assert_eq!(solo.events(), ["EVASIVE 2", "SILENT 2", "EXIT 2 expired"]);
}

#[test]
fn before_something_is_decided_the_connections_are_named_on_which_it_depends() {
    let mut solo = met(false);
    let [hears, speaks] = conns(&solo);
    let due = |solo: &Solo| solo.engine.due(solo.now());
    solo.sleep(2_499);
    assert_eq!(due(&solo), []);
    solo.sleep(1);
    let both = [(id(2), speaks), (id(2), hears)];
    assert_eq!(due(&solo), both);
    solo.wake();
    assert_eq!(solo.trace(), ["send 2 ping 2"]);
    assert_eq!(due(&solo), []);
    solo.sleep(2_500);
    assert_eq!(due(&solo), both);
    solo.progress(2, hears, [true, false]);
    solo.wake();
    assert!(solo.trace().is_empty(), "a part of its answer has come");

    let mut solo = met(true);
    let [conn, _] = conns(&solo);
    solo.sleep(4_000);
    assert_eq!(due(&solo), [(id(2), conn)]);
    solo.accept(2);
    solo.wake();
    solo.sleep(1_000);
    assert_eq!(due(&solo), [(id(2), conn)], "not the challenger's");
}

#[test]
fn a_suspicion_is_not_decided_while_bytes_arrive_or_the_kernel_takes_what_waits() {
    for [received, sent] in [[true, false], [false, true]] {
        let mut solo = met(false);
        let [hears, speaks] = conns(&solo);
        let conn = if received { hears } else { speaks };
        solo.goodbye(2);
        solo.trace();
        for _ in 0..60 {
            solo.wait(999);
            solo.progress(2, conn, [received, sent]);
        }
        assert!(solo.trace().is_empty(), "the answer, or the question, is behind that");
        solo.wait(1_000);
        assert_eq!(solo.events(), ["EXIT 2 goodbye"]);
    }
}

#[test]
fn a_forged_goodbye_while_16_mib_are_on_their_way_ends_nothing() {
    for two_way in [false, true] {
        let mut solo = met(two_way);
        let [hears, _] = conns(&solo);
        solo.goodbye(2);
        // 20 Mbit/s.
        for _ in 0..67 {
            solo.wait(100);
            solo.progress(2, hears, [true, false]);
        }
        solo.whisper(2, "large");
        solo.ping_ok(2);
        solo.wait_with_beacons(20, &[2]);
        assert_eq!(solo.events(), ["WHISPER 2 large"]);
    }
}

/// What brings node 2 back, and what is told of it.
type Sign = (&'static str, fn(&mut Solo), &'static [&'static str]);

const SIGNS: [Sign; 8] = [
    ("whisper", |solo| solo.whisper(2, "x"), &["WHISPER 2 x"]),
    ("join", |solo| solo.say(2, Command::Join { group: b"d", status: 2 }), &["JOIN 2 d"]),
    ("leave", |solo| solo.say(2, Command::Leave { group: b"a", status: 2 }), &["LEAVE 2 a"]),
    ("ping", |solo| solo.say(2, Command::Ping), &[]),
    ("ping-ok", |solo| solo.ping_ok(2), &[]),
    ("beacon", |solo| solo.beacon(2), &[]),
    ("bytes", |solo| solo.progress(2, solo.conn(2), [true, false]), &[]),
    ("goodbye", |solo| solo.say(2, Command::Goodbye), &["EXIT 2 goodbye"]),
];

#[test]
fn a_peer_returns_once_and_before_what_it_says() {
    for two_way in [false, true] {
        for (sign, give, told) in SIGNS {
            for (wait, quiet) in [(5_000, &["EVASIVE 2"][..]), (6_000, &["EVASIVE 2", "SILENT 2"])]
            {
                let mut solo = met(two_way);
                solo.wait(wait);
                assert_eq!(solo.events(), quiet);
                give(&mut solo);
                let back = [&["RETURNED 2"][..], told].concat();
                assert_eq!(solo.events(), back, "{sign}, two-way: {two_way}");
                if sign != "goodbye" {
                    assert_eq!(solo.engine.peer(id(2)).unwrap().liveness, Liveness::Present);
                    solo.beacon(2);
                    solo.wait(3_000);
                    assert!(solo.events().is_empty(), "{sign}: once");
                }
            }
        }
    }
}

#[test]
fn a_peer_that_was_only_asked_does_not_return() {
    for (sign, give, told) in SIGNS {
        let mut solo = met(false);
        solo.wait(4_999);
        assert!(solo.events().is_empty());
        give(&mut solo);
        assert_eq!(solo.events(), told, "{sign}");
    }
}

#[test]
fn a_peer_that_owes_an_answer_returns_with_that_and_not_with_what_it_says() {
    let mut solo = met(false);
    whisper(&mut solo);
    solo.wait_with_beacons(6, &[2]);
    assert_eq!(solo.events(), ["EVASIVE 2", "SILENT 2"]);
    solo.whisper(2, "x");
    solo.beacon(2);
    assert_eq!(solo.events(), ["WHISPER 2 x"]);
    solo.ping_ok(2);
    assert_eq!(solo.events(), ["RETURNED 2"]);
}

#[test]
fn what_is_out_of_sequence_brings_nobody_back() {
    let mut solo = met(false);
    solo.wait(6_000);
    solo.trace();
    solo.set_sequence(2, 9);
    solo.whisper(2, "gap");
    assert_eq!(solo.events(), ["EXIT 2 sequence gap"]);
}

#[test]
fn a_beacon_of_a_silent_peer_from_elsewhere_is_a_sign_of_life_and_asked_about() {
    let mut solo = met(false);
    solo.wait(6_000);
    solo.trace();
    let place = endpoint(7).address();
    let beacon = Beacon { peer: id(2), port: place.port(), public_key: None };
    solo.handle(Input::Beacon { beacon, source: place, interface: InterfaceId(1) });
    assert_eq!(solo.trace(), ["RETURNED 2", "send 2 ping 3"]);
}

#[test]
fn a_node_that_does_not_read_says_now_and_then_that_it_lives() {
    let mut solo = met(false);
    let conn = solo.accept(3);
    solo.hello_on(3, conn);
    // It was not heard, and one that we do not reach.
    solo.beacon(4);
    solo.up(4);
    solo.hello(5);
    solo.trace();
    solo.handle(Input::Paused(true));
    for turn in 0..3 {
        solo.wait(2_499);
        assert!(solo.trace().is_empty(), "{turn}");
        solo.wait(1);
        let sequence = 2 + turn;
        let lives = [
            format!("send 2 ping-ok {sequence}"),
            format!("send 3 ping-ok {sequence} by mailbox 2"),
            format!("send 4 ping-ok {sequence}"),
        ];
        assert_eq!(solo.trace(), lives, "to those that may know us");
    }
    solo.handle(Input::Paused(false));
    solo.wait_with_beacons(60, &[2, 3]);
    let trace = solo.trace();
    assert!(!trace.iter().any(|line| line.contains("ping-ok")), "{trace:?}");
}

#[test]
fn a_node_that_stops_while_it_does_not_read_says_nothing_more() {
    let mut solo = met(false);
    solo.handle(Input::Paused(true));
    assert_eq!(solo.act(Action::Stop), Ok(()));
    assert_eq!(solo.engine.next_deadline(), None);
}

#[test]
fn a_peer_that_does_not_read_and_says_that_it_lives_stays_present() {
    for two_way in [false, true] {
        let mut solo = met(two_way);
        whisper(&mut solo);
        for _ in 0..100 {
            solo.wait(4_000);
            solo.ping_ok(2);
        }
        assert!(solo.events().is_empty(), "nobody has asked for the most of them");
        assert_eq!(solo.engine.peers().count(), 1);
    }
}
