//! The commands of this project's developers.
//!
//! `cargo xtask test` is what has to pass before a change is done, and what CI runs.

mod browser;
mod campaign;
mod chaos;
mod circles;
mod commands;
mod compare;
mod coverage;
mod dist;
mod features;
mod fuzz;
mod git;
mod interop;
mod links;
mod machine;
mod metadata;
mod mutants;
mod package;
mod peers;
mod pictures;
mod place;
mod programs;
mod python;
mod report;
mod semver;
mod test;
mod windows;
mod workspace;

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Parser, Subcommand};

use crate::programs::Built;

/// The commands of this project's developers.
#[derive(Parser)]
#[command(name = "cargo xtask", bin_name = "cargo xtask")]
struct Arguments {
    #[command(subcommand)]
    task: Task,
}

#[derive(Subcommand)]
enum Task {
    /// Runs everything that must pass: lints, documentation, tests, interoperability
    Test {
        /// Only these steps
        steps: Vec<String>,
    },
    /// Runs only the interoperability tests, with pyre and zyre.js as real processes
    Interop,
    /// Runs only the chaos with a log, of which a collector must note the same
    Chaos,
    /// Makes the pictures of the page of `zyre-logger`, with a chaos of 30 nodes and Chromium
    Screenshots {
        /// Where they go; default: `zyre-logger/pictures`
        #[arg(long, value_name = "DIR")]
        to: Option<PathBuf>,
    },
    /// Prepares what the interoperability tests need, and prints where it is
    Peers,
    /// Draws the picture of the README anew, from the command itself
    Pictures,
    /// Breaks the nodes on purpose, one rule at a time, and checks that the tester notices
    Mutants {
        /// Only these mutants
        names: Vec<String>,
        /// List the mutants
        #[arg(long)]
        list: bool,
        /// Also write the result to a file, as JSON
        #[arg(long, value_name = "FILE")]
        json: Option<PathBuf>,
    },
    /// Fails if a file imports one that imports it, directly or through others
    Circles,
    /// Checks that this tree is as fast as an earlier revision
    Compare(compare::Options),
    /// Measures which lines of the protocol crates the tests reach
    Coverage {
        /// Also write the result to a file, as JSON
        #[arg(long, value_name = "FILE")]
        json: Option<PathBuf>,
    },
    /// Runs one fuzz target
    Fuzz(fuzz::Options),
    /// Checks each published crate with every set of its features
    Powerset,
    /// Packs the published crates, builds each alone, and a program with nothing else; uploads nothing
    Package,
    /// Checks that the libraries keep what a release has promised
    Semver {
        /// The revision to compare with. Default: the last tag
        revision: Option<String>,
    },
    /// Checks that everything compiles for Windows
    Windows,
    /// Builds the Python wheel as it is published, checks its size, and runs its tests
    Wheel,
    /// Makes an archive of the programs and what belongs to them, below target/dist
    Dist,
    /// Starts a long run in the background, lists all, or stops one
    Campaign(campaign::Options),
}

fn main() -> ExitCode {
    let result = match Arguments::parse().task {
        Task::Test { steps } => test::run(&steps),
        Task::Interop => interop::run(),
        Task::Chaos => Built::default().get().and_then(chaos::with_log).map(drop),
        Task::Screenshots { to } => browser::screenshots(to.as_deref()),
        Task::Peers => peers::run(),
        Task::Pictures => pictures::run(),
        Task::Mutants { names, list, json } => mutants::run(&names, list, json.as_deref()),
        Task::Circles => circles::run(),
        Task::Compare(options) => compare::run(&options),
        Task::Coverage { json } => coverage::run(json.as_deref()),
        Task::Powerset => features::powerset(),
        Task::Package => package::run(),
        Task::Semver { revision } => semver::run(revision.as_deref()),
        Task::Windows => windows::run(),
        Task::Wheel => python::wheel(),
        Task::Dist => dist::run(),
        Task::Campaign(options) => campaign::run(&options),
        Task::Fuzz(options) => fuzz::run(&options),
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("cargo xtask: {error}");
            ExitCode::FAILURE
        }
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    #[test]
    fn the_public_ci_calls_commands_that_there_are() {
        let path = workspace::root().join(".github/workflows/ci.yml");
        let workflow = fs::read_to_string(path).unwrap();
        let commands = workflow.lines().filter_map(|line| line.split_once("run: cargo xtask "));
        let commands: Vec<_> = commands.map(|(_, words)| format!("xtask {words}")).collect();
        assert!(commands.len() > 5, "{commands:?}");
        for command in commands {
            // What is quoted is one word.
            let words = command.split('"').flat_map(|part| part.split_whitespace());
            assert!(Arguments::try_parse_from(words).is_ok(), "{command}");
        }
    }
}
