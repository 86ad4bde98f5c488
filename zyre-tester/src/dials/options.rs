//! What can be set about dials.

use std::path::PathBuf;

/// The options of `dials`.
#[derive(Clone, Debug, clap::Args)]
pub(crate) struct Options {
    /// How many pairs of nodes meet.
    #[arg(long, default_value_t = 1000, value_parser = clap::value_parser!(u32).range(1..))]
    pub(super) runs: u32,
    /// The seed of the first run; each run after it has the next one. Default: by chance.
    #[arg(long)]
    pub(super) seed: Option<u64>,
    /// How many pairs meet at a time.
    #[arg(long, default_value_t = 8, value_parser = clap::value_parser!(u16).range(1..=64))]
    pub(super) parallel: u16,
    /// How many connections have to be left between two nodes. 2 is for nodes of before, which have
    /// one each way.
    #[arg(long, default_value_t = 1, value_name = "NUMBER")]
    pub(super) connections: usize,
    /// Also writes the result to a file, as JSON; `-` is standard output.
    #[arg(long, value_name = "FILE")]
    pub(super) json: Option<PathBuf>,
}
