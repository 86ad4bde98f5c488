//! How a two-way connection ends, and with it the peer: rules 9 and 10.

use zre_proto::message::Command;
use zre_proto::{Action, Config, Content, Input};

use crate::common::{endpoint, id};
use crate::solo::{Solo, hello};
use crate::two_way::{WAYS, all_met, by, chooser, close, dialled, follower, header, hello_2};

#[test]
fn the_end_of_the_connection_is_the_exit_at_once_and_the_next_claim_brings_the_peer_back() {
    for (mut solo, conn) in all_met() {
        solo.whisper(2, "last");
        solo.link_lost(2, conn);
        assert_eq!(solo.trace(), ["WHISPER 2 last", "EXIT 2 link lost"]);
        assert_eq!(solo.engine.peers().count(), 0);
        solo.wait(1_000);
        solo.beacon(2);
        assert_eq!(solo.trace(), ["connect 2"]);
    }
}

#[test]
fn what_a_broken_connection_still_brings_comes_before_the_exit() {
    for (mut solo, conn) in all_met() {
        solo.handle(Input::Broken { peer: id(2), conn });
        solo.whisper(2, "last");
        solo.say(2, Command::Ping);
        assert_eq!(solo.trace(), ["WHISPER 2 last"], "nothing can be answered");
        assert_eq!(solo.engine.speaks_on(id(2)), None);
        solo.link_lost(2, conn);
        assert_eq!(solo.trace(), ["EXIT 2 link lost"]);
    }
}

#[test]
fn a_broken_connection_is_read_for_200_ms() {
    for (mut solo, conn) in all_met() {
        solo.handle(Input::Broken { peer: id(2), conn });
        solo.wait(199);
        assert!(solo.trace().is_empty());
        solo.wait(1);
        assert_eq!(solo.trace(), ["EXIT 2 link lost".to_owned(), close(conn)]);
    }
}

#[test]
fn a_goodbye_and_a_full_queue_end_the_connection() {
    for (mut solo, conn) in all_met() {
        solo.say(2, Command::Goodbye);
        assert_eq!(solo.trace(), ["EXIT 2 goodbye".to_owned(), close(conn)]);
    }
    for (mut solo, conn) in all_met() {
        solo.overflow(2);
        assert_eq!(solo.trace(), ["EXIT 2 overflow".to_owned(), close(conn)]);
        assert_eq!(solo.engine.stats().overflows, 1);
    }
}

#[test]
fn a_goodbye_beacon_is_asked_about_on_the_connection() {
    for (mut solo, conn) in all_met() {
        solo.goodbye(2);
        assert_eq!(solo.trace(), [format!("send 2 ping 2{}", by(conn))]);
        solo.ping_ok(2);
        solo.goodbye(2);
        solo.wait(999);
        assert_eq!(solo.trace(), [format!("send 2 ping 3{}", by(conn))]);
        solo.wait(1);
        assert_eq!(solo.trace(), ["EXIT 2 goodbye".to_owned(), close(conn)]);
    }
}

#[test]
fn a_goodbye_beacon_does_not_close_a_connection_on_which_the_other_is_waited_for() {
    for chooses in [true, false] {
        let mut solo = if chooses { chooser() } else { follower() };
        let conn = dialled(&mut solo);
        solo.trace();
        solo.goodbye(2);
        assert!(solo.trace().is_empty(), "anybody can send it");
        solo.hello_on(2, conn);
        assert_eq!(solo.events(), ["ENTER 2"]);
    }
}

#[test]
fn a_node_that_stops_says_goodbye_on_every_connection_on_which_it_has_said_hello() {
    let mut solo = Solo::with(Config::new(id(5), endpoint(5)));
    // Node 2 chooses, and has or has not; we choose for node 7; node 8 has one each way.
    let chosen = solo.accept(2);
    solo.hello_on(2, chosen);
    solo.accept(3);
    solo.accept(7);
    solo.trace();
    solo.meet(8);
    assert_eq!(solo.act(Action::Stop), Ok(()));
    let goodbyes = ["2 goodbye 2 by mailbox 1", "7 goodbye 2 by mailbox 3", "8 goodbye 2"];
    let goodbyes = goodbyes.map(|to| format!("send {to}"));
    assert_eq!(solo.trace(), [&goodbyes[..], &["STOP".to_owned()]].concat());
}

#[test]
fn a_second_hello_on_the_connection_ends_the_peer() {
    for sequence in [1, 2] {
        for (mut solo, conn) in all_met() {
            let again = Command::Hello(hello("tcp://10.0.0.2:49152"));
            solo.raw(2, conn, &header(sequence, again), Content::none());
            assert_eq!(solo.trace(), ["EXIT 2 rejected".to_owned(), close(conn)]);
            assert_eq!(solo.engine.stats().malformed, 1);
        }
    }
}

#[test]
fn a_second_hello_on_a_broken_connection_ends_the_peer_and_the_connection() {
    for (mut solo, conn) in all_met() {
        solo.handle(Input::Broken { peer: id(2), conn });
        solo.raw(2, conn, &hello_2(), Content::none());
        assert_eq!(solo.trace(), ["EXIT 2 rejected".to_owned(), close(conn)]);
    }
}

#[test]
fn a_hello_with_another_sequence_or_without_an_endpoint_is_not_taken() {
    let bad = [
        header(2, Command::Hello(hello("tcp://10.0.0.2:49152"))),
        header(1, Command::Hello(hello("tcp://10.0.0.2:0"))),
        header(1, Command::Hello(hello("nonsense"))),
    ];
    for way in WAYS {
        for chooses in [true, false] {
            for bad in &bad {
                let mut solo = if chooses { chooser() } else { follower() };
                let conn = way(&mut solo);
                solo.trace();
                solo.raw(2, conn, bad, Content::none());
                assert_eq!(solo.trace(), [close(conn)], "chooses: {chooses}");
                assert_eq!(solo.engine.peers().count(), 0);
            }
        }
    }
}
