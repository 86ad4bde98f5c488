//! A process of the tester: this program, started again.

use std::ffi::OsStr;
use std::io::{BufRead, BufReader, Write};
use std::process::{Child as Process, ChildStdin, Command, ExitStatus, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::time::{Duration, Instant};

use super::line::{Order, Said};
use super::usage::Usage;

/// A process. Killed when dropped.
#[derive(Debug)]
pub(super) struct Child {
    name: String,
    process: Process,
    orders: Option<ChildStdin>,
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
        let name = name.into();
        let wrong = |error| format!("{name}: no further process: {error}");
        let program = std::env::current_exe().map_err(wrong)?;
        let mut command = Command::new(program);
        command.arg("files").args(arguments).stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut process = command.spawn().map_err(wrong)?;
        let orders = process.stdin.take();
        let (sender, said) = channel();
        if let Some(stdout) = process.stdout.take() {
            std::thread::spawn(move || {
                for line in BufReader::new(stdout).lines().map_while(Result::ok) {
                    // The last line of a process that was killed may be half a line.
                    let Ok(line) = serde_json::from_str(&line) else { break };
                    if sender.send((Instant::now(), line)).is_err() {
                        break;
                    }
                }
            });
        }
        Ok(Self { name, process, orders, said })
    }

    /// Sends an order. One who is gone is noticed by what it does not say.
    pub(super) fn order(&mut self, order: &Order) {
        let Some(orders) = &mut self.orders else { return };
        if let Ok(mut line) = serde_json::to_string(order) {
            line.push('\n');
            let _ = orders.write_all(line.as_bytes());
        }
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
                    let name = &self.name;
                    return Err(format!(
                        "{name}: {what}: not within {within:?}; last said: {last:?}"
                    ));
                }
                Err(RecvTimeoutError::Disconnected) => {
                    let status = self.process.wait();
                    return Err(format!("{}: {what}: it has ended: {status:?}", self.name));
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

    /// How it has ended, if it has.
    pub(super) fn ended(&mut self) -> Option<ExitStatus> {
        self.process.try_wait().ok().flatten()
    }

    /// What it has used.
    pub(super) fn usage(&self) -> Option<Usage> {
        Usage::of(self.process.id())
    }

    /// SIGKILL: the kernel closes what it had open. Returns when it is gone.
    pub(super) fn kill(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
        self.orders = None;
    }
}

impl Drop for Child {
    fn drop(&mut self) {
        self.kill();
    }
}
