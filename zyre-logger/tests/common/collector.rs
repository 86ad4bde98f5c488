//! A `collect` process.

use std::io::{BufRead, BufReader, Read};
use std::net::SocketAddr;
use std::path::Path;
use std::process::{Child, ChildStderr, Command, Stdio};
use std::time::{Duration, Instant};

use zyre_logger::{Store, Stored};

use super::program;

/// No test waits longer than this for anything that must happen.
pub const DEADLINE: Duration = Duration::from_secs(30);

/// Waits until `check` holds.
pub fn until(what: &str, mut check: impl FnMut() -> bool) {
    let begin = Instant::now();
    while !check() {
        assert!(begin.elapsed() < DEADLINE, "waited in vain: {what}");
        std::thread::sleep(Duration::from_millis(10));
    }
}

/// The process; killed when dropped.
pub struct Collector {
    child: Child,
    stderr: BufReader<ChildStderr>,
    /// Where it takes lines.
    pub address: SocketAddr,
}

impl Collector {
    /// Starts one on loopback, and waits until it takes lines.
    pub fn start(db: &Path, port: u16, more: &[&str]) -> Self {
        Self::printing(db, port, more, Stdio::null())
    }

    /// The same with a standard output.
    pub fn printing(db: &Path, port: u16, more: &[&str], stdout: impl Into<Stdio>) -> Self {
        let mut child = program()
            .args(["collect", "--interface", "lo", "--port", &port.to_string(), "--db"])
            .arg(db)
            .args(more)
            .stdout(stdout)
            .stderr(Stdio::piped())
            .spawn()
            .expect("the program starts");
        let mut stderr = BufReader::new(child.stderr.take().expect("piped"));
        let mut line = String::new();
        stderr.read_line(&mut line).expect("it says where it is");
        let address = line.split_whitespace().find_map(|word| word.parse().ok());
        let address = address.unwrap_or_else(|| panic!("no address in {line:?}"));
        Self { child, stderr, address }
    }

    /// Ends it with care. Returns what it said since it began.
    pub fn stop(self) -> String {
        self.signal("TERM")
    }

    /// Sends a signal, and waits for the end, which must be a success.
    pub fn signal(mut self, name: &str) -> String {
        let id = self.child.id().to_string();
        let killed = Command::new("kill").args([&format!("-{name}"), &id]).status();
        assert!(killed.expect("kill runs").success());
        let mut said = String::new();
        self.stderr.read_to_string(&mut said).expect("it speaks UTF-8");
        let status = self.child.wait().expect("it ends");
        assert!(status.success(), "{status}: {said}");
        said
    }

    /// Ends it as `kill -9` does.
    pub fn kill(mut self) {
        self.child.kill().expect("it is killed");
        self.child.wait().expect("it ends");
    }
}

impl Drop for Collector {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// All records of a file that hold a text.
pub fn records(db: &Path, text: &str) -> Vec<Stored> {
    let all = Store::open(db).expect("the file opens").after(0, usize::MAX).expect("it is read");
    all.into_iter().filter(|stored| stored.record.data.contains(text)).collect()
}
