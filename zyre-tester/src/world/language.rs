//! What is said to the process of a node, and what it answers, by the kind of the node.
//!
//! The process of a node of ours is that of [`node`](super::node); that of the release before holds
//! nodes of chaos, and has one; pyre has a program of its own.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::kind::Kind;

/// What a node has answered.
#[derive(Debug, Default)]
pub(super) struct Answer {
    /// The ids of the peers that it knows.
    pub(super) peers: BTreeSet<String>,
    /// The messages that it has received, if it tells.
    pub(super) received: u64,
    /// The whispers to it that were lost with a link.
    pub(super) lost: u64,
}

/// Something that must not be.
#[derive(Debug)]
pub(super) struct Objection {
    pub(super) rule: String,
    pub(super) peer: String,
    pub(super) what: String,
    pub(super) history: Vec<String>,
}

impl Kind {
    /// Returns what the process is told first; `None`: it starts by itself.
    pub(super) fn start(self, settings: &Value) -> Option<String> {
        let (name, seed) = (&settings["name"], &settings["seed"]);
        let start = json!({ "slot": 0, "name": name, "seed": seed, "sabotaged": false });
        (self == Self::Old).then(|| json!({ "Start": start }).to_string())
    }

    /// Returns the pattern of the report that says that the node is up.
    pub(super) fn started(self) -> Value {
        match self {
            Self::TwoWay | Self::Plain | Self::Pyre => json!({ "event": "STARTED" }),
            Self::Old => json!({ "Up": {} }),
        }
    }

    /// Returns the id and the endpoint of the node, from that report.
    pub(super) fn place(self, started: &Value) -> [String; 2] {
        let (of, id) = match self {
            Self::TwoWay | Self::Plain => (started, "id"),
            Self::Pyre => (started, "peer"),
            Self::Old => (&started["Up"], "node"),
        };
        [id, "endpoint"].map(|field| of[field].as_str().unwrap_or_default().to_owned())
    }

    /// Returns the question for the peers that it knows.
    pub(super) fn question(self) -> String {
        match self {
            Self::TwoWay | Self::Plain => "who".into(),
            Self::Pyre => "peers".into(),
            Self::Old => json!({ "All": { "what": { "Snapshot": { "round": 0 } } } }).to_string(),
        }
    }

    /// Returns the pattern of the answer to that.
    pub(super) fn answer(self) -> Value {
        match self {
            Self::TwoWay | Self::Plain => json!({ "event": "who" }),
            Self::Pyre => json!({ "event": "PEERS" }),
            Self::Old => json!({ "Snapshot": {} }),
        }
    }

    /// Reads the answer.
    pub(super) fn read(self, answer: &Value) -> Answer {
        let [received, lost] =
            ["received", "lost"].map(|field| answer[field].as_u64().unwrap_or_default());
        let peers = match self {
            Self::TwoWay | Self::Plain | Self::Pyre => {
                let peers = answer["peers"].as_array().into_iter().flatten();
                peers.filter_map(Value::as_str).map(str::to_owned).collect()
            }
            Self::Old => {
                let peers = answer["Snapshot"]["peers"].as_object();
                peers.into_iter().flatten().map(|(id, _)| id.clone()).collect()
            }
        };
        Answer { peers, received, lost }
    }

    /// Returns what has it stop.
    pub(super) fn stop(self) -> String {
        match self {
            Self::TwoWay | Self::Plain => "stop".into(),
            Self::Pyre => "quit".into(),
            Self::Old => json!({ "Slot": { "slot": 0, "what": "Stop" } }).to_string(),
        }
    }

    /// Returns the pattern of the report that says that it has stopped.
    pub(super) fn stopped(self) -> Value {
        match self {
            Self::TwoWay | Self::Plain => json!({ "event": "stop" }),
            Self::Pyre => json!({ "event": "STOPPED" }),
            Self::Old => json!({ "Ended": {} }),
        }
    }

    /// Returns the patterns of the reports that object to something.
    pub(super) fn objections(self) -> Vec<Value> {
        match self {
            Self::TwoWay | Self::Plain => vec![json!({ "event": "wrong" })],
            Self::Pyre => vec![json!({ "event": "CRASHED" }), json!({ "event": "ERROR" })],
            Self::Old => vec![json!({ "Violation": {} }), json!({ "Failed": {} })],
        }
    }

    /// Reads such a report.
    pub(super) fn objection(self, report: &Value) -> Objection {
        let of = match self {
            Self::Old if report["Violation"].is_object() => &report["Violation"],
            Self::Old => &report["Failed"],
            _ => report,
        };
        let text = |value: &Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
        let what = if of["what"].is_null() { &of["error"] } else { &of["what"] };
        let history = of["history"].as_array().into_iter().flatten().map(text).collect();
        Objection { rule: text(&of["rule"]), peer: text(&of["peer"]), what: text(what), history }
    }

    /// Returns the patterns of the reports that tell how a peer is.
    pub(super) fn news(self, peer: &str) -> Vec<Value> {
        let of = json!({ "peer": peer });
        match self {
            Self::TwoWay | Self::Plain => vec![of],
            Self::Pyre => vec![json!({ "event": "ENTER", "peer": peer })],
            Self::Old => ["Enter", "Exit", "Violation"].map(|it| json!({ it: of })).into(),
        }
    }

    /// Returns what such a report says, in words.
    pub(super) fn words(self, report: &Value) -> String {
        let old = report.as_object().and_then(|report| report.iter().next());
        match (self, old) {
            (Self::Old, Some((event, of))) => {
                format!("{} {}", event.to_uppercase(), of["reason"].as_str().unwrap_or_default())
            }
            _ => {
                let text = |field: &str| report[field].as_str().unwrap_or_default();
                format!("{} {}", text("event"), text("why"))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use testkit::transcript::matches;

    use super::*;

    #[test]
    fn the_release_before_is_understood() {
        let old = Kind::Old;
        let up = json!({ "Up": { "slot": 0, "node": "aa", "endpoint": "tcp://10.80.0.1:4" } });
        assert_eq!(old.place(&up), ["aa", "tcp://10.80.0.1:4"]);
        let answer = json!({ "Snapshot": { "round": 0, "peers": { "bb": ["g"], "cc": [] } } });
        let peers: Vec<_> = old.read(&answer).peers.into_iter().collect();
        assert_eq!(peers, ["bb", "cc"]);
        let exit =
            json!({ "Exit": { "node": "aa", "peer": "bb", "reason": "link lost", "at": 1 } });
        assert_eq!(old.words(&exit), "EXIT link lost");
        let is_told = |of| old.news(of).iter().any(|pattern| matches(&exit, pattern));
        assert_eq!(["bb", "aa"].map(is_told), [true, false]);
        let wrong = json!({ "Violation": {
            "rule": 4, "peer": "bb", "what": "lost", "history": ["a", "b"],
        } });
        let wrong = old.objection(&wrong);
        assert_eq!((&*wrong.rule, &*wrong.peer, &*wrong.what), ("4", "bb", "lost"));
        assert_eq!(wrong.history, ["a", "b"]);
    }

    #[test]
    fn pyre_is_understood() {
        let shout = json!({ "event": "SHOUT", "peer": "bb" });
        assert!(!Kind::Pyre.news("bb").iter().any(|pattern| matches(&shout, pattern)));
        let crashed = json!({ "event": "CRASHED", "error": "ValueError: x" });
        assert_eq!(Kind::Pyre.objection(&crashed).what, "ValueError: x");
    }
}
