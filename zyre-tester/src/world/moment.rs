//! A moment at which all nodes were asked for the peers that they know, compared with the truth.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::time::Duration;

use super::kind::Kind;
use super::topology::Topology;
use super::truth::{Meet, Truth};

/// What the nodes have answered: the peers that each knows, by the places of their hosts.
#[derive(Debug, Default)]
pub(super) struct Moment {
    pub(super) known: BTreeMap<usize, BTreeSet<String>>,
    /// The ids of the nodes that run, and their hosts.
    pub(super) ids: BTreeMap<String, usize>,
}

/// A node knows what it should not, or does not know what it should.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Difference {
    pub(super) host: usize,
    pub(super) other: Other,
}

/// The node that it is about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Other {
    /// The node on this host should be known.
    Missing(usize),
    /// The node on this host should not be known.
    Surplus(usize),
    /// A node with this id is known, and there is no such node any more.
    Gone(String),
}

/// How long nodes may take to know the truth.
#[derive(Clone, Copy, Debug)]
pub(super) struct Patience {
    /// Until two know each other.
    pub(super) meet: Duration,
    /// If nothing has changed at them but addresses.
    pub(super) meet_moved: Duration,
    /// If packets are lost or late at one of them.
    pub(super) meet_rough: Duration,
    /// If none hears beacons of the other: an address that was told is tried again after a growing
    /// pause.
    pub(super) meet_told: Duration,
    /// If one of them is a guest: that gives up a peer that it knows only after 30 s.
    pub(super) meet_guest: Duration,
    /// After a partition, if they knew each other before.
    pub(super) heal: Duration,
    /// Until nobody knows one who is gone.
    pub(super) part: Duration,
}

impl Patience {
    /// Returns how long nodes may take that give up a peer that does not answer after `expired`. A
    /// dial that leads nowhere takes 10 s, with two under way at a time.
    pub(super) const fn new(expired: Duration) -> Self {
        Self {
            meet: Duration::from_secs(15),
            meet_moved: Duration::from_secs(3),
            meet_rough: Duration::from_secs(25),
            meet_told: Duration::from_secs(75),
            meet_guest: Duration::from_secs(45),
            heal: Duration::from_secs(3),
            part: expired.saturating_add(Duration::from_secs(4)),
        }
    }
}

impl Moment {
    /// Returns where nodes do not know the truth.
    pub(super) fn differences(&self, topology: &Topology, truth: &Truth) -> Vec<Difference> {
        let mut found = Vec::new();
        for (&host, known) in &self.known {
            for (id, &other) in self.ids.iter().filter(|(_, other)| **other != host) {
                let one = &topology.hosts[host];
                let other = match (truth.meet(host, other), known.contains(id)) {
                    (Meet::Yes, false) if one.kind != Kind::Pyre => Other::Missing(other),
                    (Meet::No, true) if one.kind.is_ours() => Other::Surplus(other),
                    _ => continue,
                };
                found.push(Difference { host, other });
            }
            // How long a guest knows one that is gone is its own affair.
            let is_judged = topology.hosts[host].kind.is_ours();
            let gone = known.iter().filter(|id| is_judged && !self.ids.contains_key(*id));
            found.extend(gone.map(|id| Difference { host, other: Other::Gone(id.clone()) }));
        }
        found
    }

    /// Returns the hosts of which the node on the first knows that on the second.
    pub(super) fn acquainted(&self) -> BTreeSet<(usize, usize)> {
        let places = |known: &BTreeSet<String>| {
            known.iter().filter_map(|id| self.ids.get(id).copied()).collect::<Vec<_>>()
        };
        let of = |(host, known): (&usize, &BTreeSet<String>)| {
            let host = *host;
            places(known).into_iter().map(move |other| (host, other))
        };
        self.known.iter().flat_map(of).collect()
    }
}

impl Difference {
    /// Returns how long it may last after the last change. Of the hosts that are `settled` nothing
    /// has changed but addresses; the `parted` have known each other before a partition, which is
    /// all that has changed.
    pub(super) fn may_last(
        &self,
        (topology, truth): (&Topology, &Truth),
        settled: impl Fn(usize) -> bool,
        parted: &BTreeSet<(usize, usize)>,
        patience: &Patience,
    ) -> Duration {
        match self.other {
            Other::Missing(other) => {
                let places = [self.host, other];
                let hosts = places.map(|place| &topology.hosts[place]);
                let is_rough = hosts.iter().any(|host| host.is_rough());
                if hosts.iter().any(|host| !host.kind.is_ours()) {
                    patience.meet_guest
                } else if parted.contains(&(self.host, other)) && !is_rough {
                    patience.heal
                } else if !truth.is_heard(self.host, other) {
                    patience.meet_told
                } else if is_rough {
                    patience.meet_rough
                } else if places.into_iter().all(settled) {
                    patience.meet_moved
                } else {
                    patience.meet
                }
            }
            Other::Surplus(_) | Other::Gone(_) => patience.part,
        }
    }

    /// Says what is expected, and why.
    pub(super) fn describe(&self, topology: &Topology, truth: &Truth) -> String {
        let name = &topology.hosts[self.host].name;
        match &self.other {
            Other::Missing(other) => {
                let why = truth.describe(topology, self.host, *other);
                let other = &topology.hosts[*other].name;
                format!("{name} does not know {other}, but should: {why}")
            }
            Other::Surplus(other) => {
                let why = truth.describe(topology, self.host, *other);
                let other = &topology.hosts[*other].name;
                format!("{name} knows {other}, but should not: {why}")
            }
            Other::Gone(id) => format!("{name} knows {id}, which is gone"),
        }
    }
}

impl fmt::Display for Patience {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { meet, meet_moved, meet_rough, meet_told, meet_guest, heal, part } = self;
        write!(
            f,
            "to meet {meet:?}, after addresses have changed {meet_moved:?}, on bad links {meet_rough:?}, without beacons {meet_told:?}, "
        )?;
        write!(f, "with a guest {meet_guest:?}, after a partition {heal:?}, to part {part:?}")
    }
}

#[cfg(test)]
mod tests {
    use rand::SeedableRng;
    use rand::rngs::StdRng;

    use super::super::topology::tests::host;
    use super::super::truth::Memory;
    use super::*;

    #[test]
    fn nodes_know_those_whom_they_can_meet_and_nobody_else() {
        let mut topology = Topology::random(&mut StdRng::seed_from_u64(1), 2, 0);
        let one = host(&[(&["10.80.0.1"], false)]);
        topology.hosts = vec![one.clone(), host(&[(&["10.80.0.2"], false)]), host(&[(&[], true)])];
        let ids = ["A", "B", "C"].into_iter().enumerate();
        let mut moment = Moment {
            known: (0..3).map(|place| (place, BTreeSet::new())).collect(),
            ids: ids.map(|(place, id)| (id.to_owned(), place)).collect(),
        };
        let know = |moment: &mut Moment, place: usize, id: &str| {
            moment.known.get_mut(&place).unwrap().insert(id.to_owned());
        };
        know(&mut moment, 0, "B");
        know(&mut moment, 2, "A");
        know(&mut moment, 2, "D");
        let mut memory = Memory::default();
        memory.note(&topology);
        let differences = moment.differences(&topology, &Truth::of(&topology, &memory));
        let found: Vec<_> = differences.into_iter().map(|it| (it.host, it.other)).collect();
        let expected =
            [(1, Other::Missing(0)), (2, Other::Surplus(0)), (2, Other::Gone("D".into()))];
        assert_eq!(found, expected);
    }
}
