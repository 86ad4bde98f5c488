//! Who is a collector, and which lines are kept.

use super::*;

#[test]
fn a_collector_is_where_its_peer_is() {
    let endpoint = |text: &str| text.parse::<Endpoint>().unwrap();
    let peer = endpoint("tcp://10.0.0.7:49152");
    let own = Some(endpoint("tcp://10.0.0.7:49153").address());
    let at = |text: &str| collector(text, peer, own).map(|address| address.to_string());
    assert_eq!(at("tcp://10.0.0.7:9000"), Some("10.0.0.7:9000".to_owned()));
    for bad in [
        "",
        "10.0.0.7:9000",
        "udp://10.0.0.7:9000",
        "tcp://laptop:9000",
        "tcp://*:9000",
        "tcp://0.0.0.0:9000",
        "tcp://10.0.0.7",
        "tcp://10.0.0.7:0",
        "tcp://10.0.0.7:65536",
        "tcp://10.0.0.7:49152", // The peer's own mailbox.
        "tcp://10.0.0.7:49153", // Ours.
        "tcp://10.0.0.8:9000",  // Somebody else's door.
        "tcp://255.255.255.255:9000",
        "tcp://10.0.0.7:9000 ",
        "tcp://10.0.0.7:9000\0",
    ] {
        assert_eq!(at(bad), None, "{bad:?}");
    }
}

#[test]
fn the_last_lines_wait_for_a_collector_and_what_is_too_much_is_counted() {
    let mut state = State { level: Some(Level::Info), ..State::default() };
    let note = |number: usize| Note {
        level: Level::Info,
        event: LogEvent::None,
        peer: 0,
        data: number.to_string(),
    };
    for number in 0..BACKLOG + 10 {
        assert!(state.append(note(number)));
    }
    assert_eq!((state.lines.len(), state.lines[0].data.as_str()), (BACKLOG, "10"));
    state.watched = true;
    for number in 0..LINES {
        assert_eq!(state.append(note(number)), number < LINES - BACKLOG);
    }
    let lines = state.take();
    assert_eq!(lines.len(), LINES + 1);
    assert_eq!(lines[LINES].data, format!("{BACKLOG} lines of this log were lost"));
    assert!(state.take().is_empty());
}
