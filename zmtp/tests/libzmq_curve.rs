//! CURVE with libzmq, by way of pyzmq, in both directions. `cargo xtask interop` runs these tests,
//! and has made the Python environment that they need.

#![cfg(all(feature = "net", feature = "_curve"))]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "helpers of tests")]

mod common;

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use zmtp::net::{
    self, Established, Listener, ListenerLimits, Publisher, PublisherLimits, SendQueueLimits,
    Subscriber, SubscriberLimits,
};
use zmtp::{
    Config, Curve, KeyPair, Mechanism, Message, PeerInfo, PublicKey, SessionKeys, SocketType,
    Verdict,
};

use common::libzmq::{ANY, Theirs};
use common::{soon, until};

/// Longer than libzmq waits for a PONG.
const LONG: Duration = Duration::from_millis(1500);

/// The pairs of both ends: ours, and that of libzmq.
struct Pairs {
    ours: KeyPair,
    theirs: KeyPair,
}

impl Pairs {
    fn new() -> Self {
        Self { ours: KeyPair::generate().unwrap(), theirs: KeyPair::generate().unwrap() }
    }

    /// Us as the client of libzmq.
    fn client(&self) -> Mechanism {
        Curve::client(self.ours.clone(), self.theirs.public()).into()
    }

    /// Us as the server of libzmq, and of nobody else.
    fn server(&self) -> Mechanism {
        server_of(self.ours.clone(), self.theirs.public())
    }

    /// The keys of libzmq as a server.
    fn of_server(&self) -> [String; 2] {
        [self.theirs.public().to_string(), self.theirs.secret().to_z85().to_string()]
    }

    /// The keys of libzmq as our client.
    fn of_client(&self) -> [String; 3] {
        let [public, secret] = self.of_server();
        [public, secret, self.ours.public().to_string()]
    }
}

fn server_of(ours: KeyPair, friend: PublicKey) -> Mechanism {
    let guard = move |keys: &SessionKeys, _: &PeerInfo, _: SocketAddr| {
        if keys.remote() == friend { Verdict::Admit } else { Verdict::Refuse }
    };
    Curve::server(ours, Arc::new(guard)).into()
}

/// Passes on both directions, but says in both greetings that ZMTP is 3.0.
async fn as_if_older(to: SocketAddr) -> SocketAddr {
    let listener = TcpListener::bind(ANY).await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        while let Ok((one, _)) = listener.accept().await {
            let Ok(other) = TcpStream::connect(to).await else { continue };
            let ((one_in, one_out), (other_in, other_out)) = (one.into_split(), other.into_split());
            for (mut from, mut to) in [(one_in, other_out), (other_in, one_out)] {
                tokio::spawn(async move {
                    let mut greeting = [0; 12];
                    from.read_exact(&mut greeting).await?;
                    greeting[11] = 0;
                    to.write_all(&greeting).await?;
                    tokio::io::copy(&mut from, &mut to).await
                });
            }
        }
    });
    address
}

async fn next(from: &mut Established) -> Message {
    soon(async {
        loop {
            if let Some(message) = from.reader.next().unwrap() {
                return message;
            }
            assert!(from.reader.fill().await.unwrap(), "closed");
        }
    })
    .await
}

/// Frames around every edge.
fn frames() -> Vec<Vec<u8>> {
    let sizes = [2, 0, 222, 223, 255, 256, 8192, 8193, 100_000];
    sizes.iter().enumerate().map(|(at, size)| vec![at as u8; *size]).collect()
}

/// Messages go both ways, and PINGs of libzmq are answered.
async fn talk(ours: &mut Established, theirs: &mut Theirs, identity: Option<&[u8]>) {
    let queue = ours.queue.clone();
    let talking = async {
        for at in 0..3 {
            let content: Vec<Bytes> = frames().into_iter().map(Bytes::from).collect();
            queue.push(&[at], &content).unwrap();
            let mut got = theirs.next().await;
            if identity.is_some() {
                got.remove(0);
            }
            assert_eq!(got[0], [at]);
            assert_eq!(got[1..], frames());
            let all = frames();
            let mut said: Vec<&[u8]> = identity.into_iter().collect();
            said.extend(all.iter().map(|frame| &frame[..]));
            theirs.order("send", &said).await;
            assert_eq!(next(ours).await.frames(), frames());
            // It goes on while PINGs come.
            let quiet = tokio::time::timeout(LONG / 2, ours.reader.fill());
            if let Ok(filled) = quiet.await {
                assert!(filled.unwrap(), "closed");
            }
        }
    };
    tokio::select! {
        error = queue.run() => panic!("{error}"),
        () = talking => {}
    }
}

#[tokio::test]
#[ignore = "needs pyzmq: cargo xtask interop"]
async fn our_dealer_goes_to_their_router() {
    let pairs = Pairs::new();
    let (mut theirs, address) = Theirs::bind("router", &pairs.of_server()).await;
    for address in [address, as_if_older(address).await] {
        let config = Config::new(SocketType::Dealer)
            .with_identity(&b"ours"[..])
            .with_property("X-Unknown", "is ignored")
            .with_mechanism(pairs.client());
        let connecting = net::connect(address, &config, SendQueueLimits::default());
        let mut ours = soon(connecting).await.unwrap();
        assert_eq!(ours.peer.key(), Some(pairs.theirs.public()));
        talk(&mut ours, &mut theirs, Some(b"ours")).await;
        drop(ours);
        // The router has to forget it first.
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
}

#[tokio::test]
#[ignore = "needs pyzmq: cargo xtask interop"]
async fn their_dealer_comes_to_our_router() {
    for older in [false, true] {
        let pairs = Pairs::new();
        let config = Config::new(SocketType::Router).with_mechanism(pairs.server());
        let mut listener = Listener::bind(ANY, config, ListenerLimits::default()).await.unwrap();
        let address = listener.local_addr().unwrap();
        let address = if older { as_if_older(address).await } else { address };
        let mut theirs = Theirs::connect("dealer", address, &pairs.of_client()).await;
        let mut ours = soon(listener.accept()).await;
        assert_eq!(ours.peer.key(), Some(pairs.theirs.public()));
        assert_eq!((&ours.peer.identity[..], ours.peer.minor), (&b"libzmq"[..], u8::from(!older)));
        talk(&mut ours, &mut theirs, None).await;
    }
}

#[tokio::test]
#[ignore = "needs pyzmq: cargo xtask interop"]
async fn their_dealer_is_refused_and_does_not_come_back() {
    let pairs = Pairs::new();
    let stranger = KeyPair::generate().unwrap().public();
    let config =
        Config::new(SocketType::Router).with_mechanism(server_of(pairs.ours.clone(), stranger));
    let mut listener = Listener::bind(ANY, config, ListenerLimits::default()).await.unwrap();
    let _theirs =
        Theirs::connect("dealer", listener.local_addr().unwrap(), &pairs.of_client()).await;
    let mut accepted = 0;
    let waiting = tokio::time::timeout(LONG, async {
        loop {
            tokio::select! {
                established = listener.accept() => panic!("{established:?}"),
                () = tokio::time::sleep(Duration::from_millis(10)) => {}
            }
            accepted = listener.stats().accepted;
        }
    });
    assert!(waiting.await.is_err());
    assert_eq!((accepted, listener.stats().denied), (1, 1));
}

/// Sends markers until the first arrives: a PUB of libzmq says nothing of who has subscribed.
async fn until_heard(theirs: &mut Theirs, ours: &mut Subscriber) {
    let heard = async {
        loop {
            theirs.order("send", &[b"weather.none"]).await;
            let wait = Duration::from_millis(20);
            if tokio::time::timeout(wait, ours.recv()).await.is_ok() {
                return;
            }
        }
    };
    soon(heard).await;
}

/// The next message that is no marker.
async fn received(subscriber: &mut Subscriber) -> Vec<u8> {
    loop {
        let (_, message) = soon(subscriber.recv()).await;
        if message.frames()[0] != "weather.none" {
            return message.frames()[0].to_vec();
        }
    }
}

#[tokio::test]
#[ignore = "needs pyzmq: cargo xtask interop"]
async fn our_subscriber_hears_their_publisher_whoever_dials() {
    for older in [false, true] {
        // It dials.
        let pairs = Pairs::new();
        let (mut theirs, address) = Theirs::bind("pub", &pairs.of_server()).await;
        let address = if older { as_if_older(address).await } else { address };
        let mut ours = Subscriber::new(&[b"weather."], SubscriberLimits::default());
        ours.connect_with(address, pairs.client());
        until_heard(&mut theirs, &mut ours).await;
        theirs.order("send", &[b"traffic.none"]).await;
        theirs.order("send", &[b"weather.rain"]).await;
        assert_eq!(received(&mut ours).await, b"weather.rain");
        // It listens.
        let mut ours = Subscriber::new(&[b"weather."], SubscriberLimits::default());
        let address = ours.listen_with(ANY, pairs.server()).await.unwrap();
        let address = if older { as_if_older(address).await } else { address };
        let mut theirs = Theirs::connect("pub", address, &pairs.of_client()).await;
        until_heard(&mut theirs, &mut ours).await;
        theirs.order("send", &[b"traffic.none"]).await;
        theirs.order("send", &[b"weather.sun"]).await;
        assert_eq!(received(&mut ours).await, b"weather.sun");
    }
}

#[tokio::test]
#[ignore = "needs pyzmq: cargo xtask interop"]
async fn their_subscriber_hears_our_publisher() {
    for older in [false, true] {
        let pairs = Pairs::new();
        let (mut theirs, address) = Theirs::bind("sub", &pairs.of_server()).await;
        theirs.order("subscribe", &[b"weather."]).await;
        let address = if older { as_if_older(address).await } else { address };
        let limits = PublisherLimits::default();
        let ours = Publisher::connect_with(address, pairs.client(), limits);
        until("it has subscribed", || ours.is_subscribed()).await;
        assert!(!ours.publish(b"traffic.none") && ours.publish(b"weather.rain"));
        assert_eq!(theirs.next().await, [b"weather.rain"]);
        theirs.order("subscribe", &[b"traffic."]).await;
        until("all is wanted", || ours.publish(b"traffic.none")).await;
        theirs.order("unsubscribe", &[b"traffic."]).await;
        until("it is wanted no more", || !ours.publish(b"traffic.none")).await;
    }
}
