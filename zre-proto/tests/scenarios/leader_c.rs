//! Who leads, in groups with members of the C library: their elections end, and end as ours do.

use std::collections::{BTreeMap, BTreeSet};

use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use zre_proto::Action;

use crate::c_like::CLike;
use crate::net::Net;

/// What a node is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Ours,
    /// Of the C library.
    C,
    /// Of another kind, that does not know elections.
    Stranger,
}

struct Group {
    net: Net,
    rng: StdRng,
    nodes: BTreeMap<u8, Kind>,
    contesters: BTreeSet<u8>,
    told: BTreeMap<u8, u8>,
}

impl Group {
    fn new(seed: u64) -> Self {
        let mut net = Net::new(seed);
        net.two_way = seed.is_multiple_of(2);
        let rng = StdRng::seed_from_u64(seed);
        let (nodes, contesters, told) = Default::default();
        Self { net, rng, nodes, contesters, told }
    }

    fn start(&mut self, n: u8, kind: Kind) {
        let late = self.rng.random_range(0..1_000);
        match kind {
            Kind::Ours => self.net.start(n),
            Kind::C => CLike::start_with(&mut self.net, n, true, late),
            Kind::Stranger => CLike::start_with(&mut self.net, n, false, late),
        }
        self.nodes.insert(n, kind);
    }

    fn join(&mut self, n: u8, contests: bool) {
        if contests && self.nodes[&n] != Kind::Stranger {
            self.net.act(n, Action::Contest("g"));
            self.contesters.insert(n);
        } else {
            self.net.act(n, Action::Join("g"));
        }
    }

    fn gone(&mut self, n: u8) {
        self.nodes.remove(&n);
        self.contesters.remove(&n);
        self.told.remove(&n);
    }

    /// All but strangers have the lowest contester as leader; those of the C library if one of them
    /// contests, for else they need not hear of any election.
    fn agrees(&mut self, what: &str) {
        let lowest = self.contesters.first().copied();
        let elects = self.contesters.iter().any(|n| self.nodes[n] == Kind::C);
        let strangers = self.nodes.values().any(|kind| *kind == Kind::Stranger);
        for (n, kind) in self.nodes.clone() {
            let log = self.net.log(n);
            for line in &log {
                assert!(!line.contains("sequence gap"), "{what}: {line} at {n}");
                if let Some(leader) = line.strip_prefix("LEADER ") {
                    let leader: u8 = leader.split(' ').next().unwrap().parse().unwrap();
                    self.told.insert(n, leader);
                }
            }
            let told = self.told.get(&n).copied().filter(|leader| *leader != 0);
            match kind {
                Kind::Ours => assert_eq!(told, lowest, "{what}: ours, {n} of {:?}", self.nodes),
                // Their rounds need the answer of each member.
                Kind::C if elects && !strangers && self.nodes.len() > 1 => {
                    assert_eq!(told, lowest, "{what}: C, {n} of {:?}", self.nodes);
                }
                Kind::C | Kind::Stranger => {}
            }
        }
    }
}

/// Groups of up to six with at least one of ours and one contester of the C library, in which all
/// have met. Either all of the C library contest, or some.
fn groups(count: u64, all_contest: bool) -> impl Iterator<Item = (Group, String)> {
    (0..count).map(move |seed| {
        let mut group = Group::new(seed);
        let size = 2 + (seed % 5) as u8;
        let (ours, c) = (1 + group.rng.random_range(0..size), group.rng.random_range(0..size - 1));
        for n in 1..=size {
            let is_ours = n == ours || group.rng.random_ratio(1, 2);
            let c_contests = n == 1 + (ours + c) % size;
            let kind = if is_ours && !c_contests { Kind::Ours } else { Kind::C };
            group.start(n, kind);
            let contests =
                c_contests || all_contest && kind == Kind::C || group.rng.random_ratio(1, 2);
            group.join(n, contests);
            let pause = group.rng.random_range(0..600);
            group.net.run(pause);
        }
        group.net.run(4_000);
        let what = format!("seed {seed}");
        group.agrees(&what);
        (group, what)
    })
}

#[test]
fn nodes_that_come_one_after_the_other_elect_the_same() {
    assert_eq!(groups(400, false).count(), 400);
}

#[test]
fn contesters_that_join_a_group_of_nodes_that_have_met_are_elected() {
    for seed in 0..150 {
        let mut group = Group::new(seed);
        let size = 3 + (seed % 4) as u8;
        for n in 1..=size + 1 {
            group.start(n, if n % 2 == 0 { Kind::Ours } else { Kind::C });
        }
        group.net.run(3_000);
        for _ in 0..size {
            let n = group.rng.random_range(1..=size);
            let contests = group.rng.random_ratio(2, 3);
            group.join(n, contests);
            let pause = group.rng.random_range(0..5);
            group.net.run(pause);
        }
        let spare = size + 1;
        for n in (1..=size).filter(|n| !group.contesters.contains(n)).collect::<Vec<_>>() {
            group.net.act(n, Action::Leave("g"));
            group.net.run(20);
            group.join(n, true);
            group.net.run(20);
        }
        // A contester of the C library is known from the next join on.
        group.join(spare, false);
        group.net.run(2_000);
        group.agrees(&format!("seed {seed}"));
    }
}

#[test]
fn when_the_leader_leaves_the_next_one_is_elected() {
    for (mut group, what) in groups(150, false) {
        while group.contesters.len() > 1 && group.nodes.len() > 2 {
            let leader = *group.contesters.first().unwrap();
            group.net.act(leader, Action::Leave("g"));
            group.gone(leader);
            group.net.run(5_000);
            if !group.nodes.values().any(|kind| *kind == Kind::Ours) {
                break;
            }
            group.agrees(&what);
        }
    }
}

#[test]
fn when_the_leader_crashes_and_that_is_seen_at_different_times_the_next_one_is_elected() {
    for (mut group, what) in groups(150, true) {
        let leader = *group.contesters.first().unwrap();
        if group.contesters.len() < 2 {
            continue;
        }
        group.net.delay = (1, 1_000);
        group.net.crash(leader);
        group.net.delay = (1, 3);
        group.gone(leader);
        if !group.nodes.values().any(|kind| *kind == Kind::Ours) {
            continue;
        }
        // All of the C library contest, so each begins a round when it notices: when nothing was heard
        // for 30 s, one sooner, another later.
        group.net.run(45_000);
        group.agrees(&what);
    }
}

#[test]
fn strangers_are_told_nothing_and_do_not_break_their_links() {
    for seed in 0..60 {
        let mut group = Group::new(seed);
        for n in 1..=5 {
            let kind = [Kind::Ours, Kind::Stranger, Kind::C][(usize::from(n) + seed as usize) % 3];
            // Nodes of the C library that contest would break the links of strangers.
            group.start(n, kind);
            group.join(n, kind == Kind::Ours);
            let pause = group.rng.random_range(0..600);
            group.net.run(pause);
        }
        group.net.run(10_000);
        group.agrees(&format!("seed {seed}"));
    }
}
