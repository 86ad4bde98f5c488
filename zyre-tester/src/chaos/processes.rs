//! The processes that hold the nodes.

use std::io::{BufRead, BufReader, Write};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::mpsc::Sender;

use super::Options;
use super::protocol::{Order, Report};

/// Something for the conductor.
pub(super) enum Heard {
    /// From a process.
    Report(Report),
    /// A process has ended, and all that it reported has been heard.
    Over { process: u64 },
    /// The user wants the end.
    Interrupt,
}

/// One process. Killed when dropped.
pub(super) struct Process {
    /// Its number; a process that is started for one that was killed has a new one.
    pub(super) number: u64,
    child: Child,
    stdin: Option<ChildStdin>,
}

impl Process {
    /// Starts this program again, to hold nodes.
    pub(super) fn start(
        number: u64,
        options: &Options,
        epoch: u64,
        heard: Sender<(u64, Heard)>,
    ) -> Result<Self, String> {
        let program = std::env::current_exe().map_err(|error| error.to_string())?;
        let mut command = Command::new(program);
        command
            .args(["chaos", "--hold", &epoch.to_string(), "--interface", &options.interface])
            .args(["--port", &options.port.to_string()])
            // It does not write there; its nodes record.
            .args(options.log.iter().flat_map(|path| ["--log".as_ref(), path.as_os_str()]))
            // Each thread its own heap is fast, and gives little back: that would look like a leak.
            .env("MALLOC_ARENA_MAX", "2")
            .env("MALLOC_TRIM_THRESHOLD_", "131072")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped());
        // Ctrl-C is for the conductor, which then stops the nodes in order.
        #[cfg(unix)]
        std::os::unix::process::CommandExt::process_group(&mut command, 0);
        let mut child = command.spawn().map_err(|error| format!("no further process: {error}"))?;
        let stdin = child.stdin.take();
        if let Some(stdout) = child.stdout.take() {
            std::thread::spawn(move || {
                for line in BufReader::new(stdout).lines().map_while(Result::ok) {
                    match serde_json::from_str(&line) {
                        Ok(report) => {
                            // The conductor may have come to its end.
                            let _ = heard.send((number, Heard::Report(report)));
                        }
                        // The last line of a process that was killed.
                        Err(_) => break,
                    }
                }
                let _ = heard.send((number, Heard::Over { process: number }));
            });
        }
        Ok(Self { number, child, stdin })
    }

    /// Sends an order. A process that is gone is noticed by the end of its reports.
    pub(super) fn order(&mut self, order: &Order) {
        let Some(stdin) = &mut self.stdin else { return };
        if let Ok(mut line) = serde_json::to_string(order) {
            line.push('\n');
            let _ = stdin.write_all(line.as_bytes());
        }
    }

    /// Kills it: the kernel closes what it had open.
    pub(super) fn kill(&mut self) {
        self.stdin = None;
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        self.kill();
    }
}
