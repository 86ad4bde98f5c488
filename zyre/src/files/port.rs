//! The port of the file server.

use std::io;
use std::net::SocketAddr;

use filemq::Server;

use crate::error::StartError;
use crate::ports;

/// What the application says of the file server's port.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct PortSettings {
    /// `None`: the first one that is free.
    pub(crate) own: Option<u16>,
    /// The port outside, for peers that are told the advertised endpoint.
    pub(crate) advertised: Option<u16>,
}

/// Listens at these addresses: at this port, or at the first one of the range that is free at all of
/// them. Returns the port.
pub(super) fn listen(
    server: &Server,
    places: &[SocketAddr],
    port: Option<u16>,
) -> Result<u16, StartError> {
    let in_use = |error: &io::Error| error.kind() == io::ErrorKind::AddrInUse;
    let failed =
        |address: SocketAddr, source| StartError::FileServer { address: address.ip(), source };
    if let Some(port) = port {
        return listen_at(server, places, port).map_err(|(address, source)| {
            let is_taken = in_use(&source) && port != 0;
            let taken = StartError::FilePortInUse { port, address: address.ip() };
            if is_taken { taken } else { failed(address, source) }
        });
    }
    let found = ports::search(|port| match listen_at(server, places, port) {
        Err((_, error)) if in_use(&error) => None,
        opened => Some(opened),
    });
    let none = || {
        let nowhere = SocketAddr::from(([0, 0, 0, 0], 0));
        let address = places.first().copied().unwrap_or(nowhere);
        Err((address, io::ErrorKind::AddrInUse.into()))
    };
    found.unwrap_or_else(none).map_err(|(address, source)| failed(address, source))
}

/// Listens at this port of all these addresses; 0 lets the system choose. If that is not possible the
/// server listens nowhere.
fn listen_at(
    server: &Server,
    places: &[SocketAddr],
    mut port: u16,
) -> Result<u16, (SocketAddr, io::Error)> {
    let mut opened = Vec::new();
    let result = places.iter().try_for_each(|address| {
        let mut address = *address;
        address.set_port(port);
        let there = server.listen(address).map_err(|source| (address, source))?;
        port = there.port();
        opened.push(there);
        Ok(())
    });
    match result {
        Ok(()) => Ok(port),
        Err(error) => {
            opened.into_iter().for_each(|address| server.stop_listening(address));
            Err(error)
        }
    }
}
