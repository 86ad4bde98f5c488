//! Figures: how fast the library is, beside what the machine and others can do.
//!
//! Every measurement runs in a process of its own, this program started again, so that none
//! disturbs the memory or the ports of another, and one that hangs can be ended. The runs of all
//! that are compared alternate, since the machine is not equally busy at all times.

mod child;
mod collector;
mod comparison;
mod descriptors;
mod figures;
mod implementation;
mod load;
mod tcp;
mod work;
mod zeromq;
mod zyre;

use std::io::{self, IsTerminal};
use std::path::PathBuf;
use std::time::Duration;

use self::child::{Contender, Place};
use self::collector::Log;
use self::comparison::Comparison;
use self::figures::{Figures, Outcome};
use self::implementation::{Implementation, Rival};
use self::tcp::Wiring;
use self::work::What;
use crate::output;

/// Runs of each measurement for `all`; one otherwise.
const RUNS_OF_ALL: usize = 5;

/// Figures.
#[derive(clap::Args)]
pub(crate) struct Options {
    #[command(subcommand)]
    what: What,
    /// Repeats each measurement, and gives the medians. Default 1, of `all` 5.
    #[arg(long, global = true, value_parser = clap::value_parser!(u16).range(1..))]
    runs: Option<u16>,
    /// Does the same work on something else, in turn. Default none, of `all` all.
    #[arg(long, global = true, value_delimiter = ',', value_name = "LIST")]
    against: Option<Vec<Rival>>,
    /// A program to be measured in turn, which takes and says what zbench.c does.
    #[arg(long, global = true, value_name = "PROGRAM")]
    beside: Option<PathBuf>,
    /// Where the nodes of zyre live.
    #[arg(long, global = true, default_value = "lo", value_name = "NAME")]
    interface: String,
    /// How long one run may take.
    #[arg(long, global = true, default_value_t = 120, value_name = "SECONDS")]
    #[arg(value_parser = clap::value_parser!(u64).range(1..=86_400))]
    deadline: u64,
    /// Prints the lines of JSON on a terminal too; elsewhere they always come.
    #[arg(long = "json", global = true)]
    json_lines: bool,
    /// Measures once, here: how this program calls itself.
    #[arg(long, global = true, hide = true)]
    only: Option<Implementation>,
}

/// Measures, and prints a JSON line for each run and each median, and a table for people. Returns
/// whether all could be measured.
///
/// # Errors
/// If nothing can be measured.
pub(crate) fn run(options: &Options) -> Result<bool, String> {
    match options.only {
        Some(implementation) => measure_here(options, implementation),
        None => {
            output::want_json(options.json_lines);
            measure_all(options)
        }
    }
}

/// One measurement in this process: what a child does.
fn measure_here(options: &Options, implementation: Implementation) -> Result<bool, String> {
    let [work] = options.what.works()[..] else {
        return Err("--only measures one thing, not all".into());
    };
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build();
    let runtime = runtime.map_err(|error| format!("no tokio runtime: {error}"))?;
    let measured = runtime.block_on(async {
        let nodes = |log, is_secure| zyre::measure(work, &options.interface, log, is_secure);
        let measured = async {
            match implementation {
                Implementation::Zyre => nodes(Log::Off, false).await,
                Implementation::Secure => nodes(Log::Off, true).await,
                Implementation::Logged => nodes(Log::On, false).await,
                Implementation::Recorded => nodes(Log::WithMessages, false).await,
                Implementation::Tcp => tcp::measure(work, Wiring::OneWay).await,
                Implementation::TcpTwoWay => tcp::measure(work, Wiring::TwoWay).await,
                Implementation::Zeromq => zeromq::measure(work).await,
            }
        };
        let deadline = Duration::from_secs(options.deadline);
        tokio::time::timeout(deadline, measured)
            .await
            .unwrap_or_else(|_| Err(format!("not done within {} s", options.deadline)))
    });
    // Nodes, and threads that still send, end with the process.
    runtime.shutdown_background();
    match measured? {
        Outcome::Measured(figures) => println!("{}", figures.json()),
        Outcome::Impossible(reason) => println!("{}", Figures::impossible(reason).json()),
    }
    Ok(true)
}

/// Everything that was asked for, each run in a child.
fn measure_all(options: &Options) -> Result<bool, String> {
    let all = matches!(options.what, What::All { .. });
    let runs = options.runs.map_or(if all { RUNS_OF_ALL } else { 1 }, usize::from);
    let place = Place {
        interface: options.interface.clone(),
        deadline: Duration::from_secs(options.deadline),
    };
    let contenders = contenders(options, all);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let runtime = runtime.map_err(|error| format!("no tokio runtime: {error}"))?;
    let mut comparison = Comparison::default();
    let mut failed = false;
    for work in options.what.works() {
        let mut results: Vec<Vec<Figures>> = vec![Vec::new(); contenders.len()];
        for run in 0..runs {
            progress(&format!("{work}, run {} of {runs}", run + 1));
            // Each is first in turn: what runs after another may find a warmer machine.
            for i in (0..contenders.len()).map(|i| (i + run) % contenders.len()) {
                let measured = runtime.block_on(contenders[i].measure(work, &place));
                let mut figures = measured.unwrap_or_else(|error| {
                    output::error_lines(format!("{} {work}: {error}", contenders[i].name()), 2);
                    failed = true;
                    Figures::impossible(error)
                });
                figures.label(&contenders[i].name(), work);
                output::record(figures.json_of_run(run + 1));
                results[i].push(figures);
            }
        }
        let medians: Vec<_> = results.iter().map(|runs| Figures::median(runs)).collect();
        if runs > 1 {
            medians.iter().for_each(|median| output::record(median.json_of_median(runs)));
        }
        comparison.add(work, medians, &results);
    }
    progress("");
    output::error_lines(format!("\n{}", comparison.text(output::error_columns())), 2);
    Ok(!failed)
}

/// Shows a person what is being measured, in a line that changes, where no lines of JSON do.
fn progress(what: &str) {
    if io::stderr().is_terminal() && io::stdout().is_terminal() {
        eprint!("\r{what}\x1b[K");
    }
}

/// Zyre first, then what it is compared with.
fn contenders(options: &Options, all: bool) -> Vec<Contender> {
    let default = if all { vec![Rival::Tcp, Rival::TcpTwoWay, Rival::Zeromq] } else { Vec::new() };
    let mut contenders = vec![Contender::Here(Implementation::Zyre)];
    for &rival in options.against.as_ref().unwrap_or(&default) {
        let rival = Contender::Here(rival.into());
        if !contenders.contains(&rival) {
            contenders.push(rival);
        }
    }
    contenders.extend(options.beside.clone().map(Contender::Program));
    contenders
}
