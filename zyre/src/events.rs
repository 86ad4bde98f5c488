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
    /// No event will come any more, or nobody will take one.
    closed: bool,
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

    /// Appends an event, also beyond the limits: whoever hands messages to the engine looks for
    /// room before, and what peers do besides is never lost. To be followed by `wake`.
    pub(crate) fn push(&self, event: Event) {
        let octets = weight(&event);
        let mut state = self.lock();
        if !state.closed {
            self.events.fetch_add(1, Ordering::SeqCst);
            self.octets.fetch_add(octets, Ordering::SeqCst);
            state.queue.push_back(event);
        }
    }

    /// Wakes the application if there is something for it.
    pub(crate) fn wake(&self) {
        let mut state = self.lock();
        if state.queue.is_empty() && !state.closed {
            return;
        }
        let waker = state.waker.take();
        drop(state);
        self.ready.notify_all();
        if let Some(waker) = waker {
            waker.wake();
        }
    }

    /// No event comes after those that are queued.
    pub(crate) fn close(&self) {
        self.lock().closed = true;
        self.wake();
    }

    pub(crate) fn has_room(&self) -> bool {
        self.events.load(Ordering::SeqCst) < self.max_events
            && self.octets.load(Ordering::SeqCst) < self.max_octets
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

    /// The application has taken an event.
    fn taken(&self, event: &Event) {
        let octets = weight(event);
        let events = self.events.fetch_sub(1, Ordering::SeqCst) - 1;
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
        Self { queue, batch: VecDeque::new() }
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
            let state = queue.lock();
            match left {
                Some(left) => drop(queue.ready.wait_timeout_while(state, left, idle)),
                None => drop(queue.ready.wait_while(state, idle)),
            }
        }
    }

    /// As [`recv`](Self::recv), for hand-written futures.
    pub fn poll_recv(&mut self, context: &mut Context<'_>) -> Poll<Option<Event>> {
        if self.batch.is_empty() {
            let mut state = self.queue.lock();
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
            self.queue.taken(event);
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
