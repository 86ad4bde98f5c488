//! Peers that are heard and not reached: until our link is up, the application knows nothing.

use std::collections::BTreeMap;
use std::time::Duration;

use bytes::Bytes;
use zre_proto::message::{Command, Hello};
use zre_proto::{Action, ActionError, Config, ConnId, Content, Liveness, Times};

use crate::c_like::CLike;
use crate::common::{endpoint, id};
use crate::net::{Net, Wall};
use crate::solo::{Solo, hello};

/// Node 2 says HELLO.
fn greet(solo: &mut Solo) {
    solo.hello_with(2, &hello(&endpoint(2).to_string()));
}

#[test]
fn a_peer_enters_when_its_link_is_up_with_all_that_it_said_before_in_order() {
    let mut solo = Solo::new();
    assert_eq!(solo.act(Action::Join("a")), Ok(()));
    let place = endpoint(2).to_string();
    solo.hello_with(2, &Hello { groups: vec![b"a", b"b"], status: 2, ..hello(&place) });
    assert_eq!(solo.trace(), ["connect 2"]);
    solo.whisper(2, "one");
    solo.say(2, Command::Leave { group: b"b", status: 3 });
    solo.send(2, Command::Shout { group: b"a" }, "two".into());
    solo.say(2, Command::Join { group: b"c", status: 4 });
    solo.whisper(2, "three");
    assert!(solo.trace().is_empty());
    solo.up(2);
    let told = [
        "send 2 hello 1",
        "ENTER 2",
        "JOIN 2 a",
        "JOIN 2 b",
        "WHISPER 2 one",
        "LEAVE 2 b",
        "SHOUT 2 a two",
        "JOIN 2 c",
        "WHISPER 2 three",
    ];
    assert_eq!(solo.trace(), told);
    solo.whisper(2, "four");
    assert_eq!(solo.trace(), ["WHISPER 2 four"], "from now on at once");
}

#[test]
fn a_link_that_is_up_before_the_hello_holds_nothing() {
    let mut solo = Solo::new();
    solo.beacon(2);
    solo.up(2);
    assert!(solo.events().is_empty(), "a link alone is no peer");
    assert_eq!(solo.engine.peers().count(), 0);
    let place = endpoint(2).to_string();
    solo.hello_with(2, &Hello { groups: vec![b"a"], ..hello(&place) });
    assert_eq!(solo.trace(), ["ENTER 2", "JOIN 2 a"]);
    solo.whisper(2, "one");
    assert_eq!(solo.trace(), ["WHISPER 2 one"]);
}

#[test]
fn only_the_newest_link_counts() {
    let mut solo = Solo::new();
    solo.beacon_at(2, endpoint(9));
    let old = solo.link(2);
    solo.hello(2);
    solo.trace();
    solo.link_up(2, old);
    solo.link_up(2, ConnId::Dialled(77));
    assert!(solo.trace().is_empty(), "that link was closed, and nobody is at endpoint 9");
    solo.up(2);
    assert_eq!(solo.trace(), ["send 2 hello 1", "ENTER 2"]);
}

#[test]
fn nothing_is_said_while_the_link_is_not_up() {
    let mut solo = Solo::held();
    solo.say(2, Command::Ping);
    assert_eq!(solo.act(Action::Join("a")), Ok(()));
    assert!(solo.trace().is_empty());
    solo.up(2);
    let said = ["send 2 hello 1", "send 2 ping-ok 2", "ENTER 2"];
    assert_eq!(solo.trace(), said, "what it has asked is answered");
    solo.say(2, Command::Ping);
    assert_eq!(solo.trace(), ["send 2 ping-ok 3"]);
}

#[test]
fn a_peer_that_is_not_reached_is_in_no_answer() {
    let mut solo = Solo::new();
    solo.meet(3);
    solo.say(3, Command::Join { group: b"both", status: 1 });
    solo.beacon(2);
    let place = endpoint(2).to_string();
    solo.hello_with(2, &Hello { groups: vec![b"both", b"own"], ..hello(&place) });
    solo.trace();
    let groups = |solo: &Solo| -> Vec<String> {
        solo.engine.peer_groups().map(ToString::to_string).collect()
    };
    let members = |solo: &Solo, group| solo.engine.peers_in(group).collect::<Vec<_>>();
    let whisper = || Action::Whisper { peer: id(2), content: "x".into() };
    assert_eq!(solo.engine.peers().collect::<Vec<_>>(), [id(3)]);
    assert_eq!(solo.engine.peer(id(2)), None);
    assert_eq!(groups(&solo), ["both"]);
    assert_eq!((members(&solo, "both"), members(&solo, "own")), (vec![id(3)], vec![]));
    assert_eq!(solo.act(whisper()), Err(ActionError::UnknownPeer(id(2))));
    assert!(solo.trace().is_empty());
    for (group, sent) in [("both", vec!["send 3 shout 2"]), ("own", vec![])] {
        assert_eq!(solo.act(Action::Shout { group, content: "x".into() }), Ok(()));
        assert_eq!(solo.trace(), sent, "to {group}");
    }
    solo.up(2);
    assert_eq!(solo.trace(), ["send 2 hello 1", "ENTER 2", "JOIN 2 both", "JOIN 2 own"]);
    assert_eq!(solo.engine.peers().collect::<Vec<_>>(), [id(2), id(3)]);
    let info = solo.engine.peer(id(2)).unwrap();
    assert_eq!(info.groups.iter().map(|group| &**group).collect::<Vec<_>>(), ["both", "own"]);
    assert_eq!(groups(&solo), ["both", "own"]);
    assert_eq!((members(&solo, "both"), members(&solo, "own")), (vec![id(2), id(3)], vec![id(2)]));
    assert_eq!(solo.act(whisper()), Ok(()));
    assert_eq!(solo.trace(), ["send 2 whisper 2"]);
}

/// What may end a peer, and in a few words what it is.
type Ending = (&'static str, fn(&mut Solo));

const ENDINGS: [Ending; 15] = [
    ("link lost", |solo| solo.lost(2)),
    ("link lost behind its mailbox", |solo| {
        solo.mailbox_lost(2);
        solo.lost(2);
    }),
    ("full queue", |solo| solo.overflow(2)),
    ("sequence gap", |solo| {
        solo.set_sequence(2, 7);
        solo.whisper(2, "gap");
    }),
    ("status mismatch", |solo| solo.say(2, Command::Join { group: b"x", status: 9 })),
    ("cut short", |solo| {
        let conn = solo.conn(2);
        solo.raw(2, conn, &[0xAA, 0xA1, 4, 2, 0], Content::none());
    }),
    ("HELLO inside the sequence", greet_inside),
    ("goodbye", |solo| solo.say(2, Command::Goodbye)),
    ("goodbye by beacon", |solo| solo.goodbye(2)),
    ("replaced by beacon", |solo| solo.beacon_at(3, endpoint(2))),
    ("replaced by HELLO", |solo| solo.hello_with(3, &hello(&endpoint(2).to_string()))),
    ("expired", |solo| solo.wait(30_000)),
    ("goodbye and then link lost", |solo| {
        solo.goodbye(2);
        solo.beacon(2);
        solo.lost(2);
    }),
    ("HELLO again and link lost", |solo| {
        greet(solo);
        lose_twice(solo);
    }),
    ("HELLO twice again, no proof, and link lost", |solo| {
        greet(solo);
        greet(solo);
        solo.wait(1_000);
        lose_twice(solo);
    }),
];

/// Whether something is told of a peer that the application has to know for it.
fn is_heard(line: &str) -> bool {
    let others = ["EVASIVE", "SILENT", "UNREACHABLE"];
    line.starts_with(|c: char| c.is_uppercase()) && !others.iter().any(|it| line.starts_with(it))
}

/// A dial from before a HELLO is made again when it fails.
fn lose_twice(solo: &mut Solo) {
    solo.lost(2);
    solo.lost(2);
}

fn greet_inside(solo: &mut Solo) {
    solo.say(2, Command::Hello(hello(&endpoint(2).to_string())));
}

#[test]
fn what_ends_a_peer_before_its_link_is_up_ends_it_in_silence() {
    // They end the attempts to reach it as well.
    let gone = ["goodbye", "goodbye by beacon"];
    for (ending, end) in ENDINGS {
        if ["replaced by beacon", "full queue"].contains(&ending) {
            // It will be seen who is there; and nothing can be queued.
            continue;
        }
        let mut solo = Solo::held();
        solo.say(2, Command::Join { group: b"a", status: 1 });
        solo.whisper(2, "never heard");
        assert!(solo.trace().is_empty(), "{ending}");
        end(&mut solo);
        let trace = solo.trace();
        let silent = !trace.iter().any(|line| is_heard(line));
        assert!(silent, "no EXIT without ENTER, {ending}: {trace:?}");
        if gone.contains(&ending) || ending.contains("link lost") {
            assert!(solo.is_open(solo.link(2)).is_none(), "{ending}: {trace:?}");
            solo.wait(2_000);
            solo.beacon(2);
        }
        // It starts anew, and nothing of what it said before is left.
        if !ending.starts_with("replaced") {
            solo.trace();
            solo.up(2);
            assert_eq!(solo.trace(), ["send 2 hello 1"], "{ending}");
            solo.hello(2);
            assert_eq!(solo.trace(), ["ENTER 2"], "{ending}");
            solo.whisper(2, "here");
            assert_eq!(solo.trace(), ["WHISPER 2 here"], "{ending}");
        }
    }
}

#[test]
fn the_same_endings_are_one_exit_when_the_link_was_up() {
    for (ending, end) in ENDINGS {
        let mut solo = Solo::held();
        solo.up(2);
        assert_eq!(solo.events(), ["ENTER 2"]);
        end(&mut solo);
        solo.wait(10_000);
        solo.lost(2);
        let mut events = solo.events();
        // What the peer was while it was there is another matter.
        events.retain(|line| is_heard(line));
        let exit = events.first().is_some_and(|line| line.starts_with("EXIT 2 "));
        assert!(exit && events.len() == 1, "{ending}: {events:?}");
    }
}

#[test]
fn a_peer_that_is_lost_before_its_link_is_up_loses_both_connections_and_the_wait_for_its_mailbox() {
    let mut solo = Solo::held();
    solo.whisper(2, "never heard");
    solo.lost(2);
    assert_eq!(solo.trace(), ["close mailbox 1"], "nobody waits for what is not told");
    solo.whisper(2, "too late");
    solo.wait(60_000);
    assert!(solo.trace().is_empty());
    assert_eq!(solo.engine.next_deadline(), None);
}

/// Node 2 says HELLO with these groups, and that it does.
fn hello_in(solo: &mut Solo, groups: [&[u8]; 2], whisper: &str) {
    let place = endpoint(2).to_string();
    solo.hello_with(2, &Hello { groups: groups.to_vec(), ..hello(&place) });
    solo.whisper(2, whisper);
}

#[test]
fn a_further_hello_before_the_link_is_up_takes_the_place_of_the_one_before() {
    for seconds in [0, 1, 11] {
        for third in [false, true] {
            let mut solo = Solo::new();
            hello_in(&mut solo, [b"a", b"b"], "first");
            assert_eq!(solo.trace(), ["connect 2"]);
            solo.wait_with_beacons(seconds, &[2]);
            hello_in(&mut solo, [b"b", b"c"], "second");
            assert!(solo.trace().is_empty(), "no EXIT, and the same dial, after {seconds} s");
            if third {
                solo.wait_with_beacons(seconds, &[2]);
                hello_in(&mut solo, [b"c", b"d"], "third");
                assert!(solo.trace().is_empty(), "no HELLO of ours could be answered");
            }
            solo.up(2);
            let [one, two, text] = if third { ["c", "d", "third"] } else { ["b", "c", "second"] };
            let joins = [one, two].map(|group| format!("JOIN 2 {group}"));
            let trace = solo.trace();
            assert_eq!(trace[..2], ["send 2 hello 1", "ENTER 2"], "after {seconds} s");
            assert_eq!(trace[2..4], joins, "after {seconds} s");
            assert_eq!(trace[4..], [format!("WHISPER 2 {text}")], "after {seconds} s");
            assert_eq!(solo.engine.peer_groups().count(), 2, "it is no longer in the others");
        }
    }
}

#[test]
fn a_pingok_before_the_link_is_up_is_of_no_account() {
    let mut solo = Solo::held();
    solo.whisper(2, "one");
    solo.wait(500);
    solo.ping_ok(2);
    solo.whisper(2, "two");
    solo.wait_with_beacons(20, &[2]);
    assert!(solo.trace().is_empty(), "nobody has asked, and it cannot be reached");
    solo.up(2);
    assert_eq!(solo.trace(), ["send 2 hello 1", "ENTER 2", "WHISPER 2 one", "WHISPER 2 two"]);
    solo.ping_ok(2);
    solo.wait_with_beacons(20, &[2]);
    assert!(solo.trace().is_empty());
}

#[test]
fn a_pingok_and_then_a_refused_link_are_the_end_in_silence() {
    let mut solo = Solo::held();
    solo.whisper(2, "never heard");
    solo.ping_ok(2);
    solo.lost(2);
    assert_eq!(solo.trace(), ["close mailbox 1"]);
    solo.wait(60_000);
    assert!(solo.trace().is_empty());
    assert_eq!(solo.engine.next_deadline(), None);
}

#[test]
fn a_hello_before_our_answer_to_another_is_answered_by_it_and_one_after_it_is_put_to_the_test() {
    let mut solo = Solo::met();
    solo.hello(2);
    solo.hello(2);
    assert_eq!(solo.trace(), ["EXIT 2 restarted", "close 2", "connect 2"], "one of them both");
    solo.up(2);
    assert_eq!(solo.trace(), ["send 2 hello 1", "ENTER 2"], "it has lost us, and now knows us");
    solo.hello(2);
    assert_eq!(solo.trace(), ["EXIT 2 restarted", "close 2", "connect 2"], "and has lost us again");
    solo.up(2);
    assert_eq!(solo.trace(), ["send 2 hello 1", "ENTER 2"]);
    solo.hello(2);
    assert_eq!(solo.trace(), ["EXIT 2 restarted", "send 2 ping 2"], "it may answer ours");
    solo.whisper(2, "one");
    let old = solo.link(2);
    solo.wait(1_000);
    assert_eq!(solo.trace(), ["close 2", "connect 2"]);
    solo.link_up(2, old);
    solo.whisper(2, "two");
    assert!(solo.trace().is_empty(), "that link was closed");
    solo.up(2);
    let entered = ["send 2 hello 1", "ENTER 2", "WHISPER 2 one", "WHISPER 2 two"];
    assert_eq!(solo.trace(), entered);
}

#[test]
fn a_peer_that_is_put_to_the_test_is_in_no_answer_and_is_sent_no_content() {
    let mut solo = Solo::unanswered();
    solo.meet(3);
    solo.say(3, Command::Join { group: b"a", status: 1 });
    let place = endpoint(2).to_string();
    solo.hello_with(2, &Hello { groups: vec![b"a"], ..hello(&place) });
    assert_eq!(solo.trace().last().unwrap(), "send 2 ping 2");
    let whisper = || Action::Whisper { peer: id(2), content: "x".into() };
    let shout = || Action::Shout { group: "a", content: "x".into() };
    assert_eq!(solo.act(whisper()), Err(ActionError::UnknownPeer(id(2))));
    assert_eq!(solo.act(shout()), Ok(()));
    assert_eq!(solo.trace(), ["send 3 shout 2"], "it would be lost");
    assert_eq!(solo.engine.peers().collect::<Vec<_>>(), [id(3)]);
    assert_eq!(solo.engine.peer(id(2)), None);
    assert_eq!(solo.engine.peers_in("a").collect::<Vec<_>>(), [id(3)]);
    assert_eq!(solo.act(Action::Join("own")), Ok(()));
    solo.say(2, Command::Ping);
    let sent = ["send 2 join 3", "send 3 join 3", "send 2 ping-ok 4"];
    assert_eq!(solo.trace(), sent, "but all that keeps it up to date");
    solo.ping_ok(2);
    assert_eq!(solo.trace(), ["ENTER 2", "JOIN 2 a"]);
    assert_eq!(solo.act(whisper()), Ok(()));
    assert_eq!(solo.act(shout()), Ok(()));
    assert_eq!(solo.trace(), ["send 2 whisper 5", "send 2 shout 6", "send 3 shout 4"]);
}

#[test]
fn what_ends_a_peer_that_is_put_to_the_test_ends_it_in_silence() {
    let asked = ["goodbye by beacon", "replaced by beacon", "goodbye and then link lost"];
    let again = ["link lost", "link lost behind its mailbox", "goodbye and then link lost"];
    for (ending, end) in ENDINGS {
        if ending == "replaced by HELLO" {
            // That is put to the test as well.
            continue;
        }
        let mut solo = Solo::testing();
        solo.say(2, Command::Join { group: b"a", status: 1 });
        solo.whisper(2, "held");
        end(&mut solo);
        let mut trace = solo.trace();
        if asked.contains(&ending) {
            // It is being asked already, and that question has its own answer.
            solo.wait(1_000);
            trace.extend(solo.trace());
        }
        let silent = !trace.iter().any(|line| is_heard(line));
        assert!(silent, "{ending}: {trace:?}");
        if asked.contains(&ending) || again.contains(&ending) {
            assert_eq!(trace.last().unwrap(), "connect 2", "{ending}: {trace:?}");
            solo.up(2);
            if ending == "link lost behind its mailbox" {
                assert_eq!(solo.trace(), ["send 2 hello 1"], "it has to come back to ours as well");
                continue;
            }
            let entered = ["send 2 hello 1", "ENTER 2", "JOIN 2 a", "WHISPER 2 held"];
            assert_eq!(solo.trace(), entered, "{ending}");
        } else {
            let there = solo.is_open(solo.link(2)).is_some();
            assert!(there || trace.contains(&"close 2".to_owned()) || ending.contains("lost"));
            if there {
                solo.up(2);
                solo.hello(2);
                assert_eq!(solo.events(), ["ENTER 2"], "{ending}");
            } else {
                solo.wait(2_000);
                solo.trace();
                solo.meet(2);
            }
        }
        solo.whisper(2, "here");
        assert_eq!(solo.trace(), ["WHISPER 2 here"], "{ending}");
    }
}

#[test]
fn a_peer_that_is_quiet_before_its_link_is_up_is_not_asked_and_has_its_time_when_it_is() {
    for wait in [4_500, 5_500, 7_000, 29_000] {
        let mut solo = Solo::held();
        solo.whisper(2, "one");
        solo.wait(wait);
        assert!(solo.trace().is_empty(), "nothing can be sent to it");
        solo.up(2);
        let entered = ["send 2 hello 1", "ENTER 2", "WHISPER 2 one"];
        assert_eq!(solo.trace(), entered, "its host has answered: nobody needs old worries");
        assert_eq!(solo.engine.peer(id(2)).unwrap().liveness, Liveness::Present);
        solo.wait(2_499);
        assert!(solo.trace().is_empty());
        solo.wait(4_501);
        assert_eq!(solo.trace(), ["send 2 ping 2", "EVASIVE 2", "SILENT 2"]);
    }
    let mut solo = Solo::held();
    solo.wait(30_000);
    assert_eq!(solo.trace(), ["close mailbox 1"], "it was never there");
}

#[test]
fn a_peer_that_is_quiet_while_it_is_put_to_the_test_is_asked_and_the_application_is_not_told() {
    let config = Config::new(id(1), endpoint(1));
    let times = Times { probe_timeout: Duration::from_secs(10), ..config.times };
    let mut solo = Solo::with(Config { times, ..config });
    solo.meet(2);
    solo.hello(2);
    solo.up(2);
    solo.hello(2);
    solo.trace();
    solo.whisper(2, "one");
    solo.wait(7_000);
    assert_eq!(solo.trace(), ["send 2 ping 3"]);
    solo.ping_ok(2);
    assert_eq!(solo.trace(), ["ENTER 2", "WHISPER 2 one"]);
    assert_eq!(solo.engine.peer(id(2)).unwrap().liveness, Liveness::Present);
}

fn limited(max_held_events: usize, max_held_bytes: usize) -> Solo {
    let config = Config { max_held_events, max_held_bytes, ..Config::new(id(1), endpoint(1)) };
    let mut solo = Solo::with(config);
    solo.hello(2);
    solo.trace();
    solo
}

#[test]
fn as_many_events_are_held_as_allowed_and_one_more_ends_the_peer_in_silence() {
    let mut solo = limited(3, 1_000);
    solo.whisper(2, "one");
    solo.say(2, Command::Join { group: b"two", status: 1 });
    solo.whisper(2, "three");
    solo.ping_ok(2);
    solo.send(2, Command::Shout { group: b"not ours" }, "x".into());
    assert!(solo.trace().is_empty(), "ENTER does not count, and what is not told is no event");
    solo.up(2);
    assert_eq!(
        solo.trace(),
        ["send 2 hello 1", "ENTER 2", "WHISPER 2 one", "JOIN 2 two", "WHISPER 2 three"]
    );
    assert_eq!(solo.engine.stats().overflows, 0);
    for _ in 0..10 {
        solo.whisper(2, "x");
    }
    assert_eq!(solo.trace().len(), 10, "the limit is for what waits");

    let mut solo = limited(3, 1_000);
    solo.whisper(2, "one");
    solo.say(2, Command::Join { group: b"two", status: 1 });
    solo.say(2, Command::Leave { group: b"two", status: 2 });
    assert!(solo.trace().is_empty());
    solo.whisper(2, "four");
    assert_eq!(solo.trace(), ["close mailbox 1"], "the dial goes on");
    assert_eq!(solo.engine.stats().overflows, 1);
    solo.up(2);
    solo.hello(2);
    assert_eq!(solo.events(), ["ENTER 2"]);
}

#[test]
fn the_groups_of_a_hello_have_no_part_in_the_limit_of_what_is_held() {
    let config = Config { max_held_events: 1, ..Config::new(id(1), endpoint(1)) };
    let mut solo = Solo::with(config);
    let place = endpoint(2).to_string();
    solo.hello_with(2, &Hello { groups: vec![b"a", b"b", b"c"], ..hello(&place) });
    solo.whisper(2, "one");
    assert_eq!(solo.trace(), ["connect 2"]);
    solo.up(2);
    assert_eq!(
        solo.trace(),
        ["send 2 hello 1", "ENTER 2", "JOIN 2 a", "JOIN 2 b", "JOIN 2 c", "WHISPER 2 one"]
    );
}

#[test]
fn the_limits_hold_while_a_peer_is_put_to_the_test() {
    let mut solo = limited(3, 1_000);
    solo.up(2);
    solo.hello(2);
    solo.up(2);
    solo.hello(2);
    assert_eq!(solo.events(), ["ENTER 2", "EXIT 2 restarted", "ENTER 2", "EXIT 2 restarted"]);
    for text in ["one", "two", "three"] {
        solo.whisper(2, text);
    }
    assert!(solo.trace().is_empty());
    solo.whisper(2, "four");
    assert_eq!(solo.trace(), ["close 2", "close mailbox 3"]);
    assert_eq!(solo.engine.stats().overflows, 1);
}

#[test]
fn as_many_bytes_are_held_as_allowed_and_one_more_ends_the_peer_in_silence() {
    for (last, held) in [("67890", true), ("678901", false)] {
        let mut solo = limited(1_000, 10 + 3 * size_of::<Bytes>());
        assert_eq!(solo.act(Action::Join("a")), Ok(()));
        solo.trace();
        solo.send(2, Command::Shout { group: b"a" }, ["12", "345"].into());
        assert!(solo.trace().is_empty());
        solo.whisper(2, last);
        if held {
            assert!(solo.trace().is_empty());
            solo.up(2);
            assert_eq!(solo.events().len(), 3);
            let long = "x".repeat(1_000);
            solo.whisper(2, &long);
            assert_eq!(solo.trace(), [format!("WHISPER 2 {long}")], "the limit is for what waits");
        } else {
            assert_eq!(solo.trace(), ["close mailbox 1"]);
        }
        assert_eq!(solo.engine.stats().overflows, u64::from(!held));
    }
}

#[test]
fn frames_without_a_byte_take_room_as_well() {
    for (frames, held) in [(100, true), (101, false)] {
        let mut solo = limited(1_000, 100 * size_of::<Bytes>());
        solo.send(2, Command::Whisper, vec![""; frames].into());
        let closed: &[&str] = if held { &[] } else { &["close mailbox 1"] };
        assert_eq!(solo.trace(), closed, "{frames} frames");
    }
}

#[test]
fn a_limit_that_is_met_by_one_peer_does_no_harm_to_another() {
    let mut solo = limited(3, 1_000);
    solo.hello(3);
    for n in [2, 3] {
        solo.whisper(n, "one");
        solo.whisper(n, "two");
        solo.whisper(n, "three");
    }
    solo.whisper(2, "four");
    assert_eq!(solo.engine.stats().overflows, 1);
    solo.up(3);
    assert_eq!(solo.events(), ["ENTER 3", "WHISPER 3 one", "WHISPER 3 two", "WHISPER 3 three"]);
}

#[test]
fn a_peer_that_says_hello_every_second_and_is_not_reached_is_named_once() {
    // How long it takes until a link is refused, or given up.
    for refused in [0, 300, 999, 1_700, 5_000, 20_000] {
        let mut solo = Solo::new();
        let mut opened = BTreeMap::new();
        for step in 0..600 {
            if step % 10 == 0 {
                solo.hello(2);
                solo.whisper(2, "is anybody there?");
            }
            let (link, now) = (solo.link(2), solo.millis());
            if now - *opened.entry(link).or_insert(now) >= refused && solo.is_open(link).is_some() {
                solo.link_lost(2, link);
            }
            solo.wait(100);
        }
        let (stats, events) = (solo.engine.stats(), solo.events());
        assert_eq!(events, ["UNREACHABLE 2 refused"], "refused after {refused} ms");
        assert_eq!((stats.hellos_received, stats.hellos_sent), (60, 0));
        assert!(stats.dials <= 60, "refused after {refused} ms: {stats:?}");
        // The wall falls.
        solo.hello(2);
        solo.up(2);
        assert_eq!(solo.events(), ["ENTER 2"], "refused after {refused} ms");
    }
}

#[test]
fn nodes_with_a_wall_between_them_that_one_way_passes_hear_why_and_nothing_else_until_it_falls() {
    for (wall, why) in [(Wall::Refuses, "refused"), (Wall::Drops, "no answer")] {
        for c_like in [false, true] {
            for seed in 0..50 {
                let mut net = Net::new(seed);
                net.wall = Some(wall);
                net.start(1);
                if c_like {
                    CLike::start(&mut net, 2);
                } else {
                    net.start(2);
                }
                net.run(60_000);
                let case = format!("{wall:?}, C: {c_like}, seed {seed}");
                assert_eq!(net.log(1), [format!("UNREACHABLE 2 {why}")], "{case}");
                let unmet: &[&str] = &["UNREACHABLE 1 it does not greet back"];
                assert_eq!(net.log(2), if c_like { &[] } else { unmet }, "{case}");
                // In every second node 2 greets at the beacon of node 1, and node 1 dials at the
                // beacon and at the HELLO of node 2. An engine does it less and less often.
                let limits = if c_like { (60, 180) } else { (30, 60) };
                assert!(net.hellos <= limits.0, "{case}: {} HELLOs", net.hellos);
                assert!(net.connects <= limits.1, "{case}: {} links", net.connects);
                net.wall = None;
                net.run(60_000);
                assert_eq!(
                    (net.log(1).pop(), net.log(2).pop()),
                    (Some("ENTER 2".to_owned()), Some("ENTER 1".to_owned())),
                    "{case}"
                );
                assert!(net.talk(1, 2), "{case}");
            }
        }
    }
}

#[test]
fn a_wall_that_comes_between_nodes_that_have_met_is_one_exit() {
    for (wall, why) in [(Wall::Refuses, "refused"), (Wall::Drops, "no answer")] {
        for seed in 0..50 {
            let mut net = Net::of(2, false, seed);
            net.run(3_000);
            assert_eq!((net.log(1), net.log(2)), (vec!["ENTER 2".into()], vec!["ENTER 1".into()]));
            net.wall = Some(wall);
            net.cut(1, 2);
            net.run(60_000);
            let heard = ["EXIT 2 link lost".to_owned(), format!("UNREACHABLE 2 {why}")];
            assert_eq!(net.log(1), heard, "{wall:?}, seed {seed}");
            let two = net.log(2);
            let [exit, unmet] = &*two else { panic!("{wall:?}, seed {seed}: {two:?}") };
            assert!(exit.starts_with("EXIT 1 "), "{wall:?}, seed {seed}: {two:?}");
            assert_eq!(unmet, "UNREACHABLE 1 it does not greet back", "{wall:?}, seed {seed}");
        }
    }
}

#[test]
fn a_crowd_of_held_messages_comes_once_and_in_order_and_then_the_next_one() {
    const MANY: usize = 5_000;
    let config = Config { max_held_events: MANY, ..Config::new(id(1), endpoint(1)) };
    let mut solo = Solo::with(config);
    solo.beacon(2);
    solo.hello(2);
    solo.trace();
    for n in 0..MANY {
        solo.whisper(2, &n.to_string());
    }
    assert!(solo.trace().is_empty(), "its link is not up");
    solo.up(2);
    let all: Vec<_> = (0..MANY).map(|n| format!("WHISPER 2 {n}")).collect();
    assert_eq!(solo.events(), [&["ENTER 2".to_owned()], &all[..]].concat());
    solo.whisper(2, "next");
    assert_eq!(solo.trace(), ["WHISPER 2 next"]);
}
