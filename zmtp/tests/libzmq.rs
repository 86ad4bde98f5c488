//! PUB and SUB with libzmq, by way of pyzmq, in both directions. `cargo xtask interop` runs these
//! tests, and has made the Python environment that they need.

#![cfg(feature = "net")]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "helpers of tests")]

mod common;

use std::time::Duration;

use zmtp::net::{
    Established, Listener, ListenerLimits, Publisher, PublisherLimits, Subscriber, SubscriberLimits,
};
use zmtp::{Config, Event, SocketType, Subscriptions};

use common::libzmq::{ANY, Theirs};
use common::{soon, until};

/// Errors of the logging protocol, and a warning.
const ERROR: &[u8] = b"\xaa\xa2\x01\x01 error";
const WARNING: &[u8] = b"\xaa\xa2\x01\x02 warning";

async fn subscriber(prefixes: &[&[u8]]) -> Subscriber {
    Subscriber::bind(ANY, prefixes, SubscriberLimits::default()).await.unwrap()
}

async fn received(subscriber: &mut Subscriber) -> Vec<u8> {
    let (_, message) = soon(subscriber.recv()).await;
    message.frames()[0].to_vec()
}

/// Sends markers until the first arrives: a PUB of libzmq says nothing of who has subscribed.
async fn until_heard(theirs: &mut Theirs, ours: &mut Subscriber) {
    let heard = async {
        loop {
            theirs.order("send", &[b"\xaa\xa2\x01\x01 marker"]).await;
            let wait = Duration::from_millis(20);
            if tokio::time::timeout(wait, ours.recv()).await.is_ok() {
                return;
            }
        }
    };
    soon(heard).await;
}

#[tokio::test]
#[ignore = "needs pyzmq: cargo xtask interop"]
async fn their_sub_with_a_prefix_gets_errors_only_from_our_publisher() {
    for kind in ["sub", "xsub"] {
        let (mut theirs, address) = Theirs::bind(kind, &[]).await;
        if kind == "sub" {
            theirs.order("subscribe", &[&ERROR[..4]]).await;
        } else {
            theirs.order("send", &[&[&[1], &ERROR[..4]].concat()]).await;
        }
        let ours = Publisher::connect(address, PublisherLimits::default());
        until("it has subscribed", || ours.is_subscribed()).await;
        assert!(ours.publish(ERROR) && !ours.publish(WARNING));
        assert_eq!(theirs.next_frame().await, ERROR);
        if kind == "sub" {
            theirs.order("subscribe", &[b""]).await;
            until("all is wanted", || ours.publish(WARNING)).await;
            theirs.order("unsubscribe", &[b""]).await;
            until("errors only", || !ours.publish(WARNING)).await;
            assert!(ours.publish(ERROR));
            while theirs.next_frame().await != ERROR {}
        }
    }
}

#[tokio::test]
#[ignore = "needs pyzmq: cargo xtask interop"]
async fn their_pub_is_heard_by_our_subscriber() {
    for kind in ["pub", "xpub"] {
        let mut ours = subscriber(&[&ERROR[..4]]).await;
        let mut theirs = Theirs::connect(kind, ours.local_addr().unwrap(), &[]).await;
        until_heard(&mut theirs, &mut ours).await;
        for bytes in [WARNING, ERROR] {
            theirs.order("send", &[bytes]).await;
        }
        while received(&mut ours).await != ERROR {}
    }
}

#[tokio::test]
#[ignore = "needs pyzmq: cargo xtask interop"]
async fn our_subscriber_goes_to_their_publisher_which_filters() {
    let (mut theirs, address) = Theirs::bind("xpub", &[]).await;
    let mut ours = Subscriber::new(&[&ERROR[..4], b"other"], SubscriberLimits::default());
    ours.connect(address);
    // An XPUB is told of subscriptions, as messages.
    assert_eq!(theirs.next_frame().await, [&[1], &ERROR[..4]].concat());
    assert_eq!(theirs.next_frame().await, b"\x01other");
    for bytes in [WARNING, ERROR, b"others", b"none"] {
        theirs.order("send", &[bytes]).await;
    }
    assert_eq!(received(&mut ours).await, ERROR);
    assert_eq!(received(&mut ours).await, b"others");
    drop(ours);
    let mut taken_back = [theirs.next_frame().await, theirs.next_frame().await];
    taken_back.sort();
    assert_eq!(taken_back, [b"\0other".to_vec(), [&[0], &ERROR[..4]].concat()]);

    let (mut theirs, address) = Theirs::bind("pub", &[]).await;
    let mut ours = Subscriber::new(&[&ERROR[..4]], SubscriberLimits::default());
    ours.connect(address);
    until_heard(&mut theirs, &mut ours).await;
}

/// The next change of a subscription.
async fn change(from: &mut Established) -> Event {
    soon(async {
        loop {
            match from.reader.next_event().unwrap() {
                Some(event) => return event,
                None => assert!(from.reader.fill().await.unwrap(), "closed"),
            }
        }
    })
    .await
}

#[tokio::test]
#[ignore = "needs pyzmq: cargo xtask interop"]
async fn their_sub_comes_to_our_pub() {
    let config = Config::new(SocketType::Pub);
    let mut listener =
        Listener::bind(ANY, config.clone(), ListenerLimits::default()).await.unwrap();
    let mut theirs = Theirs::connect("sub", listener.local_addr().unwrap(), &[]).await;
    let mut accepted = soon(listener.accept()).await;
    println!("ZMTP {}.{}", accepted.peer.major, accepted.peer.minor);
    let mut wanted = Subscriptions::default();
    for (verb, prefix) in [("subscribe", &b"a"[..]), ("subscribe", b""), ("unsubscribe", b"")] {
        theirs.order(verb, &[prefix]).await;
        match change(&mut accepted).await {
            Event::Subscribe(heard) if verb == "subscribe" => {
                assert_eq!(heard, prefix);
                wanted.subscribe(&heard, &config.limits).unwrap();
            }
            Event::Cancel(heard) if verb == "unsubscribe" => {
                assert_eq!(heard, prefix);
                wanted.cancel(&heard);
            }
            other => panic!("{other:?}"),
        }
    }
    assert!(wanted.matches(b"abc") && !wanted.matches(b"b"));
    accepted.queue.push(b"abc", &[]).unwrap();
    accepted.queue.flush().unwrap();
    assert_eq!(theirs.next_frame().await, b"abc");
}
