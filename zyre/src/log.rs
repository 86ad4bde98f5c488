//! What the node tells collectors about itself: ZRELOG.
//!
//! While logging is on, what happens is recorded as lines in a bounded queue; a task takes the
//! lines from there to the collectors among the peers, each behind a PUB socket.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, AtomicU8, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, MutexGuard};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use tokio::sync::Notify;
use zmtp::sync::Mutex;
use zre_proto::log::{HEADER, Level, Log, LogEvent, correlation_id};
use zre_proto::{Action, Endpoint, Engine, Event, ExitReason, Headers, PeerId};

mod collectors;
#[cfg(feature = "tracing-layer")]
pub(crate) mod layer;
#[cfg(feature = "files")]
pub(crate) mod transfers;

use self::collectors::Collectors;
use crate::secure::Gate;
use crate::stats::LogStats;

/// Lines that wait for the task.
const MAX_QUEUED_LINES: usize = 4096;

/// The last lines that are kept while there is no collector, for the next one.
const MAX_BACKLOG_LINES: usize = 1024;

/// How long a node that stops waits for collectors to take the last lines.
const DRAIN_TIMEOUT: Duration = Duration::from_millis(100);

/// Part of the mode: SEND and RECV are recorded as well.
const MESSAGES_FLAG: u8 = 4;

/// The log of one node.
pub(crate) struct Logger {
    /// 0 if off, else the number of the level, and perhaps [`MESSAGES_FLAG`]. The only load while
    /// logging is off.
    mode: AtomicU8,
    state: Mutex<State>,
    /// There is something to do for the task.
    wake: Notify,
    /// The node stops, and waits for `ended`.
    ending: AtomicBool,
    ended: Notify,
    recorded: AtomicU64,
    /// Lines that did not fit the queue, and those that collectors have dropped.
    overflown: AtomicU64,
    dropped: AtomicU64,
    collectors: AtomicUsize,
}

#[derive(Default)]
struct State {
    level: Option<Level>,
    messages: bool,
    /// The correlation id of the node.
    node: u16,
    own: Option<SocketAddr>,
    /// The peers that are present; empty while logging is off.
    peers: BTreeMap<PeerId, Peer>,
    lines: VecDeque<Log>,
    /// Lines that were lost since the task has last looked.
    lost: u64,
    /// A collector takes the lines.
    watched: bool,
    /// The collectors may have changed.
    follow: bool,
}

/// What lines say of a peer.
struct Peer {
    id: u16,
    name: Arc<str>,
    /// Where it collects; on a secure node with its key.
    collector: Option<Endpoint>,
}

/// A line before it is recorded: without time and node, which all lines have.
pub(crate) struct Draft {
    level: Level,
    event: LogEvent,
    peer: u16,
    data: String,
}

impl Logger {
    pub(crate) fn new() -> Arc<Self> {
        Arc::new(Self {
            mode: AtomicU8::new(0),
            state: Mutex::default(),
            wake: Notify::new(),
            ending: AtomicBool::new(false),
            ended: Notify::new(),
            recorded: AtomicU64::new(0),
            overflown: AtomicU64::new(0),
            dropped: AtomicU64::new(0),
            collectors: AtomicUsize::new(0),
        })
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock()
    }

    fn mode(&self) -> u8 {
        self.mode.load(Ordering::Relaxed)
    }

    /// Whether anything is recorded.
    pub(crate) fn is_on(&self) -> bool {
        self.mode() != 0
    }

    fn takes(&self, level: Level) -> bool {
        self.mode() & !MESSAGES_FLAG >= level as u8
    }

    fn takes_messages(&self) -> bool {
        self.mode() == MESSAGES_FLAG | Level::Info as u8
    }

    /// Records lines up to this level, or nothing. The engine is locked, so that nobody comes or
    /// goes meanwhile.
    pub(crate) fn set_level(&self, level: Option<Level>, engine: &Engine) {
        let mut state = self.state();
        let was_on = state.level.is_some();
        state.level = level;
        self.set_mode(&state);
        if level.is_none() {
            state.peers.clear();
            state.lines = VecDeque::new();
            state.lost = 0;
        } else if !was_on {
            state.settle(engine.endpoint());
            let present = engine.peers().filter_map(|id| Some((id, engine.peer(id)?)));
            for (id, peer) in present {
                state.enter(id, peer.name, &peer.headers, peer.endpoint);
            }
        }
        state.follow = true;
        drop(state);
        self.wake.notify_one();
    }

    /// Records SEND and RECV as well, or not.
    pub(crate) fn set_messages(&self, messages: bool) {
        let mut state = self.state();
        state.messages = messages;
        self.set_mode(&state);
    }

    fn set_mode(&self, state: &State) {
        let level = state.level.map_or(0, |level| level as u8);
        let messages = if state.messages && level == Level::Info as u8 { MESSAGES_FLAG } else { 0 };
        self.mode.store(level | messages, Ordering::Relaxed);
    }

    pub(crate) fn stats(&self) -> LogStats {
        let lost = [&self.overflown, &self.dropped].map(|lost| lost.load(Ordering::Relaxed));
        LogStats {
            recorded: self.recorded.load(Ordering::Relaxed),
            dropped: lost.iter().sum(),
            collectors: self.collectors.load(Ordering::Relaxed),
        }
    }

    /// Records a text, if lines of this level are recorded.
    pub(crate) fn log(&self, level: Level, data: impl FnOnce() -> String) {
        if self.takes(level) {
            self.record(Draft { level, event: LogEvent::None, peer: 0, data: data() });
        }
    }

    /// The line about what the application wants, to be [recorded](Self::record) if it is not
    /// refused. Only while logging is on.
    pub(crate) fn draft_of_action(&self, engine: &Engine, action: &Action<'_>) -> Option<Draft> {
        if !self.takes(Level::Info) {
            return None;
        }
        let is_in = |group: &str| engine.own_groups().any(|own| **own == *group);
        let (event, peer, data) = match action {
            Action::Join(group) | Action::Contest(group) if !is_in(group) => {
                (LogEvent::Join, 0, (*group).to_owned())
            }
            Action::Leave(group) if is_in(group) => (LogEvent::Leave, 0, (*group).to_owned()),
            Action::Whisper { peer, .. } if self.takes_messages() => {
                let state = self.state();
                let peer = state.peers.get(peer)?;
                (LogEvent::Send, peer.id, format!("WHISPER {}", peer.name))
            }
            Action::Shout { group, .. } if self.takes_messages() => {
                (LogEvent::Send, 0, format!("SHOUT {group}"))
            }
            Action::Stop => (LogEvent::None, 0, "stopped".to_owned()),
            _ => return None,
        };
        Some(Draft { level: Level::Info, event, peer, data })
    }

    /// Records what the application is told. Only while logging is on.
    pub(crate) fn record_event(&self, event: &Event) {
        if matches!(event, Event::Whisper { .. } | Event::Shout { .. }) && !self.takes_messages() {
            return;
        }
        let mut state = self.state();
        // It may have been switched off since the caller has looked.
        if state.level.is_none() {
            return;
        }
        let Some(draft) = state.draft_of_event(event) else { return };
        self.enqueue(state, draft);
    }

    /// Records a line.
    pub(crate) fn record(&self, draft: Draft) {
        self.enqueue(self.state(), draft);
    }

    /// Queues a line, if its level is recorded, and wakes the task if it has something to do.
    fn enqueue(&self, mut state: MutexGuard<'_, State>, draft: Draft) {
        let wake = if state.level.is_none_or(|level| draft.level > level) {
            state.follow
        } else {
            self.recorded.fetch_add(1, Ordering::Relaxed);
            if !state.push(draft) {
                self.overflown.fetch_add(1, Ordering::Relaxed);
            }
            state.follow || (state.watched && state.lines.len() == 1)
        };
        drop(state);
        if wake {
            self.wake.notify_one();
        }
    }

    /// The node stops: waits a moment for collectors to take the last lines.
    pub(crate) async fn drain(&self) {
        if self.is_on() && !self.ending.swap(true, Ordering::Relaxed) {
            self.wake.notify_one();
            // A collector that does not read in time does without.
            let _ = tokio::time::timeout(DRAIN_TIMEOUT, self.ended.notified()).await;
        }
    }
}

impl State {
    /// The node is here.
    fn settle(&mut self, endpoint: Endpoint) {
        self.node = correlation_id(&endpoint.wire_form());
        self.own = Some(endpoint.address());
    }

    fn enter(&mut self, id: PeerId, name: Arc<str>, headers: &Headers, endpoint: Endpoint) {
        let collector = headers.get(HEADER).and_then(|text| {
            let collector = collector(text, endpoint, self.own);
            if collector.is_none() {
                let text = text.chars().take(80).collect::<String>();
                tracing::debug!(peer = %id, ?text, "this is no endpoint of a collector");
            }
            collector
        });
        self.follow |= collector.is_some();
        let peer = Peer { id: correlation_id(&endpoint.wire_form()), name, collector };
        self.peers.insert(id, peer);
    }

    fn exit(&mut self, id: PeerId) -> u16 {
        let Some(peer) = self.peers.remove(&id) else { return 0 };
        self.follow |= peer.collector.is_some();
        peer.id
    }

    fn peer(&self, id: PeerId) -> u16 {
        self.peers.get(&id).map_or(0, |peer| peer.id)
    }

    /// The line about an event.
    fn draft_of_event(&mut self, event: &Event) -> Option<Draft> {
        let info = |event, peer, data: &str| {
            Some(Draft { level: Level::Info, event, peer, data: data.to_owned() })
        };
        match event {
            Event::Enter { peer, name, headers, endpoint } => {
                self.enter(*peer, Arc::clone(name), headers, *endpoint);
                info(LogEvent::Enter, self.peer(*peer), name)
            }
            Event::Exit { peer, reason, .. } => {
                let (level, data) = (level_of(*reason), reason.as_str().to_owned());
                Some(Draft { level, event: LogEvent::Exit, peer: self.exit(*peer), data })
            }
            Event::Join { peer, group, .. } => info(LogEvent::Join, self.peer(*peer), group),
            Event::Leave { peer, group, .. } => info(LogEvent::Leave, self.peer(*peer), group),
            Event::Whisper { peer, name, .. } => {
                info(LogEvent::Recv, self.peer(*peer), &format!("WHISPER {name}"))
            }
            Event::Shout { peer, group, .. } => {
                info(LogEvent::Recv, self.peer(*peer), &format!("SHOUT {group}"))
            }
            Event::Silent { peer, name } => {
                let (peer, data) = (self.peer(*peer), format!("{name} does not answer"));
                Some(Draft { level: Level::Warning, event: LogEvent::None, peer, data })
            }
            Event::Returned { peer, name } => {
                info(LogEvent::None, self.peer(*peer), &format!("{name} is back"))
            }
            Event::Unreachable { endpoint, why, .. } => {
                let (place, level) = (endpoint.wire_form(), Level::Warning);
                let data = format!("{place} cannot be met: {why}");
                Some(Draft { level, event: LogEvent::None, peer: correlation_id(&place), data })
            }
            Event::EndpointUnreachable { endpoint, why } => {
                let data = format!("nobody can be met at {endpoint}: {why}");
                Some(Draft { level: Level::Warning, event: LogEvent::None, peer: 0, data })
            }
            Event::Leader { group, leader, mine } => {
                let peer = leader.and_then(|leader| self.peers.get(&leader));
                let name = match peer {
                    Some(peer) => &*peer.name,
                    None if *mine => "this node",
                    None => "nobody",
                };
                let id = peer.map_or(0, |peer| peer.id);
                info(LogEvent::None, id, &format!("{name} leads {group}"))
            }
            Event::Moved { endpoint } => {
                let draft = info(LogEvent::None, 0, &format!("moved to {endpoint}"));
                self.settle(*endpoint);
                draft
            }
            _ => None,
        }
    }

    /// Queues a line. Returns `false` if there was no room.
    fn push(&mut self, draft: Draft) -> bool {
        if self.watched && self.lines.len() >= MAX_QUEUED_LINES {
            self.lost += 1;
            return false;
        }
        if !self.watched && self.lines.len() >= MAX_BACKLOG_LINES {
            // Nobody misses it.
            self.lines.pop_front();
        }
        let line = self.stamp(draft);
        self.lines.push_back(line);
        true
    }

    /// Adds what all lines have.
    fn stamp(&self, draft: Draft) -> Log {
        let Draft { level, event, peer, data } = draft;
        let time = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs();
        Log { level, event, node: self.node, peer, time, data }
    }

    /// What there is to do: new collectors, if they have changed, and lines, if there are collectors.
    fn work(&mut self) -> (Option<BTreeSet<Endpoint>>, VecDeque<Log>) {
        let collectors = std::mem::take(&mut self.follow).then(|| {
            self.peers.values().filter_map(|peer| peer.collector).collect::<BTreeSet<_>>()
        });
        if let Some(collectors) = &collectors {
            self.watched = !collectors.is_empty();
        }
        let lines = if self.watched { self.take() } else { VecDeque::new() };
        (collectors, lines)
    }

    /// All lines that wait.
    fn take(&mut self) -> VecDeque<Log> {
        if self.lost > 0 {
            let data = format!("{} lines of this log were lost", self.lost);
            let draft = Draft { level: Level::Warning, event: LogEvent::None, peer: 0, data };
            self.lost = 0;
            let line = self.stamp(draft);
            self.lines.push_back(line);
        }
        std::mem::take(&mut self.lines)
    }
}

/// Where a peer collects. It can only be where the peer itself is, and have its key: a header must not
/// make the nodes of a network connect to the host of a third party.
fn collector(text: &str, peer: Endpoint, own: Option<SocketAddr>) -> Option<Endpoint> {
    let endpoint = text.parse::<Endpoint>().ok()?.with_key(peer.key());
    let address = endpoint.address();
    let there = address.ip() == peer.address().ip() && address.port() != 0;
    (there && Some(address) != own && address != peer.address()).then_some(endpoint)
}

/// How much an EXIT matters: it is an error if messages were lost.
const fn level_of(reason: ExitReason) -> Level {
    match reason {
        ExitReason::Goodbye | ExitReason::Restarted => Level::Info,
        ExitReason::Overflow | ExitReason::SequenceGap | ExitReason::StatusMismatch => Level::Error,
        _ => Level::Warning,
    }
}

/// Takes lines to the collectors, as long as the node lives.
pub(crate) async fn run(logger: Arc<Logger>, gate: Option<Arc<Gate>>) {
    let mut collectors = Collectors::new(gate);
    loop {
        let (followed, lines) = logger.state().work();
        if let Some(followed) = followed {
            collectors.follow(followed);
            logger.collectors.store(collectors.len(), Ordering::Relaxed);
        }
        for line in &lines {
            collectors.publish(line);
        }
        logger.dropped.store(collectors.dropped(), Ordering::Relaxed);
        if logger.ending.load(Ordering::Relaxed) {
            collectors.drained().await;
            logger.ended.notify_one();
        }
        logger.wake.notified().await;
    }
}

#[cfg(test)]
mod tests;
