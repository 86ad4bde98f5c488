//! A process with a line protocol: commands on its standard input, reports on its standard output.

use std::io::{BufRead, BufReader, Write as _};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::sync::{Arc, Condvar, Mutex, MutexGuard};
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::common::DEADLINE;

/// What a process has reported, and when.
type Reports = Vec<(Instant, Value)>;

#[derive(Default)]
struct Log {
    reports: Mutex<Reports>,
    grown: Condvar,
}

/// A running process, killed when dropped.
pub(crate) struct Process {
    name: String,
    child: Child,
    stdin: ChildStdin,
    log: Arc<Log>,
}

impl Process {
    pub(crate) fn start(name: &str, command: &mut Command) -> Self {
        command.stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut child = command.spawn().expect("the test binary starts again");
        let stdin = child.stdin.take().expect("piped");
        let stdout = child.stdout.take().expect("piped");
        let log = Arc::new(Log::default());
        let follower = Arc::clone(&log);
        std::thread::spawn(move || follow(stdout, &follower));
        Self { name: name.to_owned(), child, stdin, log }
    }

    pub(crate) fn reports(&self) -> MutexGuard<'_, Reports> {
        self.log.reports.lock().unwrap()
    }

    /// The place in its reports.
    pub(crate) fn mark(&self) -> usize {
        self.reports().len()
    }

    /// Waits for a report of this kind after the mark.
    pub(crate) fn wait(&self, mark: usize, kind: &str) -> Value {
        let deadline = Instant::now() + DEADLINE;
        let mut reports = self.reports();
        loop {
            let found = reports.iter().skip(mark).find(|(_, report)| report["event"] == kind);
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
        self.wait(mark, command.split(' ').next().unwrap())
    }

    fn signal(&self, signal: &str) {
        let kill = format!("kill -{signal} {}", self.child.id());
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

    /// SIGKILL. Returns when the process is gone.
    pub(crate) fn kill(&mut self) {
        // Both fail only when the process has already gone.
        let _ = self.child.kill();
        let _ = self.child.wait();
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
        std::fs::read_to_string(format!("/proc/{}/{file}", self.child.id())).expect("it runs")
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        self.kill();
    }
}

/// Takes down what the process reports, until it ends.
fn follow(stdout: ChildStdout, log: &Log) {
    let add = |report| {
        log.reports.lock().unwrap().push((Instant::now(), report));
        log.grown.notify_all();
    };
    for line in BufReader::new(stdout).lines().map_while(Result::ok) {
        if let Some(start) = line.find("@{") {
            add(serde_json::from_str(&line[start + 1..]).expect("JSON"));
        }
    }
    add(json!({ "event": "ENDED" }));
}
