//! A node on one of the hosts, in a process of its own, as the world sees it.

use std::collections::BTreeSet;
use std::net::Ipv4Addr;
use std::sync::Arc;
use std::time::Duration;

use serde_json::{Value, json};
use testkit::child::Child;
use testkit::failure::{Failure, Result};
use testkit::network::Host as Machine;
use testkit::role;
use testkit::transcript::{Mark, Transcript};

use super::node::ROLE;

/// How long a node may take to stop: it says goodbye to peers that may be gone.
const STOP: Duration = Duration::from_secs(15);

/// A running node. Killed when dropped.
pub(super) struct Member {
    /// As its host, and which life of that it is.
    pub(super) name: String,
    pub(super) id: String,
    /// Of its mailbox.
    port: String,
    /// The ids and endpoints that it was told of.
    told: BTreeSet<(String, String)>,
    /// The messages that it had received when it was last asked.
    pub(super) received: u64,
    born: Mark,
    process: Child,
}

/// A question that was put to a node.
pub(super) struct Asked(Mark);

impl Member {
    /// Starts a node on a host.
    ///
    /// # Errors
    /// It does not start.
    pub(super) fn start(
        machine: &Machine,
        transcript: &Arc<Transcript>,
        name: &str,
        settings: &Value,
    ) -> Result<Self> {
        let inner = role::again(ROLE, settings)?;
        let born = transcript.mark();
        let process = Child::start_in(transcript, name, &mut machine.command(&inner))?;
        let started = process.blocking_expect(born, &json!({ "event": "STARTED" }))?;
        let text = |field: &str| started.report[field].as_str().unwrap_or_default().to_owned();
        let (id, endpoint) = (text("id"), text("endpoint"));
        let port = endpoint.rsplit(':').next().unwrap_or_default().to_owned();
        let told = BTreeSet::new();
        Ok(Self { name: name.to_owned(), id, port, told, received: 0, born, process })
    }

    /// Asks whom it knows.
    ///
    /// # Errors
    /// It has ended.
    pub(super) fn ask(&self) -> Result<Asked> {
        self.process.tell("who").map(Asked)
    }

    /// Waits for the answer to a question.
    ///
    /// # Errors
    /// There is none.
    pub(super) fn answer(&mut self, asked: &Asked) -> Result<BTreeSet<String>> {
        let answer = self.process.blocking_expect(asked.0, &json!({ "event": "who" }))?;
        self.received = answer.report["received"].as_u64().unwrap_or_default();
        let peers = answer.report["peers"].as_array().cloned().unwrap_or_default();
        Ok(peers.iter().filter_map(Value::as_str).map(str::to_owned).collect())
    }

    /// Tells it of a node at an address, unless it knows that.
    ///
    /// # Errors
    /// It has ended.
    pub(super) fn tell_of(&mut self, id: &str, endpoint: &str) -> Result<()> {
        if !self.told.insert((id.to_owned(), endpoint.to_owned())) {
            return Ok(());
        }
        self.process.tell(&format!("require {id} {endpoint}")).map(drop)
    }

    /// Returns where its mailbox is, on a host with this address.
    pub(super) fn endpoint(&self, address: Ipv4Addr) -> String {
        format!("tcp://{address}:{}", self.port)
    }

    /// Has it stop, which takes a while.
    ///
    /// # Errors
    /// It has ended.
    pub(super) fn stop(&self) -> Result<()> {
        self.process.tell("stop").map(drop)
    }

    /// Waits until it has stopped.
    ///
    /// # Errors
    /// It does not stop, or not well.
    pub(super) fn stopped(&mut self) -> Result<()> {
        let (name, stop) = (&self.name, json!({ "event": "stop" }));
        self.process.transcript().blocking_expect(name, self.born, &stop, STOP)?;
        let status = self.process.blocking_wait(STOP)?;
        if status.success() {
            return Ok(());
        }
        Err(Failure::new(format!("{name} has stopped with {status}")))
    }

    /// Kills it. Returns whether it had ended before.
    pub(super) fn crash(&mut self) -> bool {
        let had_ended = self.process.status().is_some();
        self.process.kill();
        had_ended
    }

    /// Returns what it has objected to after the mark.
    pub(super) fn objections(&self, after: Mark) -> Vec<Value> {
        let wrong = self.process.reports(after, &json!({ "event": "wrong" }));
        wrong.into_iter().map(|seen| seen.report).collect()
    }

    /// Returns what it has heard about a peer after the mark, a line each.
    pub(super) fn story(&self, peer: &str, after: Mark) -> Vec<String> {
        let (start, all) = (self.process.transcript().start(), json!({ "peer": peer }));
        let lines = self.process.reports(after, &all).into_iter().map(|seen| {
            let seconds = seen.at.duration_since(start.at).as_secs_f64();
            let text = |field: &str| seen.report[field].as_str().unwrap_or_default().to_owned();
            format!("{seconds:8.3} s {} {}", text("event"), text("why"))
        });
        lines.collect()
    }

    /// Returns all that it has heard about a peer, a line each.
    pub(super) fn whole_story(&self, peer: &str) -> Vec<String> {
        self.story(peer, self.born)
    }
}
