//! The listener under strangers.

#![cfg(feature = "net")]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "helpers of tests")]

mod common;

use common::{command, dealer, frame, greeting, opening, property, router, soon};
use std::{net::SocketAddr, time::Duration};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};
use zmtp::net::{Listener, ListenerLimits};
use zmtp::{Config, Limits};

async fn listen(config: Config, limits: ListenerLimits) -> (Listener, SocketAddr) {
    let listener = Listener::bind(([127, 0, 0, 1], 0).into(), config, limits).await.unwrap();
    let address = listener.local_addr().unwrap();
    (listener, address)
}

/// Connects, sends this, and waits until the other side closes.
async fn refused(address: SocketAddr, octets: Vec<u8>) {
    let mut stream = TcpStream::connect(address).await.unwrap();
    stream.write_all(&octets).await.unwrap();
    closed(&mut stream).await;
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

async fn greet(address: SocketAddr, identity: &str) -> TcpStream {
    let mut stream = TcpStream::connect(address).await.unwrap();
    stream.write_all(&opening(&dealer().with_identity(identity.to_owned()))).await.unwrap();
    stream
}

#[tokio::test]
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
    let stats = listener.stats();
    assert_eq!((stats.accepted, stats.established), (6, 1));
    assert!((4..=5).contains(&stats.failed), "{stats:?}");
    assert_eq!((stats.timed_out, stats.dropped, stats.accept_errors), (0, 0, 0));
}

#[tokio::test]
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

#[tokio::test]
async fn silent_and_dribbling_strangers_are_closed_in_time() {
    let limits = Limits { handshake_time: Duration::from_millis(100), ..Limits::default() };
    let (mut listener, address) =
        listen(router().with_limits(limits), ListenerLimits::default()).await;
    meanwhile(&mut listener, async {
        let mut silent = TcpStream::connect(address).await.unwrap();
        let mut dribbling = TcpStream::connect(address).await.unwrap();
        closed(&mut silent).await;
        // One octet now and then does not prolong it; the write fails when it is closed.
        let mut octets = opening(&dealer()).into_iter().take(70).chain(std::iter::repeat(0));
        soon(async {
            while dribbling.write_all(&[octets.next().unwrap()]).await.is_ok() {
                tokio::time::sleep(Duration::from_millis(5)).await;
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

#[tokio::test]
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

#[tokio::test]
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
    let outbox = first.outbox.clone();
    drop(first.outbox);
    drop(first.reader);
    assert_eq!(soon(listener.accept()).await.peer.identity, "3");
    drop((second, outbox));
    assert_eq!(listener.stats().established, 3);
}

#[tokio::test]
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

#[test]
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
#[test]
#[cfg(unix)]
fn a_process_without_descriptors_recovers() {
    let child = std::process::Command::new("/bin/sh")
        .args(["-c", "ulimit -n 40; exec \"$0\" \"$@\""])
        .arg(std::env::current_exe().unwrap())
        .args(["--exact", "without_descriptors", "--ignored", "--test-threads=1"])
        .env("ZMTP_TEST_DESCRIPTORS", "40")
        .output()
        .unwrap();
    assert!(child.status.success(), "{}", String::from_utf8_lossy(&child.stdout));
}

#[tokio::test]
#[ignore = "played by a child process with few descriptors"]
async fn without_descriptors() {
    if std::env::var_os("ZMTP_TEST_DESCRIPTORS").is_none() {
        return;
    }
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
