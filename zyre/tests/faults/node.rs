//! A node in a process of its own on some host, as the test sees it.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{BufRead, BufReader, Write as _};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::{Arc, Condvar, Mutex};
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::common::{DEADLINE, child};
use crate::network::Host;

/// The group that every node is in.
pub(crate) const GROUP: &str = "all";

/// What a process has reported, and when.
#[derive(Default)]
struct Log {
    reports: Mutex<Vec<(Instant, Value)>>,
    grown: Condvar,
}

impl Log {
    fn add(&self, report: Value) {
        self.reports.lock().unwrap().push((Instant::now(), report));
        self.grown.notify_all();
    }
}

/// A running node. Killed when dropped.
pub(crate) struct Node {
    pub(crate) name: String,
    pub(crate) id: String,
    host: Host,
    settings: Value,
    process: Child,
    stdin: ChildStdin,
    log: Arc<Log>,
}

impl Node {
    /// Starts a node with all defaults on a host, named like it.
    pub(crate) fn start(host: &Host) -> Self {
        Self::start_with(host, json!({}))
    }

    /// Starts a node. Of `settings` it takes what `child::builder` takes, `interface`, `name` and
    /// `files`, the limit of open files.
    pub(crate) fn start_with(host: &Host, mut settings: Value) -> Self {
        settings["port"] = json!(zyre::BEACON_PORT);
        if settings["name"].is_null() {
            settings["name"] = json!(host.name);
        }
        let inner = child::command("node", &settings);
        let mut command = host.command(inner.as_std(), settings["files"].as_u64());
        let (process, stdin, log) = spawn(&mut command);
        let name = settings["name"].as_str().unwrap().to_owned();
        let mut node =
            Self { name, id: String::new(), host: host.clone(), settings, process, stdin, log };
        node.id = child::text(&node.report(0, "STARTED"), "peer").to_owned();
        node
    }

    /// The first report of this kind after so many.
    fn report(&self, after: usize, kind: &str) -> Value {
        let deadline = Instant::now() + DEADLINE;
        let mut reports = self.log.reports.lock().unwrap();
        loop {
            let found = reports.iter().skip(after).find(|(_, report)| report["event"] == kind);
            if let Some((_, report)) = found {
                return report.clone();
            }
            let ended = reports.last().is_some_and(|(_, report)| report["event"] == "ENDED");
            let left = deadline.saturating_duration_since(Instant::now());
            assert!(!ended && !left.is_zero(), "{} did not report {kind}", self.name);
            reports = self.log.grown.wait_timeout(reports, left).unwrap().0;
        }
    }

    /// Gives a command, and waits for the answer.
    pub(crate) fn ask(&self, command: &str) -> Value {
        let mark = self.mark();
        writeln!(&self.stdin, "{command}").expect("it listens");
        self.report(mark, command.split(' ').next().unwrap())
    }

    /// The place in its reports.
    pub(crate) fn mark(&self) -> usize {
        self.log.reports.lock().unwrap().len()
    }

    /// Waits for a report of this kind after the mark.
    pub(crate) fn wait(&self, mark: usize, kind: &str) -> Value {
        self.report(mark, kind)
    }

    /// The events about a peer since then, each with the seconds after it.
    pub(crate) fn events(&self, peer: &str, since: Instant) -> Vec<(f64, String)> {
        let reports = self.log.reports.lock().unwrap();
        let later = reports.iter().filter(|(at, report)| *at >= since && report["peer"] == peer);
        later
            .map(|(at, report)| {
                let word = report["event"].as_str().unwrap_or_default().to_owned();
                let word = match report["what"].as_str() {
                    Some(reason) if word == "EXIT" => format!("EXIT {reason}"),
                    _ => word,
                };
                ((*at - since).as_secs_f64(), word)
            })
            .collect()
    }

    /// The same for every peer that there was one about, in a line each.
    pub(crate) fn stories(&self, since: Instant) -> BTreeMap<String, String> {
        let reports = self.log.reports.lock().unwrap().clone();
        let later = reports.iter().filter(|(at, _)| *at >= since);
        let peers = later.filter_map(|(_, report)| report["peer"].as_str());
        let peers = peers.collect::<BTreeSet<_>>().into_iter();
        let story = |peer: &str| {
            let events = self.events(peer, since).into_iter();
            events.map(|(at, event)| format!(" {event} {at:.1}")).collect()
        };
        peers.map(|peer| (peer.to_owned(), story(peer))).collect()
    }

    /// When the last peer has come, gone, joined or left.
    pub(crate) fn last_change(&self) -> Option<Instant> {
        let changes = ["ENTER", "EXIT", "JOIN", "LEAVE"];
        let reports = self.log.reports.lock().unwrap();
        let last = reports.iter().rfind(|(_, report)| {
            report["event"].as_str().is_some_and(|event| changes.contains(&event))
        });
        last.map(|(at, _)| *at)
    }

    fn signal(&self, signal: &str) {
        let kill = format!("kill -{signal} {}", self.process.id());
        assert!(Command::new("sh").args(["-c", &kill]).status().unwrap().success(), "{kill}");
    }

    /// SIGSTOP: the process lives, and does nothing.
    pub(crate) fn suspend(&self) {
        self.signal("STOP");
    }

    /// SIGCONT.
    pub(crate) fn resume(&self) {
        self.signal("CONT");
    }

    /// SIGKILL, and at once a new process with the same settings.
    pub(crate) fn restart(&mut self) {
        let (host, settings) = (self.host.clone(), self.settings.clone());
        self.kill();
        *self = Self::start_with(&host, settings);
    }

    /// SIGKILL. Returns when the process is gone.
    pub(crate) fn kill(&mut self) {
        // Both fail only when the process has already gone.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }

    /// What the process has in memory, in KiB.
    pub(crate) fn resident(&self) -> u64 {
        let status = self.proc("status");
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).expect("VmRSS");
        line.trim().trim_end_matches(" kB").parse().expect("a number")
    }

    /// The time that the process has computed.
    pub(crate) fn computed(&self) -> Duration {
        let stat = self.proc("stat");
        // User and system time, in hundredths of a second, after the name in brackets.
        let fields: Vec<_> = stat.rsplit(')').next().unwrap().split_whitespace().collect();
        let ticks: u64 = fields[11..13].iter().map(|ticks| ticks.parse::<u64>().unwrap()).sum();
        Duration::from_millis(ticks * 10)
    }

    fn proc(&self, file: &str) -> String {
        std::fs::read_to_string(format!("/proc/{}/{file}", self.process.id())).expect("it runs")
    }
}

impl Drop for Node {
    fn drop(&mut self) {
        self.kill();
    }
}

/// Starts a process and follows what it reports.
fn spawn(command: &mut Command) -> (Child, ChildStdin, Arc<Log>) {
    command.stdin(Stdio::piped()).stdout(Stdio::piped());
    let mut process = command.spawn().expect("the test binary starts again");
    let stdin = process.stdin.take().expect("piped");
    let stdout = process.stdout.take().expect("piped");
    let log = Arc::new(Log::default());
    let reports = Arc::clone(&log);
    std::thread::spawn(move || {
        for line in BufReader::new(stdout).lines().map_while(Result::ok) {
            if let Some(start) = line.find("@{") {
                reports.add(serde_json::from_str(&line[start + 1..]).expect("JSON"));
            }
        }
        reports.add(json!({ "event": "ENDED" }));
    });
    (process, stdin, log)
}
