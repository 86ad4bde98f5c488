//! Programs as child processes: lines in, lines out.

#![allow(dead_code, clippy::expect_used, clippy::panic)]

use std::io::{BufRead, BufReader, Read, Write};
use std::net::UdpSocket;
use std::process::{Child, ChildStdin, Command, ExitStatus, Output, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::thread;
use std::time::{Duration, Instant};

/// How long anything may take.
const SOON: Duration = Duration::from_secs(20);

/// A running program. Killed when dropped.
pub(crate) struct Program {
    child: Child,
    stdin: Option<ChildStdin>,
    lines: Receiver<String>,
    transcript: Vec<String>,
}

impl Program {
    /// Starts a program of this package.
    pub(crate) fn start(binary: &str, arguments: &[&str]) -> Self {
        let mut child = Command::new(binary)
            .args(arguments)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("the program starts");
        let stdin = child.stdin.take();
        let stdout = child.stdout.take().expect("piped");
        let (sender, lines) = channel();
        thread::spawn(move || {
            let lines = BufReader::new(stdout).lines().map_while(Result::ok);
            lines.map(|line| sender.send(line)).take_while(Result::is_ok).for_each(drop);
        });
        Self { child, stdin, lines, transcript: Vec::new() }
    }

    /// Its process id.
    pub(crate) fn pid(&self) -> String {
        self.child.id().to_string()
    }

    /// Gives it a line.
    pub(crate) fn say(&mut self, line: &str) {
        let stdin = self.stdin.as_mut().expect("not closed");
        writeln!(stdin, "{line}").expect("the program reads");
    }

    /// Waits for a line that contains all these parts, unless it came already.
    pub(crate) fn sees(&mut self, parts: &[&str]) -> String {
        let fits = |line: &String| parts.iter().all(|part| line.contains(part));
        let deadline = Instant::now() + SOON;
        loop {
            if let Some(line) = self.transcript.iter().find(|line| fits(line)) {
                return line.clone();
            }
            let left = deadline.saturating_duration_since(Instant::now());
            match self.lines.recv_timeout(left) {
                Ok(line) => self.transcript.push(line),
                Err(error) => panic!("no {parts:?} ({error}) in {:#?}", self.transcript),
            }
        }
    }

    /// How many lines so far contain this.
    pub(crate) fn count(&self, part: &str) -> usize {
        self.transcript.iter().filter(|line| line.contains(part)).count()
    }

    /// All lines so far.
    pub(crate) fn transcript(&self) -> &[String] {
        &self.transcript
    }

    /// Ends its input, and waits until it has ended and all its lines are here.
    pub(crate) fn end(&mut self) -> ExitStatus {
        self.stdin = None;
        let deadline = Instant::now() + SOON;
        while let Ok(line) =
            self.lines.recv_timeout(deadline.saturating_duration_since(Instant::now()))
        {
            self.transcript.push(line);
        }
        assert!(Instant::now() < deadline, "it does not end: {:#?}", self.transcript);
        self.child.wait().expect("it was started")
    }

    /// Kills it, as a crash would.
    pub(crate) fn crash(&mut self) {
        self.child.kill().expect("it runs");
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        // It may have ended.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Runs a program that ends by itself.
pub(crate) fn run(binary: &str, arguments: &[&str]) -> Output {
    let mut child = Command::new(binary)
        .args(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the program starts");
    // One that runs on although it should not is stopped by the end of its input.
    drop(child.stdin.take());
    let mut output = Vec::new();
    let mut stderr = child.stderr.take().expect("piped");
    stderr.read_to_end(&mut output).expect("it can be read");
    let mut done = child.wait_with_output().expect("it ends");
    done.stderr = output;
    done
}

/// A UDP port that is free on the loopback interface, for the beacons of one test.
pub(crate) fn free_port() -> String {
    let socket = UdpSocket::bind("127.0.0.1:0").expect("there is a free port");
    socket.local_addr().expect("bound").port().to_string()
}
