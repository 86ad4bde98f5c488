//! The mailbox: the ROUTER that every peer connects to, at all places of the node.

use std::io;
use std::net::{SocketAddr, TcpListener};

use bytes::Bytes;
use zmtp::{Config, SocketType};
use zre_proto::{PeerId, two_way};

use crate::interface::Place;
use crate::{Limits, StartError, ports};

/// A socket at which peers connect.
pub(crate) struct Door {
    pub(crate) place: Place,
    pub(crate) socket: TcpListener,
    pub(crate) port: u16,
}

/// Opens the mailbox at all these places: at this port, or at the first one of the range that is
/// free at all of them. A place that is not there any more, or not yet, is left out.
pub(crate) fn open(places: &[Place], port: Option<u16>) -> Result<Vec<Door>, StartError> {
    if let Some(port) = port {
        return open_at(places, port);
    }
    let found = ports::search(|port| match open_at(places, port) {
        Err(StartError::PortInUse { .. }) => None,
        opened => Some(opened),
    });
    found.unwrap_or_else(|| {
        let address = places.first().map_or_else(unknown, |it| it.socket_address(u16::MAX));
        Err(StartError::Mailbox { address, source: io::ErrorKind::AddrInUse.into() })
    })
}

fn open_at(places: &[Place], mut port: u16) -> Result<Vec<Door>, StartError> {
    let mut doors = Vec::new();
    for place in places {
        let address = place.socket_address(port);
        let failed = |source| StartError::Mailbox { address, source };
        match TcpListener::bind(address) {
            Ok(socket) => {
                // If it was 0, the system has chosen one.
                port = socket.local_addr().map_err(failed)?.port();
                doors.push(Door { place: place.clone(), socket, port });
            }
            // An IPv6 address is of no use before the host is sure that nobody else has it.
            Err(error) if error.kind() == io::ErrorKind::AddrNotAvailable => {
                tracing::debug!(%address, %error, "mailbox not opened");
            }
            Err(error) if error.kind() == io::ErrorKind::AddrInUse => {
                return Err(StartError::PortInUse { port, interface: place.interface.clone() });
            }
            Err(source) => return Err(failed(source)),
        }
    }
    Ok(doors)
}

fn unknown() -> SocketAddr {
    (std::net::Ipv4Addr::UNSPECIFIED, 0).into()
}

/// How the connections of a node begin, in both roles. Other implementations tell no identity with
/// their ROUTER, and ignore ours.
pub(crate) fn config(
    socket_type: SocketType,
    id: PeerId,
    limits: &Limits,
    two_way: bool,
) -> Config {
    let config = Config::new(socket_type)
        .with_identity(id.routing_id().to_vec())
        .with_limits(limits.stranger());
    if two_way { config.with_property(two_way::PROPERTY, two_way::VALUE) } else { config }
}

/// Returns the node behind a routing id; `None` if it is not that of a ZRE node.
pub(crate) fn sender(routing_id: &Bytes) -> Option<PeerId> {
    PeerId::from_routing_id(routing_id)
}
