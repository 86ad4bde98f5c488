//! The event stream: from the node to its application, bounded.

use std::collections::VecDeque;
use std::future::poll_fn;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll, Waker};
use std::time::{Duration, Instant};

use futures_core::Stream;
use thiserror::Error;
use tokio::sync::Notify;
use zmtp::sync::{Condvar, Mutex};

use crate::blocking::{forbid_async, not_driven};
use crate::event::Event;
use crate::pulse::{NOT_DRIVEN, Patience, Pulse, SLICE};

/// What an event takes in memory besides its content, roughly: itself, and each frame.
const EVENT_OVERHEAD_BYTES: usize = 128;
const FRAME_OVERHEAD_BYTES: usize = 64;

/// Bytes of waiting events above which the application should get a turn before more is read.
const CROWDED_BYTES: usize = 256 << 10;

/// Events that an empty queue keeps room for.
const MAX_IDLE_EVENTS: usize = 2048;

/// Events that are taken before the queue is told, if it is not small.
const MAX_UNREPORTED_EVENTS: usize = 64;

/// Events on their way to the application.
pub(crate) struct EventQueue {
    state: Mutex<State>,
    ready: Condvar,
    /// What the application has not taken, whether it waits here or in the hands of [`Events`].
    ///
    /// Sequentially consistent, as is `waiting`: a connection counts itself as waiting and then
    /// looks for room, while the application makes room and then looks whether anybody waits. With
    /// less each could miss what the other has just done, and the connection would wait for ever.
    events: AtomicUsize,
    bytes: AtomicUsize,
    max_events: usize,
    max_bytes: usize,
    /// Mailbox connections that wait for room.
    waiting: AtomicUsize,
    room: Notify,
}

#[derive(Default)]
struct State {
    queue: VecDeque<Event>,
    waker: Option<Waker>,
    /// Threads that are blocked until there is something.
    blocked: usize,
    /// No event will come any more, or nobody will take one.
    closed: bool,
}

impl State {
    /// Returns the waker to call once the lock is free.
    fn wake(&mut self) -> Wake {
        Wake { waker: self.waker.take(), blocked: self.blocked > 0 }
    }
}

/// A task or threads that wait for an event that has come.
#[derive(Default)]
#[must_use]
pub(crate) struct Wake {
    waker: Option<Waker>,
    blocked: bool,
}

/// What one turn of the engine has told, on its way to the queue, which is locked once for all.
#[derive(Default)]
pub(crate) struct EventBatch {
    events: VecDeque<Event>,
    bytes: usize,
}

impl EventBatch {
    pub(crate) fn push(&mut self, event: Event) {
        self.bytes += weight(&event);
        self.events.push_back(event);
    }
}

impl EventQueue {
    pub(crate) fn new(max_events: usize, max_bytes: usize) -> Arc<Self> {
        Arc::new(Self {
            state: Mutex::default(),
            ready: Condvar::new(),
            events: AtomicUsize::new(0),
            bytes: AtomicUsize::new(0),
            max_events,
            max_bytes,
            waiting: AtomicUsize::new(0),
            room: Notify::new(),
        })
    }

    /// Appends a batch, also beyond the limits: the driver looks for room before it hands a message
    /// to the engine, and what peers do besides is never lost.
    pub(crate) fn append(&self, batch: &mut EventBatch) -> Wake {
        if batch.events.is_empty() {
            return Wake::default();
        }
        let bytes = std::mem::take(&mut batch.bytes);
        let mut state = self.state.lock();
        if state.closed {
            drop(state);
            batch.events.clear();
            return Wake::default();
        }
        self.events.fetch_add(batch.events.len(), Ordering::SeqCst);
        self.bytes.fetch_add(bytes, Ordering::SeqCst);
        if state.queue.is_empty() {
            std::mem::swap(&mut state.queue, &mut batch.events);
        } else {
            state.queue.append(&mut batch.events);
        }
        shrink(&mut batch.events);
        state.wake()
    }

    /// Wakes the application, if it waits for what was appended.
    pub(crate) fn wake(&self, wake: Wake) {
        if wake.blocked {
            self.ready.notify_all();
        }
        if let Some(waker) = wake.waker {
            waker.wake();
        }
    }

    /// No event comes after those that are queued.
    pub(crate) fn close(&self) {
        let mut state = self.state.lock();
        state.closed = true;
        let wake = state.wake();
        drop(state);
        self.wake(wake);
    }

    /// Whether there is room for more, besides a batch that is not appended yet.
    pub(crate) fn has_room_besides(&self, batch: &EventBatch) -> bool {
        self.events.load(Ordering::SeqCst) + batch.events.len() < self.max_events
            && self.bytes.load(Ordering::SeqCst) + batch.bytes < self.max_bytes
    }

    /// Whether there is room for more.
    pub(crate) fn has_room(&self) -> bool {
        self.has_room_besides(&EventBatch::default())
    }

    /// Whether so many events wait that the application should get a turn.
    pub(crate) fn is_crowded(&self) -> bool {
        self.bytes.load(Ordering::Relaxed) > CROWDED_BYTES
    }

    /// Waits until the application has taken enough of what there is. Safe to cancel.
    pub(crate) async fn room(&self) {
        /// Counts as waiting, also when cancelled.
        struct Waiting<'a>(&'a AtomicUsize);
        impl Drop for Waiting<'_> {
            fn drop(&mut self) {
                self.0.fetch_sub(1, Ordering::SeqCst);
            }
        }
        self.waiting.fetch_add(1, Ordering::SeqCst);
        let _waiting = Waiting(&self.waiting);
        loop {
            let room = self.room.notified();
            tokio::pin!(room);
            room.as_mut().enable();
            if self.has_room() {
                return;
            }
            room.await;
        }
    }

    /// The application has taken so much.
    fn taken(&self, events: usize, bytes: usize) {
        let events = self.events.fetch_sub(events, Ordering::SeqCst) - events;
        let bytes = self.bytes.fetch_sub(bytes, Ordering::SeqCst) - bytes;
        // Half empty, so that reading and waiting do not alternate with every event.
        if self.waiting.load(Ordering::SeqCst) > 0
            && events <= self.max_events / 2
            && bytes <= self.max_bytes / 2
        {
            self.room.notify_waiters();
        }
    }
}

/// An empty queue does not keep the memory of a crowd.
fn shrink(empty: &mut VecDeque<Event>) {
    if empty.capacity() > MAX_IDLE_EVENTS {
        *empty = VecDeque::new();
    }
}

fn weight(event: &Event) -> usize {
    match event {
        Event::Whisper { content, .. } | Event::Shout { content, .. } => {
            EVENT_OVERHEAD_BYTES
                + FRAME_OVERHEAD_BYTES * content.frames().len()
                + content.byte_len()
        }
        _ => EVENT_OVERHEAD_BYTES,
    }
}

/// The events of one node, in order. A [`Stream`], with async, blocking and polling ways to
/// receive.
///
/// An application that does not take its events makes the node stop reading from its peers
/// once [`Limits::events`](crate::Limits::events) or
/// [`Limits::event_bytes`](crate::Limits::event_bytes) are queued. Nothing that has arrived is
/// lost, and the peers wait; one whose own queue fills meanwhile gives this node up. The `Exit` of
/// a peer whose last words were not read yet waits with them.
///
/// Dropping `Events` discards all further events; the node goes on and can send.
pub struct Events {
    queue: Arc<EventQueue>,
    /// Taken from the queue in one go, so that the queue is locked once a batch.
    batch: VecDeque<Event>,
    /// What the application has taken of it, and the queue does not know yet.
    taken: usize,
    taken_bytes: usize,
    pulse: Arc<Pulse>,
    patience: Patience,
}

/// No event was there.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum TryRecvError {
    /// None so far, or none in the given time.
    #[error("no event")]
    Empty,
    /// None ever again: the node has stopped and all its events were received.
    #[error("the node has stopped")]
    Stopped,
    /// None, and none will come as long as that is so: the node lives on a current-thread runtime that no
    /// thread drives. [`Builder::start_blocking`](crate::Builder::start_blocking) gives it one that works
    /// by itself.
    #[error("{NOT_DRIVEN}")]
    NotDriven,
}

impl Events {
    pub(crate) fn new(queue: Arc<EventQueue>, pulse: Arc<Pulse>) -> Self {
        let patience = Patience::default();
        Self { queue, batch: VecDeque::new(), taken: 0, taken_bytes: 0, pulse, patience }
    }

    /// Waits for the next event. Returns `None` when the node has stopped and all events were
    /// received.
    ///
    /// Safe to cancel: no event is lost.
    pub async fn recv(&mut self) -> Option<Event> {
        poll_fn(|context| self.poll_recv(context)).await
    }

    /// Returns the next event if there is one.
    ///
    /// # Errors
    /// [`Empty`](TryRecvError::Empty) if there is none now, [`Stopped`](TryRecvError::Stopped) if
    /// there is none ever again, [`NotDriven`](TryRecvError::NotDriven) if none can come.
    pub fn try_recv(&mut self) -> Result<Event, TryRecvError> {
        match self.refill(None) {
            Err(TryRecvError::Empty) if self.patience.is_over(&self.pulse) => {
                Err(TryRecvError::NotDriven)
            }
            Err(error) => Err(error),
            Ok(()) => self.take().ok_or(TryRecvError::Empty),
        }
    }

    /// Blocks the thread until there is an event. Returns `None` when the node has stopped and all
    /// events were received.
    ///
    /// # Panics
    /// In async code, as the blocking functions of tokio do: it would block other tasks, and perhaps the
    /// node. And if the node lives on a current-thread runtime that no thread drives, so that there would
    /// never be an event.
    #[track_caller]
    pub fn blocking_recv(&mut self) -> Option<Event> {
        forbid_async();
        match self.wait(None) {
            Err(TryRecvError::NotDriven) => not_driven(),
            received => received.ok(),
        }
    }

    /// Blocks the thread until there is an event, for at most `timeout`.
    ///
    /// # Errors
    /// [`Empty`](TryRecvError::Empty) if there was none in time, [`Stopped`](TryRecvError::Stopped)
    /// if there is none ever again, [`NotDriven`](TryRecvError::NotDriven) if none can come.
    ///
    /// # Panics
    /// In async code, as [`blocking_recv`](Self::blocking_recv).
    #[track_caller]
    pub fn recv_timeout(&mut self, timeout: Duration) -> Result<Event, TryRecvError> {
        forbid_async();
        self.wait(Instant::now().checked_add(timeout))
    }

    fn wait(&mut self, deadline: Option<Instant>) -> Result<Event, TryRecvError> {
        loop {
            match self.try_recv() {
                Err(TryRecvError::Empty) => {}
                other => return other,
            }
            let left = deadline.map(|deadline| deadline.saturating_duration_since(Instant::now()));
            if left.is_some_and(|left| left.is_zero()) {
                return Err(TryRecvError::Empty);
            }
            let look = self.pulse.has_to_be_driven().then_some(SLICE);
            let left = left.into_iter().chain(look).min();
            let queue = &self.queue;
            let mut state = queue.state.lock();
            if state.queue.is_empty() && !state.closed {
                state.blocked += 1;
                state = match left {
                    Some(left) => queue.ready.wait_timeout(state, left).0,
                    None => queue.ready.wait(state),
                };
                state.blocked -= 1;
            }
        }
    }

    /// Polls for the next event: [`recv`](Self::recv) for hand-written futures.
    pub fn poll_recv(&mut self, context: &mut Context<'_>) -> Poll<Option<Event>> {
        match self.refill(Some(context.waker())) {
            Ok(()) => Poll::Ready(self.take()),
            Err(TryRecvError::Stopped) => Poll::Ready(None),
            Err(_) => Poll::Pending,
        }
    }

    /// Takes what the queue has, if nothing is left of the batch before. If there is nothing,
    /// `waker` is woken when there is.
    fn refill(&mut self, waker: Option<&Waker>) -> Result<(), TryRecvError> {
        if !self.batch.is_empty() {
            return Ok(());
        }
        let mut state = self.queue.state.lock();
        shrink(&mut self.batch);
        std::mem::swap(&mut state.queue, &mut self.batch);
        if !self.batch.is_empty() {
            return Ok(());
        }
        if state.closed {
            return Err(TryRecvError::Stopped);
        }
        if let Some(waker) = waker {
            state.waker = Some(waker.clone());
        }
        Err(TryRecvError::Empty)
    }

    fn take(&mut self) -> Option<Event> {
        let event = self.batch.pop_front();
        if let Some(event) = &event {
            self.taken += 1;
            self.taken_bytes += weight(event);
            let queue = &self.queue;
            if self.batch.is_empty()
                || self.taken >= MAX_UNREPORTED_EVENTS.min(queue.max_events / 4)
                || self.taken_bytes >= queue.max_bytes / 4
            {
                queue.taken(std::mem::take(&mut self.taken), std::mem::take(&mut self.taken_bytes));
            }
        }
        event
    }
}

impl Stream for Events {
    type Item = Event;

    fn poll_next(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Event>> {
        self.get_mut().poll_recv(context)
    }
}

impl Drop for Events {
    fn drop(&mut self) {
        let mut state = self.queue.state.lock();
        state.closed = true;
        let dropped = std::mem::take(&mut state.queue);
        drop(state);
        self.batch.extend(dropped);
        while self.take().is_some() {}
        self.queue.room.notify_waiters();
    }
}

impl std::fmt::Debug for Events {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Events")
            .field("queued", &self.queue.events.load(Ordering::Relaxed))
            .finish_non_exhaustive()
    }
}
