//! A child process that runs one node behind the line protocol: commands on its standard input,
//! one JSON event per line on its standard output.

use std::process::Command;
use std::sync::Arc;
use std::time::Duration;

use serde_json::{Value, json};
use testkit::child::Child;
use testkit::failure::{Failure, Result};
use testkit::transcript::{Mark, Seen, Transcript};

use crate::kind::Kind;

/// How long any event may take that has no tighter limit: also the start of an interpreter on a
/// busy machine.
const SOON: Duration = Duration::from_secs(30);

/// A running peer. Dropping it kills the process.
pub(crate) struct Peer {
    pub(crate) kind: Kind,
    /// The name of the node on the network.
    pub(crate) name: String,
    /// The identity of the node, 32 lower-case hex digits.
    pub(crate) id: String,
    /// Where it says that its mailbox is, if it says so.
    pub(crate) endpoint: Option<String>,
    child: Child,
}

impl Peer {
    /// Starts the process and waits for its `STARTED` event. The label is its name in the
    /// transcript, different for every process of a case.
    pub(crate) fn start(
        mut command: Command,
        kind: Kind,
        name: &str,
        label: &str,
        transcript: &Arc<Transcript>,
    ) -> Result<Self> {
        let child = Child::start_in(transcript, label, &mut command)?;
        let mut peer =
            Self { kind, name: name.to_owned(), id: String::new(), endpoint: None, child };
        let started = peer.expect(&json!({ "event": "STARTED" }))?.report;
        let id = started["peer"].as_str().unwrap_or_default();
        if id.len() != 32 || !id.bytes().all(|b| b.is_ascii_hexdigit() && !b.is_ascii_uppercase()) {
            return Err(Failure::new(format!("not an identity: {started}")));
        }
        id.clone_into(&mut peer.id);
        peer.endpoint = started["endpoint"].as_str().map(str::to_owned);
        Ok(peer)
    }

    /// Gives the peer a command. Returns the place in the transcript just before it.
    pub(crate) fn say(&self, command: &str) -> Result<Mark> {
        self.child.tell(command)
    }

    /// Waits for an event that has at least these fields, since the start of the process.
    pub(crate) fn expect(&self, pattern: &Value) -> Result<Seen> {
        self.expect_after(self.child.transcript().start(), pattern)
    }

    /// Waits for an event that has at least these fields, after the mark.
    pub(crate) fn expect_after(&self, after: Mark, pattern: &Value) -> Result<Seen> {
        self.child.transcript().blocking_expect(self.child.name(), after, pattern, SOON)
    }

    /// Waits for an event after the mark that must come within the limit. Returns how long it took.
    pub(crate) fn expect_within(
        &self,
        limit: Duration,
        after: Mark,
        pattern: &Value,
    ) -> Result<(Duration, Value)> {
        let seen = self.expect_after(after, pattern)?;
        let took = seen.at.saturating_duration_since(after.at);
        if took > limit {
            let name = self.child.name();
            return Err(Failure::new(format!(
                "{name} took {took:?}, not {limit:?}: {}",
                seen.report
            )));
        }
        Ok((took, seen.report))
    }

    /// Everything the peer has printed so far that matches the pattern, in order.
    pub(crate) fn events(&self, pattern: &Value) -> Vec<Value> {
        let all = self.child.reports(self.child.transcript().start(), pattern);
        all.into_iter().map(|seen| seen.report).collect()
    }

    /// `kill -9`. Returns the place in the transcript just before it.
    pub(crate) fn kill(&mut self) -> Mark {
        self.child.kill()
    }
}
