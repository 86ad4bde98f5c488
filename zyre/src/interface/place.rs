//! The addresses of this host, and those at which a node lives.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, SocketAddr, SocketAddrV6};

use super::host::HostAddress;

/// An address at which a node lives: its mailbox listens there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Place {
    pub(crate) interface: String,
    pub(crate) index: u32,
    pub(crate) address: IpAddr,
    pub(crate) prefix: u8,
    /// Where it is announced.
    pub(crate) announced: Option<Audience>,
}

/// Which nodes hear a beacon.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Audience {
    /// A subnet, by its broadcast address.
    Subnet(Ipv4Addr),
    /// All on the link that speak IPv6, by multicast.
    Link,
}

/// An address of this host, whether the node lives there or not.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct OwnAddress {
    /// With port 0. Of a link-local one the scope says which it is: interfaces may well have the
    /// same.
    pub(crate) address: SocketAddr,
    prefix: u8,
    /// Whether the node lives on the interface.
    used: bool,
}

impl Place {
    /// Its address, with this port.
    pub(crate) fn socket_address(&self, port: u16) -> SocketAddr {
        scoped(self.address, self.index, port)
    }

    pub(super) const fn broadcast(&self) -> Option<Ipv4Addr> {
        match self.announced {
            Some(Audience::Subnet(broadcast)) => Some(broadcast),
            Some(Audience::Link) | None => None,
        }
    }

    /// Whether an address is of the same subnet.
    pub(crate) fn is_near(&self, other: IpAddr) -> bool {
        is_near(self.address, self.prefix, other)
    }

    /// Whether the address says nothing without its interface.
    pub(crate) const fn is_link_local(&self) -> bool {
        matches!(self.address, IpAddr::V6(ip) if ip.is_unicast_link_local())
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} on {}", self.address, self.interface)
    }
}

impl OwnAddress {
    pub(super) fn new(address: &HostAddress, index: u32, used: bool) -> Self {
        let HostAddress { ip, prefix, .. } = *address;
        Self { address: scoped(ip, index, 0), prefix, used }
    }

    /// Whether an address is this one, or of a subnet on which the node lives.
    pub(crate) fn is_near(&self, other: IpAddr) -> bool {
        let own = self.address.ip();
        own == other || (self.used && is_near(own, self.prefix, other))
    }
}

/// The links on which IPv6 is spoken.
pub(crate) fn links(places: &[Place]) -> Vec<u32> {
    let mut links: Vec<u32> =
        places.iter().filter(|it| it.address.is_ipv6()).map(|it| it.index).collect();
    links.sort_unstable();
    links.dedup();
    links
}

/// An address without what a connection has made of it: IPv4 in its own form, a scope only if it
/// means something, and port 0.
pub(crate) fn bare(address: SocketAddr) -> SocketAddr {
    let scope = match address {
        SocketAddr::V6(address) => address.scope_id(),
        SocketAddr::V4(_) => 0,
    };
    scoped(address.ip().to_canonical(), scope, 0)
}

fn scoped(ip: IpAddr, index: u32, port: u16) -> SocketAddr {
    match ip {
        IpAddr::V6(ip) if ip.is_unicast_link_local() => {
            SocketAddrV6::new(ip, port, 0, index).into()
        }
        ip => (ip, port).into(),
    }
}

fn is_near(ip: IpAddr, prefix: u8, other: IpAddr) -> bool {
    HostAddress { ip, prefix, broadcast: None }.is_near(other)
}
