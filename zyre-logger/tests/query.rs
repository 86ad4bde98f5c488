//! Queries through the program, on a recording with a known story.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod common;

use std::io::{BufRead, BufReader};
use std::process::Stdio;

use common::{endpoint, folder, id, line, recording, run, seen, try_run};
use serde_json::Value;
use zyre_logger::store::Entry;
use zyre_logger::{LogEvent, Store};

/// The lines as JSON.
fn query(arguments: &[&str]) -> Vec<Value> {
    let folder = folder();
    let db = recording(folder.path());
    let text = run("query", &db, &[arguments, &["--output", "json"]].concat());
    text.lines().map(|line| serde_json::from_str(line).expect("a line is JSON")).collect()
}

fn count(arguments: &[&str]) -> usize {
    query(arguments).len()
}

#[test]
fn without_a_filter_all_lines_come_in_the_order_of_arrival() {
    let lines = query(&[]);
    assert_eq!(lines.len(), 12 + 100 + 20 + 4);
    assert!(lines.is_sorted_by_key(|line| line["id"].as_i64()));
    let first = &lines[2];
    assert_eq!(first["received"], "2026-03-01T12:00:01.001000Z");
    assert_eq!(first["time"], 1_772_366_401);
    assert_eq!((&first["level"], &first["event"]), (&"info".into(), &"ENTER".into()));
    assert_eq!(first["node"]["name"], "alice");
    assert_eq!(first["node"]["id"], "01".repeat(16));
    assert_eq!(first["node"]["correlation"], format!("{:04x}", id(1)));
    assert_eq!(first["peer"]["endpoint"], endpoint(2));
    assert_eq!(lines[4]["peer"], Value::Null);
}

#[test]
fn each_filter_filters() {
    assert_eq!(count(&["--since", "2026-03-01T12:01:00Z"]), 4);
    assert_eq!(count(&["--until", "2026-03-01T12:00:01Z"]), 2);
    assert_eq!(count(&["--since", "2026-03-01T12:00:01Z", "--until", "2026-03-01 12:00:02"]), 10);
    assert_eq!(count(&["--since", "10m"]), 0);
    assert_eq!(count(&["--event", "enter"]), 5);
    assert_eq!(count(&["--event", "enter,EXIT"]), 7);
    assert_eq!(count(&["--event", "none"]), 3);
    assert_eq!(count(&["--level", "warning"]), 3);
    assert_eq!(count(&["--level", "error"]), 1);
    assert_eq!(count(&["--text", "95 %"]), 1);
    assert_eq!(count(&["--text", "SLOW"]), 1);
    assert_eq!(count(&["--text", "_"]), 0);
    assert_eq!(count(&["--text", "shout", "--event", "recv"]), 50);
}

#[test]
fn nodes_are_named_in_four_ways() {
    let correlation = format!("#{:04x}", id(3));
    for name in ["carol", "0303", &endpoint(3), "10.0.0.3:49152", &correlation] {
        assert_eq!(count(&["--node", name]), 2, "{name}");
        assert_eq!(count(&["--peer", name]), 2, "{name}");
    }
    assert_eq!(count(&["--node", "carol", "--node", "watch"]), 2 + 6);
    assert_eq!(count(&["--node", "carol", "--peer", "alice"]), 1);

    let folder = folder();
    let db = recording(folder.path());
    let output = try_run("query", &db, &["--node", "nobody"]);
    let text = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(!output.status.success() && text.contains("alice, bob, carol, watch"), "{text}");
}

#[test]
fn a_limit_keeps_the_last() {
    let lines = query(&["--event", "enter", "--limit", "2"]);
    let peers: Vec<_> = lines.iter().map(|line| line["peer"]["name"].as_str().unwrap()).collect();
    assert_eq!(peers, ["alice", "carol"]);
}

#[test]
fn a_pair_stands_side_by_side() {
    let lines = query(&["--pair", "alice", "bob", "--until", "2026-03-01T12:00:05Z"]);
    let told: Vec<_> = lines
        .iter()
        .map(|line| (line["side"].as_str().unwrap(), line["event"].as_str().unwrap()))
        .collect();
    let expected = [
        ("a", "ENTER"),
        ("b", "ENTER"),
        ("a", "JOIN"),
        ("b", "JOIN"),
        ("b", "JOIN"),
        ("a", "JOIN"),
    ];
    assert_eq!(told, expected);

    let folder = folder();
    let db = recording(folder.path());
    let table = run("query", &db, &["--pair", "alice", "bob", "--until", "2026-03-01T12:00:01.1Z"]);
    let expected = "\
received                 alice                                        │ bob
2026-03-01 12:00:01.001  ENTER bob                                    │
2026-03-01 12:00:01.002                                               │ ENTER alice
2026-03-01 12:00:01.100  JOIN chat                                    │
";
    assert_eq!(table, expected);
}

#[test]
fn the_table_is_for_people() {
    let folder = folder();
    let db = recording(folder.path());
    let table = run("query", &db, &["--level", "warning"]);
    let expected = r#"received                 level    event  node              peer              data
2026-03-01 12:00:03.000  warning  NONE   carol                               disk "full", 95 %
2026-03-01 12:01:10.000  error    NONE   carol             alice             evil ␛[2J␍␊line
2026-03-01 12:01:15.000  warning  NONE   alice             carol             slow
"#;
    assert_eq!(table, expected);
}

#[test]
fn csv_keeps_what_came() {
    let folder = folder();
    let db = recording(folder.path());
    let text = run("query", &db, &["--level", "warning", "--output", "csv"]);
    let mut reader = csv::Reader::from_reader(text.as_bytes());
    let names: Vec<String> = reader.headers().unwrap().iter().map(str::to_owned).collect();
    let rows: Vec<csv::StringRecord> = reader.records().map(Result::unwrap).collect();
    assert_eq!(rows.len(), 3);
    let cell = |row: usize, name: &str| {
        rows[row].get(names.iter().position(|known| known == name).unwrap()).unwrap().to_owned()
    };
    assert_eq!(cell(0, "data"), "disk \"full\", 95 %");
    assert_eq!(cell(1, "data"), "evil \x1b[2J\r\nline");
    assert_eq!(cell(1, "node_name"), "carol");
    assert_eq!(cell(1, "peer_endpoint"), endpoint(1));
    assert_eq!(cell(2, "received"), "2026-03-01T12:01:15.000000Z");
}

#[test]
fn json_holds_no_control_characters_and_loses_none() {
    let folder = folder();
    let db = recording(folder.path());
    let evil = "\u{9b}31m\u{7f}\u{202e}\x07";
    let entry = Entry::Record(line(80_000, 1, LogEvent::None, 0, evil));
    Store::create(&db).unwrap().write(&[entry]).unwrap();
    let text = run("query", &db, &["--output", "json", "--limit", "1"]);
    assert!(!text.trim_end().contains(|c: char| c.is_control() || c == '\u{202e}'), "{text:?}");
    let value: Value = serde_json::from_str(&text).unwrap();
    assert_eq!(value["data"], evil);
}

#[test]
fn ids_that_collide_say_so() {
    let folder = folder();
    let db = folder.path().join("collision.db");
    let mut store = Store::create(&db).unwrap();
    let mut other = seen("mallory", 8, 0, 100);
    if let Entry::Seen(interval) = &mut other {
        interval.correlation = id(2);
    }
    let entries = [
        seen("bob", 2, 0, 100),
        other,
        Entry::Record(line(1000, 1, LogEvent::Enter, 2, "")),
        Entry::Record(line(1001, 2, LogEvent::Enter, 1, "")),
    ];
    store.write(&entries).unwrap();
    let table = run("query", &db, &[]);
    assert!(table.contains("bob|mallory"), "{table}");
    let json = run("query", &db, &["--output", "json"]);
    let lines: Vec<Value> = json.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(lines[0]["peer"]["ambiguous"].as_array().map(Vec::len), Some(2));
    // The address that a line came from tells who wrote it.
    assert_eq!(lines[1]["node"]["name"], "bob");
    assert_eq!(run("query", &db, &["--peer", "mallory"]).lines().count(), 2);
    assert_eq!(run("query", &db, &["--node", "mallory"]).lines().count(), 1);
}

#[test]
fn follow_tells_what_comes() {
    let folder = folder();
    let db = recording(folder.path());
    let mut child = common::program()
        .args(["query", "--follow", "--event", "exit", "--output", "json", "--db"])
        .arg(&db)
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let mut next = || {
        let line = lines.next().expect("a line comes").unwrap();
        serde_json::from_str::<Value>(&line).unwrap()["received"].as_str().unwrap().to_owned()
    };
    assert_eq!([next(), next()], ["2026-03-01T12:01:00.000000Z", "2026-03-01T12:01:00.001000Z"]);
    let mut store = Store::create(&db).unwrap();
    for (at, event) in [(90_000, LogEvent::Enter), (91_000, LogEvent::Exit)] {
        store.write(&[Entry::Record(line(at, 1, event, 3, ""))]).unwrap();
    }
    assert_eq!(next(), "2026-03-01T12:01:31.000000Z");
    child.kill().unwrap();
    child.wait().unwrap();
}

#[test]
fn a_wrong_file_is_told_by_what_is_wrong() {
    let folder = folder();
    let failure = |name: &str| {
        let output = try_run("query", &folder.path().join(name), &[]);
        assert_eq!(output.status.code(), Some(1));
        String::from_utf8(output.stderr).unwrap()
    };
    assert!(failure("missing.db").contains("there is no"));
    assert!(!folder.path().join("missing.db").exists());
    std::fs::write(folder.path().join("text.db"), "this is not a database, it is just a text")
        .unwrap();
    assert!(failure("text.db").contains("file is not a database"));
    std::fs::write(folder.path().join("empty.db"), "").unwrap();
    assert!(failure("empty.db").contains("holds no log"));
}
