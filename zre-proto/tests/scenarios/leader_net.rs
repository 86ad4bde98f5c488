//! Who leads, in networks of engines: all agree, whatever happens, soon after it has.

use std::collections::BTreeSet;

use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use zre_proto::Action;

use crate::net::Net;

/// A network of engines of which some contest in `g` and all are in it.
struct Group {
    net: Net,
    rng: StdRng,
    nodes: BTreeSet<u8>,
    contesters: BTreeSet<u8>,
    told: Vec<Option<u8>>,
}

impl Group {
    fn new(two_way: bool, seed: u64) -> Self {
        let mut net = Net::new(seed);
        net.two_way = two_way;
        let rng = StdRng::seed_from_u64(seed);
        let (nodes, contesters, told) = Default::default();
        Self { net, rng, nodes, contesters, told }
    }

    /// Node `n` starts, and contests in two of three cases.
    fn start(&mut self, n: u8) {
        self.net.start(n);
        self.nodes.insert(n);
        self.told.resize(self.told.len().max(usize::from(n) + 1), None);
        if self.rng.random_ratio(2, 3) {
            self.contest(n);
        } else {
            self.net.act(n, Action::Join("g"));
        }
    }

    fn contest(&mut self, n: u8) {
        self.net.act(n, Action::Contest("g"));
        self.contesters.insert(n);
    }

    /// The process of node `n` ends, and the others see that within a second.
    fn crash(&mut self, n: u8) {
        self.net.delay = (1, 1_000);
        self.net.crash(n);
        self.net.delay = (1, 3);
        self.gone(n);
    }

    fn gone(&mut self, n: u8) {
        self.nodes.remove(&n);
        self.contesters.remove(&n);
        self.told[usize::from(n)] = None;
    }

    /// Node `n` leaves the group, or joins it.
    fn leave_or_join(&mut self, n: u8) {
        if self.nodes.remove(&n) {
            self.net.act(n, Action::Leave("g"));
            self.contesters.remove(&n);
        } else {
            self.nodes.insert(n);
            self.contest(n);
        }
    }

    /// All that happen to be in the group have been told the same leader, the lowest contester.
    fn agrees(&mut self, what: &str) {
        for n in self.nodes.clone() {
            self.listen(n);
            assert_eq!(self.told[usize::from(n)], self.contesters.first().copied(), "{what}, {n}");
        }
    }

    fn listen(&mut self, n: u8) {
        for line in self.net.log(n) {
            if let Some(leader) = line.strip_prefix("LEADER ") {
                let leader: u8 = leader.split(' ').next().unwrap().parse().unwrap();
                self.told[usize::from(n)] = Some(leader).filter(|leader| *leader != 0);
            }
        }
    }

    fn some(&mut self) -> u8 {
        let nodes: Vec<u8> = self.nodes.iter().copied().collect();
        nodes[self.rng.random_range(0..nodes.len())]
    }
}

/// Groups of 2 to 8 that have met within 3 seconds of starting, with contesters among them.
fn groups(count: u64) -> impl Iterator<Item = (Group, String)> {
    (0..count).map(|seed| {
        let mut group = Group::new(seed.is_multiple_of(2), seed);
        for n in 1..=2 + (seed % 7) as u8 {
            group.start(n);
            let pause = group.rng.random_range(0..400);
            group.net.run(pause);
        }
        let n = group.some();
        group.contest(n);
        group.net.run(1_500);
        let what = format!("seed {seed}");
        group.agrees(&what);
        (group, what)
    })
}

#[test]
fn all_agree_after_they_have_met() {
    assert_eq!(groups(60).count(), 60);
}

#[test]
fn after_a_crash_that_is_seen_within_a_second_all_agree_on_the_next_a_moment_later() {
    for (mut group, what) in groups(60) {
        while group.nodes.len() > 1 && !group.contesters.is_empty() {
            let leader = *group.contesters.first().unwrap();
            group.crash(leader);
            group.net.run(1_101);
            group.agrees(&what);
        }
    }
}

#[test]
fn who_contests_after_all_have_met_is_known_to_all_a_moment_later() {
    for (mut group, what) in groups(60) {
        for n in group.nodes.clone().into_iter().rev() {
            group.contest(n);
            group.net.run(107);
            group.agrees(&what);
        }
    }
}

#[test]
fn joins_and_leaves_while_others_go_on_end_in_agreement() {
    for (mut group, what) in groups(60) {
        for _ in 0..20 {
            for _ in 0..group.rng.random_range(1..5) {
                let n = group.rng.random_range(1..=8);
                let running = group.told.len() > usize::from(n) && n != 1;
                if running {
                    group.leave_or_join(n);
                }
                let pause = group.rng.random_range(0..60);
                group.net.run(pause);
            }
            group.net.run(107);
            group.agrees(&what);
        }
    }
}

#[test]
fn each_side_of_a_cut_has_a_leader_and_both_agree_when_it_is_healed() {
    for (mut group, what) in groups(40) {
        group.start(9);
        group.contest(9);
        group.net.run(2_000);
        group.agrees(&what);
        let nodes: Vec<u8> = group.nodes.iter().copied().collect();
        let half: BTreeSet<u8> = nodes.iter().copied().filter(|n| n % 2 == 1).collect();
        for (one, other) in nodes.iter().flat_map(|a| nodes.iter().map(move |b| (*a, *b))) {
            if half.contains(&one) && !half.contains(&other) {
                group.net.cut(one, other);
                group.net.cut(other, one);
            }
        }
        // With their next beacons they find each other again.
        group.net.run(2_500);
        group.agrees(&what);
    }
}

#[test]
fn no_leader_is_told_twice_and_none_of_those_who_never_led() {
    for (mut group, what) in groups(30) {
        let leader = *group.contesters.first().unwrap();
        let n = group.some();
        (1..=8).for_each(|n| drop(group.net.log(n)));
        group.net.run(60_000);
        assert!(!group.net.log(n).iter().any(|line| line.starts_with("LEADER")), "{what}");
        group.crash(leader);
        group.net.run(1_101);
        let nodes = group.nodes.clone();
        for n in nodes {
            let mut log = group.net.log(n);
            log.retain(|line| line.starts_with("LEADER"));
            let mut expected = vec!["LEADER 0 g".to_owned()];
            expected.extend(
                group.contesters.first().map(|next| {
                    format!("LEADER {next} g{}", if *next == n { " mine" } else { "" })
                }),
            );
            assert_eq!(log, expected, "{what}, node {n}");
        }
    }
}
