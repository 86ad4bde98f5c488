//! Watches a zyre network from one place: collects what nodes record, and shows it.

mod manual;

use std::error::Error;
use std::io::{self, Write as _};
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use clap::{CommandFactory as _, Parser, Subcommand};
use signal_hook::consts::TERM_SIGNALS;
use signal_hook::flag;
#[cfg(feature = "meter")]
use zyre_logger::meter;
#[cfg(feature = "serve")]
use zyre_logger::serve;
use zyre_logger::{collect, for_terminal, query, say, stats, with_causes};

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
    #[cfg(feature = "meter")]
    Meter(Box<meter::Options>),
    /// The network as a page for browsers, live or from a file, and numbers for monitoring.
    #[cfg(feature = "serve")]
    Serve(Box<serve::Options>),
    /// Joins, leaves, sessions and message rates of a file.
    Stats(stats::Options),
    /// The completions of this command for a shell, on the standard output.
    Completions(manual::CompletionOptions),
    /// The manual pages of this command and its subcommands, into a directory.
    #[command(hide = true)]
    Man(manual::PageOptions),
}

impl Command {
    /// Returns whether it ends when a flag is set; another one ends as any program does.
    const fn looks_at_flag(&self) -> bool {
        !matches!(self, Self::Stats(_) | Self::Completions(_) | Self::Man(_))
    }

    fn run(&self, stop: &AtomicBool) -> Result<(), Box<dyn Error>> {
        match self {
            Self::Collect(command) => collect::run(command, stop)?,
            Self::Query(options) => query::run(options, stop)?,
            #[cfg(feature = "meter")]
            Self::Meter(options) => meter::run(options, stop)?,
            #[cfg(feature = "serve")]
            Self::Serve(options) => serve::run(options, stop)?,
            Self::Stats(options) => stats::run(options)?,
            Self::Completions(options) => manual::complete(options, Arguments::command())?,
            Self::Man(options) => manual::write_pages(options, Arguments::command())?,
        }
        Ok(())
    }
}

/// The exit status if the command line is wrong.
const USAGE: u8 = 2;

fn main() -> ExitCode {
    let command = match Arguments::try_parse() {
        Ok(arguments) => arguments.command,
        Err(error) => return mistake(&error),
    };
    let stop = Arc::new(AtomicBool::new(false));
    if command.looks_at_flag() {
        catch_signals(&stop);
    }
    match command.run(&stop) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            say(with_causes(error.as_ref()));
            ExitCode::FAILURE
        }
    }
}

/// Says what is wrong with the command line, or shows the help.
fn mistake(error: &clap::Error) -> ExitCode {
    let text = error.render().to_string();
    let fitted = for_terminal(&text);
    // With colours, unless lines have to be cut, which only the help does by itself.
    if !error.use_stderr() || fitted == text {
        error.exit();
    }
    let _ = io::stderr().lock().write_all(fitted.as_bytes());
    ExitCode::from(USAGE)
}

/// The flag is set by the first signal to end; the second one ends the program at once, should the
/// first have no effect.
fn catch_signals(stop: &Arc<AtomicBool>) {
    for signal in TERM_SIGNALS.iter().chain(&HANGUP) {
        let registered = flag::register_conditional_default(*signal, stop.clone())
            .and_then(|_| flag::register(*signal, stop.clone()));
        if let Err(error) = registered {
            say(format_args!("signal {signal} will end this without care: {error}"));
        }
    }
}

/// A terminal that is gone, such as that of an SSH connection. Among the others on some systems.
#[cfg(unix)]
const HANGUP: [i32; 1] = [signal_hook::consts::SIGHUP];
#[cfg(not(unix))]
const HANGUP: [i32; 0] = [];
