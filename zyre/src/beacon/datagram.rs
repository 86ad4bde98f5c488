//! One datagram, and how it has come in, as far as the system tells.

use std::net::{IpAddr, SocketAddr};

pub(super) use self::system::{receive, tell_more};

/// A datagram beside its bytes.
pub(super) struct Datagram {
    /// Of its bytes, those that were received: the rest did not fit.
    pub(super) length: usize,
    pub(super) source: SocketAddr,
    /// The index of the interface that it came in by.
    pub(super) interface: Option<u32>,
    /// The address that it was sent to.
    pub(super) destination: Option<IpAddr>,
}

/// Systems that tell by `IP_PKTINFO` and `IPV6_PKTINFO`.
#[cfg(any(target_os = "android", target_os = "ios", target_os = "linux", target_os = "macos"))]
mod system {
    use std::io::{self, IoSliceMut};
    use std::net::{Ipv4Addr, SocketAddr, SocketAddrV4, SocketAddrV6};
    use std::os::fd::AsRawFd;

    use nix::sys::socket::sockopt::{Ipv4PacketInfo, Ipv6RecvPacketInfo};
    use nix::sys::socket::{ControlMessageOwned, MsgFlags, SockaddrStorage, recvmsg, setsockopt};
    use tokio::net::UdpSocket;

    use super::Datagram;

    /// Room for what the system tells: a header and 12 or 20 bytes, aligned as it writes them.
    #[repr(align(8))]
    struct Control([u8; 64]);

    /// Lets the system tell.
    pub(in super::super) fn tell_more(socket: &socket2::Socket, v6: bool) -> io::Result<()> {
        match v6 {
            true => setsockopt(socket, Ipv6RecvPacketInfo, &true)?,
            false => setsockopt(socket, Ipv4PacketInfo, &true)?,
        }
        Ok(())
    }

    /// Receives one datagram, as long as there is room for it in `bytes`.
    pub(in super::super) fn receive(socket: &UdpSocket, bytes: &mut [u8]) -> io::Result<Datagram> {
        let mut control = Control([0; 64]);
        let mut buffers = [IoSliceMut::new(bytes)];
        let fd = socket.as_raw_fd();
        let received =
            recvmsg::<SockaddrStorage>(fd, &mut buffers, Some(&mut control.0), MsgFlags::empty())?;
        let source = received.address.as_ref().and_then(address);
        let source = source.ok_or(io::ErrorKind::InvalidData)?;
        let mut datagram =
            Datagram { length: received.bytes, source, interface: None, destination: None };
        for told in received.cmsgs()? {
            match told {
                ControlMessageOwned::Ipv4PacketInfo(info) => {
                    datagram.interface = index(info.ipi_ifindex);
                    let to = Ipv4Addr::from(info.ipi_addr.s_addr.to_ne_bytes());
                    datagram.destination = Some(to.into());
                }
                ControlMessageOwned::Ipv6PacketInfo(info) => {
                    datagram.interface = index(info.ipi6_ifindex);
                    datagram.destination = Some(info.ipi6_addr.s6_addr.into());
                }
                _ => {}
            }
        }
        Ok(datagram)
    }

    /// Systems do not agree on the type of an index.
    fn index(raw: impl TryInto<u32>) -> Option<u32> {
        raw.try_into().ok()
    }

    fn address(address: &SockaddrStorage) -> Option<SocketAddr> {
        let v4 = || address.as_sockaddr_in().map(|it| SocketAddrV4::from(*it).into());
        let v6 = || address.as_sockaddr_in6().map(|it| SocketAddrV6::from(*it).into());
        v4().or_else(v6)
    }
}

/// Systems that are not asked: what they say of a link-local source is the scope.
#[cfg(not(any(
    target_os = "android",
    target_os = "ios",
    target_os = "linux",
    target_os = "macos"
)))]
mod system {
    use std::io;
    use std::net::{Ipv4Addr, SocketAddr};

    use tokio::net::UdpSocket;

    use super::Datagram;

    /// `WSAEMSGSIZE`: there was no room for all of a datagram.
    const TOO_LONG: i32 = 10040;

    pub(in super::super) fn tell_more(_socket: &socket2::Socket, _v6: bool) -> io::Result<()> {
        Ok(())
    }

    /// Receives one datagram, as long as there is room for it in `bytes`.
    pub(in super::super) fn receive(socket: &UdpSocket, bytes: &mut [u8]) -> io::Result<Datagram> {
        let (length, source) = match socket.try_recv_from(bytes) {
            Err(error) if error.raw_os_error() == Some(TOO_LONG) => {
                (0, (Ipv4Addr::UNSPECIFIED, 0).into())
            }
            received => received?,
        };
        let interface = match source {
            SocketAddr::V6(source) if source.scope_id() != 0 => Some(source.scope_id()),
            _ => None,
        };
        Ok(Datagram { length, source, interface, destination: None })
    }
}
