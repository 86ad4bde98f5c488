//! The options of every command that starts a node: who it is, and whom it trusts.

use std::error::Error;
use std::fs;
use std::io::{self, BufRead as _, IsTerminal as _};
use std::path::{Path, PathBuf};

use clap::Args;
use zyre::{Builder, Identity, NetworkKey, State, Trust};

use crate::output;

/// Names in the directory of this program.
const KEY: &str = "key";
const NETWORK: &str = "network";

/// What reads from the standard input.
const STDIN: &str = "-";

/// Who a secure node is, and whom it trusts.
#[derive(Args)]
pub(crate) struct Security {
    /// Be a secure node, of the network whose words `zyre network` has written, or of that in FILE; `-`
    /// asks for the words. Nodes that are not in it do not meet it.
    #[arg(long, value_name = "FILE", num_args = 0..=1, require_equals = true)]
    network: Option<Option<PathBuf>>,
    /// Be a secure node, and trust the keys in this file: one in a line. It is read again when it
    /// changes.
    #[arg(long, value_name = "FILE")]
    trust: Option<PathBuf>,
    /// File with the key of a secure node; it is made if it is not there. Default: the one that
    /// `zyre keys` shows.
    #[arg(long, value_name = "FILE")]
    key: Option<PathBuf>,
}

impl Security {
    /// Makes the node a secure one, if it is to be one.
    pub(crate) fn apply(&self, builder: Builder) -> Result<Builder, Box<dyn Error>> {
        let network = self.network.as_ref().map(|file| read_network(file.as_deref()));
        let network = network.transpose()?.map(Trust::network);
        let list = self.trust.as_ref().map(Trust::file);
        let trust = match (network, list) {
            (Some(network), Some(list)) => network.and(list),
            (Some(trust), None) | (None, Some(trust)) => trust,
            (None, None) if self.key.is_some() => {
                return Err("--key needs --network or --trust: say whom the node trusts".into());
            }
            (None, None) => return Ok(builder),
        };
        Ok(builder.secure(identity(self.key.as_deref())?, trust))
    }
}

/// The identity in this file, or in that of this user; made if there is none.
pub(crate) fn identity(file: Option<&Path>) -> Result<Identity, Box<dyn Error>> {
    Ok(Identity::load_or_create(path_of(file, KEY)?)?)
}

/// This file, or that of the network of this user.
pub(crate) fn network_file(file: Option<&Path>) -> Result<PathBuf, Box<dyn Error>> {
    path_of(file, NETWORK)
}

/// Asks for the words of a network.
pub(crate) fn ask_for_words() -> Result<NetworkKey, Box<dyn Error>> {
    if io::stdin().is_terminal() {
        output::warning("The twelve words of the network:");
    }
    let mut words = String::new();
    io::stdin().lock().read_line(&mut words)?;
    Ok(words.parse()?)
}

fn read_network(file: Option<&Path>) -> Result<NetworkKey, Box<dyn Error>> {
    match file {
        Some(file) if file == Path::new(STDIN) => return ask_for_words(),
        Some(file) => return Ok(NetworkKey::load(file)?),
        None => {}
    }
    let file = network_file(None)?;
    if !file.exists() {
        let told = "there is no network yet: `zyre network new` makes one, `zyre network join` \
                    joins one";
        return Err(told.into());
    }
    Ok(NetworkKey::load(file)?)
}

fn path_of(file: Option<&Path>, name: &str) -> Result<PathBuf, Box<dyn Error>> {
    if let Some(file) = file {
        return Ok(file.to_owned());
    }
    let directory = State::directory_of("zyre")?;
    fs::create_dir_all(&directory)
        .map_err(|error| format!("{} cannot be made: {error}", directory.display()))?;
    Ok(directory.join(name))
}
