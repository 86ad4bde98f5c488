//! Why this crate exists: nine bytes after a valid handshake, the header of a frame that
//! announces 2^46 bytes, from any host that can connect.
//!
//! Ours closes that connection with an error and serves the others. A socket of the `zeromq` crate
//! 0.7.0 reserves what is announced, in one piece, and the failed allocation aborts its process,
//! whether it has bound or connected. It is shown in a child process: this test binary once more,
//! in the role of the victim. The child's address space is limited to 8 GiB, so that the outcome
//! does not depend on how much the machine overcommits.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "helpers of tests")]
#![cfg(test)]

mod common;

use std::process::ExitCode;
use std::time::Duration;

use serde_json::{Value, json};
use testkit::child::Child;
use testkit::{async_tests, harness, process, role};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use zeromq::{Socket, SocketRecv};
use zmtp::net::{self, Error, Listener, ListenerLimits, SendQueueLimits};

use common::{dealer, frame, opening, router, soon};

/// LONG, and 2^46.
const NINE_BYTES: [u8; 9] = [2, 0, 0, 0x40, 0, 0, 0, 0, 0];

/// How long a child may live in any case.
const LIFE: Duration = Duration::from_secs(20);

fn main() -> ExitCode {
    role::play(|role, settings| harness::block_on_one_thread(victim(role, settings)));
    let mut tests = async_tests![
        ours_refuses_them_and_serves_the_others,
        ours_refuses_them_when_it_has_connected,
    ];
    // An abort is a signal, and the limit of memory is set by a shell.
    if cfg!(unix) {
        tests.extend(async_tests![
            zeromq_070_aborts_when_it_has_bound,
            zeromq_070_aborts_when_it_has_connected,
        ]);
    }
    harness::run(tests)
}

fn is_refused<T>(result: Result<T, Error>) -> bool {
    const ANNOUNCED: u64 = 1 << 46;
    let Err(Error::Protocol(error)) = result else { return false };
    matches!(error, zmtp::Error::FrameTooLarge { announced: ANNOUNCED, .. })
}

async fn ours_refuses_them_and_serves_the_others() {
    let limits = ListenerLimits::default();
    let mut listener = Listener::bind(([127, 0, 0, 1], 0).into(), router(), limits).await.unwrap();
    let address = listener.local_addr().unwrap();
    let (mut bad, mut good) =
        (TcpStream::connect(address).await.unwrap(), TcpStream::connect(address).await.unwrap());
    bad.write_all(&opening(&dealer())).await.unwrap();
    let mut from_bad = soon(listener.accept()).await;
    good.write_all(&opening(&dealer())).await.unwrap();
    let mut from_good = soon(listener.accept()).await;

    bad.write_all(&NINE_BYTES).await.unwrap();
    assert!(soon(from_bad.reader.fill()).await.unwrap());
    assert!(is_refused(from_bad.reader.next()));
    drop(from_bad);
    let mut rest = Vec::new();
    soon(bad.read_to_end(&mut rest)).await.unwrap();
    assert_eq!(rest, opening(&router()), "nothing but the handshake, then closed");

    good.write_all(&frame(0, b"alive")).await.unwrap();
    assert!(soon(from_good.reader.fill()).await.unwrap());
    assert_eq!(from_good.reader.next().unwrap().unwrap().frames(), ["alive"]);
}

async fn ours_refuses_them_when_it_has_connected() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let config = dealer();
    let connecting = net::connect(address, &config, SendQueueLimits::default());
    let (connected, _stream) = soon(async { tokio::join!(connecting, attack(&listener)) }).await;
    let mut reader = connected.unwrap().reader;
    let refused = soon(async {
        loop {
            match reader.next() {
                Ok(Some(message)) => panic!("{message:?}"),
                Ok(None) => assert!(reader.fill().await.unwrap(), "closed by the other side"),
                error => return error,
            }
        }
    })
    .await;
    assert!(is_refused(refused));
}

/// Accepts one connection and sends it the nine bytes.
async fn attack(listener: &TcpListener) -> TcpStream {
    let (mut stream, _) = listener.accept().await.unwrap();
    stream.write_all(&[opening(&router()), NINE_BYTES.to_vec()].concat()).await.unwrap();
    stream
}

async fn zeromq_070_aborts_when_it_has_bound() {
    let victim = start("bind", &json!(null));
    let bound = victim.expect(victim.transcript().start(), &json!({ "event": "BOUND" })).await;
    let address = bound.unwrap().report["address"].as_str().unwrap().to_owned();
    let mut stream = TcpStream::connect(address).await.unwrap();
    stream.write_all(&[opening(&dealer()), NINE_BYTES.to_vec()].concat()).await.unwrap();
    // Reads, so that the connection is there until the victim has ended it.
    let _ = soon(stream.read_to_end(&mut Vec::new())).await;
    has_aborted(victim);
}

async fn zeromq_070_aborts_when_it_has_connected() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let victim = start("connect", &json!(listener.local_addr().unwrap()));
    let mut stream = soon(attack(&listener)).await;
    let _ = soon(stream.read_to_end(&mut Vec::new())).await;
    has_aborted(victim);
}

/// Starts a child process with a `zeromq` socket.
fn start(role: &str, settings: &Value) -> Child {
    let inner = role::again(role, settings).unwrap();
    Child::start(role, &mut process::with_limits(&inner, &["-v 8388608", "-c 0"])).unwrap()
}

/// Waits for the end, which must be SIGABRT because the announced memory is not there.
fn has_aborted(mut victim: Child) {
    let (status, said) = victim.blocking_end().unwrap();
    assert!(status.to_string().contains("signal: 6"), "{status}: {said}");
    assert!(said.contains("memory allocation of 7036874"), "{said}");
}

/// The roles of the child process: `bind`, or `connect` to an address.
async fn victim(role: &str, settings: &Value) {
    let _ = tokio::time::timeout(LIFE, async {
        if let ("connect", Some(address)) = (role, settings.as_str()) {
            let mut socket = zeromq::DealerSocket::new();
            let _ = socket.connect(&format!("tcp://{address}")).await;
            let _ = socket.recv().await;
        } else {
            let mut socket = zeromq::RouterSocket::new();
            let endpoint = socket.bind("tcp://127.0.0.1:0").await.unwrap().to_string();
            let address = endpoint.trim_start_matches("tcp://");
            role::report(&json!({ "event": "BOUND", "address": address }));
            let _ = socket.recv().await;
        }
        // Lives on if it can.
        std::future::pending::<()>().await
    })
    .await;
}
