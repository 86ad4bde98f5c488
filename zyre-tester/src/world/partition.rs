//! A network that falls apart, and heals.

use rand::RngExt;
use rand::rngs::StdRng;

use super::change::{Change, What};
use super::topology::Topology;

/// Interfaces that reach each other and nobody else, while it lasts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Partition {
    /// The places of the hosts, and those of their interfaces.
    ports: Vec<(usize, usize)>,
}

impl Partition {
    /// Chooses by chance: some hosts with all of their interfaces, or those that some of the hosts on
    /// one network have there. All of a host that are on one network are on one side.
    pub(super) fn random(rng: &mut StdRng, topology: &Topology) -> Self {
        let networks = topology.networks + topology.homes.len();
        let one = rng.random_ratio(1, 2).then(|| rng.random_range(0..networks));
        let mut ports = Vec::new();
        for (place, host) in topology.hosts.iter().enumerate() {
            if rng.random_ratio(1, 2) {
                continue;
            }
            let there = host.ports.iter().enumerate();
            let there = there.filter(|(_, port)| one.is_none_or(|network| network == port.network));
            ports.extend(there.map(|(number, _)| (place, number)));
        }
        Self { ports }
    }

    /// Returns whether nobody is cut off.
    pub(super) const fn is_empty(&self) -> bool {
        self.ports.is_empty()
    }

    /// Returns what begins it, or what ends it.
    pub(super) fn changes(&self, apart: bool) -> impl Iterator<Item = Change> {
        let what = move |number| What::Apart(number, apart);
        self.ports.iter().map(move |(host, number)| Change { host: *host, what: what(*number) })
    }
}

#[cfg(test)]
mod tests {
    use rand::SeedableRng;

    use super::*;

    #[test]
    fn what_has_fallen_apart_is_whole_again_and_a_host_has_one_side_of_a_network() {
        let mut rng = StdRng::seed_from_u64(1);
        let mut topology = Topology::random(&mut rng, 12, 0);
        let whole = topology.clone();
        let (mut some, mut all) = (0, 0);
        for _ in 0..50 {
            let partition = Partition::random(&mut rng, &topology);
            partition.changes(true).for_each(|change| change.apply(&mut topology));
            assert_eq!(partition.is_empty(), topology == whole);
            for host in &topology.hosts {
                let mut sides = host.ports.iter().map(|port| (port.network, port.apart));
                let is_whole = sides.all(|(network, apart)| {
                    host.ports.iter().all(|it| it.network != network || it.apart == apart)
                });
                assert!(is_whole);
                let apart = host.ports.iter().filter(|port| port.apart).count();
                some += usize::from(apart > 0 && apart < host.ports.len());
                all += usize::from(apart == host.ports.len());
            }
            partition.changes(false).for_each(|change| change.apply(&mut topology));
            assert_eq!(topology, whole);
        }
        assert!(some > 0 && all > 0, "{some} partly, {all} wholly");
    }
}
