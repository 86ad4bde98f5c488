//! Connections in the name of a peer that is heard on another one.

use zre_proto::message::{Command, Message};
use zre_proto::{Config, ConnId, Content, Header, Input};

use crate::common::{endpoint, id};
use crate::solo::{Solo, hello};

/// A HELLO in the name of node `n`.
fn forged(n: u8) -> Header {
    let place = endpoint(n).to_string();
    Message { sequence: 1, command: Command::Hello(hello(&place)) }.encode()
}

/// An engine that has met node 2, and heard a HELLO in its name on connection 99.
fn claimed() -> Solo {
    let mut solo = Solo::met();
    solo.raw(2, ConnId::Accepted(99), &forged(2), Content::none());
    assert_eq!(solo.trace(), ["send 2 ping 2"]);
    solo
}

fn more(solo: &mut Solo, sequence: u16) {
    let header = Message { sequence, command: Command::Whisper }.encode();
    solo.raw(2, ConnId::Accepted(99), &header, sequence.to_string().into());
}

#[test]
fn a_forged_hello_is_refuted_by_the_peer_and_nobody_hears_of_it() {
    let mut solo = claimed();
    more(&mut solo, 2);
    solo.whisper(2, "here");
    assert_eq!(solo.trace(), ["WHISPER 2 here"], "it is heard all the time");
    solo.ping_ok(2);
    assert_eq!(solo.trace(), ["close mailbox 99"]);
    assert_eq!(solo.engine.stats().intruding, 1);
    solo.wait_with_beacons(20, &[2]);
    solo.whisper(2, "still here");
    assert_eq!(solo.trace(), ["WHISPER 2 still here"]);
}

#[test]
fn a_restart_is_heard_as_soon_as_the_old_connection_ends() {
    let mut solo = claimed();
    more(&mut solo, 2);
    solo.mailbox_lost(2);
    assert_eq!(solo.trace(), ["EXIT 2 restarted", "close 2", "connect 2"]);
    solo.up(2);
    assert_eq!(solo.trace(), ["send 2 hello 1", "ENTER 2", "WHISPER 2 2"]);
    more(&mut solo, 3);
    assert_eq!(solo.trace(), ["WHISPER 2 3"]);
    assert_eq!(solo.engine.stats().intruding, 0);
}

#[test]
fn a_restart_is_heard_when_the_link_is_lost_as_well() {
    let mut solo = claimed();
    solo.lost(2);
    assert!(solo.trace().is_empty(), "what it said before is still read");
    solo.whisper(2, "last");
    solo.mailbox_lost(2);
    let trace = solo.trace();
    assert_eq!(trace[..2], ["WHISPER 2 last", "EXIT 2 link lost"]);
    assert_eq!(trace[trace.len() - 1..], ["connect 2"]);
    solo.up(2);
    assert_eq!(solo.trace(), ["send 2 hello 1", "ENTER 2"]);
}

#[test]
fn a_restart_whose_old_connection_hangs_is_heard_after_a_second() {
    let mut solo = claimed();
    more(&mut solo, 2);
    solo.wait(999);
    assert!(solo.trace().is_empty());
    solo.wait(1);
    let restarted = ["close mailbox 1", "EXIT 2 restarted", "close 2", "connect 2"];
    assert_eq!(solo.trace(), restarted);
    solo.up(2);
    assert_eq!(solo.trace(), ["send 2 hello 1", "ENTER 2", "WHISPER 2 2"]);
}

#[test]
fn an_answer_to_an_older_question_refutes_nothing() {
    let mut solo = Solo::met();
    solo.goodbye(2);
    solo.raw(2, ConnId::Accepted(99), &forged(2), Content::none());
    assert_eq!(solo.trace(), ["send 2 ping 2", "send 2 ping 3"]);
    solo.ping_ok(2);
    assert!(solo.trace().is_empty());
    solo.ping_ok(2);
    assert_eq!(solo.trace(), ["close mailbox 99"]);
}

#[test]
fn a_pingok_on_the_connection_in_question_proves_nothing() {
    let mut solo = claimed();
    let header = Message { sequence: 2, command: Command::PingOk }.encode();
    solo.raw(2, ConnId::Accepted(99), &header, Content::none());
    assert!(solo.trace().is_empty());
    solo.ping_ok(2);
    assert_eq!(solo.trace(), ["close mailbox 99"]);
}

#[test]
fn a_connection_that_ends_claims_nothing_any_more() {
    let mut solo = claimed();
    solo.conn_lost(2, ConnId::Accepted(99));
    solo.wait(2_000);
    solo.mailbox_lost(2);
    assert!(solo.trace().is_empty());
}

#[test]
fn a_claim_that_says_too_much_is_closed() {
    let mut solo = Solo::with(Config { max_held_events: 10, ..Config::new(id(1), endpoint(1)) });
    solo.meet(2);
    solo.raw(2, ConnId::Accepted(99), &forged(2), Content::none());
    (2..=10).for_each(|n| more(&mut solo, n));
    assert_eq!(solo.trace(), ["send 2 ping 2"]);
    more(&mut solo, 11);
    assert_eq!(solo.trace(), ["close mailbox 99"]);
    solo.wait(1_000);
    assert!(solo.trace().is_empty());
}

#[test]
fn few_claims_are_open_against_one_peer_and_all_are_refuted() {
    let mut solo = Solo::met();
    for conn in 90..100 {
        solo.raw(2, ConnId::Accepted(conn), &forged(2), Content::none());
    }
    let trace = solo.trace();
    assert_eq!(trace.iter().filter(|line| line.starts_with("send 2 ping")).count(), 4);
    assert_eq!(trace.iter().filter(|line| line.starts_with("close mailbox")).count(), 6);
    (0..4).for_each(|_| solo.ping_ok(2));
    assert_eq!(solo.trace(), (90..94).map(|n| format!("close mailbox {n}")).collect::<Vec<_>>());
}

#[test]
fn a_stranger_at_the_place_of_a_peer_that_answers_is_closed() {
    let mut solo = Solo::met();
    solo.raw(3, ConnId::Accepted(99), &forged(2), Content::none());
    assert_eq!(solo.trace(), ["send 2 ping 2"]);
    solo.ping_ok(2);
    assert_eq!(solo.trace(), ["close mailbox 99"]);
}

#[test]
fn a_claim_waits_while_the_mailbox_is_not_read() {
    let mut solo = claimed();
    solo.handle(Input::Paused(true));
    solo.wait(5_000);
    let lives = ["send 2 ping-ok 3", "send 2 ping-ok 4"];
    assert_eq!(solo.trace(), lives, "we live, and decide nothing");
    solo.handle(Input::Paused(false));
    solo.wait(999);
    assert!(solo.trace().is_empty(), "the answer may just be being read");
    solo.ping_ok(2);
    assert_eq!(solo.trace(), ["close mailbox 99"]);
}

#[test]
fn a_claim_is_forgotten_when_the_node_stops() {
    let mut solo = claimed();
    assert_eq!(solo.act(zre_proto::Action::Stop), Ok(()));
    assert_eq!(solo.engine.next_deadline(), None);
}

#[test]
fn a_peer_that_claims_the_place_of_another_on_its_own_connection_loses_that() {
    let mut solo = Solo::met();
    solo.meet(3);
    let conn = solo.conn(3);
    assert_eq!(conn, ConnId::Accepted(2));
    solo.raw(3, conn, &forged(2), Content::none());
    assert_eq!(solo.trace(), ["send 2 ping 2"]);
    solo.ping_ok(2);
    assert_eq!(solo.trace(), ["close mailbox 2"]);
    solo.wait_with_beacons(10, &[2, 3]);
    assert_eq!(solo.events(), ["EXIT 3 link lost"], "nothing that it says would be heard");
}

#[test]
fn a_peer_that_claims_the_place_of_another_and_loses_its_connection_has_lost_it() {
    let mut solo = Solo::met();
    solo.meet(3);
    let conn = solo.conn(3);
    solo.raw(3, conn, &forged(2), Content::none());
    solo.conn_lost(3, conn);
    solo.ping_ok(2);
    assert_eq!(solo.trace(), ["send 2 ping 2"]);
    solo.wait_with_beacons(10, &[2, 3]);
    assert_eq!(solo.events(), ["EXIT 3 link lost"], "it does not come back");
}

#[test]
fn a_claim_against_one_peer_is_none_against_another() {
    let mut solo = Solo::met();
    solo.meet(3);
    solo.raw(2, ConnId::Accepted(99), &forged(3), Content::none());
    assert_eq!(solo.trace(), ["send 2 ping 2"]);
    solo.wait(1_000);
    assert_eq!(solo.trace(), ["close mailbox 99"], "node 3 was not asked");
    solo.whisper(3, "here");
    solo.whisper(2, "here");
    assert_eq!(solo.trace(), ["WHISPER 3 here", "WHISPER 2 here"]);
}
