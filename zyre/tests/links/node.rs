//! A node in a process of its own on some host, as the test sees it.

use std::ops::{Deref, DerefMut};
use std::sync::Arc;
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use testkit::child::Child;
use testkit::network::Host;
use testkit::role;
use testkit::transcript::{Mark, Seen, Transcript};

/// Two ids. Of two nodes the one with the smaller id is the chooser: it says which connection
/// carries both.
pub(crate) const CHOOSER: &str = "11111111000040008000000000000001";
pub(crate) const FOLLOWER: &str = "EEEEEEEE000040008000000000000002";

/// A running node. Killed when dropped.
pub(crate) struct Node {
    pub(crate) id: String,
    pub(crate) endpoint: String,
    /// The place in the transcript before its first word.
    pub(crate) born: Mark,
    /// What it is called in the transcript: as its host, and differently each time.
    name: String,
    host: Host,
    settings: Value,
    process: Child,
}

impl Deref for Node {
    type Target = Child;

    fn deref(&self) -> &Child {
        &self.process
    }
}

impl DerefMut for Node {
    fn deref_mut(&mut self) -> &mut Child {
        &mut self.process
    }
}

impl Node {
    /// Starts a node on the `eth0` of a host, with the settings of a `node`. All nodes of a test
    /// share a transcript.
    pub(crate) fn start(host: &Host, transcript: &Arc<Transcript>, settings: Value) -> Self {
        let born = transcript.mark();
        let is_taken =
            |name: &String| !transcript.reports(name, transcript.start(), &json!({})).is_empty();
        let name = (1..).map(|life| format!("{}.{life}", host.name)).find(|name| !is_taken(name));
        let name = name.unwrap_or_default();
        let inner = role::again("node", &settings).unwrap();
        let process = Child::start_in(transcript, &name, &mut host.command(&inner)).unwrap();
        let started = process.blocking_expect(born, &json!({ "event": "STARTED" })).unwrap().report;
        let text = |field: &str| started[field].as_str().unwrap().to_owned();
        let (id, endpoint) = (text("id"), text("endpoint"));
        Self { id, endpoint, born, name, host: host.clone(), settings, process }
    }

    /// Starts it again, with the same settings, after its process has ended.
    pub(crate) fn start_again(&mut self) {
        *self = Self::start(&self.host, self.transcript(), self.settings.clone());
    }

    /// The place that the transcript has got to.
    pub(crate) fn mark(&self) -> Mark {
        self.transcript().mark()
    }

    /// Waits for a report. If it does not come, the test fails with all that was said.
    pub(crate) fn hears(&self, after: Mark, report: Value, within: Duration) -> Seen {
        let heard = self.transcript().blocking_expect(&self.name, after, &report, within);
        heard.unwrap_or_else(|_| {
            let (name, all) = (&self.name, self.transcript());
            panic!("{name} has not said {report} within {within:?}; all that was said:\n{all}")
        })
    }

    /// Waits for the ENTER of a peer.
    pub(crate) fn meets(&self, peer: &str, after: Mark, within: Duration) -> Seen {
        self.hears(after, json!({ "event": "ENTER", "peer": peer }), within)
    }

    /// Gives a command, and returns the answer.
    pub(crate) fn ask(&self, command: &str) -> Value {
        self.blocking_ask(command).unwrap().report
    }

    /// What it has heard about a peer after the mark, without messages: ENTER, EXIT with its
    /// reason, and so on.
    pub(crate) fn story(&self, peer: &str, after: Mark) -> Vec<String> {
        let reports = self.reports(after, &json!({ "peer": peer })).into_iter();
        let lines = reports.filter_map(|seen| {
            let event = seen.report["event"].as_str()?;
            let is_told = event.chars().all(char::is_uppercase) && event != "JOIN";
            let reason = seen.report["reason"].as_str().unwrap_or_default();
            is_told.then(|| format!("{event} {reason}").trim_end().to_owned())
        });
        lines.collect()
    }

    /// Panics if a message came twice, late or after a gap.
    pub(crate) fn assert_nothing_wrong(&self) {
        let wrong = self.reports(self.born, &json!({ "event": "wrong" }));
        assert!(wrong.is_empty(), "at {}: {}", self.name, wrong[0].report);
    }
}

/// Waits until then: how long something lasts is what is tested.
pub(crate) fn until(end: Instant) {
    std::thread::sleep(end.saturating_duration_since(Instant::now()));
}

/// The number that a variable of the environment gives, if it does.
pub(crate) fn from_environment(name: &str, default: u64) -> u64 {
    let text = std::env::var(name);
    text.map_or(default, |text| text.parse().expect("the variable is a number"))
}
