//! The command-line options for a secure node: its key, and what it trusts. All programs of a user have
//! the same options, and use the same files.

use std::env;
use std::fs;
use std::io::{self, BufRead as _, IsTerminal as _};
use std::path::{Path, PathBuf};

use clap::Args;
use thiserror::Error;

use crate::{Builder, Identity, KeyFileError, NetworkKey, State, StateError, Trust, WordsError};

/// Names in the directory of this user.
const KEY: &str = "key";
const NETWORK: &str = "network";

/// What names another file with the key in the environment.
const KEY_VARIABLE: &str = "ZYRE_KEY";

/// What reads from the standard input.
const STDIN: &str = "-";

/// The key of a secure node, and what it trusts. Without any of these options a node is not secure.
#[derive(Args, Clone, Debug, Default)]
// There may be others of this name.
#[group(id = "zyre-security")]
pub struct Security {
    /// Be a secure node, of the network whose words `zyre network` has written, or of that in FILE; `-`
    /// asks for the words. Nodes that are not in it do not meet it.
    #[arg(long, value_name = "FILE", num_args = 0..=1, require_equals = true)]
    network: Option<Option<PathBuf>>,
    /// Be a secure node, and trust the keys in this file: one in a line. It is read again when it
    /// changes.
    #[arg(long, value_name = "FILE")]
    trust: Option<PathBuf>,
    /// File with the key of a secure node; it is made if it is not there. Default: the one that
    /// `ZYRE_KEY` in the environment names, or else the one that `zyre keys` shows.
    #[arg(long, value_name = "FILE")]
    key: Option<PathBuf>,
}

/// The options do not make a secure node.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum SecurityError {
    /// There is a key, and nothing that the node could trust.
    #[error("--key also needs --network or --trust, which say what the node trusts")]
    KeyAlone,
    /// This user is in no network.
    #[error("there is no network yet: `zyre network new` makes one, `zyre network join` joins one")]
    NoNetwork,
    /// What was typed is no network.
    #[error(transparent)]
    Words(#[from] WordsError),
    /// A file cannot be used.
    #[error(transparent)]
    File(#[from] KeyFileError),
    /// There is no directory for the files of this user.
    #[error(transparent)]
    Directory(#[from] StateError),
    /// The directory for the files of this user cannot be made.
    #[error("{} cannot be made: {source}", .path.display())]
    NoDirectory {
        /// The directory.
        path: PathBuf,
        /// Why it cannot be made.
        source: io::Error,
    },
    /// The words cannot be read.
    #[error("the words of the network cannot be read: {0}")]
    Input(#[source] io::Error),
}

impl Security {
    /// Returns whether the options ask for a secure node.
    pub const fn is_asked_for(&self) -> bool {
        self.network.is_some() || self.trust.is_some()
    }

    /// Returns whether the options ask for a network.
    pub const fn has_network(&self) -> bool {
        self.network.is_some()
    }

    /// Makes the node a secure one, if the options ask for it.
    ///
    /// # Errors
    /// See [`SecurityError`].
    pub fn apply(&self, builder: Builder) -> Result<Builder, SecurityError> {
        Ok(match self.read(None)? {
            Some((identity, trust)) => builder.secure(identity, trust),
            None => builder,
        })
    }

    /// Reads the key and what the node trusts, with the keys in `more` that the program trusts too;
    /// `None` if the options do not ask for a secure node. What is typed is asked for once: a
    /// program that starts several nodes keeps what this returns.
    ///
    /// # Errors
    /// See [`SecurityError`].
    pub fn read(&self, more: Option<Trust>) -> Result<Option<(Identity, Trust)>, SecurityError> {
        let network = self.network.as_ref().map(|file| read_network(file.as_deref()));
        let network = network.transpose()?.map(Trust::network);
        let all = [network, self.trust.as_ref().map(Trust::file), more];
        match all.into_iter().flatten().reduce(Trust::and) {
            Some(trust) => Ok(Some((identity(self.key.as_deref())?, trust))),
            None if self.key.is_some() => Err(SecurityError::KeyAlone),
            None => Ok(None),
        }
    }
}

/// Returns the identity in this file, or in the one that `ZYRE_KEY` names, or in that of this user; it
/// is made if there is none.
///
/// # Errors
/// See [`SecurityError`].
pub fn identity(file: Option<&Path>) -> Result<Identity, SecurityError> {
    let set = env::var_os(KEY_VARIABLE).filter(|file| !file.is_empty()).map(PathBuf::from);
    Ok(Identity::load_or_create(path_of(file.or(set.as_deref()), KEY)?)?)
}

/// Returns this file, or that of the network of this user.
///
/// # Errors
/// See [`SecurityError`].
pub fn network_file(file: Option<&Path>) -> Result<PathBuf, SecurityError> {
    path_of(file, NETWORK)
}

/// Asks for the words of a network: reads a line of the standard input.
///
/// # Errors
/// See [`SecurityError`].
pub fn ask_for_words() -> Result<NetworkKey, SecurityError> {
    if io::stdin().is_terminal() {
        eprintln!("The twelve words of the network:");
    }
    let mut words = zeroize::Zeroizing::new(String::new());
    io::stdin().lock().read_line(&mut words).map_err(SecurityError::Input)?;
    Ok(words.parse()?)
}

fn read_network(file: Option<&Path>) -> Result<NetworkKey, SecurityError> {
    match file {
        Some(file) if file == Path::new(STDIN) => return ask_for_words(),
        Some(file) => return Ok(NetworkKey::load(file)?),
        None => {}
    }
    let file = network_file(None)?;
    if file.exists() { Ok(NetworkKey::load(file)?) } else { Err(SecurityError::NoNetwork) }
}

fn path_of(file: Option<&Path>, name: &str) -> Result<PathBuf, SecurityError> {
    if let Some(file) = file {
        return Ok(file.to_owned());
    }
    let path = State::directory_of("zyre")?;
    match fs::create_dir_all(&path) {
        Ok(()) => Ok(path.join(name)),
        Err(source) => Err(SecurityError::NoDirectory { path, source }),
    }
}
