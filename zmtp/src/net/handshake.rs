//! From a TCP connection to one that is ready.

use std::{future::Future, net::SocketAddr, time::Duration};

use socket2::{SockRef, TcpKeepalive};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    time::{Instant, timeout_at},
};

use super::{Error, Outbox, Reader};
use crate::{Config, Connection, Encoder, Event, PeerInfo};

/// Octets that are reserved for a read during the handshake: all of it, as a rule.
const READ: usize = 512;

/// Connects to `address`, greets, and attaches `outbox`, within `config.limits.handshake_time`
/// altogether. The [`Reader`] shares the outbox to answer PINGs.
///
/// Dropping the future closes the connection; the outbox keeps what it has and may be used again.
///
/// # Errors
/// TCP's; what the remote did wrong; [`crate::Error::HandshakeTimeout`], also for a TCP connection
/// that does not come about. The outbox is as it was.
pub async fn connect(
    address: SocketAddr,
    config: &Config,
    outbox: &Outbox,
) -> Result<(Reader, PeerInfo), Error> {
    let mut connection = Connection::new(config, Instant::now().into_std());
    let deadline = connection.deadline();
    let making = async {
        let mut stream = TcpStream::connect(address).await?;
        let (peer, encoder) = greet(&mut stream, &mut connection).await?;
        Ok((stream, peer, encoder))
    };
    let (stream, peer, encoder) = within(deadline, making).await?;
    let (incoming, outgoing) = stream.into_split();
    outbox.attach(outgoing, encoder);
    Ok((Reader::new(incoming, connection, outbox.clone(), None), peer))
}

/// A connection that was quiet for so long is probed.
const IDLE: Duration = Duration::from_secs(15);

/// From probe to probe, if they are not answered.
const PROBE: Duration = Duration::from_secs(5);

/// So many probes without an answer, and the connection is dead.
const PROBES: u32 = 3;

/// Runs the handshake. What comes after READY stays in the buffer of the connection.
pub(super) async fn greet(
    stream: &mut TcpStream,
    connection: &mut Connection,
) -> Result<(PeerInfo, Encoder), Error> {
    // Messages are batched before they get here; Nagle would only delay the last one of a batch.
    stream.set_nodelay(true)?;
    keep_watch(stream);
    loop {
        while let Some(octets) = connection.poll_transmit() {
            stream.write_all(&octets).await?;
        }
        match connection.poll_event() {
            Ok(Some(Event::Ready(peer, encoder))) => {
                // The subscriptions of a SUB.
                while let Some(octets) = connection.poll_transmit() {
                    stream.write_all(&octets).await?;
                }
                return Ok((peer, encoder));
            }
            Ok(_) => {}
            Err(error) => {
                while let Some(octets) = connection.poll_transmit() {
                    // A last word, if the kernel takes it; the connection is closed either way.
                    let _ = stream.try_write(&octets);
                }
                return Err(error.into());
            }
        }
        connection.buffer().reserve(READ);
        if stream.read_buf(connection.buffer()).await? == 0 {
            return Err(Error::Closed);
        }
    }
}

/// Has the kernel notice that the remote's host is gone: without it, a connection that is silent
/// outlives its remote for ever. What it costs is a probe now and then on a quiet connection. (Not
/// `TCP_USER_TIMEOUT`: on Linux it also ends a connection whose remote is alive and does not read.)
fn keep_watch(stream: &TcpStream) {
    let socket = SockRef::from(stream);
    let probes = TcpKeepalive::new().with_time(IDLE).with_interval(PROBE).with_retries(PROBES);
    // A system that cannot do it is none the worse for it.
    let _ = socket.set_tcp_keepalive(&probes);
}

/// `making`, but no longer than until `deadline`.
pub(super) async fn within<T>(
    deadline: Option<std::time::Instant>,
    making: impl Future<Output = Result<T, Error>>,
) -> Result<T, Error> {
    match deadline {
        Some(deadline) => timeout_at(Instant::from_std(deadline), making)
            .await
            .unwrap_or(Err(Error::Protocol(crate::Error::HandshakeTimeout))),
        None => making.await,
    }
}
