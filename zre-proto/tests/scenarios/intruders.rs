//! Further connections in a peer's name, for both directions or for one: rule 11, and what anybody
//! could try.

use zre_proto::message::Command;
use zre_proto::{Action, Config, ConnId, Content, Input};

use crate::common::{endpoint, id};
use crate::solo::Solo;
use crate::two_way::{WAYS, all_met, by, chooser, close, follower, header, hello_2, met};

#[test]
fn a_further_connection_makes_us_ask_the_peer_and_say_nothing_on_it() {
    for (mut solo, conn) in all_met() {
        let other = solo.accept(2);
        assert_eq!(solo.trace(), [format!("send 2 ping 2{}", by(conn))], "by its READY alone");
        solo.whisper(2, "here");
        assert_eq!(solo.trace(), ["WHISPER 2 here"]);
        solo.ping_ok(2);
        assert_eq!(solo.trace(), [close(other)]);
        solo.wait_with_beacons(20, &[2]);
        assert!(solo.trace().is_empty());
    }
}

#[test]
fn what_is_said_on_a_further_connection_is_not_heard_while_the_peer_answers() {
    for (mut solo, _) in all_met() {
        let other = solo.accept(2);
        solo.trace();
        solo.raw(2, other, &hello_2(), Content::none());
        solo.raw(2, other, &header(2, Command::Whisper), "forged".into());
        solo.raw(2, other, &header(3, Command::PingOk), Content::none());
        assert!(solo.trace().is_empty());
        solo.ping_ok(2);
        assert_eq!(solo.trace(), [close(other)]);
    }
}

#[test]
fn a_further_connection_is_of_an_intruder_only_if_something_was_said_on_it() {
    for speaks in [false, true] {
        for (mut solo, _) in all_met() {
            // More than are put to the test: some are closed at once.
            for n in 1..=6 {
                let other = solo.accept(2);
                if speaks && n <= 4 {
                    solo.raw(2, other, &hello_2(), Content::none());
                }
            }
            (0..4).for_each(|_| solo.ping_ok(2));
            let stats = solo.engine.stats();
            let counted = (stats.intruding, stats.spares_refused);
            assert_eq!(counted, if speaks { (4, 2) } else { (0, 6) }, "a dial that crossed");
        }
    }
}

#[test]
fn a_peer_that_does_not_answer_in_time_is_met_again_on_the_other_connection() {
    for way in WAYS {
        let (mut solo, conn) = met(true, way);
        let other = solo.accept(2);
        solo.trace();
        solo.wait(799);
        assert!(solo.trace().is_empty());
        solo.wait(1);
        let hello = format!("send 2 hello 1{}", by(other));
        assert_eq!(solo.trace(), ["EXIT 2 restarted".to_owned(), close(conn), hello]);
        solo.hello_on(2, other);
        assert_eq!(solo.trace(), ["ENTER 2"]);

        let (mut solo, conn) = met(false, way);
        let other = solo.accept(2);
        solo.raw(2, other, &hello_2(), Content::none());
        solo.raw(2, other, &header(2, Command::Whisper), "held".into());
        solo.trace();
        solo.wait(800);
        let hello = format!("send 2 hello 1{}", by(other));
        let again = [hello, "ENTER 2".to_owned(), "WHISPER 2 held".to_owned()];
        let over = ["EXIT 2 restarted".to_owned(), close(conn)];
        assert_eq!(solo.trace(), [&over[..], &again].concat());
    }
}

#[test]
fn while_bytes_arrive_on_the_connection_the_question_is_not_decided() {
    for (mut solo, conn) in all_met() {
        let other = solo.accept(2);
        for _ in 0..30 {
            solo.wait(700);
            assert_eq!(solo.engine.due(solo.now()), [], "nothing is decided yet");
            // Part of a large message.
            solo.progress(2, conn, [true, false]);
        }
        solo.trace();
        solo.progress(2, other, [true, false]);
        solo.wait(799);
        assert!(solo.trace().is_empty(), "bytes of the other do not count, for it or against it");
        solo.ping_ok(2);
        assert_eq!(solo.trace(), [close(other)]);
    }
}

#[test]
fn a_further_connection_is_simply_a_new_one_when_the_first_has_ended() {
    let (mut solo, conn) = met(true, WAYS[1]);
    let other = solo.accept(2);
    solo.trace();
    solo.link_lost(2, conn);
    let hello = format!("send 2 hello 1{}", by(other));
    assert_eq!(solo.trace(), ["EXIT 2 link lost", &hello]);
    solo.hello_on(2, other);
    assert_eq!(solo.trace(), ["ENTER 2"]);

    let (mut solo, conn) = met(false, WAYS[1]);
    let other = solo.accept(2);
    solo.trace();
    solo.link_lost(2, conn);
    assert_eq!(solo.trace(), ["EXIT 2 link lost"], "the chooser has to speak");
    solo.hello_on(2, other);
    assert_eq!(solo.trace(), [hello, "ENTER 2".to_owned()]);
}

#[test]
fn a_further_connection_is_asked_about_again_when_only_the_peers_own_direction_has_ended() {
    let mut solo = Solo::met();
    let other = solo.accept(2);
    // It continues the sequence, as one that is connected each way could.
    solo.raw(2, other, &header(2, Command::Whisper), "held".into());
    solo.trace();
    solo.mailbox_lost(2);
    assert_eq!(solo.trace(), ["send 2 ping 3"], "our link to it is up");
    solo.wait(1_000);
    let over = ["EXIT 2 restarted".to_owned(), "close 2".to_owned()];
    // It was not for the other to speak first.
    let greeted = [format!("send 2 hello 1{}", by(other)), close(other)];
    assert_eq!(solo.trace(), [over, greeted].concat());
}

#[test]
fn a_peer_that_is_back_before_its_exit_is_met_on_its_new_connection_whatever_ended_the_old_one() {
    for goodbye in [false, true] {
        let mut solo = follower();
        solo.meet(2);
        let old = solo.conn(2);
        solo.lost(2);
        let conn = solo.accept(2);
        if goodbye {
            solo.goodbye(2);
        }
        assert!(solo.trace().is_empty(), "what it said before is still read");
        solo.raw(2, conn, &hello_2(), Content::none());
        let reason = if goodbye { "goodbye" } else { "link lost" };
        let over = [format!("EXIT 2 {reason}"), close(old)];
        let hello = [format!("send 2 hello 1{}", by(conn)), "ENTER 2".to_owned()];
        assert_eq!(solo.trace(), [over, hello].concat());
    }
}

#[test]
fn a_further_connection_that_ends_or_breaks_is_forgotten() {
    for breaks in [true, false] {
        for (mut solo, _) in all_met() {
            let other = solo.accept(2);
            solo.trace();
            if breaks {
                solo.handle(Input::Broken { peer: id(2), conn: other });
                assert_eq!(solo.trace(), [close(other)]);
            } else {
                solo.link_lost(2, other);
                assert!(solo.trace().is_empty());
            }
            solo.wait(2_000);
            assert!(solo.trace().is_empty());
        }
    }
}

#[test]
fn a_peer_that_is_connected_each_way_is_asked_as_well() {
    let mut solo = Solo::met();
    let old = solo.conn(2);
    let other = solo.accept(2);
    assert_eq!(solo.trace(), ["send 2 ping 2"]);
    solo.ping_ok(2);
    assert_eq!(solo.trace(), [close(other)]);
    let other = solo.accept(2);
    solo.trace();
    solo.wait(1_000);
    let over = ["EXIT 2 restarted".to_owned(), "close 2".to_owned(), close(old)];
    let hello = format!("send 2 hello 1{}", by(other));
    assert_eq!(solo.trace(), [&over[..], &[hello]].concat());
}

#[test]
fn few_further_connections_are_open_and_all_are_closed_when_the_peer_answers() {
    for (mut solo, _) in all_met() {
        let others: Vec<_> = (0..10).map(|_| solo.accept(2)).collect();
        let trace = solo.trace();
        let pings = trace.iter().filter(|line| line.starts_with("send 2 ping")).count();
        let closed = trace.iter().filter(|line| line.starts_with("close")).count();
        assert_eq!((pings, closed), (4, 6));
        (0..4).for_each(|_| solo.ping_ok(2));
        let closed: Vec<_> = others[..4].iter().map(|conn| close(*conn)).collect();
        assert_eq!(solo.trace(), closed);
    }
}

#[test]
fn connections_of_a_node_that_is_not_known_are_four_at_most() {
    let mut solo = follower();
    for _ in 0..4 {
        solo.accept(2);
    }
    assert!(solo.trace().is_empty());
    for number in 5..10 {
        solo.accept(2);
        assert_eq!(solo.trace(), [format!("close mailbox {}", number - 4)], "the oldest goes");
    }
    solo.hello_on(2, ConnId::Accepted(7));
    assert_eq!(solo.events(), ["ENTER 2"]);
}

#[test]
fn a_hello_on_another_connection_than_the_one_that_was_chosen_closes_only_that() {
    let mut solo = chooser();
    let chosen = solo.accept(2);
    let other = solo.accept(2);
    solo.trace();
    solo.raw(2, other, &hello_2(), Content::none());
    assert_eq!(solo.trace(), [close(other)], "it is for us to speak first");
    assert_eq!(solo.engine.stats().malformed, 1);
    solo.hello_on(2, chosen);
    assert_eq!(solo.trace(), ["ENTER 2"]);
}

#[test]
fn a_hello_on_a_connection_one_way_is_not_the_answer_to_one_that_was_chosen() {
    let mut solo = chooser();
    let chosen = solo.accept(2);
    solo.trace();
    let other = ConnId::Accepted(99);
    solo.raw(2, other, &hello_2(), Content::none());
    assert_eq!(solo.trace(), ["send 2 ping 2 by mailbox 1"], "it is a challenge");
    solo.hello_on(2, chosen);
    assert_eq!(solo.trace(), ["ENTER 2"]);
    solo.ping_ok(2);
    assert_eq!(solo.trace(), ["close mailbox 99"]);
    // So is one when the answer has come.
    solo.raw(2, ConnId::Accepted(98), &hello_2(), Content::none());
    assert_eq!(solo.trace(), ["send 2 ping 3 by mailbox 1"]);
    solo.ping_ok(2);
    assert_eq!(solo.trace(), ["close mailbox 98"]);
}

#[test]
fn a_stranger_that_waits_to_be_spoken_to_waits_in_vain() {
    let mut solo = follower();
    solo.accept(2);
    solo.wait(600_000);
    assert!(solo.trace().is_empty());
    assert_eq!(solo.engine.stats().sent, 0);
}

#[test]
fn a_chooser_that_says_anything_but_hello_first_is_closed() {
    for way in WAYS {
        for command in [Command::Whisper, Command::Ping, Command::PingOk, Command::Goodbye] {
            let mut solo = follower();
            let conn = way(&mut solo);
            solo.trace();
            solo.raw(2, conn, &header(1, command.clone()), Content::none());
            assert_eq!(solo.trace(), [close(conn)], "{command:?}");
            assert_eq!(solo.engine.stats().before_hello, 1);
        }
    }
}

#[test]
fn a_follower_that_answers_with_anything_but_hello_is_closed() {
    for way in WAYS {
        let mut solo = chooser();
        let conn = way(&mut solo);
        solo.trace();
        solo.raw(2, conn, &header(1, Command::Ping), Content::none());
        assert_eq!(solo.trace(), [close(conn)]);
    }
}

#[test]
fn messages_on_a_connection_one_way_that_we_have_dialled_are_dropped() {
    let mut solo = Solo::met();
    let link = solo.link(2);
    for message in [hello_2(), header(2, Command::Goodbye), header(2, Command::PingOk)] {
        solo.raw(2, link, &message, Content::none());
    }
    assert!(solo.trace().is_empty(), "a ROUTER has nothing to say");
    assert_eq!(solo.engine.stats().unused, 3);
    solo.whisper(2, "here");
    assert_eq!(solo.trace(), ["WHISPER 2 here"]);
}

#[test]
fn what_is_said_on_a_further_connection_and_is_of_no_use_does_not_end_it() {
    for chooses in [true, false] {
        let (mut solo, conn) = met(chooses, WAYS[1]);
        let other = solo.accept(2);
        solo.raw(2, other, b"GET / HTTP/1.1", Content::none());
        solo.trace();
        solo.wait(1_000);
        let mut trace = solo.trace();
        assert_eq!(trace.drain(..2).collect::<Vec<_>>(), ["EXIT 2 restarted", &close(conn)]);
        let greeted = format!("send 2 hello 1{}", by(other));
        assert_eq!(trace, &[greeted][..usize::from(chooses)]);
        assert_eq!(solo.act(Action::Join("a")), Ok(()));
        solo.hello_on(2, other);
        assert_eq!(solo.events(), ["ENTER 2"]);
    }
}

#[test]
fn nodes_beyond_the_limit_are_not_spoken_to() {
    let mut solo = Solo::with(Config { max_peers: 1, ..Config::new(id(5), endpoint(5)) });
    let conn = solo.accept(7);
    solo.hello_on(7, conn);
    assert_eq!(solo.events(), ["ENTER 7"]);
    solo.accept(8);
    assert_eq!(solo.trace(), ["close mailbox 2"]);
    let conn = solo.accept(2);
    assert!(solo.trace().is_empty(), "it may be spoken to, which costs nothing yet");
    solo.hello_on(2, conn);
    assert_eq!(solo.trace(), ["close mailbox 3"]);
    assert_eq!(solo.engine.stats().candidates_refused, 2);
}
