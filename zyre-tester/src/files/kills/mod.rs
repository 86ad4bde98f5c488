//! Kills of sender and receivers during transfers.
//!
//! ```text
//!  publication   a directory that changes: every file that was ever in it, and what is in it now
//!  arena         the processes: a sender, and receivers with an inbox each; who is killed when
//!  inbox         every file in an inbox is looked at, from outside
//! ```
//!
//! Whenever a process is killed, each file in each inbox has to be one that was published under that
//! name, whole. Now and then nothing is killed for a while: then each inbox has to become what is
//! published, no file more or less, and nothing unfinished may be left.
//!
//! The seed decides what is published, and who is killed after how long; not how fast the machine is.
//! Two runs with one seed are alike, not equal.

mod arena;
mod finding;
mod inbox;
mod publication;
mod stage;
mod summary;

use std::path::PathBuf;
use std::time::Duration;

use self::arena::Arena;
use super::place::Place;
use super::size::size;

#[derive(Clone, Debug, clap::Args)]
pub(super) struct Options {
    /// How many.
    #[arg(long, default_value_t = 1000)]
    kills: u32,
    /// Decides what happens. Default: by chance.
    #[arg(long)]
    seed: Option<u64>,
    /// Seconds from one kill to the next, on average; a busy machine takes longer.
    #[arg(long, default_value_t = 0.3)]
    pace: f64,
    /// How many receivers.
    #[arg(long, default_value_t = 2, value_parser = clap::value_parser!(u16).range(1..=100))]
    receivers: u16,
    /// Octets of the largest files.
    #[arg(long, default_value = "8MB", value_parser = size)]
    largest: u64,
    /// After so many kills all has to settle.
    #[arg(long, default_value_t = 50, value_parser = clap::value_parser!(u32).range(1..))]
    settle: u32,
    /// How long that may take.
    #[arg(long, default_value_t = 30, value_name = "SECONDS")]
    patience: u64,
    /// How long all may take.
    #[arg(long, default_value_t = 600, value_name = "SECONDS")]
    deadline: u64,
    /// Where. Default: in memory (/dev/shm), where there is such a thing.
    #[arg(long)]
    dir: Option<PathBuf>,
    /// Spoils a file in an inbox now and then, to show that it is seen.
    #[arg(long)]
    sabotage: Option<Sabotage>,
}

/// What is done to a file that was delivered.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
enum Sabotage {
    /// Its second half is cut off.
    Partial,
    /// Its last octet is another.
    Wrong,
}

impl Sabotage {
    const fn name(self) -> &'static str {
        match self {
            Self::Partial => "partial",
            Self::Wrong => "wrong",
        }
    }
}

impl Options {
    /// How to see it again.
    fn command(&self, seed: u64) -> String {
        let Self { kills, pace, receivers, largest, settle, .. } = self;
        let sabotage =
            self.sabotage.map_or_else(String::new, |how| format!(" --sabotage {}", how.name()));
        format!(
            "zyre-tester files kills --kills {kills} --seed {seed} --pace {pace} --receivers {receivers} \
            --largest {largest} --settle {settle}{sabotage}"
        )
    }

    const fn patience(&self) -> Duration {
        Duration::from_secs(self.patience)
    }
}

/// Kills. Success means that nothing was found, and that all kills were done in time.
pub(super) fn run(options: &Options) -> Result<bool, String> {
    if !(0.0..=3600.0).contains(&options.pace) {
        return Err(format!("--pace {}: not from 0 to 3600", options.pace));
    }
    let seed = options.seed.unwrap_or_else(rand::random);
    let place = Place::new(options.dir.as_deref())?;
    let summary = Arena::open(options, seed, &place)?.run();
    println!("{}", summary.json());
    eprint!("\n{summary}");
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
