//! `Publisher` and `Subscriber` with remotes that come, go and misbehave.

#![cfg(feature = "net")]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "helpers of tests")]

mod common;

use std::future::poll_fn;
use std::net::SocketAddr;
use std::pin::pin;
use std::task::Poll;
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio::time::{self, Instant};
use zmtp::net::{Publisher, PublisherLimits, Subscriber, SubscriberLimits};
use zmtp::{Config, SocketType};

use common::{command, frame, opening, soon, until};

const ANY: SocketAddr = SocketAddr::new(std::net::IpAddr::V4(std::net::Ipv4Addr::LOCALHOST), 0);
/// Connections that end at once, until the pause is much longer than the first one.
const SHORT_ONES: u32 = 6;
/// All pauses so far: 50 + 100 + … + 1600 ms.
const SO_FAR: Duration = Duration::from_millis((50 << SHORT_ONES) - 50);
/// The next one.
const GROWN: Duration = Duration::from_millis(50 << SHORT_ONES);
/// How long a connection must be of use.
const LASTING: Duration = Duration::from_secs(5);

/// A remote that accepts every connection.
struct Remote {
    listener: TcpListener,
    ours: Config,
    theirs: Config,
}

impl Remote {
    async fn new(ours: SocketType, theirs: SocketType) -> Self {
        let listener = TcpListener::bind(ANY).await.unwrap();
        Self { listener, ours: Config::new(ours), theirs: Config::new(theirs) }
    }

    fn address(&self) -> SocketAddr {
        self.listener.local_addr().unwrap()
    }

    /// Accepts one connection, and sends `say` after the handshake.
    async fn accept(&self, say: &[u8]) -> TcpStream {
        let (mut stream, _) = soon(self.listener.accept()).await.unwrap();
        stream.write_all(&opening(&self.ours)).await.unwrap();
        soon(stream.read_exact(&mut vec![0; opening(&self.theirs).len()])).await.unwrap();
        stream.write_all(say).await.unwrap();
        stream
    }

    /// Drops connections until the pauses are long, and then accepts one.
    async fn accept_after_many(&self, say: &[u8]) -> TcpStream {
        let began = Instant::now();
        for _ in 0..SHORT_ONES {
            drop(self.accept(say).await);
        }
        let stream = self.accept(say).await;
        assert!(began.elapsed() >= SO_FAR, "{:?}", began.elapsed());
        stream
    }

    /// Ends a connection that has lasted, and waits for the next one.
    async fn end_after_long(&self, stream: TcpStream) {
        time::pause();
        time::advance(LASTING).await;
        time::resume();
        drop(stream);
        let ended = Instant::now();
        soon(self.listener.accept()).await.unwrap();
        assert!(ended.elapsed() < GROWN, "{:?}", ended.elapsed());
    }
}

#[tokio::test]
async fn a_publisher_hurries_again_after_a_connection_that_lasted() {
    let remote = Remote::new(SocketType::Sub, SocketType::Pub).await;
    let publisher = Publisher::connect(remote.address(), PublisherLimits::default());
    let stream = remote.accept_after_many(&command("SUBSCRIBE", b"")).await;
    until("it has subscribed", || publisher.is_subscribed()).await;
    remote.end_after_long(stream).await;
}

#[tokio::test]
async fn a_subscriber_hurries_again_after_a_connection_that_lasted() {
    let remote = Remote::new(SocketType::Pub, SocketType::Sub).await;
    let mut subscriber = Subscriber::new(&[b""], SubscriberLimits::default());
    subscriber.connect(remote.address());
    let stream = remote.accept_after_many(&frame(0, b"a")).await;
    for _ in 0..=SHORT_ONES {
        let (from, message) = soon(subscriber.recv()).await;
        assert_eq!(from, remote.address());
        assert_eq!(message.frames(), ["a"], "what came before the end is not lost");
    }
    remote.end_after_long(stream).await;
}

#[tokio::test]
async fn messages_to_a_publisher_are_nothing() {
    let remote = Remote::new(SocketType::Sub, SocketType::Pub).await;
    let publisher = Publisher::connect(remote.address(), PublisherLimits::default());
    // In ZMTP 3.1 only commands subscribe; a first byte of 1 or 0 did before.
    let said = [frame(0, b"message"), command("SUBSCRIBE", b"a"), frame(0, b"other")].concat();
    let mut stream = remote.accept(&said).await;
    until("it has subscribed", || publisher.is_subscribed()).await;
    assert!(publisher.publish(b"a1"));
    let mut sent = [0; 4];
    soon(stream.read_exact(&mut sent)).await.unwrap();
    assert_eq!(sent, *b"\0\x02a1");
}

#[tokio::test]
async fn a_subscriber_that_breaks_the_protocol_is_left_and_found_again() {
    let remote = Remote::new(SocketType::Sub, SocketType::Pub).await;
    let publisher = Publisher::connect(remote.address(), PublisherLimits::default());
    let mut stream = remote.accept(&command("SUBSCRIBE", b"a")).await;
    until("it has subscribed", || publisher.is_subscribed()).await;
    // Reserved bits.
    stream.write_all(&frame(0xf8, b"")).await.unwrap();
    until("it is left", || !publisher.is_subscribed()).await;
    assert_eq!(soon(stream.read(&mut [0; 9])).await.unwrap_or(0), 0, "closed");
    assert!(publisher.publish(b"b"), "held for the next");
    let mut stream = remote.accept(&command("SUBSCRIBE", b"b")).await;
    let mut sent = [0; 3];
    soon(stream.read_exact(&mut sent)).await.unwrap();
    assert_eq!(sent, *b"\0\x01b");
}

#[tokio::test]
async fn nobody_is_waited_for_where_nobody_has_subscribed() {
    // A remote that never answers.
    let silent = TcpListener::bind(ANY).await.unwrap();
    let publisher = Publisher::connect(silent.local_addr().unwrap(), PublisherLimits::default());
    assert!(publisher.publish(b"held"));
    let mut drained = pin!(publisher.drained());
    let at_once = poll_fn(|cx| Poll::Ready(drained.as_mut().poll(cx).is_ready())).await;
    assert!(at_once);
    assert_eq!((publisher.stats().queued, publisher.stats().dropped), (0, 0), "still held");
}

#[tokio::test]
async fn a_subscriber_that_is_not_bound_has_no_address() {
    let subscriber = Subscriber::new(&[b""], SubscriberLimits::default());
    let error = subscriber.local_addr().unwrap_err();
    assert_eq!(error.kind(), std::io::ErrorKind::NotConnected);
    let listener = TcpListener::bind(ANY).await.unwrap();
    let taken = listener.local_addr().unwrap();
    let error = Subscriber::bind(taken, &[], SubscriberLimits::default()).await.unwrap_err();
    assert_eq!(error.kind(), std::io::ErrorKind::AddrInUse);
}

#[tokio::test]
async fn a_subscriber_may_be_there_before_its_publisher() {
    // A port that is taken and has no listener: connections are refused.
    let early = TcpSocket::new_v4().unwrap();
    early.bind(ANY).unwrap();
    let address = early.local_addr().unwrap();
    let mut subscriber = Subscriber::new(&[b"a"], SubscriberLimits::default());
    subscriber.connect(address);
    // Two attempts are refused meanwhile, after 0 and 50 milliseconds.
    time::pause();
    let refused = time::timeout(Duration::from_millis(120), subscriber.recv());
    assert!(refused.await.is_err());
    time::resume();
    let listener = early.listen(16).unwrap();
    let (ours, theirs) = (Config::new(SocketType::Pub), Config::new(SocketType::Sub));
    let remote = Remote { listener, ours, theirs };
    let _stream = remote.accept(&[frame(0, b"b"), frame(0, b"a")].concat()).await;
    let (from, message) = soon(subscriber.recv()).await;
    assert_eq!((from, message.frames()), (address, &["a".into()][..]), "and b is not wanted");
}
