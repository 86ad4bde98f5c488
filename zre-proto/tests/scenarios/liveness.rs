//! Quiet peers, and what counts as life.

use zre_proto::message::Command;
use zre_proto::{Input, Liveness};

use crate::common::id;
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
    assert_eq!(next(&mut solo), (5_000, words(&["send 2 ping 2", "EVASIVE 2"])));
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
    assert_eq!(solo.engine.peer(id(2)).unwrap().liveness, Liveness::Active);
    assert_eq!(next(&mut solo), (10_500, words(&["send 2 ping 3", "EVASIVE 2"])));
}

#[test]
#[ignore = "engine: the deadline of Silent stays"]
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
        let asked = words(&["send 2 ping 3", "EVASIVE 2"]);
        assert_eq!(next(&mut solo), (12_000, asked), "back by beacon: {by_beacon}");
    }
}

#[test]
fn beacons_and_messages_are_life() {
    let mut solo = Solo::met();
    solo.wait_with_beacons(60, &[2]);
    assert!(solo.trace().is_empty());
    for _ in 0..20 {
        solo.wait(4_000);
        solo.whisper(2, "x");
    }
    solo.events();
    assert_eq!(next(&mut solo).1, words(&["send 2 ping 2", "EVASIVE 2"]));
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
    assert_eq!(solo.handle(Input::Paused(true)), Ok(()));
    solo.wait(100_000);
    assert!(solo.trace().is_empty());
    assert_eq!(solo.handle(Input::Paused(false)), Ok(()));
    solo.wait(900);
    assert!(solo.trace().is_empty(), "what it said meanwhile is only now being read");
    solo.ping_ok(2);
    solo.hello(3);
    solo.wait(4_000);
    assert_eq!(solo.trace(), ["ENTER 3"]);
}

#[test]
fn when_the_mailbox_is_read_again_all_deadlines_start_anew() {
    let mut solo = Solo::met();
    solo.beacon(3);
    solo.up(3);
    solo.trace();
    solo.wait(2_000);
    assert_eq!(solo.handle(Input::Paused(true)), Ok(()));
    solo.wait(48_000);
    assert_eq!(solo.handle(Input::Paused(false)), Ok(()));
    assert_eq!(next(&mut solo), (55_000, words(&["send 2 ping 2", "EVASIVE 2"])));
    assert_eq!(next(&mut solo), (56_000, words(&["SILENT 2"])));
    assert_eq!(next(&mut solo), (60_000, words(&["close 3"])));
    let exit = ["EXIT 2 expired", "close 2", "close mailbox 1"];
    assert_eq!(next(&mut solo), (80_000, words(&exit)));
}

#[test]
fn a_lost_link_is_reported_even_while_the_mailbox_is_not_read() {
    let mut solo = Solo::met();
    assert_eq!(solo.handle(Input::Paused(true)), Ok(()));
    solo.lost(2);
    solo.mailbox_lost(2);
    assert_eq!(solo.trace(), ["EXIT 2 link lost", "close 2"]);
}
