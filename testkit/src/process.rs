//! A child process that speaks lines.

use std::fmt::Display;
use std::io::{BufRead, BufReader, Read, Write};
use std::process::{ChildStdin, Command, ExitStatus, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

use serde::Serialize;

use crate::failure::{Failure, Result};
use crate::usage::Usage;

/// The time between two looks whether a process has ended.
const LOOK_INTERVAL: Duration = Duration::from_millis(2);

/// What is heard of a process.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Heard {
    /// A line of its standard output, as UTF-8 where it is that.
    Output(String),
    /// A line of its standard error.
    Error(String),
    /// It says no more, most likely because it is gone.
    End,
}

/// Returns a command that runs `inner` within limits, as the shell's `ulimit` takes them: `-n 64`
/// for 64 open descriptors.
pub fn with_limits(inner: &Command, limits: &[&str]) -> Command {
    let limits: String = limits.iter().map(|limit| format!("ulimit {limit} && ")).collect();
    let mut outer = Command::new("sh");
    outer.args(["-c", &format!("{limits}exec \"$0\" \"$@\"")]);
    wrap(&mut outer, inner);
    outer
}

/// Has `outer` end with the program, the arguments and the environment of `inner`.
pub(crate) fn wrap(outer: &mut Command, inner: &Command) {
    outer.arg(inner.get_program()).args(inner.get_args());
    outer.envs(inner.get_envs().filter_map(|(name, value)| Some((name, value?))));
}

/// A running process. Killed when dropped.
#[derive(Debug)]
pub struct Process {
    name: String,
    child: std::process::Child,
    input: Option<ChildStdin>,
}

impl Process {
    /// Starts a process, and has `hear` called with each line of its standard output and with the
    /// end of that, on a thread of its own. What it writes to standard error is not touched. `name`
    /// is for messages.
    ///
    /// # Errors
    /// It cannot be started.
    pub fn start(
        name: impl Into<String>,
        command: &mut Command,
        hear: impl Fn(Heard) + Send + Sync + 'static,
    ) -> Result<Self> {
        Self::spawn(name.into(), command.stdout(Stdio::piped()), Arc::new(hear))
    }

    /// Starts a process, and has `hear` called with each line of its standard error too.
    ///
    /// # Errors
    /// It cannot be started.
    pub fn start_with_errors(
        name: impl Into<String>,
        command: &mut Command,
        hear: impl Fn(Heard) + Send + Sync + 'static,
    ) -> Result<Self> {
        let command = command.stdout(Stdio::piped()).stderr(Stdio::piped());
        Self::spawn(name.into(), command, Arc::new(hear))
    }

    fn spawn(
        name: String,
        command: &mut Command,
        hear: Arc<impl Fn(Heard) + Send + Sync + 'static>,
    ) -> Result<Self> {
        let spawned = command.stdin(Stdio::piped()).spawn();
        let mut child = spawned.map_err(|error| {
            let program = command.get_program().display();
            Failure::new(format!("{name}: {program} cannot be started: {error}"))
        })?;
        let errors = child.stderr.take().map(|errors| {
            let hear = Arc::clone(&hear);
            std::thread::spawn(move || lines(errors, |line| hear(Heard::Error(line))))
        });
        if let Some(output) = child.stdout.take() {
            std::thread::spawn(move || {
                lines(output, |line| hear(Heard::Output(line)));
                // The end is the last that is heard, after what a panic says.
                errors.map(std::thread::JoinHandle::join);
                hear(Heard::End);
            });
        }
        let input = child.stdin.take();
        Ok(Self { name, child, input })
    }

    /// Returns the name that it was given.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Returns its process id.
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// Writes a line to its standard input.
    ///
    /// # Errors
    /// It does not read any more.
    pub fn say(&self, line: impl Display) -> Result<()> {
        let gone = |error| Failure::new(format!("{} takes no more lines: {error}", self.name));
        let input =
            self.input.as_ref().ok_or_else(|| gone(std::io::ErrorKind::BrokenPipe.into()))?;
        let mut writer: &ChildStdin = input;
        // One write, so that lines of several threads do not mix.
        writer.write_all(format!("{line}\n").as_bytes()).map_err(gone)
    }

    /// Writes a line of JSON to its standard input.
    ///
    /// # Errors
    /// It does not read any more.
    pub fn order(&self, order: &impl Serialize) -> Result<()> {
        let line = serde_json::to_string(order);
        self.say(line.map_err(|error| Failure::new(format!("not JSON: {error}")))?)
    }

    /// Ends its standard input.
    pub fn end_input(&mut self) {
        self.input = None;
    }

    /// Returns how it has ended; `None` while it runs.
    pub fn status(&mut self) -> Option<ExitStatus> {
        self.child.try_wait().ok().flatten()
    }

    /// Waits until it has ended.
    ///
    /// # Errors
    /// It has not `within` this time.
    pub fn blocking_wait(&mut self, within: Duration) -> Result<ExitStatus> {
        let start = Instant::now();
        loop {
            match self.child.try_wait() {
                Ok(Some(status)) => return Ok(status),
                Ok(None) if start.elapsed() < within => std::thread::sleep(LOOK_INTERVAL),
                Ok(None) => {
                    return Err(Failure::new(format!(
                        "{} does not end within {within:?}",
                        self.name
                    )));
                }
                Err(error) => return Err(Failure::new(format!("{}: {error}", self.name))),
            }
        }
    }

    /// Returns what it uses; `None` if it is gone, or the system does not tell.
    pub fn usage(&self) -> Option<Usage> {
        Usage::of(self.id())
    }

    /// Kills it (SIGKILL): the kernel closes what it had open. Returns when it is gone.
    pub fn kill(&mut self) {
        // Both fail only if it is gone already.
        let _ = self.child.kill();
        let _ = self.child.wait();
        // Not before: at the end of its input it would end by itself, and in good order.
        self.input = None;
    }
}

/// Signals. They do nothing to a process that is gone, and where there are none.
impl Process {
    /// Stands it still (SIGSTOP): it lives, and does nothing.
    pub fn suspend(&self) {
        signal(self.id(), Signal::Stop);
    }

    /// Lets it go on (SIGCONT).
    pub fn resume(&self) {
        signal(self.id(), Signal::Continue);
    }

    /// Sends it a signal that may end it.
    pub fn signal(&self, signal: Signal) {
        self::signal(self.id(), signal);
    }
}

/// A signal.
#[derive(Clone, Copy, Debug)]
pub enum Signal {
    /// SIGSTOP.
    Stop,
    /// SIGCONT.
    Continue,
    /// SIGTERM.
    Terminate,
    /// SIGINT, as by Ctrl-C.
    Interrupt,
    /// SIGHUP, as when its terminal is closed.
    HangUp,
}

/// Sends a signal to a process that nobody has waited for, so that nobody else has its id.
#[cfg(unix)]
pub fn signal(pid: u32, signal: Signal) {
    use rustix::process::{Pid, kill_process};

    let signal = match signal {
        Signal::Stop => rustix::process::Signal::STOP,
        Signal::Continue => rustix::process::Signal::CONT,
        Signal::Terminate => rustix::process::Signal::TERM,
        Signal::Interrupt => rustix::process::Signal::INT,
        Signal::HangUp => rustix::process::Signal::HUP,
    };
    if let Some(pid) = i32::try_from(pid).ok().and_then(Pid::from_raw) {
        let _ = kill_process(pid, signal);
    }
}

/// There are no signals here.
#[cfg(not(unix))]
pub fn signal(_pid: u32, _signal: Signal) {}

impl Drop for Process {
    fn drop(&mut self) {
        self.kill();
    }
}

/// Calls `hear` with each line until the end.
fn lines(output: impl Read, hear: impl Fn(String)) {
    for mut line in BufReader::new(output).split(b'\n').map_while(std::result::Result::ok) {
        line.pop_if(|last| *last == b'\r');
        hear(String::from_utf8_lossy(&line).into_owned());
    }
}
