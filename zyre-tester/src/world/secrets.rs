//! The keys of a world of secure nodes: one network key for all, and a key pair for each host, which
//! its nodes keep from life to life.

use std::path::PathBuf;

use testkit::failure::{Failure, Result};
use zyre::{Identity, KeyFileError, NetworkKey};

use crate::directory::Directory;

/// The keys of a world, in files that go with it.
pub(super) struct Secrets {
    directory: Directory,
    /// By the places of the hosts.
    public: Vec<String>,
}

impl Secrets {
    /// Draws them for this number of hosts.
    ///
    /// # Errors
    /// There are no random numbers, or no place for the files.
    pub(super) fn draw(hosts: usize) -> Result<Self> {
        let wrong = |what: String| Failure::new(format!("the keys of the world: {what}"));
        let directory =
            Directory::create("zyre-world").map_err(|error| wrong(error.to_string()))?;
        let mut secrets = Self { directory, public: Vec::new() };
        let of_file = |error: KeyFileError| wrong(error.to_string());
        let network = NetworkKey::generate().map_err(|error| wrong(error.to_string()))?;
        network.save(secrets.network()).map_err(of_file)?;
        for place in 0..hosts {
            let identity = Identity::load_or_create(secrets.identity(place)).map_err(of_file)?;
            secrets.public.push(identity.public_key().to_string());
        }
        Ok(secrets)
    }

    /// The file with the network key.
    pub(super) fn network(&self) -> PathBuf {
        self.directory.path().join("network")
    }

    /// The file with the key pair of the nodes on a host.
    pub(super) fn identity(&self, place: usize) -> PathBuf {
        self.directory.path().join(format!("{place}.key"))
    }

    /// An endpoint on a host, with the key that is proved there.
    pub(super) fn endpoint(&self, place: usize, endpoint: &str) -> String {
        let key = self.public.get(place).map_or("", String::as_str);
        format!("{endpoint}|{key}")
    }
}
