//! The commands of this project's developers.
//!
//! `cargo xtask test` is what has to pass before a change is done, and what CI runs.

mod chaos;
mod commands;
mod coverage;
mod fuzz;
mod interop;
mod mutants;
mod peers;
mod report;
mod test;
mod workspace;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

/// The commands of this project's developers.
#[derive(Parser)]
#[command(name = "cargo xtask", bin_name = "cargo xtask")]
struct Arguments {
    #[command(subcommand)]
    task: Task,
}

#[derive(Subcommand)]
enum Task {
    /// Everything that has to pass: format, lints, documentation, tests, interoperability
    Test,
    /// Only the interoperability tests, with pyre and zyre.js as real processes
    Interop,
    /// Only the chaos during which a collector has to note the same
    Chaos,
    /// Only prepare what the interoperability tests need, and say where it is
    Peers,
    /// Breaks the nodes on purpose, one rule at a time, and looks whether the tester notices
    Mutants {
        /// Only these
        names: Vec<String>,
        /// Say which there are
        #[arg(long)]
        list: bool,
    },
    /// Measures which lines of the protocol crates the tests reach
    Coverage,
    /// Runs one fuzz target for as long as wanted
    Fuzz(fuzz::Options),
}

fn main() -> ExitCode {
    let result = match Arguments::parse().task {
        Task::Test => test::run(),
        Task::Interop => interop::run(),
        Task::Chaos => chaos::with_log().map(|_| ()),
        Task::Peers => peers::run(),
        Task::Mutants { names, list } => mutants::run(&names, list),
        Task::Coverage => coverage::run(),
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
