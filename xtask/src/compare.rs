//! `cargo xtask compare`: checks that this tree is as fast as an earlier revision, and needs no more
//! memory.
//!
//! Both are built, and run in turn. A machine is not equally fast at all times, so only runs that
//! follow each other are compared, and only their ratio counts.

mod load;
mod side;
mod verdict;

use std::fs;

use clap::Args;

use self::load::{LOADS, Load};
use self::side::Side;
use self::verdict::{Pair, Verdict};
use crate::machine;
use crate::workspace;

/// Pairs of runs of a load of which the first ones do not hold.
const MORE_PAIRS: usize = 15;

/// The options of `cargo xtask compare`.
#[derive(Args)]
pub(crate) struct Options {
    /// The revision to compare with: a commit, tag or branch
    rev: String,
    /// Only these loads
    #[arg(long, value_delimiter = ',', value_name = "NAMES")]
    loads: Vec<String>,
    /// Pairs of runs of each load
    #[arg(long, default_value_t = 7, value_name = "N")]
    #[arg(value_parser = clap::value_parser!(u16).range(1..))]
    pairs: u16,
    /// Do a hundredth of the work: to try the command, not to measure
    #[arg(long)]
    short: bool,
}

/// Compares, prints a table, and writes the figures below the target directory.
///
/// # Errors
/// This tree is worse, or something could not be measured.
pub(crate) fn run(options: &Options) -> Result<(), String> {
    let loads = choose(&options.loads)?;
    let folder = workspace::target().join("compare");
    fs::create_dir_all(&folder).map_err(|error| format!("{}: {error}", folder.display()))?;
    let that = Side::of_revision(&options.rev, &folder)?;
    let this = Side::of_workspace()?;
    let (loads, unknown): (Vec<_>, Vec<_>) =
        loads.into_iter().partition(|load| load.is_known_to(&that));
    for load in unknown {
        println!("{} has no load {}: left out", that.commit, load.name);
    }
    if loads.is_empty() {
        return Err(format!("there is nothing to compare with {}", that.commit));
    }
    println!("==> {} against {}", this.commit, that.commit);
    if let Some(busy) = machine::load_average().filter(|load| *load > 0.5) {
        println!("this machine is busy (load average {busy}): the figures will vary");
    }

    let measure = |load: &'static Load, pairs| {
        let pairs = (0..pairs).map(|number| measure(load, &this, &that, number, options.short));
        Ok::<_, String>((load, pairs.collect::<Result<Vec<Pair>, _>>()?))
    };
    let pairs = usize::from(options.pairs);
    let measured = loads.iter().map(|load| measure(load, pairs));
    let mut verdict = Verdict::new(that.name(), measured.collect::<Result<_, _>>()?);
    println!("\n{verdict}");
    if let Err(error) = verdict.holds() {
        println!("{error}: again, {MORE_PAIRS} times");
        for load in verdict.suspects() {
            let (load, pairs) = measure(load, MORE_PAIRS)?;
            verdict.replace(load, pairs);
        }
        println!("\n{verdict}");
    }
    let file = folder.join(format!("{}-{}.json", that.name(), machine::date()));
    fs::write(&file, format!("{:#}\n", verdict.json(&this.commit)))
        .map_err(|error| format!("{}: {error}", file.display()))?;
    println!("written to {}", file.display());
    verdict.holds()
}

fn choose(names: &[String]) -> Result<Vec<&'static Load>, String> {
    let known = |name: &&String| LOADS.iter().any(|load| load.name == **name);
    if let Some(unknown) = names.iter().find(|name| !known(name)) {
        let all: Vec<&str> = LOADS.iter().map(|load| load.name).collect();
        return Err(format!("there is no load `{unknown}`, only: {}", all.join(", ")));
    }
    let chosen = |load: &&Load| names.is_empty() || names.iter().any(|name| name == load.name);
    Ok(LOADS.iter().filter(chosen).collect())
}

/// Runs a load on both sides. Each side is first in every second pair.
fn measure(
    load: &Load,
    this: &Side,
    that: &Side,
    number: usize,
    short: bool,
) -> Result<Pair, String> {
    let run = |side: &Side| {
        load.run(side, short).map_err(|error| format!("{} of {}: {error}", load.name, side.commit))
    };
    let pair = if number.is_multiple_of(2) {
        let this = run(this)?;
        Pair { this, that: run(that)? }
    } else {
        let that = run(that)?;
        Pair { this: run(this)?, that }
    };
    println!("{:<14} {:>12.2} {:>12.2} {}", load.name, pair.this, pair.that, load.unit);
    Ok(pair)
}
