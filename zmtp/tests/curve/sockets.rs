//! CURVE over TCP: listener, dialler, publisher, subscriber, and a relay that meddles.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use bytes::Bytes;
use testkit::curve::{self as by_hand, Keys};
use testkit::wait::{soon, until};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use zmtp::net::{
    self, Established, Listener, ListenerLimits, Publisher, PublisherLimits, SendQueueLimits,
    Subscriber, SubscriberLimits,
};
use zmtp::{
    Config, Curve, CurveError, Error, Guard, Mechanism, Message, PeerInfo, SessionKeys, SocketType,
    Verdict,
};

use crate::ours::{client, dealer, pair};

const ANY: SocketAddr = SocketAddr::new(std::net::IpAddr::V4(std::net::Ipv4Addr::LOCALHOST), 0);

/// Says always the same, and keeps who has come.
struct Door {
    verdict: Verdict,
    seen: Mutex<Vec<(SessionKeys, PeerInfo, SocketAddr)>>,
}

impl Guard for Door {
    fn decide(&self, keys: &SessionKeys, peer: &PeerInfo, address: SocketAddr) -> Verdict {
        self.seen.lock().unwrap().push((*keys, peer.clone(), address));
        self.verdict
    }
}

fn door(verdict: Verdict) -> Arc<Door> {
    Arc::new(Door { verdict, seen: Mutex::default() })
}

fn server_with(guard: Arc<dyn Guard>) -> Curve {
    Curve::server(pair(&Keys::named("server_long")), guard)
}

async fn listen(guard: Arc<dyn Guard>) -> (Listener, SocketAddr) {
    let config = Config::new(SocketType::Router).with_mechanism(server_with(guard));
    let listener = Listener::bind(ANY, config, ListenerLimits::default()).await.unwrap();
    let address = listener.local_addr().unwrap();
    (listener, address)
}

async fn connect(address: SocketAddr, config: &Config) -> Result<Established, net::Error> {
    soon(net::connect(address, config, SendQueueLimits::default())).await
}

/// Both ends of a connection.
async fn meet() -> (Established, Established) {
    let (mut listener, address) = listen(door(Verdict::Admit)).await;
    let config = dealer();
    let (dialled, accepted) = tokio::join!(connect(address, &config), soon(listener.accept()));
    (dialled.unwrap(), accepted)
}

/// The next message, as zyre takes them: pairs by the short cut.
async fn next(from: &mut Established) -> Result<Message, net::Error> {
    loop {
        if let Some(pair) = from.reader.next_pair() {
            return Ok(pair.into());
        }
        if let Some(message) = from.reader.next()? {
            return Ok(message);
        }
        if !soon(from.reader.fill()).await? {
            return Err(net::Error::Closed);
        }
    }
}

#[tokio::test]
async fn both_know_who_the_other_is() {
    let guard = door(Verdict::Admit);
    let (mut listener, address) = listen(guard.clone()).await;
    let config = dealer().with_property("X-Mine", "value");
    let (dialled, accepted) = tokio::join!(connect(address, &config), soon(listener.accept()));
    let (dialled, accepted) = (dialled.unwrap(), accepted);
    assert_eq!(dialled.peer.key(), Some(pair(&Keys::named("server_long")).public()));
    assert_eq!(accepted.peer.key(), Some(pair(&Keys::named("client_long")).public()));
    assert_eq!(accepted.peer.identity, "dealer");
    let seen = guard.seen.lock().unwrap();
    let [(keys, peer, from)] = &seen[..] else { panic!("once") };
    assert_eq!(accepted.peer.keys.as_deref(), Some(keys));
    assert_eq!((peer.property("X-Mine").unwrap().as_ref(), *from), (&b"value"[..], dialled.local));
    assert_eq!(listener.stats().established, 1);
}

/// Messages around every edge: pairs with short and long heads, single ones, many frames, and bodies
/// that are copied, shared, and larger than what is sealed at a time.
fn messages() -> Vec<Message> {
    let body = |size: usize, byte: u8| Bytes::from(vec![byte; size]);
    let sizes = [0, 1, 31, 32, 63, 64, 222, 223, 255, 4000, 4096, 8192, 8193, 70_000, 1 << 20];
    let mut all = Vec::new();
    for (at, size) in sizes.into_iter().enumerate() {
        let byte = at as u8;
        all.push(vec![body(size, byte)].into());
        all.push(vec![body(6, byte), body(size, byte)].into());
        all.push(vec![body(size, byte), body(6, byte)].into());
        all.push(vec![body(6, byte), body(size, 1), body(0, 2), body(size, 3)].into());
    }
    all
}

#[tokio::test]
async fn messages_arrive_both_ways_whatever_their_size() {
    let (mut dialled, mut accepted) = meet().await;
    for (from, to) in [(0, 1), (1, 0)] {
        let mut ends = [&mut dialled, &mut accepted];
        let queue = ends[from].queue.clone();
        let sending = async {
            for message in messages() {
                let (head, content) = message.frames().split_first().unwrap();
                if content.is_empty() {
                    queue.push_frame(&head[..head.len().min(5)], head.slice(head.len().min(5)..))
                } else {
                    queue.push(head, content)
                }
                .unwrap();
                queue.ready(1).await.unwrap();
            }
            queue.drained().await;
        };
        let receiving = async {
            for expected in messages() {
                assert_eq!(next(ends[to]).await.unwrap(), expected);
            }
        };
        tokio::select! {
            error = queue.run() => panic!("{error}"),
            _ = async { tokio::join!(sending, receiving) } => {}
        }
        assert_eq!(queue.queued(), (0, 0), "all was counted as it went to the wire");
    }
}

#[tokio::test]
async fn content_that_goes_to_many_arrives_at_each() {
    let content = [Bytes::from(vec![7; 100_000])];
    let mut ends = Vec::new();
    for _ in 0..3 {
        ends.push(meet().await);
    }
    for (dialled, _) in &ends {
        dialled.queue.stage(b"head", &content).unwrap();
    }
    for (dialled, accepted) in &mut ends {
        let sending = dialled.queue.run();
        let message = tokio::select! {
            error = sending => panic!("{error}"),
            message = next(accepted) => message.unwrap(),
        };
        assert_eq!(message.frames()[1..], content);
    }
}

#[tokio::test]
async fn many_small_messages_arrive_in_order_from_several_threads() {
    let (dialled, mut accepted) = meet().await;
    let queue = dialled.queue.clone();
    let sender = std::thread::spawn({
        let queue = queue.clone();
        move || {
            for number in 0..20_000_u32 {
                let content = [Bytes::from_static(b"content")];
                while queue.stage(&number.to_be_bytes(), &content).is_err() {
                    std::thread::yield_now();
                }
                if number % 7 == 0 {
                    queue.flush().unwrap();
                }
            }
            queue.flush().unwrap();
        }
    });
    let receiving = async {
        for number in 0..20_000_u32 {
            let message = next(&mut accepted).await.unwrap();
            assert_eq!(message.frames()[0], number.to_be_bytes()[..]);
        }
    };
    tokio::select! {
        error = queue.run() => panic!("{error}"),
        () = receiving => {}
    }
    sender.join().unwrap();
}

#[tokio::test]
async fn a_quiet_queue_holds_nothing_and_finishes_in_order() {
    let (dialled, mut accepted) = meet().await;
    dialled.queue.push(b"last", &[Bytes::from(vec![1; 100_000])]).unwrap();
    dialled.queue.finish();
    let running = dialled.queue.run();
    let receiving = async {
        assert_eq!(next(&mut accepted).await.unwrap().byte_len(), 100_004);
        assert!(matches!(next(&mut accepted).await, Err(net::Error::Closed)));
    };
    tokio::join!(running, receiving);
    let traffic = dialled.queue.traffic();
    assert_eq!(traffic.taken, (2 + 33 + 4) + (9 + 33 + 100_000));
}

/// The next frame of a connection by hand.
async fn body(from: &mut tokio::net::tcp::OwnedReadHalf) -> Vec<u8> {
    let frame = soon(frame(from)).await.unwrap();
    frame[if frame[0] & 2 == 0 { 2 } else { 9 }..].to_vec()
}

#[tokio::test]
async fn a_pong_takes_its_place_between_messages() {
    let (mut listener, address) = listen(door(Verdict::Admit)).await;
    let (mut from, mut to) = TcpStream::connect(address).await.unwrap().into_split();
    let mut theirs = by_hand::Client::new();
    let shaking = async {
        to.write_all(&by_hand::greeting("CURVE", 0, 1)).await.unwrap();
        to.write_all(&by_hand::frame(4, &theirs.hello(1))).await.unwrap();
        from.read_exact(&mut [0; 64]).await.unwrap();
        theirs.take_welcome(&body(&mut from).await);
        let metadata = by_hand::metadata("DEALER", b"hand");
        let initiate = theirs.seal_initiate(&theirs.initiate(metadata));
        to.write_all(&by_hand::frame(4, &initiate)).await.unwrap();
        theirs.open_ready(&body(&mut from).await);
    };
    let (mut accepted, ()) = tokio::join!(soon(listener.accept()), shaking);
    let mut traffic = theirs.traffic();
    let ping = by_hand::frame(0, &traffic.message(2, b"\x04PING\0\x01now"));
    let said = by_hand::frame(0, &traffic.message(0, b"said"));
    accepted.queue.stage(b"first", &[]).unwrap();
    to.write_all(&[ping, said].concat()).await.unwrap();
    assert_eq!(next(&mut accepted).await.unwrap().frames(), ["said"]);
    // When all is taken that has come, PONGs are queued.
    assert!(accepted.reader.next().unwrap().is_none());
    accepted.queue.stage(b"third", &[]).unwrap();
    accepted.queue.flush().unwrap();
    for (number, flags, data) in [(2, 0, &b"first"[..]), (3, 2, b"\x04PONGnow"), (4, 0, b"third")] {
        let body = body(&mut from).await;
        assert_eq!(body[8..16], u64::to_be_bytes(number));
        assert_eq!(traffic.open(&body), (flags, data.to_vec()));
    }
    assert_eq!(accepted.queue.queued(), (0, 0));
}

#[tokio::test]
async fn who_is_refused_is_told_and_who_is_sent_away_is_not() {
    for (verdict, is_told) in [(Verdict::Refuse, true), (Verdict::Close, false)] {
        let (mut listener, address) = listen(door(verdict)).await;
        let config = dealer();
        let connecting = async {
            match connect(address, &config).await.unwrap_err() {
                net::Error::Protocol(Error::Curve(CurveError::Refused)) => assert!(is_told),
                net::Error::Closed | net::Error::Io(_) => assert!(!is_told),
                other => panic!("{other}"),
            }
        };
        tokio::select! {
            accepted = listener.accept() => panic!("{accepted:?}"),
            () = connecting => {}
        }
        tokio::select! {
            accepted = listener.accept() => panic!("{accepted:?}"),
            () = tokio::time::sleep(Duration::from_millis(1)) => {}
        }
        assert_eq!((listener.stats().denied, listener.stats().failed), (1, 0));
    }
}

#[tokio::test]
async fn a_client_may_send_its_server_away() {
    for verdict in [Verdict::Refuse, Verdict::Close] {
        let (mut listener, address) = listen(door(Verdict::Admit)).await;
        let server = pair(&Keys::named("server_long")).public();
        let curve =
            Curve::client_with_guard(pair(&Keys::named("client_long")), server, door(verdict));
        let config = Config::new(SocketType::Dealer).with_mechanism(curve);
        let (dialled, mut accepted) =
            tokio::join!(connect(address, &config), soon(listener.accept()));
        let error = dialled.unwrap_err();
        assert!(matches!(error, net::Error::Protocol(Error::Denied)), "{error}");
        assert!(next(&mut accepted).await.is_err(), "nothing was said");
    }
}

#[tokio::test]
async fn there_is_no_downgrade() {
    let (mut listener, address) = listen(door(Verdict::Admit)).await;
    let plain = Config::new(SocketType::Dealer);
    let refused = tokio::select! {
        accepted = listener.accept() => panic!("{accepted:?}"),
        refused = connect(address, &plain) => refused.unwrap_err(),
    };
    assert!(matches!(refused, net::Error::Protocol(Error::Mechanism(_))), "{refused}");
    let mut listener =
        Listener::bind(ANY, Config::new(SocketType::Router), ListenerLimits::default())
            .await
            .unwrap();
    let address = listener.local_addr().unwrap();
    let config = dealer();
    let refused = tokio::select! {
        accepted = listener.accept() => panic!("{accepted:?}"),
        refused = connect(address, &config) => refused.unwrap_err(),
    };
    assert!(matches!(refused, net::Error::Protocol(Error::Mechanism(_))), "{refused}");
}

#[tokio::test]
async fn another_server_than_the_expected_one_is_none() {
    let config = Config::new(SocketType::Router)
        .with_mechanism(Curve::server(pair(&Keys::named("other_server")), door(Verdict::Admit)));
    let mut listener = Listener::bind(ANY, config, ListenerLimits::default()).await.unwrap();
    let address = listener.local_addr().unwrap();
    let config = dealer();
    tokio::select! {
        accepted = listener.accept() => panic!("{accepted:?}"),
        refused = connect(address, &config) => assert!(refused.is_err()),
    }
}

#[tokio::test]
async fn what_is_published_is_sealed_too() {
    let secured = |guard| Mechanism::from(server_with(guard));
    let mut subscriber = Subscriber::new(&[b"weather."], SubscriberLimits::default());
    let address = subscriber.listen_with(ANY, secured(door(Verdict::Admit))).await.unwrap();
    let publisher = Publisher::connect_with(address, client().into(), PublisherLimits::default());
    until("it has subscribed", || publisher.is_subscribed()).await;
    assert!(!publisher.publish(b"traffic.none") && publisher.publish(b"weather.rain"));
    assert_eq!(soon(subscriber.recv()).await.1.frames(), ["weather.rain"]);
    // And the other way round: the subscriber dials.
    let config = Config::new(SocketType::Pub).with_mechanism(secured(door(Verdict::Admit)));
    let mut listener = Listener::bind(ANY, config, ListenerLimits::default()).await.unwrap();
    let mut subscriber = Subscriber::new(&[b"a", b"b"], SubscriberLimits::default());
    subscriber.connect_with(listener.local_addr().unwrap(), client().into());
    let mut accepted = soon(listener.accept()).await;
    let mut prefixes = Vec::new();
    while prefixes.len() < 2 {
        match accepted.reader.next_event().unwrap() {
            Some(zmtp::Event::Subscribe(prefix)) => prefixes.push(prefix),
            Some(other) => panic!("{other:?}"),
            None => assert!(soon(accepted.reader.fill()).await.unwrap()),
        }
    }
    assert_eq!(prefixes, ["a", "b"]);
    accepted.queue.push(b"abc", &[]).unwrap();
    accepted.queue.flush().unwrap();
    assert_eq!(soon(subscriber.recv()).await.1.frames(), ["abc"]);
}

/// What a relay does to one frame of the client after the handshake.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Meddling {
    Nothing,
    Alters,
    Replays,
    /// Sets MORE, so that two messages would be one.
    Glues,
    /// Sets COMMAND, so that a message would vanish.
    Hides,
    Drops,
    Swaps,
    /// Puts something in the clear between.
    Inserts,
}

/// Passes on all that one side says.
async fn pass(mut from: tokio::net::tcp::OwnedReadHalf, mut to: tokio::net::tcp::OwnedWriteHalf) {
    let _ = tokio::io::copy(&mut from, &mut to).await;
}

async fn frame(from: &mut tokio::net::tcp::OwnedReadHalf) -> Option<Vec<u8>> {
    let mut frame = vec![0; 2];
    from.read_exact(&mut frame).await.ok()?;
    let size = if frame[0] & 2 == 0 {
        usize::from(frame[1])
    } else {
        frame.resize(9, 0);
        from.read_exact(&mut frame[2..]).await.ok()?;
        u64::from_be_bytes(frame[1..].try_into().unwrap()) as usize
    };
    let header = frame.len();
    frame.resize(header + size, 0);
    from.read_exact(&mut frame[header..]).await.ok()?;
    Some(frame)
}

async fn relay(listener: TcpListener, to: SocketAddr, meddling: Meddling) {
    let (mut from_client, to_client) = listener.accept().await.unwrap().0.into_split();
    let (from_server, mut to_server) = TcpStream::connect(to).await.unwrap().into_split();
    tokio::spawn(pass(from_server, to_client));
    let mut greeting = [0; 64];
    from_client.read_exact(&mut greeting).await.unwrap();
    to_server.write_all(&greeting).await.unwrap();
    let mut number = 0;
    // HELLO and INITIATE, two good messages, and then the one.
    while let Some(mut it) = frame(&mut from_client).await {
        number += 1;
        if number == 5 {
            match meddling {
                Meddling::Nothing => {}
                Meddling::Alters => it[40] ^= 1,
                Meddling::Replays => it.extend(it.clone()),
                Meddling::Glues => it[0] |= 1,
                Meddling::Hides => it[0] |= 4,
                Meddling::Drops => continue,
                Meddling::Swaps => {
                    let mut next = frame(&mut from_client).await.unwrap();
                    next.extend(it);
                    it = next;
                }
                Meddling::Inserts => it.extend(b"\0\x05plain"),
            }
        }
        if to_server.write_all(&it).await.is_err() {
            return;
        }
    }
}

#[tokio::test]
async fn a_relay_that_meddles_ends_the_connection() {
    use Meddling::{Alters, Drops, Glues, Hides, Inserts, Nothing, Replays, Swaps};
    for meddling in [Nothing, Alters, Replays, Glues, Hides, Drops, Swaps, Inserts] {
        let (mut listener, to) = listen(door(Verdict::Admit)).await;
        let relayed = TcpListener::bind(ANY).await.unwrap();
        let address = relayed.local_addr().unwrap();
        let relay = tokio::spawn(relay(relayed, to, meddling));
        let config = dealer();
        let (dialled, accepted) = tokio::join!(connect(address, &config), soon(listener.accept()));
        let (dialled, mut accepted) = (dialled.unwrap(), accepted);
        for number in 0..10_u8 {
            dialled.queue.push(&[number; 30], &[]).unwrap();
        }
        dialled.queue.flush().unwrap();
        let mut heard = Vec::new();
        let end = loop {
            match next(&mut accepted).await {
                Ok(message) => heard.push(message.frames()[0][0]),
                Err(error) => break Some(error),
            }
            if heard.len() == 10 {
                break None;
            }
        };
        match (meddling, end) {
            (Nothing, None) => assert_eq!(heard, (0..10).collect::<Vec<u8>>()),
            // What came before it was good; of a frame that is repeated, the first.
            (_, Some(net::Error::Protocol(_))) => {
                let good = if matches!(meddling, Replays | Inserts) { 3 } else { 2 };
                assert_eq!(heard, (0..good).collect::<Vec<u8>>(), "{meddling:?}");
            }
            (_, other) => panic!("{meddling:?}: {other:?} after {heard:?}"),
        }
        relay.abort();
    }
}
