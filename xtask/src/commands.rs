//! Running other programs.

use std::env;
use std::ffi::OsString;
use std::fs::{self, File};
use std::io;
use std::path::Path;
use std::process::{Command, ExitStatus, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use crate::workspace;

/// The number of attempts at an installation when the network is at fault.
const ATTEMPTS: usize = 3;
/// The time limit of one attempt, a build of a native module included.
const ATTEMPT: Duration = Duration::from_secs(300);
/// What installers write when the network, not the machine, is at fault.
const NETWORK_TROUBLE: [&str; 9] = [
    "timed out",
    "timeout",
    "etimedout",
    "econnreset",
    "econnrefused",
    "eai_again",
    "socket hang up",
    "connection broken",
    "connection aborted",
];

/// Returns the cargo that runs us, or else the one in the path.
pub(crate) fn cargo_program() -> OsString {
    env::var_os("CARGO").unwrap_or_else(|| "cargo".into())
}

/// Returns cargo with these arguments, at the root of the workspace.
pub(crate) fn cargo(arguments: &str) -> Command {
    in_workspace(Command::new(cargo_program()), arguments)
}

/// Returns the cargo of this toolchain, as [`cargo`].
pub(crate) fn cargo_of(toolchain: &str, arguments: &str) -> Command {
    let mut command = Command::new("rustup");
    command.args(["run", toolchain, "cargo"]);
    in_workspace(command, arguments)
}

fn in_workspace(mut cargo: Command, arguments: &str) -> Command {
    cargo.args(arguments.split_whitespace());
    cargo.current_dir(workspace::root()).env("CARGO_TARGET_DIR", workspace::target());
    cargo
}

/// Runs a command that shows its output to the user.
pub(crate) fn run(command: &mut Command) -> Result<(), String> {
    let status = command.stdin(Stdio::null()).status();
    let status = status.map_err(|error| format!("{}: {error}", name(command)))?;
    succeeded(command, status)
}

/// Runs a command, and returns what comes on standard output. Errors are shown to the user.
pub(crate) fn capture(command: &mut Command) -> Result<String, String> {
    let output = command.stdin(Stdio::null()).stderr(Stdio::inherit()).output();
    let output = output.map_err(|error| format!("{}: {error}", name(command)))?;
    succeeded(command, output.status)?;
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}

/// Returns what a command prints, without the line end; nothing if it cannot be run or fails.
pub(crate) fn answer(command: &mut Command) -> Option<String> {
    let output = command.stdin(Stdio::null()).stderr(Stdio::null()).output().ok()?;
    let text = String::from_utf8_lossy(&output.stdout).trim().to_owned();
    (output.status.success() && !text.is_empty()).then_some(text)
}

/// Returns whether the program can be found.
pub(crate) fn exists(program: &str) -> bool {
    let path = env::var_os("PATH").unwrap_or_default();
    env::split_paths(&path).any(|directory| directory.join(program).is_file())
}

/// Runs an installer with its output in a file, and again if the network was at fault.
pub(crate) fn install(command: &mut Command, output: &Path) -> Result<(), String> {
    let mut attempt = 1;
    loop {
        let started = Instant::now();
        let error = match attempt_install(command, output) {
            Ok(()) => return Ok(()),
            Err(error) => error,
        };
        let written = fs::read(output).unwrap_or_default();
        let written = String::from_utf8_lossy(&written);
        let lower = written.to_lowercase();
        let network = NETWORK_TROUBLE.iter().any(|trouble| lower.contains(trouble))
            || started.elapsed() >= ATTEMPT;
        if !network || attempt == ATTEMPTS {
            let lines: Vec<&str> = written.lines().collect();
            let tail = lines[lines.len().saturating_sub(25)..].join("\n");
            eprintln!("{tail}");
            return Err(format!("{error}; all of its output is in {}", output.display()));
        }
        attempt += 1;
        eprintln!("{error}; attempt {attempt} of {ATTEMPTS}");
    }
}

fn attempt_install(command: &mut Command, output: &Path) -> Result<(), String> {
    let status = wait_with_limit(command, output, ATTEMPT);
    let status = status.map_err(|error| format!("{}: {error}", name(command)))?;
    succeeded(command, status)
}

/// Runs a command with its output in a file, and kills it after `limit`.
pub(crate) fn wait_with_limit(
    command: &mut Command,
    output: &Path,
    limit: Duration,
) -> io::Result<ExitStatus> {
    let file = File::create(output)?;
    command.stdin(Stdio::null()).stdout(file.try_clone()?).stderr(file);
    let mut child = command.spawn()?;
    let deadline = Instant::now() + limit;
    loop {
        if let Some(status) = child.try_wait()? {
            return Ok(status);
        }
        if Instant::now() > deadline {
            child.kill()?;
            return child.wait();
        }
        thread::sleep(Duration::from_millis(50));
    }
}

fn succeeded(command: &Command, status: ExitStatus) -> Result<(), String> {
    if status.success() { Ok(()) } else { Err(format!("{} ended with {status}", name(command))) }
}

/// Returns the command as one would type it, without its directory.
fn name(command: &Command) -> String {
    let program = Path::new(command.get_program());
    let mut words = vec![program.file_name().unwrap_or(program.as_os_str()).to_string_lossy()];
    words.extend(command.get_args().map(|argument| argument.to_string_lossy()));
    words.join(" ")
}
