//! Where the implementations are on this machine, and the bed on which one case runs.

use std::cell::Cell;
use std::env;
use std::fmt;
use std::net::{Ipv4Addr, TcpListener, UdpSocket};
use std::path::{Path, PathBuf};
use std::process::{self, Command};
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use serde_json::json;

use crate::log::{Failure, Log};
use crate::peer::Peer;

/// What a test returns.
pub(crate) type Outcome = Result<(), Failure>;

/// An implementation of ZRE.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// The `peer` program of this workspace.
    Ours,
    /// Pyre, the Python implementation.
    Pyre,
    /// zyre.js, the JavaScript implementation.
    ZyreJs,
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Ours => "ours",
            Self::Pyre => "pyre",
            Self::ZyreJs => "zyre.js",
        })
    }
}

impl Kind {
    /// The command that runs a peer of this kind, or why there is none.
    fn command(self) -> Result<Command, String> {
        // At run time, because another clone may share the target directory.
        let package = env::var_os("CARGO_MANIFEST_DIR");
        let scripts = package
            .map_or_else(|| PathBuf::from(env!("CARGO_MANIFEST_DIR")), PathBuf::from)
            .join("tests/peers");
        let mut command = match self {
            Self::Ours => {
                let Some(program) = env::var_os("ZYRE_PEER_BIN") else {
                    return Err("ZYRE_PEER_BIN does not name our peer program".to_owned());
                };
                Command::new(existing(PathBuf::from(program))?)
            }
            Self::Pyre => {
                existing(directory().join("venv.stamp"))?;
                let mut command = Command::new(directory().join("venv/bin/python"));
                command.arg(scripts.join("pyre_peer.py"));
                command
            }
            Self::ZyreJs => {
                existing(directory().join("node.stamp"))?;
                let mut command = Command::new("node");
                command.arg(scripts.join("zyrejs_peer.js"));
                command.env("ZYREJS_MODULES", directory().join("node/node_modules"));
                command
            }
        };
        command.args(["--interface", "lo"]);
        Ok(command)
    }
}

/// The directory that `cargo xtask peers` fills. A stamp says which parts of it are complete.
fn directory() -> PathBuf {
    env::var_os("ZYRE_INTEROP_DIR").map_or_else(
        || Path::new(env!("CARGO_TARGET_TMPDIR")).with_file_name("interop"),
        PathBuf::from,
    )
}

fn existing(path: PathBuf) -> Result<PathBuf, String> {
    if path.exists() {
        Ok(path)
    } else {
        Err(format!("{} does not exist; `cargo xtask interop` makes it", path.display()))
    }
}

/// What a node starts with.
#[derive(Default)]
pub(crate) struct Options<'a> {
    pub(crate) groups: &'a [&'a str],
    pub(crate) headers: &'a [(&'a str, &'a str)],
}

/// Peers that see only each other: they share a beacon port with no other case.
pub(crate) struct Bed {
    port: u16,
    log: Arc<Log>,
    started: Cell<usize>,
}

impl Bed {
    /// Starts a peer on the loopback interface.
    pub(crate) fn start(
        &self,
        kind: Kind,
        name: &str,
        options: &Options<'_>,
    ) -> Result<Peer, Failure> {
        let mut command = kind.command().map_err(Failure::new)?;
        command.args(["--port", &self.port.to_string(), "--name", name]);
        if kind == Kind::ZyreJs {
            // It looks for a free port, lets go of it and takes it again: two that start
            // together would take the same one.
            command.args(["--mailbox", &free_port()?.to_string()]);
        }
        for group in options.groups {
            command.args(["--join", group]);
        }
        for (key, value) in options.headers {
            command.args(["--header", &format!("{key}={value}")]);
        }
        let number = self.started.get() + 1;
        self.started.set(number);
        Peer::start(command, kind, name, format!("{number} {name} {kind}"), &self.log)
    }

    /// The time since the case began, as the log counts it.
    pub(crate) fn now(&self) -> Duration {
        self.log.elapsed()
    }

    /// Fails if any peer has reported an EXIT.
    pub(crate) fn no_exit(&self) -> Outcome {
        self.nobody_said("EXIT")
    }

    fn nobody_said(&self, kind: &str) -> Outcome {
        self.log.find(&json!({ "event": kind })).map_or(Ok(()), |(who, event)| {
            Err(Failure::new(format!("{who} printed {event}, which nothing called for")))
        })
    }
}

/// Runs one case on a bed of its own and prints a line about it. The case returns what is worth
/// knowing about a success. Without the peers it needs, the case is skipped, except in CI.
pub(crate) fn run(
    title: &str,
    kinds: &[Kind],
    case: impl FnOnce(&Bed) -> Result<String, Failure>,
) -> Outcome {
    for kind in kinds {
        if let Err(reason) = kind.command() {
            println!("interop: {title:<36} skipped: {reason}");
            let needed = env::var_os("CI").is_some_and(|ci| !ci.is_empty() && ci != "false");
            return if needed { Err(Failure::new(reason)) } else { Ok(()) };
        }
    }
    let bed = Bed { port: free_port()?, log: Arc::new(Log::new()), started: Cell::new(0) };
    let result = case(&bed).and_then(|note| {
        bed.nobody_said("CRASHED")?;
        bed.nobody_said("ERROR")?;
        Ok(note)
    });
    let seconds = bed.log.elapsed().as_secs_f64();
    match result {
        Ok(note) => {
            println!("interop: {title:<36} {seconds:5.2} s  {note}");
            Ok(())
        }
        Err(failure) => {
            println!("interop: {title:<36} {seconds:5.2} s  FAILED");
            Err(failure.with(&bed.log))
        }
    }
}

/// A port that nobody uses now, below those that the kernel hands out, never the same twice.
fn free_port() -> Result<u16, Failure> {
    const FIRST: u32 = 20_000;
    const COUNT: u32 = 12_000;
    static TAKEN: AtomicU32 = AtomicU32::new(0);
    let start = process::id().wrapping_mul(631);
    for _ in 0..COUNT {
        let step = TAKEN.fetch_add(1, Ordering::Relaxed);
        let number = FIRST + start.wrapping_add(step) % COUNT;
        let Ok(port) = u16::try_from(number) else { continue };
        let udp = UdpSocket::bind((Ipv4Addr::UNSPECIFIED, port));
        let tcp = TcpListener::bind((Ipv4Addr::UNSPECIFIED, port));
        if udp.is_ok() && tcp.is_ok() {
            return Ok(port);
        }
    }
    Err(Failure::new("no free port"))
}
