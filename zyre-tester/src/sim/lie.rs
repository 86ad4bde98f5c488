//! Nodes that are no members of a secure network, or are and pretend to be another one.
//!
//! Each of them is an engine as all nodes have, at a host of its own: it announces itself, connects
//! and greets as they do. What it says of itself is not true.

use clap::ValueEnum;
use zre_proto::{PeerId, PublicKey};

/// What a liar says of itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, ValueEnum)]
pub(super) enum Lie {
    /// Nothing that is not true: it has a key that nobody trusts.
    Stranger,
    /// To be another node, with a key that nobody trusts.
    Forger,
    /// To be another node, without a key.
    Plain,
    /// To be another node, with the key of a third, which is trusted.
    Insider,
    /// The same; and it never says anything on a connection.
    Trap,
    /// To be another node, with the key of that one, which it cannot prove.
    Copy,
    /// To have the key of another node, in HELLO. The one that it proves is trusted.
    Boaster,
}

/// What a liar says of itself, which node it belongs to, and what is true.
#[derive(Clone, Copy, Debug)]
pub(super) struct Claim {
    pub(super) lie: Lie,
    pub(super) id: PeerId,
    /// What its beacons say.
    pub(super) announced: Option<PublicKey>,
    /// What its HELLO says.
    pub(super) told: Option<PublicKey>,
    /// What it can prove.
    pub(super) proved: Option<PublicKey>,
}

/// The node that a lie is about, and the liar.
#[derive(Clone, Copy, Debug)]
pub(super) struct Actors {
    /// The liar's own id, and a key that nobody knows.
    pub(super) own: (PeerId, PublicKey),
    pub(super) victim: (PeerId, PublicKey),
    /// The key of a node that is trusted.
    pub(super) insider: PublicKey,
}

impl Lie {
    /// What this liar says of itself.
    pub(super) const fn claim(self, actors: &Actors) -> Claim {
        let (own, strange) = (actors.own.0, Some(actors.own.1));
        let (victim, of_victim) = (actors.victim.0, Some(actors.victim.1));
        let insider = Some(actors.insider);
        let (id, announced, told, proved) = match self {
            Self::Stranger => (own, strange, strange, strange),
            Self::Forger => (victim, strange, strange, strange),
            Self::Plain => (victim, None, None, None),
            Self::Insider | Self::Trap => (victim, insider, insider, insider),
            Self::Copy => (victim, of_victim, of_victim, strange),
            Self::Boaster => (own, insider, of_victim, insider),
        };
        Claim { lie: self, id, announced, told, proved }
    }

    /// Whether nobody may even connect to it, wherever it says that it is.
    pub(super) const fn is_left_alone(self) -> bool {
        matches!(self, Self::Stranger | Self::Forger | Self::Plain)
    }

    /// Whether it says goodbye in the name of another, every other time.
    pub(super) const fn says_goodbye(self) -> bool {
        matches!(self, Self::Forger | Self::Plain | Self::Insider | Self::Copy)
    }

    /// Whether it is there to be connected to, and does nothing.
    pub(super) const fn is_mute(self) -> bool {
        matches!(self, Self::Trap)
    }
}
