//! Who is in which group, here and elsewhere.

use zre_proto::message::{Command, Hello};
use zre_proto::{Action, Config, Content, MessageLimits, Output};

use crate::common::{endpoint, id};
use crate::solo::{Solo, hello};

#[test]
fn own_joins_and_leaves_are_told_to_all_that_have_our_hello_whether_or_not_they_have_answered() {
    let mut solo = Solo::met();
    solo.beacon(3);
    solo.up(3);
    solo.beacon(4);
    solo.trace();
    assert_eq!(solo.act(Action::Join("a")), Ok(()));
    assert_eq!(solo.act(Action::Join("a")), Ok(()), "again: nothing happens");
    assert_eq!(solo.act(Action::Leave("b")), Ok(()), "not in it: nothing happens");
    assert_eq!(solo.trace(), ["send 2 join 2", "send 3 join 2"]);
    assert_eq!(solo.act(Action::Leave("a")), Ok(()));
    assert_eq!(solo.trace(), ["send 2 leave 3", "send 3 leave 3"]);
    assert_eq!(solo.act(Action::Join("c")), Ok(()));
    solo.outputs();
    solo.up(4);
    assert_eq!(hellos(&solo.outputs()), [(vec!["c".to_owned()], 3)], "all of it, at once");
}

/// The groups and the status of each HELLO among the outputs.
fn hellos(outputs: &[Output]) -> Vec<(Vec<String>, u8)> {
    let limits = MessageLimits::default();
    let hello = |output: &Output| {
        let Output::Send { header, .. } = output else { return None };
        match zre_proto::message::Message::decode(header, &limits).unwrap().command {
            Command::Hello(hello) => {
                let name = |group: &&[u8]| String::from_utf8_lossy(group).into_owned();
                Some((hello.groups.iter().map(name).collect(), hello.status))
            }
            _ => None,
        }
    };
    outputs.iter().filter_map(hello).collect()
}

/// The status that each JOIN, LEAVE and HELLO among the outputs carries.
fn statuses(outputs: &[Output]) -> Vec<u8> {
    let limits = MessageLimits::default();
    let status = |output: &Output| {
        let Output::Send { header, .. } = output else { return None };
        match zre_proto::message::Message::decode(header, &limits).unwrap().command {
            Command::Join { status, .. } | Command::Leave { status, .. } => Some(status),
            Command::Hello(hello) => Some(hello.status),
            _ => None,
        }
    };
    outputs.iter().filter_map(status).collect()
}

#[test]
fn the_own_status_counts_joins_and_leaves_and_wraps_behind_255() {
    let mut solo = Solo::met();
    for turn in 0..260_u16 {
        let action = if turn % 2 == 0 { Action::Join("a") } else { Action::Leave("a") };
        assert_eq!(solo.act(action), Ok(()));
    }
    let expected: Vec<u8> = (1..=260_u16).map(|turn| (turn % 256) as u8).collect();
    assert_eq!(statuses(&solo.outputs()), expected);
    solo.beacon(3);
    solo.up(3);
    assert_eq!(statuses(&solo.outputs()), [4], "HELLO carries it as well");
}

#[test]
fn a_hello_lists_the_own_groups() {
    let mut solo = Solo::new();
    for group in ["b", "a", "c"] {
        assert_eq!(solo.act(Action::Join(group)), Ok(()));
    }
    assert_eq!(solo.act(Action::Leave("c")), Ok(()));
    solo.beacon(2);
    // What comes before the link is up is in HELLO as well.
    assert_eq!(solo.act(Action::Join("d")), Ok(()));
    assert!(statuses(&solo.outputs()).is_empty());
    solo.up(2);
    let groups = ["a", "b", "d"].map(str::to_owned).to_vec();
    assert_eq!(hellos(&solo.outputs()), [(groups, 5)]);
}

#[test]
fn repeated_joins_and_leaves_change_nothing_but_the_count() {
    let mut solo = Solo::met();
    let group = b"a".as_slice();
    solo.say(2, Command::Leave { group, status: 1 });
    solo.say(2, Command::Join { group, status: 2 });
    solo.say(2, Command::Join { group, status: 3 });
    solo.say(2, Command::Leave { group, status: 4 });
    solo.say(2, Command::Leave { group, status: 5 });
    assert_eq!(solo.trace(), ["JOIN 2 a", "LEAVE 2 a"]);
}

#[test]
fn a_shout_goes_to_the_members_of_its_group_only_and_its_content_is_shared() {
    let mut solo = Solo::new();
    for n in [2, 3, 4, 5] {
        solo.meet(n);
    }
    for (n, group) in [(2, b"a"), (4, b"a"), (5, b"b")] {
        solo.say(n, Command::Join { group, status: 1 });
    }
    solo.trace();
    let content: Content = [vec![7; 1000], vec![8; 10]].into();
    assert_eq!(solo.act(Action::Shout { group: "a", content: content.clone() }), Ok(()));
    let outputs = solo.outputs();
    let links: Vec<_> = outputs
        .iter()
        .map(|output| {
            let Output::Send { conn, content: sent, .. } = output else { panic!("{output:?}") };
            assert_eq!(*sent, content);
            let shared = sent.frames().iter().zip(content.frames());
            shared.for_each(|(sent, ours)| assert_eq!(sent.as_ptr(), ours.as_ptr(), "a copy"));
            *conn
        })
        .collect();
    assert_eq!(links, [solo.link(2), solo.link(4)]);
    assert_eq!(solo.engine.peers_in("a").collect::<Vec<_>>(), [id(2), id(4)]);
}

#[test]
fn a_shout_to_a_group_without_members_goes_nowhere() {
    let mut solo = Solo::met();
    assert_eq!(solo.act(Action::Shout { group: "a", content: "x".into() }), Ok(()));
    assert!(solo.trace().is_empty());
}

#[test]
fn a_shout_to_a_group_that_was_left_is_dropped_and_counts_in_the_sequence() {
    let mut solo = Solo::met();
    let shout =
        |solo: &mut Solo, text: &str| solo.send(2, Command::Shout { group: b"a" }, text.into());
    assert_eq!(solo.act(Action::Join("a")), Ok(()));
    shout(&mut solo, "one");
    assert_eq!(solo.act(Action::Leave("a")), Ok(()));
    shout(&mut solo, "two");
    solo.whisper(2, "three");
    assert_eq!(solo.events(), ["SHOUT 2 a one", "WHISPER 2 three"]);
    assert_eq!(solo.engine.stats().not_member, 1);
}

#[test]
fn an_exit_leaves_all_groups_without_a_word() {
    let mut solo = Solo::met();
    solo.say(2, Command::Join { group: b"a", status: 1 });
    solo.mailbox_lost(2);
    solo.lost(2);
    assert_eq!(solo.events(), ["JOIN 2 a", "EXIT 2 link lost"]);
    assert_eq!(solo.engine.peers_in("a").count(), 0);
    assert_eq!(solo.engine.peer_groups().count(), 0);
}

/// An engine that takes HELLOs of at most three groups and headers.
fn small() -> Solo {
    let message_limits = MessageLimits { entries: 3, ..MessageLimits::default() };
    Solo::with(Config { message_limits, ..Config::new(id(1), endpoint(1)) })
}

#[test]
fn a_peer_in_more_groups_than_a_hello_can_list_is_ended() {
    let mut solo = small();
    let place = endpoint(2).to_string();
    solo.hello_with(2, &Hello { groups: vec![b"a", b"b", b"c"], ..hello(&place) });
    assert!(solo.events().is_empty(), "the link is not up");
    solo.up(2);
    assert_eq!(solo.events(), ["ENTER 2", "JOIN 2 a", "JOIN 2 b", "JOIN 2 c"]);
    solo.say(2, Command::Join { group: b"d", status: 1 });
    assert_eq!(solo.events(), ["EXIT 2 rejected"]);
}

#[test]
fn a_peer_in_as_many_groups_as_allowed_may_join_one_of_them_again() {
    let mut solo = small();
    let place = endpoint(2).to_string();
    solo.hello_with(2, &Hello { groups: vec![b"a", b"b", b"c"], ..hello(&place) });
    solo.up(2);
    assert_eq!(solo.events(), ["ENTER 2", "JOIN 2 a", "JOIN 2 b", "JOIN 2 c"]);
    solo.say(2, Command::Join { group: b"c", status: 1 });
    assert!(solo.trace().is_empty(), "it changes nothing but the count");
}

#[test]
fn a_hello_with_more_groups_than_allowed_is_not_taken() {
    let mut solo = small();
    let place = endpoint(2).to_string();
    solo.hello_with(2, &Hello { groups: vec![b"a", b"b", b"c", b"d"], ..hello(&place) });
    assert_eq!(solo.trace(), ["close mailbox 1"]);
    assert_eq!(solo.engine.stats().malformed, 1);
}
