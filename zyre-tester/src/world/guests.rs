//! Nodes of other programs that join in: pyre, and the release before.

use std::env;
use std::path::PathBuf;
use std::process::Command;

use rand::RngExt;
use rand::rngs::StdRng;
use serde_json::Value;

use super::kind::Kind;
use super::options::Options;
use super::topology::Topology;

/// The program that lets a node of pyre be driven by lines.
const PYRE_PEER: &str =
    include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/../zyre/tests/peers/pyre_peer.py"));

/// With an interpreter, and no number of pyre nodes, at most one host in this number has one.
const PYRE_SHARE: u8 = 4;

/// The programs of the guests.
#[derive(Clone, Debug, Default)]
pub(super) struct Guests {
    /// The zyre-tester of the release before.
    half_by: Option<PathBuf>,
    /// A Python that has pyre.
    python: Option<PathBuf>,
}

impl Guests {
    /// Invites as many as the options say to hosts that chance chooses, and tells the topology.
    ///
    /// # Errors
    /// Nobody has said where a program is.
    pub(super) fn invite(
        options: &Options,
        rng: &mut StdRng,
        topology: &mut Topology,
    ) -> Result<Self, String> {
        let pyre = match (options.pyre, &options.python) {
            (Some(number), _) => number,
            (None, Some(_)) => rng.random_range(1..=(options.hosts / PYRE_SHARE).max(1)),
            (None, None) => 0,
        };
        let python = if pyre == 0 { None } else { Some(python(options)?) };
        topology.settle(rng, Kind::Pyre, pyre.into());
        let half_by = options.half_by.clone();
        if half_by.is_some() {
            topology.settle(rng, Kind::Old, usize::from(options.hosts / 2));
        }
        Ok(Self { half_by, python })
    }

    /// Returns whether nodes of the release before are among them.
    pub(super) const fn include_old(&self) -> bool {
        self.half_by.is_some()
    }

    /// Returns the command that runs the program of a guest, which lives on this interface; `None`
    /// if no such guest is invited.
    pub(super) fn command(&self, kind: Kind, interface: &str, settings: &Value) -> Option<Command> {
        let name = settings["name"].as_str().unwrap_or_default();
        match kind {
            Kind::TwoWay | Kind::Plain => None,
            Kind::Old => {
                let mut command = Command::new(self.half_by.as_ref()?);
                // Its clock begins at any time.
                command.args(["chaos", "--hold", "0", "--port", "5670"]);
                command.args(["--interface", interface]);
                Some(command)
            }
            Kind::Pyre => {
                let mut command = Command::new(self.python.as_ref()?);
                command.args(["-c", PYRE_PEER, "--name", name, "--interface", interface]);
                command.args(["--join", "group-0", "--join", "group-1"]);
                let (header, value) = super::node::PYRE;
                command.args(["--header", &format!("{header}={value}")]);
                Some(command)
            }
        }
    }
}

/// Returns the interpreter.
fn python(options: &Options) -> Result<PathBuf, String> {
    let made = || Some(PathBuf::from(env::var_os("ZYRE_INTEROP_DIR")?).join("venv/bin/python"));
    let python = options.python.clone().or_else(made).ok_or(
        "no Python with pyre: name one by --python; `cargo xtask peers` makes one, and says where",
    )?;
    let output = Command::new(&python).args(["-c", "import pyre, zmq"]).output();
    let output = output.map_err(|error| format!("{}: {error}", python.display()))?;
    if output.status.success() {
        return Ok(python);
    }
    let said = String::from_utf8_lossy(&output.stderr);
    let said = said.lines().last().unwrap_or_default();
    Err(format!(
        "{} has no pyre (`cargo xtask peers` makes one that has): {said}",
        python.display()
    ))
}
