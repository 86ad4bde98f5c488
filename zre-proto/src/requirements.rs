//! Endpoints at which the application wants any node to be met, and nodes that it wants to be met by a
//! host name.
//!
//! What it wants with an id and a numeric address is one of the candidates of that node.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::time::{Duration, Instant};

use crate::candidates::MIN_PAUSE;
use crate::peer::Outgoing;
use crate::timers::after;
use crate::{ConnId, Endpoint, HostEndpoint, PeerId, PublicKey, Times, UnreachableReason};

/// A connection that takes the link of a peer, because both lead to one ROUTER, does so within this
/// time.
const DISPLACES_WITHIN: Duration = Duration::from_secs(5);

/// An endpoint that is required, and the node that has to be there; `None`: any node.
pub(crate) type Key = (HostEndpoint, Option<PeerId>);

/// What the application knows of something that it requires.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct RequirementInfo {
    /// The endpoint that is tried.
    pub endpoint: HostEndpoint,
    /// The node that is required; if none in particular is, the one that was found there last.
    pub peer: Option<PeerId>,
    /// Whether that node is present now.
    pub is_present: bool,
    /// Why nobody is met there, as far as that is known: one of the reasons, if there were several.
    pub problem: Option<UnreachableReason>,
}

/// What is known of an endpoint that is required.
#[derive(Debug)]
pub(crate) struct Requirement {
    pub(crate) state: State,
    /// The node that was found there last, or that has to be there.
    pub(crate) peer: Option<PeerId>,
    /// Whether a node was met there before.
    pub(crate) is_met: bool,
    /// Attempts in a row that have led to nothing.
    failures: u32,
    pub(crate) problem: Option<UnreachableReason>,
    /// Why nobody is met there, as the application was told.
    told: BTreeSet<UnreachableReason>,
}

/// How far it is with an endpoint.
#[derive(Debug)]
pub(crate) enum State {
    /// It is tried again at this time.
    Waiting(Instant),
    /// Its name is being resolved.
    Resolving,
    /// A scout is there, and these addresses come next.
    Scouted(Box<Scout>, VecDeque<Endpoint>),
    /// Its node is known, and connected or being dialled: there where it was found, if that was a
    /// scout's work.
    Known(Option<Endpoint>),
}

/// A connection that was dialled to find out who is there.
#[derive(Debug)]
pub(crate) struct Scout {
    pub(crate) conn: ConnId,
    pub(crate) endpoint: Endpoint,
    began: Instant,
    /// Our direction: it is up, and HELLO was said, if the mailbox there does not tell whose it is.
    pub(crate) outgoing: Outgoing,
    /// When a node should have answered that HELLO.
    pub(crate) answer_due: Option<Instant>,
    /// A peer whose link has ended since the scout was sent: perhaps because it is at the other end,
    /// and has only one place for us.
    displaced: Option<PeerId>,
}

impl Scout {
    pub(crate) fn new(now: Instant, conn: ConnId, endpoint: Endpoint) -> Self {
        let outgoing = Outgoing::new(now);
        Self { conn, endpoint, began: now, outgoing, answer_due: None, displaced: None }
    }
}

impl Requirement {
    fn new(now: Instant, peer: Option<PeerId>) -> Self {
        Self {
            state: State::Waiting(now),
            peer,
            is_met: false,
            failures: 0,
            problem: None,
            told: BTreeSet::new(),
        }
    }

    /// Whether it has failed before, or is tried again soon.
    pub(crate) const fn is_brief(&self) -> bool {
        self.failures > 0 || self.is_met
    }

    /// Nobody was met there by an attempt that has taken this long. Returns whether the application
    /// does not know of the reason yet.
    pub(crate) fn fail(
        &mut self,
        now: Instant,
        taken: Duration,
        why: UnreachableReason,
        times: &Times,
    ) -> bool {
        self.failures = self.failures.saturating_add(1);
        self.is_met &= why != UnreachableReason::AnotherNode;
        let pause = match why {
            // That will hardly change.
            UnreachableReason::OwnNode => times.max_retry_interval,
            _ if self.is_met => times.pause_if_required(taken),
            _ => times.pause_after(self.failures),
        };
        self.wait(now, pause);
        self.problem = Some(why);
        self.told.insert(why)
    }

    /// It cannot be tried now.
    pub(crate) fn put_off(&mut self, now: Instant, times: &Times) {
        self.failures = self.failures.saturating_add(1);
        let pause =
            if self.is_met { times.retry_interval } else { times.pause_after(self.failures) };
        self.wait(now, pause);
    }

    /// It is tried again after this pause.
    pub(crate) fn wait(&mut self, now: Instant, pause: Duration) {
        self.state = State::Waiting(after(now, pause.max(MIN_PAUSE)));
    }

    /// The scout that is there, if it has to do with this connection.
    fn scout(&self, which: impl Fn(&Scout) -> bool) -> Option<&Scout> {
        match &self.state {
            State::Scouted(scout, _) if which(scout) => Some(scout),
            _ => None,
        }
    }

    fn deadline(&self) -> Option<Instant> {
        match &self.state {
            State::Waiting(until) => Some(*until),
            State::Scouted(scout, _) => scout.answer_due,
            State::Resolving | State::Known(_) => None,
        }
    }
}

/// All that is required by a name, or without an id.
#[derive(Debug, Default)]
pub(crate) struct Requirements(BTreeMap<Key, Requirement>);

impl Requirements {
    pub(crate) fn len(&self) -> usize {
        self.0.len()
    }

    pub(crate) fn contains(&self, key: &Key) -> bool {
        self.0.contains_key(key)
    }

    pub(crate) fn insert(&mut self, now: Instant, key: Key) {
        let peer = key.1;
        self.0.entry(key).or_insert_with(|| Requirement::new(now, peer));
    }

    pub(crate) fn get_mut(&mut self, key: &Key) -> Option<&mut Requirement> {
        self.0.get_mut(key)
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = (&Key, &Requirement)> {
        self.0.iter()
    }

    /// Takes out all of these.
    pub(crate) fn extract(&mut self, which: impl Fn(&Key) -> bool) -> Vec<Requirement> {
        let keys: Vec<Key> = self.0.keys().filter(|key| which(key)).cloned().collect();
        keys.iter().filter_map(|key| self.0.remove(key)).collect()
    }

    /// Takes out the next one that is due, in the order of their endpoints.
    pub(crate) fn due(&self, now: Instant) -> Option<Key> {
        let due = |it: &Requirement| it.deadline().is_some_and(|at| at <= now);
        self.0.iter().find(|(_, it)| due(it)).map(|(key, _)| key.clone())
    }

    pub(crate) fn next_deadline(&self) -> Option<Instant> {
        self.0.values().filter_map(Requirement::deadline).min()
    }

    /// The requirements whose name is being resolved.
    pub(crate) fn resolving(&self, endpoint: &HostEndpoint) -> Vec<Key> {
        let waits = |(key, it): &(&Key, &Requirement)| {
            key.0 == *endpoint && matches!(it.state, State::Resolving)
        };
        self.0.iter().filter(waits).map(|(key, _)| key.clone()).collect()
    }

    /// How many scouts there are.
    pub(crate) fn scouts(&self) -> usize {
        self.0.values().filter_map(|it| it.scout(|_| true)).count()
    }

    /// The scouts that have said HELLO, and may have to say more.
    pub(crate) fn speaking(&mut self) -> impl Iterator<Item = &mut Outgoing> {
        self.0.values_mut().filter_map(|it| match &mut it.state {
            State::Scouted(scout, _) if scout.outgoing.is_up() => Some(&mut scout.outgoing),
            _ => None,
        })
    }

    /// Whether a connection is a scout that has said HELLO.
    pub(crate) fn is_speaking(&self, conn: ConnId) -> bool {
        self.key_of(|scout| scout.conn == conn && scout.outgoing.is_up()).is_some()
    }

    /// The scout that is this connection.
    pub(crate) fn scout_mut(&mut self, conn: ConnId) -> Option<&mut Scout> {
        self.0.values_mut().find_map(|it| match &mut it.state {
            State::Scouted(scout, _) if scout.conn == conn => Some(&mut **scout),
            _ => None,
        })
    }

    pub(crate) fn is_scout(&self, conn: ConnId) -> bool {
        self.key_of(|scout| scout.conn == conn).is_some()
    }

    pub(crate) fn is_scouted(&self, endpoint: Endpoint) -> bool {
        self.key_of(|scout| scout.endpoint == endpoint).is_some()
    }

    fn key_of(&self, which: impl Fn(&Scout) -> bool) -> Option<&Key> {
        self.0.iter().find(|(_, it)| it.scout(&which).is_some()).map(|(key, _)| key)
    }

    /// Takes back a scout; the caller gives its endpoint another state. Returns what was required, the
    /// scout, how long it was on its way, and the addresses that come next.
    pub(crate) fn take_scout(
        &mut self,
        now: Instant,
        which: impl Fn(&Scout) -> bool,
    ) -> Option<(Key, Scout, Duration, VecDeque<Endpoint>)> {
        let key = self.key_of(which)?.clone();
        let requirement = self.0.get_mut(&key)?;
        match std::mem::replace(&mut requirement.state, State::Waiting(now)) {
            State::Scouted(scout, rest) => {
                let taken = now.saturating_duration_since(scout.began);
                Some((key, *scout, taken, rest))
            }
            state => {
                requirement.state = state;
                None
            }
        }
    }

    /// The link of a peer has ended.
    pub(crate) fn displace(&mut self, now: Instant, peer: PeerId) {
        for it in self.0.values_mut() {
            if let State::Scouted(scout, _) = &mut it.state
                && now.saturating_duration_since(scout.began) < DISPLACES_WITHIN
            {
                scout.displaced.get_or_insert(peer);
            }
        }
    }

    /// The scout that has probably reached the node that has greeted, of those that have said HELLO:
    /// one that was sent to where the node says that it is; else one that has taken the node's link;
    /// else the only one that was sent to the address from which the greeting came. Returns also
    /// whether it is certain.
    pub(crate) fn answered_by(
        &self,
        peer: PeerId,
        announced: Option<Endpoint>,
        source: Option<Endpoint>,
        key: Option<PublicKey>,
    ) -> Option<(ConnId, bool)> {
        let may_be = |it: &Scout| it.outgoing.is_up() && it.endpoint.key() == key;
        let speaking = || self.0.values().filter_map(|it| it.scout(may_be));
        if let Some(scout) = speaking().find(|it| Some(it.endpoint) == announced) {
            return Some((scout.conn, true));
        }
        if let Some(scout) = speaking().find(|it| it.displaced == Some(peer)) {
            return Some((scout.conn, false));
        }
        let ip = source?.address().ip();
        let mut there = speaking().filter(|it| it.endpoint.address().ip() == ip);
        let only = there.next().filter(|_| there.next().is_none())?;
        Some((only.conn, false))
    }

    /// A node is present: where it was found it is tried again soon when it is gone.
    pub(crate) fn met(&mut self, peer: PeerId) {
        for it in self.0.values_mut().filter(|it| it.peer == Some(peer)) {
            it.is_met = true;
            it.failures = 0;
            it.problem = None;
            it.told.clear();
        }
    }

    /// The requirements whose node is known, and is this one, but is not being dialled where it was
    /// found.
    pub(crate) fn undialled(
        &mut self,
        peer: PeerId,
        dialled: &[Endpoint],
    ) -> impl Iterator<Item = &mut Requirement> {
        let undialled = move |it: &&mut Requirement| match it.state {
            State::Known(_) if it.peer != Some(peer) => false,
            State::Known(Some(endpoint)) => !dialled.contains(&endpoint),
            State::Known(None) => dialled.is_empty(),
            _ => false,
        };
        self.0.values_mut().filter(undialled)
    }

    /// There is reason to hope: what waits is tried soon, as if it had not failed before.
    pub(crate) fn hope(&mut self, now: Instant, times: &Times) {
        for it in self.0.values_mut() {
            if let State::Waiting(until) = &mut it.state {
                it.failures = 0;
                *until = (*until).min(after(now, times.retry_interval.max(MIN_PAUSE)));
            }
        }
    }

    /// Gives the nodes that should have answered the time to be heard.
    pub(crate) fn postpone(&mut self, until: Instant) {
        for it in self.0.values_mut() {
            if let State::Scouted(scout, _) = &mut it.state
                && let Some(due) = &mut scout.answer_due
            {
                *due = until.max(*due);
            }
        }
    }
}
