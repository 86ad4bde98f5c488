//! The history of a run, for `--log`: what the application of each node was told, and what became
//! of the nodes, a line of JSON each. A collector's database has to tell the same.
//!
//! The conductor writes all of it, so it outlives the processes that are killed; their last words
//! may be missing.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};

use serde::Serialize;

use super::id::Id;
use super::protocol::{How, Lines, Report};

/// A line. Nodes and peers are named by their ids.
#[derive(Serialize)]
struct Line<'a> {
    /// Microseconds since 1970.
    time: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    node: Option<Id>,
    #[serde(flatten)]
    event: Event<'a>,
}

/// What has happened.
#[derive(Serialize)]
#[serde(tag = "event", rename_all = "lowercase")]
enum Event<'a> {
    /// A process was told to start a node; it is not known yet.
    Order {
        name: &'a str,
    },
    Start {
        name: &'a str,
        endpoint: &'a str,
    },
    /// A peer has entered, as the application was told; `session` counts the ENTERs of this peer.
    Enter {
        peer: Id,
        name: &'a str,
        endpoint: &'a str,
        session: u32,
    },
    Exit {
        peer: Id,
        endpoint: &'a str,
        reason: &'a str,
        session: u32,
    },
    /// The node does nothing until then.
    Stall {
        until: u64,
    },
    Wake,
    /// The node begins to end.
    Stop,
    Crash,
    Kill,
    /// The node has ended, with the number of lines that it has recorded.
    End(Lines),
    /// All nodes have ended: nothing is missing.
    Over,
}

/// The file, and what lines need to know of earlier ones.
pub(super) struct RunHistory {
    path: PathBuf,
    out: BufWriter<File>,
    /// Microseconds since 1970 when the run began.
    epoch: u64,
    nodes: BTreeMap<Id, Known>,
    /// Processes that were killed, and when.
    killed: BTreeMap<u64, u64>,
    error: Option<String>,
}

/// A node that has not ended.
struct Known {
    process: u64,
    /// Each peer that was there: its endpoint the last time, and the number of ENTERs.
    peers: BTreeMap<Id, (String, u32)>,
}

impl RunHistory {
    /// Makes the file, or empties it.
    pub(super) fn create(path: &Path, epoch: u64) -> Result<Self, String> {
        let file = File::create(path).map_err(|error| format!("{}: {error}", path.display()))?;
        Ok(Self {
            path: path.to_owned(),
            out: BufWriter::new(file),
            epoch,
            nodes: BTreeMap::new(),
            killed: BTreeMap::new(),
            error: None,
        })
    }

    fn write(&mut self, at: u64, node: Option<Id>, event: Event<'_>) {
        let line = Line { time: self.epoch.saturating_add(at), node, event };
        let written = serde_json::to_writer(&mut self.out, &line).map_err(std::io::Error::from);
        if let Err(error) = written.and_then(|()| self.out.write_all(b"\n")) {
            let path = &self.path;
            self.error.get_or_insert_with(|| format!("{}: {error}", path.display()));
        }
    }

    /// A node of this name is to start.
    pub(super) fn order(&mut self, name: &str, at: u64) {
        self.write(at, None, Event::Order { name });
    }

    /// What a process reports.
    pub(super) fn hear(&mut self, process: u64, report: &Report) {
        match report {
            Report::Up { node, name, endpoint, at, .. } => {
                let known = Known { process, peers: BTreeMap::new() };
                self.nodes.insert(*node, known);
                self.write(*at, Some(*node), Event::Start { name, endpoint });
                if let Some(killed) = self.killed.get(&process).copied() {
                    self.write(killed, Some(*node), Event::Kill);
                }
            }
            Report::Enter { node, peer, name, endpoint, at, .. } => {
                let (peer, session) = (*peer, self.enter(*node, *peer, endpoint));
                self.write(*at, Some(*node), Event::Enter { peer, name, endpoint, session });
            }
            Report::Exit { node, peer, reason, at, .. } => {
                let known = self.nodes.get(node).and_then(|known| known.peers.get(peer));
                let (endpoint, session) = known.cloned().unwrap_or_default();
                let event = Event::Exit { peer: *peer, endpoint: &endpoint, reason, session };
                self.write(*at, Some(*node), event);
            }
            Report::Stalled { node, at, until } => {
                let until = self.epoch.saturating_add(*until);
                self.write(*at, Some(*node), Event::Stall { until });
            }
            Report::Woken { node, at, .. } => self.write(*at, Some(*node), Event::Wake),
            Report::Ending { node, how, at } => {
                let event = match how {
                    How::Stop => Event::Stop,
                    How::Crash => Event::Crash,
                    How::Kill => Event::Kill,
                };
                self.write(*at, Some(*node), event);
            }
            Report::Ended { node, lines, at, .. } => {
                self.write(*at, Some(*node), Event::End(*lines));
                self.nodes.remove(node);
            }
            _ => {}
        }
    }

    fn enter(&mut self, node: Id, peer: Id, endpoint: &str) -> u32 {
        let Some(known) = self.nodes.get_mut(&node) else { return 0 };
        let (last, session) = known.peers.entry(peer).or_default();
        endpoint.clone_into(last);
        *session += 1;
        *session
    }

    /// A process is killed, and with it its nodes. It may still be heard of.
    pub(super) fn killed(&mut self, process: u64, at: u64) {
        if self.killed.insert(process, at).is_some() {
            return;
        }
        let nodes = self.nodes.iter().filter(|(_, known)| known.process == process);
        let nodes: Vec<Id> = nodes.map(|(node, _)| *node).collect();
        for node in nodes {
            self.write(at, Some(node), Event::Kill);
        }
    }

    /// A process has ended, and all that it has reported was heard.
    pub(super) fn over(&mut self, process: u64, at: u64) {
        self.killed(process, at);
        self.nodes.retain(|_, known| known.process != process);
    }

    /// The run is over.
    ///
    /// # Errors
    /// If something could not be written.
    pub(super) fn finish(mut self, at: u64) -> Result<(), String> {
        self.write(at, None, Event::Over);
        let flushed = self.out.flush();
        let failed = flushed.err().map(|error| format!("{}: {error}", self.path.display()));
        self.error.or(failed).map_or(Ok(()), Err)
    }
}

#[cfg(test)]
mod tests {
    use zyre::PeerId;

    use super::*;
    use crate::chaos::circle::Circle;
    use crate::chaos::kinds::Kind;

    const fn id(n: u8) -> Id {
        Id(PeerId::new([n; 16]))
    }

    #[test]
    fn a_killed_process_ends_its_nodes_and_may_have_last_words() {
        let path = std::env::temp_dir().join(format!("zyre-history-{}", std::process::id()));
        let mut history = RunHistory::create(&path, 1_000_000).unwrap();
        let up = |node| {
            let [name, endpoint] = ["node-1.1", "tcp://127.0.0.1:5"].map(String::from);
            Report::Up {
                slot: 1,
                node,
                name,
                endpoint,
                at: 5,
                kind: Kind::TwoWay,
                circle: Circle::Plain,
                key: None,
            }
        };
        history.hear(1, &up(id(0x11)));
        for at in [10, 20] {
            let (node, peer) = (id(0x11), id(0x33));
            let [name, endpoint, reason] =
                ["peer", "tcp://127.0.0.1:7", "goodbye"].map(String::from);
            history.hear(1, &Report::Enter { node, peer, name, endpoint, at, key: None });
            history.hear(1, &Report::Exit { node, peer, reason, at: at + 1, heard: Some(0) });
        }
        history.killed(1, 30);
        history.hear(1, &up(id(0x22)));
        history.over(1, 40);
        history.finish(50).unwrap();
        let text = std::fs::read_to_string(&path).unwrap();
        std::fs::remove_file(&path).unwrap();
        let lines: Vec<serde_json::Value> =
            text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        let told: Vec<_> = lines
            .iter()
            .map(|line| {
                (line["event"].as_str().unwrap(), &line["node"].as_str().unwrap_or("--")[..1])
            })
            .collect();
        assert_eq!(
            told,
            [
                ("start", "1"),
                ("enter", "1"),
                ("exit", "1"),
                ("enter", "1"),
                ("exit", "1"),
                ("kill", "1"),
                ("start", "2"),
                ("kill", "2"),
                ("over", "-")
            ]
        );
        assert_eq!(lines[4]["session"], 2);
        assert_eq!(lines[4]["endpoint"], "tcp://127.0.0.1:7");
        assert_eq!(lines[5]["time"], 1_000_030);
    }
}
