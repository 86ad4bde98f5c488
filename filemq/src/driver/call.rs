//! A connection that the other side has dialled as server.

use std::net::SocketAddr;

use bytes::Bytes;
use zmtp::net::{Established, SendQueueLimits, connect_from};
use zmtp::{Config, Limits, PeerInfo, SocketType};

use super::way::Way;
use crate::Ticket;
use crate::calls::{ROLE, SERVER, TICKET};

/// A connection on which the remote, which has dialled it, is the server. See
/// [`calls`](crate::calls).
///
/// It is closed when this is dropped.
#[derive(Debug)]
pub struct Call {
    ticket: Ticket,
    pub(super) established: Established,
}

impl Call {
    /// Returns the identity that the caller has announced. It is verified by nothing but its ticket.
    #[must_use]
    pub const fn identity(&self) -> &Bytes {
        &self.established.peer.identity
    }

    /// Returns what the caller has said of itself, and, on a connection that is secured, the key that it
    /// has proved.
    #[must_use]
    pub const fn peer(&self) -> &PeerInfo {
        &self.established.peer
    }

    /// Returns the ticket that the caller shows.
    #[must_use]
    pub const fn ticket(&self) -> Ticket {
        self.ticket
    }

    /// Returns the address that the caller is connected from.
    #[must_use]
    pub const fn address(&self) -> SocketAddr {
        self.established.address
    }

    /// Takes an accepted connection for a call, if it is one. A call without a ticket is none of
    /// anybody's.
    pub(super) fn from_accepted(established: Established) -> Accepted {
        if established.peer.property(ROLE).is_none_or(|role| role != SERVER) {
            return Accepted::Client(established);
        }
        let ticket = established.peer.property(TICKET);
        match ticket.and_then(|ticket| <[u8; 16]>::try_from(&ticket[..]).ok()) {
            Some(ticket) => Accepted::Call(Self { ticket: Ticket::new(ticket), established }),
            None => Accepted::Nobody,
        }
    }
}

/// What an accepted connection is.
pub(super) enum Accepted {
    /// A client's.
    Client(Established),
    /// A server's.
    Call(Call),
    /// One that says that it is a server's, and shows no ticket.
    Nobody,
}

/// Dials a client as its server.
pub(super) async fn dial(
    identity: Bytes,
    way: &Way,
    limits: Limits,
    queue: SendQueueLimits,
) -> Result<Established, zmtp::net::Error> {
    let mut config = Config::new(SocketType::Dealer)
        .with_identity(identity)
        .with_limits(limits)
        .with_mechanism(way.mechanism.clone())
        .with_property(ROLE, SERVER);
    if let Some(ticket) = way.ticket {
        config = config.with_property(TICKET, ticket.as_bytes().to_vec());
    }
    connect_from(&way.start, way.address, &config, queue).await
}
