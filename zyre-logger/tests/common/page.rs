//! A `serve` process, and requests to it.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::process::Command;
use std::time::Duration;

use serde_json::Value;
use testkit::child::Child;
use testkit::process::Signal;

use super::program;

/// The process; killed when dropped.
pub struct Page {
    pub child: Child,
    /// Where it is.
    pub address: SocketAddr,
    /// The link that it has printed.
    pub link: String,
}

/// An answer.
#[derive(Debug)]
pub struct Answer {
    pub status: u16,
    /// In small letters.
    pub head: String,
    pub body: String,
}

impl Page {
    /// Starts one, and waits until it is there.
    pub fn start(arguments: &[&str]) -> Self {
        Self::listen("127.0.0.1:0", arguments)
    }

    pub fn listen(address: &str, arguments: &[&str]) -> Self {
        let mut command: Command = program();
        command.args(["serve", "--listen", address]).args(arguments);
        let child = Child::start("serve", &mut command).unwrap();
        let link = |line: &str| {
            line.split_once(" the page is at ")?.1.split(' ').next().map(str::to_owned)
        };
        let link = child.blocking_text(link).unwrap();
        let address = link.trim_start_matches("http://").split('/').next().unwrap();
        let address: SocketAddr = address.parse().unwrap();
        Self { child, address, link }
    }

    /// Opens a connection, with deadlines.
    pub fn connect(&self) -> TcpStream {
        let stream = TcpStream::connect(self.address).unwrap();
        stream.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
        stream
    }

    /// Asks with these headers besides `Host`.
    pub fn ask(&self, path: &str, headers: &[&str]) -> Answer {
        let host = format!("Host: {}", self.address);
        self.say(
            &[&[&*format!("GET {path} HTTP/1.1"), &*host], headers, &["Connection: close"]]
                .concat(),
        )
    }

    /// Says these lines, and reads to the end.
    pub fn say(&self, lines: &[&str]) -> Answer {
        let mut stream = self.connect();
        // The other side may have had enough before all is said.
        let _ = stream.write_all(format!("{}\r\n\r\n", lines.join("\r\n")).as_bytes());
        let mut all = Vec::new();
        let _ = stream.read_to_end(&mut all);
        Answer::read(&String::from_utf8_lossy(&all))
    }

    /// Asks for JSON, which must be there.
    pub fn json(&self, path: &str) -> Value {
        let answer = self.ask(path, &[]);
        assert_eq!(answer.status, 200, "{path}: {answer:?}");
        serde_json::from_str(&answer.body).unwrap_or_else(|error| panic!("{path}: {error}"))
    }

    /// Ends it with care, and waits.
    pub fn stop(mut self) -> String {
        self.child.signal(Signal::Terminate);
        let (status, said) = self.child.blocking_end().unwrap();
        assert!(status.success(), "{status}: {said}");
        said
    }
}

impl Answer {
    fn read(text: &str) -> Self {
        let (head, body) = text.split_once("\r\n\r\n").unwrap_or((text, ""));
        let status = head.split(' ').nth(1).and_then(|word| word.parse().ok()).unwrap_or(0);
        let head = head.to_ascii_lowercase();
        let body = match head.contains("transfer-encoding: chunked") {
            true => body.split("\r\n").skip(1).step_by(2).collect(),
            false => body.to_owned(),
        };
        Self { status, head, body }
    }
}
