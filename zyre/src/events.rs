//! The event stream: from the node to its application, bounded.

use std::collections::VecDeque;
use std::future::poll_fn;
use std::pin::Pin;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};
use std::time::{Duration, Instant};

use futures_core::Stream;
use thiserror::Error;
use tokio::sync::Notify;
use zre_proto::Event;

/// What an event takes in memory besides its content, roughly: itself, and each frame.
const EVENT_OCTETS: usize = 128;
const FRAME_OCTETS: usize = 64;

/// Octets of events that may wait while more is read.
const CROWD: usize = 256 << 10;

/// Events that an empty queue has room for.
const KEPT: usize = 2048;

/// So many events are taken before the queue is told, if it is not small.
const TAKEN: usize = 64;

/// Events on their way to the application.
pub(crate) struct EventQueue {
    state: Mutex<State>,
    ready: Condvar,
    /// What the application has not taken, whether it waits here or in the hands of [`Events`].
    events: AtomicUsize,
    octets: AtomicUsize,
    max_events: usize,
    max_octets: usize,
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
    /// Who is to be woken. To be woken without a lock.
    fn wake(&mut self) -> Wake {
        Wake { waker: self.waker.take(), blocked: self.blocked > 0 }
    }
}

/// Who waits for an event that has come.
#[derive(Default)]
#[must_use]
pub(crate) struct Wake {
    waker: Option<Waker>,
    blocked: bool,
}

/// What one turn of the engine has told, on its way to the queue: which is locked once for all.
#[derive(Default)]
pub(crate) struct Told {
    events: VecDeque<Event>,
    octets: usize,
}

impl Told {
    pub(crate) fn push(&mut self, event: Event) {
        self.octets += weight(&event);
        self.events.push_back(event);
    }
}

impl EventQueue {
    pub(crate) fn new(max_events: usize, max_octets: usize) -> Arc<Self> {
        Arc::new(Self {
            state: Mutex::default(),
            ready: Condvar::new(),
            events: AtomicUsize::new(0),
            octets: AtomicUsize::new(0),
            max_events,
            max_octets,
            waiting: AtomicUsize::new(0),
            room: Notify::new(),
        })
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Appends what was told, also beyond the limits: whoever hands messages to the engine looks
    /// for room before, and what peers do besides is never lost.
    pub(crate) fn append(&self, told: &mut Told) -> Wake {
        if told.events.is_empty() {
            return Wake::default();
        }
        let octets = std::mem::take(&mut told.octets);
        let mut state = self.lock();
        if state.closed {
            drop(state);
            told.events.clear();
            return Wake::default();
        }
        self.events.fetch_add(told.events.len(), Ordering::SeqCst);
        self.octets.fetch_add(octets, Ordering::SeqCst);
        if state.queue.is_empty() {
            std::mem::swap(&mut state.queue, &mut told.events);
        } else {
            state.queue.append(&mut told.events);
        }
        shrink(&mut told.events);
        state.wake()
    }

    /// Wakes those who wait for what was appended.
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
        let mut state = self.lock();
        state.closed = true;
        let wake = state.wake();
        drop(state);
        self.wake(wake);
    }

    /// Whether there is room for more, besides what was told and is not here yet.
    pub(crate) fn has_room_besides(&self, told: &Told) -> bool {
        self.events.load(Ordering::SeqCst) + told.events.len() < self.max_events
            && self.octets.load(Ordering::SeqCst) + told.octets < self.max_octets
    }

    /// Whether there is room for more.
    pub(crate) fn has_room(&self) -> bool {
        self.has_room_besides(&Told::default())
    }

    /// Whether so much waits that the application should get a turn.
    pub(crate) fn is_crowded(&self) -> bool {
        self.octets.load(Ordering::Relaxed) > CROWD
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
    fn taken(&self, events: usize, octets: usize) {
        let events = self.events.fetch_sub(events, Ordering::SeqCst) - events;
        let octets = self.octets.fetch_sub(octets, Ordering::SeqCst) - octets;
        // Half empty, so that reading and waiting do not alternate with every event.
        if self.waiting.load(Ordering::SeqCst) > 0
            && events <= self.max_events / 2
            && octets <= self.max_octets / 2
        {
            self.room.notify_waiters();
        }
    }
}

/// An empty queue does not keep the memory of a crowd.
fn shrink(empty: &mut VecDeque<Event>) {
    if empty.capacity() > KEPT {
        *empty = VecDeque::new();
    }
}

fn weight(event: &Event) -> usize {
    match event {
        Event::Whisper { content, .. } | Event::Shout { content, .. } => {
            EVENT_OCTETS + FRAME_OCTETS * content.frames().len() + content.octets()
        }
        _ => EVENT_OCTETS,
    }
}

/// The events of one node, in order. A [`Stream`], with async, blocking and polling ways to
/// receive.
///
/// An application that does not take its events makes the node stop reading from its peers
/// once [`Limits::events`](crate::Limits::events) or
/// [`Limits::event_octets`](crate::Limits::event_octets) are queued. Nothing that has arrived is
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
    taken_octets: usize,
}

/// No event was there.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum TryRecvError {
    /// None so far, or none in the given time.
    #[error("no event")]
    Empty,
    /// None ever again: the node has stopped and all its events were received.
    #[error("the node has stopped")]
    Stopped,
}

impl Events {
    pub(crate) const fn new(queue: Arc<EventQueue>) -> Self {
        Self { queue, batch: VecDeque::new(), taken: 0, taken_octets: 0 }
    }

    /// The next event; `None` when the node has stopped and all events were received.
    /// Safe to cancel: no event is lost.
    pub async fn recv(&mut self) -> Option<Event> {
        poll_fn(|context| self.poll_recv(context)).await
    }

    /// The next event if there is one.
    ///
    /// # Errors
    /// There is none now, or none ever again.
    pub fn try_recv(&mut self) -> Result<Event, TryRecvError> {
        if self.batch.is_empty() {
            let mut state = self.queue.lock();
            shrink(&mut self.batch);
            std::mem::swap(&mut state.queue, &mut self.batch);
            if self.batch.is_empty() {
                return Err(if state.closed { TryRecvError::Stopped } else { TryRecvError::Empty });
            }
        }
        self.take().ok_or(TryRecvError::Empty)
    }

    /// The next event; blocks the thread until there is one. `None` when the node has stopped and
    /// all events were received. Not for use in async code, where it would block other tasks.
    pub fn recv_blocking(&mut self) -> Option<Event> {
        self.wait(None).ok()
    }

    /// The next event; blocks the thread for at most `timeout`. Not for use in async code.
    ///
    /// # Errors
    /// There was none in time, or there is none ever again.
    pub fn recv_timeout(&mut self, timeout: Duration) -> Result<Event, TryRecvError> {
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
            let queue = Arc::clone(&self.queue);
            let idle = |state: &mut State| state.queue.is_empty() && !state.closed;
            let mut state = queue.lock();
            state.blocked += 1;
            state = match left {
                Some(left) => {
                    let woken = queue.ready.wait_timeout_while(state, left, idle);
                    woken.unwrap_or_else(PoisonError::into_inner).0
                }
                None => {
                    let woken = queue.ready.wait_while(state, idle);
                    woken.unwrap_or_else(PoisonError::into_inner)
                }
            };
            state.blocked -= 1;
        }
    }

    /// As [`recv`](Self::recv), for hand-written futures.
    pub fn poll_recv(&mut self, context: &mut Context<'_>) -> Poll<Option<Event>> {
        if self.batch.is_empty() {
            let mut state = self.queue.lock();
            shrink(&mut self.batch);
            std::mem::swap(&mut state.queue, &mut self.batch);
            if self.batch.is_empty() {
                if state.closed {
                    return Poll::Ready(None);
                }
                state.waker = Some(context.waker().clone());
                return Poll::Pending;
            }
        }
        Poll::Ready(self.take())
    }

    fn take(&mut self) -> Option<Event> {
        let event = self.batch.pop_front();
        if let Some(event) = &event {
            self.taken += 1;
            self.taken_octets += weight(event);
            let queue = &self.queue;
            if self.batch.is_empty()
                || self.taken >= TAKEN.min(queue.max_events / 4)
                || self.taken_octets >= queue.max_octets / 4
            {
                queue
                    .taken(std::mem::take(&mut self.taken), std::mem::take(&mut self.taken_octets));
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
        let mut state = self.queue.lock();
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
