//! Quiet peers, and what counts as life.

use std::time::Duration;

use zre_proto::message::Command;
use zre_proto::{Action, Config, Input, Liveness, Times};

use crate::common::{endpoint, id};
use crate::solo::Solo;

/// Waits for the next thing to happen: when, in milliseconds, and what.
fn next(solo: &mut Solo) -> (u128, Vec<String>) {
    let start = solo.millis();
    loop {
        solo.wait(1);
        let trace = solo.trace();
        if !trace.is_empty() {
            return (solo.millis(), trace);
        }
        assert!(solo.millis() < start + 100_000, "nothing happens");
    }
}

fn words(words: &[&str]) -> Vec<String> {
    words.iter().map(|word| (*word).to_owned()).collect()
}

#[test]
fn a_quiet_peer_is_asked_once_called_silent_once_and_given_up() {
    let mut solo = Solo::met();
    assert_eq!(next(&mut solo), (2_500, words(&["send 2 ping 2"])));
    assert_eq!(solo.engine.peer(id(2)).unwrap().liveness, Liveness::Present);
    assert_eq!(next(&mut solo), (5_000, words(&["EVASIVE 2"])));
    assert_eq!(solo.engine.peer(id(2)).unwrap().liveness, Liveness::Evasive);
    assert_eq!(next(&mut solo), (6_000, words(&["SILENT 2"])));
    assert_eq!(solo.engine.peer(id(2)).unwrap().liveness, Liveness::Silent);
    let exit = ["EXIT 2 expired", "close 2", "close mailbox 1"];
    assert_eq!(next(&mut solo), (30_000, words(&exit)));
    assert_eq!(solo.engine.next_deadline(), None);
}

#[test]
fn a_pingok_ends_the_quiet() {
    let mut solo = Solo::met();
    solo.wait(5_500);
    assert_eq!(solo.events(), ["EVASIVE 2"]);
    solo.ping_ok(2);
    assert_eq!(solo.events(), ["RETURNED 2"]);
    assert_eq!(solo.engine.peer(id(2)).unwrap().liveness, Liveness::Present);
    assert_eq!(next(&mut solo), (8_000, words(&["send 2 ping 3"])));
    assert_eq!(next(&mut solo), (10_500, words(&["EVASIVE 2"])));
}

#[test]
fn a_peer_that_was_silent_and_came_back_is_asked_again_in_time() {
    for by_beacon in [true, false] {
        let mut solo = Solo::met();
        solo.wait(7_000);
        assert_eq!(solo.events(), ["EVASIVE 2", "SILENT 2"]);
        if by_beacon {
            solo.beacon(2)
        } else {
            solo.ping_ok(2)
        }
        assert_eq!(solo.events(), ["RETURNED 2"], "back by beacon: {by_beacon}");
        let asked = words(&["send 2 ping 3"]);
        assert_eq!(next(&mut solo), (9_500, asked), "back by beacon: {by_beacon}");
        let quiet = words(&["EVASIVE 2"]);
        assert_eq!(next(&mut solo), (12_000, quiet), "back by beacon: {by_beacon}");
    }
}

#[test]
fn a_peer_that_answers_late_is_asked_at_once_about_what_was_sent_meanwhile() {
    let mut solo = Solo::met();
    let whisper = || Action::Whisper { peer: id(2), content: "x".into() };
    solo.act(whisper()).unwrap();
    solo.wait_with_beacons(5, &[2]);
    solo.act(whisper()).unwrap();
    solo.wait_with_beacons(6, &[2]);
    assert_eq!(solo.events(), ["EVASIVE 2", "SILENT 2"]);
    solo.ping_ok(2);
    solo.wait(1);
    assert_eq!(solo.trace(), ["send 2 ping 5"], "the second whisper is six seconds old");
    solo.ping_ok(2);
    assert_eq!(solo.trace(), ["RETURNED 2"]);
}

#[test]
fn beacons_and_messages_are_life() {
    let mut solo = Solo::met();
    solo.wait_with_beacons(60, &[2]);
    assert!(solo.trace().is_empty());
    for _ in 0..20 {
        solo.wait(2_499);
        solo.whisper(2, "x");
    }
    solo.events();
    assert_eq!(next(&mut solo).1, words(&["send 2 ping 2"]));
}

#[test]
fn a_ping_is_answered() {
    let mut solo = Solo::met();
    solo.say(2, Command::Ping);
    solo.say(2, Command::Ping);
    assert_eq!(solo.trace(), ["send 2 ping-ok 2", "send 2 ping-ok 3"]);
}

#[test]
fn while_the_mailbox_is_not_read_nobody_is_called_quiet_doubted_or_given_up() {
    let mut solo = Solo::met();
    solo.beacon(3);
    solo.up(3);
    solo.goodbye(2);
    solo.trace();
    solo.handle(Input::Paused(true));
    solo.wait(100_000);
    let lives = solo.trace();
    assert!(lives.iter().all(|line| line.contains(" ping-ok ")), "{lives:?}");
    solo.handle(Input::Paused(false));
    solo.wait(900);
    assert!(solo.trace().is_empty(), "what it said meanwhile is only now being read");
    solo.ping_ok(2);
    solo.hello(3);
    solo.wait(2_499);
    assert_eq!(solo.trace(), ["ENTER 3"]);
}

#[test]
fn when_the_mailbox_is_read_again_all_deadlines_start_anew() {
    let mut solo = Solo::met();
    solo.beacon(3);
    solo.up(3);
    solo.trace();
    solo.wait(2_000);
    solo.handle(Input::Paused(true));
    solo.wait(48_000);
    assert_eq!(solo.trace().len(), 2 * 19, "we live");
    solo.handle(Input::Paused(false));
    assert_eq!(next(&mut solo), (52_500, words(&["send 2 ping 21"])));
    assert_eq!(next(&mut solo), (55_000, words(&["EVASIVE 2"])));
    assert_eq!(next(&mut solo), (56_000, words(&["SILENT 2"])));
    let exit = ["EXIT 2 expired", "close 2", "close mailbox 1"];
    let unmet = ["UNREACHABLE 3 it does not greet back", "close 3"];
    assert_eq!(next(&mut solo), (80_000, [words(&exit), words(&unmet)].concat()));
}

#[test]
fn a_lost_link_is_reported_even_while_the_mailbox_is_not_read() {
    let mut solo = Solo::met();
    solo.handle(Input::Paused(true));
    solo.lost(2);
    solo.mailbox_lost(2);
    assert_eq!(solo.trace(), ["EXIT 2 link lost"]);
}

/// These times in seconds, and the defaults for all others.
fn times(evasive: u64, expired: u64) -> Times {
    let (evasive_timeout, expired_timeout) =
        (Duration::from_secs(evasive), Duration::from_secs(expired));
    Times { evasive_timeout, expired_timeout, ..Times::default() }
}

/// An engine with these times in seconds, which has met nodes 2 and 3.
fn met_with(evasive: u64, expired: u64) -> Solo {
    let times = times(evasive, expired);
    let mut solo = Solo::with(Config { times, ..Config::new(id(1), endpoint(1)) });
    solo.meet(2);
    solo.meet(3);
    solo
}

/// What node 2 does when the engine wakes up, before the engine is told of the time or after.
type Word = fn(&mut Solo);

#[test]
fn a_suspended_node_keeps_the_peers_that_are_heard_when_it_wakes_up_and_gives_up_the_others() {
    let words: [Word; 2] = [|solo| solo.whisper(2, "here"), |solo| solo.beacon(2)];
    for evasive in [2, 5] {
        for word in words {
            for read_first in [false, true] {
                let mut solo = met_with(evasive, 4);
                solo.wait_with_beacons(3, &[2, 3]);
                solo.sleep(8_000);
                if read_first {
                    word(&mut solo);
                }
                solo.wake();
                if !read_first {
                    word(&mut solo);
                }
                let case = format!("evasive {evasive}, read first: {read_first}");
                let mut events = solo.events();
                events.retain(|line| line != "WHISPER 2 here");
                assert!(events.is_empty(), "{case}: {events:?}");
                assert_eq!(solo.engine.peers().collect::<Vec<_>>(), [id(2), id(3)], "{case}");
                solo.wait_with_beacons(3, &[2]);
                solo.wait(999);
                let asked: &[&str] = if evasive < 4 { &["EVASIVE 3", "SILENT 3"] } else { &[] };
                assert_eq!(solo.events(), asked, "{case}");
                solo.wait(1);
                assert_eq!(solo.events(), ["EXIT 3 expired"], "{case}");
                solo.beacon(2);
                solo.wait_with_beacons(60, &[2]);
                assert!(solo.events().is_empty(), "{case}");
            }
        }
    }
}

#[test]
fn a_suspended_node_gives_every_deadline_new_time_when_it_wakes_up() {
    let mut solo = Solo::met();
    solo.meet(3);
    solo.meet(4);
    solo.wait_with_beacons(4, &[2, 3, 4]);
    solo.beacon(5);
    solo.up(5);
    solo.goodbye(3);
    solo.lost(4);
    solo.trace();
    solo.sleep(100_000);
    solo.wake();
    assert!(solo.trace().is_empty(), "what they said meanwhile is only now being read");
    let start = solo.millis();
    let mut happened = Vec::new();
    while solo.millis() < start + 30_000 {
        let (at, trace) = next(&mut solo);
        happened.push((at - start, trace));
    }
    let expired = ["EXIT 2 expired", "close 2", "close mailbox 1"];
    let unmet = ["UNREACHABLE 5 it does not greet back", "close 5"];
    let expected: [(u128, &[&str]); 6] = [
        (200, &["EXIT 4 link lost", "close mailbox 3"]),
        (1_000, &["EXIT 3 goodbye", "close 3", "close mailbox 2"]),
        (2_500, &["send 2 ping 2"]),
        (5_000, &["EVASIVE 2"]),
        (6_000, &["SILENT 2"]),
        (30_000, &[&expired[..], &unmet].concat()),
    ];
    assert_eq!(happened, expected.map(|(at, trace)| (at, words(trace))));
}

#[test]
fn a_suspended_node_hears_the_proofs_that_came_meanwhile() {
    let mut solo = Solo::met();
    solo.goodbye(2);
    solo.trace();
    solo.sleep(8_000);
    solo.wake();
    solo.wait(999);
    solo.ping_ok(2);
    solo.wait_with_beacons(20, &[2]);
    assert!(solo.trace().is_empty(), "the goodbye was forged");

    let mut solo = Solo::testing();
    solo.sleep(8_000);
    solo.wake();
    solo.wait(999);
    assert!(solo.trace().is_empty());
    solo.ping_ok(2);
    assert_eq!(solo.trace(), ["ENTER 2"], "it knows us");

    let mut solo = Solo::testing();
    solo.sleep(8_000);
    solo.wake();
    solo.wait(1_000);
    assert_eq!(solo.trace(), ["close 2", "connect 2"]);
}

#[test]
fn a_node_that_is_a_second_late_was_not_suspended() {
    for (late, trace) in [(1_000, &["send 2 ping 2"][..]), (1_001, &[])] {
        let mut solo = Solo::met();
        // It is to be asked after two seconds and a half.
        solo.sleep(2_500 + late);
        solo.wake();
        assert_eq!(solo.trace(), trace, "{late} ms");
    }
}

#[test]
fn a_suspended_node_tries_the_peers_it_requires_when_it_wakes_up() {
    let mut solo = Solo::met();
    assert_eq!(solo.act(Action::Require { peer: id(3), endpoint: endpoint(3) }), Ok(()));
    solo.lost(3);
    solo.trace();
    solo.sleep(8_000);
    solo.wake();
    solo.wait(1_000);
    assert_eq!(solo.trace(), ["connect 3"]);
    solo.wait(30_000);
    assert_eq!(solo.events(), ["EVASIVE 2", "SILENT 2", "EXIT 2 expired"]);
}

#[test]
fn shorter_times_hold_from_now_on_and_nobody_is_given_up_unasked() {
    let mut solo = Solo::met();
    solo.wait(2_400);
    solo.act(Action::SetTimes(times(1, 3))).unwrap();
    assert_eq!(solo.engine.times(), times(1, 3));
    assert_eq!(next(&mut solo), (2_900, words(&["send 2 ping 2"])));
    assert_eq!(next(&mut solo), (3_400, words(&["EVASIVE 2"])));
    assert_eq!(next(&mut solo), (4_400, words(&["SILENT 2"])));
    let exit = ["EXIT 2 expired", "close 2", "close mailbox 1"];
    assert_eq!(next(&mut solo), (5_400, words(&exit)));
}

#[test]
fn longer_times_hold_from_now_on_also_for_a_peer_that_is_evasive() {
    let mut solo = Solo::met();
    solo.wait(5_500);
    assert_eq!(solo.events(), ["EVASIVE 2"]);
    solo.act(Action::SetTimes(times(20, 60))).unwrap();
    assert_eq!(next(&mut solo), (6_500, words(&["SILENT 2"])));
    assert_eq!(next(&mut solo), (15_500, words(&["send 2 ping 3"])));
    for _pings in 0..2 {
        solo.ping_ok(2);
    }
    assert_eq!(solo.events(), ["RETURNED 2"]);
    assert_eq!(next(&mut solo), (25_500, words(&["send 2 ping 4"])));
    assert_eq!(next(&mut solo), (35_500, words(&["EVASIVE 2"])));
}

#[test]
fn times_that_are_set_when_the_node_wakes_up_give_up_nobody() {
    let mut solo = Solo::met();
    solo.sleep(60_000);
    solo.act(Action::SetTimes(times(5, 20))).unwrap();
    solo.wake();
    assert!(solo.events().is_empty());
    solo.wait(20_000);
    assert_eq!(solo.events(), ["EVASIVE 2", "SILENT 2", "EXIT 2 expired"]);
}

#[test]
fn while_nothing_is_read_peers_are_called_in_the_new_times() {
    let mut solo = Solo::met();
    solo.handle(Input::Paused(true));
    solo.act(Action::SetTimes(times(1, 30))).unwrap();
    assert_eq!(next(&mut solo), (500, words(&["send 2 ping-ok 2"])));
    solo.act(Action::SetTimes(times(4, 30))).unwrap();
    assert_eq!(next(&mut solo), (2_500, words(&["send 2 ping-ok 3"])));
}
