//! The sending half of a connection whose remote does not read, and is gone.

#![cfg(feature = "net")]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "helpers of tests")]

mod common;

use bytes::Bytes;
use common::{dealer, opening, router, soon};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use zmtp::net::{Listener, ListenerLimits, Outbox, OutboxLimits, PushError};

/// A remote that has opened, and what we would send it.
async fn remote(outbox: OutboxLimits) -> (TcpStream, zmtp::net::Established) {
    let limits = ListenerLimits { outbox, ..ListenerLimits::default() };
    let any = ([127, 0, 0, 1], 0).into();
    let mut listener = Listener::bind(any, router(), limits).await.unwrap();
    let mut stream = TcpStream::connect(listener.local_addr().unwrap()).await.unwrap();
    stream.write_all(&opening(&dealer())).await.unwrap();
    let accepted = soon(listener.accept()).await;
    soon(stream.read_exact(&mut vec![0; opening(&router()).len()])).await.unwrap();
    (stream, accepted)
}

/// Pushes until there is no room; how many were taken.
fn fill(outbox: &Outbox, content: &[Bytes]) -> usize {
    let taken = (0..100_000).take_while(|_| outbox.push(b"head", content).is_ok()).count();
    assert_eq!(outbox.push(b"head", content), Err(PushError::Full));
    taken
}

#[tokio::test]
async fn a_full_queue_to_a_remote_that_is_gone_is_closed_and_not_full() {
    let limits = OutboxLimits { messages: 50, octets: usize::MAX };
    let (stream, accepted) = remote(limits).await;
    let outbox = accepted.outbox;
    let content = [Bytes::from(vec![7; 50_000])];
    assert!(fill(&outbox, &content) >= 50);
    // It has not read what it has got: that resets the connection.
    drop(stream);
    let closed = async {
        loop {
            match outbox.push(b"head", &content) {
                Err(PushError::Closed) => break,
                Err(PushError::Full) => {
                    assert!(!outbox.is_closed(), "the push that sees the end says so");
                    tokio::task::yield_now().await;
                }
                other => panic!("{other:?}"),
            }
        }
    };
    soon(closed).await;
    assert!(outbox.is_closed());
    assert_eq!(outbox.push(b"", &[]), Err(PushError::Closed), "for ever");
    assert!(outbox.flush().is_err());
}

#[tokio::test]
async fn a_queue_of_few_messages_is_emptied_by_who_pushes_and_then_by_its_runner() {
    let (mut stream, accepted) = remote(OutboxLimits { messages: 1, octets: usize::MAX }).await;
    let outbox = accepted.outbox;
    let runner = tokio::spawn({
        let outbox = outbox.clone();
        async move { outbox.run().await }
    });
    let content = [Bytes::from(vec![7; 100_000])];
    // Nothing else runs meanwhile: each goes into the kernel, or stays behind in the queue.
    let taken = fill(&outbox, &content);
    assert!(taken >= 2, "{taken}");
    let (messages, octets) = outbox.queued();
    assert_eq!(format!("{outbox:?}"), format!("Outbox({messages} messages, {octets} octets)"));
    // The headers of a short and of a long frame, and the bodies.
    let mut all = vec![0; taken * (2 + 4 + 9 + 100_000)];
    soon(stream.read_exact(&mut all)).await.unwrap();
    for message in all.chunks(100_015) {
        assert_eq!(message[..6], *b"\x01\x04head");
        assert!(message[15..].iter().all(|octet| *octet == 7));
    }
    soon(outbox.drained()).await;
    outbox.close();
    assert_eq!(soon(runner).await.unwrap().kind(), std::io::ErrorKind::NotConnected);
}

#[tokio::test]
async fn what_is_staged_beyond_what_the_kernel_takes_goes_out_when_the_remote_reads() {
    // Room for one message: each further one first has to write the one before.
    let (mut stream, accepted) = remote(OutboxLimits { messages: 1000, octets: 1000 }).await;
    let outbox = accepted.outbox;
    let runner = tokio::spawn({
        let outbox = outbox.clone();
        async move { outbox.run().await }
    });
    // Until it sleeps.
    for _ in 0..10 {
        tokio::task::yield_now().await;
    }
    let body = Bytes::from(vec![7; 50_000]);
    let staged = (0..100_000).take_while(|_| outbox.stage(&body, &[]).is_ok()).count();
    assert!(staged >= 2, "{staged}");
    assert!(!outbox.flush().unwrap(), "the kernel takes nothing");
    let mut all = vec![0; staged * (9 + 50_000)];
    soon(stream.read_exact(&mut all)).await.unwrap();
    assert!(all.chunks(50_009).all(|frame| frame[0] == 2 && frame[9..] == body));
    soon(outbox.drained()).await;
    runner.abort();
}
