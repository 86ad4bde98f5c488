//! Peers that are heard and not reached: until our link is up, the application knows nothing.

use std::time::Duration;

use bytes::Bytes;
use zre_proto::message::{Command, Hello};
use zre_proto::{Action, Config, Content, LinkId, Liveness, Refused, Times};

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
    assert_eq!(solo.trace(), ["connect 2", "send 2 hello 1"]);
    solo.whisper(2, "one");
    solo.say(2, Command::Leave { group: b"b", status: 3 });
    solo.send(2, Command::Shout { group: b"a" }, "two".into());
    solo.say(2, Command::Join { group: b"c", status: 4 });
    solo.whisper(2, "three");
    assert!(solo.trace().is_empty());
    solo.up(2);
    let told = [
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
    solo.up(2);
    assert!(solo.trace().is_empty(), "nothing is told twice");
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
    solo.link_up(2, LinkId(77));
    assert!(solo.trace().is_empty(), "that link was closed, and nobody is at endpoint 9");
    solo.up(2);
    assert_eq!(solo.trace(), ["ENTER 2"]);
}

#[test]
fn a_ping_is_answered_while_the_link_is_not_up() {
    let mut solo = Solo::held();
    solo.say(2, Command::Ping);
    assert_eq!(solo.trace(), ["send 2 ping-ok 2"], "it waits for the link, behind our HELLO");
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
    assert_eq!(solo.act(whisper()), Err(Refused::UnknownPeer(id(2))));
    assert!(solo.trace().is_empty());
    for (group, sent) in [("both", vec!["send 3 shout 2"]), ("own", vec![])] {
        assert_eq!(solo.act(Action::Shout { group, content: "x".into() }), Ok(()));
        assert_eq!(solo.trace(), sent, "to {group}");
    }
    solo.up(2);
    assert_eq!(solo.trace(), ["ENTER 2", "JOIN 2 both", "JOIN 2 own"]);
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
        solo.lost(2);
    }),
    ("HELLO twice again, no proof, and link lost", |solo| {
        greet(solo);
        greet(solo);
        solo.wait(1_000);
        solo.lost(2);
    }),
];

fn greet_inside(solo: &mut Solo) {
    solo.say(2, Command::Hello(hello(&endpoint(2).to_string())));
}

#[test]
fn what_ends_a_peer_before_its_link_is_up_ends_it_in_silence() {
    for (ending, end) in ENDINGS {
        let mut solo = Solo::held();
        solo.say(2, Command::Join { group: b"a", status: 1 });
        solo.whisper(2, "never heard");
        assert!(solo.trace().is_empty(), "{ending}");
        let old = solo.link(2);
        end(&mut solo);
        let trace = solo.trace();
        assert!(trace.contains(&"close 2".to_owned()), "{ending}: {trace:?}");
        let silent = trace.iter().all(|line| line.starts_with(|c: char| c.is_lowercase()));
        assert!(silent, "no EXIT without ENTER, {ending}: {trace:?}");
        solo.link_up(2, old);
        assert!(solo.trace().is_empty(), "{ending}: the link was closed");
        // It starts anew, and nothing of what it said before is left.
        solo.meet(2);
        solo.whisper(2, "here");
        assert_eq!(solo.trace(), ["WHISPER 2 here"], "{ending}");
    }
}

#[test]
fn the_same_endings_are_one_exit_when_the_link_was_up() {
    for (ending, end) in ENDINGS {
        let mut solo = Solo::held();
        solo.up(2);
        assert_eq!(solo.events(), ["ENTER 2"]);
        end(&mut solo);
        solo.wait(3_000);
        solo.lost(2);
        let mut events = solo.events();
        // What the peer was while it was there is another matter.
        events.retain(|line| !line.starts_with("EVASIVE") && !line.starts_with("SILENT"));
        let exit = events.first().is_some_and(|line| line.starts_with("EXIT 2 "));
        assert!(exit && events.len() == 1, "{ending}: {events:?}");
    }
}

#[test]
fn a_peer_that_is_lost_before_its_link_is_up_loses_both_connections_and_the_wait_for_its_mailbox() {
    let mut solo = Solo::held();
    solo.whisper(2, "never heard");
    solo.lost(2);
    assert_eq!(solo.trace(), ["close 2", "close mailbox 1"], "nobody waits for what is not told");
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
            assert_eq!(solo.trace(), ["connect 2", "send 2 hello 1"]);
            solo.wait_with_beacons(seconds, &[2]);
            hello_in(&mut solo, [b"b", b"c"], "second");
            let relinked = ["close 2", "connect 2", "send 2 hello 1"];
            assert_eq!(solo.trace(), relinked, "no EXIT, after {seconds} s");
            if third {
                solo.wait_with_beacons(seconds, &[2]);
                hello_in(&mut solo, [b"c", b"d"], "third");
                let tested = ["send 2 ping 2"];
                assert_eq!(solo.trace(), tested, "it may answer ours, after {seconds} s");
                solo.up(2);
                assert!(solo.trace().is_empty(), "a link that is up is no proof");
                solo.ping_ok(2);
                assert_eq!(solo.trace(), ["ENTER 2", "JOIN 2 c", "JOIN 2 d", "WHISPER 2 third"]);
            } else {
                solo.up(2);
                assert_eq!(solo.trace(), ["ENTER 2", "JOIN 2 b", "JOIN 2 c", "WHISPER 2 second"]);
            }
            assert_eq!(solo.engine.peer_groups().count(), 2, "it is no longer in the others");
        }
    }
}

/// An engine that puts node 2 to the test before the link is up.
fn tested_unreached() -> Solo {
    let mut solo = Solo::held();
    solo.hello(2);
    solo.hello(2);
    assert_eq!(solo.trace().last().unwrap(), "send 2 ping 2");
    solo
}

#[test]
fn a_pingok_before_the_link_is_up_settles_the_doubt_and_the_link_the_rest() {
    let mut solo = tested_unreached();
    solo.whisper(2, "one");
    solo.wait(500);
    solo.ping_ok(2);
    solo.whisper(2, "two");
    solo.wait_with_beacons(20, &[2]);
    assert!(solo.trace().is_empty(), "it knows us, and cannot be reached");
    solo.up(2);
    assert_eq!(solo.trace(), ["ENTER 2", "WHISPER 2 one", "WHISPER 2 two"]);
    solo.ping_ok(2);
    solo.wait_with_beacons(20, &[2]);
    assert!(solo.trace().is_empty());
}

#[test]
fn a_pingok_and_then_a_lost_link_are_the_end_in_silence() {
    let mut solo = tested_unreached();
    solo.whisper(2, "never heard");
    solo.ping_ok(2);
    solo.lost(2);
    assert_eq!(solo.trace(), ["close 2", "close mailbox 3"]);
    solo.wait(60_000);
    assert!(solo.trace().is_empty());
    assert_eq!(solo.engine.next_deadline(), None);
}

#[test]
fn a_link_that_is_up_without_a_proof_is_replaced_by_another() {
    for up_after in [Some(0), Some(999), None] {
        let mut solo = tested_unreached();
        solo.whisper(2, "one");
        let old = solo.link(2);
        solo.wait(up_after.unwrap_or(500));
        up_after.into_iter().for_each(|_| solo.up(2));
        solo.wait(999 - up_after.unwrap_or(500));
        assert!(solo.trace().is_empty(), "up after {up_after:?} ms");
        solo.wait(1);
        assert_eq!(solo.trace(), ["close 2", "connect 2", "send 2 hello 1"], "{up_after:?} ms");
        solo.link_up(2, old);
        solo.whisper(2, "two");
        assert!(solo.trace().is_empty(), "that link was closed");
        solo.up(2);
        assert_eq!(solo.trace(), ["ENTER 2", "WHISPER 2 one", "WHISPER 2 two"]);
    }
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
    assert_eq!(solo.act(whisper()), Err(Refused::UnknownPeer(id(2))));
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
        assert!(trace.contains(&"close 2".to_owned()), "{ending}: {trace:?}");
        let silent = trace.iter().all(|line| line.starts_with(|c: char| c.is_lowercase()));
        assert!(silent, "{ending}: {trace:?}");
        if asked.contains(&ending) || again.contains(&ending) {
            assert_eq!(trace.last().unwrap(), "send 2 hello 1", "{ending}: {trace:?}");
            solo.up(2);
            assert_eq!(solo.trace(), ["ENTER 2", "JOIN 2 a", "WHISPER 2 held"], "{ending}");
        } else {
            solo.meet(2);
        }
        solo.whisper(2, "here");
        assert_eq!(solo.trace(), ["WHISPER 2 here"], "{ending}");
    }
}

#[test]
fn a_peer_that_is_quiet_before_its_link_is_up_is_asked_and_the_application_is_not_told() {
    for (wait, liveness) in [(5_500, Liveness::Evasive), (7_000, Liveness::Silent)] {
        let mut solo = Solo::held();
        solo.whisper(2, "one");
        solo.wait(wait);
        assert_eq!(solo.trace(), ["send 2 ping 2"]);
        solo.up(2);
        assert_eq!(solo.trace(), ["ENTER 2", "WHISPER 2 one"], "nobody needs old worries");
        assert_eq!(solo.engine.peer(id(2)).unwrap().liveness, liveness);
        solo.ping_ok(2);
        assert_eq!(solo.engine.peer(id(2)).unwrap().liveness, Liveness::Active);
        solo.wait(6_000);
        assert_eq!(solo.trace(), ["send 2 ping 3", "EVASIVE 2", "SILENT 2"]);
    }
    let mut solo = Solo::held();
    solo.wait(30_000);
    assert!(solo.events().is_empty(), "it was never there");
}

#[test]
fn a_peer_that_is_quiet_while_it_is_put_to_the_test_is_asked_and_the_application_is_not_told() {
    let config = Config::new(id(1), endpoint(1));
    let times = Times { proof: Duration::from_secs(10), ..config.times };
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
    assert_eq!(solo.engine.peer(id(2)).unwrap().liveness, Liveness::Active);
}

fn limited(max_held_events: usize, max_held_octets: usize) -> Solo {
    let config = Config { max_held_events, max_held_octets, ..Config::new(id(1), endpoint(1)) };
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
    assert_eq!(solo.trace(), ["ENTER 2", "WHISPER 2 one", "JOIN 2 two", "WHISPER 2 three"]);
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
    assert_eq!(solo.trace(), ["close 2", "close mailbox 1"]);
    assert_eq!(solo.engine.stats().overflows, 1);
    assert_eq!(solo.engine.next_deadline(), None);
    solo.meet(2);
}

#[test]
fn the_groups_of_a_hello_have_no_part_in_the_limit_of_what_is_held() {
    let config = Config { max_held_events: 1, ..Config::new(id(1), endpoint(1)) };
    let mut solo = Solo::with(config);
    let place = endpoint(2).to_string();
    solo.hello_with(2, &Hello { groups: vec![b"a", b"b", b"c"], ..hello(&place) });
    solo.whisper(2, "one");
    assert_eq!(solo.trace(), ["connect 2", "send 2 hello 1"]);
    solo.up(2);
    assert_eq!(solo.trace(), ["ENTER 2", "JOIN 2 a", "JOIN 2 b", "JOIN 2 c", "WHISPER 2 one"]);
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
fn as_many_octets_are_held_as_allowed_and_one_more_ends_the_peer_in_silence() {
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
            assert_eq!(solo.trace(), ["close 2", "close mailbox 1"]);
        }
        assert_eq!(solo.engine.stats().overflows, u64::from(!held));
    }
}

#[test]
fn frames_without_an_octet_take_room_as_well() {
    for (frames, held) in [(100, true), (101, false)] {
        let mut solo = limited(1_000, 100 * size_of::<Bytes>());
        solo.send(2, Command::Whisper, vec![""; frames].into());
        let closed: &[&str] = if held { &[] } else { &["close 2", "close mailbox 1"] };
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
fn a_peer_that_says_hello_every_second_and_is_not_reached_is_not_heard_of() {
    // How long it takes until a link is refused, or given up.
    for refused in [0, 300, 999, 1_700, 5_000, 20_000] {
        let mut solo = Solo::new();
        let mut newest = None;
        for step in 0..600 {
            if step % 10 == 0 {
                solo.hello(2);
                solo.whisper(2, "is anybody there?");
            }
            let link = solo.link(2);
            let now = solo.millis();
            let opened = newest.filter(|(of, _)| *of == link).map_or(now, |(_, opened)| opened);
            newest = Some((link, opened));
            if now - opened >= refused {
                solo.link_lost(2, link);
            }
            solo.wait(100);
        }
        let (stats, trace) = (solo.engine.stats(), solo.trace());
        let told = trace.iter().find(|line| !line.starts_with(|c: char| c.is_lowercase()));
        assert_eq!(told, None, "refused after {refused} ms");
        assert_eq!(stats.hellos_received, 60);
        assert!(stats.hellos_sent <= 60, "refused after {refused} ms: {stats:?}");
        let connects = trace.iter().filter(|line| line.starts_with("connect 2")).count();
        assert_eq!(connects as u64, stats.hellos_sent, "refused after {refused} ms");
        // The wall falls.
        solo.hello(2);
        let tested = solo.trace().iter().any(|line| line.starts_with("send 2 ping"));
        solo.up(2);
        if tested {
            assert!(solo.trace().is_empty(), "refused after {refused} ms: it may answer ours");
            solo.ping_ok(2);
        }
        assert_eq!(solo.trace(), ["ENTER 2"], "refused after {refused} ms");
    }
}

#[test]
fn nodes_with_a_wall_between_them_that_one_way_passes_hear_nothing_until_it_falls() {
    for wall in [Wall::Refuses, Wall::Drops] {
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
                assert_eq!((net.log(1), net.log(2)), (vec![], vec![]), "{case}");
                // In every second node 2 greets at the beacon of node 1, and node 1 at the beacon
                // and at the HELLO of node 2.
                assert!(net.hellos <= 180, "{case}: {} HELLOs", net.hellos);
                assert!(net.connects <= 180, "{case}: {} links", net.connects);
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
    for wall in [Wall::Refuses, Wall::Drops] {
        for seed in 0..50 {
            let mut net = Net::of(2, seed);
            net.run(3_000);
            assert_eq!((net.log(1), net.log(2)), (vec!["ENTER 2".into()], vec!["ENTER 1".into()]));
            net.wall = Some(wall);
            net.cut(1, 2);
            net.run(60_000);
            assert_eq!(net.log(1), ["EXIT 2 link lost"], "{wall:?}, seed {seed}");
            assert_eq!(net.log(2).len(), 1, "{wall:?}, seed {seed}");
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
    assert_eq!(solo.trace(), [&["ENTER 2".to_owned()], &all[..]].concat());
    solo.whisper(2, "next");
    assert_eq!(solo.trace(), ["WHISPER 2 next"]);
}
