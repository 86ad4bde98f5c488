//! The processes that hold the nodes.

use std::path::Path;
use std::process::Command;
use std::sync::mpsc::Sender;

use testkit::process::{self, Process};

use super::options::Options;
use super::protocol::Report;

/// Something for the conductor.
pub(super) enum Heard {
    /// From a process.
    Report(Report),
    /// A report that cannot be read; half a line if it is the last one of a process that was
    /// killed.
    Unreadable(String),
    /// A process has ended, and all that it reported has been heard.
    Over { process: u64 },
    /// The user wants the end.
    Interrupt,
}

/// A process, and its number; a process that is started for one that was killed has a new one.
pub(super) struct Numbered {
    pub(super) number: u64,
    pub(super) process: Process,
}

impl Numbered {
    /// Starts this program again, to hold nodes; `old`: the release before.
    pub(super) fn start(
        number: u64,
        options: &Options,
        keys: Option<&Path>,
        old: bool,
        epoch: u64,
        heard: Sender<(u64, Heard)>,
    ) -> Result<Self, String> {
        let half_by = options.half_by.as_deref();
        let program = match half_by.filter(|_| old) {
            Some(program) => program.to_owned(),
            None => std::env::current_exe().map_err(|error| error.to_string())?,
        };
        let mut command = Command::new(program);
        command
            .args(["chaos", "--hold", &epoch.to_string(), "--interface", &options.interface])
            .args(["--port", &options.port.to_string()])
            .args(options.gossip.then_some("--gossip"))
            .args(keys.iter().flat_map(|path| ["--network-keys".as_ref(), path.as_os_str()]))
            // It does not write there; its nodes record.
            .args(options.log.iter().flat_map(|path| ["--log".as_ref(), path.as_os_str()]))
            // It starts none; its nodes have to get on with those.
            .args(
                half_by
                    .filter(|_| !old)
                    .into_iter()
                    .flat_map(|path| ["--half-by".as_ref(), path.as_os_str()]),
            )
            // Each thread its own heap is fast, and gives little back: that would look like a leak.
            .env("MALLOC_ARENA_MAX", "2")
            .env("MALLOC_TRIM_THRESHOLD_", "131072");
        // Ctrl-C is for the conductor, which then stops the nodes in order.
        #[cfg(unix)]
        std::os::unix::process::CommandExt::process_group(&mut command, 0);
        let process = Process::start(format!("process {number}"), &mut command, move |line| {
            let heard_now = match line {
                process::Heard::Output(line) => match serde_json::from_str(&line) {
                    Ok(report) => Heard::Report(report),
                    Err(error) => Heard::Unreadable(format!("{error}: {line}")),
                },
                process::Heard::Error(_) => return,
                process::Heard::End => Heard::Over { process: number },
            };
            // The conductor may have come to its end.
            let _ = heard.send((number, heard_now));
        })?;
        Ok(Self { number, process })
    }
}
