//! Connections in the name of another node.

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use zre_proto::PeerId;

use super::attack::{Attack, Done};
use super::target::{Target, linger};
use crate::wire::connection::Connection;
use crate::wire::dealer::Route;
use crate::wire::{GOODBYE, Hello, JOIN, LEAVE, PING, PING_OK, WHISPER, header, membership};

/// What is not noticed at once is noticed when a claim has been put to the test.
const PROOF: Duration = Duration::from_millis(1500);

/// Far from where the sequence of a good peer will be.
const FAR: u16 = 60_000;

pub(super) const ATTACKS: &[Attack] = &[
    Attack::new("impostor-idle", "connections as good peers that say nothing", |target| {
        Box::pin(idle(Arc::clone(&target), target.here))
    }),
    Attack::new("impostor-hello", "HELLO as each good peer, with its endpoint", |target| {
        Box::pin(hello(Arc::clone(&target), target.here, 1))
    }),
    Attack::elsewhere("impostor-hello-elsewhere", "the same from another address", |target| {
        Box::pin(hello(Arc::clone(&target), target.other(), 1))
    }),
    Attack::new("impostor-hello-flood", "200 such HELLOs of each", |target| {
        Box::pin(hello(Arc::clone(&target), target.here, 200))
    }),
    Attack::elsewhere("impostor-hello-flood-elsewhere", "the same from elsewhere", |target| {
        Box::pin(hello(Arc::clone(&target), target.other(), 200))
    }),
    Attack::new("impostor-moved", "HELLO as each good peer, with another endpoint", |target| {
        Box::pin(moved(Arc::clone(&target), target.here))
    }),
    Attack::elsewhere("impostor-moved-elsewhere", "the same from another address", |target| {
        Box::pin(moved(Arc::clone(&target), target.other()))
    }),
    Attack::new("impostor-malformed", "malformed messages as each good peer", |target| {
        Box::pin(malformed(Arc::clone(&target), target.here))
    }),
    Attack::elsewhere("impostor-malformed-elsewhere", "the same from elsewhere", |target| {
        Box::pin(malformed(Arc::clone(&target), target.other()))
    }),
    Attack::new("impostor-messages", "messages as each good peer, out of sequence", |target| {
        Box::pin(messages(Arc::clone(&target), target.here))
    }),
    Attack::elsewhere("impostor-messages-elsewhere", "the same from elsewhere", |target| {
        Box::pin(messages(Arc::clone(&target), target.other()))
    }),
    Attack::new("impostor-sequence", "WHISPER as a good peer with the right number", |target| {
        Box::pin(sniffed(Arc::clone(&target), target.here))
    }),
    Attack::elsewhere("impostor-sequence-elsewhere", "the same from elsewhere", |target| {
        Box::pin(sniffed(Arc::clone(&target), target.other()))
    }),
    Attack::new(
        "impostor-endpoint",
        "HELLO as a new peer, with a good peer's endpoint",
        |target| Box::pin(usurper(Arc::clone(&target), target.here)),
    ),
    Attack::elsewhere("impostor-endpoint-elsewhere", "the same from elsewhere", |target| {
        Box::pin(usurper(Arc::clone(&target), target.other()))
    }),
    Attack::new("impostor-victim", "HELLO as the victim to each good peer", |target| {
        Box::pin(as_victim(Arc::clone(&target), target.here))
    }),
    Attack::elsewhere("impostor-victim-elsewhere", "the same from another address", |target| {
        Box::pin(as_victim(Arc::clone(&target), target.other()))
    }),
];

/// A connection to the victim as this peer.
async fn dealer(target: &Target, from: Ipv4Addr, id: PeerId) -> Result<Connection, String> {
    let dealer = target.route(from).greet(&id.routing_id()).await;
    dealer.map_err(|error| format!("no connection from {from}: {error}"))
}

fn at(mailbox: SocketAddr) -> Hello {
    Hello::new(&format!("tcp://{mailbox}"))
}

async fn idle(target: Arc<Target>, from: Ipv4Addr) -> Result<Done, String> {
    let mut open = Vec::new();
    for good in &target.good {
        for _ in 0..5 {
            drop(dealer(&target, from, good.id).await?);
        }
        open.push(dealer(&target, from, good.id).await?);
    }
    linger(Duration::from_millis(500)).await;
    Done::holding("", open)
}

async fn hello(target: Arc<Target>, from: Ipv4Addr, times: usize) -> Result<Done, String> {
    let mut sent = 0;
    let mut open = Vec::new();
    for _ in 0..times {
        for good in &target.good {
            // Some may be refused: then that is the answer.
            let Ok(mut dealer) = dealer(&target, from, good.id).await else { continue };
            sent += usize::from(dealer.send(&[&at(good.mailbox).encode()]).await);
            open.push(dealer);
        }
        // Those before have been read by now.
        open.drain(..open.len().saturating_sub(50));
    }
    linger(PROOF).await;
    Done::holding(format!("{sent} sent"), open)
}

async fn moved(target: Arc<Target>, from: Ipv4Addr) -> Result<Done, String> {
    let trap = target.mailbox_at(from)?;
    let mut open = Vec::new();
    for good in &target.good {
        let mut dealer = dealer(&target, from, good.id).await?;
        dealer.send(&[&at(trap.address).encode()]).await;
        open.push(dealer);
    }
    let mut caught = Vec::new();
    while let Ok(stream) = trap.greet().await {
        caught.push(stream);
    }
    Done::holding(format!("{} links of the victim caught", caught.len()), (open, caught))
}

async fn malformed(target: Arc<Target>, from: Ipv4Addr) -> Result<Done, String> {
    let whole = Hello::new("tcp://127.0.0.1:9").encode();
    let late = Hello { sequence: 2, ..Hello::new("tcp://127.0.0.1:9") }.encode();
    let mut wrong =
        vec![vec![], whole[..20].to_vec(), late, header(WHISPER, FAR, &[])[..5].to_vec()];
    wrong.extend([3, JOIN, LEAVE].map(|id| header(id, FAR, &[])));
    for good in &target.good {
        for message in &wrong {
            let mut dealer = dealer(&target, from, good.id).await?;
            dealer.send(&[message, b"forged"]).await;
            dealer.closed(Duration::from_millis(20)).await;
        }
    }
    Done::said(format!("{} of each", wrong.len()))
}

async fn messages(target: Arc<Target>, from: Ipv4Addr) -> Result<Done, String> {
    let messages = [
        header(WHISPER, FAR, &[]),
        membership(JOIN, FAR, b"forged", 77),
        membership(LEAVE, FAR, b"good", 2),
        header(PING, FAR, &[]),
        header(PING_OK, FAR, &[]),
        header(GOODBYE, FAR, &[]),
        header(WHISPER, 0, &[]),
        header(WHISPER, 1, &[]),
    ];
    for good in &target.good {
        for message in &messages {
            let mut dealer = dealer(&target, from, good.id).await?;
            dealer.send(&[message, b"forged"]).await;
            dealer.closed(Duration::from_millis(20)).await;
        }
    }
    linger(Duration::from_millis(500)).await;
    Done::said(format!("{} of each", messages.len()))
}

/// An attacker that listens on the network knows the next number, or nearly.
async fn sniffed(target: Arc<Target>, from: Ipv4Addr) -> Result<Done, String> {
    let Some(good) = target.good.first() else { return Err("there is no good peer".into()) };
    let end = Instant::now() + Duration::from_secs(3);
    let mut tries = 0;
    let mut kept = 0;
    while Instant::now() < end {
        for ahead in 0..8 {
            let Ok(mut dealer) = dealer(&target, from, good.id).await else { continue };
            // HELLO was 1; PINGs and answers to them count as well, and nobody counts them here.
            let next = good.said.load(Ordering::Relaxed) + 2 + ahead;
            let message = header(WHISPER, next as u16, &[]);
            dealer.send(&[&message, b"forged"]).await;
            tries += 1;
            kept += usize::from(!dealer.closed(Duration::from_millis(5)).await);
        }
    }
    linger(Duration::from_millis(500)).await;
    Done::said(format!("{tries} tries, {kept} not closed at once"))
}

async fn usurper(target: Arc<Target>, from: Ipv4Addr) -> Result<Done, String> {
    let mut open = Vec::new();
    for good in &target.good {
        let mut dealer = dealer(&target, from, target.stranger()).await?;
        dealer.send(&[&at(good.mailbox).encode()]).await;
        open.push(dealer);
    }
    linger(PROOF).await;
    Done::holding(format!("{} sent", open.len()), open)
}

async fn as_victim(target: Arc<Target>, from: Ipv4Addr) -> Result<Done, String> {
    let mut open = Vec::new();
    for good in &target.good {
        for message in [at(target.mailbox).encode(), header(GOODBYE, FAR, &[])] {
            let route = Route { to: good.mailbox, ..target.route(from) };
            let dealer = route.greet(&target.id.routing_id()).await;
            let mut dealer = dealer.map_err(|error| format!("no connection: {error}"))?;
            dealer.send(&[&message]).await;
            open.push(dealer);
        }
    }
    linger(PROOF).await;
    Done::holding(format!("{} sent", open.len()), open)
}
