//! A socket that hears beacons.

use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use socket2::{Domain, Protocol, SockRef, Socket, Type};
use tokio::io::Interest;
use tokio::net::UdpSocket;
use zre_proto::Beacon;

use super::datagram::{self, Datagram};
use super::heard::Heard;

/// Beacons that are taken at a time. Where many nodes start together many wait.
const MAX_BATCH: usize = 8;

/// Waiting keeps an error that stays from spinning.
const PAUSE_AFTER_ERROR: Duration = Duration::from_millis(100);

/// A socket that hears beacons of one family.
pub(super) struct Ear(UdpSocket);

impl Ear {
    /// Shares the port with every other node on the host, of every implementation: some set
    /// `SO_REUSEADDR`, some `SO_REUSEPORT`, so both are set here.
    pub(super) fn bind(address: SocketAddr) -> io::Result<Self> {
        let socket = Socket::new(Domain::for_address(address), Type::DGRAM, Some(Protocol::UDP))?;
        if address.is_ipv6() {
            // What comes by IPv4 is heard by the other one.
            socket.set_only_v6(true)?;
        }
        socket.set_reuse_address(true)?;
        #[cfg(all(unix, not(any(target_os = "solaris", target_os = "illumos"))))]
        socket.set_reuse_port(true)?;
        socket.set_nonblocking(true)?;
        datagram::tell_more(&socket, address.is_ipv6())?;
        socket.bind(&address.into())?;
        Ok(Self(UdpSocket::from_std(socket.into())?))
    }

    pub(super) fn socket(&self) -> SockRef<'_> {
        SockRef::from(&self.0)
    }

    /// The next beacons: those that wait, at least one. Safe to cancel.
    pub(super) async fn next(&self) -> Vec<Heard> {
        loop {
            let mut heard = Vec::new();
            let received = match self.0.readable().await {
                Ok(()) => self.0.try_io(Interest::READABLE, || self.receive(&mut heard)),
                Err(error) => Err(error),
            };
            match received {
                _ if !heard.is_empty() => return heard,
                Ok(()) => {}
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                // A UDP socket reports what happened to a datagram before; the next is not
                // concerned.
                Err(error) => {
                    tracing::debug!(%error, "beacon not received");
                    tokio::time::sleep(PAUSE_AFTER_ERROR).await;
                }
            }
        }
    }

    /// Takes what is there. Anything but a beacon for this host is dropped.
    fn receive(&self, heard: &mut Vec<Heard>) -> io::Result<()> {
        let mut bytes = [0; Beacon::MAX_LEN];
        while heard.len() < MAX_BATCH {
            let datagram = datagram::receive(&self.0, &mut bytes)?;
            if is_routed(&datagram) {
                continue;
            }
            let Datagram { length, source, interface, destination } = datagram;
            if let Ok(beacon) = Beacon::decode(&bytes[..length]) {
                heard.push(Heard { beacon, source, interface, destination });
            }
        }
        Ok(())
    }
}

/// Whether a datagram may come from beyond the link. By IPv6 any host of the world can reach this
/// one, and none of them may have it dial.
fn is_routed(datagram: &Datagram) -> bool {
    let SocketAddr::V6(from) = datagram.source else { return false };
    let to_one = datagram.destination.is_some_and(|to| !to.is_multicast());
    to_one && !from.ip().is_unicast_link_local()
}
