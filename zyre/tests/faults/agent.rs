//! What runs in the process of a node: it obeys commands, and tells what its application hears.
//!
//! ```text
//! state | heard | chatter MS | shout COUNT PER_SECOND BYTES | pace MS | pace never
//! files take | files give | join GROUP
//! ```
//!
//! Every command is answered by a report of its name; the end of `shout` by `shouted`.

use std::fs::File;
use std::future::pending;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use serde_json::{Map, Value, json};
use testkit::role;
use tokio::task::AbortHandle;
use tokio::time::{Interval, interval};
use zyre::{Event, Events, Liveness, Node, PeerId};

use crate::common::child::builder_on;
use crate::ledger::{Ledger, message};
use crate::node::GROUP;

/// A role.
pub(crate) async fn run(settings: &Value) {
    let mut commands = role::commands();
    let interface = settings["interface"].as_str().unwrap_or("eth0");
    let two_way = settings["plain"] != json!(true);
    let mut builder = builder_on(interface, settings).two_way(two_way).join(GROUP);
    if let Some(id) = settings["id"].as_str() {
        builder = builder.id(id.parse().expect("an id"));
    }
    let name = settings["name"].as_str().unwrap_or_default();
    let (node, mut events) = builder.name(name).start().await.expect("the node starts");
    role::report(&json!({ "event": "STARTED", "id": node.id().to_string() }));
    let mut agent = Agent {
        speaker: Arc::new(Speaker { node, said: Mutex::default() }),
        chatter: None,
        ledger: Ledger::default(),
        files: Vec::new(),
        pace: Pace::Full,
    };
    loop {
        tokio::select! {
            Some(command) = commands.recv() => agent.obey(&command),
            event = agent.pace.next(&mut events) => match event {
                Some(event) => {
                    tell(&event);
                    agent.ledger.hear(&event);
                }
                None => return,
            }
        }
    }
}

/// How fast the application reads.
enum Pace {
    Full,
    Every(Interval),
    Never,
}

impl Pace {
    async fn next(&mut self, events: &mut Events) -> Option<Event> {
        match self {
            Self::Full => {}
            Self::Every(interval) => {
                interval.tick().await;
            }
            Self::Never => pending().await,
        }
        events.recv().await
    }
}

/// All that is shouted goes through this: each message carries the next number.
struct Speaker {
    node: Node,
    said: Mutex<u64>,
}

impl Speaker {
    fn shout(&self, bytes: usize) {
        let mut said = self.said.lock().unwrap();
        self.node.shout(GROUP, message(*said, bytes)).expect("the node runs");
        *said += 1;
    }

    /// Shouts a number of times, at an interval.
    async fn shout_on(self: Arc<Self>, every: Duration, count: u64, bytes: usize) {
        let mut interval = interval(every);
        for _ in 0..count {
            interval.tick().await;
            self.shout(bytes);
        }
    }
}

struct Agent {
    speaker: Arc<Speaker>,
    chatter: Option<AbortHandle>,
    ledger: Ledger,
    files: Vec<File>,
    pace: Pace,
}

impl Agent {
    fn obey(&mut self, command: &str) {
        let words: Vec<_> = command.split(' ').collect();
        let number = |place: usize| words[place].parse::<u32>().expect("a number");
        let mut answer = json!({});
        match words[..] {
            ["state"] => answer = self.state(),
            ["heard"] => answer = self.ledger.take_delays(),
            ["chatter", _] => self.talk(Duration::from_millis(number(1).into())),
            ["shout", ..] => {
                let every = Duration::from_secs(1) / number(2);
                let bytes = number(3).try_into().unwrap();
                let shouting = Arc::clone(&self.speaker).shout_on(every, number(1).into(), bytes);
                tokio::spawn(async {
                    shouting.await;
                    role::report(&json!({ "event": "shouted" }));
                });
            }
            ["pace", "never"] => self.pace = Pace::Never,
            ["pace", "0"] => self.pace = Pace::Full,
            ["pace", _] => {
                self.pace = Pace::Every(interval(Duration::from_millis(number(1).into())));
            }
            ["files", "take"] => {
                while let Ok(file) = File::open("/dev/null") {
                    self.files.push(file);
                }
                answer = json!({ "count": self.files.len() });
            }
            ["files", "give"] => self.files.clear(),
            ["join", group] => self.speaker.node.join(group).expect("the node runs"),
            _ => panic!("no command {command}"),
        }
        answer["event"] = json!(words[0]);
        role::report(&answer);
    }

    /// Shouts from now on every so often.
    fn talk(&mut self, every: Duration) {
        let shouting = Arc::clone(&self.speaker).shout_on(every, u64::MAX, 0);
        if let Some(before) = self.chatter.replace(tokio::spawn(shouting).abort_handle()) {
            before.abort();
        }
    }

    /// What the node knows, what the application has heard, and what was counted.
    fn state(&self) -> Value {
        let node = &self.speaker.node;
        let known = |id: &PeerId| {
            let peer = node.peer(*id)?;
            let groups: Vec<_> = peer.groups.iter().map(|group| &**group).collect();
            Some((id.to_string(), json!(groups)))
        };
        let peers: Map<_, _> = node.peers().iter().filter_map(known).collect();
        let alive =
            |id: &PeerId| node.peer(*id).is_none_or(|peer| peer.liveness == Liveness::Present);
        let quiet: Vec<_> =
            node.peers().iter().filter(|id| !alive(id)).map(PeerId::to_string).collect();
        let counted = node.stats().protocol;
        json!({
            "peers": peers,
            "quiet": quiet,
            "ledger": self.ledger.describe(),
            "wrong": self.ledger.wrong,
            "hellos": counted.hellos_sent,
            "received": counted.received,
            "endpoint": node.endpoint().to_string(),
            "interface": node.interfaces().into_iter().find(zyre::Interface::is_used).map(|it| it.name),
        })
    }
}

/// Tells of events other than messages.
fn tell(event: &Event) {
    let (kind, peer, what) = match event {
        Event::Enter { peer, .. } => ("ENTER", peer, ""),
        Event::Exit { peer, reason, .. } => ("EXIT", peer, reason.as_str()),
        Event::Join { peer, group, .. } => ("JOIN", peer, &**group),
        Event::Leave { peer, group, .. } => ("LEAVE", peer, &**group),
        Event::Evasive { peer, .. } => ("EVASIVE", peer, ""),
        Event::Silent { peer, .. } => ("SILENT", peer, ""),
        Event::Returned { peer, .. } => ("RETURNED", peer, ""),
        Event::Unreachable { peer, why, .. } => ("UNREACHABLE", peer, why.as_str()),
        _ => return,
    };
    role::report(&json!({ "event": kind, "peer": peer.to_string(), "what": what }));
}
