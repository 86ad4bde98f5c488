//! The tickets that the node gives.

use std::collections::BTreeMap;

use crate::ConnId;
use crate::ticket::Ticket;

/// The tickets for those at the other ends of connections, as long as these last.
#[derive(Debug, Default)]
pub(crate) struct Tickets(BTreeMap<ConnId, Ticket>);

impl Tickets {
    pub(crate) fn keep(&mut self, conn: ConnId, ticket: Ticket) {
        self.0.insert(conn, ticket);
    }

    pub(crate) fn forget(&mut self, conn: ConnId) {
        self.0.remove(&conn);
    }

    pub(crate) fn of(&self, conn: ConnId) -> Option<Ticket> {
        self.0.get(&conn).copied()
    }
}
