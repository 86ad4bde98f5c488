//! How the file sharing of a peer is reached: who dials, from where, and to where.

use std::net::SocketAddr;
use std::time::Duration;

use filemq::Way;
use zre_proto::{Endpoint, LinkKind, PeerId, PeerInfo};

use super::guest;
use crate::driver::Driver;
use crate::mechanism;

/// The header that announces a node's file server.
pub(crate) const HEADER: &str = "X-FILEMQ";

/// The header of a node that publishes and takes nothing, and its value: nobody calls it.
pub(crate) const TAKES_HEADER: (&str, &str) = ("X-FILEMQ-TAKES", "nothing");

/// How long a node waits for one that has dialled before, and dials at once.
const PATIENCE: Duration = Duration::from_secs(3);

/// How the file sharing of a peer is reached.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct PeerWays {
    /// By this node's client, to the peer's server.
    pub(super) to_server: Way,
    /// By this node's server, to the peer's client; `None` for one that cannot be called.
    pub(super) to_client: Option<Way>,
}

/// Returns how the file sharing of a peer is reached; `None` if it shares no files.
///
/// Two that know each other by tickets, and have one connection for both directions, know which of
/// them can dial: the one that has dialled that connection does so for both roles. With all others
/// each client dials.
pub(super) fn to_peer(driver: &Driver, peer: PeerId) -> Option<PeerWays> {
    let (info, ticket, have_tickets) = driver.ask(|engine| {
        let ticket = engine.ticket_from(peer).map(guest::ticket);
        Some((engine.peer(peer)?, ticket, guest::have_tickets(engine, peer)))
    })?;
    let address = server_of(&info)?;
    // Whatever the header says, nobody else is there.
    let mechanism = mechanism::to(driver.gate(), info.endpoint.key())?;
    // From where the peer knows this node, which it takes for nobody else then.
    let local = driver.local_to(peer);
    let start = local.map(|local| driver.location().start_like(local, address)).unwrap_or_default();
    let (header, nothing) = TAKES_HEADER;
    let takes = info.headers.get(header).is_none_or(|value| value != nothing);
    let (is_waited_for, is_called) = dialled(have_tickets.then_some(info.link), takes);
    let patience = if is_waited_for { PATIENCE } else { Duration::ZERO };
    let way = Way { start, address, mechanism, ticket, patience };
    Some(PeerWays { to_client: is_called.then(|| way.clone()), to_server: way })
}

/// Returns whether this node waits for a peer to dial, and whether its server calls the peer's client,
/// which `takes` files or not. `link` is `None` without tickets.
const fn dialled(link: Option<LinkKind>, takes: bool) -> (bool, bool) {
    match link {
        Some(LinkKind::Dialled) => (false, takes),
        // Its server calls, whether its client takes anything or not.
        Some(LinkKind::Accepted) => (true, takes),
        _ => (false, false),
    }
}

/// Returns where a peer's file server is. It has to be where the peer itself is: a header must not
/// make the nodes of a network connect to a third party.
fn server_of(peer: &PeerInfo) -> Option<SocketAddr> {
    let there = peer.endpoint.address();
    let server = Endpoint::announced(peer.headers.get(HEADER)?.as_bytes(), there)?.address();
    (server.ip() == there.ip()).then_some(server)
}

#[cfg(test)]
mod tests {
    use super::{LinkKind, dialled};

    #[test]
    fn the_side_that_has_dialled_dials_for_files_and_the_other_waits() {
        assert_eq!(dialled(Some(LinkKind::Dialled), true), (false, true));
        assert_eq!(dialled(Some(LinkKind::Accepted), true), (true, true));
        // A peer that only publishes.
        assert_eq!(dialled(Some(LinkKind::Dialled), false), (false, false));
        assert_eq!(dialled(Some(LinkKind::Accepted), false), (true, false));
        for takes in [false, true] {
            assert_eq!(dialled(Some(LinkKind::OneEachWay), takes), (false, false));
            assert_eq!(dialled(None, takes), (false, false));
        }
    }
}
