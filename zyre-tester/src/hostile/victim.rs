//! The node under attack: a process of ours, a process of another implementation that speaks the
//! same lines, or one that was started elsewhere.

use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::mpsc::{self, Receiver};
use std::sync::{Arc, Weak};
use std::time::{Duration, Instant};

use serde_json::Value;
use testkit::attacks::GROUP;
use testkit::process::{Heard, Process};
use testkit::usage;
use zmtp::sync::Mutex;
use zyre::{HostEndpoint, PeerId, PublicKey};

use super::member::WORD;
use super::newcomer;

/// pyre behind lines, from the tests of the library.
const PYRE: &str = include_str!("../../../zyre/tests/peers/pyre_peer.py");

/// How long a process may take to start its node.
const START: Duration = Duration::from_secs(20);

/// The node under attack.
pub(super) struct Victim {
    pub(super) id: PeerId,
    pub(super) mailbox: SocketAddr,
    /// Where it listens as a gossip hub, if it does.
    pub(super) gossip: Option<SocketAddr>,
    /// Of a secure one.
    pub(super) key: Option<PublicKey>,
    pub(super) pid: Option<u32>,
    /// Whether it sends back what it gets, and is in the group.
    pub(super) echoes: bool,
    process: Option<Arc<Mutex<Process>>>,
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
    /// The gossip hub that it connects to, if it can: the attacker's.
    pub(super) gossip_hub: HostEndpoint,
    /// The file with the keys that it trusts, if it is a secure one.
    pub(super) trusted: Option<PathBuf>,
    /// Where its folders are.
    pub(super) home: PathBuf,
    /// How many descriptors it may open.
    pub(super) descriptors: Option<u64>,
    /// It dies of an attack.
    pub(super) sabotage: bool,
}

/// Told of each peer that the victim has lost, and why.
pub(super) type Lost = Box<dyn Fn(PeerId, &str) + Send>;

impl Victim {
    /// A node of this library.
    pub(super) fn ours(place: &Place, lost: Lost) -> Result<Self, String> {
        let program = std::env::current_exe().map_err(|error| format!("who am I? {error}"))?;
        let mut command = Command::new(program);
        command.args(["hostile", "--victim", "--interface", &place.interface]);
        command.args(["--beacon-port", &place.beacon_port.to_string()]);
        command.args(["--gossip-hub", &place.gossip_hub.to_string()]);
        command.arg("--home").arg(&place.home);
        if let Some(trusted) = &place.trusted {
            command.arg("--trusted").arg(trusted);
        }
        command.args(place.descriptors.map(|number| format!("--descriptors={number}")));
        command.args(place.sabotage.then_some("--sabotage"));
        // Each thread its own heap is fast, and gives little back: that would look like a leak.
        command.env("MALLOC_ARENA_MAX", "2").env("MALLOC_TRIM_THRESHOLD_", "131072");
        Self::start(&mut command, place, lost)
    }

    /// A node of pyre.
    pub(super) fn pyre(python: &Path, place: &Place, lost: Lost) -> Result<Self, String> {
        let mut command = Command::new(python);
        command.args(["-c", PYRE, "--name", "victim", "--join", GROUP]);
        command.args(["--interface", &place.interface]);
        command.args(["--port", &place.beacon_port.to_string()]);
        Self::start(&mut command, place, lost)
    }

    /// A node that runs already.
    pub(super) fn elsewhere(
        id: PeerId,
        mailbox: SocketAddr,
        pid: Option<u32>,
        echoes: bool,
    ) -> Self {
        let (gossip, key) = (None, None);
        Self { id, mailbox, gossip, key, pid, echoes, process: None, said: Arc::default() }
    }

    fn start(command: &mut Command, place: &Place, lost: Lost) -> Result<Self, String> {
        let (sender, heard) = mpsc::channel();
        let process = Process::start_with_errors("the victim", command, move |line| {
            // Nobody hears a victim that has been given up.
            let _ = sender.send(line);
        })?;
        let said = Arc::default();
        let Some(started) = first_report(&heard, &said) else {
            return Err(format!("the victim does not start: {}", said.lock().join("\n")));
        };
        let text = |field: &str| started[field].as_str().unwrap_or_default().to_owned();
        let id = text("peer").parse().map_err(|error| format!("the victim's id: {error}"))?;
        // pyre on loopback tells of another address: only the port counts.
        let port = text("endpoint").rsplit_once(':').and_then(|(_, port)| port.parse().ok());
        let mailbox = SocketAddr::from((place.here, port.ok_or("the victim has no endpoint")?));
        let gossip = text("gossip").parse().ok();
        let key = text("key").parse().ok();
        let pid = Some(process.id());
        let process = Arc::new(Mutex::new(process));
        let (weak, complaints) = (Arc::downgrade(&process), Arc::clone(&said));
        std::thread::spawn(move || hear(&heard, &weak, &lost, &complaints));
        Ok(Self { id, mailbox, gossip, key, pid, echoes: true, process: Some(process), said })
    }

    /// Returns why it does not live any more, if so.
    pub(super) fn death(&self) -> Option<String> {
        if let Some(process) = &self.process {
            return process.lock().status().map(|status| status.to_string());
        }
        let gone = self.pid.is_some_and(|pid| !usage::is_running(pid));
        gone.then(|| "the process is gone".into())
    }

    /// What it has said since this was last asked: panics and the like.
    pub(super) fn complaints(&self) -> Vec<String> {
        std::mem::take(&mut *self.said.lock())
    }

    /// Whether another can be started if this one dies.
    pub(super) const fn is_ours_to_start(&self) -> bool {
        self.process.is_some()
    }

    /// Ends it.
    pub(super) fn kill(self) {
        if let Some(process) = &self.process {
            process.lock().kill();
        }
    }
}

/// Notes what says that something is wrong.
fn complain(said: &Mutex<Vec<String>>, line: String) {
    /// Enough to see what it is.
    const MOST: usize = 20;
    let mut said = said.lock();
    let alarming = ["panicked", "Error", "error", "Assertion", "abort", "CRASHED", "memory"];
    if said.len() < MOST && alarming.iter().any(|word| line.contains(word)) {
        said.push(line);
    }
}

/// Waits for the report that the node has started.
fn first_report(heard: &Receiver<Heard>, said: &Mutex<Vec<String>>) -> Option<Value> {
    let deadline = Instant::now() + START;
    loop {
        match heard.recv_timeout(deadline.saturating_duration_since(Instant::now())).ok()? {
            Heard::Output(line) => {
                if let Ok(report) = serde_json::from_str(&line) {
                    return Some(report);
                }
            }
            Heard::Error(line) => complain(said, line),
            Heard::End => return None,
        }
    }
}

/// Hears the process until it ends; answers in its place, if it does not itself.
fn hear(
    heard: &Receiver<Heard>,
    process: &Weak<Mutex<Process>>,
    lost: &Lost,
    said: &Mutex<Vec<String>>,
) {
    for line in heard {
        let report: Value = match line {
            Heard::Output(line) => serde_json::from_str(&line).unwrap_or_default(),
            Heard::Error(line) => {
                complain(said, line);
                continue;
            }
            Heard::End => return,
        };
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
                if [WORD, newcomer::WORD].iter().any(|word| content.starts_with(word))
                    && let Some(process) = process.upgrade()
                {
                    // One that is gone will be missed elsewhere.
                    let _ = process.lock().say(format_args!("whisper {} {content}", text("peer")));
                }
            }
            "CRASHED" => complain(said, format!("CRASHED {}", text("error"))),
            _ => {}
        }
    }
}
