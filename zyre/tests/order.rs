//! Every message once and in order, to the last one.

#![cfg(test)]

mod common;

use common::{Member, free_port, on, pair_of, soon};
use zyre::{Event, ExitReason, Limits, PeerId};

/// Receives numbers from 0 on; nothing may come between.
async fn numbers(member: &mut Member, from: PeerId, count: u32) {
    for expected in 0..count {
        let content = member.whisper(from).await;
        assert_eq!(content.first(), expected.to_be_bytes());
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn twenty_thousand_whispers_each_way_at_once_come_in_order_without_gap() {
    const COUNT: u32 = 20_000;
    let port = free_port();
    let limits =
        Limits { link_messages: 2 * COUNT as usize, link_bytes: 1 << 30, ..Limits::default() };
    let (mut a, mut b) = pair_of(on(port).limits(limits.clone()), on(port).limits(limits)).await;
    let (a_id, b_id) = (a.id(), b.id());
    let send = |from: &Member, to: PeerId| {
        let node = from.node.clone();
        tokio::spawn(async move {
            for n in 0..COUNT {
                node.whisper(to, n.to_be_bytes().to_vec()).unwrap();
                if n % 64 == 0 {
                    tokio::task::yield_now().await;
                }
            }
        })
    };
    let (one, other) = (send(&a, b_id), send(&b, a_id));
    tokio::join!(numbers(&mut a, b_id, COUNT), numbers(&mut b, a_id, COUNT));
    assert!(soon(one).await.is_ok() && soon(other).await.is_ok());
    assert_eq!((a.rest(), b.rest()), (vec![], vec![]));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_last_words_of_a_node_that_stops_at_once_all_arrive_before_its_goodbye() {
    const COUNT: u32 = 500;
    // More than the kernel takes at once, less than a link may have waiting.
    const BYTES: usize = 24 << 10;
    let port = free_port();
    let mut listener = Member::start(on(port)).await;
    for round in 0..10 {
        let mut speaker = Member::start(on(port)).await;
        speaker.enter(listener.id()).await;
        let id = speaker.id();
        for n in 0..COUNT {
            let more = vec![0; BYTES];
            speaker.node.whisper(listener.id(), [n.to_be_bytes().to_vec(), more]).unwrap();
        }
        soon(speaker.node.stop()).await;
        numbers(&mut listener, id, COUNT).await;
        match listener.next().await {
            Event::Exit { peer, reason, .. } if peer == id => {
                assert_eq!(reason, ExitReason::Goodbye);
            }
            other => panic!("round {round}: {other:?}"),
        }
    }
}
