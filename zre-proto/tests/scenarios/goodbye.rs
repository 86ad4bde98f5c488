//! A goodbye beacon is a claim, not a fact.

use zre_proto::message::Command;

use crate::solo::Solo;

#[test]
fn a_goodbye_with_its_link_closing_is_true_at_once() {
    let mut solo = Solo::met();
    solo.goodbye(2);
    assert_eq!(solo.trace(), ["send 2 ping 2"]);
    solo.mailbox_lost(2);
    solo.lost(2);
    assert_eq!(solo.trace(), ["EXIT 2 goodbye"]);
}

#[test]
fn a_goodbye_and_a_lost_link_mean_goodbye_in_either_order() {
    for goodbye_first in [true, false] {
        let mut solo = Solo::met();
        if goodbye_first {
            solo.goodbye(2);
        }
        solo.lost(2);
        if !goodbye_first {
            solo.goodbye(2);
        }
        solo.wait(200);
        assert_eq!(solo.events(), ["EXIT 2 goodbye"], "goodbye first: {goodbye_first}");
    }
}

#[test]
fn a_forged_goodbye_does_no_harm() {
    let mut solo = Solo::met();
    solo.goodbye(2);
    solo.wait(900);
    solo.ping_ok(2);
    solo.wait_with_beacons(5, &[2]);
    assert_eq!(solo.trace(), ["send 2 ping 2"]);
    solo.lost(2);
    solo.mailbox_lost(2);
    assert_eq!(solo.events(), ["EXIT 2 link lost"], "the goodbye is forgotten");
}

#[test]
fn other_messages_and_beacons_do_not_disprove_a_goodbye() {
    let mut solo = Solo::met();
    solo.goodbye(2);
    solo.wait(500);
    solo.whisper(2, "sent before");
    solo.beacon(2);
    solo.wait(500);
    assert_eq!(solo.events(), ["WHISPER 2 sent before", "EXIT 2 goodbye"]);
}

#[test]
fn a_goodbye_without_pingok_is_believed_after_a_second() {
    let mut solo = Solo::met();
    solo.goodbye(2);
    solo.wait(400);
    solo.goodbye(2);
    solo.wait(599);
    assert_eq!(solo.trace(), ["send 2 ping 2"], "asked once, however often it is claimed");
    solo.wait(1);
    assert_eq!(solo.trace(), ["EXIT 2 goodbye", "close 2", "close mailbox 1"]);
}

#[test]
fn a_goodbye_of_a_peer_that_has_not_said_hello_is_not_heard_of() {
    let mut solo = Solo::new();
    solo.goodbye(2);
    solo.beacon(2);
    solo.goodbye(2);
    assert_eq!(solo.trace(), ["connect 2", "close 2"]);
    assert_eq!(solo.engine.next_deadline(), None);
}

#[test]
fn a_goodbye_of_a_peer_that_has_our_hello_and_not_said_its_own_ends_nothing() {
    let mut solo = Solo::new();
    solo.beacon(2);
    solo.up(2);
    solo.goodbye(2);
    assert_eq!(solo.trace(), ["connect 2", "send 2 hello 1"], "it may have met us");
    solo.hello(2);
    assert_eq!(solo.trace(), ["ENTER 2"], "the goodbye was forged");
}

#[test]
fn a_late_beacon_after_a_goodbye_is_refused_unheard() {
    let mut solo = Solo::met();
    solo.goodbye(2);
    solo.lost(2);
    solo.mailbox_lost(2);
    assert_eq!(solo.events(), ["EXIT 2 goodbye"]);
    solo.beacon(2);
    solo.lost(2);
    solo.wait(20_000);
    assert_eq!(solo.trace(), ["connect 2"], "and nobody is told that it cannot be reached");
}

#[test]
fn a_goodbye_message_is_true_at_once() {
    let mut solo = Solo::met();
    solo.say(2, Command::Goodbye);
    assert_eq!(solo.trace(), ["EXIT 2 goodbye", "close 2", "close mailbox 1"]);
}
