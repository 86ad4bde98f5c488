//! The network interface that a node lives on.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, SocketAddr, UdpSocket};
use std::str::FromStr;

use if_addrs::{IfAddr, IfOperStatus, Ifv4Addr};

/// Every broadcast on the loopback interface goes to this address, and stays on the machine.
const LOOPBACK_BROADCAST: Ipv4Addr = Ipv4Addr::new(127, 255, 255, 255);

/// Which interface a node is to use.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum InterfaceChoice {
    /// The one that the default route goes through, else the first that can broadcast. Without
    /// any the node starts on loopback, and moves as soon as one appears.
    #[default]
    Auto,
    /// The interface with this name, such as `eth0` or `lo`; the first of its IPv4 addresses.
    Name(String),
    /// The interface with this IPv4 address.
    Address(Ipv4Addr),
}

impl From<&str> for InterfaceChoice {
    /// An IPv4 address, `*` for [`Auto`](Self::Auto), or the name of an interface.
    fn from(text: &str) -> Self {
        match (text, Ipv4Addr::from_str(text)) {
            ("*", _) => Self::Auto,
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

impl From<Ipv4Addr> for InterfaceChoice {
    fn from(address: Ipv4Addr) -> Self {
        Self::Address(address)
    }
}

impl fmt::Display for InterfaceChoice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Auto => f.write_str("*"),
            Self::Name(name) => f.write_str(name),
            Self::Address(address) => address.fmt(f),
        }
    }
}

/// An interface that a node can live on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Interface {
    /// Its name, such as `eth0`.
    pub name: String,
    /// The node's address on it.
    pub address: Ipv4Addr,
    /// Where beacons go.
    pub broadcast: Ipv4Addr,
}

impl Interface {
    /// Whether it is the loopback interface: only nodes on this machine are found.
    pub const fn is_loopback(&self) -> bool {
        self.address.is_loopback()
    }

    /// The loopback interface, which every machine has.
    pub(crate) fn loopback() -> Self {
        Self { name: "lo".to_owned(), address: Ipv4Addr::LOCALHOST, broadcast: LOOPBACK_BROADCAST }
    }

    /// Whether a beacon from this address can come from a neighbour: a node on loopback hears
    /// only loopback, and a node on a real interface only other machines and itself.
    pub(crate) const fn hears(&self, source: IpAddr) -> bool {
        self.is_loopback() == source.is_loopback()
    }

    /// The interface of this choice, or `None` if it is not there (now).
    pub(crate) fn find(choice: &InterfaceChoice) -> std::io::Result<Option<Self>> {
        let mut usable: Vec<_> = if_addrs::get_if_addrs()?
            .into_iter()
            .filter_map(|found| {
                let down = matches!(found.oper_status, IfOperStatus::Down);
                let IfAddr::V4(address) = &found.addr else { return None };
                let broadcast = broadcast(address, found.is_p2p)?;
                let index = found.index.unwrap_or(u32::MAX);
                let usable = Self { name: found.name, address: address.ip, broadcast };
                (!down).then_some((index, usable))
            })
            .collect();
        usable.sort_by_key(|(index, _)| *index);
        let mut usable = usable.into_iter().map(|(_, interface)| interface);
        Ok(match choice {
            InterfaceChoice::Name(name) => usable.find(|interface| interface.name == *name),
            InterfaceChoice::Address(address) => {
                usable.find(|interface| interface.address == *address)
            }
            InterfaceChoice::Auto => {
                let mut real: Vec<_> =
                    usable.filter(|interface| !interface.is_loopback()).collect();
                let routed = routed_address();
                // Stable: the first by index among equals.
                real.sort_by_key(|interface| {
                    (Some(interface.address) != routed, interface.address.is_link_local())
                });
                real.into_iter().next()
            }
        })
    }

    /// The names and addresses of all interfaces, for an error message.
    pub(crate) fn list() -> String {
        let found = if_addrs::get_if_addrs().unwrap_or_default();
        let names: Vec<_> = found
            .iter()
            .filter(|found| found.ip().is_ipv4())
            .map(|found| format!("{} ({})", found.name, found.ip()))
            .collect();
        names.join(", ")
    }
}

/// Where broadcasts on an interface go; `None` if it has no broadcasts.
fn broadcast(address: &Ifv4Addr, is_p2p: bool) -> Option<Ipv4Addr> {
    if address.ip.is_loopback() {
        return Some(LOOPBACK_BROADCAST);
    }
    if is_p2p || address.prefixlen >= 31 {
        return None;
    }
    // Some interfaces are set up without a broadcast address; the mask tells it as well.
    let computed = Ipv4Addr::from_bits(address.ip.to_bits() | !address.netmask.to_bits());
    Some(address.broadcast.filter(|set| *set != address.ip).unwrap_or(computed))
}

/// The address that the default route leaves from. Connecting a UDP socket only looks up the
/// route; nothing is sent. The address is one that is reserved for documentation.
fn routed_address() -> Option<Ipv4Addr> {
    let socket = UdpSocket::bind((Ipv4Addr::UNSPECIFIED, 0)).ok()?;
    socket.connect((Ipv4Addr::new(192, 0, 2, 1), 9)).ok()?;
    match socket.local_addr().ok()? {
        SocketAddr::V4(local) => Some(*local.ip()),
        SocketAddr::V6(_) => None,
    }
}
