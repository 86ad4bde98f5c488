//! The driver: tells the engine what happens on the sockets, and does what it says.
//!
//! Whoever has something for the engine, a task that read from a socket or a thread of the
//! application, locks it, hands it over, and carries out the answer: there is no task in between
//! to wake. Nothing is waited for while the lock is held.

mod stop;

use std::collections::{BTreeMap, VecDeque};
use std::net::IpAddr;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use tokio::runtime::Handle;
use tokio::sync::{Notify, watch};
use tokio::task::AbortHandle;
use zmtp::net::{Error, Outbox};
use zre_proto::{Beacon, ConnId, Endpoint, Engine, Event, Input, LinkId, Output, Refused};
use zre_proto::{Content, PeerId};

use crate::Limits;
use crate::beacon::Announcer;
use crate::events::{EventQueue, Told};
use crate::interface::Interface;
use crate::link::{self, Link};
use crate::log::{self, Logger};
use crate::mailbox::{self, Visit};
use crate::network::NetworkStats;

/// A node that has last sent so many nanoseconds ago is in full flow: what it sends is left to the writer
/// tasks, which send many messages with one system call. Otherwise the sender writes itself, and
/// saves the time to wake a task. Whoever sends one message after the other is faster than this,
/// and no answer to a message is.
const FLOW: u64 = 4_000;

/// Messages that are handed over before others get the engine.
const BATCH: usize = 256;

/// What all tasks and handles of one node share.
pub(crate) struct Driver {
    core: Mutex<Core>,
    pub(crate) events: Arc<EventQueue>,
    pub(crate) log: Arc<Logger>,
    announcer: Mutex<Announcer>,
    /// The next deadline has come closer.
    alarm: Notify,
    /// Peers or their groups are others now, or the node is somewhere else.
    presence: watch::Sender<()>,
    ended: watch::Sender<bool>,
    runtime: Handle,
    /// How links connect: as DEALER, with the node's routing id.
    pub(crate) dealer: zmtp::Config,
    limits: Limits,
    born: Instant,
    /// When something was last written, or left to a writer task: nanoseconds since it was born.
    sent: AtomicU64,
}

/// The engine, and what it has opened.
struct Core {
    engine: Engine,
    links: BTreeMap<LinkId, Link>,
    conns: BTreeMap<ConnId, AbortHandle>,
    /// Those of them on which no peer that has said HELLO is heard.
    strangers: BTreeMap<ConnId, PeerId>,
    last_conn: u64,
    /// When the timer task will wake by itself.
    armed: Option<Instant>,
    /// Mailbox connections that are not being read, for want of room for events.
    paused: usize,
    /// The tasks that live as long as the node.
    tasks: Vec<AbortHandle>,
    /// Links that have something to write once the engine is unlocked.
    dirty: Vec<Outbox>,
    /// Messages that were left to writer tasks since it was locked.
    queued: usize,
    /// Events for the application.
    told: Told,
    /// Among them are some of who is there.
    presence: bool,
    network: NetworkStats,
    /// There is a task that takes lines of the log to collectors.
    logs: bool,
}

/// How far a delivery has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Delivered {
    /// All that there was, or the connection is closed.
    All,
    /// There may be more, and others want their turn.
    More,
    /// There is no room for the events that more would make.
    NoRoom,
}

impl Driver {
    pub(crate) fn new(
        engine: Engine,
        events: Arc<EventQueue>,
        announcer: Announcer,
        runtime: Handle,
        dealer: zmtp::Config,
        limits: Limits,
    ) -> Arc<Self> {
        let core = Core {
            engine,
            links: BTreeMap::new(),
            conns: BTreeMap::new(),
            strangers: BTreeMap::new(),
            last_conn: 0,
            armed: None,
            paused: 0,
            tasks: Vec::new(),
            dirty: Vec::new(),
            queued: 0,
            told: Told::default(),
            presence: false,
            network: NetworkStats::default(),
            logs: false,
        };
        Arc::new(Self {
            core: Mutex::new(core),
            events,
            log: Logger::new(),
            announcer: Mutex::new(announcer),
            alarm: Notify::new(),
            presence: watch::Sender::new(()),
            ended: watch::Sender::new(false),
            runtime,
            dealer,
            limits,
            born: Instant::now(),
            sent: AtomicU64::new(0),
        })
    }

    fn lock(&self) -> MutexGuard<'_, Core> {
        self.core.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Hands one input to the engine and does what it says.
    pub(crate) fn handle(self: &Arc<Self>, input: Input<'_>) -> Result<(), Refused> {
        self.with(|driver, core| {
            let note =
                if driver.log.is_on() { driver.log.wish(&core.engine, &input) } else { None };
            core.handle(driver, Instant::now(), input)?;
            if let Some(note) = note {
                driver.log.record(note);
            }
            Ok(())
        })
    }

    /// An input that cannot be refused: everything but actions.
    pub(crate) fn tell(self: &Arc<Self>, input: Input<'_>) {
        // Only actions are refused.
        let _ = self.handle(input);
    }

    /// Locks the core for a batch of inputs. What was sent is written, and the application woken,
    /// when the lock is free again.
    fn with<R>(self: &Arc<Self>, work: impl FnOnce(&Arc<Self>, &mut Core) -> R) -> R {
        let mut core = self.lock();
        let result = work(self, &mut core);
        let dirty = std::mem::take(&mut core.dirty);
        let queued = std::mem::take(&mut core.queued);
        let presence = std::mem::take(&mut core.presence);
        // Under the lock, so that events keep their order.
        let wake = self.events.append(&mut core.told);
        let next = core.engine.next_deadline();
        let alarm = next.is_some_and(|next| core.armed.is_none_or(|armed| next < armed));
        if alarm {
            core.armed = next;
        }
        drop(core);
        for outbox in &dirty {
            // A broken connection is the business of its link's task, which sees it as well.
            let _ = outbox.flush();
        }
        // Many have taken their time.
        if !dirty.is_empty() || queued > 1 {
            self.sent_at(Instant::now());
        }
        self.events.wake(wake);
        if presence {
            self.presence.send_replace(());
        }
        if alarm {
            self.alarm.notify_one();
        }
        result
    }

    fn age(&self, now: Instant) -> u64 {
        u64::try_from(now.saturating_duration_since(self.born).as_nanos()).unwrap_or(u64::MAX)
    }

    fn sent_at(&self, now: Instant) {
        self.sent.store(self.age(now), Ordering::Relaxed);
    }

    /// Whether so much is being sent that it is left to the writer tasks.
    fn is_in_flow(&self, now: Instant) -> bool {
        self.age(now).saturating_sub(self.sent.load(Ordering::Relaxed)) < FLOW
    }

    /// The interface that the node is announced on.
    pub(crate) fn interface(&self) -> Interface {
        self.announcer().interface().clone()
    }

    /// Tells when peers come or go, or change their groups, or the node moves. What is so then, the
    /// engine is to be asked: changes are not queued.
    #[cfg(feature = "files")]
    pub(crate) fn presence(&self) -> watch::Receiver<()> {
        let mut presence = self.presence.subscribe();
        // Whoever comes late has missed something.
        presence.mark_changed();
        presence
    }

    /// Records lines of this level and more urgent ones, or nothing.
    pub(crate) fn set_logging(&self, level: Option<zre_proto::log::Level>) {
        let mut core = self.lock();
        if core.engine.is_stopped() {
            return;
        }
        self.log.set_level(level, &core.engine);
        if level.is_some() && !core.logs {
            core.logs = true;
            let task = self.runtime.spawn(log::run(Arc::clone(&self.log)));
            core.tasks.push(task.abort_handle());
        }
    }

    /// An event that is not the engine's.
    #[cfg(feature = "files")]
    pub(crate) fn tell_application(self: &Arc<Self>, event: Event) {
        self.with(|_, core| core.told.push(event));
    }

    /// Asks the engine something.
    pub(crate) fn ask<R>(&self, question: impl FnOnce(&Engine) -> R) -> R {
        question(&self.lock().engine)
    }

    /// Whether a peer that has said HELLO is heard on this mailbox connection.
    pub(crate) fn knows(&self, visit: &mut Visit) -> bool {
        self.lock().get_to_know(self, visit);
        visit.known
    }

    /// What was counted on the sockets.
    pub(crate) fn network_stats(&self) -> NetworkStats {
        self.lock().network
    }

    pub(crate) fn count(&self, count: impl FnOnce(&mut NetworkStats)) {
        count(&mut self.lock().network);
    }

    /// A beacon of another node was heard.
    pub(crate) fn beacon(self: &Arc<Self>, beacon: &Beacon, source: IpAddr) {
        let peer = beacon.peer;
        self.tell(if beacon.is_goodbye() {
            Input::Goodbye { peer }
        } else {
            Input::Candidate { peer, endpoint: Endpoint::new((source, beacon.port).into()) }
        });
    }

    /// A connection at the mailbox is ready: gives it a number and a task that reads it. If there
    /// are too many of which nobody knows who they are, the oldest makes room.
    pub(crate) fn connected(self: &Arc<Self>, peer: PeerId, accepted: zmtp::net::Established) {
        self.with(|driver, core| {
            if core.engine.is_stopped() {
                return;
            }
            core.last_conn += 1;
            let conn = ConnId(core.last_conn);
            let (source, reader) = (accepted.address.ip(), accepted.reader);
            let visit = Visit { peer, conn, source, reader, known: false };
            let task = driver.runtime.spawn(mailbox::serve(Arc::clone(driver), visit));
            core.conns.insert(conn, task.abort_handle());
            core.strangers.insert(conn, peer);
            if core.strangers.len() > driver.limits.strangers()
                && let Some((conn, peer)) = core.strangers.pop_first()
            {
                core.network.connections_idle += 1;
                if let Some(task) = core.conns.remove(&conn) {
                    task.abort();
                }
                // Only actions are refused.
                let _ = core.handle(driver, Instant::now(), Input::MailboxLost { peer, conn });
            }
        });
    }

    /// Hands over messages from a mailbox connection.
    pub(crate) fn deliver(self: &Arc<Self>, visit: &mut Visit) -> Result<Delivered, Error> {
        let Visit { peer, conn, source, .. } = *visit;
        self.with(|driver, core| {
            let now = Instant::now();
            for _ in 0..BATCH {
                if !core.conns.contains_key(&conn) {
                    return Ok(Delivered::All);
                }
                if !driver.events.has_room_besides(&core.told) {
                    return Ok(Delivered::NoRoom);
                }
                let Some(message) = visit.reader.next()? else { return Ok(Delivered::All) };
                let mut frames = message.into_frames();
                let header = frames.next().unwrap_or_default();
                let content = frames.collect::<Content>();
                let input = Input::Message { peer, conn, source, header: &header, content };
                // Only actions are refused.
                let _ = core.handle(driver, now, input);
                if !visit.known {
                    core.get_to_know(driver, visit);
                }
            }
            Ok(Delivered::More)
        })
    }

    /// A mailbox connection has ended.
    pub(crate) fn disconnected(self: &Arc<Self>, peer: PeerId, conn: ConnId) {
        self.with(|driver, core| {
            core.conns.remove(&conn);
            core.strangers.remove(&conn);
            let _ = core.handle(driver, Instant::now(), Input::MailboxLost { peer, conn });
        });
    }

    /// Waits until there is room for events. Meanwhile the engine knows that the mailbox is not
    /// being read.
    pub(crate) async fn wait_for_room(self: &Arc<Self>) {
        /// One connection that waits, also when its task is aborted.
        struct Waiting<'a>(&'a Arc<Driver>);
        impl Drop for Waiting<'_> {
            fn drop(&mut self) {
                self.0.pause(|paused| paused - 1);
            }
        }
        self.pause(|paused| paused + 1);
        let _waiting = Waiting(self);
        self.events.room().await;
    }

    fn pause(self: &Arc<Self>, change: impl FnOnce(usize) -> usize) {
        self.with(|driver, core| {
            let before = core.paused;
            core.paused = change(before);
            if (before == 0) != (core.paused == 0) {
                let paused = Input::Paused(before == 0);
                // Only actions are refused.
                let _ = core.handle(driver, Instant::now(), paused);
            }
        });
    }

    /// Wakes the engine when its deadlines come.
    pub(crate) async fn keep_time(self: Arc<Self>) {
        loop {
            let next = {
                let mut core = self.lock();
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
                () = sleep => self.tell(Input::Time),
                () = self.alarm.notified() => {}
            }
        }
    }

    /// Starts a task that lives as long as the node.
    pub(crate) fn spawn(&self, task: impl Future<Output = ()> + Send + 'static) {
        let task = self.runtime.spawn(task);
        self.lock().tasks.push(task.abort_handle());
    }

    /// Sends a beacon now.
    pub(crate) fn announce(&self) -> std::io::Result<()> {
        self.announcer().announce()
    }

    /// Announces from now on somewhere else.
    pub(crate) fn announce_with(&self, announcer: Announcer) {
        let mut current = self.announcer();
        if !current.has_ended() {
            *current = announcer;
        }
    }

    fn announcer(&self) -> MutexGuard<'_, Announcer> {
        self.announcer.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Core {
    /// From a peer that has said HELLO more is taken.
    fn get_to_know(&mut self, driver: &Driver, visit: &mut Visit) {
        if self.engine.hears(visit.peer, visit.conn) {
            visit.known = true;
            visit.reader.set_limits(driver.limits.transport());
            self.strangers.remove(&visit.conn);
        }
    }

    /// Hands one input to the engine and does what it says.
    fn handle(
        &mut self,
        driver: &Arc<Driver>,
        now: Instant,
        input: Input<'_>,
    ) -> Result<(), Refused> {
        self.engine.handle(now, input)?;
        let mut full = VecDeque::new();
        loop {
            while let Some(output) = self.engine.poll_output() {
                if let Some((peer, link)) = self.carry_out(driver, now, output) {
                    full.push_back((peer, link));
                }
            }
            let Some((peer, link)) = full.pop_front() else { return Ok(()) };
            self.engine.handle(now, Input::LinkLost { peer, link, overflow: true })?;
        }
    }

    /// Does one thing. Returns the link if its queue is full.
    fn carry_out(
        &mut self,
        driver: &Arc<Driver>,
        now: Instant,
        output: Output,
    ) -> Option<(PeerId, LinkId)> {
        match output {
            Output::Send { link: id, header, content } => {
                let link = self.links.get(&id)?;
                let in_flow = driver.is_in_flow(now);
                match link.send(in_flow, &header, content.frames()) {
                    link::Sent::Full => return Some((link.peer, id)),
                    link::Sent::Staged => self.dirty.push(link.outbox.clone()),
                    link::Sent::Queued => {
                        self.queued += 1;
                        driver.sent_at(now);
                    }
                }
            }
            Output::Event(event) => {
                trace(&self.engine, &event);
                self.presence |= changes_presence(&event);
                if driver.log.is_on() {
                    driver.log.tell(&event);
                }
                self.told.push(event);
            }
            Output::Connect { peer, link, endpoint } => {
                let outbox = Outbox::new(driver.limits.outbox());
                let task = link::run(Arc::clone(driver), peer, link, endpoint, outbox.clone());
                let task = driver.runtime.spawn(task).abort_handle();
                self.links.insert(link, Link::new(peer, outbox, task));
            }
            Output::CloseLink { link } => {
                if let Some(link) = self.links.remove(&link) {
                    link.close();
                }
            }
            Output::CloseMailbox { conn } => {
                self.strangers.remove(&conn);
                if let Some(task) = self.conns.remove(&conn) {
                    task.abort();
                }
            }
        }
        None
    }
}

const fn changes_presence(event: &Event) -> bool {
    use Event::{Enter, Exit, Join, Leave, Moved};
    matches!(event, Enter { .. } | Exit { .. } | Join { .. } | Leave { .. } | Moved { .. })
}

fn trace(engine: &Engine, event: &Event) {
    let node = engine.id();
    match event {
        Event::Enter { peer, name, .. } => tracing::debug!(%node, %peer, ?name, "ENTER"),
        Event::Exit { peer, reason, .. } => tracing::debug!(%node, %peer, %reason, "EXIT"),
        Event::Join { peer, group, .. } => tracing::debug!(%node, %peer, ?group, "JOIN"),
        Event::Leave { peer, group, .. } => tracing::debug!(%node, %peer, ?group, "LEAVE"),
        Event::Evasive { peer, .. } => tracing::debug!(%node, %peer, "EVASIVE"),
        Event::Silent { peer, .. } => tracing::debug!(%node, %peer, "SILENT"),
        Event::Moved { endpoint } => tracing::debug!(%node, %endpoint, "MOVED"),
        Event::Stop => tracing::debug!(%node, "STOP"),
        _ => {}
    }
}
