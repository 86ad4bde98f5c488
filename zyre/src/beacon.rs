//! The beacon on real sockets: one that hears, one that announces.

use std::io;
use std::net::{IpAddr, Ipv4Addr, SocketAddr, UdpSocket};

use socket2::{Domain, Protocol, Socket, Type};
use zre_proto::{Beacon, PeerId};

use crate::interface::Interface;

/// Hears the beacons of all nodes on this port.
pub(crate) struct Hearer {
    socket: tokio::net::UdpSocket,
}

impl Hearer {
    /// Shares the port with every other node on the host, of every implementation: some set
    /// `SO_REUSEADDR`, some `SO_REUSEPORT`, so both are set here.
    pub(crate) fn bind(port: u16) -> io::Result<Self> {
        let socket = Socket::new(Domain::IPV4, Type::DGRAM, Some(Protocol::UDP))?;
        socket.set_reuse_address(true)?;
        #[cfg(all(unix, not(any(target_os = "solaris", target_os = "illumos"))))]
        socket.set_reuse_port(true)?;
        socket.set_nonblocking(true)?;
        socket.bind(&SocketAddr::from((Ipv4Addr::UNSPECIFIED, port)).into())?;
        Ok(Self { socket: tokio::net::UdpSocket::from_std(socket.into())? })
    }

    /// The next datagram that is a beacon, and the address it came from. Everything else is
    /// dropped without a word (RFC 36). Safe to cancel.
    pub(crate) async fn next(&self) -> (Beacon, IpAddr) {
        let mut datagram = [0; Beacon::MAX_LEN];
        loop {
            match self.socket.recv_from(&mut datagram).await {
                Ok((length, source)) => {
                    if let Ok(beacon) = Beacon::decode(&datagram[..length]) {
                        return (beacon, source.ip());
                    }
                }
                // A UDP socket reports what happened to a datagram before; the next is not
                // concerned. Waiting keeps an error that stays from spinning.
                Err(error) => {
                    tracing::debug!(%error, "beacon not received");
                    tokio::time::sleep(std::time::Duration::from_millis(100)).await;
                }
            }
        }
    }
}

/// Announces one node on one interface.
pub(crate) struct Announcer {
    id: PeerId,
    port: u16,
    interface: Interface,
    socket: UdpSocket,
    target: SocketAddr,
    /// The goodbye was said: nothing may be announced after it.
    ended: bool,
}

impl Announcer {
    /// Announces the mailbox at `mailbox_port`. Sends from the interface's address, since peers
    /// take the sender's address for that of the mailbox.
    pub(crate) fn new(
        id: PeerId,
        interface: &Interface,
        beacon_port: u16,
        mailbox_port: u16,
    ) -> io::Result<Self> {
        let socket = UdpSocket::bind((interface.address, 0))?;
        socket.set_broadcast(true)?;
        socket.set_nonblocking(true)?;
        let target = SocketAddr::from((interface.broadcast, beacon_port));
        let interface = interface.clone();
        Ok(Self { id, port: mailbox_port, interface, socket, target, ended: false })
    }

    /// Where it announces.
    pub(crate) const fn interface(&self) -> &Interface {
        &self.interface
    }

    /// Whether the goodbye was said.
    pub(crate) const fn has_ended(&self) -> bool {
        self.ended
    }

    /// Sends one beacon.
    pub(crate) fn announce(&self) -> io::Result<()> {
        if self.ended {
            return Ok(());
        }
        self.send(self.port)
    }

    /// Sends the goodbye beacon. From now on the announcer is silent.
    pub(crate) fn goodbye(&mut self) -> io::Result<()> {
        if std::mem::replace(&mut self.ended, true) {
            return Ok(());
        }
        self.send(0)
    }

    fn send(&self, port: u16) -> io::Result<()> {
        let beacon = Beacon { peer: self.id, port, public_key: None };
        self.socket.send_to(&beacon.encode(), self.target).map(drop)
    }
}
