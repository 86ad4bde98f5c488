//! The kinds of nodes that live together.

use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use serde::{Deserialize, Serialize};

/// What a node knows of connections.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum Kind {
    /// With a peer that can do so as well it shares one.
    TwoWay,
    /// With everybody it makes one each way.
    Plain,
    /// So does the release before, which does not tell of what kind it is.
    #[default]
    Old,
}

/// Decides which nodes are plain, so that the network is mixed.
#[derive(Debug)]
pub(super) struct Kinds {
    /// Of its own: the schedule is the same whatever the share.
    rng: StdRng,
    percent: u8,
}

impl Kinds {
    /// Of 100 nodes about `percent` will be plain.
    pub(super) fn new(seed: u64, percent: u8) -> Self {
        Self { rng: StdRng::seed_from_u64(seed), percent }
    }

    /// The kind of the next node.
    pub(super) fn kind(&mut self) -> Kind {
        if self.rng.random_range(0..100) < self.percent { Kind::Plain } else { Kind::TwoWay }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_share_is_plain_and_a_seed_decides_which() {
        let kinds = |seed, percent| {
            let mut kinds = Kinds::new(seed, percent);
            (0..1000).map(|_| kinds.kind()).collect::<Vec<_>>()
        };
        let plain = |percent| kinds(1, percent).into_iter().filter(|it| *it == Kind::Plain).count();
        assert_eq!((plain(0), plain(100)), (0, 1000));
        assert!((150..250).contains(&plain(20)), "{}", plain(20));
        assert_eq!(kinds(1, 20), kinds(1, 20));
        assert_ne!(kinds(1, 20), kinds(2, 20));
    }
}
