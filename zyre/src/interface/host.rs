//! What interfaces the host has.

use std::io;
use std::net::{IpAddr, Ipv4Addr};

use if_addrs::{IfAddr, IfOperStatus};

/// An interface as the system describes it, with its addresses in the order in which it lists them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct HostInterface {
    pub(super) name: String,
    pub(super) index: u32,
    /// Up, and with a carrier, as far as the system knows.
    pub(super) running: bool,
    pub(super) point_to_point: bool,
    pub(super) addresses: Vec<HostAddress>,
}

/// An address of an interface.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct HostAddress {
    pub(super) ip: IpAddr,
    /// Bits of it that its subnet shares.
    pub(super) prefix: u8,
    /// Where broadcasts to its subnet go, if the system says so.
    pub(super) broadcast: Option<Ipv4Addr>,
}

impl HostInterface {
    /// One that is up, with addresses such as `10.0.0.7/8`.
    #[cfg(test)]
    pub(super) fn example(name: &str, index: u32, addresses: &[&str]) -> Self {
        let address = |text: &&str| {
            let (ip, prefix) = text.split_once('/').unwrap();
            let (ip, prefix) = (ip.parse().unwrap(), prefix.parse().unwrap());
            HostAddress { ip, prefix, broadcast: None }
        };
        let addresses = addresses.iter().map(address).collect();
        let name = name.to_owned();
        Self { name, index, running: true, point_to_point: false, addresses }
    }

    pub(super) fn is_loopback(&self) -> bool {
        self.addresses.iter().any(|address| address.ip.is_loopback())
    }
}

impl HostAddress {
    /// Whether an address is of the same subnet.
    pub(super) fn is_near(&self, other: IpAddr) -> bool {
        let same =
            |own: u128, other: u128, bits: u32| own.checked_shr(bits) == other.checked_shr(bits);
        match (self.ip, other) {
            (IpAddr::V4(own), IpAddr::V4(other)) => {
                let bits = 32_u32.saturating_sub(self.prefix.into());
                same(own.to_bits().into(), other.to_bits().into(), bits)
            }
            (IpAddr::V6(own), IpAddr::V6(other)) => {
                same(own.to_bits(), other.to_bits(), 128_u32.saturating_sub(self.prefix.into()))
            }
            _ => false,
        }
    }
}

/// The interfaces that have an address, the first by index first.
pub(super) fn look() -> io::Result<Vec<HostInterface>> {
    let mut interfaces: Vec<HostInterface> = Vec::new();
    for found in if_addrs::get_if_addrs()? {
        let address = match &found.addr {
            IfAddr::V4(it) => {
                HostAddress { ip: it.ip.into(), prefix: it.prefixlen, broadcast: it.broadcast }
            }
            IfAddr::V6(it) => {
                HostAddress { ip: it.ip.into(), prefix: it.prefixlen, broadcast: None }
            }
        };
        match interfaces.iter_mut().find(|interface| interface.name == found.name) {
            Some(interface) => interface.addresses.push(address),
            None => interfaces.push(HostInterface {
                index: found.index.unwrap_or_default(),
                running: found.oper_status == IfOperStatus::Up,
                point_to_point: found.is_p2p,
                addresses: vec![address],
                name: found.name,
            }),
        }
    }
    interfaces.sort_by_key(|interface| interface.index);
    Ok(interfaces)
}
