//! Who leads: what one engine says and hears of contesters.

use zre_proto::message::{Command, Hello};
use zre_proto::{Action, ActionError, Config};

use crate::common::{endpoint, id};
use crate::solo::{Solo, hello};

const G: &[u8] = b"g";

/// The greeting of a node of this implementation that is in `g`.
fn ours(place: &str) -> Hello<'_> {
    Hello { groups: vec![G], headers: vec![(b"X-ZYRE", b"0.1.0")], ..hello(place) }
}

/// The greeting of a node of another implementation that is in `g`.
fn other(place: &str) -> Hello<'_> {
    Hello { groups: vec![G], ..hello(place) }
}

/// Node `n` is met and greets like this. Forgets the trace of it.
fn meet(solo: &mut Solo, n: u8, greeting: fn(&str) -> Hello<'_>) {
    solo.beacon(n);
    solo.up(n);
    solo.hello_with(n, &greeting(&endpoint(n).to_string()));
    let events = solo.trace();
    assert!(events.contains(&format!("JOIN {n} g")), "{events:?}");
}

/// Node `n` says ELECT with the id of node `of`.
fn elect(solo: &mut Solo, n: u8, of: u8) {
    let challenger = &id(of).to_upper_hex();
    solo.say(n, Command::Elect { group: G, challenger });
}

fn lead(solo: &mut Solo, n: u8, of: u8) {
    let leader = &id(of).to_upper_hex();
    solo.say(n, Command::Leader { group: G, leader });
}

/// These voters are checked, and answer. Forgets the trace of it.
fn checked(solo: &mut Solo, voters: &[u8]) {
    let leader = solo.engine.leader("g").unwrap().as_bytes()[0];
    solo.wait(300);
    for n in voters {
        elect(solo, *n, leader);
        lead(solo, *n, leader);
    }
    let told = solo.trace();
    for n in voters {
        assert!(told.iter().any(|line| line.starts_with(&format!("send {n} elect"))), "{told:?}");
        assert!(told.iter().any(|line| line.starts_with(&format!("send {n} leader"))), "{told:?}");
    }
}

/// An engine that is in `g`.
fn member() -> Solo {
    let mut solo = Solo::with(Config::new(id(5), endpoint(5)));
    solo.act(Action::Join("g")).unwrap();
    solo
}

/// An engine that contests in `g`, and leads: it is alone.
fn leader() -> Solo {
    let mut solo = Solo::with(Config::new(id(5), endpoint(5)));
    solo.act(Action::Contest("g")).unwrap();
    solo.wait(100);
    assert_eq!(solo.trace(), ["LEADER 5 g mine"]);
    solo
}

#[test]
fn a_node_that_contests_alone_leads_after_a_moment_and_is_in_the_group() {
    let mut solo = Solo::new();
    assert_eq!(solo.act(Action::Contest("g")), Ok(()));
    assert_eq!(solo.engine.own_groups().map(|group| &**group).collect::<Vec<_>>(), ["g"]);
    solo.wait(99);
    assert_eq!(solo.engine.leader("g"), None);
    assert!(solo.trace().is_empty());
    solo.wait(1);
    assert_eq!(solo.trace(), ["LEADER 1 g mine"]);
    assert_eq!(solo.engine.leader("g"), Some(id(1)));
    assert_eq!(solo.act(Action::Contest("g")), Ok(()), "again: nothing happens");
    solo.wait(10_000);
    assert!(solo.trace().is_empty());
}

#[test]
fn who_contests_is_refused_what_who_joins_is() {
    let mut solo = Solo::new();
    assert_eq!(solo.act(Action::Contest("")), Err(ActionError::EmptyGroupName));
    let long = "x".repeat(256);
    let too_long = ActionError::TooLong { what: "group name", bytes: 256 };
    assert_eq!(solo.act(Action::Contest(&long)), Err(too_long));
    solo.act(Action::Stop).unwrap();
    assert_eq!(solo.act(Action::Contest("g")), Err(ActionError::Stopped));
    assert_eq!(solo.engine.leader("g"), None);
}

#[test]
fn the_lowest_contester_leads_and_members_that_do_not_contest_never_do() {
    let mut solo = member();
    for n in [2, 3, 7] {
        meet(&mut solo, n, ours);
    }
    solo.wait(1000);
    assert!(solo.trace().is_empty(), "nobody contests");
    elect(&mut solo, 7, 7);
    solo.wait(100);
    assert_eq!(solo.trace(), ["LEADER 7 g"]);
    elect(&mut solo, 3, 3);
    solo.wait(100);
    assert_eq!(solo.trace(), ["LEADER 3 g"], "without a word that node 7 is it no more");
    solo.act(Action::Contest("g")).unwrap();
    solo.wait(1000);
    assert_eq!(solo.trace(), ["send 2 elect 2", "send 3 elect 2", "send 7 elect 2"]);
    assert_eq!(solo.engine.leader("g"), Some(id(3)));
}

#[test]
fn another_leader_is_told_when_it_has_been_the_same_for_a_moment() {
    let mut solo = member();
    for n in [2, 3, 4] {
        meet(&mut solo, n, ours);
    }
    for n in [4, 3, 2] {
        elect(&mut solo, n, n);
        solo.wait(99);
        assert!(solo.trace().is_empty());
    }
    solo.wait(1);
    assert_eq!(solo.trace(), ["LEADER 2 g"], "the others never led");
}

#[test]
fn a_leader_that_comes_and_goes_within_the_moment_is_not_told() {
    let mut solo = leader();
    meet(&mut solo, 2, ours);
    elect(&mut solo, 2, 2);
    solo.wait(50);
    solo.say(2, Command::Leave { group: G, status: 1 });
    solo.wait(1000);
    assert_eq!(solo.trace(), ["LEAVE 2 g"]);
}

#[test]
fn the_loss_of_the_leader_is_told_at_once_and_the_next_one_after_a_moment() {
    let mut solo = leader();
    meet(&mut solo, 2, ours);
    meet(&mut solo, 3, ours);
    elect(&mut solo, 2, 2);
    elect(&mut solo, 3, 3);
    solo.wait(100);
    assert_eq!(solo.trace(), ["LEADER 2 g"]);
    solo.say(2, Command::Leave { group: G, status: 1 });
    assert_eq!(solo.trace(), ["LEAVE 2 g", "LEADER 0 g"]);
    assert_eq!(solo.engine.leader("g"), None);
    solo.wait(99);
    assert!(solo.trace().is_empty());
    solo.wait(1);
    assert_eq!(solo.trace(), ["LEADER 3 g"]);
    solo.say(3, Command::Goodbye);
    assert_eq!(solo.events(), ["EXIT 3 goodbye", "LEADER 0 g"]);
    solo.wait(100);
    assert_eq!(solo.trace(), ["LEADER 5 g mine"]);
}

#[test]
fn when_the_last_contester_goes_nobody_leads() {
    let mut solo = member();
    meet(&mut solo, 2, ours);
    elect(&mut solo, 2, 2);
    solo.wait(100);
    assert_eq!(solo.trace(), ["LEADER 2 g"]);
    solo.say(2, Command::Leave { group: G, status: 1 });
    assert_eq!(solo.trace(), ["LEAVE 2 g", "LEADER 0 g"]);
    solo.wait(10_000);
    assert_eq!(solo.engine.leader("g"), None);
    assert!(!solo.trace().iter().any(|line| line.starts_with("LEADER")));
}

#[test]
fn who_has_left_and_come_back_contests_if_it_says_so_again() {
    let mut solo = member();
    meet(&mut solo, 2, ours);
    elect(&mut solo, 2, 2);
    solo.say(2, Command::Leave { group: G, status: 1 });
    solo.say(2, Command::Join { group: G, status: 2 });
    solo.wait(100);
    assert_eq!(solo.trace(), ["LEAVE 2 g", "JOIN 2 g"]);
    elect(&mut solo, 2, 2);
    solo.wait(100);
    assert_eq!(solo.trace(), ["LEADER 2 g"]);
}

#[test]
fn a_leader_that_greets_anew_has_to_say_again_that_it_contests() {
    let mut solo = member();
    meet(&mut solo, 2, ours);
    elect(&mut solo, 2, 2);
    solo.wait(100);
    solo.trace();
    solo.hello_with(2, &ours(&endpoint(2).to_string()));
    solo.up(2);
    solo.wait(1000);
    let events = solo.events();
    assert_eq!(events, ["EXIT 2 restarted", "LEADER 0 g", "ENTER 2", "JOIN 2 g"]);
    elect(&mut solo, 2, 2);
    solo.wait(100);
    assert_eq!(solo.events(), ["LEADER 2 g"]);
}

#[test]
fn who_leaves_the_group_leads_it_no_more_and_does_not_know_who_does() {
    let mut solo = leader();
    solo.act(Action::Leave("g")).unwrap();
    assert_eq!(solo.trace(), ["LEADER 0 g"]);
    assert_eq!(solo.engine.leader("g"), None);
    solo.act(Action::Join("g")).unwrap();
    solo.wait(1000);
    assert!(solo.trace().is_empty(), "it does not contest any more");
    solo.act(Action::Contest("g")).unwrap();
    solo.wait(100);
    assert_eq!(solo.trace(), ["LEADER 5 g mine"]);
}

#[test]
fn nothing_is_told_after_the_end() {
    let mut solo = leader();
    meet(&mut solo, 2, ours);
    elect(&mut solo, 2, 2);
    solo.act(Action::Stop).unwrap();
    assert_eq!(solo.events(), ["STOP"]);
    solo.wait(1000);
    assert!(solo.trace().is_empty());
    assert_eq!(solo.engine.leader("g"), None);
}

#[test]
fn members_of_this_implementation_are_told_once_that_the_node_contests() {
    let mut solo = leader();
    solo.beacon(2);
    solo.up(2);
    solo.trace();
    solo.hello_with(2, &ours(&endpoint(2).to_string()));
    assert_eq!(solo.trace(), ["ENTER 2", "JOIN 2 g", "send 2 elect 2"]);
    solo.say(2, Command::Join { group: G, status: 1 });
    solo.act(Action::Contest("g")).unwrap();
    assert!(solo.trace().is_empty(), "it knows");
    solo.say(2, Command::Leave { group: G, status: 2 });
    assert_eq!(solo.trace(), ["LEAVE 2 g"]);
    solo.say(2, Command::Join { group: G, status: 3 });
    assert_eq!(solo.trace(), ["JOIN 2 g", "send 2 elect 3"]);
    solo.act(Action::Leave("g")).unwrap();
    solo.act(Action::Contest("g")).unwrap();
    solo.wait(100);
    let told = ["LEADER 0 g", "send 2 leave 4", "send 2 join 5", "send 2 elect 6"];
    let mut trace = solo.trace();
    trace.sort();
    assert_eq!(trace[..2], ["LEADER 0 g", "LEADER 5 g mine"]);
    assert!(told[1..].iter().all(|line| trace.iter().any(|it| it == line)), "{trace:?}");
}

#[test]
fn a_member_that_is_greeted_when_its_hello_has_come_is_told_then() {
    let mut solo = leader();
    solo.hello_with(2, &ours(&endpoint(2).to_string()));
    assert_eq!(solo.trace(), ["connect 2"], "nothing can be said to it");
    solo.up(2);
    let said = ["send 2 hello 1", "send 2 elect 2", "ENTER 2", "JOIN 2 g"];
    assert_eq!(solo.trace(), said);
}

#[test]
fn a_member_that_is_greeted_on_a_new_link_is_told_again() {
    let mut solo = leader();
    meet(&mut solo, 2, ours);
    for _ in 0..2 {
        solo.hello_with(2, &ours(&endpoint(2).to_string()));
        solo.wait(20_000);
        solo.trace();
        if solo.engine.speaks_on(id(2)).is_none() {
            solo.up(2);
        }
        assert_eq!(solo.engine.peers_in("g").count(), 1);
    }
    solo.say(2, Command::Leave { group: G, status: 1 });
    solo.say(2, Command::Join { group: G, status: 2 });
    assert!(solo.trace().iter().any(|line| line.starts_with("send 2 elect")));
}

#[test]
fn two_way_peers_are_told_as_well() {
    let mut solo = leader();
    solo.beacon(7);
    let conn = solo.up_two_way(7);
    assert_eq!(solo.trace(), ["connect 7", "send 7 hello 1"]);
    solo.hello_on(7, conn);
    solo.say(7, Command::Join { group: G, status: 1 });
    assert_eq!(solo.trace(), ["ENTER 7", "JOIN 7 g"], "it has not said that it knows elections");
}

#[test]
fn no_node_of_another_kind_hears_of_elections_before_it_has_spoken_of_one() {
    let mut solo = member();
    meet(&mut solo, 2, other);
    solo.act(Action::Contest("g")).unwrap();
    solo.say(2, Command::Leave { group: G, status: 1 });
    solo.say(2, Command::Join { group: G, status: 2 });
    solo.wait(100);
    assert_eq!(solo.trace(), ["LEAVE 2 g", "JOIN 2 g", "LEADER 5 g mine"]);
    elect(&mut solo, 2, 2);
    assert_eq!(solo.trace(), ["send 2 elect 2"], "now it is known to know them");
}

#[test]
fn who_wants_to_elect_with_everyone_does() {
    let mut solo =
        Solo::with(Config { elect_with_everyone: true, ..Config::new(id(5), endpoint(5)) });
    solo.act(Action::Contest("g")).unwrap();
    solo.beacon(2);
    solo.up(2);
    solo.trace();
    solo.hello_with(2, &other(&endpoint(2).to_string()));
    assert_eq!(solo.trace(), ["ENTER 2", "JOIN 2 g", "send 2 elect 2"]);
}

#[test]
fn what_is_no_election_of_ours_costs_nothing() {
    let mut solo = member();
    meet(&mut solo, 2, other);
    meet(&mut solo, 3, other);
    let (good, lower) = (id(2).to_upper_hex(), id(200).to_string());
    let bad: [&[u8]; 5] = [b"", b"nobody", lower.as_bytes(), &good[..31], &[b'Z'; 32]];
    for challenger in bad {
        solo.say(2, Command::Elect { group: G, challenger });
        solo.say(2, Command::Leader { group: G, leader: challenger });
    }
    // Nobody of us is in that group, nor is node 2 in the other one.
    solo.act(Action::Join("own")).unwrap();
    for group in [b"elsewhere".as_slice(), b"", b"\xff", b"own"] {
        solo.say(2, Command::Elect { group, challenger: &good });
        solo.say(2, Command::Leader { group, leader: &good });
    }
    assert_eq!(solo.engine.stats().unused, 18);
    solo.wait(2000);
    let trace = solo.trace();
    assert!(
        trace.iter().all(|line| line.starts_with("send") && line.contains("join")),
        "{trace:?}"
    );
    assert_eq!(solo.engine.stats().leaders_disputed, 0);
    elect(&mut solo, 2, 2);
    solo.wait(100);
    assert_eq!(solo.engine.leader("g"), Some(id(2)), "it is still a peer");
}

#[test]
fn an_id_that_is_passed_on_says_nothing_of_the_one_that_it_is_of() {
    let mut solo = member();
    meet(&mut solo, 2, ours);
    meet(&mut solo, 3, other);
    elect(&mut solo, 2, 3);
    elect(&mut solo, 3, 2);
    solo.wait(100);
    assert_eq!(solo.engine.leader("g"), None);
}

#[test]
fn who_is_heard_and_not_met_does_not_lead_before_it_has_entered() {
    let mut solo = member();
    solo.hello_with(2, &ours(&endpoint(2).to_string()));
    elect(&mut solo, 2, 2);
    solo.wait(1000);
    assert_eq!(solo.events(), [""; 0]);
    solo.up(2);
    solo.wait(100);
    assert_eq!(solo.events(), ["ENTER 2", "JOIN 2 g", "LEADER 2 g"]);
}

#[test]
fn a_peer_of_another_kind_makes_this_node_pass_on_a_limited_number_of_waves() {
    let mut solo = member();
    meet(&mut solo, 200, other);
    meet(&mut solo, 201, other);
    elect(&mut solo, 201, 201);
    solo.trace();
    for n in (0..=u16::MAX).rev().step_by(16) {
        let mut lower = [0; 16];
        lower[..2].copy_from_slice(&n.to_be_bytes());
        let challenger = &zre_proto::PeerId::new(lower).to_upper_hex();
        solo.say(200, Command::Elect { group: G, challenger });
    }
    let sent = solo.trace().iter().filter(|line| line.starts_with("send 201 elect")).count();
    assert!((200..=256).contains(&sent), "{sent}");
}

#[test]
fn a_wave_is_passed_on_and_echoed_and_the_leader_is_told_to_each() {
    let mut solo = member();
    for n in [2, 3] {
        meet(&mut solo, n, other);
    }
    elect(&mut solo, 2, 2);
    assert_eq!(solo.trace(), ["send 2 elect 2"], "node 3 is not known to vote: it is echoed");
    elect(&mut solo, 3, 2);
    assert_eq!(solo.trace(), ["send 3 elect 2"], "and node 3 learns of it");
    lead(&mut solo, 2, 2);
    assert_eq!(solo.trace(), ["send 2 leader 3", "send 3 leader 3"]);
    lead(&mut solo, 3, 2);
    solo.wait(100);
    assert_eq!(solo.trace(), ["LEADER 2 g"]);
    lead(&mut solo, 3, 2);
    assert_eq!(solo.trace(), [""; 0], "that election is over");
}

#[test]
fn who_begins_its_wave_again_is_joined_again_and_who_begins_another_is_told_again() {
    let mut solo = member();
    for n in [2, 3, 4] {
        meet(&mut solo, n, other);
        elect(&mut solo, n, n);
    }
    assert!(!solo.trace().is_empty());
    elect(&mut solo, 2, 2);
    assert_eq!(solo.trace(), ["send 3 elect 3", "send 4 elect 3"], "a new election");
    elect(&mut solo, 3, 2);
    elect(&mut solo, 3, 2);
    assert_eq!(solo.trace(), [""; 0], "node 3 is not taken for two");
    elect(&mut solo, 3, 3);
    assert_eq!(solo.trace(), ["send 3 elect 4"], "it has begun anew, and does not know any more");
    elect(&mut solo, 4, 2);
    assert_eq!(solo.trace(), [""; 0], "it has to join again");
    elect(&mut solo, 3, 2);
    assert_eq!(solo.trace(), ["send 2 elect 3"], "all have been heard");
}

#[test]
fn a_wave_that_does_not_end_is_told_again_and_given_up_at_last() {
    let mut solo = leader();
    for n in [7, 8] {
        meet(&mut solo, n, other);
        elect(&mut solo, n, n);
    }
    solo.trace();
    solo.wait(499);
    assert_eq!(solo.trace(), [""; 0]);
    solo.wait(1);
    assert_eq!(solo.trace(), ["send 7 elect 3", "send 8 elect 3"]);
    solo.wait(500);
    assert_eq!(solo.trace(), ["send 7 elect 4", "send 8 elect 4"]);
    solo.wait(500);
    assert_eq!(solo.trace(), ["send 7 leader 5", "send 8 leader 5"], "whoever has not answered");
    solo.wait(11_000);
    let trace = solo.trace();
    let said = |what: &str| trace.iter().filter(|line| line.starts_with(what)).count();
    assert_eq!((said("send 7 elect"), said("send 7 leader")), (9, 11), "it is begun again");
    solo.wait(15_000);
    let trace = solo.trace();
    assert!(!trace.iter().any(|line| line.contains(" elect ")), "{trace:?}");
}

#[test]
fn when_the_members_have_been_the_same_for_a_while_one_more_wave_is_begun() {
    for mut solo in [member(), leader()] {
        for n in [7, 8] {
            meet(&mut solo, n, other);
            elect(&mut solo, n, 7);
        }
        let leader = if solo.engine.leader("g").is_some() { 5 } else { 7 };
        elect(&mut solo, 7, 7);
        solo.wait(100);
        for n in [7, 8] {
            elect(&mut solo, n, leader);
            lead(&mut solo, n, leader);
        }
        solo.wait(199);
        solo.trace();
        solo.wait(1);
        let trace = solo.trace();
        let begun = |n| trace.iter().any(|line| line.starts_with(&format!("send {n} elect")));
        assert!(trace.len() == 2 && begun(7) && begun(8), "{trace:?}");
        for n in [7, 8] {
            elect(&mut solo, n, leader);
            lead(&mut solo, n, leader);
        }
        solo.trace();
        solo.wait(10_000);
        assert!(!solo.trace().iter().any(|line| line.contains("elect")), "once");
    }
}

#[test]
fn a_member_that_has_not_spoken_of_elections_hears_of_this_leader_from_voters() {
    let mut solo = leader();
    meet(&mut solo, 7, other);
    for wave in [7, 5] {
        elect(&mut solo, 7, wave);
    }
    lead(&mut solo, 7, 5);
    checked(&mut solo, &[7]);
    solo.wait(10);
    solo.beacon(8);
    solo.up(8);
    solo.trace();
    solo.hello_with(8, &other(&endpoint(8).to_string()));
    assert_eq!(solo.trace(), ["ENTER 8", "JOIN 8 g", "send 7 elect 6"], "node 7 passes it on");
    elect(&mut solo, 8, 5);
    assert_eq!(solo.trace(), ["send 8 elect 2"], "and so node 8 is known to vote");
    elect(&mut solo, 7, 5);
    assert_eq!(solo.trace(), ["send 7 leader 7", "send 8 leader 3"]);
}

#[test]
fn a_contester_that_begins_anew_after_it_has_told_that_it_leads_is_joined_again() {
    let mut solo = member();
    for n in [2, 3] {
        meet(&mut solo, n, other);
        elect(&mut solo, n, 2);
    }
    solo.wait(100);
    for n in [2, 3] {
        lead(&mut solo, n, 2);
    }
    solo.wait(200);
    solo.trace();
    // The wave was begun here, and node 2 does not echo its own.
    elect(&mut solo, 3, 2);
    lead(&mut solo, 2, 2);
    assert_eq!(solo.trace(), ["send 2 leader 5", "send 3 leader 5"]);
    elect(&mut solo, 2, 2);
    assert_eq!(solo.trace(), ["send 3 elect 6"]);
    elect(&mut solo, 3, 2);
    lead(&mut solo, 2, 2);
    lead(&mut solo, 3, 2);
    solo.trace();
    elect(&mut solo, 2, 2);
    assert_eq!(solo.trace(), ["send 3 elect 8"], "the same when the wave is over");
}

#[test]
fn that_a_wave_has_ended_which_was_told_again_is_told_for_those_who_are_gone_as_well() {
    // Voters count, and count longer than this node one that has gone.
    let mut solo = leader();
    for n in [7, 8] {
        meet(&mut solo, n, other);
        elect(&mut solo, n, n);
        solo.wait(10);
    }
    for n in [7, 8] {
        elect(&mut solo, n, 5);
        lead(&mut solo, n, 5);
    }
    solo.say(8, Command::Leave { group: G, status: 1 });
    solo.wait(300 + 500);
    solo.trace();
    elect(&mut solo, 7, 5);
    lead(&mut solo, 7, 5);
    let trace = solo.trace();
    let told = trace.iter().filter(|line| line.starts_with("send 7 leader")).count();
    assert_eq!((told, trace.len()), (3, 3), "{trace:?}");
    solo.wait(10_000);
    let trace = solo.trace();
    assert!(!trace.iter().any(|line| line.contains(" leader ")), "{trace:?}");
}

#[test]
fn a_voter_that_goes_is_not_waited_for() {
    let mut solo = leader();
    for n in [7, 8] {
        meet(&mut solo, n, other);
        elect(&mut solo, n, n);
    }
    elect(&mut solo, 7, 5);
    solo.trace();
    solo.say(8, Command::Leave { group: G, status: 1 });
    assert_eq!(solo.trace(), ["LEAVE 8 g", "send 7 leader 3"]);
}

#[test]
fn voters_with_another_leader_than_the_lowest_are_told_of_the_lowest_and_counted() {
    let mut solo = leader();
    meet(&mut solo, 7, other);
    elect(&mut solo, 7, 7);
    assert_eq!(solo.trace(), ["send 7 elect 2"], "of this node, which is lower");
    elect(&mut solo, 7, 5);
    assert_eq!(solo.trace(), ["send 7 leader 3"]);
    lead(&mut solo, 7, 5);
    checked(&mut solo, &[7]);
    solo.wait(1500);
    assert_eq!(solo.trace(), [""; 0], "they agree");
    lead(&mut solo, 7, 7);
    solo.wait(249);
    assert_eq!(solo.trace(), [""; 0]);
    solo.wait(1);
    assert_eq!(solo.trace(), ["send 7 elect 6"]);
    assert_eq!(solo.engine.stats().leaders_disputed, 0);
    solo.wait(749);
    assert_eq!(solo.engine.stats().leaders_disputed, 0);
    solo.wait(1);
    assert_eq!(solo.engine.stats().leaders_disputed, 1);
    solo.wait(60_000);
    assert_eq!(solo.engine.stats().leaders_disputed, 1, "once");
    assert_eq!(solo.engine.leader("g"), Some(id(5)), "for our application this node leads");
    let sent = solo.trace().iter().filter(|line| line.starts_with("send 7 elect")).count();
    assert!(sent < 40, "{sent}: it is given up");
}

#[test]
fn what_voters_can_be_told_only_later_is_not_told_again_at_once() {
    let mut solo = member();
    meet(&mut solo, 7, other);
    lead(&mut solo, 7, 8);
    solo.wait(750);
    assert_eq!(solo.engine.leader("g"), None, "nobody contests");
    elect(&mut solo, 7, 7);
    let next = solo.engine.next_deadline().expect("an election runs");
    assert!(next > solo.now(), "it is woken {:?} late", solo.now() - next);
}

#[test]
fn voters_with_a_lower_leader_than_is_known_here_are_let_be() {
    let mut solo = leader();
    meet(&mut solo, 7, other);
    elect(&mut solo, 7, 3);
    assert_eq!(solo.trace(), ["send 7 elect 2"]);
    lead(&mut solo, 7, 3);
    assert_eq!(solo.trace(), ["send 7 leader 3"]);
    solo.wait(1000);
    assert_eq!(solo.engine.stats().leaders_disputed, 1);
    assert_eq!(solo.engine.leader("g"), Some(id(5)), "node 3 was never met");
    assert_eq!(solo.trace(), [""; 0]);
}

#[test]
fn ids_have_the_order_that_the_c_library_sees() {
    // It compares their digits as text.
    let mut ids: Vec<_> = (0..=255).map(id).collect();
    ids.sort_by_key(|id| id.to_upper_hex());
    assert!(ids.is_sorted());
}
