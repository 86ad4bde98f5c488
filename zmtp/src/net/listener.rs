//! Accepts connections and finishes their handshakes.

use std::{collections::VecDeque, future::pending, io, net::SocketAddr, sync::Arc, time::Duration};

use tokio::{
    net::{TcpListener, TcpStream},
    sync::Semaphore,
    task::{AbortHandle, JoinError, JoinSet},
    time::{Instant, sleep_until},
};

use super::{
    Error, Outbox, OutboxLimits, Reader,
    handshake::{greet, within},
};
use crate::{Config, Connection, Encoder, PeerInfo};

/// How long nothing is accepted after the kernel has refused to: for want of file descriptors,
/// mostly, and they do not come back sooner by asking.
const PAUSE: Duration = Duration::from_millis(100);

/// What a [`Listener`] may hold. Plain data.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ListenerLimits {
    /// Connections that were handed out and whose [`Reader`] is alive. Default 4,096.
    pub connections: usize,
    /// Connections whose handshake goes on. One more makes the oldest of them be dropped. Default
    /// 256.
    pub handshakes: usize,
    /// Limits of the outbox of each connection.
    pub outbox: OutboxLimits,
}

impl Default for ListenerLimits {
    fn default() -> Self {
        Self { connections: 4096, handshakes: 256, outbox: OutboxLimits::default() }
    }
}

/// What a [`Listener`] has seen.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct ListenerStats {
    /// TCP connections accepted.
    pub accepted: u64,
    /// Connections handed out by [`Listener::accept`].
    pub established: u64,
    /// Handshakes that failed: wrong octets, closed, refused.
    pub failed: u64,
    /// Handshakes that took too long.
    pub timed_out: u64,
    /// Handshakes dropped because there were too many at a time.
    pub dropped: u64,
    /// Times that the kernel refused to accept.
    pub accept_errors: u64,
}

/// A connection whose handshake is over.
#[derive(Debug)]
#[non_exhaustive]
pub struct Established {
    /// Its receiving half. Owns the slot in [`ListenerLimits::connections`].
    pub reader: Reader,
    /// Its sending half. A ROUTER that only receives may ignore it; PINGs are answered anyway.
    pub outbox: Outbox,
    /// What the remote said of itself.
    pub peer: PeerInfo,
    /// Where it comes from.
    pub address: SocketAddr,
}

/// Accepts connections and finishes their handshakes concurrently.
///
/// What remotes do wrong is counted and never an error for the caller. Dropping the listener ends
/// the handshakes that go on; connections that were handed out live on.
#[derive(Debug)]
pub struct Listener {
    listener: TcpListener,
    config: Arc<Config>,
    limits: ListenerLimits,
    stats: ListenerStats,
    slots: Arc<Semaphore>,
    handshakes: JoinSet<Outcome>,
    /// The same handshakes, the oldest first.
    order: VecDeque<AbortHandle>,
    /// A finished handshake that waits for a slot.
    greeted: Option<Box<Greeted>>,
    pause: Option<Instant>,
}

#[derive(Debug)]
struct Greeted {
    stream: TcpStream,
    connection: Connection,
    peer: PeerInfo,
    encoder: Encoder,
    address: SocketAddr,
}

/// Boxed: it moves through a task, a set and an enum.
type Outcome = Result<Box<Greeted>, Error>;

/// What `accept` has waited for.
enum Came {
    Connection(io::Result<(TcpStream, SocketAddr)>),
    Handshake(Result<(tokio::task::Id, Outcome), JoinError>),
    PauseOver,
}

impl Listener {
    /// Listens on `address`.
    ///
    /// # Errors
    /// The kernel's.
    pub async fn bind(
        address: SocketAddr,
        config: Config,
        limits: ListenerLimits,
    ) -> io::Result<Self> {
        Ok(Self::new(TcpListener::bind(address).await?, config, limits))
    }

    /// Takes a listener that was made elsewhere (bound to a device, say); makes it non-blocking.
    ///
    /// # Errors
    /// The kernel's; [`io::ErrorKind::Other`] outside of a tokio runtime.
    pub fn from_std(
        listener: std::net::TcpListener,
        config: Config,
        limits: ListenerLimits,
    ) -> io::Result<Self> {
        tokio::runtime::Handle::try_current().map_err(io::Error::other)?;
        listener.set_nonblocking(true)?;
        Ok(Self::new(TcpListener::from_std(listener)?, config, limits))
    }

    fn new(listener: TcpListener, config: Config, limits: ListenerLimits) -> Self {
        let slots = limits.connections.min(Semaphore::MAX_PERMITS);
        Self {
            listener,
            config: Arc::new(config),
            limits,
            stats: ListenerStats::default(),
            slots: Arc::new(Semaphore::new(slots)),
            handshakes: JoinSet::new(),
            order: VecDeque::new(),
            greeted: None,
            pause: None,
        }
    }

    /// Where it listens.
    ///
    /// # Errors
    /// The kernel's.
    pub fn local_addr(&self) -> io::Result<SocketAddr> {
        self.listener.local_addr()
    }

    /// What it has seen so far.
    #[must_use]
    pub fn stats(&self) -> ListenerStats {
        self.stats
    }

    /// The next connection whose handshake is over.
    ///
    /// Connections are accepted only while this is awaited, and none while
    /// [`ListenerLimits::connections`] are open: they wait in the kernel then. May be dropped at
    /// any point and called again.
    pub async fn accept(&mut self) -> Established {
        loop {
            if self.greeted.is_some()
                && let Ok(slot) = Arc::clone(&self.slots).acquire_owned().await
                && let Some(greeted) = self.greeted.take()
            {
                self.stats.established += 1;
                let Greeted { stream, connection, peer, encoder, address } = *greeted;
                let (incoming, outgoing) = stream.into_split();
                let outbox = Outbox::new(self.limits.outbox.clone());
                outbox.attach(outgoing, encoder);
                let reader = Reader::new(incoming, connection, outbox.clone(), Some(slot));
                return Established { reader, outbox, peer, address };
            }
            match self.wait().await {
                Came::Connection(Ok((stream, address))) => self.greet(stream, address),
                Came::Connection(Err(_)) => {
                    self.stats.accept_errors += 1;
                    self.pause = Some(Instant::now() + PAUSE);
                }
                Came::PauseOver => self.pause = None,
                Came::Handshake(outcome) => self.finish(outcome),
            }
        }
    }

    /// Waits; nothing is lost if that is given up.
    async fn wait(&mut self) -> Came {
        let pause = self.pause;
        tokio::select! {
            biased;
            Some(outcome) = self.handshakes.join_next_with_id() => Came::Handshake(outcome),
            () = async { match pause { Some(end) => sleep_until(end).await, None => pending().await } } => {
                Came::PauseOver
            }
            came = self.listener.accept(), if pause.is_none() => Came::Connection(came),
        }
    }

    /// Starts the handshake of a connection; the oldest one makes room for it if need be.
    fn greet(&mut self, mut stream: TcpStream, address: SocketAddr) {
        self.stats.accepted += 1;
        if self.order.len() >= self.limits.handshakes.max(1)
            && let Some(oldest) = self.order.pop_front()
        {
            oldest.abort();
            self.stats.dropped += 1;
        }
        let config = Arc::clone(&self.config);
        self.order.push_back(self.handshakes.spawn(async move {
            let mut connection = Connection::new(&config, Instant::now().into_std());
            let deadline = connection.deadline();
            let (peer, encoder) = within(deadline, greet(&mut stream, &mut connection)).await?;
            Ok(Box::new(Greeted { stream, connection, peer, encoder, address }))
        }));
    }

    /// Takes note of a handshake that is over.
    fn finish(&mut self, outcome: Result<(tokio::task::Id, Outcome), JoinError>) {
        let (id, result) = match outcome {
            Ok((id, result)) => (id, Some(result)),
            Err(error) => (error.id(), None),
        };
        let known = self.order.iter().position(|handle| handle.id() == id);
        if let Some(known) = known {
            self.order.remove(known);
        }
        match result {
            // One that was dropped just as it ended has been counted, and is dropped.
            _ if known.is_none() => {}
            Some(Ok(greeted)) => self.greeted = Some(greeted),
            Some(Err(Error::Protocol(crate::Error::HandshakeTimeout))) => self.stats.timed_out += 1,
            Some(Err(_)) | None => self.stats.failed += 1,
        }
    }
}
