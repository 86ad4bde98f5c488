//! Two of ours over 127.0.0.1.

#![cfg(feature = "net")]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "helpers of tests")]

mod common;

use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use bytes::{Buf, Bytes};
use testkit::wait::DEADLINE;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use zmtp::net::{
    self, Error, Established, Listener, ListenerLimits, PushError, Reader, SendQueue,
    SendQueueLimits, Start,
};
use zmtp::{Config, Limits, Message, SocketType};

use common::{command, dealer, frame, opening, property, router, soon};

fn anywhere() -> SocketAddr {
    SocketAddr::from(([127, 0, 0, 1], 0))
}

async fn listen(limits: ListenerLimits) -> (Listener, SocketAddr) {
    let listener = Listener::bind(anywhere(), router(), limits).await.unwrap();
    let address = listener.local_addr().unwrap();
    (listener, address)
}

/// A dealer of ours, whose queue has these limits, and the router's end of its connection.
async fn pair(limits: SendQueueLimits) -> (Established, Established) {
    let (mut listener, address) = listen(ListenerLimits::default()).await;
    let config = dealer();
    let connecting = net::connect(address, &config, limits);
    let (connected, accepted) = soon(async { tokio::join!(connecting, listener.accept()) }).await;
    let connected = connected.unwrap();
    assert_eq!(connected.peer.socket_type, SocketType::Router);
    assert_eq!(accepted.peer.identity, "dealer");
    assert_eq!((connected.address, accepted.address), (accepted.local, connected.local));
    assert_eq!(connected.address, address);
    (connected, accepted)
}

/// A bare TCP connection past the handshake, as a dealer, to a listener; and its other end.
async fn bare(listener: &mut Listener) -> (TcpStream, Established) {
    let mut stream = TcpStream::connect(listener.local_addr().unwrap()).await.unwrap();
    stream.write_all(&opening(&dealer())).await.unwrap();
    let accepted = soon(listener.accept()).await;
    let mut greeting = vec![0; opening(&router()).len()];
    soon(stream.read_exact(&mut greeting)).await.unwrap();
    assert_eq!(greeting, opening(&router()));
    (stream, accepted)
}

/// The next message; `None` at the end.
async fn receive(reader: &mut Reader) -> Result<Option<Message>, Error> {
    soon(async {
        loop {
            if let Some(message) = reader.next()? {
                return Ok(Some(message));
            }
            if !reader.fill().await? {
                return Ok(None);
            }
        }
    })
    .await
}

fn run(queue: &SendQueue) -> tokio::task::JoinHandle<io::Error> {
    let queue = queue.clone();
    tokio::spawn(async move { queue.run().await })
}

#[tokio::test]
async fn messages_of_all_shapes_arrive_in_order() {
    let shapes: Vec<Vec<Bytes>> = vec![
        vec!["before it runs".into()],
        vec!["a".into(), Bytes::new(), "c".into()],
        vec![Bytes::new()],
        vec!["large".into(), vec![1; 5 << 20].into(), "after".into()],
        vec![vec![2; 70_000].into(), vec![3; 8 << 10].into(), vec![4; (8 << 10) + 1].into()],
        (0..4096).map(|i: u32| Bytes::copy_from_slice(&i.to_be_bytes())).collect(),
        vec!["last".into()],
    ];
    let (Established { reader: _reader, queue, .. }, mut accepted) =
        pair(SendQueueLimits::default()).await;
    queue.push(&shapes[0][0], &[]).unwrap();
    assert_eq!(queue.queued(), (1, 2 + 14));
    let running = run(&queue);
    for frames in &shapes[1..] {
        queue.push(&frames[0], &frames[1..]).unwrap();
    }
    for frames in &shapes {
        let message = receive(&mut accepted.reader).await.unwrap().unwrap();
        assert_eq!(message.frames(), &frames[..]);
    }
    soon(queue.drained()).await;
    assert_eq!(queue.queued(), (0, 0));
    queue.close();
    assert_eq!(soon(running).await.unwrap().kind(), io::ErrorKind::NotConnected);
    assert!(receive(&mut accepted.reader).await.unwrap().is_none(), "closed is seen");
    assert_eq!(queue.push(b"x", &[]), Err(PushError::Closed));
}

#[tokio::test]
async fn single_frames_of_all_sizes_arrive_in_order() {
    let (Established { reader: _reader, queue, .. }, mut accepted) =
        pair(SendQueueLimits::default()).await;
    let frames: Vec<Bytes> = [0, 1, 255, 256, 8 << 10, (8 << 10) + 1, 1 << 20, 3]
        .iter()
        .zip(0u8..)
        .map(|(&size, i)| vec![i; size].into())
        .collect();
    queue.push_frame(b"before ", "it runs".into()).unwrap();
    queue.push_frame(b"", "also".into()).unwrap();
    assert_eq!(queue.queued(), (2, 2 + 14 + 2 + 4));
    let running = run(&queue);
    for frame in &frames {
        queue.push_frame(b"", frame.clone()).unwrap();
        queue.push(b"between", &[]).unwrap();
        queue.push_frame(b"head", frame.clone()).unwrap();
    }
    for first in ["before it runs", "also"] {
        assert_eq!(receive(&mut accepted.reader).await.unwrap().unwrap().frames(), [first]);
    }
    for frame in frames {
        let headed = Bytes::from([b"head", &frame[..]].concat());
        for expected in [frame, "between".into(), headed] {
            assert_eq!(receive(&mut accepted.reader).await.unwrap().unwrap().frames(), [expected]);
        }
    }
    soon(queue.drained()).await;
    queue.close();
    assert_eq!(queue.push_frame(b"", "late".into()), Err(PushError::Closed));
    soon(running).await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn many_messages_from_several_threads_arrive_once_and_in_order() {
    from_several_threads(SendQueueLimits::default(), 50_000).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn threads_that_wait_for_each_other_at_a_short_queue_lose_nothing() {
    from_several_threads(
        SendQueueLimits { messages: 5, bytes: 1000, ..Default::default() },
        10_000,
    )
    .await;
}

async fn from_several_threads(limits: SendQueueLimits, each: u32) {
    let (Established { reader: _reader, queue, .. }, mut accepted) = pair(limits).await;
    let running = run(&queue);
    let threads: Vec<_> = (0..3u8)
        .map(|thread| {
            let queue = queue.clone();
            std::thread::spawn(move || {
                for i in 0..each {
                    let head = [&[thread][..], &i.to_be_bytes()].concat();
                    // Some by reference; some staged and flushed.
                    let size = if i % 5000 == 0 { 20_000 } else { 7 };
                    let content = [Bytes::from(vec![thread; size])];
                    let push = || match thread {
                        0 => queue.stage(&head, &content),
                        _ => queue.push(&head, &content),
                    };
                    while let Err(error) = push() {
                        assert_eq!(error, PushError::Full);
                        std::thread::yield_now();
                    }
                    if thread == 0 {
                        queue.flush().unwrap();
                    }
                }
            })
        })
        .collect();
    let mut next = [0; 3];
    for _ in 0..3 * each {
        let message = receive(&mut accepted.reader).await.unwrap().unwrap();
        let (mut head, content) = (&message.frames()[0][..], &message.frames()[1]);
        let thread = head.get_u8();
        assert_eq!(head.get_u32(), next[usize::from(thread)]);
        assert!(content.iter().all(|byte| *byte == thread));
        next[usize::from(thread)] += 1;
    }
    threads.into_iter().for_each(|thread| thread.join().unwrap());
    soon(queue.drained()).await;
    assert_eq!(queue.queued(), (0, 0));
    running.abort();
}

#[tokio::test]
async fn a_peer_that_does_not_read_fills_its_own_queue_only() {
    let limits = SendQueueLimits { messages: 50, bytes: 4 << 20, ..Default::default() };
    let (Established { reader: _reader, queue: deaf, .. }, mut far) = pair(limits.clone()).await;
    let (Established { reader: _other, queue: healthy, .. }, mut good) = pair(limits).await;
    let running = [run(&deaf), run(&healthy)];
    // Until the buffers of the kernel are full, and then exactly 50 more.
    let content = [Bytes::from(vec![9; 20_000])];
    let mut accepted = 0u32;
    while deaf.push(&accepted.to_be_bytes(), &content).is_ok() {
        accepted += 1;
        assert!(accepted < 100_000, "the kernel takes everything");
    }
    assert_eq!(deaf.push(b"x", &[]), Err(PushError::Full));
    let (messages, bytes) = deaf.queued();
    assert_eq!(messages, 50);
    assert!((49 * 20_000..=50 * 20_100).contains(&bytes), "{bytes}");
    assert!(!deaf.flush().unwrap());

    healthy.push(b"fine", &[]).unwrap();
    assert_eq!(receive(&mut good.reader).await.unwrap().unwrap().frames(), ["fine"]);
    assert_eq!(deaf.queued().0, 50);

    // Whatever was accepted arrives when the peer reads at last, and nothing else.
    for i in 0..accepted {
        let message = receive(&mut far.reader).await.unwrap().unwrap();
        assert_eq!(message.frames()[0], i.to_be_bytes()[..]);
    }
    soon(deaf.drained()).await;
    assert_eq!(deaf.queued(), (0, 0));
    deaf.push(b"end", &[]).unwrap();
    assert_eq!(receive(&mut far.reader).await.unwrap().unwrap().frames(), ["end"]);
    running.iter().for_each(tokio::task::JoinHandle::abort);
}

#[tokio::test]
async fn staged_messages_go_with_the_flush_and_need_no_runner() {
    let (Established { reader: _reader, queue, .. }, mut accepted) =
        pair(SendQueueLimits::default()).await;
    queue.stage(b"one", &[]).unwrap();
    queue.stage(b"two", &[]).unwrap();
    assert_eq!(queue.queued(), (2, 10));
    assert!(queue.flush().unwrap());
    for expected in ["one", "two"] {
        assert_eq!(receive(&mut accepted.reader).await.unwrap().unwrap().frames(), [expected]);
    }
}

#[tokio::test]
async fn both_halves_in_one_task() {
    let (Established { mut reader, queue, .. }, mut accepted) =
        pair(SendQueueLimits::default()).await;
    // A DEALER may be sent to as well: echo what comes.
    let echo = tokio::spawn(async move {
        let writing = accepted.queue.clone();
        loop {
            while let Some(message) = accepted.reader.next().unwrap() {
                writing.push(&message.frames()[0], &message.frames()[1..]).unwrap();
            }
            tokio::select! {
                _ = writing.run() => return,
                alive = accepted.reader.fill() => if !alive.unwrap() { return },
            }
        }
    });
    for i in 0..2000u32 {
        queue.push(&i.to_be_bytes(), &[]).unwrap();
        let answer = soon(async {
            loop {
                if let Some(message) = reader.next().unwrap() {
                    return message;
                }
                tokio::select! {
                    error = queue.run() => panic!("{error}"),
                    alive = reader.fill() => assert!(alive.unwrap()),
                }
            }
        })
        .await;
        assert_eq!(answer.frames()[0], i.to_be_bytes()[..]);
    }
    queue.close();
    drop(reader);
    soon(echo).await.unwrap();
}

#[tokio::test]
async fn pings_are_answered_on_the_wire() {
    let (mut listener, _) = listen(ListenerLimits::default()).await;
    let (mut stream, mut accepted) = bare(&mut listener).await;
    stream.write_all(&command("PING", b"\0\x0ahello")).await.unwrap();
    stream.write_all(&frame(0, b"message")).await.unwrap();
    assert_eq!(receive(&mut accepted.reader).await.unwrap().unwrap().frames(), ["message"]);
    assert!(accepted.reader.next().unwrap().is_none());
    let expected = command("PONG", b"hello");
    let mut answer = vec![0; expected.len()];
    soon(stream.read_exact(&mut answer)).await.unwrap();
    assert_eq!(answer, expected);
    assert_eq!(accepted.queue.queued(), (0, 0));
}

#[tokio::test]
async fn a_ping_flood_of_one_who_does_not_read_costs_nothing() {
    let (mut listener, _) = listen(ListenerLimits::default()).await;
    let (mut stream, mut accepted) = bare(&mut listener).await;
    let flood = command("PING", &[0; 18]).repeat(1000);
    let pings = tokio::spawn(async move {
        for _ in 0..1000 {
            stream.write_all(&flood).await.unwrap();
        }
        stream.write_all(&frame(0, b"done")).await.unwrap();
        stream
    });
    assert_eq!(receive(&mut accepted.reader).await.unwrap().unwrap().frames(), ["done"]);
    let (messages, bytes) = accepted.queue.queued();
    assert_eq!(messages, 0);
    assert!(bytes <= 4 * 23, "{bytes}");
    drop(soon(pings).await.unwrap());
}

#[tokio::test]
async fn the_end_is_noticed_on_both_sides() {
    let (Established { mut reader, queue, .. }, accepted) = pair(SendQueueLimits::default()).await;
    let running = run(&queue);
    drop(accepted);
    assert!(receive(&mut reader).await.map_or(true, |m| m.is_none()));
    // The writer notices when it writes, and says why.
    let error = soon(async {
        while queue.push(b"anybody?", &[]).is_ok() {
            tokio::task::yield_now().await;
        }
        running.await.unwrap()
    })
    .await;
    let reset = [io::ErrorKind::BrokenPipe, io::ErrorKind::ConnectionReset];
    assert!(reset.contains(&error.kind()), "{error}");
    soon(queue.drained()).await;
}

#[tokio::test]
async fn an_end_inside_a_message_is_an_end() {
    let (mut listener, _) = listen(ListenerLimits::default()).await;
    let (mut stream, mut accepted) = bare(&mut listener).await;
    stream.write_all(&frame(1, b"first of two")).await.unwrap();
    stream.write_all(&[2, 0, 0]).await.unwrap();
    drop(stream);
    assert!(receive(&mut accepted.reader).await.unwrap().is_none());
}

#[tokio::test]
async fn a_broken_rule_ends_that_connection_only() {
    let (mut listener, _) = listen(ListenerLimits::default()).await;
    let (mut bad, mut from_bad) = bare(&mut listener).await;
    let (mut good, mut from_good) = bare(&mut listener).await;
    bad.write_all(&frame(0, b"last")).await.unwrap();
    bad.write_all(&[8]).await.unwrap();
    assert_eq!(receive(&mut from_bad.reader).await.unwrap().unwrap().frames(), ["last"]);
    for _ in 0..2 {
        let error = receive(&mut from_bad.reader).await.unwrap_err();
        assert!(matches!(error, Error::Protocol(zmtp::Error::Flags(8))), "{error}");
    }
    good.write_all(&frame(0, b"fine")).await.unwrap();
    assert_eq!(receive(&mut from_good.reader).await.unwrap().unwrap().frames(), ["fine"]);
}

#[tokio::test]
async fn connecting_fails_in_time() {
    let connect = async |address, config: &Config| {
        soon(net::connect(address, config, SendQueueLimits::default())).await
    };
    // A port without a listener.
    let closed = TcpListener::bind(anywhere()).await.unwrap().local_addr().unwrap();
    let error = connect(closed, &dealer()).await.unwrap_err();
    assert!(matches!(&error, Error::Io(e) if e.kind() == io::ErrorKind::ConnectionRefused));
    // A remote that accepts and is silent.
    let silent = TcpListener::bind(anywhere()).await.unwrap();
    let address = silent.local_addr().unwrap();
    let limits = Limits { handshake_time: Duration::from_millis(50), ..Limits::default() };
    let error = connect(address, &dealer().with_limits(limits)).await;
    assert!(matches!(error, Err(Error::Protocol(zmtp::Error::HandshakeTimeout))));
    // A remote that accepts and closes; the connection that was given up waits in the kernel before
    // it.
    let config = dealer();
    let (error, streams) = tokio::join!(connect(address, &config), async {
        let mut streams =
            [soon(silent.accept()).await.unwrap().0, soon(silent.accept()).await.unwrap().0];
        for stream in &mut streams {
            stream.shutdown().await.unwrap();
        }
        streams
    });
    assert!(matches!(error, Err(Error::Closed)), "{error:?}");
    drop(streams);
    // A remote of a wrong socket type.
    let (mut listener, address) = listen(ListenerLimits::default()).await;
    let sub = Config::new(SocketType::Sub);
    let error = tokio::select! {
        _ = listener.accept() => panic!("a SUB is not for a ROUTER"),
        error = connect(address, &sub) => error,
    };
    assert!(matches!(error, Err(Error::Protocol(zmtp::Error::Incompatible { .. }))), "{error:?}");
}

#[tokio::test]
async fn a_connection_begins_where_it_is_told_to() {
    let (mut listener, address) = listen(ListenerLimits::default()).await;
    let limits = SendQueueLimits::default;
    let here = [127, 0, 0, 2].into();
    let start = Start { address: Some(here), device: Some("lo".to_owned()), ..Start::default() };
    let config = dealer();
    let connecting = net::connect_from(&start, address, &config, limits());
    let (connected, accepted) = soon(async { tokio::join!(connecting, listener.accept()) }).await;
    let connected = connected.unwrap();
    assert_eq!(connected.local.ip(), here);
    assert_eq!(accepted.address, connected.local);

    // An address of another family, and one that this host does not have.
    for wrong in ["::1", "192.0.2.1"] {
        let start = Start { address: Some(wrong.parse().unwrap()), ..Start::default() };
        let error = net::connect_from(&start, address, &config, limits()).await.unwrap_err();
        assert!(matches!(error, Error::Io(_)), "{wrong}: {error:?}");
    }
}

/// Where nothing answers by the routes, the interface is tried as well, and what answers by the routes
/// is not waited for.
#[cfg(target_os = "linux")]
#[tokio::test]
async fn the_routes_are_tried_before_an_interface_if_that_is_asked_for() {
    let (mut listener, address) = listen(ListenerLimits::default()).await;
    let here = [127, 0, 0, 2].into();
    let (config, device) = (dealer(), Some("no-such-0".to_owned()));
    let start = Start { address: Some(here), device, device_after: DEADLINE };
    let connecting = net::connect_from(&start, address, &config, SendQueueLimits::default());
    let (connected, _) = soon(async { tokio::join!(connecting, listener.accept()) }).await;
    assert_eq!(connected.unwrap().local.ip(), here);

    let (_listener, address, _connections) = deaf();
    let mut config = dealer();
    config.limits.connect_time = Duration::from_millis(300);
    let (device, device_after) = (Some("lo".to_owned()), Duration::from_millis(50));
    let start = Start { device, device_after, ..Start::default() };
    let error = soon(net::connect_from(&start, address, &config, SendQueueLimits::default())).await;
    assert!(error.unwrap_err().to_string().contains("300ms"), "both have their time");
}

/// A listener that lets nobody in any more: the kernel does not answer.
#[cfg(target_os = "linux")]
fn deaf() -> (socket2::Socket, SocketAddr, Vec<std::net::TcpStream>) {
    let socket = socket2::Socket::new(socket2::Domain::IPV4, socket2::Type::STREAM, None).unwrap();
    socket.bind(&anywhere().into()).unwrap();
    socket.listen(0).unwrap();
    let address = socket.local_addr().unwrap().as_socket().unwrap();
    let connect = || std::net::TcpStream::connect_timeout(&address, Duration::from_millis(100));
    let waiting: Vec<_> = std::iter::from_fn(|| connect().ok()).take(100).collect();
    assert!(waiting.len() < 100, "it lets everybody in");
    (socket, address, waiting)
}

#[cfg(target_os = "linux")]
#[tokio::test]
async fn a_remote_that_is_not_there_is_told_from_one_that_is_silent() {
    let (_socket, nowhere, _waiting) = deaf();
    let silent = TcpListener::bind(anywhere()).await.unwrap();
    let limits = SendQueueLimits::default;
    // From here on time passes when there is nothing to do.
    tokio::time::pause();
    let began = tokio::time::Instant::now();
    let error = net::connect(nowhere, &dealer(), limits()).await.unwrap_err();
    assert!(error.to_string().contains(&nowhere.to_string()), "{error}");
    assert!(matches!(error, Error::Io(error) if error.kind() == io::ErrorKind::TimedOut));
    assert_eq!(began.elapsed().as_secs(), 10);
    let began = tokio::time::Instant::now();
    let silent = silent.local_addr().unwrap();
    let error = net::connect(silent, &dealer(), limits()).await.unwrap_err();
    assert!(matches!(error, Error::Protocol(zmtp::Error::HandshakeTimeout)), "{error:?}");
    assert_eq!(began.elapsed().as_secs(), 20);
}

#[tokio::test]
async fn messages_right_behind_the_handshake_are_not_lost() {
    let (mut listener, address) = listen(ListenerLimits::default()).await;
    let mut stream = TcpStream::connect(address).await.unwrap();
    let wire = [opening(&dealer()), frame(0, b"hello"), frame(0, &[b'x'; 200]).repeat(50)].concat();
    stream.write_all(&wire).await.unwrap();
    let mut accepted = soon(listener.accept()).await;
    assert_eq!(receive(&mut accepted.reader).await.unwrap().unwrap().frames(), ["hello"]);
    for _ in 0..50 {
        assert_eq!(receive(&mut accepted.reader).await.unwrap().unwrap().byte_len(), 200);
    }
}

#[tokio::test]
async fn fill_may_be_dropped_at_any_time() {
    let (mut listener, _) = listen(ListenerLimits::default()).await;
    let (mut stream, mut accepted) = bare(&mut listener).await;
    let wire = frame(2, &vec![7; 300_000]);
    let writing = tokio::spawn(async move {
        for part in wire.chunks(1000) {
            stream.write_all(part).await.unwrap();
            tokio::task::yield_now().await;
        }
        stream
    });
    let message = soon(async {
        loop {
            if let Some(message) = accepted.reader.next().unwrap() {
                return message;
            }
            tokio::select! {
                biased;
                alive = accepted.reader.fill() => assert!(alive.unwrap()),
                () = tokio::task::yield_now() => {}
            }
        }
    })
    .await;
    assert_eq!(message.byte_len(), 300_000);
    drop(soon(writing).await);
}

#[tokio::test]
async fn properties_do_not_hold_up_a_handshake_in_pieces() {
    let (mut listener, address) = listen(ListenerLimits::default()).await;
    let ready = [property("X-A", &[1; 2000]), property("Socket-Type", b"REQ")].concat();
    let wire = [common::greeting(), command("READY", &ready)].concat();
    let writing = tokio::spawn(async move {
        let mut stream = TcpStream::connect(address).await.unwrap();
        for byte in wire {
            stream.write_all(&[byte]).await.unwrap();
        }
        stream
    });
    let accepted = soon(listener.accept()).await;
    assert_eq!(accepted.peer.socket_type, SocketType::Req);
    drop(soon(writing).await);
}
