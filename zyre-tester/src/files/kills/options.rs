//! What can be set about kills.

use std::path::PathBuf;
use std::time::Duration;

use testkit::size::size;

/// The options of `files kills`.
#[derive(Clone, Debug, clap::Args)]
pub(in crate::files) struct Options {
    /// How many.
    #[arg(long, default_value_t = 1000)]
    pub(super) kills: u32,
    /// Decides what happens. Default: by chance.
    #[arg(long)]
    pub(super) seed: Option<u64>,
    /// Seconds from one kill to the next, on average; a busy machine takes longer.
    #[arg(long, default_value_t = 0.3)]
    pub(super) pace: f64,
    /// How many receivers.
    #[arg(long, default_value_t = 2, value_parser = clap::value_parser!(u16).range(1..=100))]
    pub(super) receivers: u16,
    /// Bytes of the largest files.
    #[arg(long, default_value = "8MB", value_parser = size)]
    pub(super) largest: u64,
    /// The number of kills after which all has to settle.
    #[arg(long, default_value_t = 50, value_parser = clap::value_parser!(u32).range(1..))]
    pub(super) settle: u32,
    /// How long that may take.
    #[arg(long, default_value_t = 30, value_name = "SECONDS")]
    patience: u64,
    /// How long all may take.
    #[arg(long, default_value_t = 600, value_name = "SECONDS")]
    pub(super) deadline: u64,
    /// Where. Default: in memory (/dev/shm), where there is such a thing.
    #[arg(long)]
    pub(super) dir: Option<PathBuf>,
    /// Spoils a file in a received folder now and then, to show that it is seen.
    #[arg(long)]
    pub(super) sabotage: Option<Sabotage>,
}

/// What is done to a file that was delivered.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub(super) enum Sabotage {
    /// Its second half is cut off.
    Partial,
    /// Its last byte is another.
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
    pub(super) fn command(&self, seed: u64) -> String {
        let Self { kills, pace, receivers, largest, settle, .. } = self;
        let sabotage =
            self.sabotage.map_or_else(String::new, |how| format!(" --sabotage {}", how.name()));
        format!(
            "zyre-tester files kills --kills {kills} --seed {seed} --pace {pace} --receivers {receivers} \
            --largest {largest} --settle {settle}{sabotage}"
        )
    }

    pub(super) const fn patience(&self) -> Duration {
        Duration::from_secs(self.patience)
    }
}
