//! Too many two-way connections, and too much on them of what is right.

use std::sync::Arc;
use std::time::Duration;

use zre_proto::PeerId;

use super::attack::{Attack, Done};
use super::floods::flood_of;
use super::target::{Target, many};
use super::two_way::on_two_way;
use crate::wire::ghost::Ghost;
use crate::wire::{GOODBYE, PING, PING_OK, WHISPER};

/// The number of connections of a flood.
const CONNECTIONS: usize = 10_000;

/// How long connections are made.
const CONNECTING: Duration = Duration::from_secs(8);

/// Messages of a flood.
const MESSAGES: usize = 200_000;

pub(super) const ATTACKS: &[Attack] = &[
    Attack::new("two-way-connections-one", "10,000 of one that should speak first", |target| {
        Box::pin(on_two_way(target, |target| {
            let id = target.stranger();
            connections(target, move |_| id)
        }))
    }),
    Attack::new("two-way-connections-one-more", "10,000 of one that never answers", |target| {
        Box::pin(on_two_way(target, |target| {
            let id = target.follower();
            connections(target, move |_| id)
        }))
    }),
    Attack::new("two-way-connections-many", "10,000 that should speak first", |target| {
        Box::pin(on_two_way(target, |target| connections(target, Target::stranger)))
    }),
    Attack::new("two-way-connections-many-more", "10,000 that never answer", |target| {
        Box::pin(on_two_way(target, |target| connections(target, Target::follower)))
    }),
    Attack::new("two-way-connections-good", "10,000 in the names of the good peers", |target| {
        Box::pin(on_two_way(target, |target| {
            let ids: Vec<_> = target.good.iter().map(|good| good.id).collect();
            let next = std::sync::atomic::AtomicUsize::new(0);
            connections(target, move |_| {
                let number = next.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
                ids[number % ids.len()]
            })
        }))
    }),
    Attack::new("two-way-reuse", "two ids come and go, 500 times", |target| {
        Box::pin(on_two_way(target, reuse))
    }),
    Attack::new("two-way-flood-ping-ok", "200,000 PING-OKs that nobody asked for", |target| {
        Box::pin(on_two_way(target, |target| flood(target, true, PING_OK)))
    }),
    Attack::new("two-way-flood-ping-unread", "200,000 PINGs, and no answer is read", |target| {
        Box::pin(on_two_way(target, |target| flood(target, false, PING)))
    }),
    Attack::new("two-way-flood-whisper-unread", "200,000 WHISPERs, nothing is read", |target| {
        Box::pin(on_two_way(target, |target| flood(target, false, WHISPER)))
    }),
    Attack::new("two-way-sybils", "2,200 peers, all of them good, of one attacker", |target| {
        Box::pin(on_two_way(target, sybils))
    })
    .full(),
];

/// Opens connections in these names, and says nothing.
async fn connections(
    target: Arc<Target>,
    name: impl Fn(&Target) -> PeerId + Send,
) -> Result<Done, String> {
    let count = target.affordable(CONNECTIONS);
    let open = many(count, 256, CONNECTING, move |_| {
        let (target, id) = (Arc::clone(&target), name(&target));
        async move { Some(target.two_way(target.here, id).await.ok()?.abrupt()) }
    });
    let open: Vec<_> = open.await.into_iter().flatten().collect();
    if open.is_empty() {
        return Err("no connection to the victim came about".into());
    }
    Done::holding(format!("{} connections", open.len()), open)
}

async fn reuse(target: Arc<Target>) -> Result<Done, String> {
    let ids = target.both();
    let mut met = 0;
    for round in 0..500 {
        let Ok(mut ghost) = target.two_way_ghost(ids[round % 2]).await else { continue };
        met += 1;
        if round % 4 < 2 {
            ghost.send(GOODBYE, &[], &[]).await;
        }
    }
    if met == 0 {
        return Err("the target does not meet a new two-way peer".into());
    }
    Done::said(format!("met {met} times"))
}

async fn flood(target: Arc<Target>, read: bool, id: u8) -> Result<Done, String> {
    let next = match id {
        PING => |_| (PING, Vec::new()),
        PING_OK => |_| (PING_OK, Vec::new()),
        _ => |_| (WHISPER, Vec::new()),
    };
    let ghost = target.two_way_ghost(target.stranger()).await?;
    flood_of(ghost, MESSAGES, read, next).await
}

async fn sybils(target: Arc<Target>) -> Result<Done, String> {
    let count = target.affordable(2200);
    let ghosts = many(count, 32, CONNECTING, move |i| {
        let target = Arc::clone(&target);
        async move {
            let id = target.both()[i % 2];
            Ghost::meet_two_way(target.route(target.here), id).await.ok()
        }
    });
    let ghosts: Vec<_> = ghosts.await.into_iter().flatten().collect();
    Done::holding(format!("{} were met", ghosts.len()), ghosts)
}
