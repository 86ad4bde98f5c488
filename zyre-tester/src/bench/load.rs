//! What every implementation of the work shares: the messages, who counts them, and the figures
//! that come of it.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use bytes::Bytes;
use testkit::usage::{Usage, cpu_of_living_threads};
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use tokio::task::JoinHandle;

use super::descriptors;
use super::figures::Figures;

/// Bytes of content that may be on their way, all receivers together. Queues of senders are
/// unlimited, so the sender itself has to see to it that it does not fill the memory.
const ON_THE_WAY: u64 = 16 << 20;

/// How long an idle mesh is left alone before it is watched, as zbench.c does.
pub(super) const SETTLE: Duration = Duration::from_secs(2);

/// How long nodes that have just met are left alone before they are given work.
pub(super) const BREATH: Duration = Duration::from_millis(300);

/// What nodes of a mesh say to each other.
pub(super) const GREETING: &str = "HELLO";

/// Message number `number`: it says so in its first bytes if it has room.
pub(super) fn message(number: u64, size: usize) -> Bytes {
    let mut bytes = vec![7; size];
    if let Some(start) = bytes.first_chunk_mut() {
        *start = number.to_be_bytes();
    }
    bytes.into()
}

/// What one application has received.
#[derive(Debug)]
pub(super) struct Tally {
    size: usize,
    count: u64,
    received: u64,
    shared: Arc<Received>,
}

/// Seen by the sender; on a cache line of its own.
#[derive(Debug, Default)]
#[repr(align(128))]
struct Received(AtomicU64);

impl Tally {
    /// Takes the next message; true when it was the last.
    ///
    /// # Errors
    /// It is not the next message.
    pub(super) fn take(&mut self, content: &[u8]) -> Result<bool, String> {
        let next = self.received;
        if content.len() != self.size {
            let size = content.len();
            return Err(format!("message {next} has {size} bytes instead of {}", self.size));
        }
        if let Some(number) = content.first_chunk().map(|start| u64::from_be_bytes(*start))
            && number != next
        {
            return Err(format!("message {number} came instead of {next}"));
        }
        self.received += 1;
        self.shared.0.store(self.received, Ordering::Relaxed);
        Ok(self.received >= self.count)
    }

    /// How much is missing, for people.
    pub(super) fn missing(&self) -> String {
        format!("{} of {} messages came", self.received, self.count)
    }
}

/// The sender's view of its receivers.
#[derive(Debug)]
pub(super) struct Pace {
    receivers: Vec<Arc<Received>>,
    /// How many messages to each may be on their way.
    window: u64,
    /// The number that all had received when they were asked last.
    received: u64,
}

impl Pace {
    /// For `peers` receivers of `count` messages of `size` bytes each, with their tallies.
    pub(super) fn new(peers: usize, count: u64, size: usize) -> (Self, Vec<Tally>) {
        let shared: Vec<_> = (0..peers).map(|_| Arc::new(Received::default())).collect();
        let tally =
            |shared: &Arc<Received>| Tally { size, count, received: 0, shared: Arc::clone(shared) };
        let tallies = shared.iter().map(tally).collect();
        let bytes = (size.max(1) * peers.max(1)) as u64;
        (Self { receivers: shared, window: (ON_THE_WAY / bytes).max(16), received: 0 }, tallies)
    }

    /// Whether message `number` may be sent now.
    pub(super) fn may_send(&mut self, number: u64) -> bool {
        if number - self.received < self.window {
            return true;
        }
        let received = self.receivers.iter().map(|received| received.0.load(Ordering::Relaxed));
        self.received = received.min().unwrap_or(number);
        number - self.received < self.window
    }
}

/// Waits until all have received all, and returns what they hold, so that none ends before the
/// others. What goes wrong is told at once, also when others wait.
///
/// # Errors
/// The first that a receiver met with.
pub(super) async fn all<T: Send + 'static>(
    receivers: Vec<JoinHandle<Result<T, String>>>,
) -> Result<Vec<T>, String> {
    let (tell, mut told) = unbounded_channel();
    for receiver in receivers {
        let tell = tell.clone();
        tokio::spawn(async move {
            let result = joined(receiver).await;
            // Nobody listens any more once one has failed.
            let _ = tell.send(result);
        });
    }
    drop(tell);
    let mut held = Vec::new();
    while let Some(result) = told.recv().await {
        held.push(result?);
    }
    Ok(held)
}

/// Waits for a task.
///
/// # Errors
/// What it met with.
pub(super) async fn joined<T>(task: JoinHandle<Result<T, String>>) -> Result<T, String> {
    task.await.unwrap_or_else(|error| Err(error.to_string()))
}

/// Waits until all questions are answered. What `ask` returns besides its figures is what the
/// other side needs to go on: without it `echo` would end with an error at the same time.
///
/// # Errors
/// What either side met with.
pub(super) async fn answered<T>(
    ask: JoinHandle<Result<(Figures, T), String>>,
    echo: JoinHandle<Result<(), String>>,
) -> Result<Figures, String> {
    tokio::select! {
        asked = joined(ask) => Ok(asked?.0),
        ended = joined(echo) => Err(match ended {
            Err(error) => error,
            Ok(()) => "the other side has ended".into(),
        }),
    }
}

/// Returns the resident memory of this process, in bytes.
fn memory() -> Option<f64> {
    Usage::of_this_process().map(|usage| usage.memory as f64)
}

/// The figures of a one-way flow of `count` messages to each of `peers`.
pub(super) fn flow(count: u64, peers: usize, time: Duration) -> Figures {
    let per_second = count as f64 / time.as_secs_f64();
    Figures::default()
        .with("msgs_per_s", Some(per_second))
        .with("deliveries_per_s", Some(per_second * peers as f64))
        .with("rss_mb", memory().map(|bytes| bytes / 1_048_576.0))
}

/// The figures of these times; the half, and all but a hundredth, are not longer.
pub(super) fn latency(mut times: Vec<Duration>) -> Figures {
    times.sort_unstable();
    let at = |share: usize| times.get(times.len() * share / 100).map(|t| t.as_secs_f64() * 1e6);
    Figures::default().with("p50_us", at(50)).with("p99_us", at(99))
}

/// A greeting that has come, or why not.
pub(super) type Greeting = Result<(), String>;

/// A mesh in the making: what was there before.
#[derive(Debug)]
pub(super) struct Mesh {
    nodes: usize,
    memory: Option<f64>,
    started: Instant,
}

impl Mesh {
    /// Nothing has been started yet.
    pub(super) fn begin(nodes: usize) -> Self {
        Self { nodes, memory: memory(), started: Instant::now() }
    }

    /// As [`begin`](Self::begin), for nodes that are told the addresses of all others: also allows
    /// the descriptors of `connections` for each pair, and returns the channel for greetings that
    /// have come.
    ///
    /// # Errors
    /// If the process may not open as many.
    pub(super) fn of_sockets(
        nodes: usize,
        connections: usize,
    ) -> Result<(Self, UnboundedSender<Greeting>, UnboundedReceiver<Greeting>), String> {
        descriptors::allow(connections * nodes * (nodes - 1) + nodes + 64)?;
        let (greeted, greetings) = unbounded_channel();
        Ok((Self::begin(nodes), greeted, greetings))
    }

    /// Waits until each node has greeted each other, and watches them being idle.
    ///
    /// # Errors
    /// If one does not greet another.
    pub(super) async fn greeted(
        self,
        started: Instant,
        seconds: u64,
        mut greetings: UnboundedReceiver<Greeting>,
    ) -> Result<Figures, String> {
        for _ in 0..self.nodes * (self.nodes - 1) {
            greetings.recv().await.ok_or("nobody greets any more")??;
        }
        Ok(self.complete(started, seconds).await)
    }

    /// All know all, now. Watches them being idle.
    pub(super) async fn complete(self, started: Instant, seconds: u64) -> Figures {
        let milliseconds = |at: Instant| Some((at - self.started).as_secs_f64() * 1e3);
        let full = milliseconds(Instant::now());
        tokio::time::sleep(SETTLE).await;
        let (cpu, from) = (cpu_of_living_threads(), Instant::now());
        tokio::time::sleep(Duration::from_secs(seconds)).await;
        let used = cpu_of_living_threads().zip(cpu).map(|(now, then)| now.saturating_sub(then));
        let memory = memory().zip(self.memory).map(|(now, then)| now - then);
        let pairs = self.nodes * (self.nodes - 1) / 2;
        Figures::default()
            .with("start_ms", milliseconds(started))
            .with("full_mesh_ms", full)
            .with("rss_mb", memory.map(|bytes| bytes / 1_048_576.0))
            .with("rss_node_kb", memory.map(|bytes| bytes / 1024.0 / self.nodes as f64))
            .with("rss_pair_kb", memory.map(|bytes| bytes / 1024.0 / pairs as f64))
            .with(
                "idle_cpu_pct",
                used.map(|used| 100.0 * used.as_secs_f64() / from.elapsed().as_secs_f64()),
            )
    }
}
