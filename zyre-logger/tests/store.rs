//! The file: versions, bounds, what it takes.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod common;

use std::net::IpAddr;
use std::path::Path;
use std::time::Duration;

use common::{NOON, SECOND, folder, id, line, recording, story};
use rusqlite::Connection;
use zyre_logger::store::{Bounds, Entry, StoreError, VERSION};
use zyre_logger::{LogEvent, Record, Store};

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
