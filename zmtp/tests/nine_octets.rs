//! Why this crate exists: nine octets after a valid handshake, the header of a frame that
//! announces 2^46 octets, from any host that can connect.
//!
//! Ours closes that connection with an error and serves the others. A socket of the `zeromq` crate
//! 0.7.0 reserves what is announced, in one piece, and the failed allocation aborts its process,
//! whether it has bound or connected. It is shown in a child process: this test binary once more,
//! with an environment variable that makes it play the victim. The child's address space is
//! limited to 8 GiB, so that the outcome does not depend on how much the machine overcommits.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "helpers of tests")]
#![cfg(all(unix, feature = "net"))]

mod common;

use std::{
    io::{BufRead, BufReader, Read},
    os::unix::process::ExitStatusExt,
    process::{Child, Command, ExitStatus, Stdio},
    time::{Duration, Instant},
};

use common::{dealer, frame, opening, router, soon};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
};
use zeromq::{Socket, SocketRecv};
use zmtp::net::{self, Error, Listener, ListenerLimits, Outbox, OutboxLimits};

/// LONG, and 2^46.
const NINE_OCTETS: [u8; 9] = [2, 0, 0, 0x40, 0, 0, 0, 0, 0];

/// What the child is to do: `bind`, or `connect` and an address.
const ROLE: &str = "ZMTP_TEST_VICTIM";

/// How long a child may live in any case.
const LIFE: Duration = Duration::from_secs(20);

fn is_refused<T>(result: Result<T, Error>) -> bool {
    let announced = 1 << 46;
    matches!(result, Err(Error::Protocol(zmtp::Error::FrameTooLarge { announced: a, .. })) if a == announced)
}

#[tokio::test]
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

    bad.write_all(&NINE_OCTETS).await.unwrap();
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

#[tokio::test]
async fn ours_refuses_them_when_it_has_connected() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let outbox = Outbox::new(OutboxLimits::default());
    let config = dealer();
    let (connected, _stream) =
        soon(async { tokio::join!(net::connect(address, &config, &outbox), attack(&listener)) })
            .await;
    let (mut reader, _) = connected.unwrap();
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

/// Accepts one connection and sends it the nine octets.
async fn attack(listener: &TcpListener) -> TcpStream {
    let (mut stream, _) = listener.accept().await.unwrap();
    stream.write_all(&[opening(&router()), NINE_OCTETS.to_vec()].concat()).await.unwrap();
    stream
}

#[test]
fn zeromq_070_aborts_when_it_has_bound() {
    let mut victim = Victim::start("bind");
    let address = victim.line();
    let mut stream = std::net::TcpStream::connect(address).unwrap();
    std::io::Write::write_all(&mut stream, &[opening(&dealer()), NINE_OCTETS.to_vec()].concat())
        .unwrap();
    // Reads, so that the connection is there until the victim has ended it.
    let _ = stream.read_to_end(&mut Vec::new());
    victim.has_aborted();
}

#[test]
fn zeromq_070_aborts_when_it_has_connected() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let listener = runtime.block_on(TcpListener::bind("127.0.0.1:0")).unwrap();
    let mut victim = Victim::start(&format!("connect {}", listener.local_addr().unwrap()));
    let mut stream = runtime.block_on(soon(attack(&listener)));
    let _ = runtime.block_on(soon(stream.read_to_end(&mut Vec::new())));
    victim.has_aborted();
}

/// A child process with a `zeromq` socket. Killed when dropped.
struct Victim {
    child: Child,
    started: Instant,
}

impl Victim {
    fn start(role: &str) -> Self {
        let child = Command::new("/bin/sh")
            .args(["-c", "ulimit -v 8388608; ulimit -c 0; exec \"$0\" \"$@\""])
            .arg(std::env::current_exe().unwrap())
            .args(["--exact", "victim", "--ignored", "--nocapture", "--test-threads=1"])
            .env(ROLE, role)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        Self { child, started: Instant::now() }
    }

    /// What the victim says, past what the test harness says. The victim ends by itself after
    /// [`LIFE`], and then there is no such line.
    fn line(&mut self) -> String {
        let lines = BufReader::new(self.child.stdout.take().unwrap()).lines();
        lines
            .map_while(Result::ok)
            .find_map(|line| line.split_once("victim at tcp://").map(|(_, a)| a.to_owned()))
            .expect("the victim did not say where it is")
    }

    /// Waits for the end, which must be SIGABRT for want of the announced memory.
    fn has_aborted(&mut self) {
        let status = self.end();
        let mut said = String::new();
        self.child.stderr.take().unwrap().read_to_string(&mut said).unwrap();
        assert_eq!(status.signal(), Some(6), "{status}: {said}");
        assert!(said.contains("memory allocation of 7036874"), "{said}");
    }

    fn end(&mut self) -> ExitStatus {
        loop {
            if let Some(status) = self.child.try_wait().unwrap() {
                return status;
            }
            assert!(self.started.elapsed() < LIFE, "the victim lives on");
            std::thread::sleep(Duration::from_millis(5));
        }
    }
}

impl Drop for Victim {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Not a test: the body of the child process.
#[tokio::test]
#[ignore = "played by the child process of the tests above"]
async fn victim() {
    let Ok(role) = std::env::var(ROLE) else { return };
    let _ = tokio::time::timeout(LIFE, async {
        match role.strip_prefix("connect ") {
            Some(address) => {
                let mut socket = zeromq::DealerSocket::new();
                let _ = socket.connect(&format!("tcp://{address}")).await;
                let _ = socket.recv().await;
            }
            None => {
                let mut socket = zeromq::RouterSocket::new();
                println!("victim at {}", socket.bind("tcp://127.0.0.1:0").await.unwrap());
                let _ = socket.recv().await;
            }
        }
        // Lives on if it can.
        std::future::pending::<()>().await
    })
    .await;
}
