//! Where a connection begins.

use std::io;
use std::net::{IpAddr, SocketAddr, SocketAddrV6};
use std::pin::pin;
use std::time::Duration;

use socket2::SockRef;
use tokio::net::{TcpSocket, TcpStream};
use tokio::time::timeout;

use super::socket_options::prepare;

/// Where a connection begins. By default wherever the system's routes say.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Start {
    /// The address of this host.
    pub address: Option<IpAddr>,
    /// The name of an interface: all of the connection goes through it, whatever the routes say.
    /// Has no effect on systems other than Linux and Android; where it is forbidden neither.
    pub device: Option<String>,
    /// How long the connection is tried by the routes alone before it is also tried by the `device`;
    /// that which is up first stays. Zero: only by the device.
    ///
    /// Of a host with two interfaces on one network others may answer to the one what has come from the
    /// other, and a connection that goes through one of them alone does not hear that. With the
    /// same subnet on two networks, on the other hand, the routes lead to one of these.
    pub device_after: Duration,
}

impl Start {
    /// Connects, for as long as that takes.
    pub(super) async fn connect(&self, address: SocketAddr) -> io::Result<TcpStream> {
        let by_device = || connect(self.address, self.device.as_deref(), address);
        if self.device.is_none() || self.device_after.is_zero() {
            return by_device().await;
        }
        let mut by_routes = pin!(connect(self.address, None, address));
        match timeout(self.device_after, &mut by_routes).await {
            Ok(Ok(stream)) => return Ok(stream),
            Ok(Err(_)) => return by_device().await,
            Err(_) => {}
        }
        let mut by_device = pin!(by_device());
        tokio::select! {
            connected = &mut by_routes => match connected {
                Ok(stream) => Ok(stream),
                Err(_) => by_device.await,
            },
            connected = &mut by_device => match connected {
                Ok(stream) => Ok(stream),
                Err(_) => by_routes.await,
            },
        }
    }
}

async fn connect(
    from: Option<IpAddr>,
    device: Option<&str>,
    address: SocketAddr,
) -> io::Result<TcpStream> {
    let socket = socket(from, device, address)?;
    prepare(SockRef::from(&socket))?;
    socket.connect(address).await
}

/// A socket that connects from there.
fn socket(
    from: Option<IpAddr>,
    device: Option<&str>,
    address: SocketAddr,
) -> io::Result<TcpSocket> {
    let socket = if address.is_ipv4() { TcpSocket::new_v4()? } else { TcpSocket::new_v6()? };
    #[cfg(any(target_os = "android", target_os = "fuchsia", target_os = "linux"))]
    if let Some(device) = device {
        // Without it the routes decide, which mostly are right.
        let _ = socket.bind_device(Some(device.as_bytes()));
    }
    #[cfg(not(any(target_os = "android", target_os = "fuchsia", target_os = "linux")))]
    let _ = device;
    if let Some(local) = from {
        let scope = match address {
            SocketAddr::V6(address) if is_link_local(&local) => address.scope_id(),
            _ => 0,
        };
        socket.bind(match local {
            IpAddr::V4(local) => (local, 0).into(),
            IpAddr::V6(local) => SocketAddrV6::new(local, 0, 0, scope).into(),
        })?;
    }
    Ok(socket)
}

/// Whether an address says nothing without the interface that it belongs to.
const fn is_link_local(address: &IpAddr) -> bool {
    matches!(address, IpAddr::V6(address) if address.is_unicast_link_local())
}

#[cfg(test)]
mod tests {
    use std::io::ErrorKind;
    use std::net::{IpAddr, Ipv6Addr, SocketAddr};
    use std::time::Duration;

    use socket2::{Domain, Socket, Type};
    use testkit::wait::soon;
    use tokio::net::{TcpListener, TcpStream};

    use super::Start;

    /// Tries the routes, and after `device_after` also loopback alone.
    fn by_lo_after(device_after: Duration) -> Start {
        Start { address: None, device: Some("lo".into()), device_after }
    }

    #[tokio::test]
    async fn what_is_refused_by_the_routes_is_tried_by_the_device_at_once() {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
        let address = listener.local_addr().unwrap();
        drop(listener);
        let refused = soon(by_lo_after(Duration::from_secs(3600)).connect(address)).await;
        assert_eq!(refused.unwrap_err().kind(), ErrorKind::ConnectionRefused);
    }

    /// A mailbox whose queue is full answers neither way. When there is room again both come, and
    /// which of them is first is up to the system.
    #[tokio::test]
    async fn of_two_ways_one_stays() {
        let listener = Socket::new(Domain::IPV4, Type::STREAM, None).unwrap();
        listener.bind(&SocketAddr::from(([127, 0, 0, 1], 0)).into()).unwrap();
        listener.listen(0).unwrap();
        listener.set_nonblocking(true).unwrap();
        let listener = TcpListener::from_std(listener.into()).unwrap();
        let address = listener.local_addr().unwrap();
        let _waits = TcpStream::connect(address).await.unwrap();
        let start = by_lo_after(Duration::from_millis(20));
        let mut connecting = tokio::spawn(async move { start.connect(address).await });
        let early = tokio::time::timeout(Duration::from_millis(200), &mut connecting).await;
        assert!(early.is_err(), "the queue is full: {early:?}");
        let mut accepted = Vec::new();
        let connected = loop {
            tokio::select! {
                incoming = soon(listener.accept()) => accepted.push(incoming.unwrap()),
                connected = &mut connecting => break connected.unwrap().unwrap(),
            }
        };
        // What a full queue has not seen of a connection it sees with the first byte.
        connected.try_write(b"x").unwrap();
        let local = connected.local_addr().unwrap();
        while !accepted.iter().any(|(_, from)| *from == local) {
            accepted.push(soon(listener.accept()).await.unwrap());
        }
    }

    #[tokio::test]
    async fn from_an_address_of_another_host_nothing_begins() {
        let link_local = Ipv6Addr::new(0xfe80, 0, 0, 0, 0, 0, 0, 0x1234);
        let start = Start { address: Some(IpAddr::V6(link_local)), ..Start::default() };
        let error = start.connect(SocketAddr::from((Ipv6Addr::LOCALHOST, 1))).await.unwrap_err();
        assert!(error.raw_os_error().is_some(), "{error}: of the system");
    }
}
