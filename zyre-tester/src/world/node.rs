//! What runs in the process of a node: it behaves as the nodes of chaos do, and keeps a ledger.
//!
//! It takes the commands `who`, `hush` (say nothing more), `accounts`, `speak`, `require ID ENDPOINT`
//! and `stop`, and reports STARTED, what its application hears of peers, the answers to `who` and
//! `accounts`, and what its ledger objects to.

use std::collections::{BTreeSet, VecDeque};
use std::fmt::Display;
use std::fs::File;
use std::io;
use std::net::SocketAddr;
use std::ops::ControlFlow;
use std::str::FromStr;
use std::sync::Mutex;
use std::time::{Duration, Instant};

use serde_json::{Map, Value, json};
use testkit::heard;
use testkit::ledger::{Account, Heard, Ledger, Rule};
use testkit::role;
use tracing_subscriber::EnvFilter;
use tracing_subscriber::filter::LevelFilter;
use zyre::{
    ActionError, Builder, Content, Endpoint, Event, Events, HostEndpoint, Identity, NetworkKey,
    Node, PeerId, Trust,
};

use super::padding;
use crate::behaviour::{Act, Behaviour, DEPTH};
use crate::release_before;

/// The role of the process.
pub(super) const ROLE: &str = "world-node";

/// The header of nodes of pyre, and of ours. Those of the release before have none.
pub(super) const PYRE: (&str, &str) = ("X-WORLD", "pyre");
const OURS: (&str, &str) = ("X-WORLD", "ours");

/// What a node wishes to do, it does once in this time.
const PACE: Duration = Duration::from_millis(250);

/// How much larger than its stamp each message is, in turn.
const PADDING: [usize; 7] = [0, 0, 1400, 0, 0, 5000, 0];

/// Plays the role. The settings are `name`, `seed`, `interface`, `two_way`, `mixed` (nodes of the
/// release before are about), `expired`, in seconds, `log` (a file), and how it finds others: `beacon`, `mailbox` (a
/// port, if others know it), `gossip_listen` (an address), `gossip_connect` (endpoints), `require`
/// (endpoints, or pairs of an id and an endpoint). A secure one has `network` and `identity` (files).
///
/// # Errors
/// If the node does not start.
pub(super) async fn run(settings: &Value) -> Result<(), String> {
    let mut commands = role::commands();
    if let Some(path) = settings["log"].as_str() {
        log_to(path).map_err(|error| format!("the log {path} cannot be written: {error}"))?;
    }
    let expired = Duration::from_secs(settings["expired"].as_u64().unwrap_or(30));
    let mut builder = Node::builder()
        .name(settings["name"].as_str().unwrap_or_default())
        .interface(settings["interface"].as_str().unwrap_or("*"))
        .two_way(settings["two_way"].as_bool().unwrap_or(true))
        .header(OURS.0, OURS.1)
        .evasive_timeout(expired / 2)
        .expired_timeout(expired);
    builder = find(secure(builder, settings)?, settings)?;
    let (node, events) = builder.start().await.map_err(|error| error.to_string())?;
    let (id, endpoint) = (node.id().to_string(), node.endpoint().to_string());
    role::report(&json!({ "event": "STARTED", "id": id, "endpoint": endpoint }));
    let mut member = Resident {
        ledger: Ledger::new(node.id()),
        behaviour: Behaviour::new(settings["seed"].as_u64().unwrap_or_default()),
        acts: VecDeque::new(),
        hushed: false,
        mixed: settings["mixed"].as_bool().unwrap_or(false),
        old: BTreeSet::new(),
        pyre: BTreeSet::new(),
        node,
        events,
        start: Instant::now(),
        sent: 0,
        received: 0,
    };
    let mut pace = tokio::time::interval(PACE);
    loop {
        tokio::select! {
            Some(command) = commands.recv() => {
                if member.obey(&command).await.is_break() {
                    return Ok(());
                }
            }
            Some(event) = member.events.recv() => member.hear(&event),
            _ = pace.tick() => member.each_time(),
        }
    }
}

/// Writes what the node logs to a file.
fn log_to(path: &str) -> io::Result<()> {
    let file = File::create(path)?;
    let wanted = std::env::var(EnvFilter::DEFAULT_ENV);
    let wanted = wanted.as_deref().unwrap_or("zyre=debug,zre_proto=debug,zmtp=debug,filemq=debug");
    let filter = EnvFilter::builder().with_default_directive(LevelFilter::WARN.into());
    tracing_subscriber::fmt()
        .with_env_filter(filter.parse_lossy(wanted))
        .with_ansi(false)
        .with_writer(Mutex::new(file))
        .init();
    Ok(())
}

/// Makes the node a secure one, if the settings say so.
fn secure(builder: Builder, settings: &Value) -> Result<Builder, String> {
    let file = |name: &str| settings[name].as_str();
    let Some((network, identity)) = file("network").zip(file("identity")) else {
        return Ok(builder);
    };
    let told = |error: zyre::KeyFileError| error.to_string();
    let network = NetworkKey::load(network).map_err(told)?;
    let identity = Identity::load(identity).map_err(told)?;
    Ok(builder.secure(identity, Trust::network(network)))
}

/// Has the node find others as the settings say.
fn find(mut builder: Builder, settings: &Value) -> Result<Builder, String> {
    builder = builder.beacon(settings["beacon"].as_bool().unwrap_or(true));
    if let Some(port) = settings["mailbox"].as_u64().and_then(|port| u16::try_from(port).ok()) {
        builder = builder.mailbox_port(port);
    }
    if let Some(address) = settings["gossip_listen"].as_str() {
        builder = builder.gossip_listen(parse::<SocketAddr>(address)?);
    }
    let list = |name: &str| settings[name].as_array().cloned().unwrap_or_default();
    for hub in list("gossip_connect") {
        builder = builder.gossip_connect(parse::<HostEndpoint>(hub.as_str().unwrap_or_default())?);
    }
    for required in list("require") {
        let [id, endpoint] = match &required {
            Value::String(endpoint) => [None, Some(endpoint.as_str())],
            pair => [pair[0].as_str(), pair[1].as_str()],
        };
        let endpoint = parse::<HostEndpoint>(endpoint.unwrap_or_default())?;
        builder = match id {
            Some(id) => builder.require_peer(parse::<PeerId>(id)?, endpoint),
            None => builder.require_endpoint(endpoint),
        };
    }
    Ok(builder)
}

fn parse<T: FromStr<Err: Display>>(text: &str) -> Result<T, String> {
    text.parse().map_err(|error| format!("{text:?}: {error}"))
}

/// A node with its application.
struct Resident {
    node: Node,
    events: Events,
    ledger: Ledger,
    behaviour: Behaviour,
    /// What it is to do next.
    acts: VecDeque<Act>,
    /// Whether it says nothing.
    hushed: bool,
    /// Whether peers of the release before are about; those that are, and those of pyre.
    mixed: bool,
    old: BTreeSet<PeerId>,
    pyre: BTreeSet<PeerId>,
    start: Instant,
    sent: usize,
    received: u64,
}

impl Resident {
    async fn obey(&mut self, command: &str) -> ControlFlow<()> {
        match command {
            "who" => {
                self.who();
                ControlFlow::Continue(())
            }
            "hush" | "speak" => {
                self.hushed = command == "hush";
                ControlFlow::Continue(())
            }
            "accounts" => {
                self.act_on_it();
                let of = |(peer, it): (PeerId, Account)| (peer.to_string(), json!(it));
                let peers: Map<String, Value> = self.ledger.accounts().map(of).collect();
                role::report(&json!({ "event": "accounts", "peers": peers }));
                ControlFlow::Continue(())
            }
            "stop" => {
                self.node.stop().await;
                while let Some(event) = self.events.recv().await {
                    self.observe(&event);
                }
                self.hand_on();
                let of = |(peer, said): (PeerId, u32)| (peer.to_string(), json!(said));
                let said: Map<String, Value> = self.ledger.last_words().map(of).collect();
                role::report(&json!({ "event": "stop", "said": said }));
                ControlFlow::Break(())
            }
            other => {
                if let Err(error) = self.require(other) {
                    eprintln!("{other}: {error}");
                }
                ControlFlow::Continue(())
            }
        }
    }

    /// A node is somewhere, of which no beacon says so: `require ID ENDPOINT`.
    fn require(&self, command: &str) -> Result<(), String> {
        let words: Vec<&str> = command.split(' ').collect();
        let ["require", id, endpoint] = words[..] else { return Err("no such command".into()) };
        let (id, endpoint) = (parse::<PeerId>(id)?, parse::<Endpoint>(endpoint)?);
        self.node.require_peer(id, endpoint).map_err(|error| error.to_string())
    }

    /// Tells the peers that it knows, after all that has happened so far.
    fn who(&mut self) {
        self.act_on_it();
        let told: BTreeSet<PeerId> = self.ledger.present().map(|(peer, _)| peer).collect();
        // No event can come meanwhile: this thread is the node's only one.
        let held: BTreeSet<PeerId> = self.node.peers().into_iter().collect();
        for peer in told.symmetric_difference(&held) {
            let by = if held.contains(peer) { "asked, not by events" } else { "events only" };
            object(Rule::Agreement, *peer, &format!("known when {by}"), &[]);
        }
        self.hand_on();
        let peers: Vec<String> = told.iter().map(ToString::to_string).collect();
        let endpoints: Vec<String> =
            self.node.endpoints().iter().map(ToString::to_string).collect();
        role::report(&json!({
            "event": "who", "peers": peers, "endpoints": endpoints, "received": self.received,
            "lost": self.ledger.lost(),
        }));
    }

    fn hear(&mut self, event: &Event) {
        self.note(event);
        self.act_on_it();
    }

    /// Notes what happens, and what is to be done about it.
    fn note(&mut self, event: &Event) {
        let depth = self.observe(event);
        self.acts.extend(self.behaviour.answer(heard!(zyre::Event, event), depth));
    }

    /// Does what is to be done. What has happened before is heard before: a message says since
    /// which ENTER its sender counts, and an EXIT and ENTER may be waiting to be read.
    fn act_on_it(&mut self) {
        loop {
            while let Ok(event) = self.events.try_recv() {
                self.note(&event);
            }
            let Some(act) = self.acts.pop_front() else { return };
            if !self.hushed {
                self.act(&act);
            }
        }
    }

    fn observe(&mut self, event: &Event) -> u8 {
        tell(event, &self.ledger);
        if let Event::IdInUse { endpoint } = event {
            let what = format!("it takes itself for another one, at {endpoint}");
            object(Rule::Life, self.node.id(), &what, &[]);
        }
        if let Event::Enter { peer, headers, .. } = event {
            self.entered(*peer, headers.get(OURS.0).map(String::as_str));
        }
        let content = event.content();
        let stripped = content.and_then(|content| self.stamp(content));
        let at = self.start.elapsed();
        self.received += u64::from(content.is_some());
        let heard = match (heard!(zyre::Event, event), &stripped) {
            // There is no stamp on what it says.
            (Heard::Whisper { peer, .. } | Heard::Shout { peer, .. }, _)
                if self.pyre.contains(&peer) =>
            {
                return 0;
            }
            (Heard::Whisper { peer, .. }, Some(content)) => Heard::Whisper { peer, content },
            (Heard::Shout { peer, group, .. }, Some(content)) => {
                Heard::Shout { peer, group, content }
            }
            // One that has changed on the way, the ledger does not know.
            (heard, _) => heard,
        };
        self.ledger.observe(at, heard)
    }

    /// A peer has said what it is, if it can.
    fn entered(&mut self, peer: PeerId, header: Option<&str>) {
        match header {
            Some(value) if value == PYRE.1 => self.pyre.insert(peer),
            Some(_) => return,
            None => self.old.insert(peer),
        };
    }

    /// Returns the stamp of the ledger on a message, as we would have written it.
    fn stamp(&self, content: &Content) -> Option<Content> {
        let old = if self.mixed { release_before::from_old(content) } else { None };
        old.or_else(|| padding::strip(content))
    }

    /// Returns a message as it is sent: somewhat larger than its stamp, or as nodes of the release
    /// before would have it.
    fn dress(&mut self, stamp: &Content, as_old: bool) -> Content {
        self.sent += 1;
        if as_old {
            return release_before::to_old(stamp);
        }
        padding::pad(stamp, PADDING[self.sent % PADDING.len()])
    }

    /// Joins or leaves a group, and talks to one peer after the other, so that no loss is
    /// overlooked.
    fn each_time(&mut self) {
        self.act_on_it();
        let act = self.behaviour.each_second(|group| self.ledger.is_in(group));
        let shout = match &act {
            Act::Join(group) | Act::Contest(group) => self.behaviour.joined(group),
            _ => None,
        };
        self.acts.extend(std::iter::once(act).chain(shout));
        self.acts.extend(self.ledger.next_to_ask().map(|peer| Act::Whisper(peer, DEPTH)));
        let peers: Vec<PeerId> = self.ledger.present().map(|(peer, _)| peer).collect();
        let next = peers.get(self.sent % peers.len().max(1));
        self.acts.extend(next.map(|peer| Act::Whisper(*peer, 0)));
        self.act_on_it();
        self.hand_on();
    }

    fn act(&mut self, act: &Act) {
        let result = match act {
            Act::Whisper(to, depth) => {
                let content = self.ledger.whisper(self.start.elapsed(), *to, *depth);
                let content = self.dress(&content, self.old.contains(to));
                let result = self.node.whisper(*to, content);
                if let Err(ActionError::UnknownPeer(_)) = result {
                    self.ledger.refused(self.start.elapsed(), *to);
                    return;
                }
                result
            }
            Act::Shout(group, depth) => {
                let content = self.ledger.shout(group, *depth);
                // It reaches all members.
                let content = self.dress(&content, self.mixed);
                self.node.shout(group, content)
            }
            Act::Join(group) => {
                self.ledger.joined(group);
                self.node.join(group)
            }
            Act::Contest(group) => {
                self.ledger.contests(group);
                self.node.contest(group)
            }
            Act::Leave(group) => {
                self.ledger.left(group);
                self.node.leave(group)
            }
        };
        if let Err(refused) = result {
            object(Rule::Reachable, self.node.id(), &format!("refused: {refused}"), &[]);
        }
    }

    fn hand_on(&mut self) {
        for violation in self.ledger.drain(self.start.elapsed()) {
            object(violation.rule, violation.peer, &violation.what, &violation.history);
        }
    }
}

fn object(rule: Rule, peer: PeerId, what: &str, history: &[String]) {
    let (rule, peer) = (rule.to_string(), peer.to_string());
    role::report(&json!({
        "event": "wrong", "rule": rule, "peer": peer, "what": what, "history": history,
    }));
}

/// Tells of an event that is about how a peer is.
fn tell(event: &Event, ledger: &Ledger) {
    let (name, why) = match event {
        Event::Enter { endpoint, .. } => ("ENTER", endpoint.to_string()),
        Event::Exit { reason, .. } => ("EXIT", reason.to_string()),
        Event::Evasive { .. } => ("EVASIVE", String::new()),
        Event::Silent { .. } => ("SILENT", String::new()),
        Event::Returned { .. } => ("RETURNED", String::new()),
        Event::Unreachable { why, endpoint, .. } => ("UNREACHABLE", format!("{endpoint}: {why}")),
        Event::EndpointUnreachable { endpoint, why } => {
            ("ENDPOINT UNREACHABLE", format!("{endpoint}: {why}"))
        }
        Event::HubUnreachable { hub, why } => ("HUB UNREACHABLE", format!("{hub}: {why}")),
        Event::HubReached { hub } => ("HUB REACHED", hub.to_string()),
        _ => return,
    };
    let peer = event.peer().map(|peer| peer.to_string());
    let heard = event.peer().map(|peer| ledger.next_whisper(peer));
    role::report(&json!({ "event": name, "peer": peer, "why": why, "heard": heard }));
}
