//! A node whose process may open few files, and somebody who makes more connections than that.

#![cfg(test)]
#![cfg(unix)]

mod common;

use std::collections::VecDeque;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use common::child::{self, Child};
use common::raw::{greeting, ready};
use common::{DEADLINE, Member, free_port, median, on};
use serde_json::json;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::sync::Mutex;
use tokio::task::{JoinHandle, JoinSet};
use tokio::time::MissedTickBehavior;
use zyre::{Event, Limits, PeerId};

/// The usual limit of a process.
const DESCRIPTORS: u64 = 1024;

/// So many connections are made, or more.
const CONNECTIONS: usize = 10_000;

/// So many at a time, and so often: 4,000 a second. More, and what counts is how fast the machine is.
const AT_ONCE: usize = 20;
const EVERY: Duration = Duration::from_millis(5);

/// And at least so many newcomers come meanwhile.
const NEWCOMERS: usize = 15;

/// What an attack may cost a newcomer.
const SMALL: Duration = Duration::from_millis(500);

#[tokio::test]
#[ignore = "a process that other tests start"]
async fn child() {
    if let Some((_, settings)) = child::task() {
        rlimit::Resource::NOFILE.set(DESCRIPTORS, DESCRIPTORS).expect("it can be lowered");
        let limits = Limits::default();
        child::say(&json!({ "event": "LIMITS", "peers": limits.peers }));
        child::echo(&settings).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_newcomer_enters_among_10_000_connections() {
    newcomer_among(Kind::Silent).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_newcomer_enters_among_10_000_that_have_shaken_hands() {
    newcomer_among(Kind::Greeted).await;
}

#[derive(Clone, Copy)]
enum Kind {
    /// Says nothing.
    Silent,
    /// Finishes the handshake, in the name of somebody else each time, and never says HELLO.
    Greeted,
}

async fn newcomer_among(kind: Kind) {
    // Ports and descriptors of this process are for one attack at a time.
    static TURN: Mutex<()> = Mutex::const_new(());
    let _turn = TURN.lock().await;
    let port = free_port();
    let mut victim = Child::start("echo", json!({ "port": port })).await;
    let reported = victim.seen.iter().find(|report| report["event"] == "LIMITS");
    let places = Limits::for_descriptors(DESCRIPTORS).peers;
    assert_eq!(reported.expect("it tells")["peers"], places);

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

/// Somebody who makes connections, and keeps as many of them as this process may.
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
    if matches!(kind, Kind::Greeted) {
        let mut octets = [0xEE; 16];
        octets[..8].copy_from_slice(&number.to_be_bytes());
        let id = PeerId::new(octets).routing_id();
        let hello = [greeting(id.len()), ready("DEALER", &id)].concat();
        stream.write_all(&hello).await.ok()?;
    }
    // Its greeting comes at once.
    stream.read_exact(&mut [0; 10]).await.ok()?;
    Some(stream)
}
