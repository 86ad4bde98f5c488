//! A PUB with one remote.

use std::collections::VecDeque;
use std::future::Future;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, MutexGuard};
use std::time::Duration;

use bytes::Bytes;
use tokio::task::AbortHandle;
use tokio::time::{Instant, sleep};

use super::{Backoff, Error, Established, Reader, SendQueue, SendQueueLimits, connect};
use crate::sync::Mutex;
use crate::{Config, Event, Limits, Mechanism, SocketType, Subscriptions};

/// The first pause between two attempts to connect, and the one after a connection that lasted.
const FIRST_PAUSE: Duration = Duration::from_millis(50);

/// The longest pause between two attempts to connect.
const LONGEST_PAUSE: Duration = Duration::from_secs(5);

/// A connection that the remote has used for this time has lasted.
const LASTING: Duration = Duration::from_secs(5);

/// The limits of a [`Publisher`]. Plain data.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PublisherLimits {
    /// Limits of what waits for the remote, also while it is not connected.
    pub queue: SendQueueLimits,
    /// Limits of the connection, of its subscriptions in particular. `frame` and `message` are
    /// lowered to the size of one subscription.
    pub connection: Limits,
}

/// What a [`Publisher`] has counted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct PublisherStats {
    /// Messages queued for a remote that wants them. They may be lost with the connection.
    pub queued: u64,
    /// Messages that did not fit, and those that were still queued when the remote closed the
    /// connection.
    pub dropped: u64,
}

/// A PUB that connects to one remote, a SUB, and reconnects whenever the connection ends.
///
/// The first pause before it reconnects is 50 ms, and each later one is twice as long, up to 5 s.
/// After a connection to which the remote was subscribed, and which lasted 5 s, it begins with 50
/// ms again.
///
/// [`publish`](Self::publish) never waits. What is published while there is no connection is held,
/// within the same limits, until the remote subscribes. Dropping the publisher closes the
/// connection, and drops what is queued.
#[derive(Debug)]
pub struct Publisher {
    shared: Arc<Shared>,
    task: AbortHandle,
}

#[derive(Debug)]
struct Shared {
    limits: PublisherLimits,
    mechanism: Mechanism,
    state: Mutex<State>,
    queued: AtomicU64,
    dropped: AtomicU64,
}

#[derive(Debug)]
enum State {
    /// No remote has subscribed. With what is held, and the number of its bytes.
    Waiting(VecDeque<Bytes>, usize),
    Subscribed(SendQueue, Subscriptions),
}

impl State {
    const WAITING: Self = Self::Waiting(VecDeque::new(), 0);
}

impl Publisher {
    /// Creates a publisher that connects to `address`, at once, on the current tokio runtime.
    ///
    /// # Panics
    /// Outside of a tokio runtime, as [`tokio::spawn`].
    #[must_use]
    pub fn connect(address: SocketAddr, limits: PublisherLimits) -> Self {
        Self::connect_with(address, Mechanism::Null, limits)
    }

    /// Creates a publisher like [`connect`](Self::connect) whose connections are secured by this
    /// mechanism.
    ///
    /// # Panics
    /// As `connect`.
    #[must_use]
    pub fn connect_with(
        address: SocketAddr,
        mechanism: Mechanism,
        limits: PublisherLimits,
    ) -> Self {
        let shared = Arc::new(Shared {
            limits,
            mechanism,
            state: Mutex::new(State::WAITING),
            queued: AtomicU64::new(0),
            dropped: AtomicU64::new(0),
        });
        let task = tokio::spawn(Arc::clone(&shared).run(address)).abort_handle();
        Self { shared, task }
    }

    /// Queues a message of one frame if the remote wants it. Never waits; may be called from any
    /// thread.
    ///
    /// Returns `false` if the remote does not want it, or if it does not fit, which is counted.
    /// Returns `true` also for a message that is held until the remote subscribes.
    pub fn publish(&self, frame: &[u8]) -> bool {
        self.shared.publish(frame)
    }

    /// Waits until the kernel has taken what was queued for the remote. Returns at once if no
    /// remote has subscribed.
    pub fn drained(&self) -> impl Future<Output = ()> + Send + use<> {
        let queue = match &*self.shared.state() {
            State::Subscribed(queue, _) => Some(queue.clone()),
            State::Waiting(..) => None,
        };
        async move {
            if let Some(queue) = queue {
                queue.drained().await;
            }
        }
    }

    /// Returns whether the remote is connected and has subscribed to something.
    pub fn is_subscribed(&self) -> bool {
        matches!(*self.shared.state(), State::Subscribed(..))
    }

    /// Returns what it has counted so far.
    pub fn stats(&self) -> PublisherStats {
        PublisherStats {
            queued: self.shared.queued.load(Ordering::Relaxed),
            dropped: self.shared.dropped.load(Ordering::Relaxed),
        }
    }
}

impl Drop for Publisher {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Shared {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock()
    }

    fn publish(&self, frame: &[u8]) -> bool {
        let taken = match &mut *self.state() {
            State::Waiting(held, bytes) => {
                let SendQueueLimits { messages, bytes: most, .. } = self.limits.queue;
                let fits = held.len() < messages && bytes.saturating_add(frame.len()) <= most;
                if fits {
                    *bytes += frame.len();
                    held.push_back(Bytes::copy_from_slice(frame));
                }
                fits
            }
            State::Subscribed(queue, wanted) => {
                if !wanted.matches(frame) {
                    return false;
                }
                let taken = queue.push(frame, &[]).is_ok();
                self.queued.fetch_add(taken.into(), Ordering::Relaxed);
                taken
            }
        };
        self.dropped.fetch_add((!taken).into(), Ordering::Relaxed);
        taken
    }

    /// Connects, and reconnects.
    async fn run(self: Arc<Self>, address: SocketAddr) {
        let mut backoff = Backoff::new(FIRST_PAUSE, LONGEST_PAUSE);
        let config = self.config();
        loop {
            let began = Instant::now();
            let connected = connect(address, &config, self.limits.queue.clone()).await;
            if let Ok(Established { reader, queue, .. }) = connected {
                // The reason of the end makes no difference.
                tokio::select! {
                    _ = queue.run() => {}
                    _ = self.listen(reader, &queue) => {}
                }
            }
            // Do not reset the backoff for a peer that accepts and drops us at once.
            if self.end() && began.elapsed() >= LASTING {
                backoff.reset();
            }
            sleep(backoff.next_pause()).await;
        }
    }

    /// The configuration of a connection: a PUB receives nothing but subscriptions, and those of
    /// ZMTP 3.0 are messages.
    fn config(&self) -> Config {
        let limits = self.limits.connection.clone();
        let longest = limits.subscription_bytes.saturating_add(1);
        let (frame, message) = (limits.frame.min(longest), limits.message.min(longest));
        Config::new(SocketType::Pub).with_mechanism(self.mechanism.clone()).with_limits(Limits {
            frame,
            message,
            ..limits
        })
    }

    /// Follows the subscriptions of the remote, until the connection ends.
    async fn listen(&self, mut reader: Reader, queue: &SendQueue) -> Result<(), Error> {
        // Several may have arrived with the handshake: all of them count for what is held.
        let mut first = Subscriptions::default();
        loop {
            while let Some(event) = reader.next_event()? {
                match &mut *self.state() {
                    State::Subscribed(_, wanted) => self.change(wanted, &event)?,
                    State::Waiting(..) => self.change(&mut first, &event)?,
                }
            }
            if !first.is_empty() {
                self.begin(queue, std::mem::take(&mut first));
            }
            if !reader.fill().await? {
                return Ok(());
            }
        }
    }

    fn change(&self, wanted: &mut Subscriptions, event: &Event) -> Result<(), crate::Error> {
        match event {
            Event::Subscribe(prefix) => {
                wanted.subscribe(prefix, &self.limits.connection)?;
            }
            Event::Cancel(prefix) => {
                wanted.cancel(prefix);
            }
            _ => {}
        }
        Ok(())
    }

    /// Queues what is held and wanted, when the remote has subscribed for the first time.
    fn begin(&self, queue: &SendQueue, wanted: Subscriptions) {
        let mut state = self.state();
        if let State::Waiting(held, _) = &mut *state {
            for frame in held.drain(..).filter(|frame| wanted.matches(frame)) {
                let taken = queue.push_frame(&[], frame).is_ok();
                self.queued.fetch_add(taken.into(), Ordering::Relaxed);
                self.dropped.fetch_add((!taken).into(), Ordering::Relaxed);
            }
            *state = State::Subscribed(queue.clone(), wanted);
        }
    }

    /// Ends a connection. Returns whether the remote had subscribed.
    fn end(&self) -> bool {
        let mut state = self.state();
        let State::Subscribed(queue, _) = &*state else { return false };
        let lost = queue.queued().0 as u64;
        queue.close();
        self.dropped.fetch_add(lost, Ordering::Relaxed);
        *state = State::WAITING;
        true
    }
}
