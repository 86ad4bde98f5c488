//! The collector's node and its SUB socket.
//!
//! Both live on a runtime of one thread: between the start of the node and its next `await` no task
//! of the node runs, so it meets nobody before its header is set, though the header needs the
//! address that the node has chosen.

use std::collections::BTreeMap;
use std::future::Future;
use std::net::SocketAddr;
use std::pin::pin;
use std::time::Duration;

use zmtp::net::{Subscriber, SubscriberLimits};
use zre_proto::log::{self, Level, Log, LogEvent, correlation_id};
use zyre::{Endpoint, Event, Events, Node, PeerId};

use super::{CollectError, Options, Place};
use crate::{Heard, Record, Sighting, moment};

/// How often it is told that nodes are still there.
const TOUCH: Duration = Duration::from_secs(10);

/// How long it may take to leave while lines keep coming.
const LEAVE: Duration = Duration::from_secs(2);

/// Messages that may wait to be taken; this thread takes them at once.
const QUEUE: usize = 8_192;

/// How long until it is tried again when the network has changed and does not let us in.
const PAUSE: Duration = Duration::from_secs(1);

/// Joins the network and tells what is heard until `stop`. `begin` is called whenever the place
/// is known.
///
/// # Errors
/// See [`CollectError`]: at the beginning only. Later on it is tried again.
pub(crate) async fn run(
    options: &Options,
    mut sink: impl FnMut(Heard),
    mut begin: impl FnMut(&Place),
    stop: impl Future<Output = ()>,
) -> Result<(), CollectError> {
    let mut stop = pin!(stop);
    let mut station = Station::start(options).await?;
    loop {
        begin(&station.place());
        tokio::select! {
            () = station.listen(&mut sink) => {}
            () = &mut stop => {
                station.leave(&mut sink).await;
                return Ok(());
            }
        }
        // Another interface: nodes have been told the old address, and are told the new one by
        // another node.
        station.leave(&mut sink).await;
        station = loop {
            match Station::start(options).await {
                Ok(station) => break station,
                Err(_) => tokio::select! {
                    () = tokio::time::sleep(PAUSE) => {}
                    () = &mut stop => return Ok(()),
                },
            }
        };
    }
}

/// A node that announces a SUB socket.
struct Station {
    node: Node,
    events: Events,
    subscriber: Subscriber,
    address: SocketAddr,
    /// This node itself.
    own: Sighting,
    level: Level,
    present: BTreeMap<PeerId, Sighting>,
}

impl Station {
    async fn start(options: &Options) -> Result<Self, CollectError> {
        let (node, events) = Node::builder()
            .name(options.name.as_str())
            .interface(options.interface.as_str())
            .beacon_port(options.port)
            .start()
            .await?;
        let asked = SocketAddr::new(node.interface().address.into(), options.log_port);
        let failed = |error| CollectError::Bind(asked, error);
        let subscriber = bind(asked, options.level).await.map_err(failed)?;
        let address = subscriber.local_addr().map_err(failed)?;
        node.set_header(log::HEADER, &format!("tcp://{address}"))?;
        let now = moment::now();
        let own = sighting(node.id(), node.name(), node.endpoint(), now);
        let (level, present) = (options.level, BTreeMap::new());
        Ok(Self { node, events, subscriber, address, own, level, present })
    }

    fn place(&self) -> Place {
        Place { interface: self.node.interface().name, address: self.address }
    }

    /// Tells what is heard, until the node has moved to another interface.
    async fn listen(&mut self, sink: &mut impl FnMut(Heard)) {
        let mut touch = tokio::time::interval(TOUCH);
        loop {
            tokio::select! {
                (source, message) = self.subscriber.recv() => {
                    sink(self.line(source, &message));
                }
                event = self.events.recv() => match event {
                    None | Some(Event::Moved { .. } | Event::Stop) => return,
                    Some(event) => self.event(&event, sink),
                },
                _ = touch.tick() => self.touch(sink),
            }
        }
    }

    /// A message that has come to the SUB socket.
    fn line(&self, source: SocketAddr, message: &zmtp::Message) -> Heard {
        let [frame] = message.frames() else { return Heard::Dropped };
        let Ok(log) = Log::decode(frame) else { return Heard::Dropped };
        let Log { level, event, node, peer, time, data, .. } = log;
        if level > self.level {
            // Not what was subscribed to.
            return Heard::Dropped;
        }
        let source = Some(source.ip());
        Heard::Line(Record {
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

    /// What this node sees itself: who is where, and lines of its own.
    fn event(&mut self, event: &Event, sink: &mut impl FnMut(Heard)) {
        let now = moment::now();
        match event {
            Event::Enter { peer, name, endpoint, .. } => {
                let sighting = sighting(*peer, name, *endpoint, now);
                sink(Heard::Seen(sighting.clone()));
                self.present.insert(*peer, sighting);
                self.note(*peer, LogEvent::Enter, name, sink);
            }
            Event::Exit { peer, reason, .. } => {
                self.note(*peer, LogEvent::Exit, reason.as_str(), sink);
                if let Some(mut sighting) = self.present.remove(peer) {
                    sighting.last = now;
                    sink(Heard::Seen(sighting));
                }
                sink(Heard::Gone { peer: peer.to_string(), at: now });
            }
            Event::Join { peer, group, .. } => self.note(*peer, LogEvent::Join, group, sink),
            Event::Leave { peer, group, .. } => self.note(*peer, LogEvent::Leave, group, sink),
            Event::Evasive { peer, .. } => {
                sink(Heard::Quiet { peer: peer.to_string(), silent: false });
            }
            Event::Silent { peer, .. } => {
                sink(Heard::Quiet { peer: peer.to_string(), silent: true });
            }
            _ => {}
        }
    }

    /// A line of this node's own, so that nodes that record nothing are watched as well.
    fn note(&self, peer: PeerId, event: LogEvent, data: &str, sink: &mut impl FnMut(Heard)) {
        let Some(sighting) = self.present.get(&peer) else { return };
        let received = moment::now();
        sink(Heard::Line(Record {
            received,
            source: Some(self.address.ip()),
            time: u64::try_from(received / moment::SECOND).unwrap_or(0),
            level: Level::Info,
            event,
            node: self.own.correlation,
            peer: sighting.correlation,
            data: data.to_owned(),
        }));
    }

    /// Tells that those who are present still are.
    fn touch(&mut self, sink: &mut impl FnMut(Heard)) {
        let now = moment::now();
        // A node that was heard from a moment ago, and then by nobody, is as if it was never away.
        for sighting in self.present.values_mut().chain([&mut self.own]) {
            sighting.last = now;
            sink(Heard::Seen(sighting.clone()));
        }
    }

    /// Leaves the network. What has come until then is told.
    async fn leave(mut self, sink: &mut impl FnMut(Heard)) {
        self.touch(sink);
        let node = self.node.clone();
        let mut stopped = pin!(node.stop());
        let mut rest = pin!(tokio::time::sleep(LEAVE));
        loop {
            tokio::select! {
                // Lines first: those that are here are not lost.
                biased;
                (source, message) = self.subscriber.recv() => sink(self.line(source, &message)),
                () = &mut stopped => return,
                () = &mut rest => return,
            }
        }
    }
}

async fn bind(address: SocketAddr, level: Level) -> std::io::Result<Subscriber> {
    let prefixes = [Level::Error, Level::Warning].map(Level::prefix);
    let wanted: Vec<&[u8]> = match level {
        Level::Error => vec![&prefixes[0]],
        Level::Warning => vec![&prefixes[0], &prefixes[1]],
        Level::Info => vec![b""],
    };
    let limits = SubscriberLimits { messages: QUEUE, ..SubscriberLimits::default() };
    Subscriber::bind(address, &wanted, limits).await
}

fn sighting(peer: PeerId, name: &str, endpoint: Endpoint, now: i64) -> Sighting {
    let endpoint = endpoint.to_string();
    Sighting {
        correlation: correlation_id(&endpoint),
        endpoint,
        peer: peer.to_string(),
        name: name.to_owned(),
        first: now,
        last: now,
    }
}
