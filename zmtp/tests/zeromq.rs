//! The `zeromq` crate as an independent peer, in both directions.

#![cfg(feature = "net")]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "helpers of tests")]

mod common;

use bytes::Bytes;
use zeromq::util::PeerIdentity;
use zeromq::{Socket, SocketOptions, SocketRecv, SocketSend, ZmqMessage};
use zmtp::net::{self, Established, Listener, ListenerLimits, Reader, SendQueueLimits};
use zmtp::{Message, SocketType};

use common::{dealer, router, soon};

fn shapes() -> Vec<Vec<Bytes>> {
    vec![
        vec!["alone".into()],
        vec!["head".into(), Bytes::new(), "end".into()],
        vec![Bytes::new()],
        vec![vec![1; 255].into(), vec![2; 256].into()],
        vec!["large".into(), vec![3; 3 << 20].into()],
        (0..100u8).map(|i| vec![i; usize::from(i)].into()).collect(),
    ]
}

async fn receive(reader: &mut Reader) -> Message {
    soon(async {
        loop {
            if let Some(message) = reader.next().unwrap() {
                return message;
            }
            assert!(reader.fill().await.unwrap(), "closed");
        }
    })
    .await
}

#[tokio::test]
async fn its_dealer_sends_to_our_listener_and_hears_from_us() {
    let mut listener =
        Listener::bind(([127, 0, 0, 1], 0).into(), router(), ListenerLimits::default())
            .await
            .unwrap();
    let address = format!("tcp://{}", listener.local_addr().unwrap());
    let mut options = SocketOptions::default();
    options.peer_identity(PeerIdentity::try_from(b"\x01its dealer".to_vec()).unwrap());
    let mut theirs = zeromq::DealerSocket::with_options(options);
    let (connected, mut accepted) =
        soon(async { tokio::join!(theirs.connect(&address), listener.accept()) }).await;
    connected.unwrap();
    assert_eq!(accepted.peer.socket_type, SocketType::Dealer);
    assert_eq!(&accepted.peer.identity[..], b"\x01its dealer");
    for frames in shapes() {
        let message = ZmqMessage::try_from(frames.clone()).unwrap();
        let (sent, received) = tokio::join!(theirs.send(message), receive(&mut accepted.reader));
        sent.unwrap();
        assert_eq!(received.frames(), &frames[..]);
    }
    let running = tokio::spawn({
        let queue = accepted.queue.clone();
        async move { queue.run().await }
    });
    for frames in shapes() {
        accepted.queue.push(&frames[0], &frames[1..]).unwrap();
        assert_eq!(soon(theirs.recv()).await.unwrap().into_vec(), frames);
    }
    running.abort();
}

#[tokio::test]
async fn ours_connects_to_its_router_and_is_known_by_its_identity() {
    let mut theirs = zeromq::RouterSocket::new();
    let endpoint = soon(theirs.bind("tcp://127.0.0.1:0")).await.unwrap().to_string();
    let address = endpoint.trim_start_matches("tcp://").parse().unwrap();
    let config = dealer().with_identity(&b"\x01ours"[..]);
    let connected = soon(net::connect(address, &config, SendQueueLimits::default())).await;
    let Established { mut reader, queue, peer, .. } = connected.unwrap();
    assert_eq!(peer.socket_type, SocketType::Router);
    let running = tokio::spawn({
        let queue = queue.clone();
        async move { queue.run().await }
    });
    for frames in shapes() {
        queue.push(&frames[0], &frames[1..]).unwrap();
        let mut received = soon(theirs.recv()).await.unwrap().into_vec();
        assert_eq!(received.remove(0), &b"\x01ours"[..]);
        assert_eq!(received, frames);
    }
    let answer = vec![Bytes::from_static(b"\x01ours"), "to you".into()];
    soon(theirs.send(ZmqMessage::try_from(answer).unwrap())).await.unwrap();
    assert_eq!(receive(&mut reader).await.frames(), ["to you"]);
    running.abort();
}
