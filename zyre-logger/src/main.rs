//! Watches a zyre network from one place: collects what nodes record, and shows it.

use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use clap::{Parser, Subcommand};
use signal_hook::consts::TERM_SIGNALS;
use signal_hook::flag;
use zyre_logger::{collect, compare, meter, query, stats};

/// Watches a zyre network: collects what its nodes record, and shows it.
#[derive(Parser)]
#[command(version)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Join the network as a collector, and keep what nodes record in a file.
    Collect(collect::Command),
    /// Show records of a file.
    Query(query::Options),
    /// The network on a screen, live or played from a file.
    Meter(Box<meter::Options>),
    /// Joins, leaves, sessions and message rates of a file.
    Stats(stats::Options),
    /// For tests: compare a file with the history that `zyre-tester chaos --log` has written.
    #[command(hide = true)]
    Compare(compare::Options),
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let stop = Arc::new(AtomicBool::new(false));
    // What does not look at the flag ends as any program does.
    if !matches!(arguments.command, Command::Stats(_) | Command::Compare(_)) {
        catch_signals(&stop);
    }
    let result = match &arguments.command {
        Command::Collect(command) => collect::run(command, &stop).map_err(|e| e.to_string()),
        Command::Query(options) => query::run(options, &stop).map_err(|e| e.to_string()),
        Command::Meter(options) => meter::run(options, &stop).map_err(|e| e.to_string()),
        Command::Stats(options) => stats::run(options).map_err(|e| e.to_string()),
        Command::Compare(options) => compare::run(options).map_err(|e| e.to_string()),
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(text) => {
            eprintln!("zyre-logger: {text}");
            ExitCode::FAILURE
        }
    }
}

/// The flag is set by the first signal to end; the second one ends the program at once, should the
/// first have no effect.
fn catch_signals(stop: &Arc<AtomicBool>) {
    for signal in TERM_SIGNALS.iter().chain(&HANGUP) {
        let registered = flag::register_conditional_default(*signal, stop.clone())
            .and_then(|_| flag::register(*signal, stop.clone()));
        if let Err(error) = registered {
            eprintln!("zyre-logger: signal {signal} will end this without care: {error}");
        }
    }
}

/// A terminal that is gone, such as that of an SSH connection. Among the others on some systems.
#[cfg(unix)]
const HANGUP: [i32; 1] = [signal_hook::consts::SIGHUP];
#[cfg(not(unix))]
const HANGUP: [i32; 0] = [];
