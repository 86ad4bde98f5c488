//! The mark of a send queue: room below it, and those who wait for room.

#![cfg(feature = "net")]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "helpers of tests")]

mod common;

use std::time::{Duration, Instant};

use bytes::Bytes;
use tokio::io::AsyncReadExt;
use tokio::net::TcpStream;
use tokio::task::{JoinHandle, spawn_blocking};
use tokio::time::{advance, pause, resume};
use zmtp::net::{PushError, SendQueue, SendQueueLimits, Traffic};

use common::{DEADLINE, remote, soon, until};

/// Bytes of a message with `body` on the wire.
const SIZE: usize = 9 + 50_000;

fn body() -> Bytes {
    vec![7; 50_000].into()
}

fn limits() -> SendQueueLimits {
    SendQueueLimits {
        messages: 40,
        mark_messages: 20,
        bytes: usize::MAX,
        mark_bytes: 20 * (SIZE + 1),
    }
}

/// A remote that reads nothing, and a queue to it that is filled up to the mark. Also how many
/// messages that took.
async fn filled() -> (TcpStream, SendQueue, usize) {
    let (stream, accepted) = remote(limits()).await;
    let queue = accepted.queue;
    let mut taken = 0;
    while queue.has_room(SIZE) {
        queue.push(&body(), &[]).unwrap();
        taken += 1;
        assert!(taken < 100_000, "the kernel takes everything");
    }
    (stream, queue, taken)
}

fn run(queue: &SendQueue) -> JoinHandle<()> {
    let queue = queue.clone();
    tokio::spawn(async move { drop(queue.run().await) })
}

/// The remote reads until nothing is queued.
async fn drain(stream: &mut TcpStream, queue: &SendQueue) {
    let mut bytes = vec![0; SIZE];
    let running = run(queue);
    tokio::select! {
        () = soon(queue.drained()) => running.abort(),
        read = async { while stream.read(&mut bytes).await.unwrap() > 0 {} } => panic!("{read:?}"),
    }
}

/// Begins to wait, and is waiting when this returns.
async fn waiting(queue: &SendQueue, bytes: usize) -> JoinHandle<Result<(), PushError>> {
    let task = tokio::spawn({
        let queue = queue.clone();
        async move { queue.ready(bytes).await }
    });
    for _ in 0..10 {
        tokio::task::yield_now().await;
        assert!(!task.is_finished());
    }
    task
}

async fn read(stream: &mut TcpStream, messages: usize) {
    soon(stream.read_exact(&mut vec![0; messages * SIZE])).await.unwrap();
}

#[tokio::test]
async fn what_does_not_fit_below_the_mark_is_taken_up_to_the_limit() {
    let (mut stream, queue, _) = filled().await;
    assert_eq!(queue.queued().0, 20);
    assert_eq!(queue.room().0, 0);
    assert_eq!(queue.above_mark_since(), None, "it is reached");
    (20..40).for_each(|_| queue.push(&body(), &[]).unwrap());
    assert_eq!(queue.push(&body(), &[]), Err(PushError::Full));
    assert!(!queue.has_room(2));
    assert_eq!(queue.room(), (0, 0));
    // Nothing runs: whoever asks for room makes it.
    let mut bytes = vec![0; SIZE];
    until("room", || {
        // Whether there is something to read or not.
        let _ = stream.try_read(&mut bytes);
        queue.has_room(SIZE)
    })
    .await;
    let (messages, room) = queue.room();
    assert!(messages > 0 && room >= SIZE, "{messages}, {room}");
    drain(&mut stream, &queue).await;
    assert_eq!(queue.room(), (20, 20 * (SIZE + 1)));
}

#[tokio::test]
async fn bytes_have_a_mark_too_and_a_larger_message_wants_an_empty_queue() {
    let (_stream, accepted) = remote(SendQueueLimits { mark_bytes: 100, ..limits() }).await;
    let queue = accepted.queue;
    assert!(queue.has_room(509), "nothing is queued");
    queue.stage(&[0; 58], &[]).unwrap();
    assert_eq!(queue.room(), (19, 40));
    // The kernel takes it, so there is room for any.
    assert!(queue.has_room(509));
    assert_eq!(queue.room(), (20, 100));
}

#[tokio::test]
async fn the_time_above_the_mark_is_that_since_it_was_last_passed() {
    let (mut stream, queue, taken) = filled().await;
    pause();
    assert_eq!(queue.above_mark_since(), None);
    queue.push(&body(), &[]).unwrap();
    let since = queue.above_mark_since().unwrap();
    advance(Duration::from_secs(3)).await;
    queue.push(&body(), &[]).unwrap();
    assert_eq!(queue.above_mark_since(), Some(since));
    resume();
    let running = run(&queue);
    read(&mut stream, taken + 2).await;
    soon(queue.drained()).await;
    assert_eq!(queue.above_mark_since(), None);
    running.abort();
    while queue.queued().0 <= 20 {
        queue.push(&body(), &[]).unwrap();
    }
    assert!(queue.above_mark_since().unwrap() >= since + Duration::from_secs(3), "anew");
    queue.close();
    assert_eq!(queue.above_mark_since(), None, "nothing is queued");
}

#[tokio::test]
async fn a_task_waits_until_its_message_fits() {
    let (mut stream, queue, taken) = filled().await;
    let running = run(&queue);
    // As many bytes as there may be below the mark, one message, one that is larger than all.
    let all = waiting(&queue, 20 * SIZE).await;
    let one = waiting(&queue, SIZE).await;
    let large = waiting(&queue, usize::MAX).await;
    read(&mut stream, taken - 5).await;
    soon(one).await.unwrap().unwrap();
    read(&mut stream, 5).await;
    soon(all).await.unwrap().unwrap();
    soon(large).await.unwrap().unwrap();
    assert_eq!(queue.queued(), (0, 0));
    soon(queue.ready(usize::MAX)).await.unwrap();
    running.abort();
}

#[tokio::test]
async fn one_that_is_larger_than_the_mark_waits_for_the_last_byte_of_all_others() {
    let (mut stream, queue, taken) = filled().await;
    let running = run(&queue);
    let large = waiting(&queue, 21 * SIZE).await;
    let one = waiting(&queue, SIZE).await;
    // What it waits for is in nobody's way but its own.
    while !one.is_finished() {
        read(&mut stream, 1).await;
        tokio::task::yield_now().await;
    }
    assert!(!large.is_finished() || queue.queued().0 == 0);
    large.abort();
    let rest = async { soon(stream.read_to_end(&mut Vec::new())).await.unwrap() % SIZE };
    let done = async {
        soon(queue.ready(21 * SIZE)).await.unwrap();
        assert_eq!(queue.queued().0, 0);
        queue.close();
    };
    assert_eq!(tokio::join!(rest, done).0, 0, "all of {taken} messages");
    soon(running).await.unwrap();
}

#[tokio::test]
async fn who_waits_for_room_hears_of_the_end() {
    let (stream, queue, _) = filled().await;
    let task = waiting(&queue, 1).await;
    let thread = spawn_blocking({
        let queue = queue.clone();
        move || queue.ready_until(1, Instant::now() + DEADLINE)
    });
    queue.close();
    assert_eq!(soon(task).await.unwrap(), Err(PushError::Closed));
    assert_eq!(soon(thread).await.unwrap(), Err(PushError::Closed));
    assert_eq!(soon(queue.ready(1)).await, Err(PushError::Closed));
    assert_eq!(queue.ready_until(1, Instant::now()), Err(PushError::Closed));
    assert_eq!(queue.room(), (0, 0));
    assert!(queue.has_room(2), "the push tells");
    drop(stream);
}

#[tokio::test]
async fn a_connection_that_breaks_wakes_those_who_wait() {
    let (stream, queue, _) = filled().await;
    let running = run(&queue);
    let task = waiting(&queue, 1).await;
    // It has not read what it has got: that resets the connection.
    drop(stream);
    assert_eq!(soon(task).await.unwrap(), Err(PushError::Closed));
    soon(running).await.unwrap();
}

#[tokio::test]
async fn one_who_asks_for_room_finds_that_the_connection_is_broken() {
    let (stream, queue, _) = filled().await;
    // Nothing runs, so nobody else does.
    drop(stream);
    let broken = || queue.ready_until(SIZE, Instant::now()) == Err(PushError::Closed);
    until("it is broken", broken).await;
    assert!(queue.is_closed());
    assert!(queue.has_room(SIZE), "the push tells");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_thread_waits_for_room_but_not_for_longer_than_it_wants() {
    let (mut stream, queue, taken) = filled().await;
    let began = Instant::now();
    let short = Duration::from_millis(20);
    assert_eq!(queue.ready_until(SIZE, began + short), Ok(false));
    assert!(began.elapsed() >= short);
    let running = run(&queue);
    let thread = spawn_blocking({
        let queue = queue.clone();
        move || queue.ready_until(SIZE, Instant::now() + DEADLINE)
    });
    read(&mut stream, taken).await;
    assert_eq!(soon(thread).await.unwrap(), Ok(true));
    assert_eq!(queue.ready_until(SIZE, Instant::now()), Ok(true), "at once");
    running.abort();
}

/// Senders that ask before each message, and a remote that takes its time: nothing is refused,
/// and nobody sleeps on while there is room.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn senders_that_wait_for_room_are_never_refused_and_never_forgotten() {
    const EACH: usize = 3000;
    let limits = SendQueueLimits {
        messages: 5,
        mark_messages: 3,
        bytes: usize::MAX,
        ..SendQueueLimits::default()
    };
    let (mut stream, accepted) = remote(limits).await;
    let queue = accepted.queue;
    let running = run(&queue);
    let thread = spawn_blocking({
        let queue = queue.clone();
        move || {
            for _ in 0..EACH {
                assert_eq!(queue.ready_until(20_009, Instant::now() + DEADLINE), Ok(true));
                queue.push(&[1; 20_000], &[]).unwrap();
            }
        }
    });
    let task = tokio::spawn({
        let queue = queue.clone();
        async move {
            for _ in 0..EACH {
                queue.ready(20_009).await.unwrap();
                queue.push(&[2; 20_000], &[]).unwrap();
            }
        }
    });
    soon(stream.read_exact(&mut vec![0; 2 * EACH * 20_009])).await.unwrap();
    soon(thread).await.unwrap();
    soon(task).await.unwrap();
    soon(queue.drained()).await;
    running.abort();
}

#[tokio::test]
async fn both_directions_are_counted() {
    use tokio::io::AsyncWriteExt;
    let (mut stream, accepted) = remote(limits()).await;
    let (mut reader, queue) = (accepted.reader, accepted.queue);
    assert_eq!((queue.traffic().received, queue.traffic().taken), (0, 0));
    queue.push(b"12345", &[]).unwrap();
    assert_eq!(queue.traffic().taken, 0, "it is queued");
    assert!(queue.flush().unwrap());
    assert_eq!(queue.traffic().taken, 7);
    stream.write_all(&[0, 5, 1, 2]).await.unwrap();
    assert!(soon(reader.fill()).await.unwrap());
    assert!(reader.next().unwrap().is_none(), "half a message");
    assert_eq!((queue.traffic().received, queue.traffic().taken), (4, 7));
    queue.close();
    assert_eq!((queue.traffic().received, queue.traffic().taken), (4, 7), "when it is over, too");
}

#[tokio::test]
async fn what_the_kernel_takes_after_it_was_full_is_counted_by_itself() {
    let (mut stream, accepted) = remote(SendQueueLimits::default()).await;
    let queue = accepted.queue;
    for _ in 0..10 {
        queue.push(b"12345", &[]).unwrap();
        assert!(queue.flush().unwrap());
    }
    assert_eq!((queue.traffic().taken, queue.traffic().resumed), (70, 0), "nobody reads");
    while queue.flush().unwrap() {
        queue.stage(&body(), &[]).unwrap();
    }
    assert!(!queue.flush().unwrap());
    assert_eq!(queue.traffic().resumed, 0, "it is full");
    let full = queue.traffic().taken;
    drain(&mut stream, &queue).await;
    let Traffic { taken, resumed, .. } = queue.traffic();
    assert!(resumed > 0 && resumed <= taken - full, "{resumed} of {taken} after {full}");
}
