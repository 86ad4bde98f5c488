//! The elections of the nodes of the C library in one group: what this node does so that they end,
//! and end as it has computed itself.

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use crate::PeerId;
use crate::contest::Contest;
use crate::wave::{Vote, Wave};

/// Waves of one group that are joined in a second; more than any election takes. Each costs a
/// message to every voter, and each member of the group can begin one.
const MAX_WAVES: u32 = 256;

/// The pause between two waves that this node begins.
const PAUSE: Duration = Duration::from_millis(10);

/// How long the members have to be the same before a wave is begun whether or not one is needed: one
/// that began while voters were still meeting each other may have ended for some of them only.
const CHECK_AFTER: Duration = Duration::from_millis(300);

/// How long voters may count a member that is gone: those of the C library notice after 30 s.
const COUNTED_FOR: Duration = Duration::from_secs(60);

/// Members that are remembered for that.
const MAX_LOST: usize = 64;

/// How long voters may tell a leader that is higher than the one computed here before the wave of
/// this one is begun.
const CORRECT_AFTER: Duration = Duration::from_millis(250);

/// How often that is tried.
const MAX_CORRECTIONS: u32 = 3;

/// How often a wave that was given up is begun again.
const MAX_RETRIES: u32 = 3;

/// How long voters may tell another leader before that is counted.
const DISPUTED_AFTER: Duration = Duration::from_secs(1);

/// The voters of a group, members that elect as the C library does, and their election.
#[derive(Debug, Default)]
pub(crate) struct Ballot {
    voters: BTreeSet<PeerId>,
    /// Whether a voter has come, and nothing was begun for it yet.
    grown: bool,
    /// Whether this node was to lead when it last looked.
    led: bool,
    wave: Option<Wave>,
    /// How often one was given up since one was over.
    retries: u32,
    /// When to begin a wave, and when the last one was begun.
    begin_at: Option<Instant>,
    begun_at: Option<Instant>,
    /// Whether a member has come or gone since this node last looked, and when a wave is begun for
    /// that alone.
    changed: bool,
    check_at: Option<Instant>,
    /// Members that have gone lately, and until when voters may count them.
    lost: BTreeSet<PeerId>,
    lost_until: Option<Instant>,
    /// The second that waves are counted in, and how many have come in it.
    counted_from: Option<Instant>,
    waves: u32,
    /// The leader that voters have told last.
    elected: Option<PeerId>,
    dispute: Option<Dispute>,
}

/// Voters tell another leader than the one that was computed.
#[derive(Debug)]
struct Dispute {
    since: Instant,
    /// Whether the voters could elect the one that was computed: it is lower than theirs.
    can_correct: bool,
    corrections: u32,
    /// No wave is begun for it sooner, also if that became possible only later.
    not_before: Instant,
    counted: bool,
}

impl Dispute {
    fn correct_at(&self) -> Option<Instant> {
        let may = self.can_correct && self.corrections < MAX_CORRECTIONS;
        may.then_some(self.not_before)
    }

    fn count_at(&self) -> Option<Instant> {
        (!self.counted).then(|| self.since + DISPUTED_AFTER)
    }
}

impl Ballot {
    /// A voter is in the group, and can be sent to. Returns `false` if that was known.
    pub(crate) fn add(&mut self, voter: PeerId) -> bool {
        let added = self.voters.insert(voter);
        self.lost.remove(&voter);
        self.grown |= added;
        self.changed |= added;
        if added {
            self.retries = 0;
        }
        added
    }

    /// A member may vote, and is sent nothing before it does. Other voters will tell it of the next
    /// wave.
    pub(crate) const fn await_vote(&mut self) {
        self.grown = true;
        self.changed = true;
    }

    /// A member is gone, or has to be told everything anew.
    pub(crate) fn remove(&mut self, member: PeerId) {
        self.voters.remove(&member);
        self.changed = true;
        if self.lost.len() < MAX_LOST {
            self.lost.insert(member);
            // Set when this node looks.
            self.lost_until = None;
        }
        self.elected.take_if(|elected| *elected == member);
        match &mut self.wave {
            Some(wave) if wave.id() == member => self.wave = None,
            Some(wave) => wave.forget(member),
            None => {}
        }
    }

    /// Takes ELECT of a voter. Returns `false` if it is of no use.
    pub(crate) fn elect(
        &mut self,
        now: Instant,
        me: PeerId,
        contest: &Contest,
        (from, id): (PeerId, PeerId),
        votes: &mut Vec<Vote>,
    ) -> bool {
        if !self.voters.contains(&from) {
            return false;
        }
        // It has met or lost a member, which may be news here or not.
        self.changed |= from == id && contest.leader() != Some(id);
        match &mut self.wave {
            Some(wave) if !wave.is_over() && id > wave.id() => wave.higher(from),
            Some(wave) if !wave.is_over() && id == wave.id() => {
                // One that has told its end, or has begun it and begins it again: a new election.
                if wave.was_told_by(from) || !wave.elect(from) && from == id {
                    return self.join(now, me, contest, (from, id), votes);
                }
            }
            _ => return self.join(now, me, contest, (from, id), votes),
        }
        self.go_on(votes);
        true
    }

    /// Joins a wave that is lower than the one that runs, if any does; or begins the one of this
    /// node, if it should lead.
    fn join(
        &mut self,
        now: Instant,
        me: PeerId,
        contest: &Contest,
        (from, id): (PeerId, PeerId),
        votes: &mut Vec<Vote>,
    ) -> bool {
        if !self.may_join(now) || id == me && !contest.is_contested_by_me() {
            return false;
        }
        let mine = id == me || me < id && contest.is_for_me(me);
        let mut wave = if mine { Wave::begin(now, me, me) } else { Wave::join(now, id, from) };
        if id == me {
            wave.elect(from);
        }
        if contest.leader() == Some(wave.id()) {
            // Another member checks.
            self.check_at.take_if(|at| *at <= now + CHECK_AFTER / 2);
        }
        self.wave = Some(wave);
        self.go_on(votes);
        true
    }

    /// Takes LEADER of a voter. Returns `false` if no election runs.
    pub(crate) fn leader(&mut self, from: PeerId, id: PeerId, votes: &mut Vec<Vote>) -> bool {
        if !self.voters.contains(&from) {
            return false;
        }
        self.elected = Some(id);
        // One of an earlier election says nothing about this one.
        let Some(wave) = self.wave.as_mut().filter(|wave| wave.id() == id) else { return false };
        wave.leader(from);
        self.go_on(votes);
        true
    }

    /// Looks at what has changed and what is due. Returns whether it has to be counted that the
    /// voters have another leader.
    pub(crate) fn settle(
        &mut self,
        now: Instant,
        me: PeerId,
        contest: &Contest,
        votes: &mut Vec<Vote>,
    ) -> bool {
        if self.voters.is_empty() {
            let Self { counted_from, waves, begun_at, .. } = *self;
            *self = Self { counted_from, waves, begun_at, ..Self::default() };
            return false;
        }
        let leads = contest.is_for_me(me);
        if leads && (self.grown || !self.led) {
            let next = self.begun_at.map_or(now, |begun_at| now.max(begun_at + PAUSE));
            self.begin_at.get_or_insert(next);
        }
        (self.grown, self.led) = (false, leads);
        self.check(now, me, contest);
        if *self.lost_until.get_or_insert(now + COUNTED_FOR) <= now {
            self.lost.clear();
        }
        if self.begin_at.take_if(|at| *at <= now).is_some() && leads {
            self.begin(now, me, me);
        }
        if let Some(wave) = self.wave.as_mut().filter(|wave| wave.deadline() <= now)
            && !wave.repeat(now, &self.voters, self.lost.len(), votes)
        {
            self.give_up(now, me, contest);
        }
        let count = self.look_for_dispute(now, me, contest);
        self.go_on(votes);
        count
    }

    /// Begins a wave when the members have been the same for a while, and none runs.
    fn check(&mut self, now: Instant, me: PeerId, contest: &Contest) {
        if std::mem::take(&mut self.changed) {
            self.check_at = Some(now + CHECK_AFTER);
        }
        if self.check_at.take_if(|at| *at <= now).is_none() {
            return;
        }
        if self.wave.as_ref().is_some_and(|wave| !wave.is_over()) {
            self.check_at = Some(now + CHECK_AFTER);
            return;
        }
        // Voters that have a lower leader may see more members than this node.
        let is_lower = |leader| self.elected.is_some_and(|elected| elected < leader);
        if let Some(leader) = contest.leader().filter(|leader| !is_lower(*leader)) {
            self.begin(now, me, leader);
        }
    }

    /// The wave is over, or enough was tried: a voter may have been in another one all the time.
    fn give_up(&mut self, now: Instant, me: PeerId, contest: &Contest) {
        let Some(wave) = self.wave.take() else { return };
        if wave.is_over() {
            self.retries = 0;
            return;
        }
        self.check_at = None;
        if let Some(leader) = contest.leader().filter(|_| self.retries < MAX_RETRIES) {
            self.retries += 1;
            self.wave = Some(Wave::begin_again(now, me, leader));
            self.begun_at = Some(now);
        }
    }

    fn look_for_dispute(&mut self, now: Instant, me: PeerId, contest: &Contest) -> bool {
        let leader = contest.leader();
        let Some(elected) = self.elected.filter(|elected| Some(*elected) != leader) else {
            self.dispute = None;
            return false;
        };
        let can_correct = leader.is_some_and(|leader| leader < elected);
        let dispute = self.dispute.get_or_insert(Dispute {
            since: now,
            can_correct,
            corrections: 0,
            not_before: now + CORRECT_AFTER,
            counted: false,
        });
        dispute.can_correct = can_correct;
        let corrects = dispute.correct_at().is_some_and(|at| at <= now);
        if corrects {
            dispute.corrections += 1;
            dispute.not_before = now + CORRECT_AFTER;
        }
        let counts = dispute.count_at().is_some_and(|at| at <= now);
        dispute.counted |= counts;
        if let Some(leader) = leader.filter(|_| corrects) {
            self.begin(now, me, leader);
        }
        counts
    }

    /// Begins a wave, if none runs that is as low.
    fn begin(&mut self, now: Instant, me: PeerId, id: PeerId) {
        if self.wave.as_ref().is_none_or(|wave| wave.is_over() || wave.id() > id) {
            self.wave = Some(Wave::begin(now, me, id));
            self.begun_at = Some(now);
        }
    }

    fn go_on(&mut self, votes: &mut Vec<Vote>) {
        if let Some(wave) = &mut self.wave {
            wave.go_on(&self.voters, self.lost.len(), votes);
        }
    }

    /// Whether another wave may be joined in this second.
    fn may_join(&mut self, now: Instant) -> bool {
        let same = |from: &Instant| now.saturating_duration_since(*from) < Duration::from_secs(1);
        if self.counted_from.filter(same).is_none() {
            (self.counted_from, self.waves) = (Some(now), 0);
        }
        self.waves += 1;
        self.waves <= MAX_WAVES
    }

    /// When something is due.
    pub(crate) fn deadline(&self) -> Option<Instant> {
        let dispute = self.dispute.as_ref();
        let wave = self.wave.as_ref().map(Wave::deadline);
        let correct_at = dispute.and_then(Dispute::correct_at);
        let count_at = dispute.and_then(Dispute::count_at);
        [self.begin_at, self.check_at, wave, correct_at, count_at].into_iter().flatten().min()
    }
}
