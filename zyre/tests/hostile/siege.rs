//! A node under attack, and a good peer that must not notice.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use serde_json::{Value, json};
use tokio::task::JoinHandle;
use zyre::{Event, PeerId};

use crate::common::child::{Child, text};
use crate::common::raw::{Dealer, Ghost};
use crate::common::{DEADLINE, Member, free_port, on, soon, until};

/// What the attacks may cost.
const MEMORY_KIB: u64 = 20 * 1024;

pub(crate) struct Siege {
    pub(crate) victim: Child,
    pub(crate) beacon_port: u16,
    good: zyre::Node,
    /// WHISPERs that went to the victim and came back.
    exchanged: Arc<AtomicU64>,
    exchange: JoinHandle<()>,
    resident: u64,
    strangers: u64,
}

impl Siege {
    /// Handshakes may take 300 ms.
    pub(crate) async fn begin() -> Self {
        Self::with(json!({ "handshake": 300 })).await
    }

    pub(crate) async fn with(mut settings: Value) -> Self {
        let beacon_port = free_port();
        settings["port"] = beacon_port.into();
        let mut victim = Child::start("echo", settings).await;
        let mut good = Member::start(on(beacon_port).name("good")).await;
        good.enter(victim.id).await;
        victim.report("ENTER").await;
        let node = good.node.clone();
        let exchanged = Arc::new(AtomicU64::new(0));
        let exchange = tokio::spawn(exchange(good, victim.id, Arc::clone(&exchanged)));
        let (resident, strangers) = (0, 0);
        let mut siege =
            Self { victim, beacon_port, good: node, exchanged, exchange, resident, strangers };
        siege.exchange_more(200).await;
        siege.resident = siege.victim.resident();
        siege
    }

    pub(crate) fn good(&self) -> PeerId {
        self.good.id()
    }

    pub(crate) fn good_endpoint(&self) -> zyre::Endpoint {
        self.good.endpoint()
    }

    /// An id that nobody had before.
    pub(crate) fn stranger(&mut self) -> PeerId {
        self.strangers += 1;
        let mut octets = [0xEE; 16];
        octets[..8].copy_from_slice(&self.strangers.to_be_bytes());
        PeerId::new(octets)
    }

    /// A connection past its handshake, in the name of a new id.
    pub(crate) async fn dealer(&mut self) -> Dealer {
        let id = self.stranger();
        Dealer::connect(self.victim.endpoint, &id.routing_id()).await
    }

    /// A peer that has met the node.
    pub(crate) async fn ghost(&mut self) -> Ghost {
        let id = self.stranger();
        let ghost = Ghost::meet(self.victim.endpoint, id).await;
        let report = self.victim.report("ENTER").await;
        assert_eq!(text(&report, "peer"), id.to_string());
        ghost
    }

    /// The next EXIT, which must be of this peer.
    pub(crate) async fn exit(&mut self, id: PeerId, reason: &str) {
        let report = self.victim.report("EXIT").await;
        assert_eq!((text(&report, "peer"), text(&report, "reason")), (&*id.to_string(), reason));
    }

    pub(crate) async fn stats(&mut self) -> Value {
        self.victim.ask("stats").await
    }

    /// Waits until the node has counted so many of these.
    pub(crate) async fn counted(&mut self, what: &str, least: u64) {
        let waiting = async {
            while self.stats().await[what].as_u64().unwrap() < least {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        };
        let counted = tokio::time::timeout(DEADLINE, waiting).await;
        assert!(counted.is_ok(), "{what} < {least}: {}", self.stats().await);
    }

    /// How many strangers the node took for peers.
    pub(crate) fn entered(&self) -> usize {
        self.victim.seen.iter().filter(|report| report["event"] == "ENTER").count() - 1
    }

    async fn exchange_more(&self, count: u64) {
        let goal = self.exchanged.load(Ordering::Relaxed) + count;
        let done = || self.exchanged.load(Ordering::Relaxed) >= goal || self.exchange.is_finished();
        until("WHISPERs to be exchanged", done).await;
        assert!(!self.exchange.is_finished(), "the exchange has broken off");
    }

    /// For so long the good peer goes on; what would cut it has had its time.
    pub(crate) async fn hold(&self, time: Duration) {
        let end = tokio::time::Instant::now() + time;
        while tokio::time::Instant::now() < end {
            self.exchange_more(10).await;
        }
    }

    /// Nobody has noticed anything.
    pub(crate) async fn end(mut self) {
        self.exchange_more(100).await;
        self.stats().await;
        let good = self.good.id().to_string();
        let about: Vec<_> =
            self.victim.seen.iter().filter(|report| report["peer"] == good).collect();
        assert_eq!(about.len(), 1, "only its ENTER: {about:?}");
        let grown = self.victim.resident().saturating_sub(self.resident);
        println!("the node has grown by {grown} KiB");
        assert!(grown < MEMORY_KIB, "the node has grown by {grown} KiB");
        assert_eq!(self.good.peers(), [self.victim.id]);
        soon(self.good.stop()).await;
        soon(self.exchange).await.expect("each WHISPER has come back");
        while text(&self.victim.report("EXIT").await, "peer") != good {}
    }
}

/// Sends numbers, and waits for each to come back, until the node stops.
async fn exchange(mut good: Member, victim: PeerId, exchanged: Arc<AtomicU64>) {
    for number in 0_u64.. {
        let number = number.to_be_bytes();
        if good.node.whisper(victim, number.to_vec()) == Err(zyre::Refused::Stopped) {
            return;
        }
        loop {
            match good.next().await {
                Event::Whisper { peer, content, .. } if peer == victim => {
                    assert_eq!(content.first(), number);
                    break;
                }
                Event::Stop => return,
                Event::Exit { peer, reason, .. } if peer == victim => panic!("EXIT: {reason}"),
                _ => {}
            }
        }
        exchanged.fetch_add(1, Ordering::Relaxed);
        tokio::time::sleep(Duration::from_micros(500)).await;
    }
}
