//! A `collect` process.

use std::net::SocketAddr;
use std::path::Path;

use testkit::child::Child;
use testkit::process::Signal;
use zyre_logger::{Store, Stored};

use super::program;

/// The process; killed when dropped.
pub struct Collector {
    child: Child,
    /// Where it takes lines.
    pub address: SocketAddr,
}

impl Collector {
    /// Starts one on loopback, and waits until it takes lines.
    pub fn start(db: &Path, port: u16, more: &[&str]) -> Self {
        let mut command = program();
        command.args(["collect", "--interface", "lo", "--port", &port.to_string(), "--db"]);
        let child = Child::start("collect", command.arg(db).args(more)).unwrap();
        let address = |line: &str| line.split_whitespace().find_map(|word| word.parse().ok());
        let address = child.blocking_text(address).unwrap();
        Self { child, address }
    }

    /// Waits until it has printed a line with this text.
    pub fn prints(&self, text: &str) {
        self.child.blocking_text(|line| line.contains(text).then_some(())).unwrap();
    }

    /// Ends it with care. Returns what it said.
    pub fn stop(self) -> String {
        self.signal(Signal::Terminate)
    }

    /// Sends a signal, and waits for the end, which must be a success.
    pub fn signal(mut self, signal: Signal) -> String {
        self.child.signal(signal);
        let (status, said) = self.child.blocking_end().unwrap();
        assert!(status.success(), "{status}: {said}");
        said
    }

    /// Ends it as `kill -9` does.
    pub fn kill(mut self) {
        self.child.kill();
    }
}

/// All records of a file that hold a text.
pub fn records(db: &Path, text: &str) -> Vec<Stored> {
    let all = Store::open(db).expect("the file opens").after(0, usize::MAX).expect("it is read");
    all.into_iter().filter(|stored| stored.record.data.contains(text)).collect()
}
