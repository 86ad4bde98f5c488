//! A node in a process of its own on some host, as the test sees it.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::ops::Deref;
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use testkit::child::Child;
use testkit::network::Host;
use testkit::transcript::Mark;
use testkit::{process, role};

use crate::common::child::text;

/// The group that every node is in.
pub(crate) const GROUP: &str = "all";

/// Nodes of these names make one connection each way with everybody, unless something else is said:
/// so there are both kinds in every network.
const PLAIN: [&str; 2] = ["b", "d"];

/// A group that some join later.
const ANOTHER: &str = "another";

/// A running node. Killed when dropped.
pub(crate) struct Node {
    pub(crate) name: String,
    pub(crate) id: String,
    /// The groups that it is in, in order.
    pub(crate) groups: RefCell<Vec<&'static str>>,
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

impl Node {
    /// Starts a node with all defaults on a host, named like it.
    pub(crate) fn start(host: &Host) -> Self {
        Self::start_with(host, json!({}))
    }

    /// Starts a node. Of `settings` it takes what `child::builder` takes, `interface`, `name`, `id`,
    /// `plain`, and `files`, the limit of open files.
    pub(crate) fn start_with(host: &Host, mut settings: Value) -> Self {
        settings["port"] = json!(zyre::BEACON_PORT);
        if settings["name"].is_null() {
            settings["name"] = json!(host.name);
        }
        let name = settings["name"].as_str().unwrap().to_owned();
        if settings["plain"].is_null() {
            settings["plain"] = json!(PLAIN.contains(&&*name));
        }
        let mut inner = role::again("node", &settings).unwrap();
        if let Some(limit) = settings["files"].as_u64() {
            inner = process::with_limits(&inner, &[&format!("-n {limit}")]);
        }
        let process = Child::start(&name, &mut host.command(&inner)).unwrap();
        let started = json!({ "event": "STARTED" });
        let started = process.blocking_expect(process.transcript().start(), &started).unwrap();
        let id = text(&started.report, "id").to_owned();
        let groups = RefCell::new(vec![GROUP]);
        Self { name, id, groups, host: host.clone(), settings, process }
    }

    /// Gives a command, and waits for the answer.
    pub(crate) fn ask(&self, command: &str) -> Value {
        self.blocking_ask(command).unwrap().report
    }

    /// Waits for a report of this kind after the mark.
    pub(crate) fn wait(&self, mark: Mark, kind: &str) {
        self.blocking_expect(mark, &json!({ "event": kind })).unwrap();
    }

    /// What the process has in memory, in KiB.
    pub(crate) fn resident(&self) -> u64 {
        self.usage().expect("it runs").memory / 1024
    }

    /// The time that the process has computed.
    pub(crate) fn computed(&self) -> Duration {
        self.usage().expect("it runs").cpu
    }

    /// Joins another group: something that others have to learn.
    pub(crate) fn join(&self) {
        self.ask(&format!("join {ANOTHER}"));
        self.groups.borrow_mut().push(ANOTHER);
    }

    /// SIGKILL, and at once a new process with the same settings.
    pub(crate) fn restart(&mut self) {
        self.restart_with(self.settings.clone());
    }

    /// SIGKILL, and at once a new process with these settings.
    pub(crate) fn restart_with(&mut self, settings: Value) {
        self.process.kill();
        *self = Self::start_with(&self.host, settings);
    }

    /// The events about a peer since then, each with the seconds after it.
    pub(crate) fn events(&self, peer: &str, since: Instant) -> Vec<(f64, String)> {
        let about = self.reports(self.transcript().start(), &json!({ "peer": peer }));
        let later = about.iter().filter(|seen| seen.at >= since);
        later
            .map(|seen| {
                let word = seen.report["event"].as_str().unwrap_or_default().to_owned();
                let word = match seen.report["what"].as_str() {
                    Some(why) if ["EXIT", "UNREACHABLE"].contains(&&*word) => {
                        format!("{word} {why}")
                    }
                    _ => word,
                };
                ((seen.at - since).as_secs_f64(), word)
            })
            .collect()
    }

    /// The same in a line for each peer that there was an event about.
    pub(crate) fn stories(&self, since: Instant) -> BTreeMap<String, String> {
        let all = self.reports(self.transcript().start(), &json!({}));
        let later = all.iter().filter(|seen| seen.at >= since);
        let peers: BTreeSet<_> = later.filter_map(|seen| seen.report["peer"].as_str()).collect();
        let story = |peer: &str| {
            let events = self.events(peer, since).into_iter();
            let line = events.map(|(at, event)| format!(" {event} {at:.1}")).collect();
            (peer.to_owned(), line)
        };
        peers.into_iter().map(story).collect()
    }

    /// When the last peer has come, gone, joined or left.
    pub(crate) fn last_change(&self) -> Option<Instant> {
        let changes = ["ENTER", "EXIT", "JOIN", "LEAVE"].map(|event| json!(event));
        let all = self.reports(self.transcript().start(), &json!({}));
        all.iter().rfind(|seen| changes.contains(&seen.report["event"])).map(|seen| seen.at)
    }
}
