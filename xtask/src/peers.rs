//! `cargo xtask peers`: the other implementations, installed below the target directory.
//!
//! pyre gets its own Python environment, zyre.js a folder of node modules. A stamp beside each says
//! which version was installed completely; what has no stamp or another one is installed again.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::commands::{answer, exists, install};
use crate::place::{Place, absent};
use crate::workspace;

const PYRE: &str = "zeromq-pyre==0.3.4";
const ZYREJS_VERSION: &str = "1.3.0";

/// The peers that are installed, and why others are not.
pub(crate) struct Peers {
    /// The directory that holds `venv` and `node`.
    pub(crate) directory: PathBuf,
    pyre: Result<(), String>,
    zyrejs: Result<(), String>,
}

impl Peers {
    /// Returns both, with their names and the names of their stamps.
    fn each(&self) -> [(&'static str, &'static str, &Result<(), String>); 2] {
        [("pyre", "venv.stamp", &self.pyre), ("zyre.js", "node.stamp", &self.zyrejs)]
    }

    /// Returns whether there is a Python environment with pyre, and so with pyzmq.
    pub(crate) const fn has_python(&self) -> bool {
        self.pyre.is_ok()
    }

    /// Returns which implementations had to be left out, and why.
    pub(crate) fn left_out(&self) -> Option<String> {
        let reasons: Vec<String> = self
            .each()
            .iter()
            .filter_map(|(name, _, state)| {
                state.as_ref().err().map(|reason| format!("{name} skipped: {reason}"))
            })
            .collect();
        (!reasons.is_empty()).then(|| reasons.join("; "))
    }
}

/// Prepares the peers and prints where they are.
///
/// # Errors
/// One had to be left out.
pub(crate) fn run() -> Result<(), String> {
    let peers = prepare()?;
    println!("ZYRE_INTEROP_DIR={}", peers.directory.display());
    peers.left_out().map_or(Ok(()), Err)
}

/// Installs what is not there yet.
///
/// # Errors
/// The directory cannot be made. A peer that cannot be installed is left out.
pub(crate) fn prepare() -> Result<Peers, String> {
    let directory = workspace::target().join("interop");
    fs::create_dir_all(&directory).map_err(|error| format!("{}: {error}", directory.display()))?;
    let (pyre, zyrejs) = (pyre(&directory), zyrejs(&directory));
    let peers = Peers { directory, pyre, zyrejs };
    for (name, stamp, state) in peers.each() {
        match state {
            Ok(()) => println!("{name}: ready"),
            Err(reason) => {
                println!("{name}: skipped: {reason}");
                // What was once complete cannot be used now, and the tests go by the stamp.
                let stamp = peers.directory.join(stamp);
                absent(fs::remove_file(&stamp))
                    .map_err(|error| format!("{}: {error}", stamp.display()))?;
            }
        }
    }
    Ok(peers)
}

/// Installs a Python environment with pyre.
fn pyre(directory: &Path) -> Result<(), String> {
    let version = answer(Command::new("python3").arg("--version"));
    let version = version.ok_or("there is no python3 (Debian: python3, python3-venv)")?;
    let place = Place::new(directory, "venv", &format!("{PYRE} on {version}"));
    place.fill(|venv| {
        let python = venv.join("bin/python");
        let output = directory.join("venv.log");
        install(Command::new("python3").args(["-m", "venv"]).arg(venv), &output)
            .map_err(|error| format!("{error} (Debian: python3-venv)"))?;
        let pip = ["-m", "pip", "install", "--no-input", "--disable-pip-version-check", PYRE];
        install(Command::new(&python).args(pip), &output)?;
        install(Command::new(&python).args(["-c", "import pyre, zmq"]), &output)
    })
}

/// Installs a folder of node modules with zyre.js.
///
/// Its ZeroMQ module is built against libzmq and node headers of the system, because its own build
/// would download both.
fn zyrejs(directory: &Path) -> Result<(), String> {
    let executable = answer(Command::new("node").args(["-p", "process.execPath"]));
    let executable = executable.ok_or("there is no node (Debian: nodejs, npm)")?;
    let version = answer(Command::new("node").arg("--version")).unwrap_or_default();
    let prefix = Path::new(&executable).ancestors().nth(2);
    let prefix = prefix.ok_or_else(|| format!("node is at an odd place: {executable}"))?;

    let headers = prefix.join("include/node/node.h");
    let zmq_header = ["/usr/include/zmq.h", "/usr/local/include/zmq.h"]
        .iter()
        .any(|path| Path::new(path).exists());
    let missing: Vec<&str> = [
        (exists("npm"), "npm"),
        (exists("python3"), "python3"),
        (exists("g++"), "g++"),
        (exists("make"), "make"),
        (zmq_header, "libzmq3-dev"),
        (headers.exists(), "libnode-dev"),
    ]
    .into_iter()
    .filter_map(|(there, package)| (!there).then_some(package))
    .collect();
    if !missing.is_empty() {
        return Err(format!("missing Debian packages: {}", missing.join(" ")));
    }

    let place = Place::new(directory, "node", &format!("zyre.js@{ZYREJS_VERSION} on {version}"));
    place.fill(|folder| {
        let output = directory.join("node.log");
        let manifest = format!(
            r#"{{"private":true,"dependencies":{{"zyre.js":"{ZYREJS_VERSION}"}},"allowScripts":{{"zeromq":true}}}}"#
        );
        fs::create_dir_all(folder)
            .and_then(|()| fs::write(folder.join("package.json"), manifest))
            .map_err(|error| format!("{}: {error}", folder.display()))?;
        let mut npm = Command::new("npm");
        npm.args(["install", "--no-audit", "--no-fund"]).current_dir(folder);
        npm.env("npm_config_zmq_external", "true").env("npm_config_nodedir", prefix);
        install(&mut npm, &output)?;
        let mut check = Command::new("node");
        install(check.args(["-e", "require('zyre.js')"]).current_dir(folder), &output)
    })
}
