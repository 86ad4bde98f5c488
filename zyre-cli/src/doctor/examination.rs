//! Looking at the network: beacons, connections, and what other doctors say.

use std::net::{IpAddr, SocketAddr};
use std::time::{Duration, Instant};

use tokio::sync::mpsc;
use tokio::task::JoinSet;
use tokio::time::{MissedTickBehavior, interval, sleep_until};
use zyre::{
    BEACON_PORT, BeaconWatch, Event, Events, HeardBeacon, HostEndpoint, NETWORK_BEACON_PORT, Node,
};

use super::colleague::{Post, Word};
use super::evidence::Evidence;
use super::neighbours;
use super::reach::{Reach, probe};
use super::target::Target;
use crate::interrupt::interrupted;
use crate::network::Network;
use crate::text;

/// How often other doctors are told what is heard and reached.
const TELL_INTERVAL: Duration = Duration::from_secs(1);

/// How long another doctor is listened to, once it is found: it has to try what does not answer.
const CONSULTATION: Duration = Duration::from_secs(9);

/// How many beacons may wait to be looked at.
const QUEUE: usize = 256;

/// A port of the router at which a web page answers, or a refusal.
const ROUTER_PORT: u16 = 80;

/// A beacon, to which port it was sent, and when it was heard.
struct Beacon {
    heard: HeardBeacon,
    port: u16,
    at: Instant,
}

/// An examination that goes on.
pub(super) struct Examination<'a> {
    node: &'a Node,
    events: Events,
    evidence: Evidence,
    beacons: mpsc::Receiver<Beacon>,
    post: Option<Post>,
    probes: JoinSet<(SocketAddr, Reach)>,
}

impl<'a> Examination<'a> {
    /// Begins to look, with a node that runs.
    pub(super) fn new(
        node: &'a Node,
        events: Events,
        network: &Network,
        target: Option<Target>,
    ) -> Self {
        let interfaces = node.interfaces();
        let beacon_port = network.beacon_port();
        let evidence = Evidence {
            own: node.id(),
            mailbox_port: node.endpoint().address().port(),
            beacon_port,
            has_beacons: network.has_beacons(),
            is_secure: network.is_secure(),
            is_limited: network.has_interface(),
            own_heard: Default::default(),
            left: Default::default(),
            heard: Default::default(),
            reach: Default::default(),
            callers: Default::default(),
            met: Default::default(),
            colleagues: Default::default(),
            has_post: false,
            target,
            router_is_there: None,
            interfaces,
        };
        let post = Post::open(&evidence.interfaces).ok();
        let evidence = Evidence { has_post: post.is_some(), ..evidence };
        let beacons = watch_ports([beacon_port, BEACON_PORT, NETWORK_BEACON_PORT]);
        let mut this = Self { node, events, evidence, beacons, post, probes: JoinSet::new() };
        this.try_target();
        this.try_router();
        this
    }

    /// Looks for this long, or until it is interrupted, and returns what was seen.
    pub(super) async fn look(mut self, wait: Duration) -> Evidence {
        let mut end = Instant::now() + wait;
        let mut tick = interval(TELL_INTERVAL);
        tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            tokio::select! {
                () = sleep_until(end.into()) => break,
                () = interrupted() => break,
                _ = tick.tick() => self.tell().await,
                Some(beacon) = self.beacons.recv() => self.hear(&beacon),
                Some(event) = self.events.recv() => self.note(&event),
                Some(Ok((at, reach))) = self.probes.join_next() => self.reached(at, reach),
                (word, from) = next_word(self.post.as_ref()) => {
                    if self.listen(word, from.ip()) {
                        end = end.max(Instant::now() + CONSULTATION);
                    }
                }
            }
        }
        self.evidence.interfaces = self.node.interfaces();
        self.note_callers();
        self.evidence
    }

    fn hear(&mut self, Beacon { heard, port, at }: &Beacon) {
        if let Some(at) = self.evidence.hear(heard, *port, *at) {
            self.try_place(at);
        }
    }

    fn listen(&mut self, word: Word, from: IpAddr) -> bool {
        let at = SocketAddr::new(from, word.mailbox_port);
        let is_new = self.evidence.listen(word, from);
        if is_new {
            self.try_place(at);
        }
        is_new
    }

    fn note(&mut self, event: &Event) {
        if let Event::Enter { peer, name, .. } = event {
            self.evidence.met.insert(*peer, text::nick(name));
        }
    }

    fn reached(&mut self, at: SocketAddr, reach: Reach) {
        let is_target =
            self.evidence.target.iter().any(|target| target.addresses.contains(&at.ip()));
        if is_target && reach == Reach::Answers && !self.evidence.is_secure {
            // A mistake of the user is told in its place.
            let _ = self.node.require_endpoint(HostEndpoint::from(zyre::Endpoint::new(at)));
        }
        if neighbours::gateway().is_some_and(|router| at == router_at(router)) {
            let answers = reach.is_connected() || reach == Reach::Refused;
            let is_there = neighbours::gateway().and_then(neighbours::is_there);
            self.evidence.router_is_there = Some(answers || is_there == Some(true));
            return;
        }
        self.evidence.reach.insert(at, reach);
    }

    /// Connects to a mailbox once.
    fn try_place(&mut self, at: SocketAddr) {
        let is_tried = self.evidence.reach.contains_key(&at);
        if !is_tried && at.port() != 0 {
            self.probes.spawn(async move { (at, probe(at).await) });
        }
    }

    fn try_target(&mut self) {
        let places = self.evidence.target.iter().flat_map(Target::places);
        for at in places.collect::<Vec<_>>() {
            self.try_place(at);
        }
    }

    fn try_router(&mut self) {
        if let Some(router) = neighbours::gateway() {
            self.try_place(router_at(router));
        }
    }

    /// Tells other doctors, wherever there may be one.
    async fn tell(&mut self) {
        self.note_callers();
        let Some(post) = &self.post else { return };
        let word = self.evidence.word().encode();
        post.send(&word, self.evidence.addresses().into_iter()).await;
    }

    fn note_callers(&mut self) {
        let accepted = self.node.connections().into_iter().filter(|it| !it.dialled);
        self.evidence.callers.extend(accepted.filter_map(|it| it.peer));
    }
}

fn router_at(router: std::net::Ipv4Addr) -> SocketAddr {
    (router, ROUTER_PORT).into()
}

/// Hears beacons on several ports. One that cannot be opened has a program that does not share it.
fn watch_ports(mut ports: [u16; 3]) -> mpsc::Receiver<Beacon> {
    let (sender, beacons) = mpsc::channel(QUEUE);
    ports.sort_unstable();
    for (n, port) in ports.into_iter().enumerate() {
        if ports[..n].contains(&port) {
            continue;
        }
        let Ok(mut watch) = BeaconWatch::open(port) else { continue };
        let sender = sender.clone();
        tokio::spawn(async move {
            loop {
                let heard = watch.next().await;
                // When it was heard matters to some milliseconds.
                let beacon = Beacon { heard, port, at: Instant::now() };
                if sender.send(beacon).await.is_err() {
                    return;
                }
            }
        });
    }
    beacons
}

/// Waits for the next word of another doctor; for ever, if the port is not free.
async fn next_word(post: Option<&Post>) -> (Word, SocketAddr) {
    match post {
        Some(post) => post.next().await,
        None => std::future::pending().await,
    }
}
