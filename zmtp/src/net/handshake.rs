//! Connecting, and the handshake.

use std::io;
use std::net::SocketAddr;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::{Instant, timeout, timeout_at};

use super::established::{Established, Greeted};
use super::start::Start;
use super::{Error, SendQueueLimits};
use crate::{Config, Connection, Encoder, Event, Output, PeerInfo};
#[cfg(feature = "_curve")]
use crate::{Mechanism, SessionKeys, Verdict};

/// Bytes that a read during the handshake has room for: all of it, as a rule.
const HANDSHAKE_READ: usize = 512;

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
    let Ok(connected) = timeout(time, start.connect(address)).await else {
        let why = format!("nothing at {address} has answered within {time:?}");
        return Err(io::Error::new(io::ErrorKind::TimedOut, why).into());
    };
    Ok(greet(connected?, address, config).await?.establish(queue, None))
}

/// Runs the handshake on a TCP connection with `address`, which is
/// [prepared](super::socket_options::prepare). The result is boxed, since it is moved through tasks
/// and sets.
pub(super) async fn greet(
    mut stream: TcpStream,
    address: SocketAddr,
    config: &Config,
) -> Result<Box<Greeted>, Error> {
    let mut connection = Connection::new(config, Instant::now().into_std());
    let deadline = connection.next_deadline();
    let exchange = exchange(&mut stream, &mut connection, address, config);
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
    address: SocketAddr,
    config: &Config,
) -> Result<(PeerInfo, Encoder), Error> {
    #[cfg(not(feature = "_curve"))]
    let _ = (address, config);
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
            #[cfg(feature = "_curve")]
            Some(Output::Event(Event::Authenticate(keys, peer))) => {
                match decide(&config.mechanism, &keys, &peer, address) {
                    Verdict::Admit => connection.admit(),
                    Verdict::Refuse => connection.refuse(),
                    Verdict::Close => return Err(Error::Protocol(crate::Error::Denied)),
                }
            }
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

/// Asks the guard about a remote that has proved its key.
#[cfg(feature = "_curve")]
fn decide(
    mechanism: &Mechanism,
    keys: &SessionKeys,
    peer: &PeerInfo,
    address: SocketAddr,
) -> Verdict {
    let guard = match mechanism {
        Mechanism::Curve(curve) => curve.guard(),
        Mechanism::Null => None,
    };
    guard.map_or(Verdict::Admit, |guard| guard.decide(keys, peer, address))
}
