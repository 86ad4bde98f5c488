//! What the application asks for.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::str::FromStr;

/// One or more of the interfaces that a node may use.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum InterfaceChoice {
    /// All but loopback.
    Any,
    /// The interface with this name, such as `eth0` or `lo`.
    Name(String),
    /// This address of an interface, and no other of it.
    Address(IpAddr),
}

impl InterfaceChoice {
    /// Whether this is a name that can only be meant as an address: digits and dots, or with colons.
    pub(crate) fn is_mistyped_address(&self) -> bool {
        let Self::Name(name) = self else { return false };
        let is_v4 =
            name.contains('.') && name.chars().all(|char| char.is_ascii_digit() || char == '.');
        is_v4 || name.matches(':').count() > 1
    }
}

impl From<&str> for InterfaceChoice {
    /// Converts an address, `*` for [`Any`](Self::Any), or the name of an interface. What looks
    /// like an address and is none becomes a name; if there is no such interface, the node does not
    /// start, with [`InvalidAddress`](crate::StartError::InvalidAddress).
    fn from(text: &str) -> Self {
        // A scope is told by the interface that has the address.
        let bare = text.split_once('%').map_or(text, |(bare, _scope)| bare);
        match (text, IpAddr::from_str(bare)) {
            ("*", _) => Self::Any,
            (_, Ok(address)) => Self::Address(address),
            (name, Err(_)) => Self::Name(name.to_owned()),
        }
    }
}

impl From<String> for InterfaceChoice {
    fn from(text: String) -> Self {
        text.as_str().into()
    }
}

impl From<IpAddr> for InterfaceChoice {
    fn from(address: IpAddr) -> Self {
        Self::Address(address)
    }
}

impl From<Ipv4Addr> for InterfaceChoice {
    fn from(address: Ipv4Addr) -> Self {
        Self::Address(address.into())
    }
}

impl From<Ipv6Addr> for InterfaceChoice {
    fn from(address: Ipv6Addr) -> Self {
        Self::Address(address.into())
    }
}

impl fmt::Display for InterfaceChoice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Any => f.write_str("*"),
            Self::Name(name) => f.write_str(name),
            Self::Address(address) => address.fmt(f),
        }
    }
}
