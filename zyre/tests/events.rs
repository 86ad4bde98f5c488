//! The event stream, and how it ends.

#![cfg(test)]

mod common;

use std::future::poll_fn;
use std::pin::Pin;
use std::time::{Duration, Instant};

use common::{DEADLINE, Member, free_port, on, pair, soon, until};
use futures_core::Stream;
use testkit::thread::blocked;
use tokio::sync::oneshot;
use zyre::{ActionError, Content, Event, Events, ExitReason, TryRecvError};

fn content(event: Option<Event>) -> Content {
    match event {
        Some(Event::Whisper { content, .. }) => content,
        other => panic!("no WHISPER: {other:?}"),
    }
}

async fn next(events: &mut Events) -> Option<Event> {
    soon(poll_fn(|context| Pin::new(&mut *events).poll_next(context))).await
}

#[tokio::test]
async fn every_way_of_receiving_gives_the_next_event() {
    let (a, mut b) = pair().await;
    let send = |n: u8| a.node.whisper(b.node.id(), vec![n]).unwrap();
    send(1);
    assert_eq!(content(soon(b.events.recv()).await).first(), [1]);
    send(2);
    assert_eq!(content(next(&mut b.events).await).first(), [2]);
    send(3);
    let received = b.node.clone();
    until("arrival", || received.stats().protocol.received == 4).await;
    assert_eq!(content(b.events.try_recv().ok()).first(), [3]);
    assert_eq!(b.events.try_recv(), Err(TryRecvError::Empty));

    // Threads that wait before anything is there.
    let mut events = b.events;
    let waiting = blocked(move || (events.blocking_recv(), events));
    a.node.whisper(received.id(), vec![4]).unwrap();
    let (event, mut events) = joined(waiting).await;
    assert_eq!(content(event).first(), [4]);
    let waiting = blocked(move || (events.recv_timeout(DEADLINE), events));
    a.node.whisper(received.id(), vec![5]).unwrap();
    let (event, mut events) = joined(waiting).await;
    assert_eq!(content(event.ok()).first(), [5]);
    let waiting = std::thread::spawn(move || {
        let start = Instant::now();
        let none = events.recv_timeout(Duration::from_millis(50));
        (none, start.elapsed(), events)
    });
    let (none, waited, mut events) = joined(waiting).await;
    assert_eq!(none, Err(TryRecvError::Empty));
    assert!(waited >= Duration::from_millis(50), "only {waited:?}");

    // Many at once, received in turns: still one by one and in order.
    for n in 6..12 {
        a.node.whisper(received.id(), vec![n]).unwrap();
    }
    until("arrival", || received.stats().protocol.received == 12).await;
    for n in [6, 8, 10] {
        assert_eq!(content(events.try_recv().ok()).first(), [n]);
        assert_eq!(content(next(&mut events).await).first(), [n + 1]);
    }
}

async fn joined<T: Send + 'static>(thread: std::thread::JoinHandle<T>) -> T {
    soon(tokio::task::spawn_blocking(|| thread.join())).await.unwrap().unwrap()
}

#[tokio::test]
async fn a_recv_that_is_given_up_loses_nothing() {
    let (a, mut b) = pair().await;
    for n in 0..50_u8 {
        let given_up = tokio::time::timeout(Duration::from_micros(50), b.events.recv()).await;
        assert!(given_up.is_err(), "nothing was sent");
        a.node.whisper(b.id(), vec![n]).unwrap();
        assert_eq!(b.whisper(a.id()).await.first(), [n]);
    }
}

#[tokio::test]
async fn stop_ends_the_stream_with_stop_and_then_none() {
    let (a, mut b) = pair().await;
    a.node.whisper(b.id(), "last").unwrap();
    until("arrival", || b.node.stats().protocol.received == 2).await;
    soon(b.node.stop()).await;
    assert_eq!(content(b.events.recv().await).to_text(), "last");
    assert_eq!(b.events.recv().await, Some(Event::Stop));
    for _ in 0..2 {
        assert_eq!(b.events.recv().await, None);
        assert_eq!(next(&mut b.events).await, None);
        assert_eq!(b.events.try_recv(), Err(TryRecvError::Stopped));
        // A plain thread may block.
        std::thread::scope(|scope| {
            scope.spawn(|| {
                let received = b.events.recv_timeout(Duration::from_secs(9));
                assert_eq!(received, Err(TryRecvError::Stopped));
                assert_eq!(b.events.blocking_recv(), None);
            });
        });
    }
}

#[tokio::test]
async fn stop_wakes_those_who_wait_for_events() {
    let Member { node, mut events } = Member::start(on(free_port())).await;
    let (sender, waits) = oneshot::channel();
    let task = tokio::spawn(async move {
        let mut sender = Some(sender);
        let first = poll_fn(|context| {
            let poll = events.poll_recv(context);
            if poll.is_pending() {
                sender.take().map(|sender| sender.send(()));
            }
            poll
        });
        (first.await, events.recv().await)
    });
    soon(waits).await.unwrap();
    let Member { node: other, mut events } = Member::start(on(free_port())).await;
    let thread = blocked(move || (events.blocking_recv(), events.blocking_recv()));
    soon(async { tokio::join!(node.stop(), other.stop()) }).await;
    assert_eq!(soon(task).await.unwrap(), (Some(Event::Stop), None));
    assert_eq!(joined(thread).await, (Some(Event::Stop), None));
}

#[tokio::test]
async fn stop_may_be_called_twice_and_from_two_handles() {
    let (a, mut b) = pair().await;
    let handle = a.node.clone();
    soon(async { tokio::join!(a.node.stop(), handle.stop()) }).await;
    soon(a.node.stop()).await;
    assert_eq!(b.exit(a.id()).await, ExitReason::Goodbye);
    let mut events = a.events;
    assert_eq!((events.recv().await, events.recv().await), (Some(Event::Stop), None));
}

#[tokio::test]
async fn a_stop_that_is_given_up_is_finished_by_the_next_one() {
    let (a, mut b) = pair().await;
    let given_up = tokio::time::timeout(Duration::from_millis(1), a.node.stop()).await;
    assert!(given_up.is_err(), "stopping takes longer than this");
    soon(a.node.stop()).await;
    assert_eq!(b.exit(a.id()).await, ExitReason::Goodbye);
}

#[tokio::test]
async fn an_abort_looks_like_a_crash() {
    let (a, mut b) = pair().await;
    let handle = a.node.clone();
    a.node.abort();
    handle.abort();
    assert_eq!(b.exit(a.id()).await, ExitReason::LinkLost);
    soon(handle.stop()).await;
    assert_eq!(handle.whisper(b.id(), "x"), Err(ActionError::Stopped));
    let mut events = a.events;
    assert_eq!((soon(events.recv()).await, soon(events.recv()).await), (Some(Event::Stop), None));
    drop((a.node, handle));
    assert_eq!(b.rest(), [], "no goodbye");
}

#[tokio::test]
async fn calls_after_stop_are_refused_with_stopped() {
    let (a, b) = pair().await;
    let (id, endpoint) = (b.id(), b.node.endpoint());
    soon(a.node.stop()).await;
    let node = &a.node;
    let refused = [
        node.join("g"),
        node.leave("g"),
        node.whisper(id, "x"),
        node.shout("g", "x"),
        node.set_header("X-A", "1"),
        node.require_peer(id, endpoint),
    ];
    assert_eq!(refused, [const { Err(ActionError::Stopped) }; 6]);
    assert!(node.own_groups().is_empty(), "nothing has changed");
}

#[tokio::test]
async fn dropping_the_last_handle_stops_the_node_also_from_a_plain_thread() {
    for from_thread in [false, true] {
        let (a, mut b) = pair().await;
        let (id, clone) = (a.id(), a.node.clone());
        a.node.whisper(b.id(), "dropping").unwrap();
        drop(a.node);
        clone.whisper(b.id(), "one is left").unwrap();
        assert_eq!(b.whisper(id).await.to_text(), "dropping");
        assert_eq!(b.whisper(id).await.to_text(), "one is left");
        let start = Instant::now();
        if from_thread {
            joined(std::thread::spawn(|| drop(clone))).await;
        } else {
            drop(clone);
        }
        let reason = b.exit(id).await;
        assert!(start.elapsed() < Duration::from_millis(500), "{:?}", start.elapsed());
        assert_eq!(reason, ExitReason::Goodbye);
        let mut events = a.events;
        assert_eq!((events.recv().await, events.recv().await), (Some(Event::Stop), None));
    }
}

#[tokio::test]
async fn dropping_events_leaves_the_node_sending() {
    let (a, mut b) = pair().await;
    let Member { node, events } = a;
    drop(events);
    // More than its queue would hold, were there one.
    for n in 0..12_000_u32 {
        b.node.whisper(node.id(), "into the void").unwrap();
        if n % 500 == 0 {
            let received = u64::from(n);
            until("arrival", || node.stats().protocol.received > received).await;
        }
    }
    for n in 0..100_u8 {
        node.whisper(b.id(), vec![n]).unwrap();
        assert_eq!(b.whisper(node.id()).await.first(), [n]);
    }
    until("arrival", || node.stats().protocol.received >= 12_001).await;
    soon(node.stop()).await;
    assert_eq!(b.exit(node.id()).await, ExitReason::Goodbye);
}
