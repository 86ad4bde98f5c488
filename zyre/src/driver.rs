//! The driver: tells the engine what happens on the sockets, and does what it says.
//!
//! A task that has read from a socket, or a thread of the application, locks the engine, tells it,
//! and carries out the answer: there is no task in between to wake. That is a [`turn`].

mod connection;
mod core;
#[cfg(feature = "curve")]
mod known_names;
pub(crate) mod resolve;
mod stop;
mod strangers;
#[cfg(feature = "curve")]
mod trust;
mod turn;

#[cfg(feature = "files")]
use std::net::{IpAddr, SocketAddr};
#[cfg(feature = "curve")]
use std::sync::atomic::AtomicBool;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, MutexGuard};
use std::time::{Duration, Instant};

use tokio::runtime::Handle;
use tokio::sync::{Notify, watch};
use zmtp::net::SendQueue;
use zmtp::sync::Mutex;
use zre_proto::log::Level;
use zre_proto::{Action, ActionError, Engine, Input, PeerId, PublicKey, Times};

use self::core::Core;
use crate::Limits;
use crate::connection_info::ConnectionInfo;
use crate::events::EventQueue;
use crate::location::Location;
use crate::log::{self, Logger};
use crate::mailbox;
use crate::network_settings::NetworkSettings;
use crate::pulse::Pulse;
use crate::secure::Gate;
use crate::state::State;
use crate::stats::NetworkStats;
use crate::times;

/// A node that has last sent fewer nanoseconds ago than this is in full flow: what it sends is left
/// to the writer tasks, which send many messages with one system call. Otherwise the sender writes
/// itself, and saves the time to wake a task. A loop that sends one message after the other is
/// faster than this, and no answer to a message is.
const FLOW_MAX_GAP_NANOS: u64 = 4_000;

/// What all tasks and handles of one node share.
pub(crate) struct Driver {
    core: Mutex<Core>,
    pub(crate) events: Arc<EventQueue>,
    pub(crate) log: Arc<Logger>,
    /// Locked for a moment, also while the core is; never the other way round.
    location: Mutex<Location>,
    /// The next deadline has come closer.
    alarm: Notify,
    /// Peers or their groups are others now, or the node is somewhere else.
    changes: watch::Sender<()>,
    ended: watch::Sender<bool>,
    /// Kept, so that no other node gets it, until this one has ended.
    state: Mutex<Option<State>>,
    runtime: Handle,
    pub(crate) pulse: Arc<Pulse>,
    /// How connections are dialled: as DEALER, with the node's routing id.
    dealer: zmtp::Config,
    /// Whether connections may be two-way.
    two_way: bool,
    /// If the node is a secure one.
    gate: Option<Arc<Gate>>,
    /// The application was told that the list of keys cannot be used.
    #[cfg(feature = "curve")]
    has_told_of_file: AtomicBool,
    limits: Limits,
    /// The time from beacon to beacon.
    beacon_interval: watch::Sender<Duration>,
    born: Instant,
    /// When something was last written, or left to a writer task: nanoseconds since `born`.
    sent: AtomicU64,
}

impl Driver {
    pub(crate) fn new(
        engine: Engine,
        events: Arc<EventQueue>,
        location: Location,
        pulse: Arc<Pulse>,
        settings: &NetworkSettings,
        gate: Option<Arc<Gate>>,
    ) -> Arc<Self> {
        let NetworkSettings { two_way, interval: beacon_interval, .. } = *settings;
        let limits = settings.limits.clone();
        let id = engine.id();
        let dealer = mailbox::config(zmtp::SocketType::Dealer, id, &limits, two_way);
        Arc::new(Self {
            core: Mutex::new(Core::new(engine)),
            events,
            log: Logger::new(),
            location: Mutex::new(location),
            alarm: Notify::new(),
            changes: watch::Sender::new(()),
            ended: watch::Sender::new(false),
            state: Mutex::new(None),
            runtime: pulse.runtime().clone(),
            pulse,
            dealer,
            two_way,
            gate,
            #[cfg(feature = "curve")]
            has_told_of_file: AtomicBool::new(false),
            limits,
            beacon_interval: watch::Sender::new(beacon_interval),
            born: Instant::now(),
            sent: AtomicU64::new(0),
        })
    }

    /// What all connections have to pass, if the node is a secure one.
    pub(crate) const fn gate(&self) -> Option<&Arc<Gate>> {
        self.gate.as_ref()
    }

    /// Whether the node is a secure one.
    pub(crate) const fn is_secure(&self) -> bool {
        self.gate.is_some()
    }

    /// Whether a connection may go on whose handshake is over: its key may have lost the trust of the
    /// node meanwhile.
    pub(crate) fn still_lets_in(&self, key: Option<PublicKey>) -> bool {
        self.gate.as_ref().is_none_or(|gate| key.is_some_and(|key| gate.still_lets_in(key)))
    }

    /// Keeps the state of the node until it has ended.
    pub(crate) fn keep(&self, state: Option<State>) {
        *self.state.lock() = state;
    }

    /// Tells the engine what has happened on the network, in a turn of its own.
    pub(crate) fn handle(self: &Arc<Self>, input: Input<'_>) {
        self.turn().handle(input);
    }

    /// Tells the engine what the application wants, in a turn of its own.
    pub(crate) fn act(self: &Arc<Self>, action: Action<'_>) -> Result<(), ActionError> {
        self.turn().act(action)
    }

    /// Changes when peers are asked, and when they are given up.
    pub(crate) fn change_times(
        self: &Arc<Self>,
        change: impl FnOnce(&mut Times),
    ) -> Result<(), ActionError> {
        let mut turn = self.turn();
        let mut times = turn.core.engine.times();
        change(&mut times);
        times::check_liveness(&times)?;
        turn.act(Action::SetTimes(times))
    }

    /// Changes the time from beacon to beacon.
    pub(crate) fn set_beacon_interval(
        self: &Arc<Self>,
        interval: Duration,
    ) -> Result<(), ActionError> {
        let interval = times::beacon_interval(interval)?;
        self.change_times(|times| times.retry_interval = interval)?;
        self.beacon_interval.send_replace(interval);
        Ok(())
    }

    /// Tells the time from beacon to beacon whenever it is set, and what it is now.
    pub(crate) fn beacon_intervals(&self) -> watch::Receiver<Duration> {
        let mut intervals = self.beacon_interval.subscribe();
        intervals.mark_changed();
        intervals
    }

    /// Asks the engine something.
    pub(crate) fn ask<R>(&self, question: impl FnOnce(&Engine) -> R) -> R {
        question(&self.core.lock().engine)
    }

    /// The queue to a peer that is present.
    pub(crate) fn queue_to(&self, peer: PeerId) -> Option<SendQueue> {
        let core = self.core.lock();
        let conn = core.engine.speaks_on(peer)?;
        core.conns.get(&conn)?.queue.clone()
    }

    /// Whether a peer is connected from this address.
    #[cfg(feature = "files")]
    pub(crate) fn is_connected_from(&self, peer: PeerId, ip: IpAddr) -> bool {
        let core = self.core.lock();
        let mut conns = core.conns.iter().filter(|(_, open)| open.peer == Some(peer));
        conns.any(|(conn, open)| {
            let remote = open.ends.map(|ends| ends.remote.ip().to_canonical());
            remote == Some(ip.to_canonical()) && core.engine.hears(peer, *conn)
        })
    }

    /// Our address on the connection on which a peer is spoken to.
    #[cfg(feature = "files")]
    pub(crate) fn local_to(&self, peer: PeerId) -> Option<SocketAddr> {
        let core = self.core.lock();
        let conn = core.engine.speaks_on(peer)?;
        Some(core.conns.get(&conn)?.ends?.local)
    }

    pub(crate) const fn limits(&self) -> &Limits {
        &self.limits
    }

    pub(crate) const fn stall_timeout(&self) -> Duration {
        self.limits.stall_timeout
    }

    /// Tells the application something that is not the engine's.
    pub(crate) fn tell_application(self: &Arc<Self>, event: crate::Event) {
        self.turn().tell_application(event);
    }

    /// Tells when peers come or go, or change their groups, or the node moves. A wake-up only: what
    /// has changed, the engine tells.
    pub(crate) fn presence(&self) -> watch::Receiver<()> {
        let mut changes = self.changes.subscribe();
        // A late subscriber has missed something.
        changes.mark_changed();
        changes
    }

    /// The connections that are up.
    pub(crate) fn connections(&self) -> Vec<ConnectionInfo> {
        self.core.lock().connections()
    }

    /// What was counted on the sockets.
    pub(crate) fn network_stats(&self) -> NetworkStats {
        self.core.lock().network
    }

    /// What a node counts, as text.
    #[cfg(feature = "metrics")]
    pub(crate) fn metrics(&self, log: crate::LogStats) -> String {
        let core = self.core.lock();
        let (protocol, network) = (core.engine.stats(), core.network);
        let stats = crate::Stats { protocol, network, log };
        crate::metrics::text(&core.engine, &core.presence, &stats)
    }

    fn age(&self, now: Instant) -> u64 {
        u64::try_from(now.saturating_duration_since(self.born).as_nanos()).unwrap_or(u64::MAX)
    }

    fn sent_at(&self, now: Instant) {
        self.sent.store(self.age(now), Ordering::Relaxed);
    }

    /// Whether so much is being sent that it is left to the writer tasks.
    fn is_in_flow(&self, now: Instant) -> bool {
        self.age(now).saturating_sub(self.sent.load(Ordering::Relaxed)) < FLOW_MAX_GAP_NANOS
    }

    /// Records lines of this level and more urgent ones, or nothing.
    pub(crate) fn set_logging(&self, level: Option<Level>) {
        let mut core = self.core.lock();
        if core.engine.is_stopped() {
            return;
        }
        self.log.set_level(level, &core.engine);
        if level.is_some() && !core.logs {
            core.logs = true;
            let task = self.runtime.spawn(log::run(Arc::clone(&self.log), self.gate.clone()));
            core.tasks.push(task.abort_handle());
        }
    }

    /// Wakes the engine when its deadlines come. If the runtime goes, so does the node.
    pub(crate) fn keep_time(self: Arc<Self>) -> impl Future<Output = ()> + use<> {
        // Also if it is never polled.
        let life = Life(Arc::clone(&self));
        async move {
            let _life = life;
            self.wake_at_deadlines().await;
        }
    }

    async fn wake_at_deadlines(self: Arc<Self>) {
        loop {
            let next = {
                let mut core = self.core.lock();
                core.armed = core.engine.next_deadline();
                core.armed
            };
            let sleep = async {
                match next {
                    Some(next) => tokio::time::sleep_until(next.into()).await,
                    None => std::future::pending().await,
                }
            };
            tokio::select! {
                () = sleep => self.turn().handle_timeout(),
                () = self.alarm.notified() => {}
            }
        }
    }

    /// Tells when the node has ended.
    pub(crate) fn ended(&self) -> watch::Receiver<bool> {
        self.ended.subscribe()
    }

    /// Starts a task that lives as long as the node.
    pub(crate) fn spawn(&self, task: impl Future<Output = ()> + Send + 'static) {
        let task = self.runtime.spawn(task);
        self.core.lock().tasks.push(task.abort_handle());
    }

    /// Where the node is. Not to be held while the core is locked.
    pub(crate) fn location(&self) -> MutexGuard<'_, Location> {
        self.location.lock()
    }

    /// The node has another address, on some network at least: wakes what watches for changes.
    pub(crate) fn note_change(&self) {
        self.changes.send_replace(());
    }
}

/// Ends the node when it is dropped before that: with the runtime.
struct Life(Arc<Driver>);

impl Drop for Life {
    fn drop(&mut self) {
        if !*self.0.ended.borrow() {
            self.0.abort();
        }
    }
}
