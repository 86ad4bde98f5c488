//! A socket of libzmq in a process of its own, by way of pyzmq.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::process::Command;

use testkit::hex;
use testkit::process::{Heard, Process};
use tokio::sync::mpsc::{UnboundedReceiver, unbounded_channel};

use super::soon;

pub const ANY: SocketAddr = SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), 0);

/// A socket of libzmq. Ended when dropped.
pub struct Theirs {
    process: Process,
    said: UnboundedReceiver<String>,
    /// What has come in before the answer to a command.
    got: Vec<Vec<Vec<u8>>>,
}

impl Theirs {
    /// Starts one of some kind that connects. The keys are those that the script takes.
    pub async fn connect(kind: &str, to: SocketAddr, keys: &[String]) -> Self {
        let mut theirs = Self::start(&[kind, "connect", &format!("tcp://{to}")], keys);
        theirs.version().await;
        theirs
    }

    /// Starts one of some kind that listens. Returns also where.
    pub async fn bind(kind: &str, keys: &[String]) -> (Self, SocketAddr) {
        let mut theirs = Self::start(&[kind, "bind", "tcp://127.0.0.1:*"], keys);
        theirs.version().await;
        let said = theirs.line().await;
        let address = said.strip_prefix("at tcp://").unwrap().parse().unwrap();
        (theirs, address)
    }

    fn start(socket: &[&str], keys: &[String]) -> Self {
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/peers/libzmq.py");
        let mut command = Command::new(python());
        command.arg(script).args(socket).args(keys);
        let (sender, said) = unbounded_channel();
        let process = Process::start("libzmq", &mut command, move |heard| {
            if let Heard::Output(line) = heard {
                // A test that is over hears no more.
                let _ = sender.send(line);
            }
        });
        Self { process: process.unwrap(), said, got: Vec::new() }
    }

    async fn version(&mut self) {
        let said = self.line().await;
        println!("libzmq {}", said.strip_prefix("version ").unwrap());
    }

    async fn line(&mut self) -> String {
        soon(self.said.recv()).await.expect("it has ended")
    }

    /// Has it do something, and waits until it is done.
    pub async fn order(&mut self, verb: &str, frames: &[&[u8]]) {
        let word = |frame: &&[u8]| match frame {
            [] => "-".to_owned(),
            bytes => hex::encode(bytes),
        };
        let frames: Vec<String> = frames.iter().map(word).collect();
        self.process.say(format_args!("{verb} {}", frames.join(" "))).unwrap();
        loop {
            let said = self.line().await;
            if said == "ok" {
                return;
            }
            self.take(&said);
        }
    }

    fn take(&mut self, said: &str) {
        let frames = said.strip_prefix("got ").unwrap_or_else(|| panic!("{said}"));
        let frame = |word| if word == "-" { Vec::new() } else { hex::decode(word) };
        self.got.push(frames.split(' ').map(frame).collect());
    }

    /// The next message that has come in.
    pub async fn next(&mut self) -> Vec<Vec<u8>> {
        while self.got.is_empty() {
            let said = self.line().await;
            self.take(&said);
        }
        self.got.remove(0)
    }

    /// The next message that has come in, which has one frame.
    pub async fn next_frame(&mut self) -> Vec<u8> {
        let [frame] = <[Vec<u8>; 1]>::try_from(self.next().await).expect("one frame");
        frame
    }
}

fn python() -> PathBuf {
    let directory = std::env::var_os("ZYRE_INTEROP_DIR").map_or_else(
        || Path::new(env!("CARGO_TARGET_TMPDIR")).with_file_name("interop"),
        PathBuf::from,
    );
    let python = directory.join("venv/bin/python");
    assert!(python.exists(), "{} does not exist; `cargo xtask interop` makes it", python.display());
    python
}
