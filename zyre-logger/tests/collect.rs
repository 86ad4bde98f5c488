//! The collector as a process, with publishers that are no nodes.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod common;

use std::io::Write;
use std::net::{SocketAddr, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};
use std::time::{Duration, Instant};

use common::collector::{Collector, records};
use common::{folder, run};
use testkit::harness::Harness;
use testkit::process::Signal;
use testkit::wait::{blocking_until, free_port, until};
use testkit::{async_tests, tests};
use zmtp::net::{Publisher, PublisherLimits};
use zre_proto::log::Log;
use zyre_logger::{Level, LogEvent};

fn main() -> ExitCode {
    let async_tests = async_tests![
        lines_are_stored_as_they_came,
        a_level_is_asked_for,
        what_is_foreign_is_dropped_and_counted,
        the_end_by_a_signal_loses_nothing_that_came,
        kill_loses_the_last_batch_at_most,
        bounds_are_kept_while_it_runs,
        it_prints_what_comes,
    ];
    let harness = Harness::default().and(async_tests);
    harness
        .skip_also_in_ci(python().err())
        .then(tests![a_publisher_of_libzmq_is_collected])
        .exit_code()
}

fn log(level: Level, data: String) -> Log {
    Log { level, event: LogEvent::None, node: 1, peer: 2, time: 1_772_366_400, data }
}

/// A publisher that is connected, and knows what is wanted.
async fn publisher(address: SocketAddr) -> Publisher {
    let publisher = Publisher::connect(address, PublisherLimits::default());
    until("a subscription", || publisher.is_subscribed()).await;
    publisher
}

fn numbers(db: &Path) -> Vec<u64> {
    let lines = records(db, "line ");
    lines.iter().map(|s| s.record.data["line ".len()..].parse().expect("a number")).collect()
}

fn whole(db: &Path) -> bool {
    let connection = rusqlite::Connection::open(db).expect("the file opens");
    let check = connection.query_row("PRAGMA integrity_check", [], |row| row.get::<_, String>(0));
    check.expect("it is checked") == "ok"
}

async fn lines_are_stored_as_they_came() {
    let folder = folder();
    let db = folder.path().join("a.db");
    let collector = Collector::start(&db, free_port(), &[]);
    let publisher = publisher(collector.address).await;
    let sent: Vec<Log> = [Level::Error, Level::Warning, Level::Info]
        .map(|level| log(level, format!("text {level} ä\x1b")))
        .to_vec();
    assert!(sent.iter().all(|log| publisher.publish(&log.encode())));
    blocking_until("three lines", || records(&db, "text").len() == 3);
    for (stored, log) in records(&db, "text").iter().zip(&sent) {
        let record = &stored.record;
        assert_eq!((record.level, record.event, record.time), (log.level, log.event, log.time));
        assert_eq!((record.node, record.peer, &record.data), (1, 2, &log.data));
        assert_eq!(record.source, Some([127, 0, 0, 1].into()));
        let age = zyre_logger::moment::now() - record.received;
        assert!((0..60_000_000).contains(&age), "{age} µs ago");
    }
    assert!(collector.stop().contains(" 3 lines stored"));
}

async fn a_level_is_asked_for() {
    let folder = folder();
    let db = folder.path().join("a.db");
    let collector = Collector::start(&db, free_port(), &["--level", "warning"]);
    let publisher = publisher(collector.address).await;
    let publish = |level| publisher.publish(&log(level, "text".to_owned()).encode());
    // Each level is a subscription of its own.
    until("an error is wanted", || publish(Level::Error)).await;
    until("a warning is wanted", || publish(Level::Warning)).await;
    assert!(!publish(Level::Info));
    blocking_until("two lines", || records(&db, "text").len() == 2);
    collector.stop();
    assert!(records(&db, "").iter().all(|stored| stored.record.level < Level::Info));
}

async fn what_is_foreign_is_dropped_and_counted() {
    let folder = folder();
    let db = folder.path().join("a.db");
    let collector = Collector::start(&db, free_port(), &[]);
    let publisher = publisher(collector.address).await;
    let line = log(Level::Info, "text".to_owned()).encode();
    let mut wrong_signature = line.to_vec();
    wrong_signature[1] = 0xA1;
    let cut = &line[..line.len() - 1];
    for frame in [b"hello".as_slice(), b"", &wrong_signature, cut, &[0xAA, 0xA2]] {
        assert!(publisher.publish(frame));
    }
    // Something that speaks another protocol altogether.
    for bytes in [b"GET / HTTP/1.1\r\n\r\n".as_slice(), &[0xFF; 4096], &[0; 4096]] {
        let mut stream = TcpStream::connect(collector.address).unwrap();
        let _ = stream.write_all(bytes);
    }
    assert!(publisher.publish(&line));
    blocking_until("the line", || records(&db, "text").len() == 1);
    let said = collector.stop();
    assert!(said.contains(" 1 lines stored, 5 foreign dropped"), "{said}");
    assert_eq!(records(&db, "").len(), 1);
}

async fn the_end_by_a_signal_loses_nothing_that_came() {
    for signal in [Signal::Terminate, Signal::Interrupt, Signal::HangUp] {
        let folder = folder();
        let db = folder.path().join("a.db");
        let collector = Collector::start(&db, free_port(), &[]);
        let publisher = publisher(collector.address).await;
        let count = 700;
        for number in 0..count {
            assert!(publisher.publish(&log(Level::Info, format!("line {number}")).encode()));
        }
        // The first is written; the others wait for the next batch.
        blocking_until("the first lines", || !numbers(&db).is_empty());
        publisher.drained().await;
        let said = collector.signal(signal);
        assert!(said.contains(&format!(" {count} lines stored")), "{said}");
        assert_eq!(numbers(&db), (0..count).collect::<Vec<_>>());
    }
}

async fn kill_loses_the_last_batch_at_most() {
    let folder = folder();
    let db = folder.path().join("a.db");
    let collector = Collector::start(&db, free_port(), &[]);
    let publisher = publisher(collector.address).await;
    // 5,000 a second, for a second and a half.
    let (mut number, mut seen) = (0_u64, 0);
    let mut tick = tokio::time::interval(Duration::from_millis(2));
    let begin = Instant::now();
    while begin.elapsed() < Duration::from_millis(1500) {
        tick.tick().await;
        for _ in 0..10 {
            assert!(publisher.publish(&log(Level::Info, format!("line {number}")).encode()));
            number += 1;
        }
        if number % 1000 == 0 {
            seen = numbers(&db).len() as u64;
        }
    }
    collector.kill();
    assert!(whole(&db));
    let stored = numbers(&db);
    assert!(seen > 0 && stored.len() as u64 >= seen, "what was written stays");
    assert_eq!(
        stored,
        (0..stored.len() as u64).collect::<Vec<_>>(),
        "from the first, without gaps"
    );
    let lost = number - stored.len() as u64;
    println!("{number} published, {lost} lost");
    // A batch is 100 ms, so 500 lines here, and another may be on its way; on a busy machine more.
    assert!(lost <= 4_000, "{lost} of {number} lost");

    // And the file goes on.
    let collector = Collector::start(&db, free_port(), &[]);
    let publisher = self::publisher(collector.address).await;
    assert!(publisher.publish(&log(Level::Info, format!("line {}", stored.len())).encode()));
    blocking_until("one line more", || numbers(&db).len() > stored.len());
    collector.stop();
    assert!(numbers(&db).is_sorted());
}

async fn bounds_are_kept_while_it_runs() {
    let folder = folder();
    let db = folder.path().join("a.db");
    let collector = Collector::start(&db, free_port(), &["--max-size", "1MiB"]);
    let publisher = publisher(collector.address).await;
    for number in 0..15_000 {
        let line = log(Level::Info, format!("{number} {}", "x".repeat(200)));
        assert!(publisher.publish(&line.encode()));
        if number % 500 == 0 {
            // Not faster than they are stored, or some are dropped.
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }
    // It looks at its size every ten seconds.
    blocking_until("the first lines are gone", || records(&db, "0 x").iter().all(|s| s.id > 1000));
    blocking_until("it is small", || std::fs::metadata(&db).unwrap().len() <= 1 << 20);
    collector.stop();
    assert!(whole(&db) && !records(&db, "14999 x").is_empty());
}

async fn it_prints_what_comes() {
    let folder = folder();
    let db = folder.path().join("a.db");
    let collector = Collector::start(&db, free_port(), &["--also-print"]);
    let publisher = publisher(collector.address).await;
    assert!(publisher.publish(&log(Level::Warning, "evil\x1b[2J".to_owned()).encode()));
    collector.prints("evil");
    let said = collector.stop();
    assert!(said.contains("warning  NONE   #0001             #0002             evil␛[2J"));
}

/// The Python of `cargo xtask peers`, or why there is none.
fn python() -> Result<PathBuf, String> {
    let beside = || Path::new(env!("CARGO_TARGET_TMPDIR")).with_file_name("interop");
    let directory = std::env::var_os("ZYRE_INTEROP_DIR").map_or_else(beside, PathBuf::from);
    let python = directory.join("venv/bin/python");
    match directory.join("venv.stamp").exists() && python.exists() {
        true => Ok(python),
        false => Err(format!("{} does not exist; `cargo xtask peers` makes it", python.display())),
    }
}

fn a_publisher_of_libzmq_is_collected() {
    let python = python().unwrap();
    let folder = folder();
    let db = folder.path().join("a.db");
    let collector = Collector::start(&db, free_port(), &[]);
    // An XPUB, to learn when it is subscribed to; for the rest it is a PUB.
    let script = format!(
        r#"
import struct, zmq
pub = zmq.Context().socket(zmq.XPUB)
pub.connect("tcp://{}")
assert pub.recv() == b"\x01"
def line(data):
    return b"\xaa\xa2\x01\x03\x05" + struct.pack(">HHQB", 7, 8, 1772366400, len(data)) + data
for number in range(500):
    pub.send(line(b"line %d" % number))
pub.send(b"not a line")
pub.send_multipart([line(b"two lines"), line(b"in one message")])
pub.close(linger=20000)
zmq.Context.instance().term()
"#,
        collector.address
    );
    let status = Command::new(python).args(["-c", &script]).status().expect("Python runs");
    assert!(status.success());
    blocking_until("500 lines", || numbers(&db).len() == 500);
    let first = &records(&db, "line 0")[0].record;
    assert_eq!((first.event, first.node, first.peer), (LogEvent::Send, 7, 8));
    let said = collector.stop();
    assert!(said.contains(" 500 lines stored, 2 foreign dropped"), "{said}");
    assert_eq!(run("query", &db, &["--event", "send", "--output", "csv"]).lines().count(), 501);
}
