//! How a remote is reached.

use std::net::SocketAddr;
use std::time::Duration;

use zmtp::Mechanism;
use zmtp::net::Start;

use crate::Ticket;

/// How a remote is reached, and by what it knows this side.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Way {
    /// Where the connection begins.
    pub start: Start,
    /// Where it goes.
    pub address: SocketAddr,
    /// How the connection is secured: by a key that only the remote can prove, for instance.
    pub mechanism: Mechanism,
    /// What the remote has given this side to be known by; `None` for one of another implementation,
    /// or one that was not met elsewhere.
    pub ticket: Option<Ticket>,
    /// How long the remote is waited for, which may connect by itself, before it is dialled. See
    /// [`calls`](crate::calls).
    pub patience: Duration,
}

impl From<SocketAddr> for Way {
    /// Returns the way to a remote that is dialled at once, in the clear, and has given no ticket.
    fn from(address: SocketAddr) -> Self {
        let (start, mechanism) = (Start::default(), Mechanism::Null);
        Self { start, address, mechanism, ticket: None, patience: Duration::ZERO }
    }
}
