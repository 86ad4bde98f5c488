//! A node in a process of its own on some host, as the test sees it.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::ops::Deref;
use std::time::Instant;

use serde_json::{Value, json};

use crate::common::child;
use crate::network::Host;
use crate::process::Process;

/// The group that every node is in.
pub(crate) const GROUP: &str = "all";

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
    process: Process,
}

impl Deref for Node {
    type Target = Process;

    fn deref(&self) -> &Process {
        &self.process
    }
}

impl Node {
    /// Starts a node with all defaults on a host, named like it.
    pub(crate) fn start(host: &Host) -> Self {
        Self::start_with(host, json!({}))
    }

    /// Starts a node. Of `settings` it takes what `child::builder` takes, `interface`, `name`, `id`
    /// and `files`, the limit of open files.
    pub(crate) fn start_with(host: &Host, mut settings: Value) -> Self {
        settings["port"] = json!(zyre::BEACON_PORT);
        if settings["name"].is_null() {
            settings["name"] = json!(host.name);
        }
        let name = settings["name"].as_str().unwrap().to_owned();
        let inner = child::command("node", &settings);
        let mut command = host.command(inner.as_std(), settings["files"].as_u64());
        let process = Process::start(&name, &mut command);
        let id = child::text(&process.wait(0, "STARTED"), "id").to_owned();
        let groups = RefCell::new(vec![GROUP]);
        Self { name, id, groups, host: host.clone(), settings, process }
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
        let reports = self.reports();
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

    /// The same in a line for each peer that there was an event about.
    pub(crate) fn stories(&self, since: Instant) -> BTreeMap<String, String> {
        let story = |peer: String| {
            let events = self.events(&peer, since).into_iter();
            let line = events.map(|(at, event)| format!(" {event} {at:.1}")).collect();
            (peer, line)
        };
        self.subjects(since).into_iter().map(story).collect()
    }

    /// The peers that there was an event about since then.
    fn subjects(&self, since: Instant) -> BTreeSet<String> {
        let reports = self.reports();
        let later = reports.iter().filter(|(at, _)| *at >= since);
        later.filter_map(|(_, report)| report["peer"].as_str()).map(str::to_owned).collect()
    }

    /// When the last peer has come, gone, joined or left.
    pub(crate) fn last_change(&self) -> Option<Instant> {
        let changes = ["ENTER", "EXIT", "JOIN", "LEAVE"];
        let reports = self.reports();
        let last = reports.iter().rfind(|(_, report)| {
            report["event"].as_str().is_some_and(|event| changes.contains(&event))
        });
        last.map(|(at, _)| *at)
    }
}
