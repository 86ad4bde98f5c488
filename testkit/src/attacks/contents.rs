//! What a peer may send, at the edge of it: contents, groups and elections.

use std::sync::Arc;
use std::time::Duration;

use super::attack::{Attack, Done};
use super::target::{GROUP, Target};
use crate::wire::{ELECT, GOODBYE, JOIN, LEADER, LEAVE, SHOUT, WHISPER, string};

pub(super) const ATTACKS: &[Attack] = &[
    Attack::new("content-frames", "WHISPERs of 4,000 frames, and of 5,000", |target| {
        Box::pin(frames(target))
    }),
    Attack::new("content-large", "WHISPERs of 60 MiB, and their echoes unread", |target| {
        Box::pin(large(target))
    }),
    Attack::new("membership", "groups joined twice, left unjoined, or without a name", |target| {
        Box::pin(memberships(target))
    }),
    Attack::new("text-not-utf8", "groups and contents that are not UTF-8", |target| {
        Box::pin(not_utf8(target))
    }),
    Attack::new("election", "ELECT, LEADER and GOODBYE of nobody and everybody", |target| {
        Box::pin(elections(target))
    }),
];

async fn frames(target: Arc<Target>) -> Result<Done, String> {
    let mut said = Vec::new();
    for count in [4000, 5000] {
        let mut ghost = target.ghost().await?;
        ghost.send(WHISPER, &[], &vec![&b"x"[..]; count]).await;
        ghost.drain();
        let heard = !ghost.dealer.closed(Duration::from_millis(300)).await;
        said.push(format!("{count}: {}", if heard { "heard" } else { "closed" }));
    }
    Done::said(said.join(", "))
}

async fn large(target: Arc<Target>) -> Result<Done, String> {
    let content = vec![7; 60 << 20];
    let mut ghost = target.ghost().await?;
    let mut taken = 0;
    for _ in 0..3 {
        taken += usize::from(ghost.send(WHISPER, &[], &[&content]).await);
    }
    Done::holding(format!("{taken} of 3 taken"), ghost)
}

async fn memberships(target: Arc<Target>) -> Result<Done, String> {
    let mut ghost = target.ghost().await?;
    ghost.drain();
    let mut status = 1_u8;
    let long = [b'x'; 255];
    let groups: [&[u8]; 6] = [b"", b"group", b"ghosts", &long, b"\0", b"\x1B[2J\n"];
    for id in [JOIN, JOIN, LEAVE, LEAVE, LEAVE, JOIN] {
        for group in groups {
            status = status.wrapping_add(1);
            ghost.send(id, &[&string(group)[..], &[status]].concat(), &[]).await;
        }
    }
    let heard = !ghost.dealer.closed(Duration::from_millis(300)).await;
    Done::said(if heard { "still heard" } else { "closed" })
}

async fn not_utf8(target: Arc<Target>) -> Result<Done, String> {
    let mut ghost = target.ghost().await?;
    ghost.drain();
    let odd: [&[u8]; 4] = [b"\xFF\xFE", b"cut \xC3", b"\xED\xA0\x80", b"\0\0"];
    let mut status = 1_u8;
    for text in odd {
        status = status.wrapping_add(1);
        ghost.send(JOIN, &[&string(text)[..], &[status]].concat(), &[]).await;
        ghost.send(SHOUT, &string(text), &[text]).await;
        ghost.send(SHOUT, &string(GROUP.as_bytes()), &[text]).await;
        ghost.send(WHISPER, &[], &[text, text]).await;
    }
    let heard = !ghost.dealer.closed(Duration::from_millis(300)).await;
    Done::said(if heard { "still heard" } else { "closed" })
}

async fn elections(target: Arc<Target>) -> Result<Done, String> {
    let ids: [&[u8]; 5] = [&[b'0'; 32], &[b'F'; 32], b"", b"nonsense", &[0xFF; 255]];
    let mut closed = 0;
    for group in [GROUP.as_bytes(), b"ghosts", b""] {
        // Of who is not in the group nothing is heard.
        let mut ghost = target.ghost_as(target.stranger(), |hello| hello.join(group)).await?;
        for id in ids {
            let fields = [string(group), string(id)].concat();
            ghost.send(ELECT, &fields, &[]).await;
            ghost.send(LEADER, &fields, &[]).await;
        }
        ghost.send(GOODBYE, &[], &[]).await;
        ghost.send(WHISPER, &[], &[b"after my goodbye"]).await;
        closed += usize::from(ghost.dealer.closed(Duration::from_millis(300)).await);
    }
    Done::said(format!("{closed} of 3 closed"))
}
