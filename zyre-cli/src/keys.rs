//! `zyre keys`: the key of this user's secure nodes.

use std::error::Error;
use std::path::PathBuf;

use clap::Args;
use zyre::PublicKey;

use crate::output;
use crate::security::identity;

#[derive(Args)]
pub(crate) struct Options {
    /// Show the words of another person's key.
    key: Option<PublicKey>,
    /// File with the own key; it is made if it is not there.
    #[arg(long, value_name = "FILE", conflicts_with = "key")]
    file: Option<PathBuf>,
}

/// Shows a key as it stands in a list, and behind it the words that people compare.
pub(crate) fn run(options: &Options) -> Result<(), Box<dyn Error>> {
    let key = match options.key {
        Some(key) => key,
        None => identity(options.file.as_deref())?.public_key(),
    };
    output::record(format!("{key}  {}", key.words()));
    Ok(())
}
