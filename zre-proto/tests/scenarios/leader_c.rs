//! Who leads, in groups with members of the C library: their elections end, and end as ours do.

use std::collections::{BTreeMap, BTreeSet};

use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use zre_proto::{Action, PeerId};

use crate::c_election::CElection;
use crate::c_like::CLike;
use crate::common::id;
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
    /// How often one of the C library was found that waits for ever.
    stuck: usize,
}

impl Group {
    fn new(seed: u64) -> Self {
        let mut net = Net::new(seed);
        net.two_way = seed.is_multiple_of(2);
        let rng = StdRng::seed_from_u64(seed);
        let (nodes, contesters, told) = Default::default();
        Self { net, rng, nodes, contesters, told, stuck: 0 }
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
    /// contests, for else they need not hear of any election. Of those one may wait for ever
    /// ([`who_has_counted_more_leaders_than_there_are_members_waits_for_ever`]).
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
                Kind::C if told != lowest && self.net.waits_for_ever(n) => self.stuck += 1,
                Kind::C if elects && !strangers && self.nodes.len() > 1 => {
                    assert_eq!(told, lowest, "{what}: C, {n} of {:?}", self.nodes);
                }
                Kind::C | Kind::Stranger => {}
            }
        }
    }
}

/// A group of up to six with at least one of ours and one contester of the C library. All start one
/// after the other. Either all of the C library contest, or some.
fn start(seed: u64, all_contest: bool) -> Group {
    let mut group = Group::new(seed);
    let size = 2 + (seed % 5) as u8;
    let (ours, c) = (1 + group.rng.random_range(0..size), group.rng.random_range(0..size - 1));
    for n in 1..=size {
        let is_ours = n == ours || group.rng.random_ratio(1, 2);
        let c_contests = n == 1 + (ours + c) % size;
        let kind = if is_ours && !c_contests { Kind::Ours } else { Kind::C };
        group.start(n, kind);
        let contests = c_contests || all_contest && kind == Kind::C || group.rng.random_ratio(1, 2);
        group.join(n, contests);
        let pause = group.rng.random_range(0..600);
        group.net.run(pause);
    }
    group
}

/// Groups in which all have met, and agree.
fn groups(count: u64, all_contest: bool) -> impl Iterator<Item = (Group, String)> {
    (0..count).map(move |seed| {
        let mut group = start(seed, all_contest);
        group.net.run(4_000);
        let what = format!("seed {seed}");
        group.agrees(&what);
        assert_eq!(group.stuck, 0, "{what}");
        (group, what)
    })
}

#[test]
fn nodes_that_come_one_after_the_other_elect_the_same() {
    for all_contest in [false, true] {
        assert_eq!(groups(1_500, all_contest).count(), 1_500);
    }
}

/// The slowest of 40,000: a wave is spoilt by voters that meet while it runs, and begun again.
#[test]
fn waves_that_were_spoilt_are_begun_again_until_all_agree() {
    for (seed, all_contest) in [(7379, false), (9014, false), (14444, false), (11719, true)] {
        let mut group = start(seed, all_contest);
        group.net.run(12_000);
        group.agrees(&format!("seed {seed}"));
        assert_eq!(group.stuck, 0, "seed {seed}");
    }
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
    let mut stuck = 0;
    for (mut group, what) in groups(500, false) {
        while group.contesters.len() > 1 && group.nodes.len() > 2 {
            let leader = *group.contesters.first().unwrap();
            group.net.act(leader, Action::Leave("g"));
            group.gone(leader);
            group.net.run(12_000);
            if !group.nodes.values().any(|kind| *kind == Kind::Ours) {
                break;
            }
            group.agrees(&what);
        }
        stuck += group.stuck;
    }
    assert!(stuck <= 1, "{stuck}: it left while a round ran");
}

#[test]
fn when_the_leader_crashes_and_that_is_seen_at_different_times_the_next_one_is_elected() {
    let mut stuck = 0;
    for all_contest in [false, true] {
        for (mut group, what) in groups(500, all_contest) {
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
            // Those of the C library notice when nothing was heard for 30 s, one sooner, another
            // later, and begin a round.
            group.net.run(45_000);
            group.agrees(&what);
            stuck += group.stuck;
        }
    }
    assert!(stuck <= 1, "{stuck}: voters noticed while a round ran");
}

#[test]
fn members_that_wait_for_a_contester_that_has_died_are_freed() {
    for seed in 0..500 {
        let mut group = Group::new(seed);
        let size = 3 + (seed % 4) as u8;
        let (ours, c) = (2, 3);
        for n in 1..=size {
            let is_ours = n == ours || n > c && group.rng.random_ratio(1, 3);
            group.start(n, if is_ours { Kind::Ours } else { Kind::C });
        }
        group.net.run(3_000);
        for n in 2..=size {
            let contests = n == c || group.rng.random_ratio(1, 3);
            group.join(n, contests);
        }
        group.start(size + 1, Kind::C);
        group.net.run(3_000);
        // The join of the last one lets all contesters begin a round; the lowest dies in the midst of it.
        group.join(1, true);
        group.net.run(100);
        group.join(size + 1, false);
        let pause = group.rng.random_range(1..9);
        group.net.run(pause);
        group.net.delay = (1, 1_000);
        group.net.crash(1);
        group.net.delay = (1, 3);
        group.gone(1);
        group.net.run(60_000);
        group.agrees(&format!("seed {seed}"));
        assert_eq!(group.stuck, 0, "seed {seed}");
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

/// A member of the C library that waits, having counted this number of LEADERs, for the wave of
/// contester 2; among these members.
fn waiting(counted: usize, members: &[PeerId]) -> CElection {
    let mut election = CElection::new(id(9));
    election.elect(members, id(2), id(2));
    (0..counted).for_each(|_| drop(election.leader(members, id(2))));
    assert!(election.is_running());
    election
}

#[test]
fn who_waits_for_a_dead_one_is_freed_by_a_leader_for_each_member_whoever_tells_it() {
    for size in 1..20 {
        let members: Vec<PeerId> = (3..3 + size).map(id).collect();
        for counted in 0..usize::from(size) {
            let mut election = waiting(counted, &members);
            election.elect(&members, id(3), id(3));
            let told = (counted..members.len()).map(|_| election.leader(&members, id(3)).1);
            assert_eq!(told.collect::<Vec<_>>().last(), Some(&true), "{counted} of {size}");
            assert!(!election.is_running());
        }
    }
}

/// It has counted LEADERs while there were more members. From then on nothing ends its round that a
/// member may say: LEADERs only lead further away from the number of members, ELECT of a contester that
/// lives is of a higher wave, and it does not begin one itself.
#[test]
fn who_has_counted_more_leaders_than_there_are_members_waits_for_ever() {
    let (four, two): (Vec<PeerId>, Vec<PeerId>) = ((3..7).map(id).collect(), vec![id(3), id(4)]);
    let words: Vec<(bool, PeerId)> =
        [2, 3, 4, 9].into_iter().flat_map(|n| [(true, id(n)), (false, id(n))]).collect();
    for story in 0..words.len().pow(5) {
        let mut election = waiting(3, &four);
        for step in 0..5 {
            let (is_elect, of) = words[story / words.len().pow(step) % words.len()];
            if is_elect {
                election.elect(&two, two[story % 2], of);
            } else {
                assert!(!election.leader(&two, of).1);
            }
            assert!(election.start(&two).is_empty() && election.is_running());
        }
    }
    // Only one that is lower lets it begin anew.
    let mut election = waiting(3, &four);
    election.elect(&two, id(3), id(1));
    assert_eq!([0, 1].map(|_| election.leader(&two, id(1)).1), [false, true]);
}
