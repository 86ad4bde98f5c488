//! The one node that is not seen: a name, or where it is.

use std::net::{IpAddr, SocketAddr};

use tokio::net::lookup_host;

/// Where mailboxes are mostly: the first ports from 49152 up.
const PORTS: std::ops::Range<u16> = 49152..49160;

/// What the user has named.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Target {
    /// As the user has called it.
    pub(super) text: String,
    pub(super) addresses: Vec<IpAddr>,
    /// The port of its mailbox, if the user has said.
    port: Option<u16>,
}

impl Target {
    /// Finds out what is meant: an address, with a port or without, a host name, or the name of a node.
    pub(super) async fn find(text: &str) -> Self {
        let text = text.strip_prefix("tcp://").unwrap_or(text);
        let target = |addresses, port| Self { text: text.to_owned(), addresses, port };
        if let Ok(address) = text.parse::<SocketAddr>() {
            return target(vec![address.ip()], Some(address.port()));
        }
        if let Ok(address) = text.parse::<IpAddr>() {
            return target(vec![address], None);
        }
        let (name, port) = match text.rsplit_once(':').map(|(name, port)| (name, port.parse())) {
            Some((name, Ok(port))) => (name, Some(port)),
            _ => (text, None),
        };
        // If there is no such host, it is the name of a node.
        let found = lookup_host((name, port.unwrap_or_default())).await;
        let mut addresses: Vec<IpAddr> =
            found.map(|found| found.map(|it| it.ip()).collect()).unwrap_or_default();
        addresses.dedup();
        target(addresses, port)
    }

    /// Returns whether the user has named a place, and not only a name.
    pub(super) const fn has_place(&self) -> bool {
        !self.addresses.is_empty()
    }

    /// Returns where its mailbox may be.
    pub(super) fn places(&self) -> Vec<SocketAddr> {
        let ports = self.port.map_or(PORTS, |port| port..port.saturating_add(1));
        let places = |address: &IpAddr| {
            let address = *address;
            ports.clone().map(move |port| SocketAddr::new(address, port))
        };
        self.addresses.iter().flat_map(places).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_place_is_an_address_with_a_port_or_without() {
        let one = Target::find("10.0.0.7:5").await;
        assert_eq!(one.places(), ["10.0.0.7:5".parse().unwrap()]);
        assert_eq!(Target::find("tcp://[fe80::7%3]:5").await.places().len(), 1);
        let any = Target::find("10.0.0.7").await;
        assert!(any.has_place() && any.places().contains(&"10.0.0.7:49153".parse().unwrap()));
        let here = Target::find("localhost:7").await;
        assert!(here.places().contains(&"127.0.0.1:7".parse().unwrap()), "{here:?}");
        let name = Target::find("nobody at all").await;
        assert!(!name.has_place() && name.places().is_empty());
    }
}
