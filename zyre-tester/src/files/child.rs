//! A process of the tester: this program, started again.

use std::ffi::OsStr;
use std::process::{Command, ExitStatus};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::time::{Duration, Instant};

use testkit::process::{Heard, Process};
use testkit::usage::Usage;

use super::line::{Order, Said};

/// How long a process that says no more may take to end.
const ENDING: Duration = Duration::from_secs(5);

/// A process. Killed when dropped.
#[derive(Debug)]
pub(super) struct Child {
    process: Process,
    said: Receiver<(Instant, Said)>,
}

impl Child {
    /// Starts `zyre-tester files ARGUMENTS`. The name is for messages.
    ///
    /// # Errors
    /// There can be no further process.
    pub(super) fn start<A: AsRef<OsStr>>(
        name: impl Into<String>,
        arguments: impl IntoIterator<Item = A>,
    ) -> Result<Self, String> {
        let program = std::env::current_exe().map_err(|error| error.to_string())?;
        let (sender, said) = channel();
        let mut command = Command::new(program);
        let process = Process::start(name, command.arg("files").args(arguments), move |heard| {
            // The last line of a process that was killed may be half a line.
            if let Heard::Output(line) = heard
                && let Ok(said) = serde_json::from_str(&line)
            {
                let _ = sender.send((Instant::now(), said));
            }
        })?;
        Ok(Self { process, said })
    }

    /// Sends an order. One that is gone is noticed by what it does not say.
    pub(super) fn order(&self, order: &Order) {
        let _ = self.process.order(order);
    }

    /// What it has said and nobody has heard yet.
    pub(super) fn heard(&self) -> impl Iterator<Item = Said> + '_ {
        self.said.try_iter().map(|(_, said)| said)
    }

    /// Waits until it says what `wanted` takes; when that was, and what came of it. Other things
    /// that it says are lost.
    ///
    /// # Errors
    /// It does not say so within this time, or ends.
    pub(super) fn await_said<T>(
        &mut self,
        within: Duration,
        what: &str,
        mut wanted: impl FnMut(&Said) -> Option<T>,
    ) -> Result<(Instant, T), String> {
        let deadline = Instant::now() + within;
        let mut last = None;
        loop {
            match self.said.recv_timeout(deadline.saturating_duration_since(Instant::now())) {
                Ok((at, said)) => match wanted(&said) {
                    Some(found) => return Ok((at, found)),
                    None => last = Some(said),
                },
                Err(RecvTimeoutError::Timeout) => {
                    let name = self.process.name();
                    return Err(format!(
                        "{name}: {what}: not within {within:?}; last said: {last:?}"
                    ));
                }
                Err(RecvTimeoutError::Disconnected) => {
                    let status = self.process.blocking_wait(ENDING);
                    let name = self.process.name();
                    return Err(format!("{name}: {what}: it has ended: {status:?}"));
                }
            }
        }
    }

    /// Waits until it says this; when that was.
    ///
    /// # Errors
    /// As [`await_said`](Self::await_said).
    pub(super) fn await_line(&mut self, within: Duration, line: &Said) -> Result<Instant, String> {
        let what = format!("{line:?}");
        self.await_said(within, &what, |said| (said == line).then_some(())).map(|(at, ())| at)
    }

    /// Returns how it has ended, if it has.
    pub(super) fn ended(&mut self) -> Option<ExitStatus> {
        self.process.status()
    }

    /// Returns what it has used.
    pub(super) fn usage(&self) -> Option<Usage> {
        self.process.usage()
    }

    /// SIGKILL: the kernel closes what it had open. Returns when it is gone.
    pub(super) fn kill(&mut self) {
        self.process.kill();
    }
}
