//! Who a client of the file server is: whose groups' files it gets.

use std::sync::Arc;

use filemq::{Call, ClientInfo, Guest, Ticket};
use zre_proto::{Engine, PeerId};

use super::recipient;
use crate::driver::Driver;
use crate::mailbox;

/// What a client is told whose ticket is not one of this node's, or not any more.
const NOT_VALID: &str = "this ticket is not valid, or not any more";

/// Returns the ticket of the engine as FILEMQ has it.
pub(super) const fn ticket(ticket: zre_proto::Ticket) -> Ticket {
    Ticket::new(*ticket.as_bytes())
}

/// Whether this node has given a peer this ticket.
fn is_for(engine: &Engine, peer: PeerId, shown: Ticket) -> bool {
    engine.ticket_for(peer).is_some_and(|given| ticket(given) == shown)
}

/// Whether a peer and this node know each other by tickets.
pub(super) fn have_tickets(engine: &Engine, peer: PeerId) -> bool {
    engine.ticket_for(peer).is_some() && engine.ticket_from(peer).is_some()
}

/// Returns the peer that a client is. One of this implementation shows a ticket, from wherever it
/// comes. Others are known by their address alone: where their mailbox is, or where their own
/// connection comes from.
///
/// # Errors
/// What the client is to be told, if its ticket is not one of this node's.
pub(super) fn peer(driver: &Driver, client: &ClientInfo) -> Result<Option<PeerId>, &'static str> {
    let Some(id) = mailbox::sender(&client.identity) else {
        return if client.ticket.is_some() { Err(NOT_VALID) } else { Ok(None) };
    };
    if let Some(shown) = client.ticket {
        let is_it = driver.ask(|engine| is_for(engine, id, shown));
        return if is_it { Ok(Some(id)) } else { Err(NOT_VALID) };
    }
    let by_address = |engine: &Engine| {
        let peer = engine.peer(id).filter(|_| !have_tickets(engine, id))?;
        Some(peer.endpoint.address().ip() == client.address.ip())
    };
    let is_it = match driver.ask(by_address) {
        None => false,
        Some(at_mailbox) => at_mailbox || driver.is_connected_from(id, client.address.ip()),
    };
    Ok(is_it.then_some(id))
}

/// Returns whom a client is taken for: its groups, and itself, are its tags.
///
/// # Errors
/// Why it is refused.
pub(super) fn guest(driver: &Driver, client: &ClientInfo) -> Result<Guest, Arc<str>> {
    let Some(id) = peer(driver, client).map_err(Arc::from)? else { return Ok(Guest::default()) };
    let groups = driver.ask(|engine| Some(engine.peer(id)?.groups));
    let tags = recipient::tags(id, &groups.unwrap_or_default());
    Ok(Guest { name: Some(id.to_string().into()), tags })
}

/// Returns the peer whose server has dialled a connection to this node.
pub(super) fn caller(driver: &Driver, call: &Call) -> Option<PeerId> {
    let id = mailbox::sender(call.identity())?;
    driver.ask(|engine| is_for(engine, id, call.ticket())).then_some(id)
}
