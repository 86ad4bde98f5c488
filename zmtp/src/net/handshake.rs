//! Connecting, and the handshake.

use std::io;
use std::net::{IpAddr, SocketAddr, SocketAddrV6};
use std::time::Duration;

use socket2::{SockRef, TcpKeepalive};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpSocket, TcpStream};
use tokio::time::{Instant, timeout, timeout_at};

use super::established::{Established, Greeted};
use super::{Error, SendQueueLimits};
use crate::{Config, Connection, Encoder, Event, Output, PeerInfo};

/// Bytes that a read during the handshake has room for: all of it, as a rule.
const HANDSHAKE_READ: usize = 512;

/// How long a connection is quiet before keep-alive probes are sent.
const KEEPALIVE_IDLE: Duration = Duration::from_secs(15);

/// The time between two unanswered keep-alive probes.
const KEEPALIVE_INTERVAL: Duration = Duration::from_secs(3);

/// Unanswered keep-alive probes before the connection is dropped. Where a fifth of all packets is
/// lost, each way, of three in a row none is answered every twentieth time.
const MAX_KEEPALIVE_PROBES: u32 = 12;

/// Bytes that the kernel takes without sending them. Who watches a send queue sees by it how much
/// the remote takes, if the kernel does not hide seconds of a slow path in a buffer of its own.
const MAX_UNSENT: u32 = 128 << 10;

/// Where a connection begins. By default wherever the system's routes say.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Start {
    /// The address of this host.
    pub address: Option<IpAddr>,
    /// The name of an interface: all of the connection goes through it, whatever the routes say.
    /// Has no effect on systems other than Linux and Android; where it is forbidden neither.
    pub device: Option<String>,
}

/// Connects to `address` within [`Limits::connect_time`](crate::Limits::connect_time), and
/// completes the handshake within [`Limits::handshake_time`](crate::Limits::handshake_time) after
/// that. `queue` has the limits of the sending half.
///
/// Dropping the future closes the connection.
///
/// # Errors
/// [`Error::Io`] for errors of TCP, of the kind [`TimedOut`](io::ErrorKind::TimedOut) if nothing
/// answers in time; [`Error::Protocol`] for what the remote did wrong, and with
/// [`HandshakeTimeout`](crate::Error::HandshakeTimeout) for one that has answered and is not ready
/// in time; and [`Error::Closed`].
pub async fn connect(
    address: SocketAddr,
    config: &Config,
    queue: SendQueueLimits,
) -> Result<Established, Error> {
    connect_from(&Start::default(), address, config, queue).await
}

/// Connects like [`connect`], from a place on this host.
///
/// # Errors
/// As `connect`; and [`Error::Io`] if there is no such place.
pub async fn connect_from(
    start: &Start,
    address: SocketAddr,
    config: &Config,
    queue: SendQueueLimits,
) -> Result<Established, Error> {
    let time = config.limits.connect_time;
    let socket = socket(start, address)?;
    prepare(SockRef::from(&socket))?;
    let Ok(connected) = timeout(time, socket.connect(address)).await else {
        let why = format!("nothing at {address} has answered within {time:?}");
        return Err(io::Error::new(io::ErrorKind::TimedOut, why).into());
    };
    Ok(greet(connected?, address, config).await?.establish(queue, None))
}

/// A socket that connects from there.
fn socket(start: &Start, address: SocketAddr) -> io::Result<TcpSocket> {
    let socket = if address.is_ipv4() { TcpSocket::new_v4()? } else { TcpSocket::new_v6()? };
    #[cfg(any(target_os = "android", target_os = "fuchsia", target_os = "linux"))]
    if let Some(device) = &start.device {
        // Without it the routes decide, which mostly are right.
        let _ = socket.bind_device(Some(device.as_bytes()));
    }
    if let Some(local) = start.address {
        let scope = match address {
            SocketAddr::V6(address) if is_link_local(&local) => address.scope_id(),
            _ => 0,
        };
        socket.bind(match local {
            IpAddr::V4(local) => (local, 0).into(),
            IpAddr::V6(local) => SocketAddrV6::new(local, 0, 0, scope).into(),
        })?;
    }
    Ok(socket)
}

/// Whether an address says nothing without the interface that it belongs to.
const fn is_link_local(address: &IpAddr) -> bool {
    matches!(address, IpAddr::V6(address) if address.is_unicast_link_local())
}

/// Runs the handshake on a TCP connection with `address`, which is [prepared](prepare). The result is boxed, since it is moved
/// through tasks and sets.
pub(super) async fn greet(
    mut stream: TcpStream,
    address: SocketAddr,
    config: &Config,
) -> Result<Box<Greeted>, Error> {
    let mut connection = Connection::new(config, Instant::now().into_std());
    let deadline = connection.next_deadline();
    let exchange = exchange(&mut stream, &mut connection);
    let (peer, encoder) = match deadline {
        None => exchange.await?,
        Some(deadline) => timeout_at(Instant::from_std(deadline), exchange)
            .await
            .unwrap_or(Err(Error::Protocol(crate::Error::HandshakeTimeout)))?,
    };
    let local = stream.local_addr()?;
    Ok(Box::new(Greeted { stream, connection, peer, encoder, address, local }))
}

/// Sends and receives until both sides are ready. What follows READY stays in the receive buffer of
/// the connection.
async fn exchange(
    stream: &mut TcpStream,
    connection: &mut Connection,
) -> Result<(PeerInfo, Encoder), Error> {
    loop {
        match connection.poll_output()? {
            Some(Output::Transmit(bytes)) => {
                if let Err(error) = stream.write_all(&bytes).await {
                    // What the remote did wrong says more than the reset that came of it.
                    connection.poll_output()?;
                    return Err(error.into());
                }
            }
            Some(Output::Event(Event::Ready(peer, encoder))) => return Ok((peer, encoder)),
            Some(_) => {}
            None => {
                connection.receive_buffer().reserve(HANDSHAKE_READ);
                if stream.read_buf(connection.receive_buffer()).await? == 0 {
                    return Err(Error::Closed);
                }
            }
        }
    }
}

/// Whether a connection is accepted with the options of the socket that listens.
pub(super) const INHERITS_OPTIONS: bool = cfg!(any(target_os = "android", target_os = "linux"));

/// Sets the options of a connection, before or after it is made.
///
/// # Errors
/// Errors of the kernel. Only what the connection cannot do without is one.
pub(super) fn prepare(socket: SockRef<'_>) -> io::Result<()> {
    // Messages are batched before they get here; Nagle would only delay the last one of a batch.
    socket.set_tcp_nodelay(true)?;
    set_keepalive(&socket);
    set_linear_timeouts(&socket);
    limit_unsent(&socket);
    Ok(())
}

/// Lets the kernel notice that the remote's host is gone: a silent connection would otherwise
/// outlive it for good. The price is a probe now and then on a quiet connection. (Not
/// `TCP_USER_TIMEOUT`: on Linux it also ends a connection whose remote is alive and does not read.)
fn set_keepalive(socket: &SockRef<'_>) {
    let probes = TcpKeepalive::new()
        .with_time(KEEPALIVE_IDLE)
        .with_interval(KEEPALIVE_INTERVAL)
        .with_retries(MAX_KEEPALIVE_PROBES);
    // The connection works without it.
    let _ = socket.set_tcp_keepalive(&probes);
}

/// Lets the kernel repeat what was lost at even intervals while few segments are on their way. With
/// so few the sender learns of a loss by a timeout only, and each further one would double the
/// pause: where a tenth of all segments is lost, the messages of a quiet connection would now and
/// then wait for a minute, longer than a silent remote is believed to be alive. The kernel backs
/// off again when six repetitions in a row were lost, so a dead network is not flooded.
fn set_linear_timeouts(socket: &SockRef<'_>) {
    // The connection works without it.
    #[cfg(any(target_os = "android", target_os = "fuchsia", target_os = "linux"))]
    let _ = socket.set_tcp_thin_linear_timeouts(true);
    #[cfg(not(any(target_os = "android", target_os = "fuchsia", target_os = "linux")))]
    let _ = socket;
}

/// Keeps what waits in the send queue, where it is counted, and not in the kernel.
fn limit_unsent(socket: &SockRef<'_>) {
    // The connection works without it.
    #[cfg(any(target_os = "android", target_os = "linux"))]
    let _ = socket.set_tcp_notsent_lowat(MAX_UNSENT);
    #[cfg(not(any(target_os = "android", target_os = "linux")))]
    let _ = (socket, MAX_UNSENT);
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use socket2::SockRef;

    use super::{KEEPALIVE_IDLE, MAX_UNSENT, connect};
    use crate::net::{Listener, ListenerLimits, SendQueueLimits};
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
