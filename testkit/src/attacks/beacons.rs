//! Datagrams that are no beacons, beacons that lie, and too many of them.

use std::net::Ipv4Addr;
use std::sync::Arc;
use std::time::Duration;

use zre_proto::PeerId;

use super::attack::{Attack, Done};
use super::target::{Target, linger};
use crate::wire::mailbox::Mailbox;
use crate::wire::{beacon, noise};

/// After this time a beacon's claim is believed, if at all.
const PROOF: Duration = Duration::from_millis(1300);

/// The number of ids that a flood forges.
const IDS: usize = 100_000;

/// Nobody listens there.
const NOBODY: u16 = 9;

pub(super) const ATTACKS: &[Attack] = &[
    Attack::new(
        "beacon-malformed",
        "datagrams of every wrong length and version, and of no sense",
        |target| Box::pin(malformed(target)),
    ),
    Attack::new("beacon-secure", "beacons of version 3, as of a C node with CURVE", |target| {
        Box::pin(secure(target))
    }),
    Attack::new("beacon-own", "the victim's own id and endpoint, and goodbyes for it", |target| {
        Box::pin(own(target))
    }),
    Attack::new("beacon-goodbye", "forged goodbyes of every good peer", |target| {
        Box::pin(goodbye(Arc::clone(&target), target.here))
    }),
    Attack::elsewhere("beacon-goodbye-elsewhere", "the same from another address", |target| {
        Box::pin(goodbye(Arc::clone(&target), target.other()))
    }),
    Attack::new("beacon-moved", "every good peer is said to be where nobody is", |target| {
        Box::pin(moved(Arc::clone(&target), target.here))
    }),
    Attack::elsewhere("beacon-moved-elsewhere", "the same from another address", |target| {
        Box::pin(moved(Arc::clone(&target), target.other()))
    }),
    Attack::new("beacon-usurped", "new nodes are said to be where the good peers are", |target| {
        Box::pin(usurped(target))
    }),
    Attack::new("beacon-reuse", "one id comes, moves and goes a thousand times", |target| {
        Box::pin(reuse(target))
    }),
    Attack::new("beacon-flood-goodbye", "goodbyes of 100,000 nodes that never were", |target| {
        Box::pin(flood(target, 0))
    }),
    Attack::new("beacon-flood", "100,000 nodes where nobody is", |target| {
        Box::pin(flood(target, NOBODY))
    }),
    Attack::elsewhere("beacon-flood-places", "100,000 nodes in many places", |target| {
        Box::pin(places(target))
    }),
    Attack::new(
        "beacon-flood-silent",
        "2,000 nodes, each at a mailbox that says nothing",
        |target| Box::pin(silent(target)),
    ),
    Attack::new(
        "beacon-flood-hanging",
        "600 nodes, each at a mailbox that takes no connection",
        |target| Box::pin(hanging(target)),
    ),
];

/// Returns datagrams that are no beacons.
pub fn malformed_datagrams(id: PeerId) -> Vec<Vec<u8>> {
    let mut all = Vec::new();
    for length in 0..=64 {
        for version in [0, 1, 2, 3, 4, 255] {
            if matches!((version, length), (1, 22) | (3, 54)) {
                continue;
            }
            let mut datagram = beacon(version, id, NOBODY);
            datagram.resize(length, 7);
            all.push(datagram);
        }
        all.extend([vec![0; length], vec![b'Z'; length], noise(length)]);
    }
    for length in [512, 1472, 8192, 65_507] {
        let mut datagram = beacon(1, id, NOBODY);
        datagram.resize(length, b'Z');
        all.push(datagram);
    }
    all
}

async fn malformed(target: Arc<Target>) -> Result<Done, String> {
    let mut beacons = target.beacons(target.here)?;
    let datagrams = malformed_datagrams(target.stranger());
    for datagram in &datagrams {
        beacons.send(datagram).await;
    }
    Done::said(format!("{} datagrams", datagrams.len()))
}

async fn secure(target: Arc<Target>) -> Result<Done, String> {
    let mut beacons = target.beacons(target.here)?;
    for key in [0, 1, 255] {
        for port in [0, NOBODY, target.mailbox.port()] {
            let secure = [beacon(3, target.stranger(), port), vec![key; 32]].concat();
            beacons.send(&secure).await;
        }
    }
    Done::said("9 beacons")
}

async fn own(target: Arc<Target>) -> Result<Done, String> {
    let mut beacons = target.beacons(target.here)?;
    let mailbox = target.mailbox.port();
    for _ in 0..50 {
        for port in [mailbox, NOBODY, 0] {
            beacons.send(&beacon(1, target.id, port)).await;
        }
        let stranger = target.stranger();
        beacons.send(&beacon(1, stranger, mailbox)).await;
        beacons.send(&beacon(1, stranger, 0)).await;
    }
    linger(PROOF).await;
    Done::said("250 beacons")
}

async fn goodbye(target: Arc<Target>, from: Ipv4Addr) -> Result<Done, String> {
    let mut beacons = target.beacons(from)?;
    for round in 0..20 {
        for good in &target.good {
            beacons.send(&beacon(1, good.id, 0)).await;
        }
        // One by one, so that each is asked about by itself, and then all at once.
        if round < 10 {
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }
    linger(PROOF).await;
    Done::said("20 for each")
}

async fn moved(target: Arc<Target>, from: Ipv4Addr) -> Result<Done, String> {
    let mut beacons = target.beacons(from)?;
    // One that listens and says nothing; nobody; and the victim's own mailbox.
    let silent = target.mailbox_at(from)?;
    for port in [silent.address.port(), NOBODY, target.mailbox.port()] {
        for _ in 0..5 {
            for good in &target.good {
                beacons.send(&beacon(1, good.id, port)).await;
            }
        }
    }
    linger(PROOF).await;
    Done::holding("15 for each", silent)
}

async fn usurped(target: Arc<Target>) -> Result<Done, String> {
    let mut beacons = target.beacons(target.here)?;
    for _ in 0..20 {
        for good in &target.good {
            beacons.send(&beacon(1, target.stranger(), good.mailbox.port())).await;
        }
        // Spread over the time in which a peer is asked.
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    linger(PROOF).await;
    Done::said("20 on each endpoint")
}

async fn reuse(target: Arc<Target>) -> Result<Done, String> {
    let mut beacons = target.beacons(target.here)?;
    let id = target.stranger();
    for round in 0..1000_u16 {
        beacons.send(&beacon(1, id, NOBODY)).await;
        beacons.send(&beacon(1, id, 20_000 + round)).await;
        beacons.send(&beacon(1, id, 0)).await;
    }
    Done::said("3,000 beacons")
}

async fn flood(target: Arc<Target>, port: u16) -> Result<Done, String> {
    let mut beacons = target.beacons(target.here)?;
    for _ in 0..IDS {
        beacons.send(&beacon(1, target.stranger(), port)).await;
    }
    Done::said("100,000 beacons")
}

/// The address that a beacon comes from is where its node is. On loopback there are many.
async fn places(target: Arc<Target>) -> Result<Done, String> {
    let loopback = |number: u16| {
        let [block, host] = [(number / 250) as u8, (number % 250) as u8 + 1];
        Ipv4Addr::new(127, 2, block, host)
    };
    let places: Vec<Ipv4Addr> = if target.here.is_loopback() {
        (0..500).map(loopback).collect()
    } else {
        vec![target.here, target.other()]
    };
    let mut sockets = Vec::new();
    for place in &places {
        sockets.push(target.beacons(*place)?);
    }
    for _ in 0..IDS / sockets.len() {
        for (number, beacons) in sockets.iter_mut().enumerate() {
            beacons.send(&beacon(1, target.stranger(), NOBODY)).await;
            if number % 50 == 0 {
                // The pace at which the kernel does not drop most of them.
                tokio::time::sleep(Duration::from_millis(1)).await;
            }
        }
    }
    Done::said(format!("100,000 beacons from {} places", places.len()))
}

async fn silent(target: Arc<Target>) -> Result<Done, String> {
    let mut beacons = target.beacons(target.here)?;
    let mut silent = Vec::new();
    for _ in 0..target.affordable(2000) {
        let mailbox = target.mailbox_at(target.here)?;
        beacons.send(&beacon(1, target.stranger(), mailbox.address.port())).await;
        silent.push(mailbox);
    }
    linger(Duration::from_secs(1)).await;
    Done::holding(format!("{} mailboxes", silent.len()), silent)
}

/// Connecting to a mailbox that takes no connections, and has one that waits for that already, does
/// not fail: it takes as long as the victim has patience.
async fn hanging(target: Arc<Target>) -> Result<Done, String> {
    let mut beacons = target.beacons(target.here)?;
    let mut open = Vec::new();
    for _ in 0..target.affordable(2 * 600) / 2 {
        let hung = Mailbox::open_hung(target.here).await;
        let hung = hung.map_err(|error| format!("no mailbox: {error}"))?;
        beacons.send(&beacon(1, target.stranger(), hung.0.address.port())).await;
        open.push(hung);
    }
    linger(Duration::from_secs(1)).await;
    Done::holding(format!("{} mailboxes", open.len()), open)
}
