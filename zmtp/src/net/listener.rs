//! Accepting connections.

use std::collections::{HashMap, VecDeque};
use std::future::{pending, poll_fn};
use std::io;
use std::net::{IpAddr, Ipv6Addr, SocketAddr};
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use socket2::SockRef;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tokio::task::{AbortHandle, JoinError, JoinSet};
use tokio::time::{Instant, sleep_until};

use super::established::{Established, Greeted};
use super::handshake::greet;
use super::socket_options::{INHERITS_OPTIONS, prepare};
use super::{Error, SendQueueLimits};
use crate::Config;

/// How long nothing is accepted after the kernel has refused to: mostly for lack of file
/// descriptors, which do not come back sooner by asking.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// The limits of a [`Listener`]. Plain data.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ListenerLimits {
    /// Connections that were returned and whose [`Reader`](super::Reader) is alive. Default 4,096.
    pub connections: usize,
    /// Connections during their handshake. One more, and the oldest of the source that has most of
    /// them is dropped: a host by its IPv4 address, a subnet of 64 bits by IPv6. Default 256.
    pub handshakes: usize,
    /// Limits of the queue of each connection.
    pub queue: SendQueueLimits,
}

impl Default for ListenerLimits {
    fn default() -> Self {
        Self { connections: 4096, handshakes: 256, queue: SendQueueLimits::default() }
    }
}

/// What a [`Listener`] has counted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct ListenerStats {
    /// TCP connections accepted.
    pub accepted: u64,
    /// Connections returned by [`Listener::accept`].
    pub established: u64,
    /// Handshakes that failed: protocol errors, closed or refused by the remote.
    pub failed: u64,
    /// Handshakes of remotes that have proved their key and were not let in.
    pub denied: u64,
    /// Handshakes that took too long.
    pub timed_out: u64,
    /// Handshakes that were dropped because there were too many at a time.
    pub dropped: u64,
    /// Failures of the kernel to accept a connection.
    pub accept_errors: u64,
}

/// Accepts connections at any number of addresses, and finishes their handshakes concurrently. The
/// limits are those of all addresses together.
///
/// What remotes do wrong is counted, and never an error of the caller. Dropping the listener ends
/// handshakes in progress; connections that were returned live on.
#[derive(Debug)]
pub struct Listener {
    sockets: Vec<Socket>,
    /// The socket that is asked first, so that a busy one does not silence the others.
    first: usize,
    config: Arc<Config>,
    limits: ListenerLimits,
    stats: ListenerStats,
    slots: Arc<Semaphore>,
    handshakes: JoinSet<Outcome>,
    /// The same handshakes, the oldest first, and where they come from.
    order: VecDeque<(AbortHandle, IpAddr)>,
    /// A finished handshake that waits for a slot.
    greeted: Option<Box<Greeted>>,
    pause: Option<Instant>,
}

#[derive(Debug)]
struct Socket {
    listener: TcpListener,
    address: SocketAddr,
}

type Outcome = Result<Box<Greeted>, Error>;

/// What `accept` waits for.
enum AcceptEvent {
    Connection(io::Result<(TcpStream, SocketAddr)>),
    Handshake(Result<(tokio::task::Id, Outcome), JoinError>),
    PauseOver,
}

impl Listener {
    /// Listens on `address`.
    ///
    /// # Errors
    /// Errors of the kernel.
    pub async fn bind(
        address: SocketAddr,
        config: Config,
        limits: ListenerLimits,
    ) -> io::Result<Self> {
        let mut listener = Self::new(config, limits);
        listener.push(TcpListener::bind(address).await?)?;
        Ok(listener)
    }

    /// Takes a socket that was made elsewhere (bound to a device, say); makes it non-blocking.
    ///
    /// # Errors
    /// As those of [`add`](Self::add).
    pub fn from_std(
        socket: std::net::TcpListener,
        config: Config,
        limits: ListenerLimits,
    ) -> io::Result<Self> {
        let mut listener = Self::new(config, limits);
        listener.add(socket)?;
        Ok(listener)
    }

    /// Creates a listener that listens nowhere yet: see [`add`](Self::add).
    pub fn new(config: Config, limits: ListenerLimits) -> Self {
        let slots = limits.connections.min(Semaphore::MAX_PERMITS);
        Self {
            sockets: Vec::new(),
            first: 0,
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

    /// Listens on one more socket, which was made elsewhere; makes it non-blocking. Returns its
    /// address.
    ///
    /// # Errors
    /// Errors of the kernel, and [`io::ErrorKind::Other`] outside of a tokio runtime.
    pub fn add(&mut self, socket: std::net::TcpListener) -> io::Result<SocketAddr> {
        tokio::runtime::Handle::try_current().map_err(io::Error::other)?;
        socket.set_nonblocking(true)?;
        self.push(TcpListener::from_std(socket)?)
    }

    fn push(&mut self, listener: TcpListener) -> io::Result<SocketAddr> {
        let address = listener.local_addr()?;
        if INHERITS_OPTIONS {
            prepare(SockRef::from(&listener))?;
        }
        self.sockets.push(Socket { listener, address });
        Ok(address)
    }

    /// No longer listens on `address`. Connections that were accepted there live on.
    pub fn remove(&mut self, address: SocketAddr) {
        self.sockets.retain(|socket| socket.address != address);
    }

    /// Returns the address that it has listened on for longest.
    ///
    /// # Errors
    /// [`io::ErrorKind::NotConnected`] if it listens nowhere.
    pub fn local_addr(&self) -> io::Result<SocketAddr> {
        let nowhere = || io::Error::new(io::ErrorKind::NotConnected, "nothing is listened on");
        self.local_addrs().next().ok_or_else(nowhere)
    }

    /// Returns the addresses that it listens on, in the order in which they came.
    pub fn local_addrs(&self) -> impl Iterator<Item = SocketAddr> {
        self.sockets.iter().map(|socket| socket.address)
    }

    /// Returns what it has counted so far.
    pub fn stats(&self) -> ListenerStats {
        self.stats
    }

    /// Waits for the next connection whose handshake is over.
    ///
    /// Connections are accepted only while this is awaited, and none while
    /// [`ListenerLimits::connections`] are open: they wait in the kernel then. The future may be
    /// dropped at any point without losing a connection.
    pub async fn accept(&mut self) -> Established {
        loop {
            if self.greeted.is_some()
                && let Ok(slot) = Arc::clone(&self.slots).acquire_owned().await
                && let Some(greeted) = self.greeted.take()
            {
                self.stats.established += 1;
                return greeted.establish(self.limits.queue.clone(), Some(slot));
            }
            match self.wait().await {
                AcceptEvent::Connection(Ok((stream, address))) => self.greet(stream, address),
                AcceptEvent::Connection(Err(_)) => {
                    self.stats.accept_errors += 1;
                    self.pause = Some(Instant::now() + ACCEPT_PAUSE);
                }
                AcceptEvent::PauseOver => self.pause = None,
                AcceptEvent::Handshake(outcome) => self.finish(outcome),
            }
        }
    }

    /// Waits for the next event. Cancel safe.
    async fn wait(&mut self) -> AcceptEvent {
        let pause = self.pause;
        let pause_over = async {
            match pause {
                Some(end) => sleep_until(end).await,
                None => pending().await,
            }
        };
        let (sockets, first) = (&self.sockets, &mut self.first);
        let accepted = poll_fn(|context| poll_accept(sockets, first, context));
        tokio::select! {
            biased;
            Some(outcome) = self.handshakes.join_next_with_id() => AcceptEvent::Handshake(outcome),
            () = pause_over => AcceptEvent::PauseOver,
            accepted = accepted, if pause.is_none() => AcceptEvent::Connection(accepted),
        }
    }

    /// Starts the handshake of a connection. If there are too many, one of them is dropped: so that
    /// who takes all places takes them from itself.
    fn greet(&mut self, stream: TcpStream, address: SocketAddr) {
        self.stats.accepted += 1;
        let source = source(address.ip());
        if self.order.len() >= self.limits.handshakes.max(1)
            && let Some((dropped, _)) = self.order.remove(self.first_to_go(source))
        {
            dropped.abort();
            self.stats.dropped += 1;
        }
        let config = Arc::clone(&self.config);
        let greeting = async move {
            if !INHERITS_OPTIONS {
                prepare(SockRef::from(&stream))?;
            }
            greet(stream, address, &config).await
        };
        self.order.push_back((self.handshakes.spawn(greeting), source));
    }

    /// Returns which handshake makes room for one from `source`: the oldest of the source that has
    /// most with that one, and of several that have as many the one whose oldest is older.
    fn first_to_go(&self, source: IpAddr) -> usize {
        let mut counts = HashMap::from([(source, 1)]);
        for (_, source) in &self.order {
            *counts.entry(*source).or_insert(0) += 1;
        }
        let count = |at: &usize| counts.get(&self.order[*at].1).copied().unwrap_or(0);
        // The first of several that are equal, hence from the back.
        (0..self.order.len()).rev().max_by_key(count).unwrap_or(0)
    }

    /// Handles the end of a handshake.
    fn finish(&mut self, outcome: Result<(tokio::task::Id, Outcome), JoinError>) {
        let (id, result) = match outcome {
            Ok((id, result)) => (id, Some(result)),
            Err(error) => (error.id(), None),
        };
        let known = self.order.iter().position(|(handle, _)| handle.id() == id);
        if let Some(known) = known {
            self.order.remove(known);
        }
        match result {
            // It was dropped just as it ended, and has been counted as such.
            _ if known.is_none() => {}
            Some(Ok(greeted)) => self.greeted = Some(greeted),
            Some(Err(Error::Protocol(crate::Error::HandshakeTimeout))) => self.stats.timed_out += 1,
            Some(Err(Error::Protocol(crate::Error::Denied))) => self.stats.denied += 1,
            Some(Err(_)) | None => self.stats.failed += 1,
        }
    }
}

/// Returns what counts as one source: by IPv6 a host has as many addresses of its subnet as it wants.
fn source(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(address) => {
            Ipv6Addr::from_bits(address.to_bits() & !u128::from(u64::MAX)).into()
        }
        address @ IpAddr::V4(_) => address,
    }
}

/// Takes a connection from one of the sockets, each of them first in its turn.
fn poll_accept(
    sockets: &[Socket],
    first: &mut usize,
    context: &mut Context<'_>,
) -> Poll<io::Result<(TcpStream, SocketAddr)>> {
    for at in 0..sockets.len() {
        let index = (*first + at) % sockets.len();
        if let Poll::Ready(accepted) = sockets[index].listener.poll_accept(context) {
            *first = index + 1;
            return Poll::Ready(accepted);
        }
    }
    Poll::Pending
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use socket2::SockRef;

    use super::{Listener, ListenerLimits};
    use crate::net::SendQueueLimits;
    use crate::net::handshake::connect;
    use crate::net::socket_options::{KEEPALIVE_IDLE, MAX_UNSENT};
    use crate::{Config, SocketType};

    #[tokio::test]
    async fn connections_are_made_for_little_traffic_and_bad_networks() {
        let (dealer, router) = (Config::new(SocketType::Dealer), Config::new(SocketType::Router));
        let anywhere = ([127, 0, 0, 1], 0).into();
        let mut listener =
            Listener::bind(anywhere, router, ListenerLimits::default()).await.unwrap();
        let address = listener.local_addr().unwrap();
        let connecting = connect(address, &dealer, SendQueueLimits::default());
        let (one, other) = tokio::join!(connecting, listener.accept());
        for established in [one.unwrap(), other] {
            let socket = SockRef::from(established.reader.stream());
            assert!(socket.tcp_nodelay().unwrap());
            assert!(socket.tcp_thin_linear_timeouts().unwrap());
            assert_eq!(socket.tcp_notsent_lowat().unwrap(), MAX_UNSENT);
            assert_eq!(socket.tcp_keepalive_time().unwrap(), KEEPALIVE_IDLE);
        }
    }
}
