//! Ending a connection so that all that was accepted arrives.

#![cfg(feature = "net")]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "helpers of tests")]

mod common;

use std::io;
use std::time::Duration;

use bytes::Bytes;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::{pause, resume};
use zmtp::net::{PushError, SendQueue, SendQueueLimits};

use common::{remote, soon};

/// Longer than any test waits.
const LONG: Duration = Duration::from_secs(3600);

/// Bytes of a message with `body` on the wire.
const SIZE: usize = 9 + 50_000;

fn body() -> Bytes {
    vec![7; 50_000].into()
}

fn limits() -> SendQueueLimits {
    SendQueueLimits { messages: 50, bytes: usize::MAX, ..SendQueueLimits::default() }
}

/// Pushes until the kernel takes nothing and the queue is full; how many were taken.
fn fill(queue: &SendQueue) -> usize {
    (0..100_000).take_while(|_| queue.push(&body(), &[]).is_ok()).count()
}

async fn all(stream: &mut TcpStream) -> Vec<u8> {
    let mut all = Vec::new();
    soon(stream.read_to_end(&mut all)).await.unwrap();
    all
}

#[tokio::test]
async fn a_finished_queue_accepts_nothing_and_sends_all_it_has_and_the_end() {
    let (mut stream, accepted) = remote(limits()).await;
    let queue = accepted.queue;
    let taken = fill(&queue);
    let waiting = tokio::spawn({
        let queue = queue.clone();
        async move { queue.ready(1).await }
    });
    let thread = tokio::task::spawn_blocking({
        let queue = queue.clone();
        move || queue.ready_until(1, std::time::Instant::now() + common::DEADLINE)
    });
    tokio::task::yield_now().await;
    assert!(!waiting.is_finished());
    queue.finish();
    queue.finish();
    assert_eq!(soon(thread).await.unwrap(), Err(PushError::Closed));
    assert_eq!(soon(waiting).await.unwrap(), Err(PushError::Closed));
    assert_eq!(queue.push(b"late", &[]), Err(PushError::Closed));
    assert_eq!(queue.push_frame(b"late", Bytes::new()), Err(PushError::Closed));
    assert_eq!(queue.room(), (0, 0));
    assert!(!queue.is_closed() && queue.queued().0 > 0, "it is finishing");
    let running = tokio::spawn({
        let queue = queue.clone();
        async move { queue.run().await }
    });
    let (all, ()) = tokio::join!(all(&mut stream), soon(queue.drained()));
    assert_eq!(all.len(), taken * SIZE);
    assert_eq!(soon(running).await.unwrap().kind(), io::ErrorKind::NotConnected);
    assert!(queue.is_closed());
    // The other direction goes on.
    stream.write_all(&common::frame(0, b"still here")).await.unwrap();
    let mut reader = accepted.reader;
    assert!(soon(reader.fill()).await.unwrap());
    assert_eq!(reader.next().unwrap().unwrap().frames(), ["still here"]);
}

#[tokio::test]
async fn a_queue_that_the_kernel_takes_at_once_is_finished_at_once() {
    let (mut stream, accepted) = remote(limits()).await;
    let queue = accepted.queue;
    queue.stage(b"last", &[]).unwrap();
    queue.finish();
    assert!(queue.is_closed());
    assert!(queue.flush().is_err());
    assert_eq!(all(&mut stream).await, common::frame(0, b"last"));

    let (mut stream, accepted) = remote(limits()).await;
    accepted.queue.finish();
    assert!(accepted.queue.is_closed());
    assert!(all(&mut stream).await.is_empty());
    accepted.queue.finish();
}

#[tokio::test]
async fn the_end_is_sent_though_a_runner_waits_for_the_socket() {
    let (mut stream, accepted) = remote(limits()).await;
    let queue = accepted.queue;
    let mut running = Box::pin(queue.run());
    let taken = fill(&queue);
    // It waits until the kernel takes more, and is not asked again.
    let once = std::future::poll_fn(|cx| std::task::Poll::Ready(running.as_mut().poll(cx)));
    assert!(once.await.is_pending());
    queue.finish();
    let reading = async {
        let all = all(&mut stream).await;
        assert_eq!(all.len(), taken * SIZE);
    };
    let flushing = async {
        while queue.flush().is_ok() {
            tokio::task::yield_now().await;
        }
    };
    tokio::join!(reading, soon(flushing));
}

#[tokio::test]
async fn closing_a_queue_that_is_finishing_drops_what_is_left() {
    let (mut stream, accepted) = remote(limits()).await;
    let queue = accepted.queue;
    let taken = fill(&queue);
    queue.finish();
    queue.close();
    soon(queue.drained()).await;
    assert!(all(&mut stream).await.len() < taken * SIZE);
}

#[tokio::test]
async fn a_connection_that_breaks_ends_a_queue_that_is_finishing() {
    let (stream, accepted) = remote(limits()).await;
    let queue = accepted.queue;
    fill(&queue);
    queue.finish();
    // It has not read what it has got: that resets the connection.
    drop(stream);
    let error = soon(queue.run()).await;
    let reset = [io::ErrorKind::BrokenPipe, io::ErrorKind::ConnectionReset];
    assert!(reset.contains(&error.kind()), "{error}");
    soon(queue.drained()).await;
}

/// Both sides send at full speed. One ends, with unread bytes on their way to it.
#[tokio::test]
async fn all_that_was_accepted_arrives_though_the_remote_never_stops_sending() {
    let (stream, accepted) = remote(limits()).await;
    let (mut incoming, mut outgoing) = stream.into_split();
    let flood = tokio::spawn(async move {
        // Ends when we close.
        while outgoing.write_all(&common::frame(2, &[1; 50_000])).await.is_ok() {}
    });
    let (reader, queue) = (accepted.reader, accepted.queue);
    let running = tokio::spawn({
        let queue = queue.clone();
        async move { queue.run().await }
    });
    let taken = fill(&queue);
    queue.finish();
    let ending = async {
        let drained = reader.drain(LONG, LONG);
        tokio::join!(queue.drained(), drained).1
    };
    let reading = async {
        let mut all = Vec::new();
        incoming.read_to_end(&mut all).await.unwrap();
        assert_eq!(all.len(), taken * SIZE);
        // Now it ends too.
        flood.abort();
    };
    let (ended, ()) = soon(async { tokio::join!(ending, reading) }).await;
    assert!(ended);
    assert!(queue.traffic().received > 0);
    soon(running).await.unwrap();
}

#[tokio::test]
async fn draining_ends_with_the_time_and_with_the_connection() {
    for times in [(LONG, Duration::from_secs(1)), (Duration::from_secs(1), LONG)] {
        let (_silent, accepted) = remote(limits()).await;
        pause();
        assert!(!accepted.reader.drain(times.0, times.1).await);
        resume();
    }
    let (stream, accepted) = remote(limits()).await;
    assert!(accepted.queue.push(&body(), &[]).is_ok() && accepted.queue.flush().unwrap());
    soon(stream.readable()).await.unwrap();
    // It has not read what it has got.
    drop(stream);
    assert!(soon(accepted.reader.drain(LONG, LONG)).await, "it is reset");
}
