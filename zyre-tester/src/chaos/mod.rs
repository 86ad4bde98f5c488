//! An unstable network of real nodes on this machine.
//!
//! ```text
//!  conductor ──── orders, a line of JSON each ────> holder: a process with a share of the slots
//!   schedule      what starts, stops, dies next       slot: a thread with a runtime of its own
//!   lives         who is alive, who has entered whom     habitant: node, behaviour, ledger
//!   quiet         do the nodes agree
//!   findings <──── reports, a line of JSON each ─────
//! ```
//!
//! What one node can see is checked beside it, in its [ledger](crate::ledger); what two nodes have
//! to agree on is checked by the conductor. The seed decides the schedule and what nodes wish to
//! do, not how fast the machine is: two runs with one seed are alike, not equal.

mod chronicle;
mod clock;
mod conductor;
mod descriptors;
mod findings;
mod habitant;
mod holder;
mod level;
mod lives;
mod processes;
mod protocol;
mod quiet;
mod schedule;
mod screen;
mod slot;
mod summary;

use std::path::PathBuf;
use std::process::ExitCode;

/// What can be set about chaos.
#[derive(Clone, Debug, clap::Args)]
pub(crate) struct Options {
    /// How many slots there are; about half of them hold a node at any time.
    #[arg(long, default_value_t = 100, value_parser = clap::value_parser!(u16).range(2..=1000))]
    nodes: u16,
    /// How long nodes come and go. A few seconds more to stop all.
    #[arg(long, default_value_t = 60.0, value_parser = positive)]
    seconds: f64,
    /// The interface: a name or an IPv4 address. On `lo` nothing leaves this machine.
    #[arg(long, default_value = "lo")]
    interface: String,
    /// The UDP port of the beacon. Not that of ZRE, so that no other node gets into this.
    #[arg(long, default_value_t = 7670)]
    port: u16,
    /// Decides the schedule. Default: by chance.
    #[arg(long)]
    seed: Option<u64>,
    /// How many processes hold the nodes. Default: as few as the limit of descriptors allows.
    /// With more than one, now and then one is killed.
    #[arg(long, value_parser = clap::value_parser!(u16).range(1..=1000))]
    processes: Option<u16>,
    /// Also write the result to a file, as JSON; `-` is standard output.
    #[arg(long)]
    json: Option<PathBuf>,
    /// How much time from one start or stop to the next: `normal` (500 to 1000 ms), `fast` (a fifth
    /// of it), or a factor.
    #[arg(long, default_value = "normal", value_parser = pace)]
    pace: f64,
    /// How many nodes are started at the beginning. Default: half of the slots.
    #[arg(long)]
    begin: Option<u16>,
    /// All nodes record a log for collectors, such as `zyre-logger`, and what their applications were
    /// told is written to this file, a line of JSON each, to compare both.
    #[arg(long)]
    log: Option<PathBuf>,
    /// Nodes lose events on purpose, to show that it is seen.
    #[arg(long, hide = true)]
    sabotage: bool,
    /// This is a process that holds nodes for a run that began then.
    #[arg(long, hide = true)]
    hold: Option<u64>,
}

fn pace(text: &str) -> Result<f64, String> {
    match text {
        "normal" => Ok(1.0),
        "fast" => Ok(0.2),
        factor => positive(factor),
    }
}

fn positive(text: &str) -> Result<f64, String> {
    let number = text.parse::<f64>().ok().filter(|number| (0.01..=1e6).contains(number));
    number.ok_or_else(|| "not a number from 0.01 to 1000000".into())
}

/// Runs chaos. Success means that nothing was violated.
pub(crate) fn run(options: &Options) -> ExitCode {
    if let Some(epoch) = options.hold {
        return holder::run(options, epoch);
    }
    let result = descriptors::plan(options.nodes.into(), options.processes.map(Into::into))
        .and_then(|plan| conductor::run(options, plan));
    match result {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(text) => {
            eprintln!("zyre-tester: {text}");
            ExitCode::from(2)
        }
    }
}
