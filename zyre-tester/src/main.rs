//! Tests the zyre library the way the Guide's author tested his: by an unstable network.
//!
//! `chaos` runs real nodes on this machine, `sim` virtual nodes in virtual time, `bench` measures,
//! `hostile` attacks, `dials` lets pairs of nodes dial each other in every interleaving, `files`
//! shares files and kills processes, `world` plays hosts on several networks, `compare` checks a
//! collector.

// First: its macros are for all others.
#[macro_use]
mod output;

mod behaviour;
mod bench;
mod chaos;
#[cfg(feature = "compare")]
mod compare;
mod dials;
mod directory;
mod files;
mod hostile;
mod json;
mod median;
mod release_before;
mod sim;
mod world;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

/// Chaos with real nodes, simulation with virtual ones, benchmarks, attacks, and crossing dials.
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
    /// Pairs of nodes that dial each other at the same time, through relays that delay.
    Dials(dials::Options),
    /// Sharing files: how fast, and what is left when processes are killed.
    Files(files::Options),
    /// A collector's file against the history that `chaos --log` has written.
    #[cfg(feature = "compare")]
    Compare(compare::Options),
    /// Attacks on a node, while its peers go on.
    Hostile(hostile::Options),
    /// Nodes on hosts with several networks, in network namespaces, while these change.
    World(world::Options),
}

fn main() -> ExitCode {
    testkit::role::play(world::play);
    let arguments = Arguments::parse();
    let result = match arguments.command.unwrap_or(Command::Chaos(arguments.chaos)) {
        Command::Chaos(options) => chaos::run(&options),
        Command::Sim(options) => sim::run(&options),
        Command::Bench(options) => bench::run(&options),
        Command::Dials(options) => dials::run(&options),
        Command::Files(options) => files::run(&options),
        #[cfg(feature = "compare")]
        Command::Compare(options) => compare::run(&options),
        Command::Hostile(options) => hostile::run(&options),
        Command::World(options) => world::run(&options),
    };
    match result {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("zyre-tester: {error}");
            ExitCode::from(2)
        }
    }
}
