//! The commands of this project's developers.
//!
//! `cargo xtask test` is what has to pass before a change is done, and what CI runs.

mod campaign;
mod chaos;
mod circles;
mod commands;
mod compare;
mod coverage;
mod features;
mod fuzz;
mod git;
mod interop;
mod machine;
mod metadata;
mod mutants;
mod peers;
mod programs;
mod report;
mod test;
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
    /// Prepares what the interoperability tests need, and prints where it is
    Peers,
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
    /// Starts a long run in the background, lists all, or stops one
    Campaign(campaign::Options),
}

fn main() -> ExitCode {
    let result = match Arguments::parse().task {
        Task::Test { steps } => test::run(&steps),
        Task::Interop => interop::run(),
        Task::Chaos => Built::default().get().and_then(chaos::with_log).map(drop),
        Task::Peers => peers::run(),
        Task::Mutants { names, list, json } => mutants::run(&names, list, json.as_deref()),
        Task::Circles => circles::run(),
        Task::Compare(options) => compare::run(&options),
        Task::Coverage { json } => coverage::run(json.as_deref()),
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
