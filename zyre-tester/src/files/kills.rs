//! Kills of sender and receivers during transfers.
//!
//! ```text
//!  publication   a directory that changes: every file that was ever in it, and what is in it now
//!  kill_run      the processes: a sender, and receivers with a received folder each; who is killed when
//!  received      every file in a received folder is looked at, from outside
//! ```
//!
//! Whenever a process is killed, each file in each folder has to be one that was published under
//! that name, whole. Now and then nothing is killed for a while: then each folder has to become
//! what is published, no file more or less, and nothing unfinished may be left.
//!
//! The seed decides what is published, and who is killed after how long; not how fast the machine
//! is. Two runs with one seed are alike, not equal.

mod finding;
mod kill_run;
mod options;
mod publication;
mod received;
mod stage;
mod summary;

use self::kill_run::KillRun;
pub(super) use self::options::Options;
use super::place::Place;
use crate::output::record;

/// Kills. Success means that nothing was found, and that all kills were done in time.
pub(super) fn run(options: &Options) -> Result<bool, String> {
    if !(0.0..=3600.0).contains(&options.pace) {
        return Err(format!("--pace {}: not from 0 to 3600", options.pace));
    }
    let seed = options.seed.unwrap_or_else(rand::random);
    let place = Place::new(options.dir.as_deref())?;
    let summary = KillRun::open(options, seed, &place)?.run();
    record(summary.json());
    eprintln!("\n{}", summary.to_string().trim_end());
    let good = summary.is_good();
    if !good {
        eprintln!("to see it again: {}", options.command(seed));
        // What was spoiled on purpose teaches nothing.
        if options.sabotage.is_none() {
            eprintln!("what was left is in {}", place.keep().display());
        }
    }
    Ok(good)
}
