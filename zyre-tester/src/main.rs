//! Tests the zyre library the way the Guide's author tested his: by an unstable network.
//!
//! `chaos` runs real nodes on this machine, `sim` virtual nodes in virtual time, `bench` measures,
//! `hostile` attacks, `files` shares files and kills who does.

mod behaviour;
mod bench;
mod chaos;
mod files;
mod hostile;
mod ledger;
mod median;
mod sim;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

/// Chaos with real nodes, simulation with virtual ones, benchmarks, and attacks.
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
    /// Sharing files: how fast, and what is left when processes are killed.
    Files(files::Options),
    /// Attacks on a node, while its peers go on.
    Hostile(hostile::Options),
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    match arguments.command.unwrap_or(Command::Chaos(arguments.chaos)) {
        Command::Chaos(options) => chaos::run(&options),
        Command::Sim(options) => sim::run(&options),
        Command::Bench(options) => bench::run(&options),
        Command::Files(options) => files::run(&options),
        Command::Hostile(options) => hostile::run(&options),
    }
}
