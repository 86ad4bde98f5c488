//! A turn at the engine: the core is locked, the engine is told something, and what it says is
//! done.

use std::sync::{Arc, MutexGuard};
use std::time::Instant;

use zmtp::net::SendQueue;
use zre_proto::{
    Action, ActionError, ConnId, Content, Endpoint, Engine, Event, Input, InterfaceId, Loss,
    Output, PeerId,
};

use super::Driver;
use super::core::{Core, OpenConnection, Sent, lost};
use crate::events::Wake;
use crate::stats::NetworkStats;

/// The core of a node, locked for a batch of inputs.
///
/// Nothing is awaited while it is held. When it is dropped, events are queued under the lock, so
/// that they keep their order; then, with the lock free again, what was sent is written and the
/// application is woken.
#[must_use]
pub(crate) struct Turn<'a> {
    pub(super) driver: &'a Arc<Driver>,
    pub(super) now: Instant,
    // Fields are dropped in this order: the lock is free when the epilogue comes.
    pub(super) core: MutexGuard<'a, Core>,
    /// What is sent is a SHOUT, which does not wait for a member that does not read.
    shouting: bool,
    /// Whether the node is in full flow, once that was asked.
    in_flow: Option<bool>,
    epilogue: Epilogue<'a>,
}

/// What is left to do when the core is free.
struct Epilogue<'a> {
    driver: &'a Driver,
    /// A connection that has something to write: mostly there is one, which needs no list.
    dirty: Option<SendQueue>,
    /// Others.
    more_dirty: Vec<SendQueue>,
    /// Messages that were left to writer tasks.
    queued: usize,
    /// Whether peers, their groups or the endpoint of the node have changed.
    changed: bool,
    wake: Wake,
    /// Whether the next deadline has come closer.
    alarm: bool,
}

impl Driver {
    /// Locks the core for a batch of inputs.
    pub(crate) fn turn(self: &Arc<Self>) -> Turn<'_> {
        let core = self.core.lock();
        Turn {
            driver: self,
            // Later than the clock of every turn before.
            now: Instant::now(),
            core,
            shouting: false,
            in_flow: None,
            epilogue: Epilogue {
                driver: self,
                dirty: None,
                more_dirty: Vec::new(),
                queued: 0,
                changed: false,
                wake: Wake::default(),
                alarm: false,
            },
        }
    }
}

impl Turn<'_> {
    /// Tells the engine what has happened on the network.
    pub(crate) fn handle(&mut self, input: Input<'_>) {
        self.core.engine.handle(self.now, input);
        self.carry_out_all();
    }

    /// Does what the engine has said before there was a driver.
    pub(crate) fn begin(&mut self) {
        self.carry_out_all();
    }

    /// A connection is no more. The engine is told, unless it has closed it itself.
    pub(super) fn lose(&mut self, conn: ConnId, why: Loss) {
        self.core.strangers.remove(conn);
        if let Some(open) = self.core.conns.remove(&conn) {
            self.handle(lost(open.peer, conn, why));
        }
    }

    /// Tells the engine what the application wants.
    pub(crate) fn act(&mut self, action: Action<'_>) -> Result<(), ActionError> {
        if let Action::Whisper { peer, content } = &action
            && self.is_full(*peer, content)
        {
            return Err(ActionError::Full(*peer));
        }
        let shouting = matches!(action, Action::Shout { .. });
        let log = &self.driver.log;
        let draft =
            if log.is_on() { log.draft_of_action(&self.core.engine, &action) } else { None };
        self.core.engine.act(self.now, action)?;
        self.shouting = shouting;
        self.carry_out_all();
        if let Some(draft) = draft {
            self.driver.log.record(draft);
        }
        Ok(())
    }

    /// Whether the queue to a peer is so full that it takes no WHISPER.
    fn is_full(&self, peer: PeerId, content: &Content) -> bool {
        let conn = self.core.engine.speaks_on(peer);
        let open = conn.and_then(|conn| self.core.conns.get(&conn));
        let queue = open.and_then(|open| open.queue.as_ref());
        queue.is_some_and(|queue| !Driver::takes(queue, content))
    }

    /// Tells the engine that a deadline has come, and before that where bytes move: what is due may
    /// not be decided then.
    pub(super) fn handle_timeout(&mut self) {
        let now = self.now;
        for (peer, conn) in self.core.engine.due(now) {
            let progress = self.core.conns.get_mut(&conn).map(|open| open.progress(now));
            let (received, sent) = progress.unwrap_or_default();
            if received || sent {
                self.core.engine.handle(now, Input::Progress { peer, conn, received, sent });
            }
        }
        self.core.engine.handle_timeout(now);
        self.carry_out_all();
    }

    /// Tells the application something that is not the engine's. After the end there is nothing more
    /// to tell.
    pub(super) fn tell_application(&mut self, event: crate::Event) {
        if self.core.engine.is_stopped() {
            return;
        }
        self.core.events.push(event);
    }

    /// What is counted on the sockets.
    pub(crate) fn network_stats(&mut self) -> &mut NetworkStats {
        &mut self.core.network
    }

    /// Does what the engine says. A connection whose queue is full is lost, which the engine is told
    /// after it has said all.
    fn carry_out_all(&mut self) {
        // Without memory while there is none.
        let mut full = Vec::new();
        let mut told = 0;
        loop {
            while let Some(output) = self.core.engine.poll_output() {
                if let Some(lost) = self.carry_out(output) {
                    full.push(lost);
                }
            }
            self.shouting = false;
            let Some(&(peer, conn)) = full.get(told) else { return };
            told += 1;
            self.core.engine.handle(self.now, lost(peer, conn, Loss::Overflow));
        }
    }

    /// Does one thing. Returns the connection if its queue is full.
    fn carry_out(&mut self, output: Output) -> Option<(Option<PeerId>, ConnId)> {
        let driver = self.driver;
        match output {
            Output::Send { conn, header, content } => {
                let open = self.core.conns.get(&conn)?;
                if self.shouting && open.has_stalled(self.now, driver.limits.stall_timeout) {
                    return Some((open.peer, conn));
                }
                let now = self.now;
                let in_flow = *self.in_flow.get_or_insert_with(|| driver.is_in_flow(now));
                match open.send(in_flow, &header, content.frames()) {
                    Sent::Full => return Some((open.peer, conn)),
                    Sent::Staged => self.epilogue.write(open.queue.clone()),
                    Sent::Queued => {
                        if self.epilogue.queued == 0 {
                            driver.sent_at(now);
                        }
                        self.epilogue.queued += 1;
                    }
                }
            }
            Output::Event(event) => {
                trace(&self.core.engine, &event);
                self.epilogue.changed |= is_change(&event);
                #[cfg(feature = "metrics")]
                self.core.presence.count(&event);
                if driver.log.is_on() {
                    driver.log.record_event(&event);
                }
                #[cfg(feature = "curve")]
                let change = self.key_change(&event);
                self.core.events.push(event.into());
                #[cfg(feature = "curve")]
                change.into_iter().for_each(|event| self.core.events.push(event));
            }
            Output::Connect { peer, conn, endpoint, interface, failed_before } => {
                self.dial(Some(peer), conn, endpoint, interface, failed_before);
            }
            Output::Scout { conn, endpoint, failed_before } => {
                self.dial(None, conn, endpoint, None, failed_before);
            }
            Output::Identified { conn, peer } => {
                if let Some(open) = self.core.conns.get_mut(&conn) {
                    open.peer = Some(peer);
                }
            }
            Output::Resolve { endpoint } => {
                driver.runtime.spawn(Arc::clone(driver).resolve(endpoint));
            }
            Output::Close { conn } => self.core.close(conn),
        }
        None
    }

    /// What the application is told if a peer enters by a name that another key had before.
    #[cfg(feature = "curve")]
    fn key_change(&mut self, event: &Event) -> Option<crate::Event> {
        let Event::Enter { peer, name, endpoint, .. } = event else { return None };
        let (peer, name, key) = (*peer, Arc::clone(name), endpoint.key()?.try_into().ok()?);
        let before = self.core.names.enter(&name, key)?;
        tracing::debug!(node = %self.core.engine.id(), %peer, ?name, "KEY CHANGED");
        Some(crate::Event::KeyChanged { peer, name, before, key })
    }

    /// Connects to a peer, or to any node at an endpoint.
    fn dial(
        &mut self,
        peer: Option<PeerId>,
        conn: ConnId,
        endpoint: Endpoint,
        interface: Option<InterfaceId>,
        failed_before: bool,
    ) {
        let driver = Arc::clone(self.driver);
        let dialling = driver.dial(peer, conn, endpoint, interface, failed_before);
        let task = self.driver.runtime.spawn(dialling);
        self.core.conns.insert(conn, OpenConnection::new(peer, task));
    }
}

impl Drop for Turn<'_> {
    fn drop(&mut self) {
        let Self { driver, core, epilogue, .. } = self;
        epilogue.wake = driver.events.append(&mut core.events);
        let next = core.engine.next_deadline();
        epilogue.alarm = next.is_some_and(|next| core.armed.is_none_or(|armed| next < armed));
        if epilogue.alarm {
            core.armed = next;
        }
    }
}

impl Epilogue<'_> {
    /// A connection has something to write.
    fn write(&mut self, queue: Option<SendQueue>) {
        if self.dirty.is_none() {
            self.dirty = queue;
        } else {
            self.more_dirty.extend(queue);
        }
    }
}

impl Drop for Epilogue<'_> {
    fn drop(&mut self) {
        for queue in self.dirty.iter().chain(&self.more_dirty) {
            // A broken connection is the business of its task, which sees it as well.
            let _ = queue.flush();
        }
        // Writing, or queueing for many peers, has taken time since the turn began.
        if self.dirty.is_some() || self.queued > 1 {
            self.driver.sent_at(Instant::now());
        }
        self.driver.events.wake(std::mem::take(&mut self.wake));
        if self.changed {
            self.driver.changes.send_replace(());
        }
        if self.alarm {
            self.driver.alarm.notify_one();
        }
    }
}

/// Whether the event changes who is present, in which groups, or where the node is.
const fn is_change(event: &Event) -> bool {
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
        Event::Returned { peer, .. } => tracing::debug!(%node, %peer, "RETURNED"),
        Event::Unreachable { peer, endpoint, why } => {
            tracing::debug!(%node, %peer, %endpoint, %why, "UNREACHABLE");
        }
        Event::EndpointUnreachable { endpoint, why } => {
            tracing::warn!(target: "zyre::told", %node, %endpoint, %why, "nobody can be met there");
        }
        Event::Leader { group, leader, .. } => {
            tracing::debug!(%node, ?group, ?leader, "LEADER");
        }
        Event::Moved { endpoint } => tracing::debug!(%node, %endpoint, "MOVED"),
        Event::Stop => tracing::debug!(%node, "STOP"),
        Event::Whisper { .. } | Event::Shout { .. } => {}
    }
}
