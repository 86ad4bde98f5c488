//! `Publisher` and `Subscriber` on real sockets.

#![cfg(feature = "net")]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "helpers of tests")]

mod common;

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use zmtp::net::{
    Listener, ListenerLimits, Publisher, PublisherLimits, SendQueueLimits, Subscriber,
    SubscriberLimits, connect,
};
use zmtp::{Config, Limits, SocketType};

use common::{command, frame, opening, router, soon, until, until_some};

const ANY: SocketAddr = SocketAddr::new(std::net::IpAddr::V4(std::net::Ipv4Addr::LOCALHOST), 0);

async fn subscriber(address: SocketAddr, prefixes: &[&[u8]]) -> Subscriber {
    // Its port may not be free again at once.
    let bind = async || Subscriber::bind(address, prefixes, SubscriberLimits::default()).await.ok();
    until_some("a port that is free again", bind).await
}

fn publisher(address: SocketAddr) -> Publisher {
    Publisher::connect(address, PublisherLimits::default())
}

async fn received(subscriber: &mut Subscriber) -> String {
    let (_, message) = soon(subscriber.recv()).await;
    let [frame] = message.frames() else { panic!("{message:?}") };
    String::from_utf8_lossy(frame).into_owned()
}

#[tokio::test]
async fn what_is_wanted_arrives_in_order_also_from_before_the_connection() {
    let mut subscriber = subscriber(ANY, &[b"a", b"b"]).await;
    let publisher = publisher(subscriber.local_addr().unwrap());
    for early in ["a1", "x1", "b2"] {
        assert!(publisher.publish(early.as_bytes()), "held");
    }
    assert_eq!(received(&mut subscriber).await, "a1");
    assert!(publisher.is_subscribed());
    assert!(!publisher.publish(b"x2"), "not wanted");
    assert!(publisher.publish(b"a3"));
    assert_eq!(received(&mut subscriber).await, "b2");
    assert_eq!(received(&mut subscriber).await, "a3");
    soon(publisher.drained()).await;
    assert_eq!((publisher.stats().queued, publisher.stats().dropped), (3, 0));
}

#[tokio::test]
async fn a_subscriber_hears_many_publishers_and_goes_to_some_itself() {
    let config = Config::new(SocketType::Pub);
    let mut listener = Listener::bind(ANY, config, ListenerLimits::default()).await.unwrap();
    let there = listener.local_addr().unwrap();
    let mut subscriber = subscriber(ANY, &[b""]).await;
    subscriber.connect(there);
    let accepted = soon(listener.accept()).await;
    accepted.queue.push(b"from there", &[]).unwrap();
    accepted.queue.flush().unwrap();
    assert_eq!(soon(subscriber.recv()).await.0, there);

    let here = subscriber.local_addr().unwrap();
    let publishers: Vec<_> = (0..20).map(|_| publisher(here)).collect();
    for (number, publisher) in publishers.iter().enumerate() {
        publisher.publish(number.to_string().as_bytes());
    }
    let mut all = Vec::new();
    for _ in 0..20 {
        all.push(received(&mut subscriber).await.parse::<u32>().unwrap());
    }
    all.sort_unstable();
    assert!(all.into_iter().eq(0..20));
}

#[tokio::test]
async fn a_subscriber_closes_the_connections_of_some_publishers() {
    let mut subscriber = subscriber(ANY, &[b""]).await;
    let address = subscriber.local_addr().unwrap();
    let dial = |name: &'static str| {
        let config = Config::new(SocketType::Pub).with_property("X-Name", name);
        async move { soon(connect(address, &config, SendQueueLimits::default())).await.unwrap() }
    };
    let (mut stays, mut goes) = (dial("stays").await, dial("goes").await);
    for it in [&stays, &goes] {
        it.queue.push(b"hello", &[]).unwrap();
        it.queue.flush().unwrap();
        assert_eq!(received(&mut subscriber).await, "hello");
    }
    subscriber.disconnect(|peer| peer.property("X-Name").is_some_and(|name| name == "goes"));
    let closed = async { while matches!(goes.reader.fill().await, Ok(true)) {} };
    soon(closed).await;
    stays.queue.push(b"still here", &[]).unwrap();
    stays.queue.flush().unwrap();
    assert_eq!(received(&mut subscriber).await, "still here");
    assert!(stays.reader.next().is_ok());
}

#[tokio::test]
async fn a_subscriber_that_comes_back_is_found_again() {
    let mut first = subscriber(ANY, &[b"a"]).await;
    let address = first.local_addr().unwrap();
    let publisher = publisher(address);
    publisher.publish(b"a1");
    assert_eq!(received(&mut first).await, "a1");
    drop(first);
    until("the end is seen", || !publisher.is_subscribed()).await;
    assert!(publisher.publish(b"a2"), "held for the next");
    assert!(publisher.publish(b"b2"), "held for the next, which wants something else");
    let mut second = subscriber(address, &[b"b"]).await;
    assert_eq!(received(&mut second).await, "b2");
    assert!(!publisher.publish(b"a3"));
}

#[tokio::test]
async fn publishing_never_waits_for_one_that_does_not_read() {
    let listener = TcpListener::bind(ANY).await.unwrap();
    let queue = SendQueueLimits { messages: 100, bytes: 1 << 20, ..Default::default() };
    let limits = PublisherLimits { queue, ..PublisherLimits::default() };
    let publisher = Publisher::connect(listener.local_addr().unwrap(), limits);
    let (mut stream, _) = soon(listener.accept()).await.unwrap();
    let opening = opening(&Config::new(SocketType::Sub));
    let said = [opening, command("SUBSCRIBE", b"")].concat();
    stream.write_all(&said).await.unwrap();
    until("it has subscribed", || publisher.is_subscribed()).await;
    let frame = vec![7; 60_000];
    let mut taken = 0;
    // More than any kernel takes for one connection.
    for _ in 0..2000 {
        taken += u64::from(publisher.publish(&frame));
    }
    assert_eq!((publisher.stats().queued, publisher.stats().dropped), (taken, 2000 - taken));
    assert!(taken < 1000, "{taken}");
    drop(stream);
    until("the end is seen", || !publisher.is_subscribed()).await;
}

#[tokio::test]
async fn what_is_held_is_bounded() {
    // A remote that never answers.
    let silent = TcpListener::bind(ANY).await.unwrap();
    let queue = SendQueueLimits { messages: 10, bytes: 50, ..Default::default() };
    let limits = PublisherLimits { queue, ..PublisherLimits::default() };
    let publisher = Publisher::connect(silent.local_addr().unwrap(), limits);
    let taken = (0..20).filter(|_| publisher.publish(b"0123456789")).count();
    assert_eq!((taken, publisher.stats().dropped), (5, 15));
    let taken = (0..20).filter(|_| publisher.publish(b"")).count();
    assert_eq!((taken, publisher.stats().dropped), (5, 30));
}

#[tokio::test]
async fn a_publisher_that_breaks_the_protocol_ends_only_itself() {
    let mut subscriber = subscriber(ANY, &[b"good"]).await;
    let address = subscriber.local_addr().unwrap();
    let publisher = publisher(address);
    publisher.publish(b"good 1");
    assert_eq!(received(&mut subscriber).await, "good 1");
    let publishing = opening(&Config::new(SocketType::Pub));
    let announced = [&[2][..], &(1_u64 << 46).to_be_bytes()].concat();
    let attacks: [&[u8]; 5] =
        [b"GET / HTTP/1.1\r\n\r\n", &opening(&router()), &announced, b"\xff\xff", b"\x00\x03bad"];
    for attack in attacks {
        let mut stream = TcpStream::connect(address).await.unwrap();
        if attack.len() < 10 {
            stream.write_all(&publishing).await.unwrap();
        }
        stream.write_all(attack).await.unwrap();
        stream.shutdown().await.unwrap();
        let mut rest = Vec::new();
        // Closed or reset: it is over.
        let _ = soon(stream.read_to_end(&mut rest)).await;
    }
    publisher.publish(b"good 2");
    assert_eq!(received(&mut subscriber).await, "good 2", "and nothing in between");
}

#[tokio::test]
async fn a_subscriber_that_says_what_is_no_subscription_is_served_all_the_same() {
    let listener = TcpListener::bind(ANY).await.unwrap();
    let publisher = publisher(listener.local_addr().unwrap());
    publisher.publish(b"news");
    let (mut stream, _) = soon(listener.accept()).await.unwrap();
    let said = [opening(&Config::new(SocketType::Sub)), frame(0, b"abc"), frame(0, b"\x01n")];
    stream.write_all(&said.concat()).await.unwrap();
    let heard = [opening(&Config::new(SocketType::Pub)), frame(0, b"news")].concat();
    let mut bytes = vec![0; heard.len()];
    soon(stream.read_exact(&mut bytes)).await.unwrap();
    assert_eq!(bytes, heard);
}

#[tokio::test]
async fn a_remote_that_subscribes_without_end_is_thrown_out() {
    let listener = TcpListener::bind(ANY).await.unwrap();
    let connection = Limits { subscriptions: 8, ..Limits::default() };
    let limits = PublisherLimits { connection, ..PublisherLimits::default() };
    let publisher = Publisher::connect(listener.local_addr().unwrap(), limits);
    let said = |many: u8| {
        let mut said = opening(&Config::new(SocketType::Sub));
        (0..many).for_each(|nth| said.extend(command("SUBSCRIBE", &[nth])));
        said
    };
    let (mut stream, _) = soon(listener.accept()).await.unwrap();
    stream.write_all(&said(9)).await.unwrap();
    let _ = soon(stream.read_to_end(&mut Vec::new())).await;
    // One less, and it is served.
    let (mut stream, _) = soon(listener.accept()).await.unwrap();
    stream.write_all(&said(8)).await.unwrap();
    until("all eight are wanted", || publisher.is_subscribed() && publisher.publish(&[7])).await;
    let mut heard = vec![0; opening(&Config::new(SocketType::Pub)).len() + 3];
    soon(stream.read_exact(&mut heard)).await.unwrap();
    assert!(heard.ends_with(&[0, 1, 7]));
}

#[tokio::test]
async fn subscriptions_can_be_taken_back() {
    let listener = TcpListener::bind(ANY).await.unwrap();
    let publisher = publisher(listener.local_addr().unwrap());
    let (mut stream, _) = soon(listener.accept()).await.unwrap();
    let opening = opening(&Config::new(SocketType::Sub));
    let subscribe = command("SUBSCRIBE", b"a");
    stream.write_all(&[&opening[..], &subscribe, &subscribe].concat()).await.unwrap();
    until("it has subscribed", || publisher.is_subscribed()).await;
    stream
        .write_all(&[command("CANCEL", b"a"), command("SUBSCRIBE", b"b")].concat())
        .await
        .unwrap();
    until("b is wanted", || publisher.publish(b"b")).await;
    assert!(publisher.publish(b"a"), "one is left");
    stream.write_all(&[command("CANCEL", b"a"), command("CANCEL", b"b")].concat()).await.unwrap();
    until("b is not wanted", || !publisher.publish(b"b")).await;
    assert!(!publisher.publish(b"a"));
    assert_eq!(publisher.stats().dropped, 0, "what is not wanted is not lost");
}

#[tokio::test]
async fn a_publisher_does_not_hammer_at_a_door_that_is_not_for_it() {
    let mut listener = Listener::bind(ANY, router(), ListenerLimits::default()).await.unwrap();
    let address = listener.local_addr().unwrap();
    let publisher = publisher(address);
    publisher.publish(b"held");
    let began = Instant::now();
    soon(async {
        while listener.stats().accepted < 5 {
            let accepted = tokio::time::timeout(Duration::from_millis(5), listener.accept()).await;
            assert!(accepted.is_err(), "a ROUTER is no SUB");
        }
    })
    .await;
    // After 0, 50, 150, 350 and 750 milliseconds.
    assert!(began.elapsed() >= Duration::from_millis(700), "{:?}", began.elapsed());
    assert!(!publisher.is_subscribed());
}
