//! What the application wants, and when it is refused.

use std::time::{Duration, Instant};

use zre_proto::message::Command;
use zre_proto::{
    Action, ActionError, Config, Content, Endpoint, Engine, Input, MessageLimits, PeerId, Times,
};

use crate::common::{endpoint, id};
use crate::solo::Solo;

fn whisper(peer: PeerId, content: Content) -> Action<'static> {
    Action::Whisper { peer, content }
}

fn require(n: u8, endpoint: Endpoint) -> Action<'static> {
    Action::Require { peer: id(n), endpoint }
}

#[test]
fn names_of_255_bytes_are_taken_and_longer_ones_are_refused() {
    let mut solo = Solo::met();
    let (fits, long) = ("\u{e4}".repeat(127) + "x", "\u{e4}".repeat(128));
    let content = || Content::from("x");
    let too_long = |what| Err(ActionError::TooLong { what, bytes: 256 });
    assert_eq!(solo.act(Action::Join(&fits)), Ok(()));
    assert_eq!(solo.act(Action::Join(&long)), too_long("group name"));
    assert_eq!(solo.act(Action::Leave(&long)), too_long("group name"));
    assert_eq!(solo.act(Action::Shout { group: &fits, content: content() }), Ok(()));
    let shout = solo.act(Action::Shout { group: &long, content: content() });
    assert_eq!(shout, too_long("group name"));
    assert_eq!(solo.act(Action::SetHeader { name: &fits, value: "v" }), Ok(()));
    let header = solo.act(Action::SetHeader { name: &long, value: "v" });
    assert_eq!(header, too_long("header name"));
    let named = |name: &str| {
        Engine::new(Config { name: name.to_owned(), ..Config::new(id(1), endpoint(1)) })
    };
    assert!(named(&fits).is_ok());
    assert_eq!(named(&long).err(), too_long("name").err());
}

#[test]
fn nothing_is_whispered_to_a_peer_that_is_not_present() {
    let mut solo = Solo::new();
    solo.beacon(2);
    solo.up(2);
    solo.trace();
    for n in [1, 2, 3] {
        assert_eq!(solo.act(whisper(id(n), "x".into())), Err(ActionError::UnknownPeer(id(n))));
    }
    solo.hello(2);
    assert_eq!(solo.act(whisper(id(2), "x".into())), Ok(()));
    assert_eq!(solo.trace(), ["ENTER 2", "send 2 whisper 2"]);
}

#[test]
fn content_without_a_frame_is_refused_and_an_empty_frame_is_sent() {
    let mut solo = Solo::met();
    assert_eq!(solo.act(whisper(id(2), Content::none())), Err(ActionError::NoFrames));
    let shout = Action::Shout { group: "a", content: Content::none() };
    assert_eq!(solo.act(shout), Err(ActionError::NoFrames));
    assert_eq!(solo.act(whisper(id(2), "".into())), Ok(()));
    assert_eq!(solo.trace(), ["send 2 whisper 2"]);
}

#[test]
fn content_beyond_the_limits_is_refused_and_up_to_them_it_is_sent() {
    let limits =
        Config { max_content_frames: 2, max_content_bytes: 10, ..Config::new(id(1), endpoint(1)) };
    let mut solo = Solo::with(limits);
    solo.meet(2);
    let too_large = |frames, bytes| Err(ActionError::ContentTooLarge { frames, bytes });
    let cases: [(Content, Result<(), ActionError>); 4] = [
        (["12345", "67890"].into(), Ok(())),
        (["12345", "678901"].into(), too_large(2, 11)),
        (["1", "2", "3"].into(), too_large(3, 3)),
        ("12345678901".into(), too_large(1, 11)),
    ];
    for (content, expected) in cases {
        assert_eq!(solo.act(whisper(id(2), content.clone())), expected, "{content:?}");
        let shout = Action::Shout { group: "a", content: content.clone() };
        assert_eq!(solo.act(shout), expected, "{content:?}");
    }
    assert_eq!(solo.trace(), ["send 2 whisper 2"]);
}

/// What peers are in is theirs to say.
#[test]
fn a_group_without_a_name_is_refused_and_that_of_a_peer_is_told() {
    let mut solo = Solo::met();
    solo.trace();
    let refused = Err(ActionError::EmptyGroupName);
    assert_eq!(solo.act(Action::Join("")), refused);
    assert_eq!(solo.act(Action::Leave("")), refused);
    assert_eq!(solo.act(Action::Shout { group: "", content: "x".into() }), refused);
    let named = Config { name: String::new(), ..Config::new(id(1), endpoint(1)) };
    assert!(Engine::new(named).is_ok(), "a node need not have a name");
    assert!(solo.trace().is_empty());
    solo.say(2, Command::Join { group: b"", status: 1 });
    assert_eq!(solo.trace(), ["JOIN 2 "]);
}

fn limited(message_limits: MessageLimits) -> Config {
    Config { message_limits, ..Config::new(id(1), endpoint(1)) }
}

#[test]
fn groups_and_headers_that_would_make_hello_too_large_are_refused() {
    let bytes = 2_000;
    // One of the four says which library this is.
    let mut solo = Solo::with(limited(MessageLimits { entries: 4, bytes }));
    let too_large = Err(ActionError::HelloTooLarge { limit: bytes });
    let long = "x".repeat(2_000);
    assert_eq!(solo.act(Action::SetHeader { name: "k", value: &long }), too_large);
    assert_eq!(solo.act(Action::SetHeader { name: "k", value: "v" }), Ok(()));
    assert_eq!(solo.act(Action::Join("a")), Ok(()));
    assert_eq!(solo.act(Action::Join("b")), Ok(()));
    let too_many = ActionError::TooManyEntries { limit: 4 };
    assert_eq!(
        too_many.to_string(),
        "this node may have 4 groups and headers together, and has them: leave a group"
    );
    assert_eq!(solo.act(Action::Join("c")), Err(too_many.clone()));
    assert_eq!(solo.act(Action::SetHeader { name: "l", value: "v" }), Err(too_many));
    assert_eq!(solo.act(Action::Join("b")), Ok(()), "it is in b already");
    assert_eq!(solo.act(Action::Leave("a")), Ok(()));
    assert_eq!(solo.act(Action::Join("c")), Ok(()));
}

#[test]
fn the_largest_own_hello_is_one_that_peers_with_the_same_limits_accept() {
    let limits = MessageLimits { entries: 100, bytes: 3_000 };
    let name = "n".repeat(255);
    let mut solo = Solo::with(Config { name, ..limited(limits) });
    for turn in 0.. {
        let value = "v".repeat(100);
        let name = format!("{turn:0>20}");
        if solo.act(Action::SetHeader { name: &name, value: &value }).is_err() {
            assert!(turn > 10);
            break;
        }
    }
    solo.beacon(2);
    solo.up(2);
    let outputs = solo.outputs();
    let Some(zre_proto::Output::Send { header, .. }) = outputs.last() else { panic!() };
    assert!(zre_proto::message::Message::decode(header, &limits).is_ok());
    assert!(header.len() > 2_000);
}

#[test]
fn a_header_may_be_set_to_another_value_when_there_is_no_room_for_a_further_one() {
    let mut solo = Solo::with(limited(MessageLimits { entries: 2, bytes: 2_000 }));
    let value = "v".repeat(1_000);
    assert_eq!(solo.act(Action::SetHeader { name: "k", value: &value }), Ok(()));
    let value = "w".repeat(1_000);
    assert_eq!(solo.act(Action::SetHeader { name: "k", value: &value }), Ok(()));
}

#[test]
fn headers_too_large_for_a_hello_are_refused_at_the_start() {
    let bytes = 2_000;
    let mut config = limited(MessageLimits { entries: 3, bytes });
    config.headers.insert("k".into(), "x".repeat(2_000));
    assert_eq!(Engine::new(config).err(), Some(ActionError::HelloTooLarge { limit: bytes }));
}

#[test]
fn a_required_peer_is_tried_again_until_it_is_there_and_whenever_it_is_gone() {
    let mut solo = Solo::new();
    assert_eq!(solo.act(require(2, endpoint(2))), Ok(()));
    assert_eq!(solo.trace(), ["connect 2"]);
    solo.lost(2);
    assert_eq!(solo.trace(), ["UNREACHABLE 2 refused"], "nobody else would notice");
    for pause in [1_000, 2_000, 4_000] {
        solo.wait(pause - 1);
        assert!(solo.trace().is_empty(), "{pause} ms");
        solo.wait(1);
        assert_eq!(solo.trace(), ["connect 2"], "{pause} ms");
        solo.lost(2);
        assert!(solo.trace().is_empty(), "it was told");
    }
    solo.wait(8_000);
    solo.up(2);
    solo.hello(2);
    assert_eq!(solo.events(), ["ENTER 2"]);
    solo.lost(2);
    solo.mailbox_lost(2);
    assert_eq!(solo.events(), ["EXIT 2 link lost"]);
    solo.wait(1_000);
    assert_eq!(solo.trace(), ["connect 2"]);
}

#[test]
fn a_required_peer_that_expired_is_tried_again() {
    let mut solo = Solo::new();
    assert_eq!(solo.act(require(2, endpoint(2))), Ok(()));
    solo.up(2);
    solo.hello(2);
    solo.wait(30_000);
    assert_eq!(solo.events(), ["ENTER 2", "EVASIVE 2", "SILENT 2", "EXIT 2 expired"]);
    solo.wait(1_000);
    assert_eq!(solo.trace(), ["connect 2"]);
}

#[test]
fn a_required_peer_is_tried_once_in_a_millisecond_at_most() {
    let config = Config::new(id(1), endpoint(1));
    let times = Times { retry_interval: Duration::ZERO, ..config.times };
    let mut solo = Solo::with(Config { times, ..config });
    assert_eq!(solo.act(require(2, endpoint(2))), Ok(()));
    for _ in 0..3 {
        assert_eq!(solo.trace(), ["connect 2"]);
        solo.lost(2);
        let trace = solo.trace();
        assert!(trace.is_empty() || trace == ["UNREACHABLE 2 refused"], "{trace:?}");
        solo.wait(1);
    }
    solo.up(2);
    solo.hello(2);
    // One that has no room until node 2 has let the time for a proof pass.
    assert_eq!(solo.act(require(3, endpoint(2))), Ok(()));
    solo.wait(10_000);
    assert_eq!(solo.events(), ["ENTER 2", "EVASIVE 2", "SILENT 2", "EXIT 2 replaced"]);
}

#[test]
fn a_required_peer_on_the_endpoint_of_one_that_hangs_is_tried_again() {
    let mut solo = Solo::met();
    assert_eq!(solo.act(require(3, endpoint(2))), Ok(()));
    // It is tried after 1, 3, 7 and 15 seconds.
    solo.wait(15_000);
    let trace = solo.trace();
    assert!(trace.contains(&"EXIT 2 replaced".to_owned()), "{trace:?}");
    assert!(trace.contains(&"connect 3 at tcp://10.0.0.2:49152".to_owned()), "{trace:?}");
}

#[test]
fn nobody_is_the_own_peer_and_nobody_comes_beyond_the_limit() {
    let mut solo = Solo::with(Config { max_peers: 1, ..Config::new(id(1), endpoint(1)) });
    assert_eq!(solo.act(require(1, endpoint(2))), Err(ActionError::OwnPeer));
    solo.meet(2);
    assert_eq!(solo.act(require(3, endpoint(3))), Err(ActionError::TooManyPeers { limit: 1 }));
    solo.wait(2_000);
    assert!(solo.trace().is_empty(), "what was refused is not tried again");
    assert_eq!(solo.act(require(2, endpoint(2))), Ok(()), "it is there already");
}

#[test]
fn a_node_that_was_stopped_hears_nothing_sends_nothing_and_refuses_all() {
    let mut solo = Solo::met();
    assert_eq!(solo.act(require(3, endpoint(3))), Ok(()));
    solo.trace();
    assert_eq!(solo.act(Action::Stop), Ok(()));
    assert_eq!(solo.trace(), ["send 2 goodbye 2", "STOP"], "nobody knows us at node 3");
    assert!(solo.engine.is_stopped());
    for action in [Action::Join("a"), Action::Stop, require(2, endpoint(2))] {
        assert_eq!(solo.act(action), Err(ActionError::Stopped));
    }
    solo.whisper(2, "x");
    solo.hello(4);
    solo.beacon(5);
    solo.lost(2);
    solo.goodbye(2);
    solo.time_out();
    assert!(solo.trace().is_empty());
}

#[test]
fn a_node_that_was_stopped_need_not_be_woken() {
    let mut solo = Solo::met();
    assert_eq!(solo.act(Action::Stop), Ok(()));
    assert_eq!(solo.engine.next_deadline(), None);
}

#[test]
fn times_that_never_end_are_as_good_as_others() {
    let never = Times {
        evasive_timeout: Duration::MAX,
        expired_timeout: Duration::MAX,
        ..Times::default()
    };
    let mut engine =
        Engine::new(Config { times: never, ..Config::new(id(1), endpoint(1)) }).unwrap();
    let now = Instant::now();
    let candidate = Input::Candidate { peer: id(2), endpoint: endpoint(2) };
    engine.handle(now, candidate);
    let Some(zre_proto::Output::Connect { peer, conn, .. }) = engine.poll_output() else {
        panic!("no link is opened")
    };
    let header = zre_proto::message::Message {
        sequence: 1,
        command: Command::Hello(crate::solo::hello("tcp://10.0.0.2:49152")),
    };
    let message = Input::Message {
        peer: id(2),
        conn: zre_proto::ConnId::Accepted(1),
        source: ([10, 0, 0, 2], 50_000).into(),
        header: &header.encode(),
        content: Content::none(),
    };
    engine.handle(now, message);
    assert_eq!(engine.peers().count(), 0);
    let own_endpoint = endpoint(1);
    engine.handle(now, Input::Connected { peer, conn, two_way: false, own_endpoint });
    assert_eq!(engine.peers().count(), 1);
}
