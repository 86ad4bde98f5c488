//! What runs in the process of a node: it obeys commands, and keeps a ledger of what its
//! application hears.
//!
//! ```text
//! state | heard | chatter MS | shout COUNT PER_SECOND OCTETS | pace MS | pace never
//! files take | files give
//! ```

use std::collections::{BTreeMap, BTreeSet};
use std::fs::File;
use std::future::pending;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant, SystemTime};

use serde_json::{Value, json};
use tokio::task::AbortHandle;
use zyre::{Content, Event, Events, Node, PeerId};

use crate::common::child::{self, say};
use crate::node::GROUP;

/// Task of a child process.
pub(crate) async fn run(settings: &Value) {
    let mut commands = child::commands();
    let interface = settings["interface"].as_str().unwrap_or("eth0");
    let builder = child::builder(settings).interface(interface).join(GROUP);
    let name = settings["name"].as_str().unwrap_or_default();
    let (node, mut events) = builder.name(name).start().await.expect("the node starts");
    let (id, endpoint) = (node.id().to_string(), node.endpoint().to_string());
    say(&json!({ "event": "STARTED", "peer": id, "endpoint": endpoint }));
    let mut agent = Agent {
        speaker: Arc::new(Speaker { node, said: Mutex::default() }),
        chatter: None,
        ledger: BTreeMap::new(),
        wrong: Vec::new(),
        delays: Vec::new(),
        files: Vec::new(),
        pace: Pace::Full,
    };
    loop {
        tokio::select! {
            Some(command) = commands.recv() => agent.obey(&command),
            event = agent.pace.next(&mut events) => match event {
                Some(event) => agent.hear(event),
                None => return,
            }
        }
    }
}

/// How fast the application reads.
enum Pace {
    Full,
    Every(tokio::time::Interval),
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

/// Whoever shouts does it through this: each message carries the next number, and the time.
struct Speaker {
    node: Node,
    said: Mutex<u64>,
}

impl Speaker {
    fn shout(&self, octets: usize) {
        let mut said = self.said.lock().unwrap();
        let mut content = vec![0; octets.max(16)];
        content[..8].copy_from_slice(&said.to_be_bytes());
        content[8..16].copy_from_slice(&now().to_be_bytes());
        *said += 1;
        self.node.shout(GROUP, content).expect("the node runs");
    }

    /// Shouts every so often, for ever or so many times.
    async fn shout_on(self: Arc<Self>, every: Duration, count: u64, octets: usize) {
        let mut interval = tokio::time::interval(every);
        for _ in 0..count {
            interval.tick().await;
            self.shout(octets);
        }
    }
}

/// µs on a clock that all processes of the machine share.
fn now() -> u64 {
    let time = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap();
    u64::try_from(time.as_micros()).unwrap()
}

fn number(content: &Content, place: usize) -> u64 {
    u64::from_be_bytes(content.first()[place..place + 8].try_into().unwrap())
}

/// A peer as its events tell of it.
#[derive(Default)]
struct Known {
    groups: BTreeSet<String>,
    /// The number of its next message, once one has come.
    next: Option<u64>,
    /// When its last message came.
    last: Option<Instant>,
    count: u64,
}

struct Agent {
    speaker: Arc<Speaker>,
    chatter: Option<AbortHandle>,
    ledger: BTreeMap<PeerId, Known>,
    /// What must not happen, and did.
    wrong: Vec<String>,
    /// How long messages took, in µs, since that was last asked.
    delays: Vec<u64>,
    files: Vec<File>,
    pace: Pace,
}

impl Agent {
    fn obey(&mut self, command: &str) {
        let words: Vec<_> = command.split(' ').collect();
        let number = |place: usize| words[place].parse::<u64>().expect("a number");
        let answer = match words[..] {
            ["state"] => self.state(),
            ["heard"] => self.heard(),
            ["chatter", ms] => {
                if let Some(chatter) = self.chatter.take() {
                    chatter.abort();
                }
                if ms != "0" {
                    let every = Duration::from_millis(number(1));
                    let shouting = Arc::clone(&self.speaker).shout_on(every, u64::MAX, 16);
                    self.chatter = Some(tokio::spawn(shouting).abort_handle());
                }
                json!({})
            }
            ["shout", ..] => {
                let every = Duration::from_secs(1) / u32::try_from(number(2)).unwrap();
                let octets = usize::try_from(number(3)).unwrap();
                let shouting = Arc::clone(&self.speaker).shout_on(every, number(1), octets);
                tokio::spawn(async {
                    shouting.await;
                    say(&json!({ "event": "shouted" }));
                });
                json!({})
            }
            ["pace", "never"] => {
                self.pace = Pace::Never;
                json!({})
            }
            ["pace", "0"] => {
                self.pace = Pace::Full;
                json!({})
            }
            ["pace", _] => {
                self.pace = Pace::Every(tokio::time::interval(Duration::from_millis(number(1))));
                json!({})
            }
            ["files", "take"] => {
                while let Ok(file) = File::open("/dev/null") {
                    self.files.push(file);
                }
                json!({ "count": self.files.len() })
            }
            ["files", "give"] => {
                self.files.clear();
                json!({})
            }
            _ => panic!("no command {command}"),
        };
        let mut answer = answer;
        answer["event"] = json!(words[0]);
        say(&answer);
    }

    /// What the node knows, what the application has heard, and what was counted.
    fn state(&self) -> Value {
        let node = &self.speaker.node;
        let known = |id: &PeerId| {
            let peer = node.peer(*id)?;
            let groups: Vec<_> = peer.groups.iter().map(|group| &**group).collect();
            Some((id.to_string(), json!(groups)))
        };
        let peers: serde_json::Map<_, _> = node.peers().iter().filter_map(known).collect();
        let ledger: serde_json::Map<_, _> = self
            .ledger
            .iter()
            .map(|(id, known)| {
                let silent = known.last.map(|last| last.elapsed().as_millis());
                let silent = silent.and_then(|ms| u64::try_from(ms).ok());
                let count = known.count;
                let value = json!({ "groups": known.groups, "silent": silent, "count": count });
                (id.to_string(), value)
            })
            .collect();
        let stats = node.stats();
        json!({
            "peers": peers,
            "ledger": ledger,
            "wrong": self.wrong,
            "hellos": stats.protocol.hellos_sent,
            "overflows": stats.protocol.overflows,
            "received": stats.protocol.received,
            "beacons_unsent": stats.network.beacons_unsent,
            "endpoint": node.endpoint().to_string(),
            "interface": node.interface().name,
        })
    }

    /// How long messages took, in µs, since that was last asked.
    fn heard(&mut self) -> Value {
        let mut delays = std::mem::take(&mut self.delays);
        delays.sort_unstable();
        let at = |percent: usize| delays.get(delays.len() * percent / 100);
        json!({ "count": delays.len(), "median": at(50), "p99": at(99), "worst": delays.last() })
    }

    fn hear(&mut self, event: Event) {
        if !matches!(event, Event::Shout { .. }) {
            self.tell(&event);
        }
        match event {
            Event::Enter { peer, .. } => {
                if self.ledger.insert(peer, Known::default()).is_some() {
                    self.wrong.push(format!("{peer} entered twice"));
                }
            }
            Event::Exit { peer, .. } => {
                if self.ledger.remove(&peer).is_none() {
                    self.wrong.push(format!("{peer} exited and was not there"));
                }
            }
            Event::Join { peer, group, .. } => {
                let new =
                    self.known(peer).is_some_and(|known| known.groups.insert(group.to_string()));
                if !new {
                    self.wrong.push(format!("{peer} joined {group} a second time"));
                }
            }
            Event::Shout { peer, content, .. } => {
                let (number, sent) = (number(&content, 0), number(&content, 8));
                self.delays.push(now().saturating_sub(sent));
                let Some(known) = self.known(peer) else { return };
                known.last = Some(Instant::now());
                known.count += 1;
                let expected = known.next.replace(number + 1);
                if expected.is_some_and(|expected| expected != number) {
                    self.wrong.push(format!("{number}, not {expected:?}, from {peer}"));
                }
            }
            _ => {}
        }
    }

    fn known(&mut self, peer: PeerId) -> Option<&mut Known> {
        let known = self.ledger.get_mut(&peer);
        if known.is_none() {
            self.wrong.push(format!("{peer} is heard and was not there"));
        }
        known
    }

    /// Tells of events other than messages.
    #[expect(clippy::unused_self, reason = "it is the agent that tells")]
    fn tell(&self, event: &Event) {
        let (kind, peer, what) = match event {
            Event::Enter { peer, endpoint, .. } => ("ENTER", peer, endpoint.to_string()),
            Event::Exit { peer, reason, .. } => ("EXIT", peer, reason.as_str().to_owned()),
            Event::Join { peer, group, .. } => ("JOIN", peer, group.to_string()),
            Event::Leave { peer, group, .. } => ("LEAVE", peer, group.to_string()),
            Event::Evasive { peer, .. } => ("EVASIVE", peer, String::new()),
            Event::Silent { peer, .. } => ("SILENT", peer, String::new()),
            Event::Moved { endpoint } => {
                say(&json!({ "event": "MOVED", "what": endpoint.to_string() }));
                return;
            }
            _ => return,
        };
        say(&json!({ "event": kind, "peer": peer.to_string(), "what": what }));
    }
}
