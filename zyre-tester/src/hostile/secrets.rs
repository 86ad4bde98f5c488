//! The keys of a run against a secure node: its own are its affair.

use std::path::PathBuf;
use std::sync::Arc;

use testkit::attacks::SecureTarget;
use testkit::curve::Keys;
use testkit::network_key::{self, WORDS};
use zyre::{Builder, Identity, NetworkKey, PublicKey, Trust};

use super::shared::PEERS;
use crate::directory::Directory;

/// The keys of all but the victim.
pub(super) struct Secrets {
    good: Vec<Identity>,
    /// Trusted by the victim, and evil.
    insider: Keys,
    directory: Directory,
}

impl Secrets {
    /// Draws them, and writes down the keys that the victim trusts.
    ///
    /// # Errors
    /// There are no random numbers, or no place for the file.
    pub(super) fn draw() -> Result<Self, String> {
        let told = |error: std::io::Error| format!("the keys: {error}");
        let good: Result<Vec<_>, _> = (0..PEERS).map(|_| Identity::create()).collect();
        let (good, insider) = (good.map_err(told)?, Keys::draw());
        let directory = Directory::create("zyre-hostile").map_err(told)?;
        let secrets = Self { good, insider, directory };
        let listed = zre_proto::PublicKey::new(secrets.insider.public);
        let first = secrets.good.first().map(|good| format!("{}\n", good.public_key()));
        let list = format!("{listed}\n{}", first.unwrap_or_default());
        std::fs::write(secrets.trusted(), list).map_err(told)?;
        Ok(secrets)
    }

    /// The file with the keys that the victim trusts.
    pub(super) fn trusted(&self) -> PathBuf {
        self.directory.path().join("trusted")
    }

    /// The pair of the attacker's own gossip hub.
    pub(super) const fn insider(&self) -> Keys {
        self.insider
    }

    /// Makes a good peer a secure one.
    ///
    /// # Errors
    /// There is no such peer.
    pub(super) fn secure(&self, number: usize, builder: Builder) -> Result<Builder, String> {
        let identity = self.good.get(number).ok_or("there is no such peer")?;
        Ok(builder.secure(identity.clone(), Trust::network(network()?)))
    }

    /// What an attacker may know and have.
    pub(super) fn target(&self, victim: PublicKey) -> SecureTarget {
        SecureTarget {
            key: *victim.as_bytes(),
            insider: self.insider,
            network: network_key::NetworkKey::of([0; 16]),
            good: self.good.iter().map(|good| *good.public_key().as_bytes()).collect(),
            peer: Arc::default(),
        }
    }
}

/// The network of all nodes of the run: everybody can know its key.
///
/// # Errors
/// Never: the words are right.
pub(super) fn network() -> Result<NetworkKey, String> {
    WORDS.parse().map_err(|error: zyre::WordsError| error.to_string())
}

/// Makes a node that nobody knows yet a member.
///
/// # Errors
/// There are no random numbers.
pub(super) fn member(builder: Builder) -> Result<Builder, String> {
    let identity = Identity::create().map_err(|error| error.to_string())?;
    Ok(builder.secure(identity, Trust::network(network()?)))
}

/// Makes the victim a member that trusts the keys in a file as well.
///
/// # Errors
/// There are no random numbers.
pub(super) fn victim(builder: Builder, trusted: PathBuf) -> Result<Builder, String> {
    let identity = Identity::create().map_err(|error| error.to_string())?;
    Ok(builder.secure(identity, Trust::network(network()?).and(Trust::file(trusted))))
}
