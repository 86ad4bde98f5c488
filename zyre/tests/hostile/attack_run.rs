//! A node under attack, and a good peer that must not notice.

use std::io::ErrorKind;
use std::net::{Ipv4Addr, UdpSocket};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use testkit::attacks::{FileTarget, GROUP, Good, GossipTarget, SecureTarget, Target};
use testkit::wire::connection::Connection;
use testkit::wire::dealer::Route;
use testkit::wire::ghost::Ghost;
use testkit::wire::mailbox::Mailbox;
use testkit::wire::{self, HELLO, Hello};
use tokio::task::JoinHandle;
use zyre::{Builder, Event, PeerId};

use crate::common::child::{Child, text};
use crate::common::{DEADLINE, Member, free_port, on, soon, until, until_some};

/// Every node on loopback.
const BROADCAST: Ipv4Addr = Ipv4Addr::new(127, 255, 255, 255);

/// Nobody listens there.
pub(crate) const NOWHERE: &str = "tcp://127.0.0.1:9";

/// What the attacks may cost.
const MEMORY_KIB: u64 = 20 * 1024;

pub(crate) struct AttackRun {
    pub(crate) victim: Child,
    pub(crate) beacon_port: u16,
    good: zyre::Node,
    /// WHISPERs that went to the victim and came back.
    exchanged: Arc<AtomicU64>,
    exchange: JoinHandle<()>,
    resident: u64,
    strangers: u64,
    /// The hub that the node connects to, if it gossips.
    pub(crate) lies: Option<Arc<Mailbox>>,
    /// The file sharing of the node, if it shares files.
    pub(crate) files: Option<FileTarget>,
    /// What is to be known of a secure node.
    pub(crate) secure: Option<SecureTarget>,
}

/// How the good peer is connected to the node.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum GoodPeer {
    /// By one connection each way.
    Plain,
    /// By one for both directions, on which it has spoken first.
    Chooser,
    /// By one for both directions, on which it was spoken to.
    Follower,
}

impl GoodPeer {
    pub(crate) const ALL: [Self; 3] = [Self::Plain, Self::Chooser, Self::Follower];
}

impl AttackRun {
    /// Handshakes may take 300 ms.
    pub(crate) async fn begin() -> Self {
        Self::with(json!({ "handshake": 300 })).await
    }

    pub(crate) async fn with(settings: Value) -> Self {
        Self::beside(GoodPeer::Chooser, settings).await
    }

    pub(crate) async fn beside(kind: GoodPeer, settings: Value) -> Self {
        Self::built(kind, settings, |builder| builder).await
    }

    /// The good peer is made a little different.
    pub(crate) async fn built(
        kind: GoodPeer,
        mut settings: Value,
        build: impl FnOnce(Builder) -> Builder,
    ) -> Self {
        let beacon_port = free_port();
        settings["port"] = beacon_port.into();
        settings["contest"] = GROUP.into();
        let mut victim = Child::start("echo", settings).await;
        let id = u128::from_be_bytes(*victim.id.as_bytes());
        let id = if kind == GoodPeer::Chooser { id - 1 } else { id + 1 };
        let builder = on(beacon_port).name("good").id(PeerId::new(id.to_be_bytes()));
        let mut good = Member::start(build(builder.two_way(kind != GoodPeer::Plain))).await;
        good.enter(victim.id).await;
        let link = good.node.peer(victim.id).expect("it has entered").link;
        assert_eq!(link == zyre::LinkKind::OneEachWay, kind == GoodPeer::Plain);
        victim.report("ENTER").await;
        let node = good.node.clone();
        let exchanged = Arc::new(AtomicU64::new(0));
        let exchange = tokio::spawn(exchange(good, victim.id, Arc::clone(&exchanged)));
        let (resident, strangers, lies, files, secure) = (0, 0, None, None, None);
        let mut run = Self {
            victim,
            beacon_port,
            good: node,
            exchanged,
            exchange,
            resident,
            strangers,
            lies,
            files,
            secure,
        };
        run.exchange_more(200).await;
        run.resident = run.victim.resident();
        run
    }

    /// The node is a gossip hub as well, and a client of one that lies.
    pub(crate) async fn gossiping(mut settings: Value) -> Self {
        let lies = Arc::new(Mailbox::open(Ipv4Addr::LOCALHOST, DEADLINE).unwrap());
        settings["gossip_listen"] = "127.0.0.1:0".into();
        settings["gossip_connect"] = format!("tcp://{}", lies.address).into();
        let mut run = Self::with(settings).await;
        run.lies = Some(lies);
        run
    }

    pub(crate) fn good(&self) -> PeerId {
        self.good.id()
    }

    /// A header of the node, as the good peer knows it.
    #[cfg(feature = "files")]
    pub(crate) fn header(&self, name: &str) -> Option<String> {
        let victim = self.good.peer(self.victim.id)?;
        victim.headers.get(name).map(ToString::to_string)
    }

    /// What the node has grown by, in KiB.
    pub(crate) fn grown(&self) -> u64 {
        self.victim.resident().saturating_sub(self.resident)
    }

    /// What it has now is what it may have.
    #[cfg(feature = "files")]
    pub(crate) fn measure(&mut self) {
        self.resident = self.victim.resident();
    }

    pub(crate) fn good_endpoint(&self) -> zyre::Endpoint {
        self.good.endpoint()
    }

    /// An id that nobody had before: smaller than those that nodes draw.
    pub(crate) fn stranger(&mut self) -> PeerId {
        self.strangers += 1;
        let mut bytes = [0xEE; 16];
        bytes[..8].copy_from_slice(&self.strangers.to_be_bytes());
        PeerId::new(bytes)
    }

    /// An id that nobody had before: larger than those that nodes draw.
    pub(crate) fn follower(&mut self) -> PeerId {
        self.strangers += 1;
        let mut bytes = [0xEE; 16];
        bytes[..8].copy_from_slice(&(u64::MAX - self.strangers).to_be_bytes());
        PeerId::new(bytes)
    }

    /// Two ids that nobody had before: on a two-way connection to the node the first has to speak
    /// first, the second has to wait.
    pub(crate) fn both(&mut self) -> [PeerId; 2] {
        [self.stranger(), self.follower()]
    }

    /// The way to the node's mailbox.
    pub(crate) fn route(&self) -> Route {
        let to = self.victim.endpoint.address();
        Route { to, from: Ipv4Addr::LOCALHOST, patience: DEADLINE, secure: None }
    }

    /// What the attacks of the list are told of the node and its peer.
    pub(crate) fn target(&self) -> Arc<Target> {
        let mailbox = self.good_endpoint().address();
        Arc::new(Target {
            id: self.victim.id,
            mailbox: self.route().to,
            beacon_port: self.beacon_port,
            broadcast: BROADCAST,
            here: Ipv4Addr::LOCALHOST,
            elsewhere: Some(Ipv4Addr::new(127, 0, 0, 2)),
            good: vec![Good { id: self.good(), mailbox, said: Arc::clone(&self.exchanged) }],
            descriptors: 1000,
            strangers: AtomicU64::new(1 << 32),
            gossip: self
                .lies
                .clone()
                .zip(self.victim.gossip)
                .map(|(lies, hub)| GossipTarget { hub, lies }),
            files: self.files.clone(),
            secure: self.secure.clone(),
        })
    }

    /// Sends a datagram to every node on loopback that hears the beacon port.
    pub(crate) fn broadcast(&self, datagram: &[u8]) {
        let socket = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        socket.set_broadcast(true).unwrap();
        socket.send_to(datagram, (BROADCAST, self.beacon_port)).unwrap();
    }

    /// A connection past its handshake, in the name of a new id.
    pub(crate) async fn dealer(&mut self) -> Connection {
        let id = self.stranger();
        self.dealer_as(id).await
    }

    /// A connection past its handshake, in the name of this id.
    pub(crate) async fn dealer_as(&self, id: PeerId) -> Connection {
        self.route().greet(&id.routing_id()).await.unwrap()
    }

    /// A two-way connection past its handshake, in the name of this id.
    pub(crate) async fn two_way(&self, id: PeerId) -> Connection {
        let connection = self.route().greet_two_way(id).await.unwrap();
        assert!(connection.is_two_way());
        connection
    }

    /// A peer that has met the node by one connection for both directions.
    pub(crate) async fn two_way_ghost(&mut self, id: PeerId) -> Ghost {
        let ghost = Ghost::meet_two_way(self.route(), id).await.unwrap();
        self.enter(id).await;
        ghost
    }

    /// A peer that has met the node.
    pub(crate) async fn ghost(&mut self) -> Ghost {
        let id = self.stranger();
        let ghost = Ghost::meet(self.route(), id).await.unwrap();
        self.enter(id).await;
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

    /// Waits until the node has counted this number of these.
    pub(crate) async fn counted(&mut self, what: &str, least: u64) {
        let enough = async || (self.stats().await[what].as_u64() >= Some(least)).then_some(());
        until_some(&format!("{what} >= {least}"), enough).await;
    }

    /// The node has closed as many connections in the name of a peer that it hears on another one.
    /// What was said on them may have come too late to be held against them.
    pub(crate) async fn refused(&mut self, least: u64) {
        let enough = async || {
            let stats = self.stats().await;
            let count = |what: &str| stats[what].as_u64().unwrap_or(0);
            (count("intruding") + count("spares_refused") >= least).then_some(())
        };
        until_some(&format!("{least} connections refused"), enough).await;
    }

    /// How many strangers the node took for peers.
    pub(crate) fn entered(&self) -> usize {
        self.victim.seen().iter().filter(|report| report["event"] == "ENTER").count() - 1
    }

    /// The next ENTER, which must be of this peer.
    pub(crate) async fn enter(&mut self, id: PeerId) {
        assert_eq!(text(&self.victim.report("ENTER").await, "peer"), id.to_string());
    }

    /// A new node meets the node under attack soon.
    pub(crate) async fn newcomer_is_met(&mut self) {
        let start = Instant::now();
        let mut new = Member::start(on(self.beacon_port)).await;
        new.enter(self.victim.id).await;
        assert!(start.elapsed() < Duration::from_secs(3), "ENTER after {:?}", start.elapsed());
        self.enter(new.id()).await;
        soon(new.node.stop()).await;
    }

    async fn exchange_more(&self, count: u64) {
        let goal = self.exchanged.load(Ordering::Relaxed) + count;
        let done = || self.exchanged.load(Ordering::Relaxed) >= goal || self.exchange.is_finished();
        until("WHISPERs to be exchanged", done).await;
        assert!(!self.exchange.is_finished(), "the exchange has broken off");
    }

    /// Waits while the good peer goes on; what would cut it has had its time.
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
        let seen = self.victim.seen();
        let about: Vec<_> = seen.iter().filter(|report| report["peer"] == good).collect();
        assert_eq!(about.len(), 1, "only its ENTER: {about:?}");
        let grown = self.grown();
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
        if good.node.whisper(victim, number.to_vec()) == Err(zyre::ActionError::Stopped) {
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
        // The pace of a peer that has something to say, not a flood.
        tokio::time::sleep(Duration::from_micros(500)).await;
    }
}

/// The node closes the connection.
pub(crate) async fn closed(mut connection: Connection) {
    assert!(connection.closed(DEADLINE).await, "it stays open");
}

/// A good HELLO, with the endpoint of a mailbox where nobody is.
pub(crate) fn hello() -> Vec<u8> {
    Hello::new(NOWHERE).encode()
}

/// Whether the next message of the node is HELLO.
pub(crate) async fn greeted(connection: &mut Connection) -> bool {
    connection.read().await.is_ok_and(|frames| wire::number(&frames) == Some(HELLO))
}

/// The node closes the connection, and has said nothing on it.
pub(crate) async fn closed_in_silence(mut connection: Connection) {
    let said = connection.read_within(DEADLINE).await;
    let error = said.expect_err("it says something");
    assert_ne!(error.kind(), ErrorKind::TimedOut, "it stays open");
}
