//! One wave of an election among nodes of the C library, as a member of the group plays it.
//!
//! Those nodes elect by echo with extinction. A node that contests begins a *wave* of its own id:
//! ELECT to every member. Each member joins the lowest wave that it hears of: it passes it on to all
//! but the one it heard it from first, its *father*; when it has heard the same wave from all, it
//! echoes it to the father. When the one that began it has heard it from all, the election has
//! ended, and each tells each: LEADER. It needs the answer of every member, so this node plays along
//! whether or not it contests.
//!
//! It notes which voters have answered, and not only how many, since a voter may start again in its
//! midst.

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use crate::PeerId;

/// How long a wave may take before it is told again: many times what it takes on a local network.
const PATIENCE: Duration = Duration::from_millis(500);

/// How often it is told again before it is given up.
const MAX_REPEATS: u32 = 5;

/// How often it is repeated before its end is told, even if some have not answered.
const PATIENT_REPEATS: u32 = 2;

/// A message to one voter.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Vote {
    /// ELECT with the id of a wave.
    Elect { to: PeerId, wave: PeerId },
    /// LEADER.
    Leader { to: PeerId, leader: PeerId },
}

/// A wave that runs.
#[derive(Debug)]
pub(crate) struct Wave {
    /// The contester that it would make the leader.
    id: PeerId,
    /// The node that has begun it.
    origin: Origin,
    /// The voters that were sent ELECT, and those it has come from.
    sent: BTreeSet<PeerId>,
    heard: BTreeSet<PeerId>,
    /// Whether the father was told that all have been heard.
    echoed: bool,
    /// Whether it has ended: then the voters that were sent LEADER, and those it has come from.
    ended: bool,
    leader_sent: BTreeSet<PeerId>,
    leader_heard: BTreeSet<PeerId>,
    /// Whether all have told each other. It is kept for one who is heard late.
    over: bool,
    /// Whether it, or one before that it stands for, was told again.
    troubled: bool,
    repeats: u32,
    deadline: Instant,
}

/// Where a wave was begun.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Origin {
    /// Here, for this node.
    Own,
    /// Here, for another contester.
    OnBehalf,
    /// Elsewhere: it came from this voter first, unless that has begun anew since.
    Father(Option<PeerId>),
}

impl Wave {
    /// Begins a wave: of this node, or on behalf of another contester.
    pub(crate) fn begin(now: Instant, me: PeerId, id: PeerId) -> Self {
        Self::new(now, id, if id == me { Origin::Own } else { Origin::OnBehalf })
    }

    /// Joins a wave that has come from this voter first.
    pub(crate) fn join(now: Instant, id: PeerId, father: PeerId) -> Self {
        let mut wave = Self::new(now, id, Origin::Father(Some(father)));
        wave.heard.insert(father);
        wave
    }

    fn new(now: Instant, id: PeerId, origin: Origin) -> Self {
        Self {
            id,
            origin,
            sent: BTreeSet::new(),
            heard: BTreeSet::new(),
            echoed: false,
            ended: false,
            leader_sent: BTreeSet::new(),
            leader_heard: BTreeSet::new(),
            over: false,
            troubled: false,
            repeats: 0,
            deadline: now + PATIENCE,
        }
    }

    /// Begins a wave again that was given up.
    pub(crate) fn begin_again(now: Instant, me: PeerId, id: PeerId) -> Self {
        Self { troubled: true, ..Self::begin(now, me, id) }
    }

    /// The contester that it would make the leader.
    pub(crate) const fn id(&self) -> PeerId {
        self.id
    }

    /// Whether the election is over.
    pub(crate) const fn is_over(&self) -> bool {
        self.over
    }

    /// When it has taken too long, or need not be kept any more.
    pub(crate) const fn deadline(&self) -> Instant {
        self.deadline
    }

    /// Takes ELECT with the id of this wave. Returns `false` if it has come from this voter before.
    pub(crate) fn elect(&mut self, from: PeerId) -> bool {
        self.heard.insert(from)
    }

    /// Whether this voter has told that the wave has ended.
    pub(crate) fn was_told_by(&self, voter: PeerId) -> bool {
        self.leader_heard.contains(&voter)
    }

    /// Takes ELECT with the id of a higher wave. A sender of which this wave has come before has
    /// started again since, and has to be told once more.
    pub(crate) fn higher(&mut self, from: PeerId) {
        if self.heard.contains(&from) {
            self.forget(from);
        }
    }

    /// Takes LEADER with the id of this wave.
    pub(crate) fn leader(&mut self, from: PeerId) {
        self.ended = true;
        self.leader_heard.insert(from);
    }

    /// Forgets what was said to a voter and what it has said.
    pub(crate) fn forget(&mut self, voter: PeerId) {
        if self.origin == Origin::Father(Some(voter)) {
            self.origin = Origin::Father(None);
        }
        for voters in
            [&mut self.sent, &mut self.heard, &mut self.leader_sent, &mut self.leader_heard]
        {
            voters.remove(&voter);
        }
    }

    /// Says what can be said now. Voters may count this number of members that are gone.
    pub(crate) fn go_on(&mut self, voters: &BTreeSet<PeerId>, lost: usize, votes: &mut Vec<Vote>) {
        let Self { id, origin, .. } = *self;
        for &to in voters {
            if origin != Origin::Father(Some(to)) && self.sent.insert(to) {
                votes.push(Vote::Elect { to, wave: id });
            }
        }
        if !self.echoed && voters.is_subset(&self.heard) {
            self.echoed = true;
            match origin {
                Origin::Own => self.ended = true,
                Origin::Father(Some(to)) => votes.push(Vote::Elect { to, wave: id }),
                Origin::Father(None) | Origin::OnBehalf => {}
            }
        }
        if self.ended {
            let unsent = voters.iter().filter(|to| self.leader_sent.insert(**to));
            votes.extend(unsent.map(|&to| Vote::Leader { to, leader: id }));
        }
        if !self.over && self.ended && voters.is_subset(&self.leader_heard) {
            self.over = true;
            if self.troubled {
                self.tell_for(1 + lost, voters, votes);
            }
        }
    }

    /// Tells the leader in the place of members that do not: a voter waits for one word from each that
    /// it counts, and does not mind one more.
    fn tell_for(&self, members: usize, voters: &BTreeSet<PeerId>, votes: &mut Vec<Vote>) {
        let each = voters.iter().map(|&to| Vote::Leader { to, leader: self.id });
        (0..members).for_each(|_| votes.extend(each.clone()));
    }

    /// It has taken too long: tells it again. A voter that has begun another one meanwhile joins it
    /// again, and counts anew. The father is not kept waiting any longer. Returns `false` if it is
    /// over, or enough was tried.
    pub(crate) fn repeat(
        &mut self,
        now: Instant,
        voters: &BTreeSet<PeerId>,
        lost: usize,
        votes: &mut Vec<Vote>,
    ) -> bool {
        if self.over || self.repeats == MAX_REPEATS {
            return false;
        }
        self.repeats += 1;
        self.troubled = true;
        self.deadline = now + PATIENCE;
        self.echoed |= self.origin != Origin::Own;
        self.ended |= self.repeats > PATIENT_REPEATS;
        self.sent.extend(voters);
        if self.ended {
            self.leader_sent.extend(voters);
            self.tell_for(1 + lost, voters, votes);
        } else {
            votes.extend(voters.iter().map(|&to| Vote::Elect { to, wave: self.id }));
        }
        true
    }
}
