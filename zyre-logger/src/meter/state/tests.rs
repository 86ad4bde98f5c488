//! What the meter knows, without a screen.

use super::*;
use crate::moment::SECOND;
use crate::{NodeInterval, correlation_id};

const NOON: i64 = 1_772_366_400 * SECOND;

fn interval(number: u32) -> NodeInterval {
    let endpoint = format!("tcp://10.0.{}.{}:49152", number / 250, number % 250);
    NodeInterval {
        correlation: correlation_id(&endpoint),
        endpoint,
        peer: format!("{number:032x}"),
        name: format!("node {number}"),
        first: NOON,
        last: NOON,
    }
}

fn line(at: i64, node: u16, event: LogEvent, peer: u16, data: &str) -> CollectorEvent {
    CollectorEvent::Line(Record {
        received: at,
        source: None,
        time: 0,
        level: Level::Info,
        event,
        node,
        peer,
        data: data.to_owned(),
    })
}

fn only(state: &State) -> &Node {
    let mut nodes = state.nodes();
    let (_, node) = nodes.next().expect("a node");
    assert!(nodes.next().is_none());
    node
}

#[test]
fn a_node_that_writes_before_it_enters_is_one_node() {
    let mut state = State::default();
    let node = interval(1);
    state.hear(&line(NOON, node.correlation, LogEvent::Join, 0, "chat"));
    let unseen = only(&state);
    assert_eq!(unseen.presence, Presence::Unseen);
    assert_eq!(unseen.name, format!("#{:04x}", node.correlation));

    state.hear(&CollectorEvent::Seen(node.clone()));
    state.hear(&line(NOON + 1, node.correlation, LogEvent::None, 0, "hello"));
    let seen = only(&state);
    assert_eq!((seen.presence, seen.name.as_str(), seen.lines), (Presence::Present, "node 1", 2));
    assert!(seen.groups.contains("chat"));

    state.hear(&CollectorEvent::Silent { peer: node.peer.clone() });
    state.hear(&CollectorEvent::Seen(node.clone()));
    assert_eq!(only(&state).presence, Presence::Silent, "it is still there, and does not answer");
    state.hear(&CollectorEvent::Returned { peer: node.peer.clone() });
    assert_eq!(only(&state).presence, Presence::Present);
    // What others still say of it does not bring it back into a group.
    state.hear(&CollectorEvent::Gone { peer: node.peer.clone(), at: NOON + 2 });
    state.hear(&line(NOON + 3, 9, LogEvent::Join, node.correlation, "late"));
    let (_, gone) = state.nodes().find(|(key, _)| *key == node.peer).expect("it is shown");
    assert_eq!((gone.presence, gone.groups.len()), (Presence::Gone, 0));
}

#[test]
fn memory_is_bounded_whatever_comes() {
    let mut state = State::default();
    for number in 0..2_500 {
        let node = interval(number);
        state.hear(&CollectorEvent::Seen(node.clone()));
        for group in 0..3 {
            let group = format!("group {number} {group}");
            state.hear(&line(NOON, node.correlation, LogEvent::Join, 0, &group));
        }
        state.hear(&CollectorEvent::Gone { peer: node.peer, at: NOON + i64::from(number) });
        // One that is not known, with any id.
        state.hear(&line(NOON, (number * 7 % 65_536) as u16, LogEvent::None, 0, "?"));
        state.warn("something");
    }
    assert!(state.nodes().count() <= NODES);
    assert!(state.warnings().len() <= WARNINGS);
    assert!(state.directory.all().count() <= Directory::LIVE);
    assert!(!state.is_crowded(), "those that have gone make room");

    let mut state = State::default();
    let node = interval(1);
    state.hear(&CollectorEvent::Seen(node.clone()));
    for group in 0..1000 {
        state.hear(&line(NOON, node.correlation, LogEvent::Join, 0, &format!("group {group}")));
    }
    assert!(only(&state).groups.len() <= 64);
    for number in 2..2_200 {
        state.hear(&CollectorEvent::Seen(interval(number)));
    }
    assert_eq!(state.nodes().count(), NODES);
    assert!(state.is_crowded());
}

#[test]
fn warnings_are_fit_for_a_terminal() {
    let mut state = State::default();
    let CollectorEvent::Line(record) = line(NOON, 5, LogEvent::Exit, 6, "\x1b[2J") else { return };
    state.hear(&CollectorEvent::Line(Record { level: Level::Error, ..record }));
    let warning = &state.warnings()[0];
    assert!(warning.error);
    assert_eq!((warning.who.as_str(), warning.text.as_str()), ("#0005 → #0006", "EXIT ␛[2J"));
}
