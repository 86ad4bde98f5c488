//! The collector's node and its SUB socket.
//!
//! Both live on a runtime of one thread: between the start of the node and its next `await` no task
//! of the node runs, so it meets nobody before its header is set, though the header needs the
//! address that the node has chosen.

use std::collections::BTreeMap;
use std::fmt;
use std::net::SocketAddr;
use std::pin::pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use tokio::runtime::Builder;
use zmtp::net::{Backoff, Subscriber, SubscriberLimits};
use zre_proto::log::{self, Level, Log, LogEvent, correlation_id};
use zyre::{Endpoint, Event, Events, Identity, Node, PeerId, Trust};

use super::error::CollectError;
use super::options::Options;
use crate::change::keep_headers;
use crate::{Change, CollectorEvent, Entered, NodeInterval, Record, What, moment};

/// How often nodes that are still there are told of again.
const TOUCH: Duration = Duration::from_secs(10);

/// How long it may take to leave while lines keep coming.
const LEAVE: Duration = Duration::from_secs(2);

/// How often it is seen whether the node lives at more addresses.
const FOLLOW: Duration = Duration::from_secs(1);

/// How often the flag to stop is looked at.
const LOOK: Duration = Duration::from_millis(50);

/// Messages that may wait to be taken; this thread takes them at once.
const QUEUE: usize = 8_192;

/// The pauses between attempts to join again after the network has changed.
const PAUSES: Backoff = Backoff::new(Duration::from_millis(250), Duration::from_secs(2));

/// Where a collector is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    /// The interfaces, separated by commas.
    pub interface: String,
    /// Where lines are taken.
    pub address: SocketAddr,
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.interface, self.address)
    }
}

/// Joins the network, and hands what is heard to what `open` returns until `stop` is set. `open` is
/// called once the node has started, and `begin` whenever the place is known.
///
/// # Errors
/// See [`CollectError`], at the beginning only; later on joining is tried again.
pub(crate) fn run<H: FnMut(CollectorEvent)>(
    options: &Options,
    open: impl FnOnce() -> Result<H, CollectError>,
    begin: impl FnMut(&Place),
    stop: &AtomicBool,
) -> Result<(), CollectError> {
    let runtime = Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(collect(options, open, begin, stop))
}

async fn collect<H: FnMut(CollectorEvent)>(
    options: &Options,
    open: impl FnOnce() -> Result<H, CollectError>,
    mut begin: impl FnMut(&Place),
    stop: &AtomicBool,
) -> Result<(), CollectError> {
    let mut stop = pin!(stopped(stop));
    let start = Start { options, security: options.security.read(None)? };
    let mut node = CollectorNode::start(&start).await?;
    let mut hear = open()?;
    loop {
        begin(&node.place());
        node.introduce(&mut hear);
        tokio::select! {
            () = node.listen(&mut hear) => {}
            () = &mut stop => {
                node.leave(&mut hear).await;
                return Ok(());
            }
        }
        // Another interface: nodes have been told the old address, and are told the new one by
        // another node.
        node.leave(&mut hear).await;
        let mut pauses = PAUSES;
        node = loop {
            match CollectorNode::start(&start).await {
                Ok(node) => break node,
                Err(_) => tokio::select! {
                    () = tokio::time::sleep(pauses.next_pause()) => {}
                    () = &mut stop => return Ok(()),
                },
            }
        };
    }
}

/// Waits until the flag is set.
async fn stopped(stop: &AtomicBool) {
    while !stop.load(Ordering::Relaxed) {
        tokio::time::sleep(LOOK).await;
    }
}

/// What a collector's node is started with, each time that the network has changed.
struct Start<'a> {
    options: &'a Options,
    /// Its key and what it trusts, if it is a secure one.
    security: Option<(Identity, Trust)>,
}

impl Start<'_> {
    fn builder(&self) -> zyre::Builder {
        let Options { name, interface, port, .. } = self.options;
        let mut builder = Node::builder().name(name.as_str()).interface(interface.as_str());
        if let Some((identity, trust)) = self.security.clone() {
            builder = builder.secure(identity, trust);
        }
        port.iter().copied().fold(builder, zyre::Builder::beacon_port)
    }
}

/// A node that announces a SUB socket.
struct CollectorNode {
    node: Node,
    events: Events,
    subscriber: Subscriber,
    address: SocketAddr,
    /// Where lines are taken.
    listening: Vec<SocketAddr>,
    /// This node itself.
    own: NodeInterval,
    level: Level,
    present: BTreeMap<PeerId, NodeInterval>,
}

impl CollectorNode {
    async fn start(start: &Start<'_>) -> Result<Self, CollectError> {
        let options = start.options;
        let (node, events) = start.builder().start().await?;
        let mut subscriber = subscriber(options.level);
        let (mut port, mut listening) = (options.log_port, Vec::new());
        for endpoint in node.endpoints() {
            let mut address = endpoint.address();
            address.set_port(port);
            let failed = |source| CollectError::Bind { address, source };
            let mechanism = node.service_mechanism();
            address = subscriber.listen_with(address, mechanism).await.map_err(failed)?;
            port = address.port();
            listening.push(address);
        }
        let mut address = node.endpoint().address();
        address.set_port(port);
        node.set_service(log::HEADER, port)?;
        let now = moment::now();
        let own = interval(node.id(), node.name(), node.endpoint(), now);
        let (level, present) = (options.level, BTreeMap::new());
        Ok(Self { node, events, subscriber, address, listening, own, level, present })
    }

    fn place(&self) -> Place {
        let used = self.node.interfaces().into_iter().filter(zyre::Interface::is_used);
        let names: Vec<String> = used.map(|interface| interface.name).collect();
        Place { interface: names.join(", "), address: self.address }
    }

    /// Tells that it begins, and who it is.
    fn introduce(&self, hear: &mut impl FnMut(CollectorEvent)) {
        change(self.own.peer.clone(), What::Begun, hear);
        let (node, headers) = (&self.node, BTreeMap::new());
        let key = node.key().map(|key| key.to_string());
        let entered = entered(node.name(), node.endpoint(), &headers, key);
        change(self.own.peer.clone(), What::Entered(Box::new(entered)), hear);
    }

    /// Tells what is heard, until the node has moved to another interface.
    async fn listen(&mut self, hear: &mut impl FnMut(CollectorEvent)) {
        hear(CollectorEvent::Own { peer: self.own.peer.clone() });
        let mut touch = tokio::time::interval(TOUCH);
        let mut follow = tokio::time::interval(FOLLOW);
        loop {
            tokio::select! {
                (source, message) = self.subscriber.recv() => {
                    hear(self.line(source, &message));
                }
                event = self.events.recv() => match event {
                    None | Some(Event::Moved { .. } | Event::Stop) => return,
                    Some(event) => self.event(&event, hear),
                },
                _ = touch.tick() => self.touch(hear),
                _ = follow.tick() => self.follow().await,
            }
        }
    }

    /// Takes lines at the addresses that have come since the start: peers there are told of them. And
    /// no more from those that are not trusted any more.
    async fn follow(&mut self) {
        self.subscriber.disconnect(|publisher| !self.node.still_lets_in(publisher));
        for endpoint in self.node.endpoints() {
            let mut address = endpoint.address();
            address.set_port(self.address.port());
            if self.listening.contains(&address) {
                continue;
            }
            // A port that is taken there is tried again.
            let mechanism = self.node.service_mechanism();
            if self.subscriber.listen_with(address, mechanism).await.is_ok() {
                self.listening.push(address);
            }
        }
    }

    /// Decodes a message that has come to the SUB socket.
    fn line(&self, source: SocketAddr, message: &zmtp::Message) -> CollectorEvent {
        let [frame] = message.frames() else { return CollectorEvent::Dropped };
        let Ok(log) = Log::decode(frame) else { return CollectorEvent::Dropped };
        let Log { level, event, node, peer, time, data, .. } = log;
        if level > self.level {
            // Not what was subscribed to.
            return CollectorEvent::Dropped;
        }
        let source = Some(source.ip());
        CollectorEvent::Line(Record {
            received: moment::now(),
            source,
            time,
            level,
            event,
            node,
            peer,
            data,
        })
    }

    /// Tells what this node sees itself: which nodes are where, and lines of its own.
    fn event(&mut self, event: &Event, hear: &mut impl FnMut(CollectorEvent)) {
        let now = moment::now();
        match event {
            Event::Enter { peer, name, headers, endpoint, key, .. } => {
                let entered = entered(name, *endpoint, headers, key.map(|key| key.to_string()));
                change(peer.to_string(), What::Entered(Box::new(entered)), hear);
                let interval = interval(*peer, name, *endpoint, now);
                hear(CollectorEvent::Seen(interval.clone()));
                self.present.insert(*peer, interval);
                self.note(*peer, LogEvent::Enter, name, hear);
            }
            Event::Exit { peer, reason, .. } => {
                self.note(*peer, LogEvent::Exit, reason.as_str(), hear);
                if let Some(mut interval) = self.present.remove(peer) {
                    interval.last = now;
                    hear(CollectorEvent::Seen(interval));
                }
                hear(CollectorEvent::Gone { peer: peer.to_string(), at: now });
                let reason = reason.as_str().to_owned();
                change(peer.to_string(), What::Gone { reason }, hear);
            }
            Event::Join { peer, group, .. } => self.note(*peer, LogEvent::Join, group, hear),
            Event::Leave { peer, group, .. } => self.note(*peer, LogEvent::Leave, group, hear),
            Event::Evasive { peer, .. } => {
                hear(CollectorEvent::Evasive { peer: peer.to_string() });
                change(peer.to_string(), What::Evasive, hear);
            }
            Event::Silent { peer, .. } => {
                hear(CollectorEvent::Silent { peer: peer.to_string() });
                change(peer.to_string(), What::Silent, hear);
            }
            Event::Returned { peer, .. } => {
                hear(CollectorEvent::Returned { peer: peer.to_string() });
                change(peer.to_string(), What::Returned, hear);
            }
            Event::EndpointUnreachable { endpoint, why } => {
                let data = format!("nobody can be met at {endpoint}: {why}");
                self.record(Level::Warning, LogEvent::None, 0, &data, hear);
            }
            Event::Unreachable { endpoint, why, .. } => {
                // It sends no lines here either: its user has to know.
                let place = endpoint.wire_form();
                let data = format!("{place} cannot be met: {why}");
                self.record(Level::Warning, LogEvent::None, correlation_id(&place), &data, hear);
            }
            _ => {}
        }
    }

    /// Tells a line of this node's own, so that nodes that record nothing are watched as well.
    fn note(
        &self,
        peer: PeerId,
        event: LogEvent,
        data: &str,
        hear: &mut impl FnMut(CollectorEvent),
    ) {
        let Some(interval) = self.present.get(&peer) else { return };
        self.record(Level::Info, event, interval.correlation, data, hear);
    }

    /// Tells a line of this node's own about the node with the correlation id `peer`.
    fn record(
        &self,
        level: Level,
        event: LogEvent,
        peer: u16,
        data: &str,
        hear: &mut impl FnMut(CollectorEvent),
    ) {
        let received = moment::now();
        hear(CollectorEvent::Line(Record {
            received,
            source: Some(self.address.ip()),
            time: u64::try_from(received / moment::SECOND).unwrap_or(0),
            level,
            event,
            node: self.own.correlation,
            peer,
            data: data.to_owned(),
        }));
    }

    /// Tells that the nodes that are present still are.
    fn touch(&mut self, hear: &mut impl FnMut(CollectorEvent)) {
        let now = moment::now();
        // A node that was heard from a moment ago, and then by nobody, is as if it was never away.
        for interval in self.present.values_mut().chain([&mut self.own]) {
            interval.last = now;
            hear(CollectorEvent::Seen(interval.clone()));
        }
    }

    /// Leaves the network, and tells what has come until then.
    async fn leave(mut self, hear: &mut impl FnMut(CollectorEvent)) {
        self.touch(hear);
        change(self.own.peer.clone(), What::Gone { reason: "stopped".to_owned() }, hear);
        let node = self.node.clone();
        let mut stopped = pin!(node.stop());
        let mut rest = pin!(tokio::time::sleep(LEAVE));
        loop {
            tokio::select! {
                // Lines first: those that are here are not lost.
                biased;
                (source, message) = self.subscriber.recv() => hear(self.line(source, &message)),
                () = &mut stopped => return,
                () = &mut rest => return,
            }
        }
    }
}

fn subscriber(level: Level) -> Subscriber {
    let prefixes = [Level::Error, Level::Warning].map(Level::prefix);
    let wanted: Vec<&[u8]> = match level {
        Level::Error => vec![&prefixes[0]],
        Level::Warning => vec![&prefixes[0], &prefixes[1]],
        Level::Info => vec![b""],
    };
    let limits = SubscriberLimits { messages: QUEUE, ..SubscriberLimits::default() };
    Subscriber::new(&wanted, limits)
}

fn change(peer: String, what: What, hear: &mut impl FnMut(CollectorEvent)) {
    hear(CollectorEvent::Change(Change { at: moment::now(), peer, what }));
}

fn entered(
    name: &str,
    endpoint: Endpoint,
    headers: &BTreeMap<String, String>,
    key: Option<String>,
) -> Entered {
    Entered {
        correlation: correlation_id(&endpoint.wire_form()),
        endpoint: endpoint.to_string(),
        name: name.to_owned(),
        key,
        headers: keep_headers(headers),
    }
}

fn interval(peer: PeerId, name: &str, endpoint: Endpoint, now: i64) -> NodeInterval {
    NodeInterval {
        // A scope is another one on each host.
        correlation: correlation_id(&endpoint.wire_form()),
        endpoint: endpoint.to_string(),
        peer: peer.to_string(),
        name: name.to_owned(),
        first: now,
        last: now,
    }
}
