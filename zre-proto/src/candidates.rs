//! The addresses at which a node is said to be, and the attempts to reach it there.

use std::net::IpAddr;
use std::time::{Duration, Instant};

use crate::timers::after;
use crate::{ConnId, Endpoint, InterfaceId, PublicKey, Times, UnreachableReason};

/// Addresses that are kept for one node.
const MAX_CANDIDATES: usize = 8;

/// Of these, dialled at a time.
const MAX_DIALS: usize = 2;

/// No pause is shorter, whatever is set: what fails at once would be tried without end.
pub(crate) const MIN_PAUSE: Duration = Duration::from_millis(1);

/// A node that was met, and then lost, is tried at even intervals for this long: most partitions are
/// over by then. After that ever more rarely.
const STEADY_RETRIES: Duration = Duration::from_secs(10 * 60);

/// After this it is not looked for any more, unless another node tells of it again.
const LOST_TIMEOUT: Duration = Duration::from_secs(24 * 60 * 60);

/// The source of a claim. A claim starts a dial; it never ends a peer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Source {
    Beacon,
    /// Another kind of discovery.
    Discovery,
    /// Its own HELLO.
    Hello,
    /// A node that was found at an endpoint which the application requires without an id, or by a host
    /// name.
    Found,
    /// Others, once and not again (gossip). Dialled without being claimed again, for a while; where
    /// the node was met it is looked for again when it is lost.
    Rumour,
    /// The application. Never forgotten, and dialled without being claimed again.
    Required,
}

impl Source {
    /// Whether it is the application that wants the node to be met there.
    const fn is_application(self) -> bool {
        matches!(self, Self::Required | Self::Found)
    }

    /// Whether what it says is worth dialling until it is too old, without being said again.
    const fn lasts(self) -> bool {
        matches!(self, Self::Rumour | Self::Required)
    }

    /// Whether it takes the place of another one that has said the same before.
    const fn replaces(self, known: Self) -> bool {
        match known {
            Self::Required => false,
            Self::Found => matches!(self, Self::Required),
            Self::Rumour => self.is_application(),
            Self::Beacon | Self::Discovery | Self::Hello => true,
        }
    }
}

/// One address of a node.
#[derive(Debug)]
struct Candidate {
    endpoint: Endpoint,
    source: Source,
    /// The interface by which it was claimed last.
    interface: Option<InterfaceId>,
    claimed_at: Instant,
    /// When the last beacon came from here, also if others have told of this endpoint. `None` if none
    /// has come since the node named it in HELLO.
    heard_at: Option<Instant>,
    /// Whether it was claimed since it was last dialled.
    fresh: bool,
    /// Boxed: mostly there is none.
    dial: Option<Box<Dial>>,
    /// Attempts in a row that have led to nothing.
    failures: u32,
    not_before: Instant,
    /// Whether it has led to the node before.
    good: bool,
    /// Whether the node was missed here since its last beacon.
    missed: bool,
    /// Whether this node has lost it by leaving, and it has not been heard since: it may not know
    /// where this node is.
    left: bool,
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
        self.0.iter().any(|it| it.source.is_application())
    }

    /// The endpoints at which the application has required the node.
    pub(crate) fn required(&self) -> impl Iterator<Item = Endpoint> {
        self.0.iter().filter(|it| it.source == Source::Required).map(|it| it.endpoint)
    }

    /// The dials to those of the endpoints that the application wants.
    pub(crate) fn dials_of_application(
        &self,
        which: impl Fn(Source, Endpoint) -> bool,
    ) -> impl Iterator<Item = ConnId> {
        let wanted = self.0.iter().filter(move |it| it.is_wanted(&which));
        wanted.filter_map(|it| Some(it.dial.as_ref()?.conn))
    }

    /// The application does not want the node any more at these endpoints.
    pub(crate) fn forget_application(&mut self, which: impl Fn(Source, Endpoint) -> bool) {
        self.0.retain(|it| !it.is_wanted(&which));
    }

    /// Whether there are endpoints that are tried by the clock.
    pub(crate) fn any_lasting(&self) -> bool {
        self.0.iter().any(Candidate::lasts)
    }

    /// Retries soon what is tried by the clock, and resets the count of its failures and its age. A
    /// dial that is under way has still to fail or succeed.
    pub(crate) fn hope(&mut self, now: Instant, times: &Times) {
        for candidate in self.0.iter_mut().filter(|it| it.lasts() && it.dial.is_none()) {
            candidate.failures = 0;
            candidate.claimed_at = now;
            let soon = after(now, times.retry_interval.max(MIN_PAUSE));
            candidate.not_before = candidate.not_before.min(soon);
        }
    }

    /// What is known of an endpoint. Each stands here once.
    fn at(&self, endpoint: Endpoint) -> Option<&Candidate> {
        self.0.iter().find(|it| it.endpoint == endpoint)
    }

    fn at_mut(&mut self, endpoint: Endpoint) -> Option<&mut Candidate> {
        self.0.iter_mut().find(|it| it.endpoint == endpoint)
    }

    /// Whether the node was said to be at an endpoint.
    pub(crate) fn contains(&self, endpoint: Endpoint) -> bool {
        self.at(endpoint).is_some()
    }

    /// When the node was last claimed to be anywhere.
    pub(crate) fn last_claim(&self) -> Option<Instant> {
        self.0.iter().map(|it| it.claimed_at).max()
    }

    /// A node is said to be at an endpoint. Returns whether that is new. It takes the place of what
    /// the same source has said before, unless the node `is_met`: then it may well have several
    /// addresses, and none of them may seem new each time that it is heard.
    pub(crate) fn claim(
        &mut self,
        now: Instant,
        endpoint: Endpoint,
        source: Source,
        interface: Option<InterfaceId>,
        is_met: bool,
    ) -> bool {
        if let Some(known) = self.at_mut(endpoint) {
            known.interface = interface.or(known.interface);
            known.claimed_at = now;
            known.fresh = true;
            known.hear(now, source);
            if source.replaces(known.source) {
                known.source = source;
            }
            return false;
        }
        let family = |endpoint: Endpoint| matches!(endpoint.address().ip(), IpAddr::V4(_));
        // What is being dialled is not given up for a claim that anybody can make.
        self.0.retain(|it| {
            is_met
                || it.source != source
                || source.is_application()
                || it.was_met_there()
                || it.dial.is_some()
                || family(it.endpoint) != family(endpoint)
                || it.endpoint.key() != endpoint.key()
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
        let mut candidate = Candidate {
            endpoint,
            source,
            interface,
            claimed_at: now,
            heard_at: None,
            fresh: true,
            dial: None,
            failures: 0,
            not_before: now,
            good: false,
            missed: false,
            left: false,
        };
        candidate.hear(now, source);
        self.0.push(candidate);
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
                let only_claimed = !it.good && !it.source.is_application();
                (only_claimed, it.failures, !it.good, std::cmp::Reverse(it.claimed_at))
            })
            .map(|it| it.endpoint)
    }

    /// Whether an endpoint has failed, and has never led to the node, or the node was lost there; or is
    /// tried by the clock, and soon again.
    pub(crate) fn is_brief(&self, endpoint: Endpoint) -> bool {
        let again = |it: &Candidate| it.good && it.source.is_application();
        let tried = |it: &Candidate| it.failures > 0 && (!it.good || it.was_met_there());
        self.at(endpoint).is_some_and(|it| tried(it) || again(it))
    }

    /// An endpoint is being dialled.
    pub(crate) fn dial(&mut self, now: Instant, endpoint: Endpoint, conn: ConnId, times: &Times) {
        if let Some(candidate) = self.at_mut(endpoint) {
            candidate.fresh = candidate.lasts();
            // Whatever comes of it, not without a pause.
            candidate.pause(now, times.retry_interval / 2);
            let dial = Dial { conn, began: now, up_since: None, outdated: false };
            candidate.dial = Some(Box::new(dial));
        }
    }

    /// The dials that are under way, and where they go.
    pub(crate) fn dials(&self) -> impl Iterator<Item = (ConnId, Endpoint)> {
        self.0.iter().filter_map(|it| Some((it.dial.as_ref()?.conn, it.endpoint)))
    }

    /// Where others find the node, who are not on its link: where it was last said to be, by itself if
    /// it has said so.
    pub(crate) fn for_others(&self) -> Option<Endpoint> {
        let elsewhere = self.0.iter().filter(|it| !it.endpoint.is_link_local());
        let by_itself = |it: &Candidate| matches!(it.source, Source::Beacon | Source::Hello);
        elsewhere.max_by_key(|it| (by_itself(it), it.claimed_at)).map(|it| it.endpoint)
    }

    /// The interface by which a node was last said to be at an endpoint.
    pub(crate) fn interface_to(&self, endpoint: Endpoint) -> Option<InterfaceId> {
        self.at(endpoint)?.interface
    }

    /// When the node was last heard at an endpoint, if its beacons ever came from there.
    pub(crate) fn last_beacon(&self, endpoint: Endpoint) -> Option<Instant> {
        self.at(endpoint)?.heard_at
    }

    /// Whether the node's beacons came from an endpoint, and have not for this long. Once for each
    /// such silence.
    pub(crate) fn misses(&mut self, now: Instant, endpoint: Endpoint, silence: Duration) -> bool {
        let Some(candidate) = self.at_mut(endpoint) else {
            return false;
        };
        let is_late = |heard_at| after(heard_at, silence) <= now;
        let misses = candidate.heard_at.is_some_and(is_late) && !candidate.missed;
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
    pub(crate) fn fail(
        &mut self,
        now: Instant,
        conn: ConnId,
        why: UnreachableReason,
        times: &Times,
    ) -> Option<FailedDial> {
        let failed =
            self.0.iter_mut().find(|it| it.dial.as_ref().is_some_and(|dial| dial.conn == conn))?;
        let Dial { began, outdated, up_since, .. } = *failed.dial.take()?;
        // At an endpoint that has another node now it must not keep another dial from being made.
        failed.good &= why != UnreachableReason::AnotherNode || !failed.is_looked_for();
        failed.wait(now, now.saturating_duration_since(began), times);
        // One that was up may have crossed a dial of the node itself.
        let tried_again = failed.was_tried_again() && (failed.failures > 1 || up_since.is_none());
        let heard = tried_again || failed.claimed_at > began;
        // Once, the HELLO is an excuse.
        let heard = heard && (!outdated || failed.failures > 1);
        Some(FailedDial { endpoint: failed.endpoint, heard, outdated })
    }

    /// An endpoint cannot be dialled now.
    pub(crate) fn put_off(&mut self, now: Instant, endpoint: Endpoint, times: &Times) {
        if let Some(candidate) = self.at_mut(endpoint) {
            candidate.pause(now, times.retry_interval);
        }
    }

    /// The node at an endpoint was of no use, or is another one: the endpoint waits. Returns
    /// whether it is not the first time, or the application wants to know.
    pub(crate) fn distrust(&mut self, now: Instant, endpoint: Endpoint, times: &Times) -> bool {
        let Some(candidate) = self.at_mut(endpoint) else {
            return false;
        };
        candidate.wait(now, Duration::ZERO, times);
        candidate.was_tried_again()
    }

    /// The node was met at an endpoint.
    pub(crate) fn trust(&mut self, endpoint: Endpoint) {
        if let Some(candidate) = self.at_mut(endpoint) {
            candidate.good = true;
            candidate.failures = 0;
            candidate.left = false;
        }
    }

    /// The node was met by the name that leads to an endpoint: it is worth as much as one at which it
    /// was.
    pub(crate) fn expect(&mut self, endpoint: Endpoint) {
        if let Some(candidate) = self.at_mut(endpoint) {
            candidate.good = true;
        }
    }

    /// This node has left, and so loses the one that it has met at an endpoint. That one does not know
    /// where this one is now. If it has no beacons nobody may say again that it is there: it is looked
    /// for there.
    pub(crate) fn look_for_left(&mut self, endpoint: Endpoint) {
        if let Some(candidate) = self.at_mut(endpoint).filter(|it| it.heard_at.is_none()) {
            candidate.left = true;
        }
    }

    /// The node that was met is gone. Its other addresses may be dialled at once; where it was has
    /// to be claimed again. If others have told that it is there, or this node has left it, nobody may
    /// say so again: it is looked for there.
    pub(crate) fn lose(&mut self, now: Instant, used: Option<Endpoint>, times: &Times) {
        for candidate in &mut self.0 {
            if candidate.source == Source::Required {
                candidate.pause(now, times.retry_interval);
            } else if candidate.lasts() {
                candidate.pause(now, times.retry_interval);
                if Some(candidate.endpoint) == used {
                    candidate.good = true;
                    candidate.fresh = true;
                    candidate.claimed_at = now;
                    // What leads there now is not known: it is not worth a long wait.
                    candidate.failures = 1;
                }
            } else if Some(candidate.endpoint) == used {
                candidate.fresh = false;
            }
        }
    }

    /// Whether the node is said to have a key.
    pub(crate) fn have_key(&self, key: PublicKey) -> bool {
        self.0.iter().any(|it| it.endpoint.key() == Some(key))
    }

    /// The node has this key, and is nowhere where it was said to have another one.
    pub(crate) fn retain_key(&mut self, key: PublicKey) {
        self.0.retain(|it| it.endpoint.key() == Some(key));
    }

    /// Nodes with this key must not be met any more.
    pub(crate) fn forget_key(&mut self, key: PublicKey) {
        self.0.retain(|it| it.endpoint.key() != Some(key));
    }

    /// The node is gone: only the application still wants it.
    pub(crate) fn forget_claims(&mut self) {
        self.0.retain(|it| it.source == Source::Required);
    }

    /// What will be claimed again, if it is still true, is forgotten.
    pub(crate) fn forget_repeated(&mut self) {
        self.0.retain(Candidate::lasts);
    }

    /// Another node has answered at an endpoint: if the node was ever there, it is not any more.
    pub(crate) fn disprove(&mut self, endpoint: Endpoint) {
        if let Some(candidate) = self.at_mut(endpoint) {
            candidate.good &= !candidate.was_met_there();
        }
    }

    /// Another node is at an endpoint.
    pub(crate) fn forget_endpoint(&mut self, endpoint: Endpoint) {
        self.0.retain(|it| it.endpoint != endpoint || it.source == Source::Required);
    }

    /// Nobody has claimed these for long.
    pub(crate) fn forget_stale(&mut self, now: Instant, times: &Times) {
        self.0.retain(|it| it.dial.is_some() || it.stale_at(times).is_none_or(|at| at > now));
    }

    /// The dials on which the node should have spoken by now.
    pub(crate) fn unanswered(&self, now: Instant, times: &Times) -> Option<ConnId> {
        let mut dials = self.0.iter().filter_map(|it| it.dial.as_deref());
        let late = |dial: &Dial| dial.answer_due(times).is_some_and(|at| at <= now);
        dials.find(|dial| late(dial)).map(|dial| dial.conn)
    }

    /// When something has to be done, if nothing is claimed before.
    pub(crate) fn deadline(&self, times: &Times) -> Option<Instant> {
        let may_dial = self.dials().count() < MAX_DIALS;
        let due = |it: &Candidate| match &it.dial {
            Some(dial) => dial.answer_due(times),
            None if it.source == Source::Required => may_dial.then_some(it.not_before),
            None if it.is_rumour() => {
                let dial_at = may_dial.then_some(it.not_before).into_iter();
                dial_at.chain(it.stale_at(times)).min()
            }
            None => it.stale_at(times),
        };
        self.0.iter().filter_map(due).min()
    }

    /// Gives everybody time: nobody could be heard.
    pub(crate) fn postpone(&mut self, now: Instant) {
        for candidate in &mut self.0 {
            candidate.claimed_at = now;
            candidate.heard_at = candidate.heard_at.map(|_| now);
            let up_since = candidate.dial.as_mut().and_then(|dial| dial.up_since.as_mut());
            up_since.into_iter().for_each(|since| *since = now);
        }
    }
}

impl Candidate {
    /// The node is said to be here. Where it is said to be by its HELLO it need not be heard.
    fn hear(&mut self, now: Instant, source: Source) {
        match source {
            Source::Beacon => (self.heard_at, self.missed, self.left) = (Some(now), false, false),
            Source::Hello => self.heard_at = None,
            Source::Discovery | Source::Found | Source::Rumour | Source::Required => {}
        }
    }

    /// Whether nobody need say again that the node is here, as it is with rumours.
    const fn is_rumour(&self) -> bool {
        self.left || matches!(self.source, Source::Rumour)
    }

    /// Whether it is tried by the clock until it is too old, without being claimed again.
    const fn lasts(&self) -> bool {
        self.left || self.source.lasts()
    }

    /// Whether it is one of those that the application wants.
    fn is_wanted(&self, which: impl Fn(Source, Endpoint) -> bool) -> bool {
        self.source.is_application() && which(self.source, self.endpoint)
    }

    /// Whether it has failed more than once, which it only can if it is claimed again in between.
    fn was_tried_again(&self) -> bool {
        match self.source {
            Source::Required | Source::Found => true,
            // Of one that was met and has gone it is no news.
            _ if self.is_rumour() => self.failures > 1 && !self.good,
            _ => self.failures > 1,
        }
    }

    /// Whether the node is looked for here, by the clock, if it was met here.
    fn is_looked_for(&self) -> bool {
        self.source.is_application() || self.is_rumour()
    }

    /// Whether the node was met here, and should be looked for here if it is lost.
    fn was_met_there(&self) -> bool {
        self.is_rumour() && self.good
    }

    /// It has failed, by an attempt that has taken this long.
    fn wait(&mut self, now: Instant, taken: Duration, times: &Times) {
        let steady = self.was_met_there() && now < after(self.claimed_at, STEADY_RETRIES);
        self.failures = self.failures.saturating_add(1);
        let again = steady || self.good && self.source.is_application();
        let pause =
            if again { times.pause_if_required(taken) } else { times.pause_after(self.failures) };
        self.pause(now, pause);
    }

    /// It is not dialled for this long.
    fn pause(&mut self, now: Instant, pause: Duration) {
        self.not_before = self.not_before.max(after(now, pause.max(MIN_PAUSE)));
    }

    /// When a claim is too old; `None`: never.
    fn stale_at(&self, times: &Times) -> Option<Instant> {
        let lasting = match self.source {
            Source::Required => return None,
            _ if self.was_met_there() => LOST_TIMEOUT,
            _ if self.is_rumour() => times.rumour_timeout,
            _ => times.expired_timeout,
        };
        Some(after(self.claimed_at, lasting))
    }
}

impl Dial {
    fn answer_due(&self, times: &Times) -> Option<Instant> {
        Some(after(self.up_since?, times.greeting_timeout))
    }
}
