//! Nodes in processes of their own: the test binary started again, in a role.

use std::net::SocketAddr;
use std::ops::Deref;
use std::time::Duration;

use serde_json::{Value, json};
use testkit::child::Child as Process;
use testkit::role;
use testkit::transcript::Mark;
use zyre::{Builder, Endpoint, Event, Events, HostEndpoint, Limits, Node, PeerId};

/// A child process with a node, killed when dropped.
pub struct Child {
    process: Process,
    /// The place after the last report that was taken.
    taken: Mark,
    pub id: PeerId,
    pub endpoint: Endpoint,
    /// Where it listens as a gossip hub, if it does.
    pub gossip: Option<SocketAddr>,
}

impl Child {
    /// Starts this program again in a role that has a node, and waits until that runs.
    pub async fn start(role: &str, settings: Value) -> Self {
        let mut command = role::again(role, &settings).expect("the test binary");
        let process = Process::start(role, &mut command).unwrap();
        let started = json!({ "event": "STARTED" });
        let started = process.expect(process.transcript().start(), &started).await.unwrap();
        let id = text(&started.report, "peer").parse().expect("an id");
        let endpoint = text(&started.report, "endpoint").parse().expect("an endpoint");
        let hub = started.report["gossip"].as_str();
        let gossip = hub.map(|hub| hub.parse().expect("an address"));
        Self { process, taken: started.after, id, endpoint, gossip }
    }

    /// Takes the next report of this kind, and passes over what is before it.
    pub async fn report(&mut self, kind: &str) -> Value {
        let seen = self.process.expect(self.taken, &json!({ "event": kind })).await.unwrap();
        self.taken = seen.after;
        seen.report
    }

    /// Gives a command, and takes the report of the same name.
    pub async fn ask(&mut self, command: &str) -> Value {
        self.process.tell(command).unwrap();
        self.report(command).await
    }

    /// Returns all reports so far.
    pub fn seen(&self) -> Vec<Value> {
        let all = self.process.reports(self.process.transcript().start(), &json!({}));
        all.into_iter().map(|seen| seen.report).collect()
    }

    /// Returns what the process has in memory, in KiB.
    pub fn resident(&self) -> u64 {
        self.process.usage().expect("the process runs").memory / 1024
    }
}

impl Deref for Child {
    type Target = Process;

    fn deref(&self) -> &Process {
        &self.process
    }
}

pub fn text<'a>(report: &'a Value, field: &str) -> &'a str {
    report[field].as_str().unwrap_or_else(|| panic!("no {field} in {report}"))
}

/// A node on loopback with these settings: see [`builder_on`].
pub fn builder(settings: &Value) -> Builder {
    builder_on("lo", settings)
}

/// A node on an interface with these settings: `port`, and if given `mailbox`, and times in ms and limits.
pub fn builder_on(interface: &str, settings: &Value) -> Builder {
    let number = |name: &str| settings[name].as_u64();
    let time = |name: &str| number(name).map(Duration::from_millis);
    let size = |name: &str, default| number(name).map_or(default, |n| usize::try_from(n).unwrap());
    let port = |name: &str| number(name).map(|port| u16::try_from(port).unwrap());
    let default = Limits::default();
    let limits = Limits {
        handshake_time: time("handshake").unwrap_or(default.handshake_time),
        handshakes: size("handshakes", default.handshakes),
        strangers: size("strangers", default.strangers),
        peers: size("peers", default.peers),
        events: size("events", default.events),
        event_bytes: size("event_bytes", default.event_bytes),
        ..default
    };
    let beacons = port("port").expect("a port");
    let mut builder = Node::builder().interface(interface).beacon_port(beacons).limits(limits);
    if let Some(port) = port("mailbox") {
        builder = builder.mailbox_port(port);
    }
    if let Some(group) = settings["contest"].as_str() {
        builder = builder.contest(group);
    }
    if let Some(address) = settings["gossip_listen"].as_str() {
        builder = builder.gossip_listen(address.parse::<SocketAddr>().expect("an address"));
    }
    if let Some(hub) = settings["gossip_connect"].as_str() {
        builder = builder.gossip_connect(hub.parse::<HostEndpoint>().expect("an endpoint"));
    }
    #[cfg(feature = "curve")]
    if let Some(keys) = settings["trusted"].as_array() {
        let keys = keys.iter().map(|key| key.as_str().and_then(|key| key.parse().ok()));
        let keys: Option<Vec<zyre::PublicKey>> = keys.collect();
        let network = zyre::Trust::network(testkit::network_key::WORDS.parse().expect("a key"));
        let trust = network.and(zyre::Trust::only(keys.expect("keys")));
        builder = builder.secure(zyre::Identity::create().expect("random numbers"), trust);
    }
    #[cfg(feature = "files")]
    if let Some(home) = settings["home"].as_str().map(std::path::Path::new) {
        builder = builder.share(home.join("shared"), home.join("received"));
    }
    if let Some(time) = time("interval") {
        builder = builder.beacon_interval(time);
    }
    if let Some(time) = time("evasive") {
        builder = builder.evasive_timeout(time).silent_timeout(time);
    }
    if let Some(time) = time("expired") {
        builder = builder.expired_timeout(time);
    }
    builder
}

pub async fn start(settings: &Value) -> (Node, Events) {
    let (node, events) = builder(settings).start().await.expect("the node starts");
    #[cfg(feature = "files")]
    if let Some(home) = settings["home"].as_str().map(std::path::Path::new) {
        let friends = zyre::Recipient::Group(testkit::attacks::FRIENDS.into());
        let name = testkit::attacks::SECRET;
        let secret = node.publish(home.join(&name[1..])).named(name).to(friends);
        secret.await.expect("the secret is published");
    }
    let (peer, endpoint) = (node.id().to_string(), node.endpoint().to_string());
    let hub = node.gossip().listening.first().map(ToString::to_string);
    let started = json!({ "event": "STARTED", "peer": peer, "endpoint": endpoint, "gossip": hub });
    role::report(&started);
    (node, events)
}

/// A role: a node that sends every WHISPER back, tells who comes and goes, and on
/// `stats` what it has counted.
pub async fn echo(settings: &Value) {
    let mut commands = role::commands();
    let (node, mut events) = start(settings).await;
    loop {
        tokio::select! {
            Some(_stats) = commands.recv() => role::report(&stats(&node)),
            event = events.recv() => match event {
                Some(Event::Whisper { peer, content, .. }) => {
                    // A peer that is gone again needs no answer.
                    let _ = node.whisper(peer, content);
                }
                Some(Event::Enter { peer, .. }) => {
                    role::report(&json!({ "event": "ENTER", "peer": peer.to_string() }));
                }
                Some(Event::Exit { peer, reason, .. }) => {
                    let (peer, reason) = (peer.to_string(), reason.as_str());
                    role::report(&json!({ "event": "EXIT", "peer": peer, "reason": reason }));
                }
                Some(_) => {}
                None => return,
            }
        }
    }
}

fn stats(node: &Node) -> Value {
    let (protocol, network) = (node.stats().protocol, node.stats().network);
    #[cfg(feature = "curve")]
    let key = node.key().map(|key| key.to_string());
    #[cfg(not(feature = "curve"))]
    let key = Value::Null;
    json!({
        "key": key,
        "event": "stats",
        "received": protocol.received,
        "foreign": protocol.foreign,
        "malformed": protocol.malformed,
        "before_hello": protocol.before_hello,
        "intruding": protocol.intruding,
        "spares_refused": protocol.spares_refused,
        "own": protocol.own,
        "candidates_refused": protocol.candidates_refused,
        "unused": protocol.unused,
        "not_member": protocol.not_member,
        "beacons": network.beacons,
        "connections": network.connections,
        "connections_foreign": network.connections_foreign,
        "connections_broken": network.connections_broken,
        "connections_idle": network.connections_idle,
        "handshakes_failed": network.handshakes_failed,
    })
}
