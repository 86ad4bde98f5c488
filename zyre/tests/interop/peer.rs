//! A child process that runs one node behind the line protocol: commands on its standard input,
//! one JSON event per line on its standard output.

use std::io::{BufRead, BufReader, Read, Write};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use serde_json::{Value, json};

use crate::environment::Kind;
use crate::log::{Failure, Line, Log, Mark, Seen};

/// How long a process may take to start: an interpreter on a busy machine.
const STARTED: Duration = Duration::from_secs(30);
/// How long any event may take that has no tighter limit.
const SOON: Duration = Duration::from_secs(15);

/// A running peer. Dropping it kills the process.
pub(crate) struct Peer {
    pub(crate) kind: Kind,
    /// The name of the node on the network.
    pub(crate) name: String,
    /// The identity of the node, 32 lower-case hex digits.
    pub(crate) id: String,
    /// The name in the log, different for every process of a case.
    label: String,
    child: Child,
    stdin: Option<ChildStdin>,
    log: Arc<Log>,
}

impl Peer {
    /// Starts the process and waits for its `STARTED` event.
    pub(crate) fn start(
        mut command: Command,
        kind: Kind,
        name: &str,
        label: String,
        log: &Arc<Log>,
    ) -> Result<Self, Failure> {
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child =
            command.spawn().map_err(|error| Failure::new(format!("{command:?}: {error}")))?;
        let stdin = child.stdin.take();
        if let Some(stdout) = child.stdout.take() {
            follow(stdout, log, &label, true);
        }
        if let Some(stderr) = child.stderr.take() {
            follow(stderr, log, &label, false);
        }
        let log = Arc::clone(log);
        let id = String::new();
        let mut peer = Self { kind, name: name.to_owned(), id, label, child, stdin, log };
        let started = json!({ "event": "STARTED" });
        let seen = peer.log.wait(&peer.label, Mark::START, &started, STARTED)?;
        let id = seen.event["peer"].as_str().unwrap_or_default();
        if id.len() != 32 || !id.bytes().all(|b| b.is_ascii_hexdigit() && !b.is_ascii_uppercase()) {
            return Err(Failure::new(format!("not an identity: {}", seen.event)));
        }
        id.clone_into(&mut peer.id);
        Ok(peer)
    }

    /// Gives the peer a command. Returns the place in the log just before it.
    pub(crate) fn say(&mut self, command: &str) -> Result<Mark, Failure> {
        let mark = self.log.add(&self.label, Line::Command(command.to_owned()));
        let Some(stdin) = &mut self.stdin else {
            return Err(Failure::new(format!("{} takes no commands", self.label)));
        };
        writeln!(stdin, "{command}")?;
        stdin.flush()?;
        Ok(mark)
    }

    /// Waits for an event that has at least these fields, since the start of the process.
    pub(crate) fn expect(&self, pattern: &Value) -> Result<Seen, Failure> {
        self.expect_after(Mark::START, pattern)
    }

    /// Waits for an event that has at least these fields, after the mark.
    pub(crate) fn expect_after(&self, after: Mark, pattern: &Value) -> Result<Seen, Failure> {
        self.log.wait(&self.label, after, pattern, SOON)
    }

    /// Waits for an event after the mark that must come within the limit. Returns how long it took.
    pub(crate) fn expect_within(
        &self,
        limit: Duration,
        after: Mark,
        pattern: &Value,
    ) -> Result<(Duration, Value), Failure> {
        let seen = self.expect_after(after, pattern)?;
        let took = seen.at.saturating_sub(after.at);
        if took > limit {
            let late = format!("{} took {took:?}, not {limit:?}: {}", self.label, seen.event);
            return Err(Failure::new(late));
        }
        Ok((took, seen.event))
    }

    /// Everything the peer has printed so far that matches the pattern, in order.
    pub(crate) fn events(&self, pattern: &Value) -> Vec<Value> {
        self.log.all(&self.label, pattern)
    }

    /// `kill -9`. Returns the place in the log just before it.
    pub(crate) fn kill(&mut self) -> Result<Mark, Failure> {
        let mark = self.log.add(&self.label, Line::Command("(kill -9)".to_owned()));
        self.child.kill()?;
        Ok(mark)
    }
}

impl Drop for Peer {
    fn drop(&mut self) {
        // Both fail only when the process has already gone.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Copies one output of a process to the log until it ends.
fn follow(output: impl Read + Send + 'static, log: &Arc<Log>, label: &str, events: bool) {
    let (log, label) = (Arc::clone(log), label.to_owned());
    thread::spawn(move || {
        for line in BufReader::new(output).split(b'\n').map_while(Result::ok) {
            let text = String::from_utf8_lossy(&line).into_owned();
            let line = match serde_json::from_str(&text) {
                Ok(event) if events => Line::Event(event),
                _ => Line::Text(text),
            };
            log.add(&label, line);
        }
        if events {
            log.add(&label, Line::Ended);
        }
    });
}
