//! A small recording with a known story, and the program run on it.

#![allow(dead_code, unreachable_pub, clippy::unwrap_used, clippy::expect_used, clippy::panic)]

pub mod collector;
#[cfg(feature = "serve")]
pub mod crowd;
#[cfg(feature = "serve")]
pub mod page;

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use tempfile::TempDir;
use zyre_logger::store::Entry;
use zyre_logger::{Level, LogEvent, NodeInterval, Record, Store, correlation_id};

/// 2026-03-01T12:00:00Z, in microseconds.
pub const NOON: i64 = 1_772_366_400_000_000;
pub const SECOND: i64 = 1_000_000;

/// A folder that goes with the test.
pub fn folder() -> TempDir {
    tempfile::tempdir().expect("a folder for the test")
}

pub fn endpoint(host: u8) -> String {
    format!("tcp://10.0.0.{host}:49152")
}

/// The correlation id of the node on a host of the story.
pub fn id(host: u8) -> u16 {
    correlation_id(&endpoint(host))
}

pub fn seen(name: &str, host: u8, first: i64, last: i64) -> Entry {
    Entry::Seen(NodeInterval {
        correlation: id(host),
        endpoint: endpoint(host),
        peer: format!("{host:02x}").repeat(16),
        name: name.to_owned(),
        first: NOON + first * SECOND,
        last: NOON + last * SECOND,
    })
}

/// A line, `at` milliseconds after noon.
pub fn line(at: i64, node: u8, event: LogEvent, peer: u8, data: &str) -> Record {
    Record {
        received: NOON + at * 1000,
        source: Some([10, 0, 0, node].into()),
        time: u64::try_from((NOON + at * 1000) / SECOND).unwrap(),
        level: Level::Info,
        event,
        node: id(node),
        peer: if peer == 0 { 0 } else { id(peer) },
        data: data.to_owned(),
    }
}

pub fn warning(at: i64, node: u8, peer: u8, data: &str) -> Record {
    Record { level: Level::Warning, ..line(at, node, LogEvent::None, peer, data) }
}

/// Alice and bob meet at noon, chat for a minute, and bob goes; carol only warns. The collector is
/// on host 9.
pub fn story() -> Vec<Entry> {
    use LogEvent::{Enter, Exit, Join, Recv, Send};
    let mut entries = vec![
        seen("alice", 1, 0, 75),
        seen("bob", 2, 1, 60),
        seen("carol", 3, 2, 75),
        seen("watch", 9, 0, 75),
    ];
    let mut lines = vec![
        line(0, 9, Enter, 1, "alice"),
        line(1_000, 9, Enter, 2, "bob"),
        line(1_001, 1, Enter, 2, "bob"),
        line(1_002, 2, Enter, 1, "alice"),
        line(1_100, 1, Join, 0, "chat"),
        line(1_103, 2, Join, 1, "chat"),
        line(1_104, 9, Join, 1, "chat"),
        line(1_200, 2, Join, 0, "chat"),
        line(1_201, 1, Join, 2, "chat"),
        line(1_204, 9, Join, 2, "chat"),
        line(2_000, 9, Enter, 3, "carol"),
        warning(3_000, 3, 0, "disk \"full\", 95 %"),
    ];
    for second in 10..60 {
        lines.push(line(second * 1000, 1, Send, 0, "SHOUT chat"));
        lines.push(line(second * 1000 + 2, 2, Recv, 1, "SHOUT chat"));
        if second % 5 == 0 {
            lines.push(line(second * 1000 + 500, 2, Send, 1, "WHISPER alice"));
            lines.push(line(second * 1000 + 501, 1, Recv, 2, "WHISPER bob"));
        }
    }
    lines.extend([
        line(60_000, 1, Exit, 2, "goodbye"),
        line(60_001, 9, Exit, 2, "goodbye"),
        Record {
            level: Level::Error,
            ..line(70_000, 3, LogEvent::None, 1, "evil \x1b[2J\r\nline")
        },
        warning(75_000, 1, 3, "slow"),
    ]);
    lines.sort_by_key(|record| record.received);
    entries.extend(lines.into_iter().map(Entry::Record));
    entries
}

/// A file with the story.
pub fn recording(folder: &Path) -> PathBuf {
    let path = folder.join("story.db");
    Store::create(&path).unwrap().write(&story()).unwrap();
    path
}

/// The program, in UTC.
pub fn program() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_zyre-logger"));
    command.env("TZ", "UTC");
    command
}

/// Runs the program on a file; it must succeed.
pub fn run(command: &str, db: &Path, arguments: &[&str]) -> String {
    let output = try_run(command, db, arguments);
    assert!(output.status.success(), "{command} {arguments:?}: {output:?}");
    String::from_utf8(output.stdout).expect("the output is UTF-8")
}

pub fn try_run(command: &str, db: &Path, arguments: &[&str]) -> Output {
    program().arg(command).arg("--db").arg(db).args(arguments).output().expect("the program runs")
}
