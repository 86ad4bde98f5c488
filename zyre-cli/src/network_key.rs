//! `zyre network`: the key of the network that this user's nodes belong to.

use std::error::Error;
use std::path::PathBuf;

use clap::{Args, Subcommand};
use zyre::NetworkKey;

use crate::output;
use crate::security::{ask_for_words, network_file};

#[derive(Args)]
pub(crate) struct Options {
    #[command(subcommand)]
    action: Action,
}

#[derive(Subcommand)]
enum Action {
    /// Makes a network, and shows the twelve words by which others join it.
    New(File),
    /// Joins a network: asks for its twelve words.
    Join(File),
    /// Shows the twelve words of the network.
    Show(File),
}

#[derive(Args)]
struct File {
    /// Where the words are kept. Default: where `--network` looks for them.
    #[arg(long, value_name = "FILE")]
    file: Option<PathBuf>,
}

impl File {
    fn path(&self) -> Result<PathBuf, Box<dyn Error>> {
        Ok(network_file(self.file.as_deref())?)
    }

    /// How commands are told to use it.
    fn option(&self) -> String {
        self.file
            .as_ref()
            .map_or_else(|| "--network".to_owned(), |file| format!("--network={}", file.display()))
    }
}

pub(crate) fn run(options: &Options) -> Result<(), Box<dyn Error>> {
    match &options.action {
        Action::New(file) => {
            let network = NetworkKey::generate()?;
            network.save(file.path()?)?;
            output::warning("On each of the other machines, run `zyre network join` and paste:");
            output::record(&*network.words());
            output::warning(format!(
                "All nodes with these words trust each other. Then: zyre chat alice {}",
                file.option()
            ));
        }
        Action::Join(file) => {
            ask_for_words()?.save(file.path()?)?;
            output::warning(format!("Joined. Now: zyre chat bob {}", file.option()));
        }
        Action::Show(file) => output::record(&*NetworkKey::load(file.path()?)?.words()),
    }
    Ok(())
}
