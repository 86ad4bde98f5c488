//! The thread: batches, losses, failures, the end.

use std::net::Ipv4Addr;
use std::sync::mpsc;

use super::*;
use crate::{Level, LogEvent, Record};

fn line(number: u64) -> Entry {
    Entry::Record(Record {
        received: 0,
        source: Some(Ipv4Addr::LOCALHOST.into()),
        time: number,
        level: Level::Info,
        event: LogEvent::None,
        node: 1,
        peer: 0,
        data: String::new(),
    })
}

fn times(path: &Path) -> Vec<u64> {
    let all = Store::open(path).unwrap().after(0, usize::MAX).unwrap();
    all.into_iter().map(|stored| stored.record.time).collect()
}

#[test]
fn everything_is_written_in_order_before_the_end() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.db");
    let writer = Writer::start(&path, Bounds::default(), |notice| panic!("{notice}")).unwrap();
    let sender = writer.sender();
    (0..5_500).for_each(|number| sender.send(line(number)));
    drop(sender);
    assert_eq!(writer.finish().unwrap(), 5_500);
    assert_eq!(times(&path), (0..5_500).collect::<Vec<_>>());
}

#[test]
fn a_line_can_be_read_shortly_after_it_came() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.db");
    let writer = Writer::start(&path, Bounds::default(), |_| {}).unwrap();
    writer.sender().send(line(7));
    let begin = Instant::now();
    while times(&path).is_empty() {
        assert!(begin.elapsed() < Duration::from_secs(20));
        std::thread::sleep(Duration::from_millis(5));
    }
    writer.finish().unwrap();
}

#[test]
fn what_the_queue_does_not_take_is_counted_told_and_remembered() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.db");
    let (notices, told) = mpsc::channel();
    let notify = move |notice| drop(notices.send(notice));
    let writer = Writer::with_queue(&path, Bounds::default(), 16, notify).unwrap();
    // While another has the file, nothing can be written, and the queue fills.
    let other = rusqlite::Connection::open(&path).unwrap();
    other.execute_batch("BEGIN IMMEDIATE").unwrap();
    let sender = writer.sender();
    let count = 3_000;
    (0..count).for_each(|number| sender.send(line(number)));
    other.execute_batch("ROLLBACK").unwrap();
    drop(sender);
    let written = writer.finish().unwrap();
    let lost: u64 = told
        .iter()
        .map(|notice| match notice {
            Notice::Lost(lines) => lines,
            _ => 0,
        })
        .sum();
    assert!(lost > 0);
    assert_eq!(written + lost, count);
    assert_eq!(Store::open(&path).unwrap().lost(0, i64::MAX).unwrap(), lost);
    assert_eq!(times(&path).len() as u64, written);
}

#[test]
fn a_failure_is_told_once_and_tried_again() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.db");
    let (notices, told) = mpsc::channel();
    let notify = move |notice| drop(notices.send(notice));
    let writer = Writer::start(&path, Bounds::default(), notify).unwrap();
    let other = rusqlite::Connection::open(&path).unwrap();
    other.execute_batch("ALTER TABLE events RENAME TO hidden").unwrap();
    writer.sender().send(line(1));
    let soon = Duration::from_secs(20);
    assert!(matches!(told.recv_timeout(soon), Ok(Notice::Failing(_))));
    other.execute_batch("ALTER TABLE hidden RENAME TO events").unwrap();
    assert_eq!(told.recv_timeout(soon), Ok(Notice::Recovered));
    assert_eq!(writer.finish().unwrap(), 1);
    assert_eq!(times(&path), [1]);
}

#[test]
fn the_end_comes_though_nothing_can_be_written() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.db");
    let writer = Writer::start(&path, Bounds::default(), |_| {}).unwrap();
    let other = rusqlite::Connection::open(&path).unwrap();
    other.execute_batch("DROP TABLE events").unwrap();
    writer.sender().send(line(1));
    assert!(writer.finish().is_err());
}
