//! Too many connections, too slow ones, and ones that never end what they begin.

use std::sync::Arc;
use std::time::Duration;

use super::attack::{Attack, Done};
use super::target::{Target, linger, many};
use crate::wire::{MORE, command, frame, handshake};

/// The number of connections of a flood.
const CONNECTIONS: usize = 10_000;

/// How long connections are made.
const CONNECTING: Duration = Duration::from_secs(8);

/// A node that there is not.
const STRANGER: zre_proto::PeerId = zre_proto::PeerId::new([0xEE; 16]);

pub(super) const ATTACKS: &[Attack] = &[
    Attack::new("handshake-unended", "200 handshakes that stop, each somewhere else", |target| {
        Box::pin(unended(target))
    }),
    Attack::new("byte-a-second", "300 connections that send one byte a second", |target| {
        Box::pin(slow(target))
    }),
    Attack::new("connections-silent", "10,000 connections that say nothing", |target| {
        Box::pin(silent(target))
    }),
    Attack::new("connections-greeted", "10,000 connections that never say HELLO", |target| {
        Box::pin(greeted(target))
    }),
    Attack::new("connections-reset", "10,000 connections that are reset at once", |target| {
        Box::pin(reset(target))
    }),
    Attack::new("frames-tiny", "a million tiny frames of messages that never end", |target| {
        Box::pin(tiny(target, MORE, b"x"))
    }),
    Attack::new("messages-tiny", "a million messages of one byte", |target| {
        Box::pin(tiny(target, 0, b"x"))
    }),
    Attack::new(
        "messages-foreign",
        "a million messages of seven bytes that are not ZRE",
        |target| Box::pin(tiny(target, 0, b"foreign")),
    ),
    Attack::new("zmtp-pings", "200,000 PINGs of ZMTP, whose PONGs nobody reads", |target| {
        Box::pin(pings(target))
    }),
];

async fn unended(target: Arc<Target>) -> Result<Done, String> {
    let whole = handshake(STRANGER);
    let mut open = Vec::new();
    for i in 0..200 {
        let dealer = target.route(target.here).connect().await;
        let mut dealer = dealer.map_err(|error| format!("no connection: {error}"))?;
        dealer.write(&whole[..i % whole.len()]).await;
        open.push(dealer);
    }
    linger(Duration::from_secs(1)).await;
    Done::holding("", open)
}

async fn slow(target: Arc<Target>) -> Result<Done, String> {
    let whole = handshake(STRANGER);
    let mut open = Vec::new();
    for _ in 0..300 {
        let dealer = target.route(target.here).connect().await;
        open.push(dealer.map_err(|error| format!("no connection: {error}"))?);
    }
    let mut taken = 0;
    for byte in whole.iter().take(6) {
        for dealer in &mut open {
            taken += usize::from(dealer.write(&[*byte]).await);
        }
        // The pace that the attack is named after.
        tokio::time::sleep(Duration::from_secs(1)).await;
    }
    Done::holding(format!("{taken} bytes were taken"), open)
}

async fn silent(target: Arc<Target>) -> Result<Done, String> {
    let count = target.affordable(CONNECTIONS);
    let open = many(count, 256, CONNECTING, move |_| {
        let target = Arc::clone(&target);
        async move {
            let dealer = target.route(target.here).connect().await.ok()?;
            Some(dealer.abrupt().taken().await)
        }
    });
    let open: Vec<_> = open.await.into_iter().flatten().collect();
    Done::holding(format!("{} connections", open.len()), open)
}

async fn greeted(target: Arc<Target>) -> Result<Done, String> {
    let count = target.affordable(CONNECTIONS);
    let open = many(count, 256, CONNECTING, move |_| {
        let target = Arc::clone(&target);
        async move { Some(target.dealer().await.ok()?.abrupt()) }
    });
    let open: Vec<_> = open.await.into_iter().flatten().collect();
    Done::holding(format!("{} connections", open.len()), open)
}

async fn reset(target: Arc<Target>) -> Result<Done, String> {
    let reset = many(CONNECTIONS, 64, CONNECTING, move |i| {
        let target = Arc::clone(&target);
        async move {
            let dealer = target.route(target.here).connect().await;
            let Ok(mut dealer) = dealer.map(|dealer| dealer.abrupt()) else { return false };
            // Some say something before they go.
            if i % 2 == 1 && !dealer.write(&handshake(STRANGER)).await {
                return false;
            }
            if i % 4 > 1 {
                dealer.taken().await;
            }
            true
        }
    });
    let reset = reset.await.into_iter().filter(|done| *done).count();
    Done::said(format!("{reset} connections"))
}

async fn tiny(target: Arc<Target>, flags: u8, body: &[u8]) -> Result<Done, String> {
    /// Frames on one connection, and connections.
    const EACH: usize = 10_000;
    const TIMES: usize = 100;
    let bytes = Arc::new(frame(flags, body).repeat(EACH));
    let taken = many(TIMES, 4, CONNECTING, move |_| {
        let (target, bytes) = (Arc::clone(&target), Arc::clone(&bytes));
        async move {
            let Ok(mut dealer) = target.dealer().await else { return false };
            dealer.write(&bytes).await && !dealer.closed(Duration::from_millis(20)).await
        }
    });
    let taken = taken.await;
    let open = taken.iter().filter(|open| **open).count();
    Done::said(format!("{} frames, {open} of {} stay open", taken.len() * EACH, taken.len()))
}

async fn pings(target: Arc<Target>) -> Result<Done, String> {
    /// PINGs in one write, and writes.
    const EACH: usize = 1000;
    const TIMES: usize = 200;
    let dealer = target.dealer().await;
    let mut dealer = dealer.map_err(|error| format!("no connection: {error}"))?;
    let pings = command("PING", &[&[0, 10][..], &[7; 16]].concat()).repeat(EACH);
    let mut taken = 0;
    while taken < TIMES && dealer.write(&pings).await {
        taken += 1;
    }
    Done::holding(format!("{} were taken", taken * EACH), dealer)
}
