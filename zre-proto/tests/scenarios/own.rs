//! What the engine tells of its own node, and what it says of it.

use zre_proto::message::{Command, Message};
use zre_proto::{Action, ActionError, Config, Endpoint, Input, MessageLimits, Output};

use crate::common::{endpoint, id};
use crate::solo::Solo;

#[test]
fn a_node_knows_itself_also_after_it_has_moved() {
    let named = Config { name: "me".to_owned(), ..Config::new(id(1), endpoint(1)) };
    let mut solo = Solo::with(named);
    for group in ["b", "a", "b"] {
        solo.act(Action::Join(group)).unwrap();
    }
    let engine = &solo.engine;
    assert_eq!((engine.id(), engine.name(), engine.endpoint()), (id(1), "me", endpoint(1)));
    let groups: Vec<_> = engine.own_groups().map(|group| &**group).collect();
    assert_eq!(groups, ["a", "b"], "once each, in the order of their names");
    solo.act(Action::Leave("a")).unwrap();
    let elsewhere: Endpoint = "tcp://10.0.0.99:1".parse().unwrap();
    solo.handle(Input::Moved(elsewhere));
    assert_eq!(solo.trace(), ["MOVED to tcp://10.0.0.99:1"]);
    assert_eq!(solo.engine.endpoint(), elsewhere);
    assert_eq!(solo.engine.own_groups().count(), 1);
}

#[test]
fn a_header_whose_new_value_is_refused_keeps_its_old_one() {
    let bytes = 2_000;
    let message_limits = MessageLimits { bytes, ..MessageLimits::default() };
    let mut solo = Solo::with(Config { message_limits, ..Config::new(id(1), endpoint(1)) });
    solo.act(Action::SetHeader { name: "k", value: "old" }).unwrap();
    let long = "x".repeat(bytes);
    let refused = solo.act(Action::SetHeader { name: "k", value: &long });
    assert_eq!(refused, Err(ActionError::HelloTooLarge { limit: bytes }));
    solo.beacon(2);
    solo.up(2);
    let outputs = solo.outputs();
    let [Output::Connect { .. }, Output::Send { header, .. }] = &outputs[..] else {
        panic!("{outputs:?}")
    };
    let message = Message::decode(header, &MessageLimits::default()).unwrap();
    let Command::Hello(hello) = message.command else { panic!("{message:?}") };
    assert!(hello.headers.contains(&(b"k", b"old")), "{hello:?}");
}
