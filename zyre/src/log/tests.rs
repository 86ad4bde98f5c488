//! Who is a collector, and which lines are kept.

use zre_proto::UnreachableReason;

use super::*;

#[test]
fn a_collector_is_where_its_peer_is() {
    let endpoint = |text: &str| text.parse::<Endpoint>().unwrap();
    let key = "rq:rM>}U?@Lns47E1%kR.o@n%FcmmsL/@{H8]yf7".parse().ok();
    let peer = endpoint("tcp://10.0.0.7:49152");
    let own = Some(endpoint("tcp://10.0.0.7:49153").address());
    let at = |text: &str| collector(text, peer, own).map(|endpoint| endpoint.to_string());
    assert_eq!(at("tcp://10.0.0.7:9000"), Some("tcp://10.0.0.7:9000".to_owned()));
    // And has its key, whatever the header says.
    let told = format!("tcp://10.0.0.7:9000|{}", "0".repeat(40));
    assert_eq!(at(&told), Some("tcp://10.0.0.7:9000".to_owned()));
    let proved = collector(&told, peer.with_key(key), own);
    assert_eq!(proved.and_then(|it| it.key()), key);
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
        "tcp://10.0.0.8:9000",  // The port of another host.
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
    let draft = |number: usize| Draft {
        level: Level::Info,
        event: LogEvent::None,
        peer: 0,
        data: number.to_string(),
    };
    for number in 0..MAX_BACKLOG_LINES + 10 {
        assert!(state.push(draft(number)));
    }
    assert_eq!((state.lines.len(), state.lines[0].data.as_str()), (MAX_BACKLOG_LINES, "10"));
    state.watched = true;
    for number in 0..MAX_QUEUED_LINES {
        assert_eq!(state.push(draft(number)), number < MAX_QUEUED_LINES - MAX_BACKLOG_LINES);
    }
    let lines = state.take();
    assert_eq!(lines.len(), MAX_QUEUED_LINES + 1);
    assert_eq!(
        lines[MAX_QUEUED_LINES].data,
        format!("{MAX_BACKLOG_LINES} lines of this log were lost")
    );
    assert!(state.take().is_empty());
}

#[test]
fn what_the_user_has_to_act_on_is_a_warning_and_a_return_is_none() {
    let mut state = State { level: Some(Level::Info), ..State::default() };
    let endpoint: Endpoint = "tcp://10.0.0.7:49152".parse().unwrap();
    let (peer, name) = (PeerId::new([7; 16]), Arc::<str>::from("n"));
    let why = UnreachableReason::NoRoute;
    let unreachable = Event::Unreachable { peer, endpoint, why };
    let draft = state.draft_of_event(&unreachable).expect("a line");
    assert_eq!((draft.level, draft.event), (Level::Warning, LogEvent::None));
    assert_eq!(draft.peer, correlation_id("tcp://10.0.0.7:49152"), "as its own lines have it");
    assert_eq!(draft.data, "tcp://10.0.0.7:49152 cannot be met: no route");

    state.enter(peer, Arc::clone(&name), &Headers::new(), endpoint);
    let draft = state.draft_of_event(&Event::Returned { peer, name }).expect("a line");
    assert_eq!((draft.level, draft.event), (Level::Info, LogEvent::None));
    assert_eq!((draft.peer, draft.data.as_str()), (state.peer(peer), "n is back"));
}
