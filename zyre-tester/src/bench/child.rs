//! One measurement in a process of its own, which is ended when it takes too long.

use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use tokio::process::Command;

use super::figures::Figures;
use super::implementation::Implementation;
use super::work::{Way, Work};

/// What a child gets beyond its own deadline, so that it can say itself what it waited for.
const GRACE: Duration = Duration::from_secs(5);

/// Where and how long.
#[derive(Debug)]
pub(super) struct Place {
    /// The interface of the nodes.
    pub(super) interface: String,
    /// For one run.
    pub(super) deadline: Duration,
}

/// Something that can be measured.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Contender {
    /// By this program.
    Here(Implementation),
    /// By another that takes the arguments of zbench.c and prints its line.
    Program(PathBuf),
}

impl Contender {
    /// The name in figures.
    pub(super) fn name(&self) -> String {
        match self {
            Self::Here(implementation) => implementation.name().to_owned(),
            Self::Program(path) => match path.file_name() {
                Some(name) => name.to_string_lossy().into_owned(),
                None => path.display().to_string(),
            },
        }
    }

    /// Measures once.
    ///
    /// # Errors
    /// The process cannot be started, fails, takes too long, or does not say what it measured.
    pub(super) async fn measure(&self, work: Work, place: &Place) -> Result<Figures, String> {
        let mut command = match self {
            Self::Here(implementation) => ourselves(*implementation, work, place)?,
            Self::Program(path) if is_known_to_zbench(work) => foreign(path, work),
            Self::Program(_) => return Ok(Figures::impossible("zbench.c does not measure it")),
        };
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        command.kill_on_drop(true);
        let child = command.spawn().map_err(|error| format!("cannot be started: {error}"))?;
        let limit = place.deadline + GRACE;
        let output = tokio::time::timeout(limit, child.wait_with_output())
            .await
            .map_err(|_| format!("hangs: killed after {} s", limit.as_secs()))?
            .map_err(|error| format!("cannot be waited for: {error}"))?;
        if !output.status.success() {
            let said = String::from_utf8_lossy(&output.stderr);
            return Err(format!("{}: {}", output.status, said.trim()));
        }
        let said = String::from_utf8_lossy(&output.stdout);
        Figures::read(said.lines().last().unwrap_or_default())
    }
}

/// This program, to measure once.
fn ourselves(who: Implementation, work: Work, place: &Place) -> Result<Command, String> {
    let program = std::env::current_exe().map_err(|error| format!("who am I? {error}"))?;
    let mut command = Command::new(program);
    command.args(["bench", work.mode(), "--only", who.name(), "--interface", &place.interface]);
    command.args(["--deadline", &place.deadline.as_secs().to_string()]);
    for (name, size) in work.sizes() {
        command.args([format!("--{name}"), size.to_string()]);
    }
    Ok(command)
}

/// Whether zbench.c does this work.
const fn is_known_to_zbench(work: Work) -> bool {
    match work {
        Work::Whisper { way: Way::There, .. } => true,
        Work::Whisper { way: Way::Back | Way::Both, .. } => false,
        Work::Rtt { .. } | Work::Shout { .. } | Work::Mesh { .. } => true,
        Work::Discovery { .. } | Work::Log { .. } => false,
    }
}

/// A program like zbench.c.
fn foreign(path: &Path, work: Work) -> Command {
    let mut command = Command::new(path);
    command.arg(work.mode());
    command.args(work.sizes().iter().map(|(_, size)| size.to_string()));
    command
}
