//! What the application is told of an interface.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr};

/// An interface of this host, and what a node makes of it.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Interface {
    /// Its name, such as `eth0`.
    pub name: String,
    /// All its addresses.
    pub addresses: Vec<IpAddr>,
    /// Of each of these, how many of its bits its subnet shares: 24 of `192.168.1.7/24`.
    pub prefixes: Vec<u8>,
    /// Those at which the node lives. None if it does not use the interface.
    pub used: Vec<IpAddr>,
    /// Where its beacons go by IPv4; by IPv6 they go to the multicast group `ff02::1`.
    pub broadcasts: Vec<Ipv4Addr>,
    /// Why it does not.
    pub unused: Option<UnusedReason>,
    /// Why the last beacon could not be sent there; `None` if it was. A firewall may be the reason.
    pub unsent: Option<String>,
}

impl Interface {
    /// Returns whether the node uses it.
    pub const fn is_used(&self) -> bool {
        self.unused.is_none()
    }

    /// Returns how many bits of an address of the interface its subnet shares; `None` if it has no such
    /// address.
    pub fn prefix(&self, address: IpAddr) -> Option<u8> {
        let place = self.addresses.iter().position(|own| *own == address)?;
        self.prefixes.get(place).copied()
    }

    /// Returns whether it is the loopback interface: only nodes on this machine are found.
    pub fn is_loopback(&self) -> bool {
        self.addresses.iter().any(IpAddr::is_loopback)
    }
}

impl fmt::Display for Interface {
    /// `eth0 (192.168.1.7)`, or `docker0 (172.17.0.1; it is down, or without a carrier)`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let addresses = if self.is_used() { &self.used } else { &self.addresses };
        let addresses: Vec<String> = addresses.iter().map(ToString::to_string).collect();
        write!(f, "{} ({}", self.name, addresses.join(", "))?;
        match self.unused {
            Some(why) => write!(f, "; {why})"),
            None => f.write_str(")"),
        }
    }
}

/// Why a node does not use an interface.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum UnusedReason {
    /// Others were asked for.
    NotChosen,
    /// The application has excepted it.
    Excepted,
    /// It is the loopback interface, which is used if it was asked for, or if there is no other.
    Loopback,
    /// It is switched off, or its cable is not plugged in.
    Down,
    /// It leads to one other host, like most VPNs: nobody can be found there.
    PointToPoint,
    /// None of its addresses, as far as they may be used, is one of a subnet with others.
    NoAddress,
    /// There are more than a node uses: 32, besides those that were asked for by name or address.
    TooMany,
}

impl fmt::Display for UnusedReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::NotChosen => "others were asked for",
            Self::Excepted => "it was excepted",
            Self::Loopback => "it is the loopback interface",
            Self::Down => "it is down, or without a carrier",
            Self::PointToPoint => "it leads to one other host",
            Self::NoAddress => "it has no address of a subnet",
            Self::TooMany => "there are too many",
        })
    }
}
