//! Statistics of a recording with a known story.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod common;

use common::{NOON, SECOND, endpoint, folder, line, recording, run, seen};
use zyre_logger::stats::{NodeStats, Stats};
use zyre_logger::store::Entry;
use zyre_logger::{LogEvent, Record, Store};

fn node<'a>(stats: &'a Stats, name: &str) -> &'a NodeStats {
    let mut found = stats.nodes.iter().filter(|node| node.name == name);
    let node = found.next().unwrap_or_else(|| panic!("no {name} in {stats:#?}"));
    assert!(found.next().is_none(), "{name} twice");
    node
}

#[test]
fn the_table_tells_the_story() {
    let folder = folder();
    let db = recording(folder.path());
    let table = run("stats", &db, &[]);
    let expected = "\
2026-03-01 12:00:00.000 to 2026-03-01 12:01:15.000 (75.0 s): 136 lines, 3 nodes

node   sessions  open  median    mean  longest  joins  leaves  sent  received  sent/s  received/s
alice         0     2       -       -        -      1       0    50        10    0.67        0.13
bob           2     0  59.0 s  59.0 s   59.0 s      1       0    10        50    0.13        0.67
carol         0     1       -       -        -      0       0     0         0    0.00        0.00
all           2     3  59.0 s  59.0 s   59.0 s      2       0    60        60    0.80        0.80

group  joins  leaves  sent  received  sent/s  received/s
chat       2       0    50        50    0.67        0.67
";
    let legend = table.strip_prefix(expected).unwrap_or_else(|| panic!("{table}"));
    assert!(legend.contains("\nopen       seen to enter, and not to exit"), "{legend}");
    let half = run("stats", &db, &["--until", "2026-03-01T12:00:30Z"]);
    assert!(
        half.contains("(30.0 s)") && half.contains("chat       2       0    21        20"),
        "{half}"
    );
}

/// A file with these lines, and three nodes that were there all the time.
fn stats_of(lines: Vec<Record>) -> Stats {
    let folder = folder();
    let mut store = Store::create(&folder.path().join("a.db")).unwrap();
    let nodes = [("alice", 1), ("bob", 2), ("carol", 3)];
    let mut entries = nodes.map(|(name, host)| seen(name, host, 0, 1000)).to_vec();
    entries.extend(lines.into_iter().map(Entry::Record));
    store.write(&entries).unwrap();
    Stats::read(&store, None, None).unwrap()
}

#[test]
fn a_session_is_from_enter_to_the_next_exit_of_one_observer() {
    use LogEvent::{Enter, Exit};
    let mut stats = stats_of(vec![
        line(0, 1, Enter, 2, ""),
        line(1_000, 3, Enter, 2, ""),
        line(5_000, 1, Exit, 2, ""),
        line(5_500, 1, Exit, 2, "a second exit is none"),
        line(7_000, 1, Enter, 2, ""),
        line(8_000, 1, Enter, 2, "the exit before was lost"),
        line(9_000, 1, Exit, 2, ""),
        line(9_500, 3, Exit, 1, "an exit without enter"),
    ]);
    let bob = stats.nodes.iter_mut().find(|node| node.name == "bob").unwrap();
    assert_eq!(bob.sessions.quantile(0.5), Some(5 * SECOND));
    assert_eq!(bob.sessions.ended, [SECOND, 5 * SECOND]);
    assert_eq!(bob.sessions.mean(), Some(3 * SECOND));
    // What carol saw goes on, and one exit was lost.
    assert_eq!(bob.sessions.open, 2);
    assert!(!stats.nodes.iter().any(|node| node.name == "alice"));
}

#[test]
fn an_exit_after_the_endpoint_was_taken_over_ends_the_old_session() {
    let folder = folder();
    let mut store = Store::create(&folder.path().join("a.db")).unwrap();
    let mut newer = seen("newer", 2, 11, 1000);
    if let Entry::Seen(interval) = &mut newer {
        interval.peer = "ee".repeat(16);
    }
    let lines = [
        line(1_000, 1, LogEvent::Enter, 2, ""),
        line(12_000, 1, LogEvent::Exit, 2, ""),
        line(13_000, 1, LogEvent::Enter, 2, ""),
    ];
    let mut entries = vec![seen("alice", 1, 0, 1000), seen("older", 2, 0, 10), newer];
    entries.extend(lines.map(Entry::Record));
    store.write(&entries).unwrap();
    assert_eq!(endpoint(2), "tcp://10.0.0.2:49152");
    let stats = Stats::read(&store, None, None).unwrap();
    assert_eq!(node(&stats, "older").sessions.ended, [11 * SECOND]);
    assert_eq!(node(&stats, "newer").sessions.open, 1);
}

#[test]
fn lines_that_came_all_at_once_are_told_apart_by_the_nodes_clock() {
    let mut lines = vec![line(0, 1, LogEvent::Enter, 2, ""), line(1, 1, LogEvent::Exit, 2, "")];
    lines[0].time -= 100;
    lines[1].time -= 40;
    let stats = stats_of(lines);
    assert_eq!(node(&stats, "bob").sessions.ended, [60 * SECOND]);
}

#[test]
fn an_empty_file_has_no_figures_and_no_failure() {
    let stats = stats_of(Vec::new());
    assert_eq!((stats.lines, stats.nodes.len()), (0, 0));
    assert!(stats.time.0 <= NOON);
}

#[cfg(feature = "plot")]
#[test]
fn the_picture_is_svg_and_shows_what_there_is() {
    let folder = folder();
    let db = recording(folder.path());
    let evil = Record { data: "SHOUT <g>&".to_owned(), ..line(76_000, 1, LogEvent::Recv, 2, "") };
    let mut hostile = seen("<b>&\"\x1b", 4, 0, 80);
    if let Entry::Seen(interval) = &mut hostile {
        interval.first = NOON;
    }
    let by_hostile = line(76_500, 4, LogEvent::Send, 1, "WHISPER alice");
    let entries = [hostile, Entry::Record(evil), Entry::Record(by_hostile)];
    Store::create(&db).unwrap().write(&entries).unwrap();
    let plot = folder.path().join("plot.svg");
    run("stats", &db, &["--plot", plot.to_str().unwrap()]);
    let svg = std::fs::read_to_string(&plot).unwrap();
    for text in ["events a second", "ENTER", "RECV", "sessions by length", "alice", "bob"] {
        assert!(svg.contains(text), "no {text}");
    }
    assert!(svg.contains("&lt;b&gt;&amp;") && !svg.contains("<b>") && !svg.contains('\x1b'));
    assert!(!svg.contains("no messages were logged"));
    // Every element is closed.
    assert_eq!(svg.matches("<text").count(), svg.matches("</text>").count());

    let output = common::try_run("stats", &db, &["--plot", "plot.png"]);
    assert!(!output.status.success());
    assert!(String::from_utf8_lossy(&output.stderr).contains(".svg"));
}
