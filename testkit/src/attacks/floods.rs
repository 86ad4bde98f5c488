//! Too much of what is right.

use std::sync::Arc;
use std::time::Duration;

use super::attack::{Attack, Done};
use super::target::{GROUP, Target, many};
use crate::wire::ghost::Ghost;
use crate::wire::{
    ELECT, Hello, JOIN, LEADER, LEAVE, PING, PING_OK, SHOUT, WHISPER, message, string,
};

/// How long peers are made.
const MEETING: Duration = Duration::from_secs(10);

/// Messages in one write.
const BATCH: usize = 500;

pub(super) const ATTACKS: &[Attack] = &[
    Attack::new("flood-ping", "200,000 PINGs of one peer", |target| {
        Box::pin(flood(target, 200_000, true, |_| (PING, Vec::new())))
    }),
    Attack::new("flood-ping-unread", "200,000 PINGs, whose answers are not read", |target| {
        Box::pin(flood(target, 200_000, false, |_| (PING, Vec::new())))
    }),
    Attack::new("flood-ping-ok", "200,000 PING-OKs that nobody has asked for", |target| {
        Box::pin(flood(target, 200_000, true, |_| (PING_OK, Vec::new())))
    }),
    Attack::new("flood-join-leave", "200,000 JOINs and LEAVEs of one group", |target| {
        Box::pin(flood(target, 200_000, true, |number| {
            let id = if number.is_multiple_of(2) { JOIN } else { LEAVE };
            (id, [&string(b"flood")[..], &[(number + 2) as u8]].concat())
        }))
    }),
    Attack::new("flood-join", "one peer joins 70,000 groups", |target| {
        Box::pin(flood(target, 70_000, true, |number| {
            (
                JOIN,
                [string(format!("group {number}").as_bytes()), vec![(number + 2) as u8]].concat(),
            )
        }))
    }),
    Attack::new("flood-shout", "200,000 SHOUTs to a group that nobody is in", |target| {
        Box::pin(flood(target, 200_000, true, |_| (SHOUT, string(b"nobody"))))
    }),
    Attack::new("flood-whisper", "200,000 WHISPERs, each of which is answered", |target| {
        Box::pin(flood(target, 200_000, true, |_| (WHISPER, Vec::new())))
    }),
    Attack::new("flood-whisper-unread", "200,000 WHISPERs, and no answer is read", |target| {
        Box::pin(flood(target, 200_000, false, |_| (WHISPER, Vec::new())))
    }),
    Attack::new(
        "flood-election",
        "200,000 ELECTs and LEADERs among members that read none",
        |target| Box::pin(elections(target)),
    ),
    Attack::new("flood-stop-reading", "10 peers that read nothing, and go on", |target| {
        Box::pin(deaf(target))
    }),
    Attack::new("id-reuse", "one id comes, says HELLO and goes, 500 times", |target| {
        Box::pin(reuse(target))
    }),
    Attack::new("id-many", "2,000 ids say HELLO from mailboxes where nobody is", |target| {
        Box::pin(nobodies(target))
    }),
    Attack::new("sybils", "1,100 peers, all of them good, of one attacker", |target| {
        Box::pin(sybils(target))
    })
    .full(),
];

/// A peer sends `count` messages.
async fn flood(
    target: Arc<Target>,
    count: usize,
    read: bool,
    next: fn(usize) -> (u8, Vec<u8>),
) -> Result<Done, String> {
    flood_of(target.settled_ghost().await?, count, read, next).await
}

/// Sends `count` messages, each in its place in the sequence.
pub(super) async fn flood_of(
    mut ghost: Ghost,
    count: usize,
    read: bool,
    next: fn(usize) -> (u8, Vec<u8>),
) -> Result<Done, String> {
    if read {
        ghost.drain();
    }
    let mut sent = 0;
    while sent < count {
        let mut batch = Vec::new();
        for number in sent..sent + BATCH {
            let (id, fields) = next(number);
            let header = ghost.header(id, &fields);
            let content: &[&[u8]] = &[&header, b"content"];
            batch.extend(message(if matches!(id, WHISPER | SHOUT) {
                content
            } else {
                &content[..1]
            }));
        }
        if !ghost.dealer.write(&batch).await {
            break;
        }
        sent += BATCH;
    }
    Done::holding(if sent < count { format!("cut off after {sent}") } else { String::new() }, ghost)
}

/// Members elect: each ELECT has a lower id than those before, and so is passed on to all others.
async fn elections(target: Arc<Target>) -> Result<Done, String> {
    fn challenge(id: u128) -> Vec<u8> {
        let group = string(GROUP.as_bytes());
        [group, string(format!("{id:032X}").as_bytes())].concat()
    }
    let join = |hello: &mut Hello| hello.join(GROUP.as_bytes());
    let mut voters = Vec::new();
    for _ in 0..3 {
        let mut ghost = target.ghost_as(target.stranger(), join).await?;
        ghost.send(ELECT, &challenge(u128::MAX), &[]).await;
        if !ghost.is_heard().await {
            return Err("the target does not answer a new member".into());
        }
        voters.push(ghost);
    }
    let elector = target.ghost_as(target.stranger(), join).await?;
    let mut flood = flood_of(elector, 200_000, false, |number| {
        let id = u128::from(u64::MAX) - number as u128 / 2;
        (if number.is_multiple_of(2) { ELECT } else { LEADER }, challenge(id))
    })
    .await?;
    flood.held.push(Box::new(voters));
    Ok(flood)
}

/// Peers that never read, and are never silent.
async fn deaf(target: Arc<Target>) -> Result<Done, String> {
    let content = vec![7; 64 * 1024];
    let mut ghosts = Vec::new();
    for _ in 0..10 {
        ghosts.push(target.settled_ghost().await?);
    }
    let mut taken = 0;
    for _ in 0..300 {
        for ghost in &mut ghosts {
            taken += usize::from(ghost.send(WHISPER, &[], &[&content]).await);
        }
    }
    Done::holding(format!("{taken} of 3,000 WHISPERs of 64 KiB taken"), ghosts)
}

async fn reuse(target: Arc<Target>) -> Result<Done, String> {
    let id = target.stranger();
    let mut met = 0;
    for round in 0..500 {
        let Ok(mut ghost) = target.ghost_as(id, |_| {}).await else { continue };
        met += 1;
        if round % 2 == 0 {
            ghost.send(crate::wire::GOODBYE, &[], &[]).await;
        }
    }
    if met == 0 {
        return Err("the target does not meet a new peer".into());
    }
    Done::said(format!("met {met} times"))
}

async fn nobodies(target: Arc<Target>) -> Result<Done, String> {
    let open = many(2000, 64, MEETING, move |i| {
        let target = Arc::clone(&target);
        async move {
            let mut dealer = target.dealer().await.ok()?.abrupt();
            // A place of its own for each, or they would drive each other out.
            let hello = Hello::new(&format!("tcp://127.1.{}.{}:9", i / 250, i % 250 + 1));
            dealer.send(&[&hello.encode()]).await.then_some(dealer)
        }
    });
    let open: Vec<_> = open.await.into_iter().flatten().collect();
    Done::holding(format!("{} said HELLO", open.len()), open)
}

async fn sybils(target: Arc<Target>) -> Result<Done, String> {
    let count = target.affordable(3 * 1100) / 3;
    let ghosts = many(count, 32, MEETING, move |_| {
        let target = Arc::clone(&target);
        async move { target.ghost().await.ok() }
    });
    let ghosts: Vec<_> = ghosts.await.into_iter().flatten().collect();
    Done::holding(format!("{} were met", ghosts.len()), ghosts)
}
