//! One gossip connection: what to tell it, and when.

use std::time::{Duration, Instant};

use super::io::{CloseReason, Config, ConnId, Remote};
use super::message::Message;
use super::table::Table;
use super::tuple::{Tuple, is_usable};
use crate::Endpoint;
use crate::timers::after;

/// Messages that are on their way on one connection at a time: what is more waits where it costs
/// nothing.
pub(super) const WINDOW: usize = 64;

/// PONGs that wait at a time. A client that asks more often is answered less often.
const MAX_PONGS: u8 = 4;

/// All tuples are told again at most once in this time, whatever the other end says.
const MIN_RESYNC_INTERVAL: Duration = Duration::from_secs(1);

/// Tuples that one connection may tell in a second, after a first burst of all that are remembered.
const TUPLES_PER_SECOND: usize = 20;

#[derive(Debug)]
pub(super) struct Connection {
    pub(super) remote: Remote,
    /// Whether the other end is on this host: what is on loopback is told to no other.
    is_here: bool,
    /// Where this node is, as it is told here.
    own: Option<Endpoint>,
    own_due: bool,
    hello_due: bool,
    invalid_due: bool,
    pongs_due: u8,
    /// Whether it wants to be told. A client says so by HELLO.
    listens: bool,
    /// Whether it was told to say HELLO.
    invited: bool,
    /// The version of the last tuple that it was told.
    told: u64,
    /// Messages that may not be written yet, and since when.
    in_flight: usize,
    in_flight_since: Instant,
    opened: Instant,
    sent_at: Instant,
    pub(super) heard_at: Option<Instant>,
    resynced_at: Option<Instant>,
    /// Everything has to be told again, as soon as that is allowed.
    resync_due: bool,
    budget: usize,
    budget_at: Instant,
}

impl Connection {
    pub(super) const fn new(
        now: Instant,
        remote: Remote,
        own: Option<Endpoint>,
        is_here: bool,
        config: &Config,
    ) -> Self {
        Self {
            remote,
            is_here,
            own,
            own_due: false,
            hello_due: false,
            invalid_due: false,
            pongs_due: 0,
            listens: false,
            invited: false,
            told: 0,
            in_flight: 0,
            in_flight_since: now,
            opened: now,
            sent_at: now,
            heard_at: None,
            resynced_at: None,
            resync_due: false,
            budget: config.max_tuples,
            budget_at: now,
        }
    }

    /// Tells everything from the beginning: at once, or as soon as that is allowed.
    pub(super) fn resync(&mut self, now: Instant) {
        self.resync_due = true;
        self.resync_if_due(now);
    }

    fn resync_if_due(&mut self, now: Instant) {
        if self.resync_due && self.resync_at().is_none_or(|at| at <= now) {
            self.resync_due = false;
            self.resynced_at = Some(now);
            self.listens = true;
            self.hello_due = self.remote == Remote::Hub;
            self.own_due = true;
            self.told = 0;
        }
    }

    fn resync_at(&self) -> Option<Instant> {
        Some(after(self.resynced_at?, MIN_RESYNC_INTERVAL))
    }

    /// A client asks whether this node is there.
    pub(super) const fn asks(&mut self) {
        if self.pongs_due < MAX_PONGS {
            self.pongs_due += 1;
        }
    }

    /// A client tells without having said HELLO: asks it for HELLO.
    pub(super) const fn invite(&mut self) {
        if !self.listens && !self.invited {
            self.invited = true;
            self.invalid_due = true;
        }
    }

    /// This node is somewhere else now, as seen from there.
    pub(super) fn move_to(&mut self, own: Option<Endpoint>) -> bool {
        let moved = self.own != own;
        self.own = own;
        // Whether or not it is told already that there is none: others have to find that out.
        self.own_due |= moved && self.listens;
        moved
    }

    /// Whether one more tuple may be heard from it now.
    pub(super) fn spend(&mut self, now: Instant, config: &Config) -> bool {
        let seconds = now.saturating_duration_since(self.budget_at).as_secs();
        if seconds > 0 {
            let earned = usize::try_from(seconds).unwrap_or(usize::MAX);
            let earned = earned.saturating_mul(TUPLES_PER_SECOND);
            self.budget = self.budget.saturating_add(earned).min(config.max_tuples);
            self.budget_at = now;
        }
        let left = self.budget.checked_sub(1);
        self.budget = left.unwrap_or_default();
        left.is_some()
    }

    /// All that was sent is written.
    pub(super) const fn flushed(&mut self) {
        self.in_flight = 0;
    }

    /// The next message, if there is one and it may be sent.
    pub(super) fn next(
        &mut self,
        now: Instant,
        conn: ConnId,
        table: &Table,
        config: &Config,
    ) -> Option<Vec<u8>> {
        if self.in_flight >= WINDOW {
            return None;
        }
        let frame = self.next_due(now, conn, table, config)?;
        if self.in_flight == 0 {
            self.in_flight_since = now;
        }
        self.in_flight += 1;
        self.sent_at = now;
        Some(frame)
    }

    fn next_due(
        &mut self,
        now: Instant,
        conn: ConnId,
        table: &Table,
        config: &Config,
    ) -> Option<Vec<u8>> {
        if std::mem::take(&mut self.hello_due) {
            return Some(Message::Hello.encode());
        }
        if std::mem::take(&mut self.invalid_due) {
            return Some(Message::Invalid.encode());
        }
        if self.pongs_due > 0 {
            self.pongs_due -= 1;
            return Some(Message::Pong.encode());
        }
        if !self.listens {
            return None;
        }
        if std::mem::take(&mut self.own_due)
            && let Some(endpoint) = self.own.filter(|own| self.fits(own))
        {
            let own = Tuple { peer: config.id, endpoint };
            return Some(own.publish());
        }
        let fits = |tuple: &Tuple| self.fits(&tuple.endpoint);
        let (version, tuple) = table.next_for(now, conn, self.told, config, fits);
        self.told = version;
        if let Some(tuple) = tuple {
            return Some(tuple.publish());
        }
        self.ping_at(config).filter(|at| *at <= now).map(|_| Message::Ping.encode())
    }

    /// Whether an endpoint is of any use at the other end.
    fn fits(&self, endpoint: &Endpoint) -> bool {
        is_usable(endpoint) && (self.is_here || !endpoint.address().ip().is_loopback())
    }

    fn ping_at(&self, config: &Config) -> Option<Instant> {
        (self.remote == Remote::Hub).then(|| after(self.sent_at, config.ping_interval))
    }

    /// Does what is due; returns why to close it, if so.
    pub(super) fn pass_deadlines(&mut self, now: Instant, config: &Config) -> Option<CloseReason> {
        self.resync_if_due(now);
        let (end, why) = self.end(config)?;
        (end <= now).then_some(why)
    }

    /// When something has to be done about it.
    pub(super) fn next_deadline(&self, config: &Config) -> Option<Instant> {
        let end = self.end(config).map(|(end, _)| end);
        let resync = self.resync_at().filter(|_| self.resync_due);
        let ping = self.ping_at(config).filter(|_| self.in_flight < WINDOW);
        end.into_iter().chain(resync).chain(ping).min()
    }

    /// When it will be closed, if nothing is heard and nothing written before.
    fn end(&self, config: &Config) -> Option<(Instant, CloseReason)> {
        let quiet = match (self.remote, self.heard_at) {
            (Remote::Hub, heard) => {
                let time = config.hub_timeout;
                Some((after(heard.unwrap_or(self.opened), time), CloseReason::Silent(time)))
            }
            (Remote::Client, None) => {
                let time = config.client_timeout;
                Some((after(self.opened, time), CloseReason::Idle(time)))
            }
            (Remote::Client, Some(_)) => None,
        };
        let time = config.stall_timeout;
        let stalled = (self.in_flight > 0)
            .then(|| (after(self.in_flight_since, time), CloseReason::Stalled(time)));
        quiet.into_iter().chain(stalled).min_by_key(|(end, _)| *end)
    }

    /// When it was last heard; before that, when it began.
    pub(super) fn last_sign(&self) -> Instant {
        self.heard_at.unwrap_or(self.opened)
    }
}
