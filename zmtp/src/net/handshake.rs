//! From a TCP connection to one that is ready.

use std::{future::Future, net::SocketAddr};

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

/// Runs the handshake. What comes after READY stays in the buffer of the connection.
pub(super) async fn greet(
    stream: &mut TcpStream,
    connection: &mut Connection,
) -> Result<(PeerInfo, Encoder), Error> {
    // Messages are batched before they get here; Nagle would only delay the last one of a batch.
    stream.set_nodelay(true)?;
    loop {
        while let Some(octets) = connection.poll_transmit() {
            stream.write_all(&octets).await?;
        }
        match connection.poll_event() {
            Ok(Some(Event::Ready(peer, encoder))) => return Ok((peer, encoder)),
            Ok(Some(Event::Message(_)) | None) => {}
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
