//! Tests the zyre library the way the Guide's author tested his: by an unstable network.
//!
//! `chaos` runs real nodes on this machine, `sim` virtual nodes in virtual time, `bench` measures.

mod behaviour;
mod bench;
mod chaos;
mod ledger;
mod sim;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

/// Chaos with real nodes, simulation with virtual ones, and benchmarks.
#[derive(Parser)]
#[command(version, args_conflicts_with_subcommands = true)]
struct Arguments {
    #[command(subcommand)]
    command: Option<Command>,
    /// Without a command: chaos.
    #[command(flatten)]
    chaos: chaos::Options,
}

#[derive(Subcommand)]
enum Command {
    /// An unstable network of real nodes on this machine.
    Chaos(chaos::Options),
    /// A network of virtual nodes in virtual time.
    Sim(sim::Options),
    /// Figures.
    Bench(bench::Options),
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    match arguments.command.unwrap_or(Command::Chaos(arguments.chaos)) {
        Command::Chaos(options) => chaos::run(&options),
        Command::Sim(options) => sim::run(&options),
        Command::Bench(options) => bench::run(&options),
    }
}
