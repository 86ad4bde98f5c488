//! Lost links, what the mailbox still brings, and other connections in a peer's name.

use zre_proto::message::{Command, Message};
use zre_proto::{ConnId, Content, Input};

use crate::common::endpoint;
use crate::solo::{Solo, hello};

#[test]
fn a_link_lost_before_hello_is_not_heard_of() {
    let mut solo = Solo::new();
    solo.beacon(2);
    solo.trace();
    solo.lost(2);
    assert!(solo.trace().is_empty());
    solo.wait(30_000);
    assert!(solo.trace().is_empty());
    assert_eq!(solo.engine.next_deadline(), None, "nobody says any more where it is");
}

#[test]
fn a_lost_link_means_exit_at_once_if_the_mailbox_connection_is_gone_as_well() {
    let mut solo = Solo::met();
    solo.mailbox_lost(2);
    assert!(solo.trace().is_empty(), "the link still works");
    solo.lost(2);
    assert_eq!(solo.trace(), ["EXIT 2 link lost"]);
    solo.beacon(2);
    assert_eq!(solo.trace(), ["connect 2"], "if it lives it comes back");
}

#[test]
fn what_the_peer_sent_before_its_link_was_lost_comes_before_its_exit() {
    let mut solo = Solo::met();
    solo.lost(2);
    solo.whisper(2, "last");
    solo.say(2, Command::Join { group: b"a", status: 1 });
    solo.say(2, Command::Ping);
    assert_eq!(solo.trace(), ["WHISPER 2 last", "JOIN 2 a"], "and nothing can be answered");
    solo.mailbox_lost(2);
    assert_eq!(solo.trace(), ["EXIT 2 link lost"]);
}

#[test]
fn the_mailbox_is_waited_for_no_longer_than_200_ms() {
    let mut solo = Solo::met();
    solo.lost(2);
    solo.wait(150);
    solo.whisper(2, "late");
    solo.beacon(2);
    solo.wait(49);
    assert_eq!(solo.trace(), ["WHISPER 2 late"]);
    solo.wait(1);
    assert_eq!(solo.trace(), ["EXIT 2 link lost", "close mailbox 1"]);
    solo.whisper(2, "too late");
    assert!(solo.trace().is_empty());
}

#[test]
fn the_mailbox_is_waited_for_while_it_is_not_read() {
    let mut solo = Solo::met();
    solo.handle(Input::Paused(true));
    solo.lost(2);
    solo.wait(5_000);
    solo.handle(Input::Paused(false));
    solo.whisper(2, "last");
    solo.mailbox_lost(2);
    assert_eq!(solo.events(), ["WHISPER 2 last", "EXIT 2 link lost"]);
}

#[test]
fn a_gap_in_what_the_mailbox_still_brings_is_the_reason_of_the_exit() {
    let mut solo = Solo::met();
    solo.lost(2);
    solo.set_sequence(2, 9);
    solo.whisper(2, "gap");
    assert_eq!(solo.trace(), ["EXIT 2 sequence gap", "close mailbox 1"]);
}

#[test]
fn a_hello_while_the_old_connection_is_waited_for_ends_the_wait() {
    let mut solo = Solo::met();
    solo.lost(2);
    solo.hello(2);
    assert_eq!(solo.trace(), ["EXIT 2 link lost", "connect 2"]);
    solo.up(2);
    assert_eq!(solo.trace(), ["send 2 hello 1", "ENTER 2"]);
}

#[test]
fn a_hello_on_the_connection_that_is_waited_for_keeps_that_connection() {
    let mut solo = Solo::met();
    solo.lost(2);
    solo.whisper(2, "last");
    solo.set_sequence(2, 0);
    solo.say(2, Command::Hello(hello(&endpoint(2).to_string())));
    let trace = solo.trace();
    assert_eq!(trace, ["WHISPER 2 last", "EXIT 2 link lost", "connect 2"], "and no close mailbox");
    solo.whisper(2, "on the same connection");
    solo.up(2);
    assert_eq!(solo.events(), ["ENTER 2", "WHISPER 2 on the same connection"]);
}

#[test]
fn a_full_queue_ends_the_peer_and_its_next_beacon_brings_it_back() {
    let mut solo = Solo::met();
    solo.overflow(2);
    assert_eq!(solo.trace(), ["EXIT 2 overflow", "close 2", "close mailbox 1"]);
    assert_eq!(solo.engine.stats().overflows, 1);
    solo.beacon(2);
    assert_eq!(solo.trace(), ["connect 2"]);
    solo.up(2);
    solo.trace();
    solo.overflow(2);
    assert_eq!(solo.trace(), ["close 2"], "before its HELLO there is nothing to tell");
}

#[test]
fn the_loss_of_an_older_link_is_no_loss() {
    let mut solo = Solo::met();
    let old = solo.link(2);
    solo.wait_with_beacons(11, &[2]);
    solo.hello(2);
    assert_eq!(solo.events(), ["EXIT 2 restarted"]);
    solo.link_lost(2, old);
    assert!(solo.trace().is_empty());
    solo.up(2);
    assert_eq!(solo.trace(), ["send 2 hello 1", "ENTER 2"]);
    solo.link_lost(2, old);
    assert!(solo.trace().is_empty());
    solo.whisper(2, "here");
    assert_eq!(solo.trace(), ["WHISPER 2 here"]);
}

#[test]
fn a_new_connection_that_continues_the_sequence_takes_over_when_nobody_objects() {
    let mut solo = Solo::met();
    solo.whisper(2, "two");
    solo.reconnect(2);
    solo.whisper(2, "three");
    solo.whisper(2, "four");
    assert_eq!(solo.trace(), ["WHISPER 2 two", "send 2 ping 2"]);
    solo.wait(1_000);
    assert_eq!(solo.trace(), ["close mailbox 1", "WHISPER 2 three", "WHISPER 2 four"]);
    solo.whisper(2, "five");
    assert_eq!(solo.trace(), ["WHISPER 2 five"]);
}

#[test]
fn a_new_connection_after_the_loss_of_the_old_one_takes_over() {
    let mut solo = Solo::met();
    solo.mailbox_lost(2);
    solo.reconnect(2);
    solo.whisper(2, "two");
    assert_eq!(solo.trace(), ["WHISPER 2 two"]);
}

#[test]
fn a_peer_whose_connection_does_not_come_back_is_given_up_though_its_beacons_come() {
    let mut solo = Solo::met();
    solo.mailbox_lost(2);
    solo.wait_with_beacons(9, &[2]);
    assert!(solo.trace().is_empty());
    solo.beacon_at(2, "tcp://10.0.0.77:50000".parse().unwrap());
    assert_eq!(solo.trace(), ["send 2 ping 2"]);
    solo.wait(1_000);
    let gone = ["EXIT 2 link lost", "close 2"];
    let elsewhere = ["connect 2 at tcp://10.0.0.77:50000"];
    assert_eq!(solo.trace(), [&gone[..], &elsewhere].concat(), "where it was heard last");
}

#[test]
fn a_peer_whose_connection_comes_back_stays() {
    let mut solo = Solo::met();
    solo.mailbox_lost(2);
    solo.wait_with_beacons(9, &[2]);
    solo.reconnect(2);
    solo.whisper(2, "back");
    assert_eq!(solo.trace(), ["WHISPER 2 back"]);
    solo.wait_with_beacons(20, &[2]);
    assert!(solo.trace().is_empty());
}

#[test]
fn messages_lost_between_two_connections_are_a_gap() {
    let mut solo = Solo::met();
    solo.mailbox_lost(2);
    solo.reconnect(2);
    solo.set_sequence(2, 5);
    solo.whisper(2, "gap");
    assert_eq!(solo.trace(), ["EXIT 2 sequence gap", "close 2", "close mailbox 2"]);
}

#[test]
fn an_intruder_out_of_sequence_is_closed_and_does_no_harm() {
    let mut solo = Solo::met();
    solo.whisper(2, "two");
    let forged = Message { sequence: 7, command: Command::Whisper }.encode();
    solo.raw(2, ConnId::Accepted(99), &forged, "forged".into());
    assert_eq!(solo.trace(), ["WHISPER 2 two", "send 2 ping 2"]);
    solo.whisper(2, "three");
    assert_eq!(solo.trace(), ["WHISPER 2 three"]);
    solo.wait(1_000);
    assert_eq!(solo.trace(), ["close mailbox 99"], "nobody has objected, and yet");
    assert_eq!(solo.engine.stats().intruding, 1);
}

#[test]
fn an_intruder_does_not_keep_a_quiet_peer_alive() {
    let mut solo = Solo::met();
    let forged = Message { sequence: 7, command: Command::PingOk }.encode();
    for conn in 0..40 {
        solo.wait(1_000);
        solo.raw(2, ConnId::Accepted(100 + conn), &forged, Content::none());
    }
    assert_eq!(solo.events(), ["EVASIVE 2", "SILENT 2", "EXIT 2 expired"]);
}
