//! `Publisher` and `Subscriber` on real sockets.

#![cfg(feature = "net")]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "helpers of tests")]

mod common;

use std::net::SocketAddr;
use std::time::Duration;

use common::{command, opening, router, soon};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use zmtp::net::{
    Listener, ListenerLimits, OutboxLimits, Publisher, PublisherLimits, Subscriber,
    SubscriberLimits,
};
use zmtp::{Config, Limits, SocketType};

const ANY: SocketAddr = SocketAddr::new(std::net::IpAddr::V4(std::net::Ipv4Addr::LOCALHOST), 0);

async fn subscriber(address: SocketAddr, prefixes: &[&[u8]]) -> Subscriber {
    soon(async {
        loop {
            // Its port may not be free again at once.
            match Subscriber::bind(address, prefixes, SubscriberLimits::default()).await {
                Ok(subscriber) => return subscriber,
                Err(_) => tokio::time::sleep(Duration::from_millis(5)).await,
            }
        }
    })
    .await
}

fn publisher(address: SocketAddr) -> Publisher {
    Publisher::connect(address, PublisherLimits::default())
}

async fn received(subscriber: &mut Subscriber) -> String {
    let (_, message) = soon(subscriber.recv()).await;
    let [frame] = message.frames() else { panic!("{message:?}") };
    String::from_utf8_lossy(frame).into_owned()
}

async fn until(what: &str, mut check: impl FnMut() -> bool) {
    let look = async {
        while !check() {
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
    };
    assert!(tokio::time::timeout(common::DEADLINE, look).await.is_ok(), "in vain: {what}");
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
    accepted.outbox.push(b"from there", &[]).unwrap();
    accepted.outbox.flush().unwrap();
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
    let outbox = OutboxLimits { messages: 100, octets: 1 << 20 };
    let limits = PublisherLimits { outbox, ..PublisherLimits::default() };
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
    // Nobody answers there.
    let nobody = TcpListener::bind(ANY).await.unwrap();
    let outbox = OutboxLimits { messages: 10, octets: 50 };
    let limits = PublisherLimits { outbox, ..PublisherLimits::default() };
    let publisher = Publisher::connect(nobody.local_addr().unwrap(), limits);
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
async fn a_remote_that_subscribes_without_end_is_thrown_out() {
    let listener = TcpListener::bind(ANY).await.unwrap();
    let connection = Limits { subscriptions: 8, ..Limits::default() };
    let limits = PublisherLimits { connection, ..PublisherLimits::default() };
    let _publisher = Publisher::connect(listener.local_addr().unwrap(), limits);
    for many in [9_u8, 8] {
        let (mut stream, _) = soon(listener.accept()).await.unwrap();
        let mut said = opening(&Config::new(SocketType::Sub));
        (0..many).for_each(|nth| said.extend(command("SUBSCRIBE", &[nth])));
        stream.write_all(&said).await.unwrap();
        let mut heard = Vec::new();
        let end = tokio::time::timeout(Duration::from_millis(300), stream.read_to_end(&mut heard));
        assert_eq!(end.await.is_ok(), many == 9, "{many} subscriptions");
    }
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
    let second = Duration::from_secs(1);
    assert!(tokio::time::timeout(second, listener.accept()).await.is_err(), "a ROUTER is no SUB");
    // After 0, 50, 150, 350 and 750 milliseconds.
    let attempts = listener.stats().accepted;
    assert!((1..=5).contains(&attempts), "{attempts}");
    assert!(!publisher.is_subscribed());
}
