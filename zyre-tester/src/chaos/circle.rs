//! Which nodes have to do with each other: those of one network key, and those that have none.

use std::path::Path;
use std::sync::Arc;

use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use serde::{Deserialize, Serialize};
use zyre::{Identity, NetworkKey};

/// Those that meet each other and nobody else.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum Circle {
    /// Nodes without keys: all of them, in a run that is not one of secure nodes.
    #[default]
    Plain,
    /// Most of the nodes of a run of secure ones.
    First,
    /// Secure nodes of another network.
    Second,
}

/// The keys of the two networks of a run.
pub(super) type NetworkKeys = Arc<[NetworkKey; 2]>;

const FILES: [&str; 2] = ["first", "second"];

/// Draws the keys of a run, and writes them where its processes read them.
///
/// # Errors
/// There are no random numbers, or a file cannot be written.
pub(super) fn create(directory: &Path) -> Result<(), String> {
    for file in FILES {
        let key = NetworkKey::generate().map_err(|error| error.to_string())?;
        key.save(directory.join(file)).map_err(|error| error.to_string())?;
    }
    Ok(())
}

/// Reads the keys of a run.
///
/// # Errors
/// A file cannot be read.
pub(super) fn load(directory: &Path) -> Result<NetworkKeys, String> {
    let [first, second] = FILES.map(|file| NetworkKey::load(directory.join(file)));
    let told = |error: zyre::KeyFileError| error.to_string();
    Ok(Arc::new([first.map_err(told)?, second.map_err(told)?]))
}

/// Looks whether nodes of the C library hear the beacons of all whose keys are drawn. Returns what is
/// wrong.
///
/// # Errors
/// There are no random numbers.
pub(super) fn wrong_draw() -> Result<Option<String>, String> {
    /// Of 256 keys one begins with 0.
    const DRAWS: u32 = 2000;
    for _ in 0..DRAWS {
        let drawn = Identity::create().map_err(|error| error.to_string())?.public_key();
        if drawn.as_bytes()[0] == 0 {
            return Ok(Some(format!("the key {drawn} was drawn, which begins with 0")));
        }
    }
    Ok(None)
}

impl Circle {
    /// The network key of its nodes.
    pub(super) fn key(self, keys: &NetworkKeys) -> Option<&NetworkKey> {
        match self {
            Self::Plain => None,
            Self::First => Some(&keys[0]),
            Self::Second => Some(&keys[1]),
        }
    }
}

/// Decides which nodes are in which circle.
#[derive(Debug)]
pub(super) struct Circles {
    /// Of its own: the schedule is the same whatever the share.
    rng: StdRng,
    secure: bool,
    percent: u8,
}

impl Circles {
    /// Of 100 secure nodes about `percent` will be strangers to the others.
    pub(super) fn new(seed: u64, secure: bool, percent: u8) -> Self {
        Self { rng: StdRng::seed_from_u64(seed), secure, percent }
    }

    /// The circle of the next node.
    pub(super) fn circle(&mut self) -> Circle {
        if !self.secure {
            return Circle::Plain;
        }
        if self.rng.random_range(0..100) >= self.percent {
            return Circle::First;
        }
        if self.rng.random() { Circle::Plain } else { Circle::Second }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_share_are_strangers_of_both_kinds() {
        let mut circles = Circles::new(1, true, 20);
        let drawn: Vec<Circle> = (0..1000).map(|_| circles.circle()).collect();
        let of = |circle| drawn.iter().filter(|it| **it == circle).count();
        assert!((750..850).contains(&of(Circle::First)), "{}", of(Circle::First));
        assert!(of(Circle::Plain) > 50 && of(Circle::Second) > 50);
        let mut plain = Circles::new(1, false, 20);
        assert!((0..100).all(|_| plain.circle() == Circle::Plain));
    }
}
