//! The mailbox: the ROUTER that every peer connects to.

use std::io;
use std::net::{IpAddr, SocketAddr, TcpListener};
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use tokio::time::Instant;
use zmtp::net::{Listener, ListenerLimits, OutboxLimits, Reader};
use zre_proto::{ConnId, PeerId};

use crate::driver::{Delivered, Driver};
use crate::interface::Interface;
use crate::{Limits, StartError};

/// The first port of the range in which mailboxes are (RFC 36: %C000x - %FFFFx).
const FIRST_PORT: u16 = 0xC000;

/// Opens the mailbox on an interface: at this port, or at the first free one of the range.
pub(crate) fn open(
    id: PeerId,
    interface: &Interface,
    port: Option<u16>,
    limits: &Limits,
) -> Result<Listener, StartError> {
    let bind = |port| TcpListener::bind(SocketAddr::from((interface.address, port)));
    let listener = match port {
        Some(port) => bind(port).map_err(|error| match error.kind() {
            io::ErrorKind::AddrInUse => {
                StartError::PortInUse { port, interface: interface.name.clone() }
            }
            _ => StartError::Mailbox(error),
        })?,
        None => (FIRST_PORT..=u16::MAX)
            .find_map(|port| match bind(port) {
                Err(error) if error.kind() == io::ErrorKind::AddrInUse => None,
                other => Some(other),
            })
            .unwrap_or_else(|| Err(io::ErrorKind::AddrInUse.into()))
            .map_err(StartError::Mailbox)?,
    };
    // Other implementations tell no identity here, and ignore ours.
    let config = zmtp::Config::new(zmtp::SocketType::Router)
        .with_identity(id.routing_id().to_vec())
        .with_limits(limits.stranger());
    Listener::from_std(listener, config, limits.listener()).map_err(StartError::Mailbox)
}

/// A connection is not waited for longer than this, whatever is set.
const LONGEST: Duration = Duration::from_secs(24 * 60 * 60);

/// The node behind a routing id. Others than ZRE nodes have no business here.
pub(crate) fn sender(routing_id: &Bytes) -> Option<PeerId> {
    PeerId::from_routing_id(routing_id)
}

/// A connection at the mailbox.
pub(crate) struct Visit {
    /// In whose name it speaks.
    pub(crate) peer: PeerId,
    pub(crate) conn: ConnId,
    pub(crate) source: IpAddr,
    pub(crate) reader: Reader,
    /// It is the one on which a peer that has said HELLO is heard. Before that, less is taken from
    /// it, and its place may be given to another.
    pub(crate) known: bool,
}

/// Reads one connection until it ends. Each batch of messages that one read brings is handed over
/// at once. While the application does not take its events nothing is read: TCP makes the peer
/// wait. A connection that has brought nothing good in the time of a handshake is closed: it would
/// keep the place of another.
pub(crate) async fn serve(driver: Arc<Driver>, mut visit: Visit) {
    let Visit { peer, conn, source, .. } = visit;
    let patience = driver.dealer.limits.handshake_time.min(LONGEST);
    let deadline = Instant::now() + patience;
    loop {
        match driver.deliver(&mut visit) {
            Ok(Delivered::All) => {
                if driver.events.is_crowded() {
                    // What is taken soon is still near; and a task that this one has woken may
                    // have to wait for it.
                    tokio::task::yield_now().await;
                }
            }
            Ok(Delivered::More) => continue,
            Ok(Delivered::NoRoom) => {
                driver.wait_for_room().await;
                continue;
            }
            Err(error) => {
                tracing::debug!(%peer, %source, %error, "mailbox connection broke the protocol");
                driver.count(|stats| stats.connections_broken += 1);
                break;
            }
        }
        let filled = if visit.known {
            visit.reader.fill().await
        } else {
            match tokio::time::timeout_at(deadline, visit.reader.fill()).await {
                Ok(filled) => filled,
                // What it said may have been held, and be good by now.
                Err(_) if driver.knows(&mut visit) => continue,
                Err(_) => {
                    tracing::debug!(%peer, %source, "mailbox connection brought nothing");
                    driver.count(|stats| stats.connections_idle += 1);
                    break;
                }
            }
        };
        match filled {
            Ok(true) => {}
            Ok(false) => break,
            Err(error) => {
                tracing::debug!(%peer, %source, %error, "mailbox connection lost");
                break;
            }
        }
    }
    driver.disconnected(peer, conn);
}

impl Limits {
    /// The limits of one connection.
    pub(crate) fn transport(&self) -> zmtp::Limits {
        zmtp::Limits {
            frame: self.message_octets,
            message: self.message_octets,
            frames: self.message_frames,
            handshake_time: self.handshake_time,
            ..zmtp::Limits::default()
        }
    }

    /// The limits of one connection that has not said HELLO.
    pub(crate) fn stranger(&self) -> zmtp::Limits {
        let octets = self.hello_octets.min(self.message_octets);
        zmtp::Limits { frame: octets, message: octets, ..self.transport() }
    }

    /// How many connections that have not said HELLO there may be.
    pub(crate) fn strangers(&self) -> usize {
        (self.connections / 4).max(1)
    }

    /// What may wait for one peer.
    pub(crate) const fn outbox(&self) -> OutboxLimits {
        OutboxLimits { messages: self.link_messages, octets: self.link_octets }
    }

    fn listener(&self) -> ListenerLimits {
        ListenerLimits {
            connections: self.connections,
            handshakes: self.handshakes,
            ..ListenerLimits::default()
        }
    }
}
