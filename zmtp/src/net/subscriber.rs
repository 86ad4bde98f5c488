//! A SUB to any number of remotes.

use std::{future::pending, io, net::SocketAddr, sync::Arc, time::Duration};

use tokio::{
    sync::mpsc,
    task::JoinSet,
    time::{Instant, sleep},
};

use super::{Listener, ListenerLimits, Outbox, OutboxLimits, Reader, connect};
use crate::{Config, Limits, Message, SocketType, Subscriptions};

/// The first pause, and the one after a connection that lasted.
const SHORTEST: Duration = Duration::from_millis(50);

/// The longest pause between two attempts to connect.
const LONGEST: Duration = Duration::from_secs(5);

/// What a [`Subscriber`] may hold. Plain data.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SubscriberLimits {
    /// Messages that wait to be received, from all publishers together. While so many wait nothing
    /// more is read, and publishers drop what is too much. Default 1,000.
    pub messages: usize,
    /// What one publisher may cost. Default as [`Limits`], but for messages: 64 KiB.
    pub connection: Limits,
    /// How many publishers may come.
    pub listener: ListenerLimits,
}

impl Default for SubscriberLimits {
    fn default() -> Self {
        let connection = Limits { frame: 64 << 10, message: 64 << 10, ..Limits::default() };
        Self { messages: 1000, connection, listener: ListenerLimits::default() }
    }
}

/// A SUB: receives what any number of publishers send of what it wants. Publishers connect to it,
/// or it to them.
///
/// A publisher that breaks the protocol or a limit ends its own connection and nothing else. What
/// does not start with one of the prefixes is dropped. Dropping the subscriber closes everything.
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
    /// Accepting, and connecting.
    tasks: JoinSet<()>,
}

/// What its connections share.
#[derive(Debug)]
struct Shared {
    config: Config,
    wanted: Subscriptions,
    sender: mpsc::Sender<(SocketAddr, Message)>,
}

impl Subscriber {
    /// A subscriber that publishers connect to, for messages with one of these prefixes; an empty
    /// prefix is for all. Inside a tokio runtime.
    ///
    /// # Errors
    /// The kernel's.
    pub async fn bind(
        address: SocketAddr,
        prefixes: &[&[u8]],
        limits: SubscriberLimits,
    ) -> io::Result<Self> {
        let accepting = limits.listener.clone();
        let mut new = Self::new(prefixes, limits);
        let listener = Listener::bind(address, new.shared.config.clone(), accepting).await?;
        new.address = Some(listener.local_addr()?);
        new.tasks.spawn(Arc::clone(&new.shared).accept(listener));
        Ok(new)
    }

    /// A subscriber that nobody connects to; it is to [`connect`](Self::connect) itself.
    #[must_use]
    pub fn new(prefixes: &[&[u8]], limits: SubscriberLimits) -> Self {
        let (sender, received) = mpsc::channel(limits.messages.max(1));
        let mut wanted = Subscriptions::default();
        let boundless = Limits {
            subscriptions: usize::MAX,
            subscription_octets: usize::MAX,
            ..Limits::default()
        };
        for prefix in prefixes {
            // They are our own, and without bounds none is refused.
            let _ = wanted.subscribe(prefix, &boundless);
        }
        let config = Config::new(SocketType::Sub)
            .with_limits(limits.connection)
            .with_subscriptions(prefixes);
        let shared = Arc::new(Shared { config, wanted, sender });
        Self { received, shared, address: None, tasks: JoinSet::new() }
    }

    /// Connects to a publisher, and again whenever the connection ends: after 50 ms at first, and
    /// after twice as long each time, up to 5 s. After a connection of 5 s it begins with 50 ms again.
    ///
    /// # Panics
    /// Outside of a tokio runtime, as [`tokio::spawn`].
    pub fn connect(&mut self, address: SocketAddr) {
        self.tasks.spawn(Arc::clone(&self.shared).reach(address));
    }

    /// Where publishers can connect to.
    ///
    /// # Errors
    /// [`io::ErrorKind::NotConnected`] if it was not bound.
    pub fn local_addr(&self) -> io::Result<SocketAddr> {
        self.address.ok_or_else(|| io::ErrorKind::NotConnected.into())
    }

    /// The next message, and where its publisher is. May be dropped at any point and called again.
    pub async fn recv(&mut self) -> (SocketAddr, Message) {
        match self.received.recv().await {
            Some(received) => received,
            // Does not come: the other end is here as well.
            None => pending().await,
        }
    }
}

impl Shared {
    /// Lets publishers in.
    async fn accept(self: Arc<Self>, mut listener: Listener) {
        let mut publishers = JoinSet::new();
        loop {
            tokio::select! {
                accepted = listener.accept() => {
                    let shared = Arc::clone(&self);
                    publishers.spawn(async move {
                        shared.receive(accepted.reader, accepted.address).await;
                    });
                }
                Some(_) = publishers.join_next() => {}
            }
        }
    }

    /// Goes to a publisher, again and again.
    async fn reach(self: Arc<Self>, address: SocketAddr) {
        let mut pause = SHORTEST;
        loop {
            let outbox = Outbox::new(OutboxLimits::default());
            let began = Instant::now();
            if let Ok((reader, _)) = connect(address, &self.config, &outbox).await {
                tokio::select! {
                    // Nothing but PONGs.
                    _ = outbox.run() => {}
                    () = self.receive(reader, address) => {}
                }
                if began.elapsed() >= LONGEST {
                    pause = SHORTEST;
                }
            }
            sleep(pause).await;
            pause = (pause * 2).min(LONGEST);
        }
    }

    /// Hands on what one publisher sends, until it is gone or has broken the protocol.
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
