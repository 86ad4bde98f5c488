//! Runs the tests of many executables, several at a time.

use std::collections::{BTreeMap, VecDeque};
use std::fmt;
use std::fs;
use std::path::Path;
use std::process::Command;
use std::sync::{Mutex, mpsc};
use std::thread;
use std::time::{Duration, Instant};

use crate::commands::wait_with_limit;
use crate::report::Done;

/// The time limit of one executable.
const LIMIT: Duration = Duration::from_secs(600);

/// An executable that is run.
pub(super) struct Job {
    pub(super) name: String,
    pub(super) command: Command,
}

/// The results of the tests of one executable or of several.
#[derive(Default)]
pub(super) struct Results {
    passed: usize,
    failed: usize,
    /// The number of tests that were left out, by reason.
    ignored: BTreeMap<String, usize>,
    /// The executables that have failed.
    jobs_failed: Vec<String>,
}

/// Runs all jobs in this order, with the output of each in a file in `folder`.
///
/// Prints a line for each program, and the output of a program that fails.
pub(super) fn run(jobs: Vec<Job>, at_once: usize, folder: &Path) -> Result<Results, String> {
    fs::create_dir_all(folder).map_err(|error| format!("{}: {error}", folder.display()))?;
    let jobs = Mutex::new(VecDeque::from(jobs));
    let next = || jobs.lock().ok()?.pop_front();
    let (sender, finished) = mpsc::channel();
    let mut all = Results::default();
    thread::scope(|scope| {
        for _ in 0..at_once {
            let sender = sender.clone();
            scope.spawn(move || {
                while let Some(mut job) = next() {
                    let begin = Instant::now();
                    let (results, output) = run_one(&mut job, folder);
                    // There is nobody left to hear of it only when all is over.
                    let _ = sender.send((job.name, results, output, begin.elapsed()));
                }
            });
        }
        drop(sender);
        for (name, results, output, took) in finished {
            let word = if results.jobs_failed.is_empty() { "ok" } else { "FAILED" };
            println!("{name:<32} {word:<6} {:6.1} s  {results}", took.as_secs_f64());
            print!("{output}");
            all.add(results);
        }
    });
    Ok(all)
}

/// Returns the results, and the output if something has failed.
fn run_one(job: &mut Job, folder: &Path) -> (Results, String) {
    let file = folder.join(format!("{}.txt", job.name.replace(' ', "-")));
    let status = wait_with_limit(&mut job.command, &file, LIMIT);
    let output = fs::read(&file).unwrap_or_default();
    let output = String::from_utf8_lossy(&output);
    let mut results = Results::read(&output);
    let end = match status {
        Ok(status) if status.success() => return (results, String::new()),
        Ok(status) => status.to_string(),
        Err(error) => error.to_string(),
    };
    results.jobs_failed.push(job.name.clone());
    (results, format!("{output}\n{} ended with {end}\n", job.name))
}

impl Results {
    /// Reads what libtest prints.
    fn read(output: &str) -> Self {
        let mut results = Self::default();
        for line in output.lines().filter_map(|line| line.strip_prefix("test ")) {
            if line.ends_with(" ... ok") {
                results.passed += 1;
            } else if line.ends_with(" ... FAILED") {
                results.failed += 1;
            } else if let Some((_, reason)) = line.split_once(" ... ignored") {
                let reason = reason.trim_matches([',', ' ', '(', ')']).to_owned();
                *results.ignored.entry(reason).or_default() += 1;
            }
        }
        results
    }

    /// Returns whether there were no tests at all, and nothing has failed.
    pub(super) fn is_empty(&self) -> bool {
        self.passed + self.failed + self.ignored.len() + self.jobs_failed.len() == 0
    }

    /// Adds the results of others.
    pub(super) fn add(&mut self, other: Self) {
        self.passed += other.passed;
        self.failed += other.failed;
        for (reason, count) in other.ignored {
            *self.ignored.entry(reason).or_default() += count;
        }
        self.jobs_failed.extend(other.jobs_failed);
    }

    /// Returns what a step has done that ran these tests.
    ///
    /// # Errors
    /// A test has failed, or an executable has not ended as it should.
    pub(super) fn verdict(self) -> Result<Done, String> {
        match self.jobs_failed.len() {
            0 => Ok(Done::Noted(self.to_string())),
            _ => Err(format!("{}: {self}", self.jobs_failed.join(", "))),
        }
    }
}

impl fmt::Display for Results {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} passed", self.passed)?;
        if self.failed > 0 {
            write!(f, ", {} failed", self.failed)?;
        }
        for (reason, count) in &self.ignored {
            write!(f, ", {count} ignored: {reason}")?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use tempfile::TempDir;

    use super::*;

    fn shell(name: &str, script: &str) -> Job {
        let mut command = Command::new("sh");
        command.args(["-c", script]);
        Job { name: name.to_owned(), command }
    }

    #[test]
    #[cfg(unix)]
    fn what_passes_fails_and_is_left_out_is_counted() {
        let folder = TempDir::new().unwrap();
        let good = shell("good", "echo 'test a ... ok'; echo 'test b ... ignored, needs root'");
        let bad = shell("bad", "echo 'test c ... FAILED'; exit 101");
        let mut results = run(vec![good], 2, folder.path()).unwrap();
        let counts = "1 passed, 1 ignored: needs root";
        assert_eq!(results.to_string(), counts);
        results.add(run(vec![bad], 2, folder.path()).unwrap());
        let error = results.verdict().err().unwrap();
        assert_eq!(error, "bad: 1 passed, 1 failed, 1 ignored: needs root");
    }

    #[test]
    #[cfg(unix)]
    fn one_that_dies_without_a_word_has_failed() {
        let folder = TempDir::new().unwrap();
        let results = run(vec![shell("dead", "kill -9 $$")], 2, folder.path()).unwrap();
        assert!(results.verdict().is_err());
    }
}
