//! The listener under strangers.

#![cfg(test)]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "helpers of tests")]

mod common;

use std::io::ErrorKind;
use std::net::SocketAddr;
use std::process::ExitCode;
use std::time::Duration;

use serde_json::Value;
use socket2::SockRef;
use testkit::child::Child;
use testkit::{async_tests, harness, process, role, tests};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpSocket, TcpStream};
use tokio::time::sleep;
use zmtp::net::{Listener, ListenerLimits, ListenerStats};
use zmtp::{Config, Limits};

use common::{command, dealer, frame, greeting, opening, property, router, soon};

fn main() -> ExitCode {
    role::play(|_, _| harness::block_on_one_thread(without_descriptors()));
    let mut tests = async_tests![
        failed_handshakes_are_counted_and_closed,
        a_connection_that_is_reset_before_the_handshake_has_failed,
        a_wrong_socket_type_hears_why,
        silent_and_dribbling_strangers_are_closed_in_time,
        the_oldest_handshake_makes_room,
        one_source_takes_places_from_itself_only,
        a_slot_is_free_again_when_the_reader_is_dropped,
        dropping_the_listener_ends_handshakes_but_no_connections,
        addresses_come_and_go,
    ];
    tests.extend(tests![a_listener_from_elsewhere_needs_a_runtime]);
    // A shell sets the limit.
    if cfg!(unix) {
        tests.extend(tests![a_process_without_descriptors_recovers]);
    }
    harness::run(tests)
}

async fn listen(config: Config, limits: ListenerLimits) -> (Listener, SocketAddr) {
    let listener = Listener::bind(([127, 0, 0, 1], 0).into(), config, limits).await.unwrap();
    let address = listener.local_addr().unwrap();
    (listener, address)
}

/// Connects, sends this, and waits until the other side closes.
async fn refused(address: SocketAddr, bytes: Vec<u8>) {
    let mut stream = TcpStream::connect(address).await.unwrap();
    stream.write_all(&bytes).await.unwrap();
    closed(&mut stream).await;
}

/// Connects until nobody listens there. A child that another test starts has the sockets of this
/// process until it executes its program: the kernel may accept that long.
async fn until_refused(address: SocketAddr) {
    while TcpStream::connect(address).await.is_ok() {}
}

async fn closed(stream: &mut TcpStream) {
    let mut rest = Vec::new();
    // A reset is an end too: not everything that was sent is read before the socket is closed.
    let _ = soon(stream.read_to_end(&mut rest)).await;
}

/// Lets the listener work until something else has happened; nothing may be established.
async fn meanwhile<T>(listener: &mut Listener, what: impl Future<Output = T>) -> T {
    tokio::select! {
        accepted = listener.accept() => panic!("{accepted:?}"),
        done = what => done,
    }
}

/// Lets the listener work until it has counted what is awaited; nothing may be established. The
/// handshakes of two connections end in any order.
async fn until(listener: &mut Listener, counted: impl Fn(&ListenerStats) -> bool) {
    soon(async {
        while !counted(&listener.stats()) {
            meanwhile(listener, sleep(Duration::from_millis(1))).await;
        }
    })
    .await;
}

async fn greet(address: SocketAddr, identity: &str) -> TcpStream {
    let mut stream = TcpStream::connect(address).await.unwrap();
    stream.write_all(&opening(&dealer().with_identity(identity.to_owned()))).await.unwrap();
    stream
}

async fn failed_handshakes_are_counted_and_closed() {
    let (mut listener, address) = listen(router(), ListenerLimits::default()).await;
    let sub = command("READY", &property("Socket-Type", b"SUB"));
    meanwhile(&mut listener, async {
        refused(address, b"GET / HTTP/1.1\r\n\r\n".to_vec()).await;
        refused(address, [greeting(), sub].concat()).await;
        refused(address, [greeting(), frame(0, b"too early")].concat()).await;
        refused(address, [greeting(), vec![6, 0, 0, 64, 0, 0, 0, 0, 0]].concat()).await;
        drop(TcpStream::connect(address).await.unwrap());
    })
    .await;
    let _stream = greet(address, "good").await;
    assert_eq!(soon(listener.accept()).await.peer.identity, "good");
    until(&mut listener, |stats| stats.failed == 5).await;
    let stats = listener.stats();
    assert_eq!((stats.accepted, stats.established), (6, 1));
    assert_eq!((stats.timed_out, stats.dropped, stats.accept_errors), (0, 0, 0));
}

async fn a_connection_that_is_reset_before_the_handshake_has_failed() {
    let (mut listener, address) = listen(router(), ListenerLimits::default()).await;
    let stream = TcpStream::connect(address).await.unwrap();
    SockRef::from(&stream).set_linger(Some(Duration::ZERO)).unwrap();
    drop(stream);
    let _stream = greet(address, "good").await;
    assert_eq!(soon(listener.accept()).await.peer.identity, "good");
    until(&mut listener, |stats| stats.failed == 1).await;
    let stats = listener.stats();
    assert_eq!((stats.accepted, stats.established), (2, 1));
}

async fn a_wrong_socket_type_hears_why() {
    let (mut listener, address) = listen(router(), ListenerLimits::default()).await;
    let sub = command("READY", &property("Socket-Type", b"SUB"));
    let heard = meanwhile(&mut listener, async {
        let mut stream = TcpStream::connect(address).await.unwrap();
        stream.write_all(&[greeting(), sub].concat()).await.unwrap();
        let mut heard = Vec::new();
        soon(stream.read_to_end(&mut heard)).await.unwrap();
        heard
    })
    .await;
    let error = command("ERROR", b"\x13Invalid socket type");
    assert_eq!(heard, [opening(&router()), error].concat());
}

async fn silent_and_dribbling_strangers_are_closed_in_time() {
    let limits = Limits { handshake_time: Duration::from_millis(100), ..Limits::default() };
    let (mut listener, address) =
        listen(router().with_limits(limits), ListenerLimits::default()).await;
    meanwhile(&mut listener, async {
        let mut silent = TcpStream::connect(address).await.unwrap();
        let mut dribbling = TcpStream::connect(address).await.unwrap();
        closed(&mut silent).await;
        // One byte now and then does not prolong it; the write fails when it is closed.
        let mut bytes = opening(&dealer()).into_iter().take(70).chain(std::iter::repeat(0));
        soon(async {
            while dribbling.write_all(&[bytes.next().unwrap()]).await.is_ok() {
                // The pace of the one that dribbles.
                sleep(Duration::from_millis(5)).await;
            }
        })
        .await;
    })
    .await;
    let _stream = greet(address, "good").await;
    soon(listener.accept()).await;
    assert_eq!(listener.stats().timed_out, 2);
    assert_eq!(listener.stats().failed, 0);
}

async fn the_oldest_handshake_makes_room() {
    let limits = ListenerLimits { handshakes: 3, ..ListenerLimits::default() };
    let (mut listener, address) = listen(router(), limits).await;
    let mut silent = meanwhile(&mut listener, async {
        let mut silent = Vec::new();
        for _ in 0..5 {
            let mut stream = TcpStream::connect(address).await.unwrap();
            // Our greeting shows that the handshake goes on.
            soon(stream.read_exact(&mut [0; 64])).await.unwrap();
            silent.push(stream);
        }
        closed(&mut silent[0]).await;
        closed(&mut silent[1]).await;
        silent
    })
    .await;
    assert_eq!(listener.stats().dropped, 2);
    // The others are alive, and one who greets comes through although all places are taken.
    let _stream = greet(address, "good").await;
    assert_eq!(soon(listener.accept()).await.peer.identity, "good");
    assert_eq!(listener.stats().dropped, 3);
    for stream in &mut silent[3..] {
        stream.write_all(&opening(&dealer().with_identity("late"))).await.unwrap();
        assert_eq!(soon(listener.accept()).await.peer.identity, "late");
    }
    assert_eq!(listener.stats().failed, 0);
}

async fn one_source_takes_places_from_itself_only() {
    let limits = ListenerLimits { handshakes: 4, ..ListenerLimits::default() };
    let (mut listener, address) = listen(router(), limits).await;
    let dial = async |from: [u8; 4]| {
        let socket = TcpSocket::new_v4().unwrap();
        socket.bind((from, 0).into()).unwrap();
        let mut stream = socket.connect(address).await.unwrap();
        soon(stream.read_exact(&mut [0; 64])).await.unwrap();
        stream
    };
    let mut quiet = meanwhile(&mut listener, async {
        let mut quiet = dial([127, 0, 0, 2]).await;
        let mut taken = Vec::new();
        for _ in 0..7 {
            taken.push(dial([127, 0, 0, 1]).await);
        }
        for stream in &mut taken[..4] {
            closed(stream).await;
        }
        // One more source takes a place from the one that has most.
        let mut third = dial([127, 0, 0, 3]).await;
        closed(&mut taken[4]).await;
        third.write_all(&[]).await.unwrap();
        quiet.write_all(&[]).await.unwrap();
        quiet
    })
    .await;
    assert_eq!(listener.stats().dropped, 5);
    quiet.write_all(&opening(&dealer().with_identity("quiet"))).await.unwrap();
    assert_eq!(soon(listener.accept()).await.peer.identity, "quiet");
}

async fn a_slot_is_free_again_when_the_reader_is_dropped() {
    let limits = ListenerLimits { connections: 2, ..ListenerLimits::default() };
    let (mut listener, address) = listen(router(), limits).await;
    let _one = greet(address, "1").await;
    let _two = greet(address, "2").await;
    let (first, second) = (soon(listener.accept()).await, soon(listener.accept()).await);
    let _three = greet(address, "3").await;
    // Nothing comes out, however often it is asked; dropping the question loses nothing.
    for _ in 0..3 {
        let early = tokio::time::timeout(Duration::from_millis(20), listener.accept()).await;
        assert!(early.is_err());
    }
    let queue = first.queue.clone();
    drop(first.queue);
    drop(first.reader);
    assert_eq!(soon(listener.accept()).await.peer.identity, "3");
    drop((second, queue));
    assert_eq!(listener.stats().established, 3);
}

async fn dropping_the_listener_ends_handshakes_but_no_connections() {
    let (mut listener, address) = listen(router(), ListenerLimits::default()).await;
    let mut stream = greet(address, "good").await;
    let mut accepted = soon(listener.accept()).await;
    let mut silent = meanwhile(&mut listener, async {
        let mut silent = TcpStream::connect(address).await.unwrap();
        soon(silent.read_exact(&mut [0; 64])).await.unwrap();
        silent
    })
    .await;
    drop(listener);
    closed(&mut silent).await;
    stream.write_all(&frame(0, b"still here")).await.unwrap();
    assert!(soon(accepted.reader.fill()).await.unwrap());
    assert_eq!(accepted.reader.next().unwrap().unwrap().frames(), ["still here"]);
}

async fn addresses_come_and_go() {
    let (mut listener, first) = listen(router(), ListenerLimits::default()).await;
    let second = listener.add(std::net::TcpListener::bind("[::1]:0").unwrap()).unwrap();
    assert_eq!(listener.local_addrs().collect::<Vec<_>>(), [first, second]);
    for address in [first, second, first] {
        let _stream = greet(address, "guest").await;
        assert_eq!(soon(listener.accept()).await.local, address);
    }
    let mut stream = greet(first, "guest").await;
    let mut accepted = soon(listener.accept()).await;

    listener.remove(first);
    assert_eq!(listener.local_addr().unwrap(), second);
    soon(until_refused(first)).await;
    stream.write_all(&frame(0, b"still here")).await.unwrap();
    assert!(soon(accepted.reader.fill()).await.unwrap());
    let _stream = greet(second, "guest").await;
    soon(listener.accept()).await;
    assert_eq!(listener.stats().established, 5);

    listener.remove(second);
    assert_eq!(listener.local_addr().unwrap_err().kind(), ErrorKind::NotConnected);
    let nobody = tokio::time::timeout(Duration::from_millis(50), listener.accept()).await;
    assert!(nobody.is_err());
}

fn a_listener_from_elsewhere_needs_a_runtime() {
    let std = || std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let make = || Listener::from_std(std(), router(), ListenerLimits::default());
    assert!(make().is_err());
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let mut listener = make().unwrap();
        let _stream = greet(listener.local_addr().unwrap(), "x").await;
        soon(listener.accept()).await;
    });
}

/// In a process of its own: the limit is one of the process, and other tests need descriptors.
fn a_process_without_descriptors_recovers() {
    let inner = role::again("without descriptors", &Value::Null).unwrap();
    let limited = &mut process::with_limits(&inner, &["-n 40"]);
    let (status, said) = Child::start("child", limited).unwrap().blocking_end().unwrap();
    assert!(status.success(), "{said}");
}

async fn without_descriptors() {
    let (mut listener, address) = listen(router(), ListenerLimits::default()).await;
    let mut all: Vec<_> =
        std::iter::from_fn(|| std::fs::File::open("/dev/null").ok()).take(1000).collect();
    assert!(all.len() < 40, "there is no limit");
    all.pop();
    // Takes the last one; nothing is left for the other end of it.
    let _stream = greet(address, "patient").await;
    let early = tokio::time::timeout(Duration::from_millis(350), listener.accept()).await;
    assert!(early.is_err());
    let refused = listener.stats().accept_errors;
    assert!((1..=5).contains(&refused), "tried {refused} times");
    drop(all);
    assert_eq!(soon(listener.accept()).await.peer.identity, "patient");
}
