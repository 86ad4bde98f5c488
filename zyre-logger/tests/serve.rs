//! The page as a process: what it tells, and what it does not let be done to it.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod common;

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::path::Path;
use std::time::{Duration, Instant};

use common::crowd::Crowd;
use common::page::Page;
use common::{NOON, SECOND, folder};
use serde_json::Value;
use socket2::{Domain, Socket, Type};
use testkit::usage::Usage;
use testkit::wait::{blocking_until, free_port, until};
use zyre_logger::store::{Entry, Store};
use zyre_logger::{Level, LogEvent};

const SMALL: Crowd = Crowd { nodes: 12, groups: 3, seconds: 20, lines: 40, from: NOON };

fn recording(folder: &Path, crowd: &Crowd) -> String {
    let path = folder.join("crowd.db");
    crowd.record(&path);
    path.to_str().unwrap().to_owned()
}

/// Waits until all of the recording is read.
fn read_all(page: &Page, seconds: i64) {
    let last = NOON + (seconds - 1) * SECOND;
    blocking_until("all of it is read", || {
        page.json("/api/picture.json")["at"].as_i64() >= Some(last)
    });
}

#[test]
fn every_answer_keeps_the_browser_to_itself() {
    let folder = folder();
    let page = Page::start(&["--db", &recording(folder.path(), &SMALL), "--replay", "max"]);
    for (path, kind) in [
        ("/", "text/html"),
        ("/page.js", "text/javascript"),
        ("/style.css", "text/css"),
        ("/api/picture.json", "application/json"),
        ("/metrics", "text/plain; version=0.0.4"),
        ("/healthz", "text/plain"),
        ("/nothing", "text/plain"),
    ] {
        let answer = page.ask(path, &[]);
        assert_eq!(answer.status, if path == "/nothing" { 404 } else { 200 }, "{path}");
        for wanted in [
            &*format!("content-type: {kind}"),
            "content-security-policy: default-src 'none'; script-src 'self'",
            "frame-ancestors 'none'",
            "x-frame-options: deny",
            "x-content-type-options: nosniff",
            "cross-origin-resource-policy: same-origin",
            "cache-control: no-store",
        ] {
            assert!(answer.head.contains(wanted), "{path}: {wanted}: {}", answer.head);
        }
        assert!(!answer.head.contains("access-control"), "{path}: {}", answer.head);
    }
}

#[test]
fn what_is_not_for_it_is_refused() {
    let folder = folder();
    let page = Page::start(&["--db", &recording(folder.path(), &SMALL), "--replay", "max"]);
    let api = "GET /api/picture.json HTTP/1.1";
    let host = format!("Host: {}", page.address);
    let close = "Connection: close";
    let status = |lines: &[&str]| page.say(lines).status;
    assert_eq!(status(&[api, "Host: evil.example", close]), 421);
    assert_eq!(status(&[api, "Host: 127.0.0.1.evil.example:80", close]), 421);
    assert_eq!(status(&[api, close]), 400, "no Host");
    assert_eq!(status(&[api, &host, "Origin: http://evil.example", close]), 403);
    assert_eq!(status(&[api, &host, "Sec-Fetch-Site: cross-site", close]), 403);
    assert_eq!(
        status(&["POST /api/picture.json HTTP/1.1", &host, "Content-Length: 0", close]),
        405
    );
    assert_eq!(status(&["OPTIONS /api/picture.json HTTP/1.1", &host, close]), 405);
    let long = format!("GET /api/picture.json?{} HTTP/1.1", "x".repeat(5_000));
    assert_eq!(status(&[&long, &host, close]), 414);
    let longer = format!("X-Long: {}", "x".repeat(100_000));
    let answer = page.say(&[api, &host, &longer, close]);
    assert!(matches!(answer.status, 431 | 0), "{answer:?}");
    let many: Vec<String> = (0..100).map(|i| format!("X-{i}: y")).collect();
    let many: Vec<&str> = many.iter().map(String::as_str).collect();
    assert_eq!(status(&[&[api, &host], &*many, &[close]].concat()), 431);
    assert_eq!(status(&["\u{1}\u{2}\u{3}"]), 400);
    for wrong in ["picture.json?at=x", "node.json", "rates.json?from=1e9", "sessions.json?to="] {
        assert_eq!(page.ask(&format!("/api/{wrong}"), &[]).status, 400, "{wrong}");
    }
    assert_eq!(page.ask("/api/node.json?id=nobody", &[]).status, 404);
    assert_eq!(page.ask("/api/picture.json", &[]).status, 200);
}

#[test]
fn at_another_address_the_link_is_needed() {
    let folder = folder();
    let db = recording(folder.path(), &SMALL);
    let page = Page::listen("0.0.0.0:0", &["--db", &db, "--replay", "max"]);
    let token = page.link.split_once("?zyre_token=").expect("the link has a token").1;
    assert_eq!(token.len(), 32);
    assert_eq!(page.ask("/", &[]).status, 401);
    assert_eq!(page.ask("/api/picture.json", &[]).status, 401);
    let answer = page.ask(&format!("/?zyre_token={token}"), &[]);
    assert_eq!(answer.status, 303);
    assert!(answer.head.contains("location: /\r\n") && answer.head.contains("httponly"));
    let cookie = format!("Cookie: zyre_token={token}");
    assert_eq!(page.ask("/", &[&cookie]).status, 200);
    assert_eq!(page.ask("/metrics", &[&format!("Authorization: Bearer {token}")]).status, 200);
    drop(page);
    let page = Page::listen("0.0.0.0:0", &["--db", &db, "--replay", "max", "--no-token"]);
    assert_eq!(page.ask("/api/picture.json", &[]).status, 200);
}

#[test]
fn a_thousand_connections_are_not_too_many() {
    let folder = folder();
    let page = Page::start(&["--db", &recording(folder.path(), &SMALL), "--replay", "max"]);
    read_all(&page, SMALL.seconds);
    let id = page.child.id();
    // Known on Linux only.
    let before = Usage::of(id);
    let begin = Instant::now();
    let held: Vec<TcpStream> = (0..1_000)
        .filter_map(|_| {
            let mut stream = TcpStream::connect(page.address).ok()?;
            stream.write_all(b"GET /api/picture.json HTTP/1.1\r\nHost: 127.").ok()?;
            Some(stream)
        })
        .collect();
    // Those that say nothing more are closed, and then there is room again.
    let asks = || {
        let mut stream = TcpStream::connect(page.address).unwrap();
        stream.set_read_timeout(Some(Duration::from_secs(2))).unwrap();
        let request = format!("GET /healthz HTTP/1.1\r\nHost: {}\r\n\r\n", page.address);
        let mut answer = [0; 12];
        stream.write_all(request.as_bytes()).is_ok()
            && stream.read_exact(&mut answer).is_ok()
            && answer == *b"HTTP/1.1 200"
    };
    blocking_until("it answers again", asks);
    assert!(begin.elapsed() < Duration::from_secs(15), "{:?}", begin.elapsed());
    if let Some((before, after)) = before.zip(Usage::of(id)) {
        let grown = after.memory.saturating_sub(before.memory);
        assert!(grown < 40 << 20, "{grown} bytes for {} connections", held.len());
    }
}

/// A browser that follows.
struct Follower(BufReader<TcpStream>);

impl Follower {
    fn open(page: &Page) -> Option<Self> {
        let mut stream = page.connect();
        write!(stream, "GET /api/events HTTP/1.1\r\nHost: {}\r\n\r\n", page.address).unwrap();
        let mut reader = BufReader::new(stream);
        let mut line = String::new();
        reader.read_line(&mut line).unwrap();
        line.contains(" 200 ").then_some(Self(reader))
    }

    /// Reads the next event: its name and its data.
    fn next(&mut self) -> (String, Value) {
        let (mut name, mut line) = (String::new(), String::new());
        loop {
            line.clear();
            assert!(self.0.read_line(&mut line).unwrap() > 0, "the stream has ended");
            if let Some(text) = line.strip_prefix("event: ") {
                name = text.trim().to_owned();
            } else if let Some(data) = line.strip_prefix("data: ") {
                return (name, serde_json::from_str(data).unwrap());
            }
        }
    }
}

#[test]
fn browsers_that_follow_are_bounded() {
    let folder = folder();
    let page = Page::start(&["--db", &recording(folder.path(), &SMALL), "--replay", "max"]);
    let mut followers: Vec<Follower> = (0..40).filter_map(|_| Follower::open(&page)).collect();
    assert_eq!(followers.len(), 32);
    for follower in &mut followers {
        assert_eq!(follower.next().0, "picture");
    }
    assert!(page.ask("/metrics", &[]).body.contains("zyre_logger_browsers 32\n"));
    // Their places are free again when they are gone.
    drop(followers);
    blocking_until("there is room again", || Follower::open(&page).is_some());
}

#[test]
fn a_slow_browser_is_told_what_it_has_missed() {
    let crowd = Crowd { nodes: 1_500, groups: 20, seconds: 25, lines: 300, from: NOON };
    let folder = folder();
    let page = Page::start(&["--db", &recording(folder.path(), &crowd), "--replay", "1x"]);
    let mut fast = Follower::open(&page).unwrap();
    // One whose kernel takes little, and that does not read.
    let socket = Socket::new(Domain::IPV4, Type::STREAM, None).unwrap();
    socket.set_recv_buffer_size(4_096).unwrap();
    socket.connect(&page.address.into()).unwrap();
    let mut slow: TcpStream = socket.into();
    slow.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
    write!(slow, "GET /api/events HTTP/1.1\r\nHost: {}\r\n\r\n", page.address).unwrap();
    // The other one loses nothing meanwhile.
    let mut last = 0;
    for _ in 0..60 {
        let (name, data) = fast.next();
        assert!(name == "picture" || name == "delta", "{name}");
        assert!(data["at"].as_i64().unwrap() >= last);
        last = data["at"].as_i64().unwrap();
    }
    let mut slow = Follower(BufReader::new(slow));
    let names = std::iter::repeat_with(|| slow.next().0);
    let told: Vec<String> = names.take_while(|name| name != "lost").take(40).collect();
    assert!(told.len() < 40, "{told:?}");
    let (name, whole) = slow.next();
    assert_eq!(name, "picture");
    assert!(whole["nodes"].as_array().unwrap().len() > 1_400);
    let missed = page.ask("/metrics", &[]).body;
    let missed =
        missed.lines().find(|line| line.starts_with("zyre_logger_missed_updates")).unwrap();
    assert!(!missed.ends_with(" 0"), "{missed}");
}

#[test]
fn any_moment_is_as_it_was() {
    let folder = folder();
    let db = recording(folder.path(), &SMALL);
    let page = Page::start(&["--db", &db, "--replay", "max"]);
    read_all(&page, SMALL.seconds);
    for second in [0, 1, 7, 13] {
        let at = NOON + second * SECOND;
        let there = page.json(&format!("/api/picture.json?at={at}"));
        // As if the recording had ended there.
        let (path, until) = (folder.path().join(format!("{second}.db")), at);
        let (mut part, all) = (Store::create(&path).unwrap(), Store::open(Path::new(&db)).unwrap());
        let items = all.tape(Default::default(), 100_000).unwrap();
        let items: Vec<_> = items.into_iter().map(|(_, item)| item).collect();
        let last = items.iter().map(|item| item.at()).filter(|at| *at <= until).max();
        let entries: Vec<Entry> = items
            .into_iter()
            .filter(|item| item.at() <= until)
            .map(|item| match item {
                zyre_logger::store::Item::Line(stored) => Entry::Record(stored.record),
                zyre_logger::store::Item::Change(change) => Entry::Change(change),
            })
            .collect();
        part.write(&entries).unwrap();
        let short = Page::start(&["--db", path.to_str().unwrap(), "--replay", "max"]);
        let count = entries.iter().filter(|entry| matches!(entry, Entry::Record(_))).count();
        // There may be no line, but something else.
        blocking_until("it is read", || {
            let now = short.json("/api/picture.json");
            now["figures"]["lines"] == count && now["at"].as_i64() >= last
        });
        assert_eq!(short.json(&format!("/api/picture.json?at={at}")), there, "second {second}");
    }
    let sessions = page.json("/api/sessions.json");
    let all = sessions["sessions"].as_array().unwrap();
    assert_eq!(all.iter().filter(|one| one["to"].is_null()).count(), SMALL.nodes + 1);
    assert!(all.iter().any(|one| one["reason"].as_str().is_some_and(|why| !why.is_empty())));
    let rates = page.json(&format!("/api/rates.json?from={NOON}&to={}", NOON + 20 * SECOND));
    let sum = |counts: &Value| {
        counts.as_array().unwrap().iter().map(|n| n.as_u64().unwrap()).sum::<u64>()
    };
    let lines = page.json("/api/picture.json")["figures"]["lines"].as_u64().unwrap();
    let events = rates["events"].as_object().unwrap();
    assert_eq!(events.values().map(sum).sum::<u64>(), lines);
    assert_eq!(rates["width"], 1);
}

#[test]
fn who_was_there_before_the_beginning_is_known() {
    let folder = folder();
    let db = recording(folder.path(), &SMALL);
    let whole = Page::start(&["--db", &db, "--replay", "max"]);
    let from = ["--from", "2026-03-01T12:00:10Z", "--to", "2026-03-01T12:00:15Z"];
    let part = Page::start(&[&["--db", &db, "--replay", "max"], &from[..]].concat());
    read_all(&whole, SMALL.seconds);
    let end = NOON + 15 * SECOND;
    blocking_until("the end", || {
        part.json("/api/picture.json")["at"].as_i64() >= Some(end - SECOND)
    });
    let [all, some] = [&whole, &part].map(|page| page.json(&format!("/api/picture.json?at={end}")));
    assert_eq!(some["nodes"], all["nodes"], "who they are, and their groups");
    assert_eq!(some["figures"]["present"], SMALL.nodes + 1);
    let lines = |json: &Value| json["figures"]["lines"].as_u64().unwrap();
    assert!(
        (150..300).contains(&lines(&some)) && lines(&all) > 550,
        "{} {}",
        lines(&some),
        lines(&all)
    );
    // What came later is not there.
    assert_eq!(
        part.json(&format!("/api/picture.json?at={}", end + 3 * SECOND))["figures"]["lines"],
        lines(&some)
    );
}

#[test]
fn a_recording_is_played_as_it_was() {
    let folder = folder();
    let db = recording(folder.path(), &SMALL);
    let begin = Instant::now();
    let page = Page::start(&["--db", &db, "--replay", "10x"]);
    let at = |page: &Page| page.json("/api/picture.json")["at"].as_i64().unwrap();
    blocking_until("five seconds are played", || at(&page) > NOON + 5 * SECOND);
    assert!(at(&page) < NOON + 5 * SECOND + begin.elapsed().as_micros() as i64 * 10);
    read_all(&page, SMALL.seconds);
    assert!(begin.elapsed() > Duration::from_millis(1_500));
}

#[tokio::test(flavor = "multi_thread")]
async fn played_again_it_is_as_it_was_live() {
    let folder = folder();
    let db = folder.path().join("live.db");
    let (db, port) = (db.to_str().unwrap(), free_port());
    let page = Page::start(&["--db", db, "--interface", "lo", "--port", &port.to_string()]);
    let start = |name: &'static str| async move {
        let node = zyre::Node::builder().interface("lo").beacon_port(port).name(name);
        node.logging(Level::Info).log_messages(true).contest("chat").start().await.unwrap()
    };
    let (alice, mut alice_hears) = start("alice").await;
    let (bob, _bob_hears) = start("<img src=x onerror=alert(1)>").await;
    let (carol, _carol_hears) = start("carol").await;
    until("all have met", || {
        alice.peers().len() == 3 && bob.peers().len() == 3 && carol.peers().len() == 3
    })
    .await;
    for i in 0..50 {
        alice.shout("chat", format!("{i}")).unwrap();
        alice.whisper(bob.id(), "psst").unwrap();
    }
    bob.log(Level::Warning, "<b>hot</b>");
    carol.stop().await;
    while let Some(event) = alice_hears.recv().await {
        if matches!(event, zyre::Event::Exit { .. }) {
            break;
        }
    }
    let told = |json: &Value| {
        let figures = &json["figures"];
        let wanted =
            [&figures["exits"]["goodbye"], &figures["events"]["SEND"], &figures["warnings"]];
        wanted.map(|number| number.as_u64().unwrap_or(0)) == [1, 100, 1]
            && figures["events"]["RECV"].as_u64() >= Some(100)
    };
    until("all is told", || told(&page.json("/api/picture.json"))).await;
    // What is late has come.
    let lines = |page: &Page| page.json("/api/picture.json")["figures"]["lines"].clone();
    let mut before = lines(&page);
    for _ in 0..50 {
        tokio::time::sleep(Duration::from_millis(300)).await;
        let now = lines(&page);
        if now == before {
            break;
        }
        before = now;
    }
    let live = page.json("/api/picture.json");
    let at = live["at"].as_i64().unwrap();
    // Counts agree with those of the nodes.
    assert_eq!(live["figures"]["present"], alice.peers().len() + 1);
    assert_eq!(live["figures"]["enters"], 3);
    let groups = live["figures"]["groups"].as_array().unwrap();
    assert_eq!((groups.len(), &groups[0]["members"]), (1, &Value::from(2)));
    let leader = groups[0]["leader"]["id"].as_str().unwrap();
    assert!(leader == alice.id().to_string() || leader == bob.id().to_string());
    let past = format!("/api/picture.json?at={at}");
    assert_eq!(page.json(&past), live);
    let node = page.json(&format!("/api/node.json?id={}", bob.id()));
    assert_eq!(node["name"], "<img src=x onerror=alert(1)>");
    let lines = node["last_lines"].as_array().unwrap();
    assert!(lines.iter().any(|line| line["event"] == LogEvent::Recv.to_string()));
    page.stop();
    let again = Page::start(&["--db", db, "--replay", "max"]);
    let lines = live["figures"]["lines"].clone();
    until("all is read", || {
        again.json("/api/picture.json")["figures"]["lines"].as_u64() >= lines.as_u64()
    })
    .await;
    assert_eq!(again.json(&past), live);
    // And with a collector that begins anew, which knows what was before.
    let more = Page::start(&["--db", db, "--interface", "lo", "--port", &port.to_string()]);
    until("it has met them again", || more.json("/api/picture.json")["figures"]["enters"] == 5)
        .await;
    assert_eq!(more.json(&past), live);
}
