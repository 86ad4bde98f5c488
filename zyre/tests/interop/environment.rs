//! Where the implementations are on this machine, and the bed on which one case runs.

use std::cell::Cell;
use std::env;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;

use serde_json::{Value, json};
use testkit::failure::{Failure, Result};
use testkit::transcript::Transcript;
use testkit::wait::free_port;

use crate::kind::Kind;
use crate::peer::Peer;

impl Kind {
    /// The command that runs a peer of this kind, or why there is none.
    fn command(self) -> std::result::Result<Command, String> {
        // At run time, because another clone may share the target directory.
        let package = env::var_os("CARGO_MANIFEST_DIR");
        let scripts = package
            .map_or_else(|| PathBuf::from(env!("CARGO_MANIFEST_DIR")), PathBuf::from)
            .join("tests/peers");
        let mut command = match self {
            Self::Ours => {
                let Some(program) = env::var_os("ZYRE_BIN") else {
                    return Err("ZYRE_BIN does not name the command zyre".to_owned());
                };
                let mut command = Command::new(existing(PathBuf::from(program))?);
                command.arg("peer");
                command
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

fn existing(path: PathBuf) -> std::result::Result<PathBuf, String> {
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
    /// Arguments for our node.
    pub(crate) arguments: &'a [&'a str],
    /// The TCP port of the mailbox, for those that let it be chosen; else any.
    pub(crate) mailbox: Option<u16>,
}

/// Peers that see only each other: they share a beacon port with no other case.
pub(crate) struct Bed {
    port: u16,
    transcript: Arc<Transcript>,
    started: Cell<usize>,
}

impl Bed {
    /// Starts a peer on the loopback interface.
    pub(crate) fn start(&self, kind: Kind, name: &str, options: &Options<'_>) -> Result<Peer> {
        let mut command = kind.command().map_err(Failure::new)?;
        command.args(["--port", &self.port.to_string(), "--name", name]);
        if kind == Kind::ZyreJs {
            // It looks for a free port, lets go of it and takes it again: two that start
            // together would take the same one.
            let mailbox = options.mailbox.unwrap_or_else(free_port);
            command.args(["--mailbox", &mailbox.to_string()]);
        }
        command.args(options.arguments);
        for group in options.groups {
            command.args(["--join", group]);
        }
        for (key, value) in options.headers {
            command.args(["--header", &format!("{key}={value}")]);
        }
        let number = self.started.get() + 1;
        self.started.set(number);
        Peer::start(command, kind, name, &format!("{number} {name} {kind}"), &self.transcript)
    }

    /// Fails if any peer has reported an EXIT.
    pub(crate) fn no_exit(&self) -> Result<()> {
        self.nobody_said(&json!({ "event": "EXIT" }))
    }

    /// Fails if any peer has reported an EXIT of this one.
    pub(crate) fn no_exit_of(&self, peer: &Peer) -> Result<()> {
        self.nobody_said(&json!({ "event": "EXIT", "peer": peer.id }))
    }

    fn nobody_said(&self, pattern: &Value) -> Result<()> {
        match self.transcript.find(pattern) {
            None => Ok(()),
            Some((who, event)) => {
                Err(Failure::new(format!("{who} printed {event}, which nothing called for")))
            }
        }
    }
}

/// Returns why there is no peer of one of these kinds, if so.
pub(crate) fn missing(kinds: &[Kind]) -> Option<String> {
    kinds.iter().find_map(|kind| kind.command().err())
}

/// Runs one case on a bed of its own and prints a line about it. The case returns what is worth
/// knowing about a success.
pub(crate) fn run(title: &str, case: impl FnOnce(&Bed) -> Result<String>) {
    let transcript = Transcript::new();
    let bed = Bed { port: free_port(), transcript, started: Cell::new(0) };
    let result = case(&bed).and_then(|note| {
        bed.nobody_said(&json!({ "event": "CRASHED" }))?;
        bed.nobody_said(&json!({ "event": "ERROR" }))?;
        Ok(note)
    });
    let seconds = bed.transcript.start().at.elapsed().as_secs_f64();
    match result {
        Ok(note) => println!("interop: {title:<36} {seconds:5.2} s  {note}"),
        Err(failure) => panic!("{title}: after {seconds:.2} s: {failure}\n{}", bed.transcript),
    }
}
