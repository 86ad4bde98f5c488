//! A SUB with any number of remotes.

use std::future::pending;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::mpsc;
use tokio::task::{AbortHandle, JoinSet};
use tokio::time::{Instant, sleep};

use super::{Backoff, Established, Listener, ListenerLimits, Reader, SendQueueLimits, connect};
use crate::sync::Mutex;
use crate::{Config, Limits, Mechanism, Message, PeerInfo, SocketType, Subscriptions};

/// The first pause between two attempts to connect, and the one after a connection that lasted.
const FIRST_PAUSE: Duration = Duration::from_millis(50);

/// The longest pause between two attempts to connect.
const LONGEST_PAUSE: Duration = Duration::from_secs(5);

/// A connection of this time has lasted.
const LASTING: Duration = Duration::from_secs(5);

/// The limits of a [`Subscriber`]. Plain data.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SubscriberLimits {
    /// Messages that wait to be received, from all publishers together. When that many wait,
    /// nothing more is read, and publishers drop what does not fit. Default 1,000.
    pub messages: usize,
    /// Limits of each connection. Default as [`Limits`], but 64 KiB for messages.
    pub connection: Limits,
    /// Limits of the listener that publishers connect to.
    pub listener: ListenerLimits,
}

impl Default for SubscriberLimits {
    fn default() -> Self {
        let connection = Limits { frame: 64 << 10, message: 64 << 10, ..Limits::default() };
        Self { messages: 1000, connection, listener: ListenerLimits::default() }
    }
}

/// A SUB that receives from any number of publishers, which connect to it or which it connects to.
///
/// A publisher that breaks the protocol or a limit ends its own connection and no other. Messages
/// that start with none of the prefixes are dropped. Dropping the subscriber closes all
/// connections.
///
/// # Examples
///
/// ```
/// use zmtp::net::{Publisher, Subscriber};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> std::io::Result<()> {
/// let any = ([127, 0, 0, 1], 0).into();
/// let mut subscriber = Subscriber::bind(any, &[b"weather."], Default::default()).await?;
/// let publisher = Publisher::connect(subscriber.local_addr()?, Default::default());
/// publisher.publish(b"traffic.none");
/// publisher.publish(b"weather.rain");
/// let (_from, message) = subscriber.recv().await;
/// assert_eq!(message.frames(), ["weather.rain"]);
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
pub struct Subscriber {
    received: mpsc::Receiver<(SocketAddr, Message)>,
    shared: Arc<Shared>,
    address: Option<SocketAddr>,
    listener: ListenerLimits,
    /// The task that accepts, and those that connect.
    tasks: JoinSet<()>,
}

/// What its connections share.
#[derive(Debug)]
struct Shared {
    config: Config,
    wanted: Subscriptions,
    sender: mpsc::Sender<(SocketAddr, Message)>,
    /// The publishers that have connected.
    accepted: Mutex<Vec<Accepted>>,
}

/// A publisher that has connected.
#[derive(Debug)]
struct Accepted {
    peer: PeerInfo,
    task: AbortHandle,
}

impl Subscriber {
    /// Creates a subscriber that publishers connect to, for messages with one of these prefixes. An
    /// empty prefix stands for all messages. Must be called inside a tokio runtime.
    ///
    /// # Errors
    /// Errors of the kernel when it binds to `address`.
    pub async fn bind(
        address: SocketAddr,
        prefixes: &[&[u8]],
        limits: SubscriberLimits,
    ) -> io::Result<Self> {
        let mut new = Self::new(prefixes, limits);
        new.listen(address).await?;
        Ok(new)
    }

    /// Lets publishers connect at one more address, which is returned with its port. The limits of
    /// the listener are those of each address.
    ///
    /// # Errors
    /// Errors of the kernel.
    pub async fn listen(&mut self, address: SocketAddr) -> io::Result<SocketAddr> {
        self.listen_with(address, Mechanism::Null).await
    }

    /// Lets publishers connect like [`listen`](Self::listen), by connections that are secured by
    /// this mechanism.
    ///
    /// # Errors
    /// As `listen`.
    pub async fn listen_with(
        &mut self,
        address: SocketAddr,
        mechanism: Mechanism,
    ) -> io::Result<SocketAddr> {
        let config = self.shared.config.clone().with_mechanism(mechanism);
        let limits = self.listener.clone();
        let listener = Listener::bind(address, config, limits).await?;
        let address = listener.local_addr()?;
        self.address.get_or_insert(address);
        self.tasks.spawn(Arc::clone(&self.shared).accept(listener));
        Ok(address)
    }

    /// Creates an unbound subscriber: see [`listen`](Self::listen) and [`connect`](Self::connect).
    pub fn new(prefixes: &[&[u8]], limits: SubscriberLimits) -> Self {
        let (sender, received) = mpsc::channel(limits.messages.max(1));
        let mut wanted = Subscriptions::default();
        let boundless = Limits {
            subscriptions: usize::MAX,
            subscription_bytes: usize::MAX,
            ..Limits::default()
        };
        for prefix in prefixes {
            // Without bounds none is refused.
            let _ = wanted.subscribe(prefix, &boundless);
        }
        let config = Config::new(SocketType::Sub)
            .with_limits(limits.connection)
            .with_subscriptions(prefixes);
        let shared = Arc::new(Shared { config, wanted, sender, accepted: Mutex::default() });
        let (listener, tasks) = (limits.listener, JoinSet::new());
        Self { received, shared, address: None, listener, tasks }
    }

    /// Connects to a publisher, and reconnects whenever the connection ends.
    ///
    /// The first pause before it reconnects is 50 ms, and each later one is twice as long, up to 5
    /// s. After a connection that lasted 5 s it begins with 50 ms again.
    ///
    /// # Panics
    /// Outside of a tokio runtime, as [`tokio::spawn`].
    pub fn connect(&mut self, address: SocketAddr) {
        self.connect_with(address, Mechanism::Null);
    }

    /// Connects like [`connect`](Self::connect), by connections that are secured by this mechanism.
    ///
    /// # Panics
    /// As `connect`.
    pub fn connect_with(&mut self, address: SocketAddr, mechanism: Mechanism) {
        let config = self.shared.config.clone().with_mechanism(mechanism);
        self.tasks.spawn(Arc::clone(&self.shared).reach(address, config));
    }

    /// Closes the connections of these publishers, of those that have connected. What they have sent
    /// before may still be received.
    pub fn disconnect(&self, mut which: impl FnMut(&PeerInfo) -> bool) {
        for it in self.shared.accepted.lock().iter().filter(|it| which(&it.peer)) {
            it.task.abort();
        }
    }

    /// Returns the address that publishers can connect to; the first one, if there are several.
    ///
    /// # Errors
    /// [`io::ErrorKind::NotConnected`] if it was not bound.
    pub fn local_addr(&self) -> io::Result<SocketAddr> {
        self.address.ok_or_else(|| io::ErrorKind::NotConnected.into())
    }

    /// Waits for the next message, and returns it with the address of its publisher. The future may
    /// be dropped at any point without losing a message.
    pub async fn recv(&mut self) -> (SocketAddr, Message) {
        match self.received.recv().await {
            Some(received) => received,
            // Cannot happen: the sender lives as long as the receiver.
            None => pending().await,
        }
    }
}

impl Shared {
    /// Accepts publishers.
    async fn accept(self: Arc<Self>, mut listener: Listener) {
        let mut publishers = JoinSet::new();
        loop {
            tokio::select! {
                accepted = listener.accept() => {
                    let Established { reader, address, peer, .. } = accepted;
                    let shared = Arc::clone(&self);
                    let task = publishers.spawn(async move { shared.receive(reader, address).await });
                    let mut accepted = self.accepted.lock();
                    accepted.retain(|it| !it.task.is_finished());
                    accepted.push(Accepted { peer, task });
                }
                Some(_) = publishers.join_next() => {}
            }
        }
    }

    /// Connects to a publisher, and reconnects.
    async fn reach(self: Arc<Self>, address: SocketAddr, config: Config) {
        let mut backoff = Backoff::new(FIRST_PAUSE, LONGEST_PAUSE);
        loop {
            let began = Instant::now();
            let connected = connect(address, &config, SendQueueLimits::default()).await;
            if let Ok(Established { reader, queue, .. }) = connected {
                tokio::select! {
                    // Nothing but PONGs.
                    _ = queue.run() => {}
                    () = self.receive(reader, address) => {}
                }
                // Do not reset the backoff for a peer that accepts and drops us at once.
                if began.elapsed() >= LASTING {
                    backoff.reset();
                }
            }
            sleep(backoff.next_pause()).await;
        }
    }

    /// Forwards what one publisher sends, until its connection ends or it breaks the protocol.
    async fn receive(&self, mut reader: Reader, address: SocketAddr) {
        loop {
            loop {
                match reader.next() {
                    Ok(Some(message)) => {
                        let first = message.frames().first();
                        if !first.is_some_and(|frame| self.wanted.matches(frame)) {
                            continue;
                        }
                        if self.sender.send((address, message)).await.is_err() {
                            return;
                        }
                    }
                    Ok(None) => break,
                    Err(_) => return,
                }
            }
            if !matches!(reader.fill().await, Ok(true)) {
                return;
            }
        }
    }
}
