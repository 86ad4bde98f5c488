//! The collector with real nodes on the loopback interface.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod common;

use std::collections::BTreeMap;
use std::path::Path;
use std::time::{Duration, Instant};

use common::collector::{Collector, records};
use common::{folder, run};
use serde_json::Value;
use testkit::wait::{blocking_until, free_port};
use zyre::{Builder, Identity, NetworkKey, Node, Trust};
use zyre_logger::store::{Item, Position};
use zyre_logger::{Change, Level, LogEvent, Store, Stored, What, correlation_id};

fn on(port: u16, name: &str) -> Builder {
    Node::builder().interface("lo").beacon_port(port).name(name).logging(Level::Info)
}

/// A node whose events are taken and dropped.
async fn start(builder: Builder) -> Node {
    let (node, mut events) = builder.start().await.expect("the node starts");
    tokio::spawn(async move { while events.recv().await.is_some() {} });
    node
}

fn id(node: &Node) -> u16 {
    correlation_id(&node.endpoint().to_string())
}

/// What a node has recorded, as it was stored.
fn lines_of(db: &Path, node: &Node) -> Vec<Stored> {
    let own = id(node);
    records(db, "").into_iter().filter(|stored| stored.record.node == own).collect()
}

fn count(lines: &[Stored], event: LogEvent) -> usize {
    lines.iter().filter(|stored| stored.record.event == event).count()
}

/// Ten nodes shout to each other, at a rate of lines a second in all, for a time; each shout is a
/// line of its sender and of nine receivers. All that was recorded must be stored.
async fn ten_nodes(lines_a_second: u32, time: Duration) {
    let folder = folder();
    let (db, port) = (folder.path().join("a.db"), free_port());
    let mut nodes = Vec::new();
    for number in 0..10 {
        let builder = on(port, &format!("node {number}")).log_messages(true).join("all");
        nodes.push(start(builder).await);
    }
    // Those that are there already are heard as well.
    let collector = Collector::start(&db, port, &[]);
    blocking_until("all know each other and the collector", || {
        nodes.iter().all(|node| node.peers().len() == 10 && node.peers_in("all").len() == 9)
    });
    blocking_until("all log", || nodes.iter().all(|node| node.stats().log.collectors == 1));

    let (begin, mut shouts) = (Instant::now(), 0_u32);
    let mut tick = tokio::time::interval(Duration::from_millis(5));
    while begin.elapsed() < time {
        tick.tick().await;
        let due = begin.elapsed().as_secs_f64() * f64::from(lines_a_second) / 10.0;
        while f64::from(shouts) < due {
            nodes[shouts as usize % nodes.len()].shout("all", "hello").unwrap();
            shouts += 1;
        }
    }
    let recorded = || nodes.iter().map(|node| node.stats().log.recorded).sum::<u64>();
    let expected = u64::from(shouts) * 10 + 10 * (10 + 9);
    blocking_until("all have heard all", || recorded() >= expected);
    let stored = || {
        let store = Store::open(&db).unwrap();
        let ids: Vec<String> = nodes.iter().map(|node| id(node).to_string()).collect();
        let sql = format!("SELECT count(*) FROM events WHERE node IN ({})", ids.join(", "));
        store.connection().query_row(&sql, [], |row| row.get::<_, i64>(0)).unwrap().unsigned_abs()
    };
    blocking_until("all that was recorded is stored", || stored() >= recorded());
    println!("{shouts} shouts, {} lines recorded, {} stored", recorded(), stored());
    let said = collector.stop();
    assert!(!said.contains("LOST") && !said.contains("dropped"), "{said}");
    for (number, node) in (0..).zip(&nodes) {
        assert_eq!(node.stats().log.dropped, 0);
        let lines = lines_of(&db, node);
        assert_eq!(count(&lines, LogEvent::Enter), 10);
        let sent = shouts / 10 + u32::from(number < shouts % 10);
        assert_eq!(count(&lines, LogEvent::Send), sent as usize);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn all_that_ten_nodes_record_is_stored() {
    ten_nodes(1_000, Duration::from_secs(3)).await;
}

/// In a release build, on a quiet machine: `cargo test --release -p zyre-logger --test nodes --
/// --ignored --nocapture`.
#[ignore = "measures"]
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn five_thousand_lines_a_second_are_stored() {
    ten_nodes(5_000, Duration::from_secs(30)).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn both_sides_may_restart() {
    let folder = folder();
    let (db, port) = (folder.path().join("a.db"), free_port());
    let alice = start(on(port, "alice")).await;
    let collector = Collector::start(&db, port, &[]);
    let bob = start(on(port, "bob").join("garden").mailbox_port(free_port())).await;
    blocking_until("alice tells of bob", || count(&lines_of(&db, &alice), LogEvent::Join) == 1);

    // The collector dies, and comes back elsewhere.
    collector.kill();
    blocking_until("its end is seen", || alice.peers().len() == 1);
    let collector = Collector::start(&db, port, &[]);
    bob.join("house").unwrap();
    blocking_until("alice tells of bob again", || {
        count(&lines_of(&db, &alice), LogEvent::Join) == 2
    });

    // Bob dies, and another comes to his endpoint.
    let endpoint = bob.endpoint();
    bob.stop().await;
    blocking_until("alice tells of bob's end", || {
        count(&lines_of(&db, &alice), LogEvent::Exit) >= 2
    });
    let builder = on(port, "bert").mailbox_port(endpoint.address().port());
    let bert = start(builder.join("garden")).await;
    assert_eq!(bert.endpoint(), endpoint);
    blocking_until("alice tells of bert", || count(&lines_of(&db, &alice), LogEvent::Join) == 3);
    collector.stop();

    let query = |arguments: &[&str]| -> Vec<Value> {
        let text =
            run("query", &db, &[&["--output", "json", "--node", "alice"], arguments].concat());
        text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    };
    let joins = query(&["--event", "join"]);
    let told: Vec<_> = joins
        .iter()
        .map(|line| (line["peer"]["name"].as_str().unwrap(), line["data"].as_str().unwrap()))
        .collect();
    assert_eq!(told, [("bob", "garden"), ("bob", "house"), ("bert", "garden")]);
    assert_eq!(joins[0]["peer"]["correlation"], joins[2]["peer"]["correlation"]);
    assert_eq!(query(&["--peer", "bob", "--event", "join"]).len(), 2);
    let exits = query(&["--peer", "bob", "--event", "exit"]);
    assert_eq!((exits.len(), exits[0]["data"].as_str()), (1, Some("goodbye")));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_node_that_records_nothing_is_watched_as_well() {
    let folder = folder();
    let (db, port) = (folder.path().join("a.db"), free_port());
    let collector = Collector::start(&db, port, &["--name", "watcher"]);
    let builder = Node::builder().interface("lo").beacon_port(port).name("quiet").join("garden");
    let quiet = start(builder).await;
    blocking_until("its group is seen", || records(&db, "garden").len() == 1);
    quiet.stop().await;
    blocking_until("its end is seen", || records(&db, "goodbye").len() == 1);
    collector.stop();
    let table = run("query", &db, &["--node", "watcher", "--peer", "quiet"]);
    let events: Vec<&str> =
        table.lines().skip(1).filter_map(|line| line.split_whitespace().nth(3)).collect();
    assert_eq!(events, ["ENTER", "JOIN", "EXIT"], "{table}");
    let stats = run("stats", &db, &[]);
    assert!(stats.contains("quiet"), "{stats}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_secure_node_is_watched_by_a_collector_of_its_network() {
    let folder = folder();
    let (db, port) = (folder.path().join("a.db"), free_port());
    let network = NetworkKey::generate().unwrap();
    let [words, key] = ["network", "key"].map(|name| folder.path().join(name));
    network.save(&words).unwrap();
    let option = format!("--network={}", words.display());
    let collector = Collector::start(&db, port, &[&option, "--key", key.to_str().unwrap()]);
    let secure = |identity| on(port, "a").secure(identity, Trust::network(network.clone()));
    let a = start(secure(Identity::create().unwrap())).await;
    // One that is not in it is not even heard.
    let plain = start(on(port, "plain")).await;
    blocking_until("it has its collector", || a.stats().log.collectors == 1);
    assert_eq!(a.peers().len(), 1);
    let known = Identity::load(&key).unwrap().public_key();
    assert_eq!(a.peer_key(a.peers()[0]), Some(known));
    a.log(Level::Info, "secret");
    plain.log(Level::Info, "open");
    blocking_until("the line", || records(&db, "secret").len() == 1);
    assert_eq!(plain.stats().log.collectors, 0);
    collector.stop();
    assert_eq!(records(&db, "open").len(), 0);
    let names = Store::open(&db).unwrap();
    let seen: i64 = names
        .connection()
        .query_row("SELECT count(*) FROM nodes WHERE name = 'plain'", [], |row| row.get(0))
        .unwrap();
    assert_eq!(seen, 0);
    // Who has proved which key is kept, the collector itself included.
    let tape = names.tape(Position::default(), usize::MAX).unwrap();
    let keys: BTreeMap<String, Option<String>> = tape
        .into_iter()
        .filter_map(|(_, item)| match item {
            Item::Change(Change { what: What::Entered(one), .. }) => Some((one.name, one.key)),
            _ => None,
        })
        .collect();
    let expected = [("a", a.key()), ("zyre-logger", Some(known))];
    assert_eq!(
        keys,
        expected.map(|(name, key)| (name.to_owned(), key.map(|key| key.to_string()))).into()
    );
}
