//! The comparison of a file with the history of a run, with known differences.

use std::path::Path;

use LogEvent::{Enter, Exit};
use serde_json::{Value, json};
use tempfile::tempdir;
use zyre_logger::moment::SECOND;
use zyre_logger::store::Entry;
use zyre_logger::{Level, LogEvent, NodeInterval, Record, Store, correlation_id};

use super::comparison::Comparison;
use super::history::History;
use super::{Options, matching};

/// 2026-03-01T12:00:00Z, in microseconds.
const NOON: i64 = 1_772_366_400_000_000;

fn endpoint(host: u8) -> String {
    format!("tcp://10.0.0.{host}:49152")
}

/// The correlation id of the node on a host.
fn correlation(host: u8) -> u16 {
    correlation_id(&endpoint(host))
}

/// What the collector has seen of the node on a host.
fn seen(host: u8) -> Entry {
    Entry::Seen(NodeInterval {
        correlation: correlation(host),
        endpoint: endpoint(host),
        peer: id(host),
        name: name(host),
        first: NOON,
        last: NOON + 31 * SECOND,
    })
}

/// A line of a node, a number of milliseconds after noon.
fn line(at: i64, node: u8, event: LogEvent, peer: u8, data: &str) -> Record {
    let received = NOON + at * 1000;
    Record {
        received,
        source: Some([10, 0, 0, node].into()),
        time: u64::try_from(received / SECOND).unwrap(),
        level: Level::Info,
        event,
        node: correlation(node),
        peer: correlation(peer),
        data: data.to_owned(),
    }
}

/// What chaos writes about a node on a host, a number of milliseconds after noon.
fn wrote(at: i64, host: u8, event: &str, mut more: Value) -> Value {
    let time = NOON + at * 1000;
    more["time"] = json!(time);
    more["event"] = json!(event);
    if host > 0 {
        more["node"] = json!(id(host));
    }
    more
}

fn id(host: u8) -> String {
    format!("{host:02x}").repeat(16)
}

fn name(host: u8) -> String {
    format!("node-{host}.1")
}

fn start(at: i64, host: u8) -> Value {
    wrote(at, host, "start", json!({"name": name(host), "endpoint": endpoint(host)}))
}

fn enter(at: i64, host: u8, peer: u8) -> Value {
    let more = json!({"peer": id(peer), "name": name(peer), "endpoint": endpoint(peer)});
    wrote(at, host, "enter", more)
}

fn exit(at: i64, host: u8, peer: u8, reason: &str) -> Value {
    let more = json!({"peer": id(peer), "reason": reason, "endpoint": endpoint(peer)});
    wrote(at, host, "exit", more)
}

/// Three nodes and the collector, on host 9: the second one leaves and comes again, and the third
/// one dies 20 seconds after noon.
fn history() -> Vec<Value> {
    let mut lines = vec![
        wrote(0, 0, "order", json!({"name": name(1)})),
        start(10, 1),
        enter(100, 1, 9),
        start(120, 2),
        enter(200, 2, 9),
        start(220, 3),
        enter(300, 3, 9),
        enter(1_000, 1, 2),
        enter(1_001, 2, 1),
        enter(2_000, 1, 3),
        exit(5_000, 1, 2, "goodbye"),
        enter(6_000, 1, 2),
        exit(9_000, 1, 2, "goodbye"),
        enter(12_000, 3, 1),
        exit(19_700, 3, 1, "link lost"),
        wrote(20_000, 3, "crash", json!({})),
        wrote(20_001, 3, "end", json!({"recorded": 3, "dropped": 0})),
        wrote(30_000, 1, "stop", json!({})),
        wrote(30_001, 1, "end", json!({"recorded": 8, "dropped": 0})),
    ];
    lines.push(wrote(31_000, 0, "over", json!({})));
    lines
}

/// The lines of the collector's file that belong to a history.
fn lines_of(history: &[Value]) -> Vec<Record> {
    let host = |id: &Value| u8::from_str_radix(&id.as_str().unwrap()[..2], 16).unwrap();
    let mut lines = Vec::new();
    for wrote in history {
        let (event, data) = match wrote["event"].as_str().unwrap() {
            "enter" => (Enter, &wrote["name"]),
            "exit" => (Exit, &wrote["reason"]),
            _ => continue,
        };
        let at = (wrote["time"].as_i64().unwrap() - NOON) / 1000;
        let data = data.as_str().unwrap();
        lines.push(line(at, host(&wrote["node"]), event, host(&wrote["peer"]), data));
    }
    lines
}

fn write(folder: &Path, history: &[Value], lines: &[Record]) {
    let text: Vec<String> = history.iter().map(ToString::to_string).collect();
    std::fs::write(folder.join("history"), text.join("\n")).unwrap();
    let mut store = Store::create(&folder.join("a.db")).unwrap();
    store.write(&[1, 2, 3, 9].map(seen)).unwrap();
    // What the collector itself has seen is none of this.
    let own = [line(50, 9, Enter, 1, "node-1.1"), line(60, 1, LogEvent::Join, 2, "group")];
    let lines = own.iter().chain(lines).cloned().map(Entry::Record);
    store.write(&lines.collect::<Vec<_>>()).unwrap();
}

fn compare(history: &[Value], lines: &[Record]) -> Comparison {
    let folder = tempdir().unwrap();
    write(folder.path(), history, lines);
    let store = Store::open(&folder.path().join("a.db")).unwrap();
    let history = History::read(&folder.path().join("history")).unwrap();
    matching::compare(&store, &history).unwrap()
}

/// Missing, surplus, and what was excused for each reason.
fn figures(of: &Comparison) -> [usize; 5] {
    [of.missing.len(), of.surplus.len(), of.last_moment, of.no_collector, of.untold]
}

#[test]
fn the_same_story_is_the_same() {
    let history = history();
    let found = compare(&history, &lines_of(&history));
    assert_eq!(figures(&found), [0; 5]);
    assert_eq!((found.told, found.recorded, found.same), (11, 11, 11));
    assert_eq!((found.ambiguous, found.left_out), (0, 1));
}

#[test]
fn every_line_that_is_dropped_is_missed() {
    let history = history();
    let lines = lines_of(&history);
    for dropped in 0..lines.len() {
        let mut rest = lines.clone();
        let gone = rest.remove(dropped);
        let found = compare(&history, &rest);
        // The last moment of the third node begins half a second before its end.
        let excused = gone.received >= NOON + 19_500_000;
        assert_eq!(figures(&found), [usize::from(!excused), 0, usize::from(excused), 0, 0]);
        assert_eq!(found.same, 10);
    }
}

#[test]
fn every_line_that_is_there_twice_is_too_much() {
    let history = history();
    let lines = lines_of(&history);
    for twice in 0..lines.len() {
        let mut more = lines.clone();
        more.insert(twice, lines[twice].clone());
        let excused = lines[twice].received >= NOON + 19_500_000;
        let expected = [0, usize::from(!excused), 0, 0, usize::from(excused)];
        assert_eq!(figures(&compare(&history, &more)), expected, "{:?}", lines[twice]);
    }
}

#[test]
fn what_is_in_another_order_or_says_something_else_is_not_the_same() {
    let history = history();
    let lines = lines_of(&history);
    let place = |at: i64| {
        let found = lines.iter().position(|line| line.received == NOON + at * 1000);
        found.unwrap()
    };
    let mut wrong = lines.clone();
    // The EXIT arrives before its ENTER. Both fit the time.
    let first = wrong[place(5_000)].clone();
    wrong[place(1_000)].time = first.time;
    let mut told = history.clone();
    told[7]["time"] = json!(NOON + 4_995_000);
    assert_eq!(figures(&compare(&told, &wrong)), [0; 5]);
    wrong.swap(place(1_000), place(5_000));
    assert_eq!(figures(&compare(&told, &wrong)), [1, 1, 0, 0, 0]);

    let changes: [fn(&mut Record); 6] = [
        |line| line.data = "expired".to_owned(),
        |line| line.event = Enter,
        |line| line.peer = correlation(3),
        |line| line.node = correlation(2),
        |line| line.time += 1,
        |line| line.time -= 5,
    ];
    for (number, change) in changes.iter().enumerate() {
        let mut wrong = lines.clone();
        change(&mut wrong[place(5_000)]);
        assert_eq!(figures(&compare(&history, &wrong)), [1, 1, 0, 0, 0], "change {number}");
    }
}

#[test]
fn a_stall_before_the_end_is_no_time_to_send() {
    let mut history = history();
    let at = history.iter().position(|line| line["event"] == "crash").unwrap();
    // It was told of the EXIT half a second and more before it died, and then did nothing.
    history[at]["time"] = json!(NOON + 25 * SECOND);
    let lines: Vec<Record> =
        lines_of(&history).into_iter().filter(|line| line.received < NOON + 19_700_000).collect();
    assert_eq!(figures(&compare(&history, &lines)), [1, 0, 0, 0, 0]);
    history.insert(at, wrote(19_800, 3, "stall", json!({"until": NOON + 25 * SECOND})));
    assert_eq!(figures(&compare(&history, &lines)), [0, 0, 1, 0, 0]);
}

#[test]
fn what_a_node_keeps_for_a_collector_is_lost_with_it() {
    let mut history = history();
    let met = |line: &Value| line["node"] == id(3) && line["peer"] == id(9);
    history.retain(|line| !met(line));
    let third = correlation(3);
    let lines: Vec<Record> =
        lines_of(&history).into_iter().filter(|line| line.node != third).collect();
    assert_eq!(figures(&compare(&history, &lines)), [0, 0, 1, 1, 0]);
}

#[test]
fn a_node_that_was_killed_before_it_could_tell_may_have_recorded() {
    let mut history = history();
    let story = lines_of(&history);
    // Of the third one nothing is known but that it was to start, and that another was killed.
    history.retain(|line| line["node"] != id(3));
    history.insert(1, wrote(1, 0, "order", json!({"name": name(3)})));
    let kill = wrote(19_000, 2, "kill", json!({}));
    history.insert(history.len() - 1, kill);
    // Its last line was two seconds and less after that.
    assert_eq!(figures(&compare(&history, &story)), [0, 2, 0, 0, 1]);
}

#[test]
fn pairs_that_share_their_ids_are_told_apart_by_time() {
    let mut history = history();
    // A fourth one comes to the endpoint of the third one, after it.
    let mut fourth = [start(22_000, 3), enter(22_100, 3, 9), enter(22_200, 3, 1)];
    fourth.iter_mut().for_each(|line| line["node"] = json!(id(4)));
    fourth[0]["name"] = json!(name(4));
    let lines = lines_of(&[history.clone(), fourth.to_vec()].concat());
    let lines: Vec<Record> = lines
        .into_iter()
        .map(|line| {
            if line.node == correlation(4) { Record { node: correlation(3), ..line } } else { line }
        })
        .collect();
    let end = history.len() - 1;
    history.splice(end..end, fourth);
    let found = compare(&history, &lines);
    assert_eq!((figures(&found), found.same, found.ambiguous), ([0; 5], 13, 0));
    let found = compare(&history, &lines[..12]);
    assert_eq!(figures(&found), [1, 0, 0, 0, 0]);
}

#[test]
fn a_node_that_dies_gets_no_line_of_the_next_one_at_its_endpoint() {
    let mut history = history();
    let at = history.iter().position(|line| line["event"] == "crash").unwrap();
    history[at]["time"] = json!(NOON + 20_500_000);
    history.insert(at, enter(20_400, 3, 1));
    let own = lines_of(&history);
    for next in [20_600, 20_900] {
        let mut fourth = [start(next, 3), enter(next + 50, 3, 9), enter(next + 200, 3, 1)];
        fourth.iter_mut().for_each(|line| line["node"] = json!(id(4)));
        fourth[0]["name"] = json!(name(4));
        let mut told = history.clone();
        let end = told.len() - 1;
        told.splice(end..end, fourth);
        // In the same second, or in the next one.
        let of_fourth =
            [line(next + 50, 3, Enter, 9, &name(9)), line(next + 200, 3, Enter, 1, &name(1))];
        let all = [own.clone(), of_fourth.to_vec()].concat();
        assert_eq!(figures(&compare(&told, &all)), [0; 5], "{next}");
        // The last line of the third one has not come: that is not the fourth one's fault.
        let last = NOON + 20_400_000;
        let rest: Vec<Record> = all.into_iter().filter(|line| line.received != last).collect();
        assert_eq!(figures(&compare(&told, &rest)), [0, 0, 1, 0, 0], "{next}");
    }
}

#[test]
fn the_program_fails_if_there_is_a_difference() {
    let history = history();
    let lines = lines_of(&history);
    let compare = |lines: &[Record], history: &[Value]| {
        let folder = tempdir().unwrap();
        write(folder.path(), history, lines);
        let (db, history) = (folder.path().join("a.db"), folder.path().join("history"));
        super::run(&Options { db, history })
    };
    assert_eq!(compare(&lines, &history), Ok(true));
    let error = compare(&lines[1..], &history).unwrap_err();
    assert!(error.contains("1 missing, 0 surplus"), "{error}");
    let error = compare(&lines, &history[..history.len() - 1]).unwrap_err();
    assert!(error.contains("has not come to its end"), "{error}");
    let error = compare(&[], &history[history.len() - 1..]).unwrap_err();
    assert!(error.contains("nothing to compare"), "{error}");
    // A last moment that is all there is.
    let mut died = history.clone();
    died.retain(|line| line["node"] != id(1) && line["node"] != id(2));
    died.iter_mut().filter(|line| line["event"] == "crash").for_each(|line| {
        line["time"] = json!(NOON + 250_000);
    });
    let error = compare(&[], &died).unwrap_err();
    assert!(error.contains("3 of 3 ENTERs and EXITs are excused"), "{error}");
    let error = compare(&[], &[json!({"event": "exit"})]).unwrap_err();
    assert!(error.contains("line 1: missing field"), "{error}");
}

#[test]
fn what_differs_is_shown() {
    let history = history();
    let said = compare(&history, &lines_of(&history)).to_string();
    assert!(said.contains("11 the same"), "{said}");
    let said = compare(&history, &lines_of(&history)[1..]).to_string();
    assert!(said.contains("missing: 2026-03-01T12:00:00.100000Z node-1.1"), "{said}");
}
