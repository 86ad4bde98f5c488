//! What runs in the process of a node: it sends numbered messages, checks those that come, and
//! tells what its application hears.
//!
//! ```text
//! send ID COUNT BYTES | stream ID BYTES | shout MS | pace never | pace full | where | end | stop
//! publish PATH NAME
//! whispers ID COUNT BYTES wait|hurry | shouts ID COUNT BYTES wait|hurry
//! ```
//!
//! Every command is answered by a report of its name: `send`, `whispers` and `shouts` when the last
//! message is accepted, or refused; `end` when the stream has ended; `stop`, which ends it as well,
//! when the node has stopped. The report of an event is called as the event is.

use std::future::pending;
use std::net::SocketAddr;
use std::ops::ControlFlow;
use std::time::Duration;

use serde_json::{Value, json};
use testkit::role;
use tokio::time::interval;
use zyre::{Builder, Event, Events, HostEndpoint, Limits, Node, PeerId};

use crate::bulk::{Bulk, GROUP};
use crate::listener::Listener;
use crate::stream::{Endless, Stream, message};

/// A role. The settings are `id`, `mailbox`, `evasive` and `expired` in ms, `link_bytes`, `events`,
/// `event_bytes`, `interface`, `two_way`, `beacon`, `gossip_listen`, an address, `gossip_connect`, an
/// endpoint, `share`, a directory, with `file_port` and `advertise_file_port`, `advertise`, an endpoint,
/// `require`: an id and an endpoint, or an endpoint, and `network`, the words of a secure node's.
pub(crate) async fn run(settings: &Value) {
    let mut commands = role::commands();
    let (node, events) = builder(settings).start().await.expect("the node starts");
    let (id, endpoint) = (node.id().to_string(), node.endpoint().to_string());
    role::report(&json!({ "event": "STARTED", "id": id, "endpoint": endpoint }));
    let listener = Listener::default();
    let mut agent = Agent { node, events, listener, stream: None, reads: true };
    loop {
        tokio::select! {
            Some(command) = commands.recv() => {
                if agent.obey(&command).await.is_break() {
                    return;
                }
            }
            event = agent.next() => match event {
                Some(event) => agent.listener.hear(&event),
                None => return,
            }
        }
    }
}

fn builder(settings: &Value) -> Builder {
    let number = |name: &str| settings[name].as_u64();
    let size = |name: &str, default| number(name).map_or(default, |n| usize::try_from(n).unwrap());
    let default = Limits::default();
    let limits = Limits {
        link_bytes: size("link_bytes", default.link_bytes),
        events: size("events", default.events),
        event_bytes: size("event_bytes", default.event_bytes),
        ..default
    };
    let interface = settings["interface"].as_str().unwrap_or("eth0");
    let two_way = settings["two_way"].as_bool().unwrap_or(true);
    let mut builder =
        Node::builder().interface(interface).two_way(two_way).limits(limits).join(GROUP);
    builder = builder.beacon(settings["beacon"].as_bool().unwrap_or(true));
    if let Some(id) = settings["id"].as_str() {
        builder = builder.id(id.parse().expect("an id"));
    }
    let endpoint = |value: &Value| text(value).parse::<HostEndpoint>().expect("an endpoint");
    builder = match (&settings["require"], settings["require"].as_array().map(Vec::as_slice)) {
        (_, Some([id, at])) => builder.require_peer(text(id).parse().expect("an id"), endpoint(at)),
        (at, None) if at.is_string() => builder.require_endpoint(endpoint(at)),
        _ => builder,
    };
    if let Some(port) = number("mailbox") {
        builder = builder.mailbox_port(port.try_into().expect("a port"));
    }
    if let Some(ms) = number("evasive") {
        builder = builder.evasive_timeout(Duration::from_millis(ms));
    }
    if let Some(ms) = number("expired") {
        builder = builder.expired_timeout(Duration::from_millis(ms));
    }
    if settings["beacon"] == false {
        builder = builder.beacon(false);
    }
    if let Some(address) = settings["gossip_listen"].as_str() {
        builder = builder.gossip_listen(address.parse::<SocketAddr>().expect("an address"));
    }
    if let Some(hub) = settings["gossip_connect"].as_str() {
        builder = builder.gossip_connect(hub.parse::<HostEndpoint>().expect("an endpoint"));
    }
    #[cfg(feature = "files")]
    if let Some(folder) = settings["share"].as_str() {
        builder = builder.share(format!("{folder}/shared"), format!("{folder}/received"));
        if let Some(port) = number("file_port") {
            builder = builder.file_port(port.try_into().expect("a port"));
        }
        if let Some(port) = number("advertise_file_port") {
            builder = builder.advertise_file_port(port.try_into().expect("a port"));
        }
    }
    #[cfg(feature = "curve")]
    if let Some(words) = settings["network"].as_str() {
        let identity = zyre::Identity::create().expect("random numbers");
        let network = words.parse::<zyre::NetworkKey>().expect("the words of a network");
        builder = builder.secure(identity, zyre::Trust::network(network));
    }
    if let Some(endpoint) = settings["advertise"].as_str() {
        builder = builder.advertise(endpoint.parse().expect("an endpoint"));
    }
    builder
}

fn text(value: &Value) -> &str {
    value.as_str().expect("a string")
}

struct Agent {
    node: Node,
    events: Events,
    listener: Listener,
    stream: Option<Endless>,
    /// Whether the application takes its events.
    reads: bool,
}

impl Agent {
    async fn next(&mut self) -> Option<Event> {
        if !self.reads {
            pending::<()>().await;
        }
        self.events.recv().await
    }

    /// Breaks when the node has stopped.
    async fn obey(&mut self, command: &str) -> ControlFlow<()> {
        let words: Vec<_> = command.split(' ').collect();
        let number = |place: usize| words[place].parse::<u64>().expect("a number");
        let to = |place: usize| {
            let peer = words[1].parse::<PeerId>().expect("an id");
            Stream::new(&self.node, peer, number(place))
        };
        let mut answer = json!({ "event": words[0] });
        match words[..] {
            ["send", ..] => {
                let (stream, count) = (to(3), number(2));
                tokio::spawn(async move {
                    let accepted = stream.send(Some(count)).await;
                    role::report(&json!({ "event": "send", "accepted": accepted }));
                });
                return ControlFlow::Continue(());
            }
            ["whispers" | "shouts", _, _, _, how] => {
                let peer = words[1].parse().expect("an id");
                let peer = (words[0] == "whispers").then_some(peer);
                let bytes = number(3).try_into().expect("a size");
                let bulk = Bulk { peer, count: number(2), bytes, waits: how == "wait" };
                let node = self.node.clone();
                tokio::spawn(async move {
                    let outcome = bulk.send(&node).await;
                    answer["accepted"] = outcome.accepted.into();
                    answer["full"] = outcome.full.into();
                    role::report(&answer);
                });
                return ControlFlow::Continue(());
            }
            ["stream", ..] => self.stream = Some(to(2).start()),
            ["shout", _] => {
                tokio::spawn(shout(self.node.clone(), Duration::from_millis(number(1))));
            }
            ["where"] => {
                answer["endpoint"] = self.node.endpoint().to_string().into();
                answer["peers"] = self.node.peers().len().into();
            }
            #[cfg(feature = "files")]
            ["publish", path, name] => {
                self.node.publish(path).to(GROUP).named(name).await.expect("it can be published");
            }
            ["pace", pace] => self.reads = pace == "full",
            ["end" | "stop"] => {
                if let Some(stream) = self.stream.take() {
                    answer["accepted"] = stream.end().await.into();
                }
            }
            _ => panic!("no command {command}"),
        }
        let is_over = words[0] == "stop";
        if is_over {
            self.node.stop().await;
        }
        role::report(&answer);
        if is_over { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    }
}

/// Shouts from now on every so often.
async fn shout(node: Node, every: Duration) {
    let mut interval = interval(every);
    for number in 0.. {
        interval.tick().await;
        if node.shout(GROUP, message(number, false, 0)).is_err() {
            return;
        }
    }
}
