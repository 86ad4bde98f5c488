//! The file: versions, bounds, what it takes.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod common;

use std::net::IpAddr;
use std::path::Path;
use std::time::Duration;

use common::{NOON, SECOND, endpoint, folder, id, line, recording, story};
use rusqlite::Connection;
use zyre_logger::store::{Bounds, Entry, Item, Position, StoreError, VERSION};
use zyre_logger::{Change, Entered, LogEvent, Record, Store, Stored, What};

fn whole(path: &Path) -> bool {
    let connection = Connection::open(path).unwrap();
    let check: String =
        connection.query_row("PRAGMA integrity_check", [], |row| row.get(0)).unwrap();
    check == "ok"
}

#[test]
fn what_is_written_is_read() {
    let folder = folder();
    let path = recording(folder.path());
    let written: Vec<Record> = story()
        .into_iter()
        .filter_map(|entry| if let Entry::Record(record) = entry { Some(record) } else { None })
        .collect();
    let store = Store::open(&path).unwrap();
    let read = store.after(0, usize::MAX).unwrap();
    assert!(read.is_sorted_by_key(|stored| stored.id));
    assert_eq!(read.into_iter().map(|stored| stored.record).collect::<Vec<_>>(), written);
    assert_eq!(store.span().unwrap(), Some((NOON, NOON + 75 * SECOND)));
    assert_eq!(store.directory().unwrap().name(id(2), NOON + 2 * SECOND, None), "bob");
    assert!(whole(&path));
}

#[test]
fn odd_values_are_kept_as_far_as_sqlite_goes() {
    let folder = folder();
    let path = folder.path().join("odd.db");
    let source: IpAddr = "fe80::1".parse().unwrap();
    let odd = Record {
        time: u64::MAX,
        event: LogEvent::Other(200),
        node: u16::MAX,
        source: Some(source),
        data: "\0'; DROP TABLE events; --\u{1f980}".to_owned(),
        ..line(0, 1, LogEvent::None, 0, "")
    };
    Store::create(&path).unwrap().write(&[Entry::Record(odd.clone())]).unwrap();
    let read = Store::open(&path).unwrap().after(0, 9).unwrap();
    assert_eq!(read[0].record, Record { time: i64::MAX as u64, ..odd });
}

#[test]
fn a_file_is_continued() {
    let folder = folder();
    let path = recording(folder.path());
    let before = Store::open(&path).unwrap().after(0, usize::MAX).unwrap().len();
    let mut store = Store::create(&path).unwrap();
    store.write(&[Entry::Record(line(90_000, 1, LogEvent::None, 0, "again"))]).unwrap();
    let all = store.after(0, usize::MAX).unwrap();
    assert_eq!((all.len(), all[before].record.data.as_str()), (before + 1, "again"));
}

#[test]
fn a_newer_file_is_left_alone() {
    let folder = folder();
    let path = recording(folder.path());
    let connection = Connection::open(&path).unwrap();
    connection.pragma_update(None, "user_version", VERSION + 1).unwrap();
    drop(connection);
    for opened in [Store::create(&path), Store::open(&path)] {
        let error = opened.expect_err("it is newer");
        assert!(matches!(error, StoreError::Newer { found, .. } if found == VERSION + 1));
        assert!(error.to_string().contains("use a newer zyre-logger"), "{error}");
    }
}

#[test]
fn a_file_of_another_program_is_left_alone() {
    let folder = folder();
    let path = folder.path().join("other.db");
    Connection::open(&path).unwrap().execute_batch("CREATE TABLE mine (a)").unwrap();
    let before = std::fs::read(&path).unwrap();
    for opened in [Store::create(&path), Store::open(&path)] {
        assert!(matches!(opened, Err(StoreError::Foreign(_))));
    }
    assert_eq!(std::fs::read(&path).unwrap(), before);
}

#[test]
fn an_older_version_is_brought_up_to_date() {
    // Version 0 is an empty file.
    let folder = folder();
    let path = folder.path().join("empty.db");
    std::fs::write(&path, "").unwrap();
    assert!(matches!(Store::open(&path), Err(StoreError::Empty(_))));
    drop(Store::create(&path).unwrap());
    let version: i64 = Connection::open(&path)
        .unwrap()
        .pragma_query_value(None, "user_version", |row| row.get(0))
        .unwrap();
    assert_eq!(version, VERSION);
    assert!(Store::open(&path).unwrap().after(0, 1).unwrap().is_empty());
}

#[test]
fn old_records_go() {
    let folder = folder();
    let mut store = Store::create(&recording(folder.path())).unwrap();
    let bounds = Bounds { age: Some(Duration::from_secs(15)), bytes: None };
    let pruned = store.prune(&bounds, NOON + 75 * SECOND).unwrap();
    assert!(!pruned.more);
    let left = store.after(0, usize::MAX).unwrap();
    assert_eq!(left.len(), 4);
    assert!(left.iter().all(|stored| stored.record.received >= NOON + 60 * SECOND));
    // Bob was last seen at 60, which is just within.
    assert_eq!(store.directory().unwrap().all().count(), 4);
    store.prune(&bounds, NOON + 76 * SECOND).unwrap();
    assert_eq!(store.directory().unwrap().all().count(), 3);
}

#[test]
fn a_large_file_shrinks_a_step_at_a_time() {
    let folder = folder();
    let path = folder.path().join("large.db");
    let mut store = Store::create(&path).unwrap();
    let data = "x".repeat(200);
    let batch: Vec<Entry> =
        (0..1000).map(|i| Entry::Record(line(i, 1, LogEvent::None, 0, &data))).collect();
    for _ in 0..20 {
        store.write(&batch).unwrap();
    }
    let bounds = Bounds { age: None, bytes: Some(2 << 20) };
    let mut steps = 0;
    loop {
        let pruned = store.prune(&bounds, NOON).unwrap();
        assert!(pruned.records <= 5_000);
        steps += 1;
        if !pruned.more {
            break;
        }
    }
    assert!(steps > 1);
    let left = store.after(0, usize::MAX).unwrap();
    assert!(!left.is_empty() && left.len() < 20_000);
    assert_eq!(left.last().unwrap().id, 20_000, "the newest stay");
    // Again with the same ids would confuse a reader that follows.
    store.write(&batch[..1]).unwrap();
    assert_eq!(store.after(20_000, 9).unwrap()[0].id, 20_001);
    let connection = store.connection();
    connection.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(())).unwrap();
    drop(store);
    let size = std::fs::metadata(&path).unwrap().len();
    assert!(size <= 2 << 20, "{size}");
    assert!(whole(&path));
}

#[test]
fn losses_are_remembered() {
    let folder = folder();
    let path = recording(folder.path());
    let mut store = Store::create(&path).unwrap();
    store.write(&[Entry::Lost { at: NOON + SECOND, lines: 42 }]).unwrap();
    assert_eq!(store.lost(0, i64::MAX).unwrap(), 42);
    assert_eq!(store.lost(NOON + 2 * SECOND, i64::MAX).unwrap(), 0);
    let output = common::try_run("query", &path, &["--limit", "1"]);
    let text = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.success() && text.contains("42 lines"), "{text}");
}

/// What the collector of the story has seen, at its place among the lines.
fn change(at: i64, host: u8, what: What) -> Entry {
    Entry::Change(Change { at: NOON + at * SECOND, peer: format!("{host:02x}").repeat(16), what })
}

fn tape(store: &Store) -> Vec<Item> {
    let (mut items, mut position) = (Vec::new(), Position::default());
    loop {
        // A few at a time: what belongs together may be read in parts.
        let part = store.tape(position, 3).unwrap();
        let Some((last, _)) = part.last() else { return items };
        position = *last;
        items.extend(part.into_iter().map(|(_, item)| item));
    }
}

#[test]
fn a_tape_is_in_the_order_of_arrival() {
    let folder = folder();
    let mut store = Store::create(&folder.path().join("a.db")).unwrap();
    let entered = Entered {
        correlation: id(1),
        endpoint: endpoint(1),
        name: "<alice>".to_owned(),
        key: Some("KEY".to_owned()),
        headers: [("X-A".to_owned(), "\"b\"".to_owned())].into(),
    };
    let text = |at: i64| line(at * 1000, 1, LogEvent::None, 0, "text");
    let entries = [
        change(0, 9, What::Begun),
        change(1, 1, What::Entered(Box::new(entered))),
        Entry::Record(text(1)),
        Entry::Record(text(1)),
        change(1, 1, What::Evasive),
        change(1, 1, What::Returned),
        Entry::Record(text(1)),
        // The clock was set back.
        Entry::Record(text(0)),
        Entry::Lost { at: NOON, lines: 7 },
        change(2, 1, What::Silent),
        change(2, 1, What::Gone { reason: "link lost".to_owned() }),
    ];
    for batch in entries.chunks(4) {
        store.write(batch).unwrap();
    }
    let mut id = 0;
    let expected: Vec<Item> = entries
        .into_iter()
        .map(|entry| match entry {
            Entry::Record(record) => {
                id += 1;
                Item::Line(Stored { id, record })
            }
            Entry::Change(change) => Item::Change(change),
            Entry::Lost { at, lines } => {
                Item::Change(Change { at, peer: String::new(), what: What::Lost { lines } })
            }
            Entry::Seen(_) => unreachable!("there is none"),
        })
        .collect();
    assert_eq!(tape(&store), expected);
    assert_eq!(store.lost(0, i64::MAX).unwrap(), 7);
}

/// Makes a file as version 1 had it.
fn make_old(path: &Path) {
    let connection = Connection::open(path).unwrap();
    connection.execute_batch("DROP TABLE changes").unwrap();
    connection.pragma_update(None, "user_version", 1).unwrap();
}

#[test]
fn an_old_file_is_read_and_goes_on() {
    let folder = folder();
    let path = recording(folder.path());
    make_old(&path);
    let seen = |store: &Store| -> Vec<(i64, String, String)> {
        let changes = tape(store).into_iter().filter_map(|item| match item {
            Item::Change(change) => Some(change),
            Item::Line(_) => None,
        });
        let told = |change: Change| match change.what {
            What::Entered(one) => Some(((change.at - NOON) / SECOND, one.name, String::new())),
            What::Gone { reason } => Some(((change.at - NOON) / SECOND, change.peer, reason)),
            _ => None,
        };
        changes.filter_map(told).collect()
    };
    let read = seen(&Store::open(&path).unwrap());
    let enters = [(0, "alice"), (0, "watch"), (1, "bob"), (2, "carol")];
    let enters = enters.map(|(at, name)| (at, name.to_owned(), String::new()));
    assert_eq!(read[..4], enters);
    assert_eq!(read[4..], [(60, "02".repeat(16), "goodbye".to_owned())]);
    // The file itself is as it was, until a collector goes on with it.
    let version = |path: &Path| -> i64 {
        let connection = Connection::open(path).unwrap();
        connection.pragma_query_value(None, "user_version", |row| row.get(0)).unwrap()
    };
    assert_eq!(version(&path), 1);
    let store = Store::create(&path).unwrap();
    assert_eq!((version(&path), seen(&store)), (VERSION, read));
}

#[test]
fn who_is_still_there_is_not_forgotten() {
    let folder = folder();
    let mut store = Store::create(&folder.path().join("a.db")).unwrap();
    let enter = |at, host: u8| {
        let one = Entered { correlation: id(host), ..Entered::default() };
        change(at, host, What::Entered(Box::new(one)))
    };
    let gone = |at, host| change(at, host, What::Gone { reason: String::new() });
    let (before, begun) = ([enter(0, 1), enter(0, 2)], change(5, 9, What::Begun));
    let after = [enter(6, 1), enter(6, 2), gone(8, 2), enter(9, 2), enter(9, 3), gone(40, 3)];
    store.write(&[&before[..], std::slice::from_ref(&begun), &after].concat()).unwrap();
    let bounds = Bounds { age: Some(Duration::from_secs(30)), bytes: None };
    store.prune(&bounds, NOON + 60 * SECOND).unwrap();
    let left: Vec<Entry> = tape(&store)
        .into_iter()
        .map(|item| match item {
            Item::Change(change) => Entry::Change(change),
            Item::Line(stored) => Entry::Record(stored.record),
        })
        .collect();
    assert_eq!(left, [begun, enter(6, 1), enter(9, 2), enter(9, 3), gone(40, 3)]);
}

#[test]
fn who_is_in_which_group_is_read_without_the_rest() {
    let folder = folder();
    let store = Store::open(&recording(folder.path())).unwrap();
    let all = store.after(0, usize::MAX).unwrap();
    let until = all[all.len() / 2].id;
    let wanted: Vec<i64> = all
        .iter()
        .filter(|stored| matches!(stored.record.event, LogEvent::Join | LogEvent::Leave))
        .map(|stored| stored.id)
        .filter(|id| *id <= until)
        .collect();
    assert!(wanted.len() > 3);
    let (mut found, mut position) = (Vec::new(), Position::default());
    loop {
        let part = store.membership_tape(position, until, 2).unwrap();
        let Some((last, _)) = part.last() else { break };
        position = *last;
        found.extend(part.iter().filter_map(|(_, item)| match item {
            Item::Line(stored) => Some(stored.id),
            Item::Change(_) => None,
        }));
    }
    assert_eq!(found, wanted);
}
