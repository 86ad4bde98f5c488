//! Which peer a client of the file server is: it gets the files of that peer's groups.

use std::sync::Arc;

use filemq::{Call, ClientInfo, Guest, Ticket};
use zre_proto::{Engine, PeerId};

use super::recipient;
use crate::driver::Driver;
use crate::{mailbox, secure};

/// What a client is told whose ticket is not one of this node's, or not any more.
const NOT_VALID: &str = "this ticket is not valid, or not any more";

/// What a client of a secure node is told that is no peer, or not any more.
const NOT_ITS_KEY: &str = "no peer has this id and this key";

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

/// Whether the other end of a connection may be this peer: on a secure node it has proved that peer's
/// key, by a handshake of its own.
fn has_key_of(driver: &Driver, peer: PeerId, info: &zmtp::PeerInfo) -> bool {
    driver.ask(|engine| engine.key_of(peer)) == secure::proved(info)
}

/// Returns the peer that a client is. One of this implementation shows a ticket, from wherever it
/// comes. Others are known by their key; where there are none, by their address alone: where their
/// mailbox is, or where their own connection comes from.
///
/// # Errors
/// The text for the client, if its ticket is not one of this node's, or its key is not that of the
/// peer. A secure node serves none but its peers.
pub(super) fn peer(driver: &Driver, client: &ClientInfo) -> Result<Option<PeerId>, &'static str> {
    let Some(id) = mailbox::sender(&client.identity) else {
        let is_anybody = client.ticket.is_none() && !driver.is_secure();
        return if is_anybody { Ok(None) } else { Err(NOT_VALID) };
    };
    if !has_key_of(driver, id, &client.peer) {
        return Err(NOT_ITS_KEY);
    }
    if let Some(shown) = client.ticket {
        let is_it = driver.ask(|engine| is_for(engine, id, shown));
        return if is_it { Ok(Some(id)) } else { Err(NOT_VALID) };
    }
    let without_ticket = |engine: &Engine| {
        let peer = engine.peer(id).filter(|_| !have_tickets(engine, id))?;
        Some(driver.is_secure() || peer.endpoint.address().ip() == client.address.ip())
    };
    let is_it = match driver.ask(without_ticket) {
        None => false,
        Some(is_known) => is_known || driver.is_connected_from(id, client.address.ip()),
    };
    Ok(is_it.then_some(id))
}

/// Returns the peer that a client is: its groups, and its id, are its tags.
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
    if !has_key_of(driver, id, call.peer()) {
        return None;
    }
    driver.ask(|engine| is_for(engine, id, call.ticket())).then_some(id)
}
