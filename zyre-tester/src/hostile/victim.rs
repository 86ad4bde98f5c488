//! The node under attack: a process of ours, a process of another implementation that speaks the
//! same lines, or one that somebody else has started.

use std::net::{Ipv4Addr, SocketAddr};
use std::path::Path;
use std::process::Stdio;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use serde_json::Value;
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader, Lines};
use tokio::process::{Child, ChildStdin, ChildStdout, Command};
use zyre::PeerId;

use super::good::GROUP;
use super::member::WORD;
use super::{newcomer, usage};

/// pyre behind lines, from the tests of the library.
const PYRE: &str = include_str!("../../../zyre/tests/peers/pyre_peer.py");

/// How long a process may take to start its node.
const START: Duration = Duration::from_secs(20);

/// The node under attack.
pub(super) struct Victim {
    pub(super) id: PeerId,
    pub(super) mailbox: SocketAddr,
    pub(super) pid: Option<u32>,
    /// Whether it sends back what it gets, and is in the group.
    pub(super) echoes: bool,
    child: Option<Child>,
    /// What it has said that it should not.
    said: Arc<Mutex<Vec<String>>>,
}

/// Where it is to live.
#[derive(Clone, Debug)]
pub(super) struct Place {
    pub(super) interface: String,
    /// The address of that interface.
    pub(super) here: Ipv4Addr,
    pub(super) beacon_port: u16,
    /// How many descriptors it may open.
    pub(super) descriptors: Option<u64>,
    /// It dies of an attack.
    pub(super) sabotage: bool,
}

/// Told of each peer that the victim has lost, and why.
pub(super) type Lost = Box<dyn Fn(PeerId, &str) + Send>;

impl Victim {
    /// A node of this library.
    pub(super) async fn ours(place: &Place, lost: Lost) -> Result<Self, String> {
        let program = std::env::current_exe().map_err(|error| format!("who am I? {error}"))?;
        let mut command = Command::new(program);
        command.args(["hostile", "--victim", "--interface", &place.interface]);
        command.args(["--beacon-port", &place.beacon_port.to_string()]);
        command.args(place.descriptors.map(|number| format!("--descriptors={number}")));
        command.args(place.sabotage.then_some("--sabotage"));
        // Each thread its own heap is fast, and gives little back: that would look like a leak.
        command.env("MALLOC_ARENA_MAX", "2").env("MALLOC_TRIM_THRESHOLD_", "131072");
        Self::start(command, place, lost).await
    }

    /// A node of pyre.
    pub(super) async fn pyre(python: &Path, place: &Place, lost: Lost) -> Result<Self, String> {
        let mut command = Command::new(python);
        command.args(["-c", PYRE, "--name", "victim", "--join", GROUP]);
        command.args(["--interface", &place.interface]);
        command.args(["--port", &place.beacon_port.to_string()]);
        Self::start(command, place, lost).await
    }

    /// A node that runs already.
    pub(super) fn elsewhere(
        id: PeerId,
        mailbox: SocketAddr,
        pid: Option<u32>,
        echoes: bool,
    ) -> Self {
        Self { id, mailbox, pid, echoes, child: None, said: Arc::default() }
    }

    async fn start(mut command: Command, place: &Place, lost: Lost) -> Result<Self, String> {
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        command.kill_on_drop(true);
        let mut child = command.spawn().map_err(|error| format!("no victim: {error}"))?;
        let (Some(stdin), Some(stdout), Some(stderr)) =
            (child.stdin.take(), child.stdout.take(), child.stderr.take())
        else {
            return Err("no victim: it has no standard streams".into());
        };
        let said = Arc::new(Mutex::new(Vec::new()));
        let mut errors = BufReader::new(stderr).lines();
        let complaints = Arc::clone(&said);
        tokio::spawn(async move {
            while let Ok(Some(line)) = errors.next_line().await {
                complain(&complaints, line);
            }
        });
        let mut lines = BufReader::new(stdout).lines();
        let started = tokio::time::timeout(START, report(&mut lines)).await;
        let Ok(Some(started)) = started else {
            let said = said.lock().unwrap_or_else(PoisonError::into_inner);
            return Err(format!("the victim does not start: {}", said.join("\n")));
        };
        let text = |field: &str| started[field].as_str().unwrap_or_default().to_owned();
        let id = text("peer").parse().map_err(|error| format!("the victim's id: {error}"))?;
        // pyre on loopback tells of another address: only the port counts.
        let port = text("endpoint").rsplit_once(':').and_then(|(_, port)| port.parse().ok());
        let mailbox = SocketAddr::from((place.here, port.ok_or("the victim has no endpoint")?));
        let pid = child.id();
        tokio::spawn(hear(lines, stdin, lost, Arc::clone(&said)));
        Ok(Self { id, mailbox, pid, echoes: true, child: Some(child), said })
    }

    /// Why it does not live any more, if so.
    pub(super) fn death(&mut self) -> Option<String> {
        if let Some(child) = &mut self.child {
            return match child.try_wait() {
                Ok(Some(status)) => Some(status.to_string()),
                Ok(None) => None,
                Err(error) => Some(error.to_string()),
            };
        }
        let gone = self.pid.is_some_and(|pid| !usage::runs(pid));
        gone.then(|| "the process is gone".into())
    }

    /// What it has said since this was last asked: panics and the like.
    pub(super) fn complaints(&self) -> Vec<String> {
        std::mem::take(&mut *self.said.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Whether another can be started if this one dies.
    pub(super) const fn is_ours_to_start(&self) -> bool {
        self.child.is_some()
    }

    /// Ends it.
    pub(super) async fn kill(mut self) {
        if let Some(child) = &mut self.child {
            // One that has ended by itself cannot be killed.
            let _ = child.kill().await;
        }
    }
}

/// Notes what says that something is wrong.
fn complain(said: &Mutex<Vec<String>>, line: String) {
    /// Enough to see what it is.
    const MOST: usize = 20;
    let mut said = said.lock().unwrap_or_else(PoisonError::into_inner);
    let alarming = ["panicked", "Error", "error", "Assertion", "abort", "CRASHED", "memory"];
    if said.len() < MOST && alarming.iter().any(|word| line.contains(word)) {
        said.push(line);
    }
}

/// The next report.
async fn report(lines: &mut Lines<BufReader<ChildStdout>>) -> Option<Value> {
    loop {
        let line = lines.next_line().await.ok()??;
        if let Ok(report) = serde_json::from_str(&line) {
            return Some(report);
        }
    }
}

/// Hears the process until it ends; answers in its place, if it does not itself.
async fn hear(
    mut lines: Lines<BufReader<ChildStdout>>,
    mut stdin: ChildStdin,
    lost: Lost,
    said: Arc<Mutex<Vec<String>>>,
) {
    while let Some(report) = report(&mut lines).await {
        let text = |field: &str| report[field].as_str().unwrap_or_default();
        match text("event") {
            "EXIT" => {
                if let Ok(id) = text("peer").parse() {
                    lost(id, if text("reason").is_empty() { "EXIT" } else { text("reason") });
                }
            }
            "WHISPER" | "SHOUT" => {
                let content = report["content"][0].as_str().unwrap_or_default();
                // Only what it is to answer: the rest may be anything.
                if [WORD, newcomer::WORD].iter().any(|word| content.starts_with(word)) {
                    let order = format!("whisper {} {content}\n", text("peer"));
                    // One that is gone will be missed elsewhere.
                    let _ = stdin.write_all(order.as_bytes()).await;
                }
            }
            "CRASHED" => complain(&said, format!("CRASHED {}", text("error"))),
            _ => {}
        }
    }
}
