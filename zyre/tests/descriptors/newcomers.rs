//! Newcomers of a node while a stranger makes more connections to it than it can have.

use std::collections::VecDeque;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use serde_json::json;
use testkit::wire::{handshake, handshake_with, two_way};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::task::{JoinHandle, JoinSet};
use tokio::time::MissedTickBehavior;
use zyre::{Event, Limits, PeerId};

use crate::common::child::Child;
use crate::common::{DEADLINE, Member, free_port, median, on};

/// The usual limit of a process.
pub(crate) const DESCRIPTORS: u64 = 1024;

/// The least number of connections that are made.
const CONNECTIONS: usize = 10_000;

/// Connections at a time, and the time between: 4,000 a second. More, and what counts is how fast
/// the machine is.
const AT_ONCE: usize = 20;
const EVERY: Duration = Duration::from_millis(5);

/// The least number of newcomers that come meanwhile.
const NEWCOMERS: usize = 15;

/// What an attack may cost a newcomer.
const SMALL: Duration = Duration::from_millis(500);

pub(crate) async fn a_newcomer_enters_among_10_000_connections() {
    newcomer_among(Kind::Silent).await;
}

pub(crate) async fn a_newcomer_enters_among_10_000_that_have_shaken_hands() {
    newcomer_among(Kind::Greeted).await;
}

pub(crate) async fn a_newcomer_enters_among_10_000_that_do_not_answer() {
    newcomer_among(Kind::TwoWay).await;
}

#[derive(Clone, Copy)]
enum Kind {
    /// Says nothing.
    Silent,
    /// Finishes the handshake, in the name of another node each time, and never says HELLO.
    Greeted,
    /// As well, as a node that takes both directions on one connection, is greeted there and never
    /// answers.
    TwoWay,
}

async fn newcomer_among(kind: Kind) {
    let port = free_port();
    let mut victim = Child::start("echo", json!({ "port": port })).await;
    let limits = json!({ "event": "LIMITS" });
    let reported = victim.expect(victim.transcript().start(), &limits).await.unwrap().report;
    let places = Limits::for_descriptors(DESCRIPTORS).peers;
    assert_eq!(reported["peers"], places);

    let mut calm = Vec::new();
    for _ in 0..5 {
        calm.push(newcomer(port, victim.id).await);
    }
    let flood = Flood::begin(victim.endpoint.address(), kind);
    let (mut amid, mut after) = (Vec::new(), Vec::new());
    while amid.len() < NEWCOMERS || flood.made() < CONNECTIONS {
        amid.push(newcomer(port, victim.id).await);
    }
    let (made, took) = (flood.made(), flood.began.elapsed());
    let kept = flood.stop().await;
    // All that the node lets live are still open.
    for _ in 0..5 {
        after.push(newcomer(port, victim.id).await);
    }
    drop(kept);
    let worst = amid.iter().max().copied().unwrap_or_default();
    let (calm, count, amid) = (median(calm), amid.len(), median(amid));
    let stats = victim.ask("stats").await;
    println!(
        "{made} connections in {took:?}; a newcomer: calm {calm:?}, {count} amid {amid:?}, at worst \
         {worst:?}, after {after:?}; {stats}",
    );
    assert!(amid < calm + SMALL, "{amid:?} instead of {calm:?}");
    let after = median(after);
    assert!(after < calm + SMALL, "{after:?} instead of {calm:?}");
}

/// How long it takes a fresh node to meet this one and get an answer.
async fn newcomer(port: u16, victim: PeerId) -> Duration {
    let start = Instant::now();
    let mut member = Member::start(on(port)).await;
    loop {
        match member.next().await {
            // It may be gone again already; then its next ENTER is waited for.
            Event::Enter { peer, .. } if peer == victim => {
                let _ = member.node.whisper(victim, "hello");
            }
            Event::Whisper { peer, .. } if peer == victim => break,
            _ => {}
        }
    }
    let took = start.elapsed();
    member.node.stop().await;
    took
}

/// A stranger that makes connections, and keeps as many of them as this process may.
struct Flood {
    began: Instant,
    made: Arc<AtomicUsize>,
    goes_on: Arc<AtomicBool>,
    kept: JoinHandle<VecDeque<TcpStream>>,
}

impl Flood {
    fn begin(to: SocketAddr, kind: Kind) -> Self {
        let (made, goes_on) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicBool::new(true)));
        let kept = tokio::spawn(connect(to, kind, Arc::clone(&made), Arc::clone(&goes_on)));
        Self { began: Instant::now(), made, goes_on, kept }
    }

    fn made(&self) -> usize {
        assert!(self.began.elapsed() < DEADLINE, "it takes too long");
        self.made.load(Ordering::Relaxed)
    }

    /// Makes no more; returns what is kept.
    async fn stop(self) -> VecDeque<TcpStream> {
        self.goes_on.store(false, Ordering::Relaxed);
        self.kept.await.expect("it does not fail")
    }
}

async fn connect(
    to: SocketAddr,
    kind: Kind,
    made: Arc<AtomicUsize>,
    goes_on: Arc<AtomicBool>,
) -> VecDeque<TcpStream> {
    let limit = rlimit::increase_nofile_limit(u64::MAX).expect("a limit");
    let keep = usize::try_from(limit).unwrap_or(usize::MAX).saturating_sub(400);
    let keep = keep.clamp(AT_ONCE, CONNECTIONS);
    let (mut kept, mut begun) = (VecDeque::new(), 0_u64);
    let mut tick = tokio::time::interval(EVERY);
    tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
    while goes_on.load(Ordering::Relaxed) {
        tick.tick().await;
        let ones = (begun..).take(AT_ONCE).map(|number| one(to, kind, number));
        begun += AT_ONCE as u64;
        for connection in ones.collect::<JoinSet<_>>().join_all().await.into_iter().flatten() {
            made.fetch_add(1, Ordering::Relaxed);
            kept.push_back(connection);
            if kept.len() > keep {
                kept.pop_front();
            }
        }
    }
    kept
}

/// One connection, when the node has taken it: who does not wait for that fills the kernel's queue,
/// and does not get as far as to the node. `None` if the node has closed it already.
async fn one(to: SocketAddr, kind: Kind, number: u64) -> Option<TcpStream> {
    let mut stream = TcpStream::connect(to).await.ok()?;
    // Its end is a reset, and the port can be used again at once.
    socket2::SockRef::from(&stream).set_linger(Some(Duration::ZERO)).ok()?;
    // Of two nodes the one with the smaller id speaks first.
    let said = match kind {
        Kind::Silent => Vec::new(),
        Kind::Greeted => handshake(id(number)),
        Kind::TwoWay => handshake_with(id(u64::MAX - number), &two_way()),
    };
    stream.write_all(&said).await.ok()?;
    // Its greeting comes at once.
    stream.read_exact(&mut [0; 10]).await.ok()?;
    Some(stream)
}

/// The id of a node that does not exist.
fn id(number: u64) -> PeerId {
    let mut bytes = [0xEE; 16];
    bytes[..8].copy_from_slice(&number.to_be_bytes());
    PeerId::new(bytes)
}
