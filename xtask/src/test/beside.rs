//! Steps that run beside the tests, which wait more than they work.

use std::cell::RefCell;
use std::env;
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use crate::commands::exists;
use crate::report::Done;
use crate::workspace;

/// Steps of this command in a process of their own, of the lowest priority.
#[derive(Default)]
pub(super) struct Beside {
    running: RefCell<Option<Result<Running, String>>>,
}

/// The process.
struct Running {
    child: Child,
    output: PathBuf,
}

impl Beside {
    /// Starts these steps. What goes wrong is told by [`finish`](Self::finish).
    pub(super) fn start(&self, steps: &[&str]) {
        let output = workspace::target().join("xtask/beside.txt");
        let program = env::current_exe().map_err(|error| error.to_string());
        let started = program.and_then(|program| Running::start(&program, steps, output));
        *self.running.borrow_mut() = Some(started);
    }

    /// Waits until all are over, and prints what they have printed.
    ///
    /// # Errors
    /// One of them has failed, or they were not started.
    pub(super) fn finish(&self) -> Result<Done, String> {
        let Some(running) = self.running.take() else { return Err("not started".to_owned()) };
        let mut running = running?;
        let status = running.child.wait().map_err(|error| error.to_string())?;
        let output = fs::read(&running.output).unwrap_or_default();
        println!("{}", String::from_utf8_lossy(&output));
        if status.success() { Ok(Done::All) } else { Err(format!("ended with {status}")) }
    }
}

impl Running {
    fn start(program: &Path, steps: &[&str], output: PathBuf) -> Result<Self, String> {
        let describe = |error| format!("{}: {error}", output.display());
        if let Some(folder) = output.parent() {
            fs::create_dir_all(folder).map_err(describe)?;
        }
        let file = File::create(&output).map_err(describe)?;
        let mut command = if exists("nice") {
            let mut nice = Command::new("nice");
            nice.args(["-n", "19"]).arg(program);
            nice
        } else {
            Command::new(program)
        };
        command.arg("test").args(steps);
        let both = file.try_clone().map_err(describe)?;
        let child = command.stdin(Stdio::null()).stdout(file).stderr(both).spawn();
        let child = child.map_err(|error| format!("{}: {error}", program.display()))?;
        Ok(Self { child, output })
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // Mostly it has ended.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn how_it_ended_is_the_result() {
        let folder = tempfile::tempdir().unwrap();
        for (status, is_ok) in [("0", true), ("1", false)] {
            let program = folder.path().join(format!("ends{status}.sh"));
            fs::write(&program, format!("#!/bin/sh\necho \"$@\"\nexit {status}\n")).unwrap();
            Command::new("chmod").arg("+x").arg(&program).status().unwrap();
            let output = folder.path().join("output/of.txt");
            let beside = Beside::default();
            let running = Running::start(&program, &["one", "two words"], output.clone());
            beside.running.replace(Some(running));
            assert_eq!(beside.finish().is_ok(), is_ok);
            assert_eq!(fs::read_to_string(output).unwrap(), "test one two words\n");
        }
    }

    #[test]
    fn what_was_not_started_has_not_passed() {
        assert!(Beside::default().finish().is_err());
    }
}
