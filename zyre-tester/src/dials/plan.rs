//! What is to happen in a run: all that is left to chance, decided by a seed.

use std::fmt;
use std::time::Duration;

use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use zyre::PeerId;

use super::role::Role;

/// The longest that a relay holds something back,
const LONGEST_DELAY_US: u64 = 50_000;
/// and how often it does not: one time in this number.
const PROMPT: u32 = 4;

/// How long a connection waits at a relay that stalls.
const STALL: Duration = Duration::from_secs(1);

/// The plan of a run.
#[derive(Clone, Debug)]
pub(super) struct Plan {
    pub(super) seed: u64,
    pub(super) variant: Variant,
    /// The node that starts first,
    pub(super) first: Role,
    /// and the time from then until the other one starts.
    pub(super) gap: Duration,
    nodes: [NodePlan; 2],
}

/// What makes a run special.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Variant {
    /// Both start at nearly the same time, and only delays differ.
    Plain,
    /// One node starts when the other has announced itself for a while.
    Later,
    /// The relay of a node refuses the first connections.
    Refusing { relay: Role, connections: u32 },
    /// The first connection to a node waits for a second before its mailbox sees it.
    Stalling { relay: Role },
}

/// The plan of a node.
#[derive(Clone, Debug)]
pub(super) struct NodePlan {
    pub(super) id: PeerId,
    pub(super) beacon_interval: Duration,
    /// How the relay to this node behaves.
    pub(super) relay: Manner,
}

/// How a relay behaves.
#[derive(Clone, Copy, Debug)]
pub(super) struct Manner {
    /// Decides its delays.
    pub(super) seed: u64,
    /// The first connections that it refuses.
    pub(super) refused: u32,
    /// How much longer than others the first connection waits.
    pub(super) stall: Duration,
}

impl Plan {
    pub(super) fn new(seed: u64) -> Self {
        let mut rng = StdRng::seed_from_u64(seed);
        let role = |rng: &mut StdRng| Role::BOTH[rng.random_range(0..2)];
        let relay = role(&mut rng);
        let variant = match rng.random_range(0..8) {
            0..3 => Variant::Plain,
            3..5 => Variant::Later,
            5..7 => Variant::Refusing { relay, connections: rng.random_range(1..=3) },
            _ => Variant::Stalling { relay },
        };
        let gap = match variant {
            Variant::Later => rng.random_range(50..400),
            _ => rng.random_range(0..20),
        };
        let first = role(&mut rng);
        let [chooser, follower] = ids(&mut rng);
        let nodes = [
            NodePlan::new(&mut rng, chooser, variant, Role::Chooser),
            NodePlan::new(&mut rng, follower, variant, Role::Follower),
        ];
        Self { seed, variant, first, gap: Duration::from_millis(gap), nodes }
    }

    pub(super) fn node(&self, role: Role) -> &NodePlan {
        role.of(&self.nodes)
    }
}

/// The smaller id first. They differ from any of their 16 bytes on.
fn ids(rng: &mut StdRng) -> [PeerId; 2] {
    let one: [u8; 16] = rng.random();
    let mut other: [u8; 16] = rng.random();
    let same = rng.random_range(0..one.len());
    other[..same].copy_from_slice(&one[..same]);
    if other == one {
        other[same] = !other[same];
    }
    let mut ids = [one, other].map(PeerId::new);
    ids.sort_unstable();
    ids
}

impl NodePlan {
    fn new(rng: &mut StdRng, id: PeerId, variant: Variant, role: Role) -> Self {
        let refused = match variant {
            Variant::Refusing { relay, connections } if relay == role => connections,
            _ => 0,
        };
        let stall =
            if variant == (Variant::Stalling { relay: role }) { STALL } else { Duration::ZERO };
        // Short, so that the second node is heard, and dials, while the first one's dial is under
        // way.
        let beacon_interval = Duration::from_millis(rng.random_range(20..80));
        Self { id, beacon_interval, relay: Manner { seed: rng.random(), refused, stall } }
    }
}

/// Returns how long something is held back by a relay.
pub(super) fn delay(rng: &mut StdRng) -> Duration {
    if rng.random_ratio(1, PROMPT) {
        return Duration::ZERO;
    }
    Duration::from_micros(rng.random_range(0..=LONGEST_DELAY_US))
}

impl Variant {
    /// The kinds, by name.
    pub(super) const KINDS: [&str; 4] = ["plain", "later", "refusing", "stalling"];

    pub(super) const fn kind(self) -> &'static str {
        match self {
            Self::Plain => Self::KINDS[0],
            Self::Later => Self::KINDS[1],
            Self::Refusing { .. } => Self::KINDS[2],
            Self::Stalling { .. } => Self::KINDS[3],
        }
    }
}

impl fmt::Display for Variant {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.kind())?;
        match self {
            Self::Plain | Self::Later => Ok(()),
            Self::Refusing { relay, connections } => {
                write!(f, ": {connections} to the {relay}")
            }
            Self::Stalling { relay } => write!(f, ": the first one to the {relay}"),
        }
    }
}

impl fmt::Display for Plan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { seed, variant, first, gap, .. } = self;
        write!(f, "seed {seed}, {variant}; the {first} starts {} ms before", gap.as_millis())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn seeds_bring_everything_about() {
        let plans: Vec<_> = (0..500).map(Plan::new).collect();
        for plan in &plans {
            assert!(plan.node(Role::Chooser).id < plan.node(Role::Follower).id, "{plan}");
        }
        for kind in Variant::KINDS {
            for first in Role::BOTH {
                let found = plans.iter().any(|it| it.first == first && it.variant.kind() == kind);
                assert!(found, "{kind}, {first} first");
            }
        }
        for relay in Role::BOTH {
            let stalls = |plan: &&Plan| plan.variant == Variant::Stalling { relay };
            let plan = plans.iter().find(stalls).expect("a relay of each stalls");
            assert_eq!(plan.node(relay).relay.stall, STALL);
            assert_eq!(plan.node(relay.other()).relay.stall, Duration::ZERO);
            let refuses = |plan: &&Plan| plan.node(relay).relay.refused == 3;
            assert!(plans.iter().any(|plan| refuses(&plan)), "a relay of each refuses");
        }
        let same = |plan: &Plan| {
            let [one, other] = Role::BOTH.map(|role| *plan.node(role).id.as_bytes());
            one.iter().zip(other).take_while(|(one, other)| **one == *other).count()
        };
        assert!(plans.iter().any(|plan| same(plan) == 0) && plans.iter().any(|it| same(it) == 15));
    }

    #[test]
    fn a_seed_makes_the_same_plan_again() {
        assert_eq!(format!("{:?}", Plan::new(7)), format!("{:?}", Plan::new(7)));
        assert_ne!(format!("{:?}", Plan::new(7)), format!("{:?}", Plan::new(8)));
    }
}
