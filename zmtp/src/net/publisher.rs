//! A PUB to one remote.

use std::{
    collections::VecDeque,
    future::Future,
    net::SocketAddr,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use bytes::Bytes;
use tokio::{
    task::AbortHandle,
    time::{Instant, sleep},
};

use super::{Error, Outbox, OutboxLimits, Reader, connect};
use crate::{Config, Event, Limits, SocketType, Subscriptions};

/// The first pause, and the one after a connection that lasted.
const SHORTEST: Duration = Duration::from_millis(50);

/// The longest pause between two attempts to connect.
const LONGEST: Duration = Duration::from_secs(5);

/// What a [`Publisher`] may hold. Plain data.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PublisherLimits {
    /// What waits for the remote, also while it is not connected.
    pub outbox: OutboxLimits,
    /// What the remote may cost, subscriptions in particular. `frame` and `message` are those of
    /// one subscription at most.
    pub connection: Limits,
}

/// What a [`Publisher`] has counted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct PublisherStats {
    /// Messages that were queued for a remote that wants them. They may be lost with the connection.
    pub queued: u64,
    /// Messages that were lost for want of room, and those that were still queued when the remote
    /// closed the connection.
    pub dropped: u64,
}

/// A PUB that connects to one remote, a SUB, and again whenever the connection ends: after 50 ms at
/// first, and after twice as long each time, up to 5 s. After a connection that the remote has used
/// for 5 s it begins with 50 ms again.
///
/// [`publish`](Self::publish) never waits. What is published while there is no connection is held,
/// within the same limits, until the remote has said what it wants. Dropping the publisher closes
/// the connection, and loses what is queued.
#[derive(Debug)]
pub struct Publisher {
    shared: Arc<Shared>,
    task: AbortHandle,
}

#[derive(Debug)]
struct Shared {
    limits: PublisherLimits,
    state: Mutex<State>,
    queued: AtomicU64,
    dropped: AtomicU64,
}

#[derive(Debug)]
enum State {
    /// There is no remote that has subscribed; octets of what is held, with its headers.
    Waiting(VecDeque<Bytes>, usize),
    Subscribed(Outbox, Subscriptions),
}

impl State {
    const WAITING: Self = Self::Waiting(VecDeque::new(), 0);
}

impl Publisher {
    /// A publisher to `address`, on the current tokio runtime. The first attempt to connect is made
    /// at once.
    ///
    /// # Panics
    /// Outside of a tokio runtime, as [`tokio::spawn`].
    #[must_use]
    pub fn connect(address: SocketAddr, limits: PublisherLimits) -> Self {
        let shared = Arc::new(Shared {
            limits,
            state: Mutex::new(State::WAITING),
            queued: AtomicU64::new(0),
            dropped: AtomicU64::new(0),
        });
        let task = tokio::spawn(Arc::clone(&shared).run(address)).abort_handle();
        Self { shared, task }
    }

    /// Queues a message of one frame if the remote wants it; false if not, or if there is no room,
    /// which is counted. True also for one that is held until it is known what the remote wants.
    ///
    /// From any thread; never waits.
    pub fn publish(&self, frame: &[u8]) -> bool {
        self.shared.publish(frame)
    }

    /// Waits until the kernel has taken what was queued for the remote. At once if there is none.
    pub fn drained(&self) -> impl Future<Output = ()> + Send + use<> {
        let outbox = match &*self.shared.state() {
            State::Subscribed(outbox, _) => Some(outbox.clone()),
            State::Waiting(..) => None,
        };
        async move {
            if let Some(outbox) = outbox {
                outbox.drained().await;
            }
        }
    }

    /// Whether there is a remote that has subscribed to something.
    #[must_use]
    pub fn is_subscribed(&self) -> bool {
        matches!(*self.shared.state(), State::Subscribed(..))
    }

    /// What it has counted so far.
    #[must_use]
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
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn publish(&self, frame: &[u8]) -> bool {
        let taken = match &mut *self.state() {
            State::Waiting(held, octets) => {
                let OutboxLimits { messages, octets: most } = self.limits.outbox;
                let fits = held.len() < messages && octets.saturating_add(frame.len()) <= most;
                if fits {
                    *octets += frame.len();
                    held.push_back(Bytes::copy_from_slice(frame));
                }
                fits
            }
            State::Subscribed(outbox, wanted) => {
                if !wanted.matches(frame) {
                    return false;
                }
                let taken = outbox.push(frame, &[]).is_ok();
                self.queued.fetch_add(taken.into(), Ordering::Relaxed);
                taken
            }
        };
        self.dropped.fetch_add((!taken).into(), Ordering::Relaxed);
        taken
    }

    /// Connects, again and again.
    async fn run(self: Arc<Self>, address: SocketAddr) {
        let mut pause = SHORTEST;
        let config = self.config();
        loop {
            let outbox = Outbox::new(self.limits.outbox.clone());
            let began = Instant::now();
            if let Ok((reader, _)) = connect(address, &config, &outbox).await {
                // Why it has ended makes no difference.
                tokio::select! {
                    _ = outbox.run() => {}
                    _ = self.listen(reader, &outbox) => {}
                }
            }
            // One that lets us in and throws us out again is not to make us hurry.
            if self.end() && began.elapsed() >= LONGEST {
                pause = SHORTEST;
            }
            sleep(pause).await;
            pause = (pause * 2).min(LONGEST);
        }
    }

    /// Nothing comes to a PUB but subscriptions, and those of ZMTP 3.0 are messages.
    fn config(&self) -> Config {
        let limits = self.limits.connection.clone();
        let longest = limits.subscription_octets.saturating_add(1);
        let (frame, message) = (limits.frame.min(longest), limits.message.min(longest));
        Config::new(SocketType::Pub).with_limits(Limits { frame, message, ..limits })
    }

    /// Hears what the remote wants, until it is gone.
    async fn listen(&self, mut reader: Reader, outbox: &Outbox) -> Result<(), Error> {
        // Together with the handshake several may have come: all of them count for what is held.
        let mut first = Subscriptions::default();
        loop {
            while let Some(event) = reader.next_event()? {
                match &mut *self.state() {
                    State::Subscribed(_, wanted) => self.change(wanted, &event)?,
                    State::Waiting(..) => self.change(&mut first, &event)?,
                }
            }
            if !first.is_empty() {
                self.begin(outbox, std::mem::take(&mut first));
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

    /// The remote wants something: it gets that of what is held.
    fn begin(&self, outbox: &Outbox, wanted: Subscriptions) {
        let mut state = self.state();
        if let State::Waiting(held, _) = &mut *state {
            for frame in held.drain(..).filter(|frame| wanted.matches(frame)) {
                let taken = outbox.push_frame(&[], frame).is_ok();
                self.queued.fetch_add(taken.into(), Ordering::Relaxed);
                self.dropped.fetch_add((!taken).into(), Ordering::Relaxed);
            }
            *state = State::Subscribed(outbox.clone(), wanted);
        }
    }

    /// The connection has ended. Whether it was of use.
    fn end(&self) -> bool {
        let mut state = self.state();
        let State::Subscribed(outbox, _) = &*state else { return false };
        let lost = outbox.queued().0 as u64;
        outbox.close();
        self.dropped.fetch_add(lost, Ordering::Relaxed);
        *state = State::WAITING;
        true
    }
}
