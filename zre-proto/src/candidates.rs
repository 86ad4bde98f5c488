//! The addresses at which a node is said to be, and the attempts to reach it there.

use std::net::IpAddr;
use std::time::{Duration, Instant};

use crate::timers::after;
use crate::{ConnId, Endpoint, InterfaceId, Times};

/// Addresses that are kept for one node.
const MAX_CANDIDATES: usize = 8;

/// Of these, dialled at a time.
const MAX_DIALS: usize = 2;

/// The pause is doubled this many times at most, whatever is set.
const MAX_DOUBLINGS: u32 = 16;

/// No pause is shorter, whatever is set: what fails at once would be tried without end.
const MIN_PAUSE: Duration = Duration::from_millis(1);

/// Who says where a node is. A claim starts a dial; it never ends a peer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Source {
    Beacon,
    /// Another kind of discovery.
    Discovery,
    /// Its own HELLO.
    Hello,
    /// The application. Never forgotten, and dialled without being claimed again.
    Required,
}

/// One address of a node.
#[derive(Debug)]
struct Candidate {
    endpoint: Endpoint,
    source: Source,
    /// The interface by which it was claimed last.
    interface: Option<InterfaceId>,
    claimed_at: Instant,
    /// Whether it was claimed since it was last dialled.
    fresh: bool,
    dial: Option<Dial>,
    /// Attempts in a row that have led to nothing.
    failures: u32,
    not_before: Instant,
    /// Whether it has led to the node before.
    good: bool,
    /// Whether the node was missed here since it was last claimed.
    missed: bool,
}

/// An attempt to reach a node at one of its addresses.
#[derive(Clone, Copy, Debug)]
struct Dial {
    conn: ConnId,
    began: Instant,
    /// Since when it is up, on a two-way connection on which the node has not spoken yet.
    up_since: Option<Instant>,
    /// Whether the node has said HELLO since it began: that it fails is old news.
    outdated: bool,
}

/// A dial that has led to nothing.
#[derive(Clone, Copy, Debug)]
pub(crate) struct FailedDial {
    pub(crate) endpoint: Endpoint,
    /// Whether the node was heard of since this dial began, or since an earlier one failed: it may
    /// well be there.
    pub(crate) heard: bool,
    /// Whether the node has said HELLO since this dial began.
    pub(crate) outdated: bool,
}

/// The addresses of one node: for each source, address family and interface of ours the one that was
/// claimed last, those that are being dialled, those that were required, and those at which it was heard while
/// it was met.
#[derive(Debug, Default)]
pub(crate) struct Candidates(Vec<Candidate>);

impl Candidates {
    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Whether the application has asked for the node.
    pub(crate) fn is_required(&self) -> bool {
        self.0.iter().any(|it| it.source == Source::Required)
    }

    /// When the node was last claimed to be anywhere.
    pub(crate) fn last_claim(&self) -> Option<Instant> {
        self.0.iter().map(|it| it.claimed_at).max()
    }

    /// A node is said to be at an endpoint. Returns whether that is new. It takes the place of what
    /// the same source has said before, unless the node `is_met`: then it may well have several
    /// addresses, and none of them is to seem new each time that it is heard.
    pub(crate) fn claim(
        &mut self,
        now: Instant,
        endpoint: Endpoint,
        source: Source,
        interface: Option<InterfaceId>,
        is_met: bool,
    ) -> bool {
        if let Some(known) = self.0.iter_mut().find(|it| it.endpoint == endpoint) {
            known.interface = interface.or(known.interface);
            known.claimed_at = now;
            known.fresh = true;
            known.missed = false;
            if known.source != Source::Required {
                known.source = source;
            }
            return false;
        }
        let family = |endpoint: Endpoint| matches!(endpoint.address().ip(), IpAddr::V4(_));
        // What is being dialled is not given up for a claim that anybody can make.
        self.0.retain(|it| {
            is_met
                || it.source != source
                || source == Source::Required
                || it.dial.is_some()
                || family(it.endpoint) != family(endpoint)
                || it.interface != interface
        });
        if self.0.len() >= MAX_CANDIDATES {
            let disposable = self.0.iter().enumerate().filter(|(_, it)| it.dial.is_none());
            let oldest =
                disposable.min_by_key(|(_, it)| (it.source == Source::Required, it.claimed_at));
            match oldest.map(|(index, _)| index) {
                Some(oldest) => drop(self.0.remove(oldest)),
                None => return false,
            }
        }
        // Mostly there is only this one.
        self.0.reserve_exact(1);
        self.0.push(Candidate {
            endpoint,
            source,
            interface,
            claimed_at: now,
            fresh: true,
            dial: None,
            failures: 0,
            not_before: now,
            good: false,
            missed: false,
        });
        true
    }

    /// The endpoint to dial next, other than this one: those that were good before, and those that
    /// are required, come before what anybody can claim; of each kind the one that has failed
    /// least, then one that was good, then the one claimed last.
    pub(crate) fn next(&self, now: Instant, other_than: Option<Endpoint>) -> Option<Endpoint> {
        if self.dials().count() >= MAX_DIALS {
            return None;
        }
        let ready =
            self.0.iter().filter(|it| it.dial.is_none() && it.fresh && it.not_before <= now);
        ready
            .filter(|it| Some(it.endpoint) != other_than)
            .min_by_key(|it| {
                let only_claimed = !it.good && it.source != Source::Required;
                (only_claimed, it.failures, !it.good, std::cmp::Reverse(it.claimed_at))
            })
            .map(|it| it.endpoint)
    }

    /// Whether an endpoint has failed, and has never led to the node.
    pub(crate) fn has_only_failed(&self, endpoint: Endpoint) -> bool {
        self.0.iter().any(|it| it.endpoint == endpoint && it.failures > 0 && !it.good)
    }

    /// An endpoint is being dialled.
    pub(crate) fn dial(&mut self, now: Instant, endpoint: Endpoint, conn: ConnId, times: &Times) {
        if let Some(candidate) = self.0.iter_mut().find(|it| it.endpoint == endpoint) {
            candidate.fresh = candidate.source == Source::Required;
            // Whatever comes of it, not without a pause.
            candidate.pause(now, times.retry_interval / 2);
            candidate.dial = Some(Dial { conn, began: now, up_since: None, outdated: false });
        }
    }

    /// The dials that are under way, and where they go.
    pub(crate) fn dials(&self) -> impl Iterator<Item = (ConnId, Endpoint)> {
        self.0.iter().filter_map(|it| Some((it.dial?.conn, it.endpoint)))
    }

    /// The interface by which a node was last said to be at an endpoint.
    pub(crate) fn interface_to(&self, endpoint: Endpoint) -> Option<InterfaceId> {
        self.0.iter().find(|it| it.endpoint == endpoint)?.interface
    }

    /// When the node was last heard at an endpoint, if its beacons ever came from there.
    pub(crate) fn last_beacon(&self, endpoint: Endpoint) -> Option<Instant> {
        let heard = |it: &&Candidate| it.endpoint == endpoint && it.source == Source::Beacon;
        self.0.iter().find(heard).map(|it| it.claimed_at)
    }

    /// Whether the node's beacons came from an endpoint, and have not for this long. Once for each
    /// such silence.
    pub(crate) fn misses(&mut self, now: Instant, endpoint: Endpoint, silence: Duration) -> bool {
        let heard = |it: &&mut Candidate| it.endpoint == endpoint && it.source == Source::Beacon;
        let Some(candidate) = self.0.iter_mut().find(heard) else { return false };
        let misses = after(candidate.claimed_at, silence) <= now && !candidate.missed;
        candidate.missed |= misses;
        misses
    }

    /// Whether the node was heard by another interface in this time.
    pub(crate) fn is_heard_besides(
        &self,
        now: Instant,
        interface: InterfaceId,
        since: Duration,
    ) -> bool {
        let lately = |it: &Candidate| now.saturating_duration_since(it.claimed_at) < since;
        let besides = |it: &Candidate| it.interface.is_some_and(|other| other != interface);
        self.0.iter().any(|it| besides(it) && lately(it))
    }

    /// Whether an endpoint is being dialled.
    pub(crate) fn is_dialling(&self, endpoint: Endpoint) -> bool {
        self.dials().any(|(_, dialled)| dialled == endpoint)
    }

    /// Whether this connection is a dial that is under way. Returns where it goes.
    pub(crate) fn dialled_by(&self, conn: ConnId) -> Option<Endpoint> {
        self.dials().find(|(dial, _)| *dial == conn).map(|(_, endpoint)| endpoint)
    }

    /// A dial is up, and the node has to speak on it.
    pub(crate) fn up(&mut self, now: Instant, conn: ConnId) {
        for dial in self.0.iter_mut().filter_map(|it| it.dial.as_mut()).filter(|it| it.conn == conn)
        {
            dial.up_since = Some(now);
        }
    }

    /// The node has said HELLO.
    pub(crate) fn outdate_dials(&mut self) {
        self.0.iter_mut().filter_map(|it| it.dial.as_mut()).for_each(|dial| dial.outdated = true);
    }

    /// A dial is over, in one way or the other.
    pub(crate) fn end_dial(&mut self, conn: ConnId) {
        for candidate in &mut self.0 {
            candidate.dial.take_if(|dial| dial.conn == conn);
        }
    }

    /// A dial has led to nothing: the endpoint waits.
    pub(crate) fn fail(&mut self, now: Instant, conn: ConnId, times: &Times) -> Option<FailedDial> {
        let failed = self.0.iter_mut().find(|it| it.dial.is_some_and(|dial| dial.conn == conn))?;
        let Dial { began, outdated, .. } = failed.dial.take()?;
        failed.wait(now, times);
        let heard = failed.was_tried_again() || failed.claimed_at > began;
        // Once, the HELLO is an excuse.
        let heard = heard && (!outdated || failed.failures > 1);
        Some(FailedDial { endpoint: failed.endpoint, heard, outdated })
    }

    /// An endpoint cannot be dialled now.
    pub(crate) fn put_off(&mut self, now: Instant, endpoint: Endpoint, times: &Times) {
        for candidate in self.0.iter_mut().filter(|it| it.endpoint == endpoint) {
            candidate.pause(now, times.retry_interval);
        }
    }

    /// What was found at an endpoint was of no use, or somebody else is there: it waits. Returns
    /// whether it is not the first time, or the application wants to know.
    pub(crate) fn distrust(&mut self, now: Instant, endpoint: Endpoint, times: &Times) -> bool {
        let Some(candidate) = self.0.iter_mut().find(|it| it.endpoint == endpoint) else {
            return false;
        };
        candidate.wait(now, times);
        candidate.was_tried_again()
    }

    /// The node was met at an endpoint.
    pub(crate) fn trust(&mut self, endpoint: Endpoint) {
        for candidate in self.0.iter_mut().filter(|it| it.endpoint == endpoint) {
            candidate.good = true;
            candidate.failures = 0;
        }
    }

    /// The node that was met is gone. Its other addresses may be dialled at once; where it was has
    /// to be claimed again.
    pub(crate) fn lose(&mut self, now: Instant, used: Option<Endpoint>, times: &Times) {
        for candidate in &mut self.0 {
            if candidate.source == Source::Required {
                candidate.pause(now, times.retry_interval);
            } else if Some(candidate.endpoint) == used {
                candidate.fresh = false;
            }
        }
    }

    /// The node is gone for good: only the application still wants it.
    pub(crate) fn forget_claims(&mut self) {
        self.0.retain(|it| it.source == Source::Required);
    }

    /// Somebody else is at an endpoint.
    pub(crate) fn forget_endpoint(&mut self, endpoint: Endpoint) {
        self.0.retain(|it| it.endpoint != endpoint || it.source == Source::Required);
    }

    /// Nobody has claimed these for long.
    pub(crate) fn forget_stale(&mut self, now: Instant, times: &Times) {
        self.0.retain(|it| it.dial.is_some() || it.stale_at(times).is_none_or(|at| at > now));
    }

    /// The dials on which the node should have spoken by now.
    pub(crate) fn unanswered(&self, now: Instant, times: &Times) -> Option<ConnId> {
        let mut dials = self.0.iter().filter_map(|it| it.dial);
        let late = |dial: &Dial| dial.answer_due(times).is_some_and(|at| at <= now);
        dials.find(late).map(|dial| dial.conn)
    }

    /// When something has to be done, if nothing is claimed before.
    pub(crate) fn deadline(&self, times: &Times) -> Option<Instant> {
        let may_dial = self.dials().count() < MAX_DIALS;
        let due = |it: &Candidate| match it.dial {
            Some(dial) => dial.answer_due(times),
            None if it.source == Source::Required => may_dial.then_some(it.not_before),
            None => it.stale_at(times),
        };
        self.0.iter().filter_map(due).min()
    }

    /// Gives everybody time: nobody could be heard.
    pub(crate) fn postpone(&mut self, now: Instant) {
        for candidate in &mut self.0 {
            candidate.claimed_at = now;
            let up_since = candidate.dial.as_mut().and_then(|dial| dial.up_since.as_mut());
            up_since.into_iter().for_each(|since| *since = now);
        }
    }
}

impl Candidate {
    /// Whether it has failed more than once, which it only can if it is claimed again in between.
    fn was_tried_again(&self) -> bool {
        self.source == Source::Required || self.failures > 1
    }

    fn wait(&mut self, now: Instant, times: &Times) {
        let doublings = self.failures.min(MAX_DOUBLINGS);
        self.failures = self.failures.saturating_add(1);
        let pause =
            times.retry_interval.saturating_mul(1 << doublings).min(times.max_retry_interval);
        self.pause(now, pause);
    }

    /// It is not dialled for this long.
    fn pause(&mut self, now: Instant, pause: Duration) {
        self.not_before = self.not_before.max(after(now, pause.max(MIN_PAUSE)));
    }

    /// When a claim is too old; `None`: never.
    fn stale_at(&self, times: &Times) -> Option<Instant> {
        (self.source != Source::Required).then(|| after(self.claimed_at, times.expired_timeout))
    }
}

impl Dial {
    fn answer_due(&self, times: &Times) -> Option<Instant> {
        Some(after(self.up_since?, times.greeting_timeout))
    }
}
