//! The two counters, of messages and of joins and leaves, and what is not counted.

use zre_proto::message::{Command, Message};
use zre_proto::{Action, Content};

use crate::common::id;
use crate::solo::Solo;

#[test]
fn a_gap_or_a_repeat_in_the_sequence_ends_the_peer_and_its_next_beacon_brings_it_back() {
    for sequence in [1, 3, 65535, 0] {
        let mut solo = Solo::met();
        solo.whisper(2, "two");
        solo.set_sequence(2, sequence);
        solo.whisper(2, "lost");
        let expected = ["WHISPER 2 two", "EXIT 2 sequence gap", "close 2", "close mailbox 1"];
        assert_eq!(solo.trace(), expected, "{sequence}");
        solo.whisper(2, "nobody listens");
        assert!(solo.trace().is_empty());
        solo.beacon(2);
        solo.up(2);
        solo.hello(2);
        assert_eq!(solo.trace(), ["connect 2", "send 2 hello 1", "ENTER 2"], "{sequence}");
    }
}

#[test]
fn both_roads_of_the_wrap_are_followed() {
    for road in [&[65533_u16, 65534, 65535, 0, 1, 2][..], &[65533, 65534, 0, 1, 2]] {
        let mut solo = Solo::met();
        for _ in 2..65533 {
            solo.say(2, Command::PingOk);
        }
        for number in road {
            solo.set_sequence(2, number.wrapping_sub(1));
            solo.whisper(2, "on");
            assert_eq!(solo.trace(), ["WHISPER 2 on"], "{number} of {road:?}");
        }
    }
}

#[test]
fn a_number_that_is_left_out_elsewhere_is_a_gap() {
    let mut solo = Solo::met();
    for _ in 2..65534 {
        solo.say(2, Command::PingOk);
    }
    solo.set_sequence(2, 65534);
    solo.whisper(2, "65534 is missing");
    assert_eq!(solo.events(), ["EXIT 2 sequence gap"]);
}

/// What the engine sends last when it has sent 65,538 messages.
fn last_sent(solo: &mut Solo, count: usize) -> String {
    let content = || Content::from("x");
    for _ in 0..count - 2 {
        assert_eq!(solo.act(Action::Whisper { peer: id(2), content: content() }), Ok(()));
    }
    solo.trace();
    assert_eq!(solo.act(Action::Whisper { peer: id(2), content: content() }), Ok(()));
    solo.trace().pop().unwrap()
}

#[test]
fn the_own_sequence_wraps_as_the_c_library_does() {
    assert_eq!(last_sent(&mut Solo::met(), 65_535), "send 2 whisper 65535");
    assert_eq!(last_sent(&mut Solo::met(), 65_536), "send 2 whisper 0");
}

#[test]
fn the_own_sequence_wraps_as_the_peer_was_seen_to_wrap() {
    let mut solo = Solo::met();
    for _ in 2..=65534 {
        solo.say(2, Command::PingOk);
    }
    solo.set_sequence(2, 65535);
    solo.whisper(2, "this is number 0");
    assert_eq!(solo.events(), ["WHISPER 2 this is number 0"]);
    assert_eq!(last_sent(&mut solo, 65_535), "send 2 whisper 0");
}

#[test]
fn a_wrong_count_of_joins_and_leaves_ends_the_peer() {
    let wrong = [
        Command::Join { group: b"a", status: 0 },
        Command::Join { group: b"a", status: 2 },
        Command::Leave { group: b"a", status: 255 },
    ];
    for command in wrong {
        let mut solo = Solo::met();
        solo.say(2, command);
        assert_eq!(solo.trace(), ["EXIT 2 status mismatch", "close 2", "close mailbox 1"]);
        solo.beacon(2);
        assert_eq!(solo.trace(), ["connect 2"]);
    }
}

#[test]
fn the_count_of_joins_and_leaves_wraps_behind_255_and_as_zyre_js_does_behind_254() {
    for wrap in [255_u8, 254] {
        let mut solo = Solo::met();
        let mut status = 0;
        for turn in 0..600 {
            status = if status == wrap { 0 } else { status + 1 };
            let group = b"a".as_slice();
            let joins = turn % 2 == 0;
            solo.say(
                2,
                if joins {
                    Command::Join { group, status }
                } else {
                    Command::Leave { group, status }
                },
            );
            let expected = if joins { "JOIN 2 a" } else { "LEAVE 2 a" };
            assert_eq!(solo.trace(), [expected], "status {status}, wraps behind {wrap}");
        }
    }
}

#[test]
fn unknown_and_unused_messages_take_their_place_in_the_sequence() {
    let mut solo = Solo::met();
    let conn = solo.conn(2);
    let header = [0xAA, 0xA1, 42, 2, 0, 2, 1, 2, 3];
    solo.raw(2, conn, &header, Content::none());
    solo.set_sequence(2, 2);
    solo.say(2, Command::Elect { group: b"a", challenger: b"b" });
    solo.say(2, Command::Leader { group: b"a", leader: b"b" });
    solo.whisper(2, "five");
    assert_eq!(solo.trace(), ["WHISPER 2 five"]);
    assert_eq!(solo.engine.stats().unused, 3);
}

#[test]
fn what_is_not_zre_is_dropped_without_harm() {
    let mut solo = Solo::met();
    let conn = solo.conn(2);
    for header in [&b"GET / HTTP/1.1"[..], &[0xAA, 0xA1, 6, 3, 0, 2]] {
        solo.raw(2, conn, header, Content::none());
    }
    solo.whisper(2, "two");
    assert_eq!(solo.trace(), ["WHISPER 2 two"]);
    assert_eq!(solo.engine.stats().foreign, 2);
}

#[test]
fn a_message_that_is_cut_short_ends_its_sender() {
    let whole = Message { sequence: 2, command: Command::Join { group: b"chat", status: 1 } };
    let whole = whole.encode();
    for cut in 0..whole.len() {
        let mut solo = Solo::met();
        let conn = solo.conn(2);
        solo.raw(2, conn, &whole[..cut], Content::none());
        let expected = ["EXIT 2 rejected", "close 2", "close mailbox 1"];
        assert_eq!(solo.trace(), expected, "cut at {cut}");
        assert_eq!(solo.engine.stats().malformed, 1);
    }
}

#[test]
fn a_message_that_is_cut_short_on_a_foreign_connection_closes_only_that() {
    let mut solo = Solo::met();
    solo.raw(2, zre_proto::ConnId::Accepted(99), &[0xAA, 0xA1, 1, 2, 0, 1], Content::none());
    solo.ping_ok(2);
    assert_eq!(solo.trace(), ["send 2 ping 2", "close mailbox 99"]);
    solo.whisper(2, "still here");
    assert_eq!(solo.trace(), ["WHISPER 2 still here"]);
}

#[test]
fn a_whisper_without_a_frame_is_taken_as_it_is() {
    let mut solo = Solo::met();
    solo.say(2, Command::Whisper);
    assert_eq!(solo.trace(), ["WHISPER 2 "]);
}
