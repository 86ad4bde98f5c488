//! The sending half of a connection whose remote does not read, and is gone.

#![cfg(feature = "net")]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "helpers of tests")]

mod common;

use bytes::Bytes;
use tokio::io::AsyncReadExt;
use zmtp::net::{PushError, SendQueue, SendQueueLimits};

use common::{remote, soon};

/// Pushes until there is no room; how many were taken.
fn fill(queue: &SendQueue, content: &[Bytes]) -> usize {
    let taken = (0..100_000).take_while(|_| queue.push(b"head", content).is_ok()).count();
    assert_eq!(queue.push(b"head", content), Err(PushError::Full));
    taken
}

#[tokio::test]
async fn a_full_queue_to_a_remote_that_is_gone_is_closed_and_not_full() {
    let limits = SendQueueLimits { messages: 50, bytes: usize::MAX, ..Default::default() };
    let (stream, accepted) = remote(limits).await;
    let queue = accepted.queue;
    let content = [Bytes::from(vec![7; 50_000])];
    assert!(fill(&queue, &content) >= 50);
    // It has not read what it has got: that resets the connection.
    drop(stream);
    let closed = async {
        loop {
            match queue.push(b"head", &content) {
                Err(PushError::Closed) => break,
                Err(PushError::Full) => {
                    assert!(!queue.is_closed(), "the push that sees the end says so");
                    tokio::task::yield_now().await;
                }
                other => panic!("{other:?}"),
            }
        }
    };
    soon(closed).await;
    assert!(queue.is_closed());
    assert_eq!(queue.push(b"", &[]), Err(PushError::Closed), "from then on");
    assert!(queue.flush().is_err());
}

#[tokio::test]
async fn closing_drops_what_is_queued_and_wakes_who_waits() {
    let (stream, accepted) =
        remote(SendQueueLimits { messages: 50, bytes: usize::MAX, ..Default::default() }).await;
    let queue = accepted.queue;
    fill(&queue, &[Bytes::from(vec![7; 50_000])]);
    let waiting = tokio::spawn({
        let queue = queue.clone();
        async move { queue.drained().await }
    });
    tokio::task::yield_now().await;
    assert!(!waiting.is_finished());
    queue.close();
    soon(waiting).await.unwrap();
    assert!(queue.is_closed());
    assert_eq!(queue.queued(), (0, 0));
    assert!(queue.flush().is_err());
    drop(stream);
}

#[tokio::test]
async fn a_queue_of_few_messages_is_emptied_by_who_pushes_and_then_by_its_runner() {
    let (mut stream, accepted) =
        remote(SendQueueLimits { messages: 1, bytes: usize::MAX, ..Default::default() }).await;
    let queue = accepted.queue;
    let runner = tokio::spawn({
        let queue = queue.clone();
        async move { queue.run().await }
    });
    let content = [Bytes::from(vec![7; 100_000])];
    // Nothing else runs meanwhile: each goes into the kernel, or stays behind in the queue.
    let taken = fill(&queue, &content);
    assert!(taken >= 2, "{taken}");
    let (messages, bytes) = queue.queued();
    assert_eq!(format!("{queue:?}"), format!("SendQueue({messages} messages, {bytes} bytes)"));
    // The headers of a short and of a long frame, and the bodies.
    let mut all = vec![0; taken * (2 + 4 + 9 + 100_000)];
    soon(stream.read_exact(&mut all)).await.unwrap();
    for message in all.chunks(100_015) {
        assert_eq!(message[..6], *b"\x01\x04head");
        assert!(message[15..].iter().all(|byte| *byte == 7));
    }
    soon(queue.drained()).await;
    queue.close();
    assert_eq!(soon(runner).await.unwrap().kind(), std::io::ErrorKind::NotConnected);
}

#[tokio::test]
async fn what_is_staged_beyond_what_the_kernel_takes_goes_out_when_the_remote_reads() {
    // Room for one message: each further one first has to write the one before.
    let (mut stream, accepted) =
        remote(SendQueueLimits { messages: 1000, bytes: 1000, ..Default::default() }).await;
    let queue = accepted.queue;
    let runner = tokio::spawn({
        let queue = queue.clone();
        async move { queue.run().await }
    });
    // Until it sleeps.
    for _ in 0..10 {
        tokio::task::yield_now().await;
    }
    let body = Bytes::from(vec![7; 50_000]);
    let staged = (0..100_000).take_while(|_| queue.stage(&body, &[]).is_ok()).count();
    assert!(staged >= 2, "{staged}");
    assert!(!queue.flush().unwrap(), "the kernel takes nothing");
    let mut all = vec![0; staged * (9 + 50_000)];
    soon(stream.read_exact(&mut all)).await.unwrap();
    assert!(all.chunks(50_009).all(|frame| frame[0] == 2 && frame[9..] == body));
    soon(queue.drained()).await;
    runner.abort();
}
