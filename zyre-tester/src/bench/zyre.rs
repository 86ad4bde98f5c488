//! The work on nodes of zyre, through its public API alone.

use std::net::UdpSocket;
use std::time::{Duration, Instant};

use tokio::sync::{mpsc, oneshot};
use zyre::{Builder, Event, Events, Identity, Level, Limits, NetworkKey, Node, PeerId, Trust};

use super::collector::{self, Collector, Log};
use super::descriptors;
use super::figures::{Figures, Outcome};
use super::load::{self, BREATH, Mesh, Pace, SETTLE, Tally};
use super::work::{Way, Work};
use crate::median::median;

/// The group that all nodes are in.
const GROUP: &str = "BENCH";

/// How often a sender that is ahead looks whether its receivers have come on.
const LOOK: Duration = Duration::from_micros(50);

/// Longer than any measurement: from beacon to beacon of a node that is to dial, not to be dialled.
const SILENCE: Duration = Duration::from_secs(24 * 60 * 60);

/// Measures once.
///
/// # Errors
/// A node cannot start, or something is lost.
pub(super) async fn measure(
    work: Work,
    interface: &str,
    log: Log,
    is_secure: bool,
) -> Result<Outcome, String> {
    let log = if matches!(work, Work::Log { .. }) { Log::On } else { log };
    let mut network = Network::new(interface, log).await?;
    if is_secure {
        network.key = Some(NetworkKey::generate().map_err(|error| error.to_string())?);
    }
    Ok(Outcome::Measured(match work {
        Work::Whisper { count, size, way } => network.whisper(count, size, way).await?,
        Work::Shout { count, size, peers } => network.shout(count, size, peers).await?,
        Work::Rtt { count, size } => network.rtt(count, size).await?,
        Work::Mesh { nodes, seconds } => network.mesh(nodes, seconds).await?,
        Work::Discovery { nodes } => network.discovery(nodes).await?,
        Work::Log { count, size, rounds } => network.log(count, size, rounds).await?,
    }))
}

/// Where nodes meet, and nobody else.
struct Network {
    builder: Builder,
    /// Of secure nodes.
    key: Option<NetworkKey>,
    log: Log,
    /// Where the log of the nodes goes, or would go.
    _collector: Option<Collector>,
}

impl Network {
    async fn new(interface: &str, log: Log) -> Result<Self, String> {
        let free = UdpSocket::bind("0.0.0.0:0").and_then(|socket| socket.local_addr());
        let port = free.map_err(|error| format!("no free beacon port: {error}"))?.port();
        // Throughput is to be measured, not the limit of the queues.
        let limits =
            Limits { link_messages: usize::MAX, link_bytes: usize::MAX, ..Limits::default() };
        let builder = Node::builder().interface(interface).beacon_port(port).join(GROUP);
        let _collector = match log {
            Log::Off => None,
            Log::On | Log::WithMessages => Some(Collector::start(interface, port).await?),
        };
        let builder = log.set(builder.limits(limits));
        Ok(Self { builder, key: None, log, _collector })
    }

    async fn start(&self) -> Result<(Node, Events), String> {
        start(self.builder()?).await
    }

    /// One more node, with a key of its own if it is a secure one.
    fn builder(&self) -> Result<Builder, String> {
        let Some(key) = &self.key else { return Ok(self.builder.clone()) };
        let identity = Identity::create().map_err(|error| error.to_string())?;
        Ok(self.builder.clone().secure(identity, Trust::network(key.clone())))
    }

    /// Two nodes, when they know each other. The first has dialled the second: it was there before,
    /// and has been silent since.
    async fn dialled(&self) -> Result<[(Node, Events); 2], String> {
        let mut first = start(self.builder()?.beacon_interval(SILENCE)).await?;
        // Its only beacon has to be out, and it hears that itself.
        while first.0.stats().protocol.own == 0 {
            tokio::time::sleep(collector::LOOK).await;
        }
        let mut second = self.start().await?;
        for (node, events) in [&mut first, &mut second] {
            meet(events, 1).await?;
            collector::found(node, self.log).await;
        }
        tokio::time::sleep(BREATH).await;
        Ok([first, second])
    }

    /// One node and its `peers`, when each knows all. The one is the last in the list.
    async fn met(&self, peers: usize) -> Result<Vec<(Node, Events)>, String> {
        descriptors::allow(descriptors(peers + 1))?;
        let mut nodes = Vec::new();
        for _ in 0..=peers {
            nodes.push(self.start().await?);
        }
        for (_, events) in &mut nodes {
            meet(events, peers).await?;
        }
        for (node, _) in &nodes {
            collector::found(node, self.log).await;
        }
        tokio::time::sleep(BREATH).await;
        Ok(nodes)
    }

    /// One of two nodes sends to the other, or each does.
    async fn whisper(&self, count: u64, size: usize, way: Way) -> Result<Figures, String> {
        let [mut from, mut to] = self.dialled().await?;
        if way == Way::Back {
            std::mem::swap(&mut from, &mut to);
        }
        let (there, back) = (from.0.clone(), to.0.clone());
        let started = Instant::now();
        let there = pass(&there, Some(back.id()), vec![to], count, size);
        if way != Way::Both {
            let (took, _held) = there.await?;
            return Ok(load::flow(count, 1, took));
        }
        let back = pass(&back, Some(from.0.id()), vec![from], count, size);
        let _held = tokio::try_join!(there, back)?;
        Ok(load::flow(2 * count, 1, started.elapsed()))
    }

    /// One node sends to a group.
    async fn shout(&self, count: u64, size: usize, peers: usize) -> Result<Figures, String> {
        let mut nodes = self.met(peers).await?;
        let (sender, _events) = nodes.pop().ok_or("no node")?;
        let (took, _held) = pass(&sender, None, nodes, count, size).await?;
        Ok(load::flow(count, peers, took))
    }

    /// One node sends to another, with the log of both off and on in turn. What changes with time,
    /// of the machine or of the process, changes both alike.
    async fn log(&self, count: u64, size: usize, rounds: u64) -> Result<Figures, String> {
        let mut nodes = self.met(1).await?;
        let (sender, _events) = nodes.pop().ok_or("no node")?;
        let to = nodes.first().map(|(node, _)| node.id());
        let (mut silent, mut logging) = (Vec::new(), Vec::new());
        for half in 0..2 * rounds {
            // Off, on, on, off.
            let log = if matches!(half % 4, 1 | 2) { Log::On } else { Log::Off };
            let level = (log == Log::On).then_some(Level::Info);
            for node in nodes.iter().map(|(node, _)| node).chain([&sender]) {
                node.set_logging(level);
                collector::found(node, log).await;
            }
            tokio::time::sleep(BREATH).await;
            let (took, held) = pass(&sender, to, nodes, count, size).await?;
            nodes = held;
            let per_second = count as f64 / took.as_secs_f64();
            if log == Log::On { logging.push(per_second) } else { silent.push(per_second) }
        }
        let ratios = silent.iter().zip(&logging).map(|(silent, logging)| logging / silent * 100.0);
        let ratio = median(ratios.collect());
        Ok(Figures::default()
            .with("silent_msgs_per_s", median(silent))
            .with("logging_msgs_per_s", median(logging))
            .with("logging_pct", ratio))
    }

    async fn rtt(&self, count: u64, size: usize) -> Result<Figures, String> {
        let mut nodes = self.met(1).await?;
        let (asking, mut answers) = nodes.pop().ok_or("no node")?;
        let (answering, mut questions) = nodes.pop().ok_or("no other node")?;
        let peer = answering.id();
        let echo = tokio::spawn(async move {
            loop {
                match questions.recv().await {
                    Some(Event::Whisper { peer, content, .. }) => {
                        answering.whisper(peer, content).map_err(|e| format!("answer: {e}"))?;
                    }
                    other => bad(other)?,
                }
            }
        });
        // On a thread of the runtime, as the other side, and as an application would.
        let ask = tokio::spawn(async move {
            let (mut times, (_, mut tallies)) = (Vec::new(), Pace::new(1, count, size));
            let tally = tallies.first_mut().ok_or("no tally")?;
            for number in 0..count {
                let asked = Instant::now();
                asking.whisper(peer, load::message(number, size)).map_err(|e| e.to_string())?;
                tally.take(whispered(&mut answers).await?.first())?;
                times.push(asked.elapsed());
            }
            Ok((load::latency(times), (asking, answers)))
        });
        load::answered(ask, echo).await
    }

    async fn mesh(&self, count: usize, seconds: u64) -> Result<Figures, String> {
        descriptors::allow(descriptors(count))?;
        let mesh = Mesh::begin(count);
        let mut nodes = Vec::new();
        let mut meeting = Vec::new();
        for _ in 0..count {
            let (node, mut events) = self.start().await?;
            nodes.push(node);
            meeting.push(tokio::spawn(async move {
                meet(&mut events, count - 1).await?;
                Ok::<_, String>(events)
            }));
        }
        let started = Instant::now();
        let mut streams = Vec::new();
        for meeting in meeting {
            streams.push(meeting.await.map_err(|error| error.to_string())??);
        }
        let figures = mesh.complete(started, seconds).await;
        for events in &mut streams {
            while let Ok(event) = events.try_recv() {
                bad(Some(event))?;
            }
        }
        Ok(figures)
    }

    /// One newcomer: how long each of the others takes to know it, and it to know all.
    async fn discovery(&self, count: usize) -> Result<Figures, String> {
        descriptors::allow(descriptors(count + 1))?;
        let others = self.met(count - 1).await?;
        tokio::time::sleep(SETTLE).await;
        let (tell, mut told) = mpsc::unbounded_channel();
        let mut nodes = Vec::new();
        for (node, mut events) in others {
            nodes.push(node);
            let tell = tell.clone();
            tokio::spawn(async move {
                let entered = meet(&mut events, 1).await.map(|()| Instant::now());
                // The counting task may have given up.
                let _ = tell.send(entered);
                while events.recv().await.is_some() {}
            });
        }
        let started = Instant::now();
        let (_newcomer, mut events) = self.start().await?;
        meet(&mut events, count).await?;
        let mut latest = started.elapsed();
        let mut times = Vec::new();
        for _ in 0..count {
            times.push(told.recv().await.ok_or("a node has ended")?? - started);
        }
        latest = times.iter().copied().fold(latest, Duration::max);
        let first = times.iter().min().map(|time| time.as_secs_f64() * 1e3);
        Ok(load::latency(times)
            .with("first_ms", first)
            .with("full_mesh_ms", Some(latest.as_secs_f64() * 1e3)))
    }
}

async fn start(builder: Builder) -> Result<(Node, Events), String> {
    builder.start().await.map_err(|error| format!("a node cannot start: {error}"))
}

/// The descriptors of a mesh of `nodes`: both ends of two connections for each pair, and what each
/// node has besides.
const fn descriptors(nodes: usize) -> usize {
    2 * nodes * (nodes - 1) + 4 * nodes + 64
}

/// Waits until this number of peers have come and are in the group.
async fn meet(events: &mut Events, peers: usize) -> Result<(), String> {
    let (mut entered, mut joined) = (0, 0);
    while entered < peers || joined < peers {
        match events.recv().await {
            Some(Event::Enter { .. }) => entered += 1,
            Some(Event::Join { .. }) => joined += 1,
            other => bad(other)?,
        }
    }
    Ok(())
}

/// One node sends to others; how long it takes until all have all, and the others.
async fn pass(
    sender: &Node,
    to: Option<PeerId>,
    receivers: Vec<(Node, Events)>,
    count: u64,
    size: usize,
) -> Result<(Duration, Vec<(Node, Events)>), String> {
    let (pace, tallies) = Pace::new(receivers.len(), count, size);
    let receivers: Vec<_> = receivers
        .into_iter()
        .zip(tallies)
        .map(|((node, events), tally)| tokio::spawn(receive(node, events, tally)))
        .collect();
    let (tell, told) = oneshot::channel();
    let sender = sender.clone();
    let started = Instant::now();
    // A thread of the application's own, as in zbench.c: sending never waits.
    std::thread::spawn(move || {
        // Nobody listens any more if a receiver has failed.
        let _ = tell.send(send(&sender, to, pace, count, size));
    });
    let sent = async { told.await.unwrap_or_else(|_| Err("the sender died".into())) };
    let ((), held) = tokio::try_join!(sent, load::all(receivers))?;
    Ok((started.elapsed(), held))
}

/// Sends everything: to one peer, or to the group.
fn send(
    node: &Node,
    to: Option<PeerId>,
    mut pace: Pace,
    count: u64,
    size: usize,
) -> Result<(), String> {
    for number in 0..count {
        while !pace.may_send(number) {
            std::thread::sleep(LOOK);
        }
        let message = load::message(number, size);
        let sent = match to {
            Some(peer) => node.whisper(peer, message),
            None => node.shout(GROUP, message),
        };
        sent.map_err(|error| format!("message {number} is refused: {error}"))?;
    }
    Ok(())
}

/// Receives everything. Gives the node back: the others are not done, and would see it leave.
async fn receive(
    node: Node,
    mut events: Events,
    mut tally: Tally,
) -> Result<(Node, Events), String> {
    loop {
        let done = match events.recv().await {
            Some(Event::Whisper { content, .. } | Event::Shout { content, .. }) => {
                tally.take(content.first())?
            }
            other => {
                bad(other).map_err(|error| format!("{}: {error}", tally.missing()))?;
                false
            }
        };
        if done {
            return Ok((node, events));
        }
    }
}

/// The content of the next WHISPER.
async fn whispered(events: &mut Events) -> Result<zyre::Content, String> {
    loop {
        match events.recv().await {
            Some(Event::Whisper { content, .. }) => return Ok(content),
            other => bad(other)?,
        }
    }
}

/// Whether an event should not come in a benchmark.
fn bad(event: Option<Event>) -> Result<(), String> {
    match event {
        Some(Event::Exit { name, reason, .. }) => Err(format!("{name} has left: {reason}")),
        Some(Event::Stop) | None => Err("a node has stopped".into()),
        Some(_) => Ok(()),
    }
}
