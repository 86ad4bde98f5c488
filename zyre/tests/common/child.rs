//! Nodes in processes of their own: the test binary started again, for its test `child`.
//!
//! A test that wants a child process has an ignored test `child` that calls [`task`]. The process
//! reads commands from its standard input, a word a line, and reports JSON on its standard output.

use std::io::BufRead;
use std::process::Stdio;
use std::time::Duration;

use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::process::{Child as Process, ChildStdin, Command};
use tokio::sync::mpsc;
use zyre::{Builder, Endpoint, Event, Events, Limits, Node, PeerId};

use super::soon;

const TASK: &str = "ZYRE_TEST_CHILD";

/// A child process, killed when dropped.
pub struct Child {
    process: Process,
    stdin: ChildStdin,
    reports: mpsc::UnboundedReceiver<Value>,
    /// All reports that were taken, also those passed over.
    pub seen: Vec<Value>,
    pub id: PeerId,
    pub endpoint: Endpoint,
}

impl Child {
    /// Starts a process with a node, and waits until it runs.
    pub async fn start(task: &str, settings: Value) -> Self {
        let mut process = command(task, &settings)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .expect("the test binary starts again");
        let stdin = process.stdin.take().expect("piped");
        let mut lines = BufReader::new(process.stdout.take().expect("piped")).lines();
        let (sender, reports) = mpsc::unbounded_channel();
        tokio::spawn(async move {
            while let Ok(Some(line)) = lines.next_line().await {
                if let Some(start) = line.find("@{") {
                    let report = serde_json::from_str(&line[start + 1..]).expect("JSON");
                    let _ = sender.send(report);
                }
            }
        });
        let (id, endpoint) = (PeerId::new([0; 16]), Endpoint::new(([0; 4], 0).into()));
        let mut child = Self { process, stdin, reports, seen: Vec::new(), id, endpoint };
        let started = child.report("STARTED").await;
        child.id = text(&started, "peer").parse().expect("an id");
        child.endpoint = text(&started, "endpoint").parse().expect("an endpoint");
        child
    }

    /// The next report of this kind.
    pub async fn report(&mut self, kind: &str) -> Value {
        loop {
            let report = soon(self.reports.recv()).await;
            let report = report.unwrap_or_else(|| panic!("the process ended before {kind}"));
            self.seen.push(report.clone());
            if report["event"] == kind {
                return report;
            }
        }
    }

    /// Sends a command and waits for the report of the same name.
    pub async fn ask(&mut self, command: &str) -> Value {
        self.tell(command).await;
        self.report(command).await
    }

    pub async fn tell(&mut self, command: &str) {
        self.stdin.write_all(format!("{command}\n").as_bytes()).await.expect("it listens");
    }

    /// SIGKILL: not a word more. Returns when the process is gone.
    pub async fn kill(mut self) {
        self.process.kill().await.expect("it was there");
    }

    /// What the process has in memory, in KiB.
    pub fn resident(&self) -> u64 {
        let pid = self.process.id().expect("the process runs");
        let status = std::fs::read_to_string(format!("/proc/{pid}/status")).expect("it runs");
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).expect("VmRSS");
        line.trim().trim_end_matches(" kB").parse().expect("a number")
    }
}

pub fn text<'a>(report: &'a Value, field: &str) -> &'a str {
    report[field].as_str().unwrap_or_else(|| panic!("no {field} in {report}"))
}

/// The command that runs the test `child` of this binary.
pub fn command(task: &str, settings: &Value) -> Command {
    let mut command = Command::new(std::env::current_exe().expect("the test binary"));
    command.args(["--exact", "child", "--ignored", "--nocapture", "--test-threads=1"]);
    command.env(TASK, json!([task, settings]).to_string());
    command
}

/// In the test `child`: what to do. `None` if nobody started it as a child.
pub fn task() -> Option<(String, Value)> {
    let task = std::env::var(TASK).ok()?;
    Some(serde_json::from_str(&task).expect("task and settings"))
}

pub fn say(report: &Value) {
    println!("@{report}");
}

/// The commands that come on standard input. When it ends, so does the process.
pub fn commands() -> mpsc::UnboundedReceiver<String> {
    let (sender, commands) = mpsc::unbounded_channel();
    std::thread::spawn(move || {
        for line in std::io::stdin().lock().lines().map_while(Result::ok) {
            let _ = sender.send(line);
        }
        std::process::exit(0);
    });
    commands
}

/// A node with these settings: `port`, and if given `mailbox`, and times in ms and limits.
pub fn builder(settings: &Value) -> Builder {
    let number = |name: &str| settings[name].as_u64();
    let time = |name: &str| number(name).map(Duration::from_millis);
    let size = |name: &str, default| number(name).map_or(default, |n| usize::try_from(n).unwrap());
    let port = |name: &str| number(name).map(|port| u16::try_from(port).unwrap());
    let default = Limits::default();
    let limits = Limits {
        handshake_time: time("handshake").unwrap_or(default.handshake_time),
        handshakes: size("handshakes", default.handshakes),
        connections: size("connections", default.connections),
        peers: size("peers", default.peers),
        events: size("events", default.events),
        event_octets: size("event_octets", default.event_octets),
        ..default
    };
    let mut builder = super::on(port("port").expect("a port")).limits(limits);
    if let Some(port) = port("mailbox") {
        builder = builder.mailbox_port(port);
    }
    if let Some(time) = time("interval") {
        builder = builder.beacon_interval(time);
    }
    if let Some(time) = time("evasive") {
        builder = builder.evasive(time).silent(time);
    }
    if let Some(time) = time("expired") {
        builder = builder.expired(time);
    }
    builder
}

pub async fn start(settings: &Value) -> (Node, Events) {
    let (node, events) = builder(settings).start().await.expect("the node starts");
    let (peer, endpoint) = (node.id().to_string(), node.endpoint().to_string());
    say(&json!({ "event": "STARTED", "peer": peer, "endpoint": endpoint }));
    (node, events)
}

/// Task of a child: a node that sends every WHISPER back, tells who comes and goes, and on
/// `stats` what it has counted.
pub async fn echo(settings: &Value) {
    let mut commands = commands();
    let (node, mut events) = start(settings).await;
    loop {
        tokio::select! {
            Some(_stats) = commands.recv() => say(&stats(&node)),
            event = events.recv() => match event {
                Some(Event::Whisper { peer, content, .. }) => {
                    // Whoever is gone again needs no answer.
                    let _ = node.whisper(peer, content);
                }
                Some(Event::Enter { peer, .. }) => {
                    say(&json!({ "event": "ENTER", "peer": peer.to_string() }));
                }
                Some(Event::Exit { peer, reason, .. }) => {
                    let (peer, reason) = (peer.to_string(), reason.as_str());
                    say(&json!({ "event": "EXIT", "peer": peer, "reason": reason }));
                }
                Some(_) => {}
                None => return,
            }
        }
    }
}

fn stats(node: &Node) -> Value {
    let (protocol, network) = (node.stats().protocol, node.stats().network);
    json!({
        "event": "stats",
        "received": protocol.received,
        "foreign": protocol.foreign,
        "malformed": protocol.malformed,
        "before_hello": protocol.before_hello,
        "intruding": protocol.intruding,
        "own": protocol.own,
        "candidates_refused": protocol.candidates_refused,
        "unused": protocol.unused,
        "not_member": protocol.not_member,
        "beacons": network.beacons,
        "connections": network.connections,
        "connections_foreign": network.connections_foreign,
        "connections_broken": network.connections_broken,
        "connections_idle": network.connections_idle,
        "handshakes_failed": network.handshakes_failed,
    })
}
