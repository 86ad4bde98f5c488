//! The page in a real browser: `cargo xtask test browser` prepares what these tests need.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod common;

use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use common::crowd::Crowd;
use common::page::Page;
use common::{NOON, SECOND, folder};
use serde_json::{Value, json};
use testkit::child::Child;
use testkit::usage::Usage;
use testkit::wait::{free_port, until};
use zmtp::net::{Publisher, PublisherLimits};
use zre_proto::log::Log;
use zyre_logger::{Level, LogEvent, Store};

const MIB: u64 = 1 << 20;

/// A browser that does what a check says. It prints what it has seen, as JSON.
fn check(name: &str, page: &str, arguments: &[&str]) -> Child {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/browser/checks.mjs");
    let mut command = Command::new("node");
    command.arg(script).args([name, page]).args(arguments);
    Child::start(name, &mut command).unwrap()
}

/// Waits for the end of a check, which must be a success. Returns what it has printed last.
fn result(mut check: Child) -> Value {
    let deadline = Instant::now() + Duration::from_secs(150);
    loop {
        // A check may take longer than other children.
        if !testkit::usage::is_running(check.id()) {
            break;
        }
        assert!(Instant::now() < deadline, "the check does not end: {}", check.texts());
        std::thread::sleep(Duration::from_millis(100));
    }
    let reports = check.reports(check.transcript().start(), &json!({}));
    let (status, said) = check.blocking_end().unwrap();
    assert!(status.success(), "{status}: {said}");
    reports.last().unwrap_or_else(|| panic!("{said}")).report.clone()
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs a browser: cargo xtask test browser"]
async fn it_shows_what_nodes_tell_and_comes_back() {
    let folder = folder();
    let db = folder.path().join("live.db");
    let (db, port) = (db.to_str().unwrap(), free_port().to_string());
    let arguments = ["--db", db, "--interface", "lo", "--port", &port];
    let page = Page::start(&arguments);
    let start = |name: &'static str| {
        let node =
            zyre::Node::builder().interface("lo").beacon_port(port.parse().unwrap()).name(name);
        node.header("X-ROLE", "<i>role</i>").logging(Level::Info).start()
    };
    let (alice, _alice_hears) = start("alice").await.unwrap();
    let (bob, _bob_hears) = start("<img src=x onerror=alert(1)>").await.unwrap();
    let (carol, _carol_hears) = start("carol\u{202e}\n").await.unwrap();
    until("all have met", || [&alice, &bob, &carol].iter().all(|node| node.peers().len() == 3))
        .await;
    bob.join("<script>alert(2)</script>").unwrap();
    bob.log(Level::Warning, "<b>hot</b>");
    carol.stop().await;
    until("carol is gone", || alice.peers().len() == 2).await;
    let expected = json!({
        "present": alice.peers().len() + 1,
        "enters": 3,
        "exits": 1,
        "warnings": 1,
        "name": "<img src=x onerror=alert(1)>",
        // What turns text around, or breaks it, is seen as what it is.
        "hidden": "carol\\u{202e}\\u{a}",
        "header": "<i>role</i>",
        "warning": "<b>hot</b>",
    });
    let browser = check("live", &page.link, &[&expected.to_string()]);
    let after = browser.transcript().start();
    browser.blocking_expect(after, &json!({ "ready": true })).unwrap();
    let address = page.address.to_string();
    page.stop();
    browser.tell("the server is gone").unwrap();
    browser.blocking_expect(after, &json!({ "gone": true })).unwrap();
    let _again = Page::listen(&address, &arguments);
    browser.tell("the server is back").unwrap();
    let seen = result(browser);
    assert_eq!(seen["present"], 3, "{seen}");
}

/// `BROWSER_SECONDS` says how long it is measured.
#[test]
#[ignore = "needs a browser: cargo xtask test browser"]
fn frames_are_in_time_with_a_crowd() {
    let seconds = std::env::var("BROWSER_SECONDS").map_or(60, |text| text.parse().unwrap());
    let folder = folder();
    let path = folder.path().join("crowd.db");
    let crowd = Crowd { nodes: 200, groups: 14, seconds: seconds + 15, lines: 2_000, from: NOON };
    crowd.record(&path);
    let page = Page::start(&["--db", path.to_str().unwrap(), "--replay", "1x"]);
    let begin = Usage::of(page.child.id()).unwrap();
    let seen = result(check("crowd", &page.link, &[&seconds.to_string()]));
    let end = Usage::of(page.child.id()).unwrap();
    println!("{seen}");
    println!(
        "server: {} MiB, before {} MiB, {:?} of processor time",
        end.memory / MIB,
        begin.memory / MIB,
        end.cpu - begin.cpu
    );
    let number = |name: &str| seen[name].as_f64().unwrap();
    assert_eq!(seen["present"], 201);
    assert!(number("rate") > 1_900.0 && number("lines") > 2_000.0 * 0.9 * seconds as f64);
    assert_eq!(seen["missed"], 0);
    assert!(number("frames") > 10.0 * seconds as f64);
    assert!(number("cost95") <= 12.0, "script and layout of a frame: {seen}");
    assert!(number("latest") <= 250.0, "a frame was late: {seen}");
    assert!(number("heapAfter") < number("heapBefore") + 12e6, "the page grows: {seen}");
    assert!(end.memory < 120 * MIB, "the server has grown to {} MiB", end.memory / MIB);
}

/// Lines go to the collector at a rate that is steady.
async fn publish(publisher: &Publisher, rate: u32, seconds: u32) -> u64 {
    let mut sent = 0;
    let mut tick = tokio::time::interval(Duration::from_millis(10));
    for _ in 0..seconds * 100 {
        tick.tick().await;
        for _ in 0..rate / 100 {
            let data = format!("line {sent}");
            let node = u16::try_from(sent % 200).unwrap();
            let line =
                Log { level: Level::Info, event: LogEvent::None, node, peer: 0, time: 1, data };
            assert!(publisher.publish(&line.encode()));
            sent += 1;
        }
    }
    sent
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs a browser: cargo xtask test browser"]
async fn nothing_is_lost_while_three_browsers_watch() {
    let folder = folder();
    let db = folder.path().join("live.db");
    let (port, log_port) = (free_port().to_string(), free_port());
    let log = log_port.to_string();
    let arguments =
        ["--db", db.to_str().unwrap(), "--interface", "lo", "--port", &port, "--log-port", &log];
    let page = Page::start(&arguments);
    let browsers: Vec<Child> = (0..3).map(|_| check("watch", &page.link, &["15"])).collect();
    let follow = || page.ask("/metrics", &[]).body.contains("zyre_logger_browsers 3\n");
    until("three browsers follow", follow).await;
    let publisher =
        Publisher::connect(([127, 0, 0, 1], log_port).into(), PublisherLimits::default());
    until("a subscription", || publisher.is_subscribed()).await;
    let sent = publish(&publisher, 5_000, 10).await;
    for browser in browsers {
        let seen = tokio::task::spawn_blocking(|| result(browser)).await.unwrap();
        assert_eq!((&seen["lines"], &seen["missed"]), (&json!(sent), &json!(0)));
    }
    let said = page.stop();
    assert!(!said.contains("LOST"), "{said}");
    let stored = Store::open(&db).unwrap().after(0, usize::MAX).unwrap();
    let numbers = stored.iter().map(|line| line.record.data.clone());
    assert!(numbers.eq((0..sent).map(|number| format!("line {number}"))));
}

/// Writes a recording of a crowd, for people: `CROWD=file,nodes,groups,seconds,lines`.
#[test]
#[ignore = "a tool for people"]
fn writes_a_crowd() {
    let Ok(wanted) = std::env::var("CROWD") else { return };
    let parts: Vec<&str> = wanted.split(',').collect();
    let number = |i: usize| parts[i].parse::<usize>().unwrap();
    let (nodes, groups, lines) = (number(1), number(2), number(4));
    let crowd = Crowd { nodes, groups, seconds: number(3) as i64, lines, from: NOON };
    crowd.record(parts[0].as_ref());
    println!("{}", NOON + crowd.seconds * SECOND);
}
